//! Snapshots that liblxc itself keeps. pct has its own; this is for containers that were not made by it.

use std::ffi::{CStr, CString, c_char};
use std::path::{Path, PathBuf};

use lxc_sys::lxc_snapshot;

use super::args::pointer;
use super::container::{check_name, check_path, clear_errno, method};
use super::{Container, Error, Result, cbox, threads};

/// A snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Its name, e.g. `snap0`.
    pub name: String,
    /// The file with the comment.
    pub comment_file: Option<PathBuf>,
    /// When it was made, as liblxc wrote it down.
    pub timestamp: Option<String>,
    /// The lxcpath it is under.
    pub lxcpath: Option<PathBuf>,
}

impl Container {
    /// Makes a snapshot of the stopped container, with a copy of the comment's file, and gives its name. liblxc copies
    /// folders by the program rsync(1).
    ///
    /// # Errors
    /// When only the comment cannot be copied, the snapshot is there.
    pub fn snapshot(&mut self, comment_file: Option<&Path>) -> Result<String> {
        const WHAT: &str = "make a snapshot of";
        threads::refuse(WHAT, self.name())?;
        self.require_rootfs()?;
        let snapshot = method!(self, snapshot)?;
        let comment_file = comment_file.map(check_path).transpose()?;
        threads::keep_descriptors(WHAT, self.name())?;
        clear_errno();
        // SAFETY: our reference, NULL or a C string that outlives the call.
        match unsafe { snapshot(self.raw(), pointer(&comment_file)) } {
            number @ 0.. => Ok(format!("snap{number}")),
            code => Err(Error::call(WHAT, self.name(), code.into())),
        }
    }

    /// Makes a container of a snapshot. `None` is this container itself, whose root file system is removed before; the
    /// handle keeps the config it had.
    pub fn restore_snapshot(&mut self, snapshot: &str, new_name: Option<&str>) -> Result<()> {
        const WHAT: &str = "restore a snapshot of";
        threads::refuse(WHAT, self.name())?;
        self.require_rootfs()?;
        let restore = method!(self, snapshot_restore)?;
        let snapshot = snapshot_name(snapshot)?;
        new_name.map(check_name).transpose()?;
        let new_name = new_name.map(|name| super::config::text("name", name)).transpose()?;
        threads::keep_descriptors(WHAT, self.name())?;
        // SAFETY: our reference, NULL or C strings that outlive the call.
        self.done(WHAT, || unsafe { restore(self.raw(), snapshot.as_ptr(), pointer(&new_name)) })
    }

    /// Removes a snapshot.
    pub fn destroy_snapshot(&mut self, snapshot: &str) -> Result<()> {
        const WHAT: &str = "remove a snapshot of";
        threads::refuse(WHAT, self.name())?;
        let destroy = method!(self, snapshot_destroy)?;
        let snapshot = snapshot_name(snapshot)?;
        // SAFETY: our reference and a C string that outlives the call.
        self.done(WHAT, || unsafe { destroy(self.raw(), snapshot.as_ptr()) })
    }

    /// Removes all snapshots, and the folder they are in; an error when there is none.
    pub fn destroy_all_snapshots(&mut self) -> Result<()> {
        const WHAT: &str = "remove the snapshots of";
        threads::refuse(WHAT, self.name())?;
        let destroy = method!(self, snapshot_destroy_all)?;
        // SAFETY: our reference.
        self.done(WHAT, || unsafe { destroy(self.raw()) })
    }

    /// The snapshots of a defined container.
    pub fn snapshots(&self) -> Result<Vec<Snapshot>> {
        let list = method!(self, snapshot_list)?;
        // Stays as it is when there are none.
        let mut array: *mut lxc_snapshot = std::ptr::null_mut();
        clear_errno();
        // SAFETY: our reference and a pointer that outlives the call.
        let count = unsafe { list(self.raw(), &raw mut array) };
        // SAFETY: malloc'ed for us, or still NULL.
        let array = unsafe { cbox::CBox::take(array) };
        let members = usize::try_from(count)
            .map_err(|_| Error::call("list the snapshots of", self.name(), count.into()))?;
        let Some(array) = array else { return Ok(Vec::new()) };
        let snapshot = |index| {
            // SAFETY: the array has `count` members; each frees its strings by its own function, once.
            unsafe {
                let member = array.as_ptr().add(index);
                let snapshot = Snapshot {
                    name: text((*member).name).unwrap_or_default(),
                    comment_file: text((*member).comment_pathname).map(PathBuf::from),
                    timestamp: text((*member).timestamp),
                    lxcpath: text((*member).lxcpath).map(PathBuf::from),
                };
                if let Some(free) = (*member).free {
                    free(member);
                }
                snapshot
            }
        };
        Ok((0..members).map(snapshot).collect())
    }
}

/// liblxc makes a path of it.
fn snapshot_name(name: &str) -> Result<CString> {
    check_name(name)?;
    super::config::text("name", name)
}

/// # Safety
/// NULL or a C string.
unsafe fn text(text: *mut c_char) -> Option<String> {
    // SAFETY: passed on.
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned())
}
