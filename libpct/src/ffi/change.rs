//! Changes of the configuration.

use std::ffi::{c_char, c_int};

use super::{
    ctx::pct_ctx,
    error::{Fault, pct_error},
    guard, options,
    progress::{Callbacks, pct_progress},
    status::pct_status,
    string,
};
use crate::{RescanOptions, changes::Changes, json};

/// What pct_container_set changes. Something must be given.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct pct_set_options {
    /// sizeof (pct_set_options)
    pub struct_size: usize,
    /// Strings such as "memory=1024" with the names and values of pct set,
    /// ended by NULL; of a key that comes again the last one counts.
    pub set: *const *const c_char,
    /// Keys to delete, ended by NULL.
    pub unset: *const *const c_char,
    /// Keys whose pending change is dropped, ended by NULL.
    pub revert: *const *const c_char,
    /// Change nothing unless this is the digest of the file, which
    /// pct_container_config_json gives: somebody else may have changed it.
    pub digest: *const c_char,
}

/// How pct_rescan and pct_container_rescan look.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct pct_rescan_options {
    /// sizeof (pct_rescan_options)
    pub struct_size: usize,
    /// Write nothing; progress hears what would be written.
    pub dry_run: c_int,
    /// Must be zero.
    pub reserved: c_int,
}

options::options! {
    pct_set_options { struct_size, set, unset, revert, digest }
    pct_rescan_options { struct_size, dry_run; reserved }
}

/// Changes the configuration: all that is asked for, or nothing. What a
/// running container cannot be told at once is pending until its next start.
/// Values that do not fit give PCT_E_PARAMETER with each of them in the
/// message, so does nothing to change; what the rules forbid, and another
/// digest, PCT_E_REFUSED; PCT_E_LOCKED when another operation has the
/// container. The one failure after which the configuration is written is that
/// liblxc cannot be told of it: with it the container would not start.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_container_set(
    ctx: *const pct_ctx,
    vmid: u32,
    options: *const pct_set_options,
    progress: *const pct_progress,
    err: *mut *mut pct_error,
) -> pct_status {
    // SAFETY: pointers are NULL or valid, as the header asks of the caller.
    unsafe {
        guard::operate(ctx, vmid, progress, err, |container, progress| {
            let changes = changes(&options::read(options)?)?;
            Ok(container.set(&changes, progress)?)
        })
    }
}

/// # Safety
/// The members of `given` are NULL or valid, as for [`string::array`] and [`string::text`].
unsafe fn changes(given: &pct_set_options) -> Result<Changes, Fault> {
    // SAFETY: as above.
    unsafe {
        Ok(Changes {
            set: string::settings(given.set, "set")?,
            delete: string::texts(given.unset, "unset")?,
            revert: string::texts(given.revert, "revert")?,
            digest: string::owned(given.digest, "digest")?,
        })
    }
}

/// The changes that wait for the next start, with the values in force: a JSON
/// array with an object for each key, ascending, with the members key, value
/// (in force), pending (after the start) and delete (1, or 2 by force); those
/// that there are. The caller frees *out with pct_string_free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_container_pending_json(
    ctx: *const pct_ctx,
    vmid: u32,
    out: *mut *mut c_char,
    err: *mut *mut pct_error,
) -> pct_status {
    // SAFETY: pointers are NULL or valid, as the header asks of the caller.
    unsafe { guard::json_of(ctx, vmid, out, err, |container| Ok(json::pending(&container.load()?.config))) }
}

/// Looks through the storages for volumes of the container: those that the
/// configuration does not name become unused ones, sizes are corrected. The
/// callback message hears of each change. PCT_E_LOCKED when another operation
/// has the container.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_container_rescan(
    ctx: *const pct_ctx,
    vmid: u32,
    options: *const pct_rescan_options,
    progress: *const pct_progress,
    err: *mut *mut pct_error,
) -> pct_status {
    // SAFETY: pointers are NULL or valid, as the header asks of the caller.
    unsafe {
        guard::operate(ctx, vmid, progress, err, |container, progress| {
            Ok(container.rescan(&rescan_options(options)?, progress)?)
        })
    }
}

/// As pct_container_rescan, for all containers of this host. One that fails
/// keeps none of the others from being looked at: PCT_OK says that all have
/// been, and *failed is a JSON array of those that failed, objects with vmid,
/// type and the string error. The caller frees it with pct_string_free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_rescan(
    ctx: *const pct_ctx,
    options: *const pct_rescan_options,
    progress: *const pct_progress,
    failed: *mut *mut c_char,
    err: *mut *mut pct_error,
) -> pct_status {
    // SAFETY: pointers are NULL or valid, as the header asks of the caller.
    unsafe {
        guard::json_on(ctx, (failed, "failed"), err, |pct| {
            let found = pct.rescan(&rescan_options(options)?, &mut Callbacks::read(ctx, progress)?)?;
            Ok(json::failures(&found))
        })
    }
}

/// # Safety
/// As [`options::read`].
unsafe fn rescan_options(given: *const pct_rescan_options) -> Result<RescanOptions, Fault> {
    // SAFETY: as above.
    let given = unsafe { options::read(given) }?;
    Ok(RescanOptions { dry_run: given.dry_run != 0 })
}
