//! Mounted file systems: how full they are, and what only ioctl(2) tells them: to grow, to give back what they do not use.

use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;

use rustix::fs::StatVfs;
use rustix::io::Errno;
use rustix::ioctl::{Getter, Opcode, Setter, Updater, ioctl, opcode};

use super::{Error, Result};

/// `struct xfs_fsop_geom_v1` of `xfs/xfs_fs.h`.
#[repr(C)]
struct XfsGeometry {
    block_size: u32,
    before: [u32; 6],
    /// Percent of the file system that inodes may take.
    inode_percent: u32,
    after: [u64; 10],
}

/// `struct xfs_growfs_data` of `xfs/xfs_fs.h`.
#[repr(C)]
struct XfsGrow {
    blocks: u64,
    inode_percent: u32,
}

/// `struct btrfs_ioctl_vol_args` of `linux/btrfs.h`.
#[repr(C)]
struct BtrfsArguments {
    fd: i64,
    name: [u8; 4088],
}

/// `struct fstrim_range` of `linux/fs.h`.
#[repr(C)]
struct TrimRange {
    start: u64,
    length: u64,
    smallest: u64,
}

const EXT4_IOC_RESIZE_FS: Opcode = opcode::write::<u64>(b'f', 16);
const XFS_IOC_FSGEOMETRY_V1: Opcode = opcode::read::<XfsGeometry>(b'X', 100);
const XFS_IOC_FSGROWFSDATA: Opcode = opcode::write::<XfsGrow>(b'X', 110);
const BTRFS_IOC_RESIZE: Opcode = opcode::write::<BtrfsArguments>(0x94, 3);
const FITRIM: Opcode = opcode::read_write::<TrimRange>(b'X', 121);

/// Magic numbers of statfs(2).
const EXT4: u64 = 0xef53;
const XFS: u64 = 0x5846_5342;
const BTRFS: u64 = 0x9123_683e;

/// Brings a mounted ext4, xfs or btrfs to the size of its device, `bytes`; any other file system stays as it is.
/// `root` is a directory on it, open for reading; its mount must be writable.
pub(crate) fn grow(root: BorrowedFd<'_>, bytes: u64) -> Result<()> {
    let failed = |errno| match errno {
        Errno::PERM => Error::os(
            "grow the file system (it takes the capability CAP_SYS_RESOURCE, and a file system without errors)",
            errno,
        ),
        errno => Error::os("grow the file system", errno),
    };
    let found = rustix::fs::fstatfs(root).map_err(failed)?;
    let magic = u64::try_from(found.f_type).unwrap_or_default() & 0xffff_ffff;
    let grown = match magic {
        EXT4 => {
            let blocks = bytes / u64::try_from(found.f_bsize).unwrap_or(1).max(1);
            // SAFETY: the request reads a `__u64`.
            unsafe { ioctl(root, Setter::<EXT4_IOC_RESIZE_FS, u64>::new(blocks)) }
        }
        XFS => grow_xfs(root, bytes),
        BTRFS => {
            let mut name = [0; 4088];
            name[..3].copy_from_slice(b"max");
            // SAFETY: the request reads a `struct btrfs_ioctl_vol_args`, whose name ends with NUL.
            unsafe {
                let arguments = BtrfsArguments { fd: 0, name };
                ioctl(root, Setter::<BTRFS_IOC_RESIZE, BtrfsArguments>::new(arguments))
            }
        }
        _ => Ok(()),
    };
    grown.map_err(failed)
}

fn grow_xfs(root: BorrowedFd<'_>, bytes: u64) -> rustix::io::Result<()> {
    // SAFETY: the request fills a `struct xfs_fsop_geom_v1`.
    let geometry = unsafe { ioctl(root, Getter::<XFS_IOC_FSGEOMETRY_V1, XfsGeometry>::new()) }?;
    let blocks = bytes / u64::from(geometry.block_size.max(1));
    let wanted = XfsGrow { blocks, inode_percent: geometry.inode_percent };
    // SAFETY: the request reads a `struct xfs_growfs_data`.
    unsafe { ioctl(root, Setter::<XFS_IOC_FSGROWFSDATA, XfsGrow>::new(wanted)) }
}

/// How full a file system is, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Space {
    pub(crate) total: u64,
    pub(crate) used: u64,
    /// What an ordinary user can still write.
    pub(crate) available: u64,
}

/// How full the file system is on which something open lies.
pub(crate) fn space(of: impl AsFd) -> rustix::io::Result<Space> {
    rustix::fs::fstatvfs(of).map(bytes)
}

/// The same of a path.
pub(crate) fn space_at(path: impl AsRef<Path>) -> rustix::io::Result<Space> {
    rustix::fs::statvfs(path.as_ref()).map(bytes)
}

fn bytes(found: StatVfs) -> Space {
    let bytes = |blocks: u64| blocks.saturating_mul(found.f_frsize);
    Space {
        total: bytes(found.f_blocks),
        used: bytes(found.f_blocks.saturating_sub(found.f_bfree)),
        available: bytes(found.f_bavail),
    }
}

/// Has a mounted file system give back to its device what it does not use; returns how many bytes that were.
pub(crate) fn trim(root: impl AsFd) -> rustix::io::Result<u64> {
    let mut range = TrimRange { start: 0, length: u64::MAX, smallest: 0 };
    // SAFETY: the request reads and fills a `struct fstrim_range`.
    unsafe { ioctl(root, Updater::<FITRIM, TrimRange>::new(&mut range)) }?;
    Ok(range.length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_structs_are_as_long_as_the_kernel_s() {
        let sizes = [
            size_of::<XfsGeometry>(),
            size_of::<XfsGrow>(),
            size_of::<BtrfsArguments>(),
            size_of::<TrimRange>(),
        ];
        assert_eq!(sizes, [112, 16, 4096, 24]);
    }
}
