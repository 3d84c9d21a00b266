//! Opening things as detached mounts: raw images, block devices, directories.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

use rustix::fs::{CWD, FileType, Mode, OFlags, ResolveFlags};
use rustix::mount::OpenTreeFlags;

use super::block::{FsType, mount_device};
use super::options::Options;
use super::place::open_directory;
use super::{Error, Result};
use crate::sys::lockfile::OpenFileLock;
use crate::sys::{loopdev, mount_attr};

/// How long another process may be busy with attaching the same image.
const ATTACH_TIMEOUT: Duration = Duration::from_secs(10);

/// Mounts the file system in a raw image, detached.
///
/// The loop device needs no care: it detaches itself with the last mount of it. An image that is attached
/// already is used through the device it has, because two devices of one image would destroy its file system.
pub(crate) fn open_raw_image(path: &Path, options: Options) -> Result<OwnedFd> {
    let access = if options.is_read_only() { OFlags::RDONLY } else { OFlags::RDWR };
    let image = open_kind(path, access, FileType::RegularFile, "regular file")?;
    let fstype = probe(image.as_fd(), path)?;
    // Between looking for a device and attaching one nobody else may do the same.
    let lock = OpenFileLock::acquire(image.as_fd(), path, ATTACH_TIMEOUT)?;
    let id = loopdev::FileId::of(image.as_fd())?;
    let device = match loopdev::find(id)?.into_iter().next() {
        Some(device) => device,
        None => loopdev::attach(image.as_fd(), path, options.is_read_only())?,
    };
    drop(lock);
    // The mount holds the device from here on.
    mount_device(device.path(), fstype, options, path)
}

/// Whether a raw image holds a file system of ours. Attaches and mounts nothing.
pub(crate) fn check_raw_image(path: &Path) -> Result<()> {
    let image = open_kind(path, OFlags::RDONLY, FileType::RegularFile, "regular file")?;
    probe(image.as_fd(), path).map(drop)
}

/// The same for a block device.
pub(crate) fn check_block_device(path: &Path) -> Result<()> {
    let device = open_kind(path, OFlags::RDONLY, FileType::BlockDevice, "block device")?;
    probe(device.as_fd(), path).map(drop)
}

/// Whether a raw image is attached to a loop device, as it is for as long as it is mounted anywhere.
pub(crate) fn is_attached(path: &Path) -> Result<bool> {
    let image = open_kind(path, OFlags::RDONLY, FileType::RegularFile, "regular file")?;
    Ok(!loopdev::find(loopdev::FileId::of(image.as_fd())?)?.is_empty())
}

/// Mounts the file system on a block device, detached. Symlinks in the path (`/dev/<vg>/<lv>`) are followed.
pub(crate) fn open_block_device(path: &Path, options: Options) -> Result<OwnedFd> {
    let device = open_kind(path, OFlags::RDONLY, FileType::BlockDevice, "block device")?;
    let fstype = probe(device.as_fd(), path)?;
    // The name that /proc/mounts shall show.
    let real = std::fs::canonicalize(path)
        .map_err(|e| Error::os(format!("find out where '{}' leads", path.display()), e))?;
    mount_device(&real, fstype, options, path)
}

/// The root directory of a mount, open to be worked on: the descriptor of a mount only stands for its place.
pub(crate) fn root_of(mount: impl AsFd) -> rustix::io::Result<OwnedFd> {
    rustix::fs::openat(mount, c".", OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
}

/// A detached mount of a directory that is open already, without what is mounted below it (a subvol).
pub(crate) fn clone_tree(directory: BorrowedFd<'_>, options: Options) -> Result<OwnedFd> {
    let flags =
        OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC | OpenTreeFlags::AT_EMPTY_PATH;
    let mount = rustix::mount::open_tree(directory, "", flags)
        .map_err(|e| Error::os("clone the mount of a directory", e))?;
    let (set, clear) = options.attributes();
    if !(set | clear).is_empty() {
        // Before anyone can see the mount, so there is no moment at which it is writable.
        mount_attr::apply(mount.as_fd(), mount_attr::Change { set, clear, ..Default::default() })?;
    }
    Ok(mount)
}

/// A detached mount of a host directory, for a bind mount: no component of its path may be a symlink.
pub(crate) fn bind(source: &str, options: Options) -> Result<OwnedFd> {
    clone_tree(open_directory(source)?.as_fd(), options)
}

fn open_kind(path: &Path, access: OFlags, kind: FileType, expected: &'static str) -> Result<OwnedFd> {
    let failed = |e| Error::os(format!("open '{}'", path.display()), e);
    // Not blocking: what lies there may be a fifo.
    let flags = access | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = rustix::fs::openat2(CWD, path, flags, Mode::empty(), ResolveFlags::NO_MAGICLINKS);
    let file = file.map_err(failed)?;
    let stat = rustix::fs::fstat(&file).map_err(failed)?;
    if FileType::from_raw_mode(stat.st_mode) != kind {
        return Err(Error::WrongKind { path: path.to_owned(), expected });
    }
    Ok(file)
}

fn probe(device: BorrowedFd<'_>, path: &Path) -> Result<FsType> {
    FsType::probe(device)
        .map_err(|e| Error::os(format!("read '{}'", path.display()), e))?
        .ok_or_else(|| Error::NoFileSystem { path: path.to_owned() })
}
