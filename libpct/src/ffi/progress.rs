//! Progress.

use std::{
    ffi::{c_char, c_int, c_void},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use libc::{LOG_INFO, LOG_WARNING};
use rustix::event::{EventfdFlags, eventfd};

use super::{
    ctx::{Log, pct_ctx},
    error::Fault,
    options,
    status::PCT_E_SYSTEM,
    string,
};
use crate::Progress;

/// The total of pct_progress.bytes when the end is not known.
pub const PCT_TOTAL_UNKNOWN: u64 = u64::MAX;

/// Receives what a running operation has to say; a callback that is NULL is
/// not called. Texts are UTF-8 and valid during the callback only.
///
/// A callback returns 0 to go on. With another value it asks to stop: what
/// waits does so no longer, pct_container_create, _set, _clone, _move_volume and
/// pct_volume_import take back what they have done, and the call gives
/// PCT_E_CANCELLED. Where an operation has come too far for that it is completed.
/// Callbacks may be called until the call returns.
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
pub(super) struct Callbacks {
    given: pct_progress,
    log: Log,
    /// Readable when one of them has asked to stop.
    cancel: Option<OwnedFd>,
}

impl Callbacks {
    /// # Safety
    /// `given` as for [`options::read`]; the callbacks may be called with `user` until the call that takes them returns.
    /// `ctx` is NULL or a context.
    pub(super) unsafe fn read(ctx: *const pct_ctx, given: *const pct_progress) -> Result<Self, Fault> {
        // SAFETY: as above.
        let (log, given, some) = unsafe {
            let log = ctx.as_ref().map_or(Log::NONE, |ctx| ctx.log);
            (log, options::read(given)?, !given.is_null())
        };
        let cancel = || eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK);
        let cancel = some.then(cancel).transpose();
        let cancel =
            cancel.map_err(|errno| Fault::io(PCT_E_SYSTEM, "cannot make an eventfd", &errno.into()))?;
        Ok(Self { given, log, cancel })
    }

    /// What a callback has returned.
    fn answer(&self, answer: c_int) {
        if let (Some(cancel), true) = (&self.cancel, answer != 0) {
            // It fails only when its counter is full, and then it is readable.
            let _ = rustix::io::write(cancel, &1_u64.to_ne_bytes());
        }
    }

    fn tell(&self, callback: Option<Hearer>, priority: c_int, text: &str) {
        match callback {
            Some(callback) => {
                let text = string::c_string(text);
                // SAFETY: the caller's function with the caller's pointer, during the caller's call.
                self.answer(unsafe { callback(self.given.user, text.as_ptr()) });
            }
            None => self.log.tell(priority, text),
        }
    }
}

type Hearer = unsafe extern "C" fn(user: *mut c_void, text: *const c_char) -> c_int;

impl Progress for Callbacks {
    fn message(&mut self, text: &str) {
        self.tell(self.given.message, LOG_INFO, text);
    }

    fn warning(&mut self, text: &str) {
        self.tell(self.given.warning, LOG_WARNING, text);
    }

    fn bytes(&mut self, done: u64, total: Option<u64>) {
        if let Some(callback) = self.given.bytes {
            // SAFETY: the caller's function with the caller's pointer, during the caller's call.
            self.answer(unsafe { callback(self.given.user, done, total.unwrap_or(PCT_TOTAL_UNKNOWN)) });
        }
    }

    fn waiting_for_lock(&mut self, acquired: bool) {
        if let Some(callback) = self.given.waiting_for_lock {
            // SAFETY: as above.
            self.answer(unsafe { callback(self.given.user, acquired.into()) });
        }
    }

    fn cancel(&self) -> Option<BorrowedFd<'_>> {
        self.cancel.as_ref().map(AsFd::as_fd)
    }
}
