//! Mounts whose ids are mapped (mount_setattr(2), MOUNT_ATTR_IDMAP; spec: runtime, part 4.4).

use std::os::fd::BorrowedFd;

use super::{Error, Result};
use crate::sys::{self, mount_attr};

/// Maps the ids of a detached mount by a user namespace (from [`sys::userns::create`]). `shown` is what an error
/// calls the mount.
pub(crate) fn idmapped(mount: BorrowedFd<'_>, namespace: BorrowedFd<'_>, shown: &str) -> Result<()> {
    let change = mount_attr::Change { idmap: Some(namespace), ..Default::default() };
    mount_attr::apply(mount, change).map_err(|error| match error.raw_os_error() {
        // What the kernel says when the file system lacks FS_ALLOW_IDMAP.
        Some(libc::EINVAL) => Error::NoIdmapSupport { path: shown.to_owned() },
        _ => sys::Error::into(error),
    })
}
