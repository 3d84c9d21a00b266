//! The limits of a running container, changed in place.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::group::write_existing;
use super::layout::{Layout, Version, effective_cpus_of};
use super::{CpuSet, Error, Groups, Result};
use crate::config::Vmid;

/// Writes limits, and knows what they were before.
pub(crate) struct Limits<'a> {
    layout: &'a Layout,
    groups: Groups<'a>,
    /// Files with their former values, in the order of writing.
    before: Vec<(PathBuf, String)>,
}

impl<'a> Limits<'a> {
    /// Of this container, on this host. Nothing is looked at yet.
    #[must_use]
    pub(crate) fn new(layout: &'a Layout, vmid: Vmid) -> Self {
        Self { layout, groups: Groups::new(layout, vmid), before: Vec::new() }
    }

    /// The version of the tree that has a file such as `memory.max`: that of its controller.
    #[must_use]
    pub(crate) fn version_of(&self, file: &str) -> Option<Version> {
        self.layout.version_of(controller(file))
    }

    /// The present value of a file such as `memory.max`; `None` when there is none.
    pub(crate) fn read(&self, file: &str) -> Result<Option<String>> {
        let Some(folder) = self.groups.limits(controller(file)) else { return Ok(None) };
        let path = folder.join(file);
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text.trim_end().to_owned())),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(Error::io("read", &path, e)),
        }
    }

    /// Writes a file such as `memory.max`; nothing without its controller.
    pub(crate) fn write(&mut self, file: &str, value: &str) -> Result<()> {
        match self.groups.limits(controller(file)) {
            Some(folder) => self.replace(&folder.join(file), value),
            None => Ok(()),
        }
    }

    /// Lets the container use these processors and no others.
    pub(crate) fn set_cpus(&mut self, cpus: &CpuSet) -> Result<()> {
        const FILE: &str = "cpuset.cpus";
        let Some(folder) = self.groups.limits("cpuset") else { return Ok(()) };
        if self.version_of(FILE) == Some(Version::V2) {
            return self.replace(&folder.join(FILE), &cpus.to_string());
        }
        // In version 1 a group may have no processor that the group above it has not: first all get the new ones,
        // from above, then all lose the others, from below.
        let folders = tree(&folder)?;
        for folder in &folders {
            let path = folder.join(FILE);
            let mut both = cpus_of(&path)?;
            both.0.extend(cpus.iter());
            self.replace(&path, &both.to_string())?;
        }
        for folder in folders.iter().rev() {
            self.replace(&folder.join(FILE), &cpus.to_string())?;
        }
        Ok(())
    }

    fn replace(&mut self, path: &Path, value: &str) -> Result<()> {
        let before = fs::read_to_string(path).map_err(|e| Error::io("read", path, e))?;
        let before = before.trim_end().to_owned();
        if before == value {
            return Ok(());
        }
        put(path, value)?;
        self.before.push((path.to_owned(), before));
        Ok(())
    }

    /// Puts everything back that was written, and returns what could not be.
    pub(crate) fn restore(self) -> Vec<Error> {
        self.before.into_iter().rev().filter_map(|(path, value)| put(&path, &value).err()).collect()
    }
}

/// Writes a value. Some kernels do not take an empty set of processors from a group that has processes (ENOSPC): then it gets
/// all of the group above, which is the same limit.
fn put(path: &Path, value: &str) -> Result<()> {
    // An empty text is a line of its own: a write of no bytes is none.
    let write = |value: &str| write_existing(path, &format!("{value}\n"));
    let written = match write(value) {
        Err(error) if value.is_empty() && error.kind() == io::ErrorKind::StorageFull => {
            let above = path.parent().and_then(Path::parent).unwrap_or(path);
            match effective_cpus_of(above)? {
                Some(all) => write(&all.to_string()),
                None => Err(error),
            }
        }
        other => other,
    };
    written.map_err(|e| Error::io("write", path, e))
}

fn controller(file: &str) -> &str {
    file.split('.').next().unwrap_or(file)
}

fn cpus_of(path: &Path) -> Result<CpuSet> {
    let text = fs::read_to_string(path).map_err(|e| Error::io("read", path, e))?;
    text.parse().map_err(|source| Error::CpuSet { path: path.to_owned(), source })
}

/// A group and all below it, each after the one above it.
pub(super) fn tree(top: &Path) -> Result<Vec<PathBuf>> {
    let mut folders = vec![top.to_owned()];
    let mut at = 0;
    while let Some(folder) = folders.get(at).cloned() {
        at += 1;
        let entries = fs::read_dir(&folder).map_err(|e| Error::io("read", &folder, e))?;
        let below =
            entries.filter_map(io::Result::ok).filter(|e| e.file_type().is_ok_and(|kind| kind.is_dir()));
        folders.extend(below.map(|entry| entry.path()));
    }
    Ok(folders)
}
