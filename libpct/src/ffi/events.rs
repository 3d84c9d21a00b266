//! Events.
//!
//! A program that waits for many things at once hears of containers that start
//! and stop by one file descriptor in its loop.

use std::{
    ffi::{c_char, c_int},
    os::fd::{AsFd, AsRawFd},
    ptr,
    sync::Mutex,
};

use super::{
    ctx::pct_ctx,
    error::{Fault, pct_error},
    guard,
    out::Out,
    status::{PCT_E_PANIC, pct_status},
};
use crate::{ContainerState, Events};

/// Changes of state of all containers of a host.
pub struct pct_events {
    fd: c_int,
    /// Poisoned by a panic.
    events: Mutex<Events>,
}

/// Begins to watch the containers of the context; changes from now on are told.
/// Whoever also wants to know how things stand asks after this call: then
/// nothing is missed. The caller frees *out with pct_events_free; it may outlive
/// the context.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_events_new(
    ctx: *const pct_ctx,
    out: *mut *mut pct_events,
    err: *mut *mut pct_error,
) -> pct_status {
    // SAFETY: pointers are NULL or valid, as the header asks of the caller.
    unsafe {
        let out = Out::new(out, ptr::null_mut());
        guard::on_ctx(ctx, err, |ctx| {
            out.require("out")?;
            let events = ctx.pct.events()?;
            let fd = events.as_fd().as_raw_fd();
            out.set(Box::into_raw(Box::new(pct_events { fd, events: Mutex::new(events) })));
            Ok(())
        })
    }
}

/// A file descriptor that poll shows as readable when there may be a change.
/// Then pct_events_next is to be called until it gives none. It stays the
/// library's, and is closed by pct_events_free. -1 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_events_fd(events: *const pct_events) -> c_int {
    // SAFETY: NULL or an object of `pct_events_new`, as the header asks of the caller.
    unsafe { events.as_ref() }.map_or(-1, |events| events.fd)
}

/// The next change, without waiting: *vmid is the number of the container and
/// *state the state that it is in now, or 0 and NULL when there is none.
///
/// - "running": its init runs. Told again for a guest that has rebooted
/// - "stopped": it exists, and nothing of it runs
/// - "gone": there is no container of this number any more
///
/// A state that was left again before it was looked at may be left out. *state
/// is not to be freed. After an error nothing is lost: it can be called again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_events_next(
    events: *const pct_events,
    vmid: *mut u32,
    state: *mut *const c_char,
    err: *mut *mut pct_error,
) -> pct_status {
    // SAFETY: pointers are NULL or valid, as the header asks of the caller.
    unsafe {
        let (vmid, state) = (Out::new(vmid, 0), Out::new(state, ptr::null()));
        guard::call(err, || {
            vmid.require("vmid")?;
            state.require("state")?;
            let events = events.as_ref().ok_or_else(|| Fault::null("events"))?;
            let mut events = events.events.lock().map_err(|_| {
                Fault::new(PCT_E_PANIC, "an earlier call on these events met a bug of the library")
            })?;
            if let Some(change) = events.next_change()? {
                vmid.set(change.vmid.get());
                state.set(word(change.state));
            }
            Ok(())
        })
    }
}

fn word(state: ContainerState) -> *const c_char {
    match state {
        ContainerState::Running => c"running",
        ContainerState::Stopped => c"stopped",
        ContainerState::Gone => c"gone",
    }
    .as_ptr()
}

/// Ends the watching and closes the file descriptor. NULL is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_events_free(events: *mut pct_events) {
    if !events.is_null() {
        // SAFETY: the caller gives back what `pct_events_new` has let go, once.
        drop(unsafe { Box::from_raw(events) });
    }
}
