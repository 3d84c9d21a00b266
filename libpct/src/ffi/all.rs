//! All containers at once.
//!
//! They are taken one after the other in the order of startup in their
//! configurations. One that fails keeps none of the others from being tried:
//! PCT_OK says that all have been, and *failed is a JSON array of those that
//! failed, objects with vmid, type and the string error. The caller frees it
//! with pct_string_free.

use std::ffi::{c_char, c_int};

use super::{
    container::timeout,
    ctx::pct_ctx,
    error::pct_error,
    guard, options,
    progress::{Callbacks, pct_progress},
    status::pct_status,
};
use crate::{StartAllOptions, StopAllOptions, json};

/// Which containers pct_start_all starts.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct pct_start_all_options {
    /// sizeof (pct_start_all_options)
    pub struct_size: usize,
    /// Those without onboot, too.
    pub force: c_int,
    /// Must be zero.
    pub reserved: c_int,
}

/// How pct_stop_all stops.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct pct_stop_all_options {
    /// sizeof (pct_stop_all_options)
    pub struct_size: usize,
    /// How many milliseconds a guest may take whose startup has no down, before
    /// it is killed. Zero is 60 seconds.
    pub timeout_ms: u32,
    /// Must be zero.
    pub reserved: c_int,
}

options::options! {
    pct_start_all_options { struct_size, force; reserved }
    pct_stop_all_options { struct_size, timeout_ms; reserved }
}

/// Starts the containers with onboot that do not run, and waits after each as
/// long as up of its startup says. Templates and locked ones are left out with
/// a message.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_start_all(
    ctx: *const pct_ctx,
    options: *const pct_start_all_options,
    progress: *const pct_progress,
    failed: *mut *mut c_char,
    err: *mut *mut pct_error,
) -> pct_status {
    // SAFETY: pointers are NULL or valid, as the header asks of the caller.
    unsafe {
        guard::json_on(ctx, (failed, "failed"), err, |pct| {
            let given = options::read(options)?;
            let options = StartAllOptions { force: given.force != 0 };
            Ok(json::failures(&pct.start_all(&options, &mut Callbacks::read(ctx, progress)?)?))
        })
    }
}

/// Shuts all running containers down, in the reverse order. A guest that takes
/// too long is killed. Locked ones are left out with a message.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_stop_all(
    ctx: *const pct_ctx,
    options: *const pct_stop_all_options,
    progress: *const pct_progress,
    failed: *mut *mut c_char,
    err: *mut *mut pct_error,
) -> pct_status {
    // SAFETY: pointers are NULL or valid, as the header asks of the caller.
    unsafe {
        guard::json_on(ctx, (failed, "failed"), err, |pct| {
            let given = options::read(options)?;
            let options = StopAllOptions { timeout: timeout(given.timeout_ms) };
            Ok(json::failures(&pct.stop_all(&options, &mut Callbacks::read(ctx, progress)?)?))
        })
    }
}
