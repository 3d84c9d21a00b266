//! Clones and templates.

use std::ffi::{c_char, c_int};

use super::{
    ctx::pct_ctx,
    error::{Fault, pct_error},
    guard, options,
    progress::pct_progress,
    status::{PCT_E_PARAMETER, pct_status},
    string,
};
use crate::CloneOptions;

/// What pct_container_clone makes.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct pct_clone_options {
    /// sizeof (pct_clone_options)
    pub struct_size: usize,
    /// Clone this snapshot, not the present state.
    pub snapshot: *const c_char,
    /// Where the volumes of a full clone go. NULL is where those of its origin
    /// are.
    pub storage: *const c_char,
    /// The clone's host name. NULL is that of its origin.
    pub hostname: *const c_char,
    /// Notes on the clone. NULL is those of its origin.
    pub description: *const c_char,
    /// How many KiB may be copied in a second. Zero is what the storages allow,
    /// UINT64_MAX any number.
    pub bwlimit: u64,
    /// Copy the volumes, of a template, too.
    pub full: c_int,
    /// Let the volumes share the content of their origin, as those of a template
    /// do if nothing is said. Not together with full.
    pub linked: c_int,
}

options::options! {
    pct_clone_options { struct_size, snapshot, storage, hostname, description, bwlimit, full, linked }
}

/// Makes the container clone, which is as this one. Its network interfaces get
/// hardware addresses of their own, its machine id is new; all else is the
/// same, also its IP addresses. Full clones of a running container are made of
/// a snapshot (PCT_E_RUNNING). A failure leaves nothing behind, and an existing
/// container alone (PCT_E_EXISTS).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_container_clone(
    ctx: *const pct_ctx,
    vmid: u32,
    clone: u32,
    options: *const pct_clone_options,
    progress: *const pct_progress,
    err: *mut *mut pct_error,
) -> pct_status {
    // SAFETY: pointers are NULL or valid, as the header asks of the caller.
    unsafe {
        guard::operate(ctx, vmid, progress, err, |container, progress| {
            let options = clone_options(&options::read(options)?)?;
            Ok(container.clone_to(guard::number(clone)?, &options, progress)?)
        })
    }
}

/// # Safety
/// The strings of `given` as for [`string::text`].
unsafe fn clone_options(given: &pct_clone_options) -> Result<CloneOptions, Fault> {
    let full = match (given.full != 0, given.linked != 0) {
        (false, false) => None,
        (true, true) => return Err(Fault::new(PCT_E_PARAMETER, "full and linked cannot be used together")),
        (full, _) => Some(full),
    };
    // SAFETY: as above.
    unsafe {
        Ok(CloneOptions {
            full,
            snapshot: string::owned(given.snapshot, "snapshot")?,
            storage: string::owned(given.storage, "storage")?,
            hostname: string::owned(given.hostname, "hostname")?,
            description: string::owned(given.description, "description")?,
            bandwidth: Some(given.bwlimit).filter(|limit| *limit > 0),
        })
    }
}

/// Makes the container a template for linked clones: its volumes cannot be
/// written to any more, and it cannot be started. There is no way back.
/// PCT_E_RUNNING when it runs, PCT_E_REFUSED when it has snapshots,
/// PCT_E_UNSUPPORTED on a storage without templates.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_container_template(
    ctx: *const pct_ctx,
    vmid: u32,
    progress: *const pct_progress,
    err: *mut *mut pct_error,
) -> pct_status {
    // SAFETY: pointers are NULL or valid, as the header asks of the caller.
    unsafe {
        guard::operate(ctx, vmid, progress, err, |container, progress| Ok(container.template(progress)?))
    }
}
