//! Where a detached mount goes: walking to it, and moving it there.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{CWD, Gid, Mode, OFlags, ResolveFlags, Uid};
use rustix::io::Errno;
use rustix::mount::MoveMountFlags;

use super::{Error, Result};
use crate::sys::fsid::FsIds;

/// How to insert a mount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Insert {
    /// Host (uid, gid) of directories that have to be made.
    pub owner: (u32, u32),
    /// Give the root directory of the mount the owner and mode of the directory it covers. For new volumes
    /// only: on a bind mount this would change the host's directory.
    pub keep_attributes: bool,
}

/// Attaches a detached mount on a directory that the caller alone controls.
pub(crate) fn attach(mount: BorrowedFd<'_>, target: &Path) -> Result<()> {
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH;
    rustix::mount::move_mount(mount, "", CWD, target, flags)
        .map_err(|e| Error::os(format!("attach a mount on '{}'", target.display()), e))
}

/// Attaches a detached mount at `path` below `root`, a directory whose content is not to be trusted.
///
/// Missing directories are made, mode 0755. A symlink anywhere on the way is an error, as is `..`
/// (spec: runtime, parts 4.2 and 4.3).
pub(crate) fn insert(root: BorrowedFd<'_>, path: &str, mount: BorrowedFd<'_>, how: Insert) -> Result<()> {
    let target = walk_below(root, path, how.owner)?;
    if how.keep_attributes {
        keep_attributes(target.as_fd(), mount, path)?;
    }
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    rustix::mount::move_mount(mount, "", &target, "", flags)
        .map_err(|e| Error::os(format!("attach a mount at '{path}'"), e))
}

/// Opens a directory of the host, step by step, over no symlink.
pub(crate) fn open_directory(path: &str) -> Result<OwnedFd> {
    let missing = || Error::NoDirectory { path: path.to_owned() };
    if !path.starts_with('/') {
        return Err(missing());
    }
    let mut walk = Walk::from_host_root()?;
    for name in components(path)? {
        if !walk.step(name)? {
            return Err(missing());
        }
    }
    Ok(walk.here)
}

/// Whether a mount could be inserted at `path` below `root`: what there is of the path leads over no symlink. Makes
/// nothing.
pub(crate) fn check_target(root: BorrowedFd<'_>, path: &str) -> Result<()> {
    let mut walk = Walk::below(root)?;
    for name in components(path)? {
        if !walk.step(name)? {
            break;
        }
    }
    Ok(())
}

/// Opens a directory below `root`, making what is missing.
pub(super) fn walk_below(root: BorrowedFd<'_>, path: &str, owner: (u32, u32)) -> Result<OwnedFd> {
    let mut walk = Walk::below(root)?;
    for name in components(path)? {
        if !walk.step(name)? {
            walk.make(name, owner)?;
            if !walk.step(name)? {
                // Made, and gone again: somebody works against us.
                return Err(Error::os(format!("create directory '{}/{name}'", walk.at), Errno::NOENT));
            }
        }
    }
    Ok(walk.here)
}

/// The names in a path; empty ones and `.` do not count.
fn components(path: &str) -> Result<Vec<&str>> {
    let names: Vec<&str> = path.split('/').filter(|name| !matches!(*name, "" | ".")).collect();
    if names.contains(&"..") || path.contains('\0') {
        return Err(Error::BadPath { path: path.to_owned() });
    }
    Ok(names)
}

struct Walk {
    here: OwnedFd,
    /// The path so far, for messages.
    at: String,
}

impl Walk {
    fn from_host_root() -> Result<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let here = rustix::fs::open("/", flags, Mode::empty()).map_err(|e| Error::os("open '/'", e))?;
        Ok(Self { here, at: String::new() })
    }

    fn below(root: BorrowedFd<'_>) -> Result<Self> {
        let here = root.try_clone_to_owned().map_err(|e| Error::os("open the root", e))?;
        Ok(Self { here, at: String::new() })
    }

    /// Goes into a directory. `false`: there is none.
    fn step(&mut self, name: &str) -> Result<bool> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        // One name at a time, so a message can say which; mounts may be crossed, since volumes nest.
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        loop {
            match rustix::fs::openat2(&self.here, name, flags, Mode::empty(), resolve) {
                Ok(next) => {
                    self.here = next;
                    self.at = format!("{}/{name}", self.at);
                    return Ok(true);
                }
                Err(Errno::NOENT) => return Ok(false),
                Err(Errno::LOOP | Errno::NOTDIR) => {
                    return Err(Error::Symlink { path: format!("{}/{name}", self.at) });
                }
                // The kernel asks for another try when a rename elsewhere interfered.
                Err(Errno::AGAIN | Errno::INTR) => {}
                Err(e) => return Err(Error::os(format!("open directory '{}/{name}'", self.at), e)),
            }
        }
    }

    fn make(&self, name: &str, (uid, gid): (u32, u32)) -> Result<()> {
        let attempt = || format!("create directory '{}/{name}'", self.at);
        let mode = Mode::from_raw_mode(0o755);
        let made = match rustix::fs::mkdirat(&self.here, name, mode) {
            // Below an id-mapped mount the host's root can own nothing, and the container's root must do it.
            Err(Errno::OVERFLOW) => {
                let _ids = FsIds::assume(uid, gid);
                rustix::fs::mkdirat(&self.here, name, mode)
            }
            other => other,
        };
        match made {
            Ok(()) => {}
            // Someone else made it: then it is theirs.
            Err(Errno::EXIST) => return Ok(()),
            Err(e) => return Err(Error::os(attempt(), e)),
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let new = rustix::fs::openat(&self.here, name, flags, Mode::empty())
            .map_err(|e| Error::os(attempt(), e))?;
        // The mode again, because the umask had a say.
        rustix::fs::fchown(&new, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)))
            .and_then(|()| rustix::fs::fchmod(&new, mode))
            .map_err(|e| Error::os(attempt(), e))
    }
}

fn keep_attributes(covered: BorrowedFd<'_>, mount: BorrowedFd<'_>, path: &str) -> Result<()> {
    let copy = || {
        let stat = rustix::fs::fstat(covered)?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = rustix::fs::openat(mount, ".", flags, Mode::empty())?;
        let owner = (Uid::from_raw(stat.st_uid), Gid::from_raw(stat.st_gid));
        rustix::fs::fchown(&root, Some(owner.0), Some(owner.1))?;
        rustix::fs::fchmod(&root, Mode::from_raw_mode(stat.st_mode & 0o7777))
    };
    match copy() {
        // Read-only: it has what it has.
        Ok(()) | Err(Errno::ROFS) => Ok(()),
        Err(e) => {
            Err(Error::os(format!("give the mount at '{path}' the owner and mode of what it covers"), e))
        }
    }
}
