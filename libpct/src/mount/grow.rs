//! Growing the file system of a volume that has become larger (spec: cli, part 6.8).
//!
//! One that is mounted somewhere is grown by the kernel, through a detached mount: no namespace and no program is needed for
//! that. Of one that nobody has mounted an ext4 is checked first, by its own programs.

use std::fs::File;
use std::io::{Seek, SeekFrom};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{Mode, OFlags};

use super::block::FsType;
use super::check::{Told, run};
use super::options::Options;
use super::volume::{open_block_device, open_raw_image};
use super::{Error, Result};
use crate::exec::{Command, Reason};
use crate::sys::{filesystem, loopdev};

/// Brings the file system in a raw image that is attached to the size of the image.
pub(crate) fn grow_raw_image(path: &Path) -> Result<()> {
    let image = open(path)?;
    for device in loopdev::find(loopdev::FileId::of(image.as_fd())?)? {
        device.update_capacity()?;
    }
    grow(&open_raw_image(path, Options::default())?, path)
}

/// Brings the file system of a block device to the size of the device.
pub(crate) fn grow_block_device(path: &Path) -> Result<()> {
    grow(&open_block_device(path, Options::default())?, path)
}

/// The same for an image or block device that nobody has mounted.
pub(crate) fn grow_idle(path: &Path, told: Told<'_>) -> Result<()> {
    let device = open(path)?;
    match FsType::probe(device.as_fd()).map_err(|e| Error::os(format!("read '{}'", path.display()), e))? {
        Some(FsType::Ext4) => {}
        Some(_) if device.metadata().is_ok_and(|found| found.is_file()) => return grow_raw_image(path),
        Some(_) => return grow_block_device(path),
        None => return Err(Error::NoFileSystem { path: path.to_owned() }),
    }
    // 1: errors were found, and corrected (e2fsck(8)).
    let check = Command::new("e2fsck").package("e2fsprogs").args(["-f", "-y"]).arg(path);
    run(check, &[Reason::Code(1)], told)?;
    run(Command::new("resize2fs").package("e2fsprogs").arg(path), &[], told)
}

fn open(path: &Path) -> Result<File> {
    File::open(path).map_err(|e| Error::os(format!("open '{}'", path.display()), e))
}

fn grow(mounted: &OwnedFd, path: &Path) -> Result<()> {
    let bytes = open(path)?
        .seek(SeekFrom::End(0))
        .map_err(|e| Error::os(format!("find the size of '{}'", path.display()), e))?;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let root = rustix::fs::openat(mounted, ".", flags, Mode::empty())
        .map_err(|e| Error::os(format!("open the file system of '{}'", path.display()), e))?;
    Ok(filesystem::grow(root.as_fd(), bytes)?)
}
