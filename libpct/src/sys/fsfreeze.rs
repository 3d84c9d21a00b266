//! Holding a file system still (ioctl_fs(2); `FIFREEZE` and `FITHAW` of `linux/fs.h`).

use std::os::fd::{AsRawFd, BorrowedFd};

use rustix::io::Errno;

use super::{Error, Result, check};

const FIFREEZE: libc::c_ulong = 0xc004_5877;
const FITHAW: libc::c_ulong = 0xc004_5878;

/// Writes a file system out, and has whoever writes to it wait until it is thawed, also after this process has ended. One
/// that is frozen already stays so.
pub(crate) fn freeze(inside: BorrowedFd<'_>) -> Result<()> {
    call(inside, FIFREEZE, Errno::BUSY).map_err(|errno| Error::os("freeze a file system", errno))
}

/// Lets a file system go on. Nothing happens to one that is not frozen.
pub(crate) fn thaw(inside: BorrowedFd<'_>) -> Result<()> {
    call(inside, FITHAW, Errno::INVAL).map_err(|errno| Error::os("thaw a file system", errno))
}

/// `done` is the error that says that it is so already.
fn call(inside: BorrowedFd<'_>, request: libc::c_ulong, done: Errno) -> std::result::Result<(), Errno> {
    // SAFETY: neither request reads or writes memory of the caller.
    let ret = unsafe { libc::ioctl(inside.as_raw_fd(), request, 0) };
    match check(ret.into()).map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO)) {
        Err(errno) if errno != done => Err(errno),
        _ => Ok(()),
    }
}
