//! A container's groups in every tree: their processes, ending them, removing what stayed.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;

use super::layout::{Layout, effective_cpus_of};
use super::{CpuSet, Error, Result};
use crate::config::Vmid;
use crate::sys::pidfd::Pidfd;

/// A group of processes that have ended a moment ago can be busy for as long.
const SETTLE: Duration = Duration::from_secs(1);

/// Which of a container's groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// `lxc/<vmid>`: what runs in the container, with its limits.
    Container,
    /// `lxc.monitor/<vmid>`: the process that watches it.
    Monitor,
}

impl Part {
    fn folder(self) -> &'static str {
        match self {
            Self::Container => "lxc",
            Self::Monitor => "lxc.monitor",
        }
    }
}

/// The groups of one container.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Groups<'a> {
    layout: &'a Layout,
    vmid: Vmid,
}

impl<'a> Groups<'a> {
    /// Of this container, on this host. Nothing is looked at yet.
    #[must_use]
    pub(crate) fn new(layout: &'a Layout, vmid: Vmid) -> Self {
        Self { layout, vmid }
    }

    /// The folder with the container's limits and usage in the tree that has the controller, there or not.
    #[must_use]
    pub(crate) fn limits(&self, controller: &str) -> Option<PathBuf> {
        let hierarchy = self.layout.hierarchy_of(controller)?;
        Some(hierarchy.path.join(Part::Container.folder()).join(self.vmid.to_string()))
    }

    /// The same folder in the unified tree, whatever controllers that has.
    pub(super) fn unified_limits(&self) -> Option<PathBuf> {
        let hierarchy = self.layout.unified()?;
        Some(hierarchy.path.join(Part::Container.folder()).join(self.vmid.to_string()))
    }

    /// The folders that are there, of every tree. liblxc evades a folder that stayed from before by a suffix
    /// `-<n>`: those are the container's, too.
    #[must_use]
    pub(crate) fn folders(&self, part: Part) -> Vec<PathBuf> {
        let parents = self.layout.hierarchies.iter().map(|hierarchy| hierarchy.path.join(part.folder()));
        let mut folders: Vec<PathBuf> = parents
            .filter_map(|parent| fs::read_dir(parent).ok())
            .flatten()
            .filter_map(io::Result::ok)
            // Not through a symlink.
            .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
            .filter(|entry| entry.file_name().to_str().is_some_and(|name| self.owns(name)))
            .map(|entry| entry.path())
            .collect();
        folders.sort();
        folders
    }

    /// Removes groups without any process whose names begin with the container's number and go on with anything but
    /// a digit. CRIU 4.1 makes such by a fault of its own, when it restores a group of version 1: the rest of the name is
    /// what happened to be in its memory.
    pub(crate) fn remove_strays(&self) {
        let number = self.vmid.to_string();
        let is_stray = |name: &OsStr| {
            let rest = name.as_bytes().strip_prefix(number.as_bytes());
            rest.and_then(<[u8]>::first).is_some_and(|next| !next.is_ascii_digit())
        };
        let parents = self.layout.hierarchies.iter().map(|tree| tree.path.join(Part::Container.folder()));
        let entries = parents.filter_map(|parent| fs::read_dir(parent).ok()).flatten().flatten();
        let strays = entries.filter(|entry| is_stray(&entry.file_name()));
        let is_empty = |folder: &Path| {
            let mut pids = BTreeSet::new();
            collect_pids(folder, &mut pids).is_ok() && pids.is_empty()
        };
        for folder in strays.map(|entry| entry.path()).filter(|folder| is_empty(folder)) {
            // What cannot be removed is somebody's.
            let _ = remove_tree(CWD, folder.as_os_str(), &folder);
        }
    }

    fn owns(&self, name: &str) -> bool {
        let Some(rest) = name.strip_prefix(&self.vmid.to_string()) else { return false };
        let numbered = |n: &str| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit());
        rest.is_empty() || rest.strip_prefix('-').is_some_and(numbered)
    }

    /// The processes in the groups and all below, each once; those that another process-id namespace hides are
    /// missing.
    pub(crate) fn members(&self, part: Part) -> Result<BTreeSet<i32>> {
        let mut pids = BTreeSet::new();
        for folder in self.folders(part) {
            collect_pids(&folder, &mut pids)?;
        }
        Ok(pids)
    }

    /// Kills every process of the container (not its monitor) and waits until all have ended.
    ///
    /// [`Error::StillAlive`] if that takes longer than `timeout`.
    pub(crate) fn kill_all(&self, timeout: Duration) -> Result<()> {
        let start = Instant::now();
        let mut pause = Duration::from_millis(1);
        loop {
            for folder in self.folders(Part::Container) {
                // Kills the whole tree at once, and what is being forked with it (v2, since Linux 5.14).
                let _ = write_existing(&folder.join("cgroup.kill"), "1");
                thaw(&folder);
            }
            let targets: Vec<Pidfd> = self
                .members(Part::Container)?
                .into_iter()
                .filter_map(|pid| Pidfd::open(pid).transpose())
                .collect::<std::result::Result<_, _>>()?;
            // A number may have been reused before it was opened, but what is a member now is no stranger.
            let members = self.members(Part::Container)?;
            for target in targets.iter().filter(|target| members.contains(&target.pid())) {
                target.send(libc::SIGKILL)?;
            }
            if members.is_empty() {
                return Ok(());
            }
            if start.elapsed() >= timeout {
                return Err(Error::StillAlive { pids: members.into_iter().take(10).collect() });
            }
            sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(20));
        }
    }

    /// Waits, at most `timeout`, until the processes of the monitor have ended, but for this one. Who lives on is told by
    /// [`Groups::remove_stale`].
    pub(crate) fn wait_for_monitor(&self, timeout: Duration) -> Result<()> {
        let deadline = Instant::now() + timeout;
        let own = std::process::id().cast_signed();
        for pid in self.members(Part::Monitor)?.into_iter().filter(|pid| *pid != own) {
            if let Some(process) = Pidfd::open(pid)? {
                process.wait(Some(deadline.saturating_duration_since(Instant::now())))?;
            }
        }
        Ok(())
    }

    /// Removes all groups of the container and its monitor that stayed behind, from below. How many trees had
    /// some.
    ///
    /// Only empty groups can go: [`Error::Busy`] if there are processes. All others are removed nevertheless.
    pub(crate) fn remove_stale(&self) -> Result<usize> {
        let mut failure = None;
        let mut removed = 0;
        for part in [Part::Container, Part::Monitor] {
            for folder in self.folders(part) {
                match remove_tree(CWD, folder.as_os_str(), &folder) {
                    Ok(()) => removed += 1,
                    Err(e) => failure = failure.or(Some(e)),
                }
            }
        }
        failure.map_or(Ok(removed), Err)
    }

    /// Has this process, and what it starts, be one of the monitor's, where there is such a group.
    pub(crate) fn join_monitor(&self) -> Result<()> {
        for folder in self.folders(Part::Monitor) {
            let file = folder.join("cgroup.procs");
            match write_existing(&file, &std::process::id().to_string()) {
                Err(error) if !is_gone(&error) => return Err(Error::io("write", &file, error)),
                _ => {}
            }
        }
        Ok(())
    }

    /// The processors that the running container may use; `None` if it is not running.
    pub(crate) fn effective_cpus(&self) -> Result<Option<CpuSet>> {
        self.limits("cpuset").map_or(Ok(None), |folder| effective_cpus_of(&folder))
    }
}

/// In version 1 a frozen process dies only when thawed, and every group below can be frozen by itself.
fn thaw(folder: &Path) {
    if write_existing(&folder.join("freezer.state"), "THAWED").is_err() {
        return;
    }
    for entry in fs::read_dir(folder).into_iter().flatten().filter_map(io::Result::ok) {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            thaw(&entry.path());
        }
    }
}

/// Writes to a file that must exist: in a group, creating one is never meant.
pub(super) fn write_existing(path: &Path, text: &str) -> io::Result<()> {
    io::Write::write_all(&mut fs::File::options().write(true).open(path)?, text.as_bytes())
}

fn collect_pids(folder: &Path, pids: &mut BTreeSet<i32>) -> Result<()> {
    let path = folder.join("cgroup.procs");
    match fs::read_to_string(&path) {
        // 0 stands for a process that this process-id namespace does not see.
        Ok(text) => pids.extend(text.lines().filter_map(|l| l.parse().ok()).filter(|pid: &i32| *pid > 0)),
        Err(e) if is_gone(&e) => return Ok(()),
        // A threaded group has only threads; its processes are listed above it.
        Err(e) if e.raw_os_error() == Some(libc::EOPNOTSUPP) => {}
        Err(e) => return Err(Error::io("read", &path, e)),
    }
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if is_gone(&e) => return Ok(()),
        Err(e) => return Err(Error::io("read", folder, e)),
    };
    for entry in entries.filter_map(io::Result::ok) {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            collect_pids(&entry.path(), pids)?;
        }
    }
    Ok(())
}

/// ENODEV: read from a group that was removed while open.
fn is_gone(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ENOENT | libc::ENODEV))
}

/// Removes a group with all below. Files need no removing: they are the kernel's.
fn remove_tree(parent: impl rustix::fd::AsFd + Copy, name: &std::ffi::OsStr, shown: &Path) -> Result<()> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let folder: OwnedFd = match rustix::fs::openat(parent, name, flags, Mode::empty()) {
        Ok(folder) => folder,
        Err(Errno::NOENT) => return Ok(()),
        Err(e) => return Err(Error::io("read", shown, e)),
    };
    let entries = Dir::read_from(&folder).map_err(|e| Error::io("read", shown, e))?;
    for entry in entries {
        let Ok(entry) = entry else { break };
        let child =
            <std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(entry.file_name().to_bytes());
        if entry.file_type() == FileType::Directory && child != "." && child != ".." {
            remove_tree(&folder, child, &shown.join(child))?;
        }
    }
    let start = Instant::now();
    loop {
        match rustix::fs::unlinkat(parent, name, AtFlags::REMOVEDIR) {
            Ok(()) | Err(Errno::NOENT) => return Ok(()),
            Err(Errno::BUSY) => {
                let mut pids = BTreeSet::new();
                collect_pids(shown, &mut pids)?;
                if !pids.is_empty() || start.elapsed() > SETTLE {
                    return Err(Error::Busy {
                        path: shown.to_owned(),
                        pids: pids.into_iter().take(10).collect(),
                    });
                }
                sleep(Duration::from_millis(2));
            }
            Err(e) => return Err(Error::io("remove", shown, e)),
        }
    }
}
