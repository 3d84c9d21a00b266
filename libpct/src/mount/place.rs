//! Where a detached mount goes: walking to it, and moving it there.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Gid, Mode, OFlags, ResolveFlags, Uid};
use rustix::io::Errno;
use rustix::mount::{MountPropagationFlags, MoveMountFlags};

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

/// Has all that is mounted at and below a directory passed on to mount namespaces that are copied from this one: what
/// is unmounted here is unmounted there, too, unless it is in use.
pub(crate) fn share(root: &Path) -> Result<()> {
    let propagation = MountPropagationFlags::SHARED | MountPropagationFlags::REC;
    rustix::mount::mount_change(root, propagation)
        .map_err(|e| Error::os(format!("share the mounts at '{}'", root.display()), e))
}

/// Attaches a detached mount at `path` below `root`, a directory whose content is not to be trusted; returns how many
/// directories it had to make.
///
/// Missing directories are made, mode 0755. A symlink anywhere on the way is an error, as is `..`
/// (spec: runtime, parts 4.2 and 4.3).
pub(crate) fn insert(root: BorrowedFd<'_>, path: &str, mount: BorrowedFd<'_>, how: Insert) -> Result<usize> {
    let (target, made) = walk_below(root, path, how.owner)?;
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    let attach = || {
        if how.keep_attributes {
            keep_attributes(&attributes(target.as_fd(), path)?, mount, path)?;
        }
        rustix::mount::move_mount(mount, "", &target, "", flags)
            .map_err(|e| Error::os(format!("attach a mount at '{path}'"), e))
    };
    attach().inspect_err(|_| remove_made(root, path, made))?;
    Ok(made)
}

/// Gives the root of a mount the owner and mode of the directory that it will cover, or that will be made for it.
pub(crate) fn take_attributes(
    root: BorrowedFd<'_>,
    path: &str,
    mount: BorrowedFd<'_>,
    owner: (u32, u32),
) -> Result<()> {
    let covered = match find_below(root, &components(path)?)? {
        Some(covered) => attributes(covered.as_fd(), path)?,
        None => (owner.0, owner.1, 0o755),
    };
    keep_attributes(&covered, mount, path)
}

/// Removes the last `count` directories of a path again, as far as nothing has come into them.
pub(crate) fn remove_made(root: BorrowedFd<'_>, path: &str, count: usize) {
    let Ok(names) = components(path) else { return };
    for kept in (names.len().saturating_sub(count)..names.len()).rev() {
        let Ok(Some(folder)) = find_below(root, &names[..kept]) else { return };
        if rustix::fs::unlinkat(&folder, names[kept], AtFlags::REMOVEDIR).is_err() {
            return;
        }
    }
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
    find_below(root, &components(path)?).map(drop)
}

/// Opens a directory below `root`, making what is missing; says how many directories that were.
pub(super) fn walk_below(root: BorrowedFd<'_>, path: &str, owner: (u32, u32)) -> Result<(OwnedFd, usize)> {
    let names = components(path)?;
    let mut walk = Walk::from(root)?;
    let mut made = 0;
    for (at, name) in names.iter().enumerate() {
        let stepped = walk.step_or_make(name, owner, &mut made);
        stepped.inspect_err(|_| remove_made(root, &names[..at].join("/"), made))?;
    }
    Ok((walk.here, made))
}

/// Opens a directory below `root`; `None` when it is not there.
fn find_below(root: BorrowedFd<'_>, names: &[&str]) -> Result<Option<OwnedFd>> {
    let mut walk = Walk::from(root)?;
    for name in names {
        if !walk.step(name)? {
            return Ok(None);
        }
    }
    Ok(Some(walk.here))
}

/// The directory that has the last name of a path, and that name; `None` when it cannot be reached, be it that a symlink
/// is on the way.
pub(super) fn folder_below<'p>(root: BorrowedFd<'_>, path: &'p str) -> Result<Option<(OwnedFd, &'p str)>> {
    let names = components(path)?;
    let Some((name, above)) = names.split_last() else { return Ok(None) };
    match find_below(root, above) {
        Err(Error::Symlink { .. }) => Ok(None),
        found => Ok(found?.map(|folder| (folder, *name))),
    }
}

/// The names in a path; empty ones and `.` do not count.
pub(super) fn components(path: &str) -> Result<Vec<&str>> {
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
    fn from(root: BorrowedFd<'_>) -> Result<Self> {
        let here = root.try_clone_to_owned().map_err(|e| Error::os("open the root", e))?;
        Ok(Self { here, at: String::new() })
    }

    fn from_host_root() -> Result<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let here = rustix::fs::open("/", flags, Mode::empty()).map_err(|e| Error::os("open '/'", e))?;
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

    fn step_or_make(&mut self, name: &str, owner: (u32, u32), made: &mut usize) -> Result<()> {
        if self.step(name)? {
            return Ok(());
        }
        *made += usize::from(self.make(name, owner)?);
        if self.step(name)? {
            return Ok(());
        }
        // Made, and gone again: somebody works against us.
        Err(Error::os(format!("create directory '{}/{name}'", self.at), Errno::NOENT))
    }

    /// `false`: someone else was faster.
    fn make(&self, name: &str, (uid, gid): (u32, u32)) -> Result<bool> {
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
            Err(Errno::EXIST) => return Ok(false),
            Err(e) => return Err(Error::os(attempt(), e)),
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let new = rustix::fs::openat(&self.here, name, flags, Mode::empty())
            .map_err(|e| Error::os(attempt(), e))?;
        // The mode again, because the umask had a say.
        rustix::fs::fchown(&new, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)))
            .and_then(|()| rustix::fs::fchmod(&new, mode))
            .map_err(|e| Error::os(attempt(), e))?;
        Ok(true)
    }
}

/// Owner, group and mode.
fn attributes(of: BorrowedFd<'_>, path: &str) -> Result<(u32, u32, u32)> {
    let stat = rustix::fs::fstat(of).map_err(|e| Error::os(format!("look at '{path}'"), e))?;
    Ok((stat.st_uid, stat.st_gid, stat.st_mode & 0o7777))
}

fn keep_attributes((uid, gid, mode): &(u32, u32, u32), mount: BorrowedFd<'_>, path: &str) -> Result<()> {
    let copy = || {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = rustix::fs::openat(mount, ".", flags, Mode::empty())?;
        rustix::fs::fchown(&root, Some(Uid::from_raw(*uid)), Some(Gid::from_raw(*gid)))?;
        rustix::fs::fchmod(&root, Mode::from_raw_mode(*mode))
    };
    match copy() {
        // Read-only: it has what it has.
        Ok(()) | Err(Errno::ROFS) => Ok(()),
        Err(e) => {
            Err(Error::os(format!("give the mount at '{path}' the owner and mode of what it covers"), e))
        }
    }
}
