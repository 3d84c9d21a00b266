//! Snapshots.
//!
//! pct_container_snapshots_json lists them, pct_container_config_json shows
//! what one holds.

use std::ffi::{c_char, c_int};

use super::{
    ctx::pct_ctx, error::pct_error, guard, options, progress::pct_progress, status::pct_status, string,
};
use crate::{DeleteSnapshotOptions, RollbackOptions, SnapshotOptions};

/// How pct_container_snapshot works.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct pct_snapshot_options {
    /// sizeof (pct_snapshot_options)
    pub struct_size: usize,
    /// Notes on it.
    pub description: *const c_char,
}

/// How pct_container_delete_snapshot removes.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct pct_delete_snapshot_options {
    /// sizeof (pct_delete_snapshot_options)
    pub struct_size: usize,
    /// Remove it from the configuration also when a storage cannot remove its
    /// part.
    pub force: c_int,
    /// Must be zero.
    pub reserved: c_int,
}

/// How pct_container_rollback goes back.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct pct_rollback_options {
    /// sizeof (pct_rollback_options)
    pub struct_size: usize,
    /// Start the container afterwards.
    pub start: c_int,
    /// Must be zero.
    pub reserved: c_int,
}

options::options! {
    pct_snapshot_options { struct_size, description }
    pct_delete_snapshot_options { struct_size, force; reserved }
    pct_rollback_options { struct_size, start; reserved }
}

/// Freezes the present state under a name: the configuration, and the content
/// of all volumes or of none. A running container stands still meanwhile; what
/// its processes have written is in the snapshot, what they keep in memory is
/// not. PCT_E_EXISTS when the name is taken, PCT_E_UNSUPPORTED when a volume
/// cannot be snapshotted.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_container_snapshot(
    ctx: *const pct_ctx,
    vmid: u32,
    name: *const c_char,
    options: *const pct_snapshot_options,
    progress: *const pct_progress,
    err: *mut *mut pct_error,
) -> pct_status {
    // SAFETY: pointers are NULL or valid, as the header asks of the caller.
    unsafe {
        guard::operate(ctx, vmid, progress, err, |container, progress| {
            let given = options::read(options)?;
            let options = SnapshotOptions { description: string::owned(given.description, "description")? };
            Ok(container.snapshot(string::required(name, "name")?, &options, progress)?)
        })
    }
}

/// Removes a snapshot. Volumes that only it has named become unused ones of the
/// container. When a storage fails after a part was removed, the configuration
/// keeps its lock; once that is taken away (pct_container_unlock), the removal
/// can go on.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_container_delete_snapshot(
    ctx: *const pct_ctx,
    vmid: u32,
    name: *const c_char,
    options: *const pct_delete_snapshot_options,
    progress: *const pct_progress,
    err: *mut *mut pct_error,
) -> pct_status {
    // SAFETY: pointers are NULL or valid, as the header asks of the caller.
    unsafe {
        guard::operate(ctx, vmid, progress, err, |container, progress| {
            let options = DeleteSnapshotOptions { force: options::read(options)?.force != 0 };
            Ok(container.delete_snapshot(string::required(name, "name")?, &options, progress)?)
        })
    }
}

/// Goes back to a snapshot, configuration and content. A running container is
/// killed first. What was written since is lost; volumes that were added since
/// become unused ones. When only a part of the volumes is back, the
/// configuration keeps its lock.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_container_rollback(
    ctx: *const pct_ctx,
    vmid: u32,
    name: *const c_char,
    options: *const pct_rollback_options,
    progress: *const pct_progress,
    err: *mut *mut pct_error,
) -> pct_status {
    // SAFETY: pointers are NULL or valid, as the header asks of the caller.
    unsafe {
        guard::operate(ctx, vmid, progress, err, |container, progress| {
            let options = RollbackOptions { start: options::read(options)?.start != 0 };
            Ok(container.rollback(string::required(name, "name")?, &options, progress)?)
        })
    }
}
