//! Terminals of a running container.
//!
//! For programs that are a terminal themselves; pct_container_console_wait
//! connects the one that the user sits at.

use std::{
    ffi::c_int,
    os::fd::{AsRawFd, BorrowedFd},
    ptr,
};

use super::{
    ctx::pct_ctx,
    error::{Fault, pct_error},
    guard,
    out::Out,
    status::{PCT_E_PARAMETER, pct_status},
};
use crate::TtyLease;

/// A terminal that is the caller's until it is freed.
pub struct pct_tty(TtyLease);

/// Leases a terminal: number 0 is the console of the container, others are its
/// /dev/tty1 and so on, -1 is the first that is free. The caller gives it back
/// with pct_tty_free. PCT_E_SYSTEM with the errno EBUSY when it is taken.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_container_tty(
    ctx: *const pct_ctx,
    vmid: u32,
    number: c_int,
    out: *mut *mut pct_tty,
    err: *mut *mut pct_error,
) -> pct_status {
    // SAFETY: pointers are NULL or valid, as the header asks of the caller.
    unsafe {
        let out = Out::new(out, ptr::null_mut());
        guard::on_container(ctx, vmid, err, |container| {
            out.require("out")?;
            let number = match u32::try_from(number) {
                Ok(number) => Some(number),
                Err(_) if number == -1 => None,
                Err(_) => {
                    let text = format!("number is {number}, which no terminal has");
                    return Err(Fault::new(PCT_E_PARAMETER, text));
                }
            };
            out.set(Box::into_raw(Box::new(pct_tty(container.lease_tty(number)?))));
            Ok(())
        })
    }
}

/// A file descriptor of the terminal: what is written to it the container reads
/// as typed, and what the container shows is read from it. It stays the
/// library's, and is closed by pct_tty_free. -1 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_tty_fd(tty: *const pct_tty) -> c_int {
    // SAFETY: NULL or a lease, as the header asks of the caller.
    unsafe { fd(tty, TtyLease::ptx) }
}

/// A file descriptor for poll, which shows it as readable or hung up when the
/// container has stopped. It stays the library's. -1 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_tty_end_fd(tty: *const pct_tty) -> c_int {
    // SAFETY: as above.
    unsafe { fd(tty, TtyLease::connection) }
}

/// # Safety
/// `tty` is NULL or a lease.
unsafe fn fd(tty: *const pct_tty, of: impl FnOnce(&TtyLease) -> BorrowedFd<'_>) -> c_int {
    // SAFETY: as above.
    unsafe { tty.as_ref() }.map_or(-1, |tty| of(&tty.0).as_raw_fd())
}

/// The number of the terminal, 0 for the console. -1 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_tty_number(tty: *const pct_tty) -> c_int {
    // SAFETY: as above.
    unsafe { tty.as_ref() }.map_or(-1, |tty| tty.0.number().cast_signed())
}

/// Gives a terminal back to the container. NULL is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_tty_free(tty: *mut pct_tty) {
    if !tty.is_null() {
        // SAFETY: the caller gives back what `pct_container_tty` has let go, once.
        drop(unsafe { Box::from_raw(tty) });
    }
}
