//! File systems on block devices: recognised by their superblock and mounted detached.

use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::io::Errno;
use rustix::mount::{FsMountFlags, FsOpenFlags};

use super::options::{Options, Parameter};
use super::{Error, Result};

/// A file system the kernel may be asked to mount from a device.
///
/// Only these: a superblock is data of whoever wrote the volume, and each kernel file system is an attack
/// surface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FsType {
    /// ext2, ext3 and ext4, all by the kernel's ext4.
    Ext4,
    /// XFS
    Xfs,
    /// Btrfs
    Btrfs,
    /// Squashfs, always read-only
    Squashfs,
    /// A CD image, always read-only
    Iso9660,
}

impl FsType {
    /// The kernel's name.
    #[must_use]
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ext4 => "ext4",
            Self::Xfs => "xfs",
            Self::Btrfs => "btrfs",
            Self::Squashfs => "squashfs",
            Self::Iso9660 => "iso9660",
        }
    }

    /// Which file system a file or block device holds, by the magic numbers of file(1) and blkid(8).
    ///
    /// `None`: none of ours.
    pub(crate) fn probe(device: BorrowedFd<'_>) -> std::io::Result<Option<Self>> {
        const MAGIC: [(u64, &[u8], FsType); 5] = [
            (0x438, &[0x53, 0xef], FsType::Ext4),
            (0, b"XFSB", FsType::Xfs),
            (0x1_0040, b"_BHRfS_M", FsType::Btrfs),
            (0, b"hsqs", FsType::Squashfs),
            (0x8001, b"CD001", FsType::Iso9660),
        ];
        for (offset, magic, fstype) in MAGIC {
            let mut buffer = [0; 8];
            let found = buffer.get_mut(..magic.len()).unwrap_or_default();
            if read_all(device, found, offset)? && found == magic {
                return Ok(Some(fstype));
            }
        }
        Ok(None)
    }

    pub(super) fn only_readable(self) -> bool {
        matches!(self, Self::Squashfs | Self::Iso9660)
    }

    /// XFS always has them and knows no such option.
    pub(super) fn knows_acl_option(self) -> bool {
        matches!(self, Self::Ext4 | Self::Btrfs)
    }

    /// How to say: leave the journal alone.
    pub(super) fn no_replay(self) -> Option<Parameter> {
        match self {
            Self::Ext4 => Some(Parameter::Flag("noload")),
            Self::Xfs => Some(Parameter::Flag("norecovery")),
            Self::Btrfs => Some(Parameter::Value("rescue", "nologreplay")),
            Self::Squashfs | Self::Iso9660 => None,
        }
    }
}

/// `false`: the file ends before.
fn read_all(file: BorrowedFd<'_>, buffer: &mut [u8], offset: u64) -> std::io::Result<bool> {
    loop {
        match rustix::io::pread(file, &mut *buffer, offset) {
            Ok(n) => return Ok(n == buffer.len()),
            Err(Errno::INTR) => {}
            Err(e) => return Err(e.into()),
        }
    }
}

/// Mounts the file system of a block device, detached. `shown` is what errors call it.
pub(super) fn mount_device(device: &Path, fstype: FsType, options: Options, shown: &Path) -> Result<OwnedFd> {
    let context = rustix::mount::fsopen(fstype.name(), FsOpenFlags::FSOPEN_CLOEXEC)
        .map_err(|e| failed(None, fstype, shown, e))?;
    let fail = |e| failed(Some(context.as_fd()), fstype, shown, e);
    rustix::mount::fsconfig_set_string(&context, "source", device.as_os_str()).map_err(fail)?;
    for parameter in options.parameters(fstype) {
        match parameter {
            Parameter::Flag(name) => rustix::mount::fsconfig_set_flag(&context, name),
            Parameter::Value(name, value) => {
                rustix::mount::fsconfig_set_string(&context, name, OsStr::new(value))
            }
        }
        .map_err(fail)?;
    }
    rustix::mount::fsconfig_create(&context).map_err(fail)?;
    let (attributes, _) = options.attributes();
    rustix::mount::fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, attributes).map_err(fail)
}

/// The kernel keeps its messages about a mount in the context: they say what a bare EINVAL does not.
fn failed(context: Option<BorrowedFd<'_>>, fstype: FsType, path: &Path, source: Errno) -> Error {
    let mut lines = Vec::new();
    let mut buffer = [0; 1024];
    while let Some(context) = context
        && lines.len() < 8
        && let Ok(n @ 1..) = rustix::io::read(context, &mut buffer)
    {
        let text = String::from_utf8_lossy(buffer.get(..n).unwrap_or_default()).trim().to_owned();
        // "e message": the first letter is its severity.
        lines.push(text.get(2..).unwrap_or_default().to_owned());
    }
    Error::Mount {
        fstype: fstype.name(),
        path: path.to_owned(),
        log: lines.join("; "),
        source: source.into(),
    }
}
