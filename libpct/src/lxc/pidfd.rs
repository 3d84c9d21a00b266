//! Signals by number to a pidfd. rustix leaves out the real-time signals, which systemd's shutdown needs.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

/// pidfd_send_signal(2) with no `siginfo`.
pub(super) fn send_signal(pidfd: BorrowedFd<'_>, signal: i32) -> io::Result<()> {
    // SAFETY: an open descriptor, and NULL is a valid siginfo.
    let done = unsafe {
        libc::syscall(
            libc::SYS_pidfd_send_signal,
            pidfd.as_raw_fd(),
            signal,
            std::ptr::null::<libc::siginfo_t>(),
            0,
        )
    };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
