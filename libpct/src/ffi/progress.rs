//! Progress.

use std::ffi::{c_char, c_int, c_void};

use super::{error::Fault, options, string};
use crate::Progress;

/// The total of pct_progress.bytes when the end is not known.
pub const PCT_TOTAL_UNKNOWN: u64 = u64::MAX;

/// Receives what a running operation has to say; a callback that is NULL is
/// not called. Texts are UTF-8 and valid during the callback only. Callbacks
/// must return 0: later releases may take another value as the wish to cancel.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct pct_progress {
    /// sizeof (pct_progress)
    pub struct_size: usize,
    /// Given to each callback as it is.
    pub user: *mut c_void,
    /// A line of output.
    pub message: Option<unsafe extern "C" fn(user: *mut c_void, text: *const c_char) -> c_int>,
    /// Something that did not stop the operation but should be known.
    pub warning: Option<unsafe extern "C" fn(user: *mut c_void, text: *const c_char) -> c_int>,
    /// How far a long step is, in bytes; total may be PCT_TOTAL_UNKNOWN.
    pub bytes: Option<unsafe extern "C" fn(user: *mut c_void, done: u64, total: u64) -> c_int>,
    /// Another operation holds the lock of the container: acquired is 0 when
    /// the waiting begins and 1 when it has come to a good end.
    pub waiting_for_lock: Option<unsafe extern "C" fn(user: *mut c_void, acquired: c_int) -> c_int>,
}

options::options! { pct_progress { struct_size, user, message, warning, bytes, waiting_for_lock } }

/// The callbacks of one call.
pub(super) struct Callbacks(pct_progress);

impl Callbacks {
    /// # Safety
    /// As [`options::read`]; the callbacks may be called with `user` until the call that takes them returns.
    pub(super) unsafe fn read(given: *const pct_progress) -> Result<Self, Fault> {
        // SAFETY: as above.
        unsafe { options::read(given, "pct_progress") }.map(Self)
    }
}

impl Progress for Callbacks {
    fn message(&mut self, text: &str) {
        if let Some(callback) = self.0.message {
            let text = string::c_string(text);
            // SAFETY: the caller's function with the caller's pointer, during the caller's call.
            unsafe { callback(self.0.user, text.as_ptr()) };
        }
    }

    fn warning(&mut self, text: &str) {
        if let Some(callback) = self.0.warning {
            let text = string::c_string(text);
            // SAFETY: as above.
            unsafe { callback(self.0.user, text.as_ptr()) };
        }
    }

    fn bytes(&mut self, done: u64, total: Option<u64>) {
        if let Some(callback) = self.0.bytes {
            // SAFETY: as above.
            unsafe { callback(self.0.user, done, total.unwrap_or(PCT_TOTAL_UNKNOWN)) };
        }
    }

    fn waiting_for_lock(&mut self, acquired: bool) {
        if let Some(callback) = self.0.waiting_for_lock {
            // SAFETY: as above.
            unsafe { callback(self.0.user, acquired.into()) };
        }
    }
}
