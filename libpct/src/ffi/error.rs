//! Error objects.

use std::{
    any::Any,
    error::Error as _,
    ffi::{CString, c_char, c_int},
    io, ptr,
};

use super::{
    status::{self, PCT_E_NULL, PCT_E_PANIC, PCT_OK, pct_status},
    string,
};
use crate::Error;

/// Why a call failed.
pub struct pct_error {
    status: pct_status,
    errno: c_int,
    vmid: u32,
    message: CString,
}

/// Its status, the same that the call returned. PCT_OK for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_error_status(err: *const pct_error) -> pct_status {
    // SAFETY: NULL or an error object, as the header asks of the caller.
    unsafe { err.as_ref() }.map_or(PCT_OK, |error| error.status)
}

/// The short name of its status, as pct_status_name gives it. Never NULL; not
/// to be freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_error_kind(err: *const pct_error) -> *const c_char {
    // SAFETY: as above.
    status::name(unsafe { err.as_ref() }.map_or(PCT_OK, |error| error.status)).as_ptr()
}

/// The errno of the system call at the bottom of it, 0 if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_error_errno(err: *const pct_error) -> c_int {
    // SAFETY: as above.
    unsafe { err.as_ref() }.map_or(0, |error| error.errno)
}

/// The container that the call was about, 0 if it was about none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_error_vmid(err: *const pct_error) -> u32 {
    // SAFETY: as above.
    unsafe { err.as_ref() }.map_or(0, |error| error.vmid)
}

/// What was attempted and every reason why it failed, in UTF-8; the reason of
/// a failed start and the remedy may be on lines of their own. Valid until the
/// object is freed. Empty for NULL, never NULL itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_error_message(err: *const pct_error) -> *const c_char {
    // SAFETY: as above.
    unsafe { err.as_ref() }.map_or(c"".as_ptr(), |error| error.message.as_ptr())
}

/// Frees an error object. NULL is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_error_free(err: *mut pct_error) {
    if !err.is_null() {
        // SAFETY: the caller gives back what `report` has let go, once.
        drop(unsafe { Box::from_raw(err) });
    }
}

/// What will become an error object.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) status: pct_status,
    errno: c_int,
    vmid: u32,
    message: String,
}

impl Fault {
    pub(super) fn new(status: pct_status, message: impl Into<String>) -> Self {
        Self { status, errno: 0, vmid: 0, message: message.into() }
    }

    /// A pointer is missing; `what` names the parameter.
    pub(super) fn null(what: &str) -> Self {
        Self::new(PCT_E_NULL, format!("{what} is NULL"))
    }

    /// The system refused something that only the C interface does.
    pub(super) fn io(status: pct_status, attempt: &str, error: &io::Error) -> Self {
        Self { errno: error.raw_os_error().unwrap_or(0), ..Self::new(status, format!("{attempt}: {error}")) }
    }

    /// What a panic left behind.
    pub(super) fn panicked(payload: &(dyn Any + Send)) -> Self {
        let said = payload.downcast_ref::<&str>().copied();
        let said = said.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        Self::new(PCT_E_PANIC, format!("a bug of the library: {}", said.unwrap_or("no reason given")))
    }

    /// Says which container it is about.
    pub(super) fn of(self, vmid: u32) -> Self {
        Self { vmid, ..self }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self { errno: errno(&error), ..Self::new(status::of(error.kind()), error.full_message()) }
    }
}

/// The kernel's number in the deepest reason that has one.
fn errno(error: &Error) -> c_int {
    let mut found = 0;
    let mut reason = error.source();
    while let Some(current) = reason {
        let here = current.downcast_ref::<io::Error>().and_then(io::Error::raw_os_error);
        found = here.unwrap_or(found);
        reason = current.source();
    }
    found
}

/// Ends a call: sets the caller's error pointer, if there is one, and gives the status.
///
/// # Safety
/// `err` is NULL or may be written to.
pub(super) unsafe fn report(err: *mut *mut pct_error, outcome: Result<(), Fault>) -> pct_status {
    let (status, object) = match outcome {
        Ok(()) => (PCT_OK, ptr::null_mut()),
        Err(fault) if err.is_null() => (fault.status, ptr::null_mut()),
        Err(Fault { status, errno, vmid, message }) => {
            let message = string::c_string(&message);
            (status, Box::into_raw(Box::new(pct_error { status, errno, vmid, message })))
        }
    };
    if !err.is_null() {
        // SAFETY: not NULL, and else as above.
        unsafe { err.write(object) };
    }
    status
}
