//! A netlink socket that another process has made.

use std::os::fd::{FromRawFd, IntoRawFd, OwnedFd};

/// Takes a socket over.
pub(crate) fn adopt(fd: OwnedFd) -> netlink_sys::Socket {
    // SAFETY: a descriptor that is ours alone, and that nobody else closes from here on.
    unsafe { netlink_sys::Socket::from_raw_fd(fd.into_raw_fd()) }
}
