//! Volumes that go to another place.

use std::ffi::{c_char, c_int};

use super::{
    ctx::pct_ctx, error::pct_error, guard, options, progress::pct_progress, status::pct_status, string,
};
use crate::{MoveVolumeOptions, ReassignOptions};

/// How pct_container_move_volume moves.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct pct_move_volume_options {
    /// sizeof (pct_move_volume_options)
    pub struct_size: usize,
    /// Change nothing unless this is the digest of the file, which
    /// pct_container_config_json gives: somebody else may have changed it.
    pub digest: *const c_char,
    /// How many KiB may be copied in a second. Zero is what the storages allow,
    /// UINT64_MAX any number.
    pub bwlimit: u64,
    /// Remove the volume from where it was. Else it becomes an unused one.
    pub delete_source: c_int,
    /// Must be zero.
    pub reserved: c_int,
}

/// How pct_container_reassign_volume moves.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct pct_reassign_volume_options {
    /// sizeof (pct_reassign_volume_options)
    pub struct_size: usize,
    /// The key that the volume gets: "mp0" and so on, or "unused0" and so on.
    /// NULL is the one that it has now.
    pub target_key: *const c_char,
    /// Change nothing unless this is the digest of this container's file, which
    /// pct_container_config_json gives: somebody else may have changed it.
    pub digest: *const c_char,
    /// The same for the container that gets the volume.
    pub target_digest: *const c_char,
}

options::options! {
    pct_move_volume_options { struct_size, digest, bwlimit, delete_source; reserved }
    pct_reassign_volume_options { struct_size, target_key, digest, target_digest }
}

/// Moves the volume of "rootfs", "mp0" and so on to another storage. The
/// container must be stopped (PCT_E_RUNNING). After a failure the volume is
/// where it was.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_container_move_volume(
    ctx: *const pct_ctx,
    vmid: u32,
    key: *const c_char,
    storage: *const c_char,
    options: *const pct_move_volume_options,
    progress: *const pct_progress,
    err: *mut *mut pct_error,
) -> pct_status {
    // SAFETY: pointers are NULL or valid, as the header asks of the caller.
    unsafe {
        guard::operate(ctx, vmid, progress, err, |container, progress| {
            let (key, storage) = (string::required(key, "key")?, string::required(storage, "storage")?);
            let given = options::read(options)?;
            let options = MoveVolumeOptions {
                delete: given.delete_source != 0,
                digest: string::owned(given.digest, "digest")?,
                bandwidth: Some(given.bwlimit).filter(|limit| *limit > 0),
            };
            Ok(container.move_volume(key, storage, &options, progress)?)
        })
    }
}

/// Gives the volume of "mp0", "unused0" and so on to the container target,
/// which may be the same one, by another key. That it could not be mounted
/// there is a warning: then it is an unused volume of that container.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_container_reassign_volume(
    ctx: *const pct_ctx,
    vmid: u32,
    key: *const c_char,
    target: u32,
    options: *const pct_reassign_volume_options,
    progress: *const pct_progress,
    err: *mut *mut pct_error,
) -> pct_status {
    // SAFETY: pointers are NULL or valid, as the header asks of the caller.
    unsafe {
        guard::operate(ctx, vmid, progress, err, |container, progress| {
            let key = string::required(key, "key")?;
            let given = options::read(options)?;
            let options = ReassignOptions {
                key: string::owned(given.target_key, "target_key")?,
                digest: string::owned(given.digest, "digest")?,
                target_digest: string::owned(given.target_digest, "target_digest")?,
            };
            Ok(container.reassign_volume(key, guard::number(target)?, &options, progress)?)
        })
    }
}
