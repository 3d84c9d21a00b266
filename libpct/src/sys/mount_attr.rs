//! Attributes of a mount, attached or not (mount_setattr(2)).

use std::os::fd::{AsRawFd, BorrowedFd};

use rustix::mount::{MountAttrFlags, MountPropagationFlags};

use super::{Error, Result, check};

/// What to change; the default changes nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Change<'fd> {
    /// Attributes to set.
    pub set: MountAttrFlags,
    /// Attributes to clear. To set an access-time mode the kernel wants `MOUNT_ATTR__ATIME` here.
    pub clear: MountAttrFlags,
    /// A new propagation type.
    pub propagation: MountPropagationFlags,
    /// Map ids by this user namespace; only possible on a mount that was never attached.
    pub idmap: Option<BorrowedFd<'fd>>,
    /// Every mount below, too.
    pub recursive: bool,
}

impl Default for Change<'_> {
    fn default() -> Self {
        Self {
            set: MountAttrFlags::empty(),
            clear: MountAttrFlags::empty(),
            propagation: MountPropagationFlags::empty(),
            idmap: None,
            recursive: false,
        }
    }
}

/// `struct mount_attr` of `linux/mount.h`.
#[repr(C)]
struct RawMountAttr {
    attr_set: u64,
    attr_clr: u64,
    propagation: u64,
    userns_fd: u64,
}

/// Applies the change to the mount that `mount` is the root of.
pub(crate) fn apply(mount: BorrowedFd<'_>, change: Change<'_>) -> Result<()> {
    let mut set = u64::from(change.set.bits());
    let mut userns_fd = 0;
    if let Some(namespace) = change.idmap {
        set |= u64::from(MountAttrFlags::MOUNT_ATTR_IDMAP.bits());
        userns_fd = u64::try_from(namespace.as_raw_fd()).unwrap_or_default();
    }
    let attr = RawMountAttr {
        attr_set: set,
        attr_clr: u64::from(change.clear.bits()),
        propagation: u64::from(change.propagation.bits()),
        userns_fd,
    };
    let flags = libc::AT_EMPTY_PATH | if change.recursive { libc::AT_RECURSIVE } else { 0 };
    // SAFETY: the path is an empty C string and `attr` is a `struct mount_attr` of the size given.
    let ret = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_raw_fd(),
            c"".as_ptr(),
            flags,
            &raw const attr,
            size_of::<RawMountAttr>(),
        )
    };
    let what =
        if change.idmap.is_some() { "map the ids of the mount" } else { "change attributes of the mount" };
    check(ret).map(drop).map_err(|e| Error::os(what, e))
}
