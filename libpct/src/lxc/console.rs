//! Terminals of a container.

use std::ffi::c_int;
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd};

use super::container::{clear_errno, method};
use super::{Container, Error, Result};

/// A terminal that is ours until this is dropped.
///
/// The monitor takes the terminal back when the connection it was asked over is closed; so both
/// descriptors live in here.
#[derive(Debug)]
pub struct TtyLease {
    pub(super) keepalive: OwnedFd,
    pub(super) ptx: OwnedFd,
    pub(super) number: u32,
}

impl TtyLease {
    /// The number of the terminal: `/dev/tty<n>` inside, 0 for the console.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Our side of the terminal.
    #[must_use]
    pub fn ptx(&self) -> BorrowedFd<'_> {
        self.ptx.as_fd()
    }

    /// The connection; readable (at its end) when the monitor has ended.
    #[must_use]
    pub fn connection(&self) -> BorrowedFd<'_> {
        self.keepalive.as_fd()
    }
}

impl Container {
    /// Leases a terminal: 0 is the console, `None` the first free tty.
    /// [`super::CommandSocket::lease_tty`] does the same without liblxc, and with a time limit.
    pub fn lease_tty(&self, number: Option<u32>) -> Result<TtyLease> {
        const WHAT: &str = "lease a terminal of";
        let getfd = method!(self, console_getfd)?;
        let mut number = number.map_or(-1, |number| c_int::try_from(number).unwrap_or(c_int::MAX));
        let mut ptx: c_int = -1;
        clear_errno();
        // SAFETY: our reference and two integers that outlive the call.
        let keepalive = unsafe { getfd(self.raw(), &raw mut number, &raw mut ptx) };
        if keepalive < 0 {
            return Err(Error::call(WHAT, self.name(), keepalive.into()));
        }
        // SAFETY: a new descriptor, ours.
        let keepalive = unsafe { OwnedFd::from_raw_fd(keepalive) };
        if ptx < 0 {
            return Err(Error::call(WHAT, self.name(), ptx.into()));
        }
        // SAFETY: a new descriptor, ours.
        let ptx = unsafe { OwnedFd::from_raw_fd(ptx) };
        for fd in [&keepalive, &ptx] {
            rustix::io::fcntl_setfd(fd, rustix::io::FdFlags::CLOEXEC)
                .map_err(|error| Error::system(WHAT, self.name(), error))?;
        }
        Ok(TtyLease { keepalive, ptx, number: u32::try_from(number).unwrap_or(0) })
    }
}
