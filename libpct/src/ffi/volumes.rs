//! Volumes of a container.

use std::{
    ffi::{c_char, c_int},
    ptr,
};

use super::{
    ctx::pct_ctx,
    error::{Fault, pct_error},
    guard, options,
    out::Out,
    progress::{Callbacks, pct_progress},
    status::{PCT_E_PARAMETER, pct_status},
    string,
};
use crate::{FsckOptions, FstrimOptions, NewSize, ResizeOptions, json};

/// How pct_container_fsck checks.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct pct_fsck_options {
    /// sizeof (pct_fsck_options)
    pub struct_size: usize,
    /// Which volume: "rootfs", which NULL stands for, or "mp0" and so on.
    pub device: *const c_char,
    /// Check it even if it seems clean.
    pub force: c_int,
    /// Must be zero.
    pub reserved: c_int,
}

/// How pct_container_fstrim works.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct pct_fstrim_options {
    /// sizeof (pct_fstrim_options)
    pub struct_size: usize,
    /// The root file system only.
    pub ignore_mountpoints: c_int,
    /// Must be zero.
    pub reserved: c_int,
}

/// How pct_container_resize resizes.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct pct_resize_options {
    /// sizeof (pct_resize_options)
    pub struct_size: usize,
    /// Change nothing unless this is the digest of the file, which
    /// pct_container_config_json gives: somebody else may have changed it.
    pub digest: *const c_char,
}

options::options! {
    pct_fsck_options { struct_size, device, force; reserved }
    pct_fstrim_options { struct_size, ignore_mountpoints; reserved }
    pct_resize_options { struct_size, digest }
}

/// Mounts the container's volumes where the host sees them; *path is where
/// that is, and the caller frees it with pct_string_free. They can be used
/// there until pct_container_unmount, whether the container runs or not;
/// meanwhile it can only be started and stopped.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_container_mount(
    ctx: *const pct_ctx,
    vmid: u32,
    progress: *const pct_progress,
    path: *mut *mut c_char,
    err: *mut *mut pct_error,
) -> pct_status {
    // SAFETY: pointers are NULL or valid, as the header asks of the caller.
    unsafe {
        let path = Out::new(path, ptr::null_mut());
        guard::operate(ctx, vmid, progress, err, |container, progress| {
            path.require("path")?;
            let mounted = container.mount(progress)?;
            path.set(string::give(&mounted.to_string_lossy()));
            Ok(())
        })
    }
}

/// Unmounts what pct_container_mount has mounted. PCT_E_REFUSED when nothing
/// was; when something uses a volume, the others may be unmounted.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_container_unmount(
    ctx: *const pct_ctx,
    vmid: u32,
    progress: *const pct_progress,
    err: *mut *mut pct_error,
) -> pct_status {
    // SAFETY: pointers are NULL or valid, as the header asks of the caller.
    unsafe {
        guard::operate(ctx, vmid, progress, err, |container, progress| Ok(container.unmount(progress)?))
    }
}

/// How full the container's volumes are, whether it runs or not: a JSON array
/// of objects with mp ("rootfs", "mp0" and so on), volume, path (inside), and
/// size, used and avail in bytes. One that cannot be looked at is a warning,
/// and left out. The caller frees *out with pct_string_free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_container_df_json(
    ctx: *const pct_ctx,
    vmid: u32,
    progress: *const pct_progress,
    out: *mut *mut c_char,
    err: *mut *mut pct_error,
) -> pct_status {
    // SAFETY: pointers are NULL or valid, as the header asks of the caller.
    unsafe {
        guard::json_of(ctx, vmid, out, err, |container| {
            Ok(json::volumes(&container.df(&mut Callbacks::read(ctx, progress)?)?))
        })
    }
}

/// Checks the file system of a volume, and corrects what can be corrected
/// without a question. The callbacks hear what fsck says. PCT_E_RUNNING when
/// the volume is in use. That fsck has found errors is a failure, also when it
/// has corrected them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_container_fsck(
    ctx: *const pct_ctx,
    vmid: u32,
    options: *const pct_fsck_options,
    progress: *const pct_progress,
    err: *mut *mut pct_error,
) -> pct_status {
    // SAFETY: pointers are NULL or valid, as the header asks of the caller.
    unsafe {
        guard::operate(ctx, vmid, progress, err, |container, progress| {
            let given = options::read(options)?;
            let device = string::owned(given.device, "device")?;
            let options = FsckOptions { device, force: given.force != 0 };
            Ok(container.fsck(&options, progress)?)
        })
    }
}

/// Has the container's volumes give back to their storages what they do not
/// use; *bytes, which may be NULL, is how much that was. Directories of the
/// host and what is mounted read-only are left alone, what cannot be trimmed
/// is a warning. It can be cancelled between two volumes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_container_fstrim(
    ctx: *const pct_ctx,
    vmid: u32,
    options: *const pct_fstrim_options,
    progress: *const pct_progress,
    bytes: *mut u64,
    err: *mut *mut pct_error,
) -> pct_status {
    // SAFETY: pointers are NULL or valid, as the header asks of the caller.
    unsafe {
        let bytes = Out::new(bytes, 0);
        guard::operate(ctx, vmid, progress, err, |container, progress| {
            let given = options::read(options)?;
            let options = FstrimOptions::default().ignore_mountpoints(given.ignore_mountpoints != 0);
            bytes.set(container.fstrim(&options, progress)?);
            Ok(())
        })
    }
}

/// Makes a volume larger, and the file system on it, also while the container
/// runs. The disk is "rootfs", "mp0" and so on, the size one such as "8G" or,
/// for so much more, "+512M". That the file system could not follow is a
/// warning.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_container_resize(
    ctx: *const pct_ctx,
    vmid: u32,
    disk: *const c_char,
    size: *const c_char,
    options: *const pct_resize_options,
    progress: *const pct_progress,
    err: *mut *mut pct_error,
) -> pct_status {
    // SAFETY: pointers are NULL or valid, as the header asks of the caller.
    unsafe {
        guard::operate(ctx, vmid, progress, err, |container, progress| {
            let (disk, size) = (string::required(disk, "disk")?, string::required(size, "size")?);
            let size: NewSize =
                size.parse().map_err(|error| Fault::new(PCT_E_PARAMETER, format!("{error}: '{size}'")))?;
            let given = options::read(options)?;
            let digest = string::owned(given.digest, "digest")?;
            let options = ResizeOptions { digest };
            Ok(container.resize(disk, size, &options, progress)?)
        })
    }
}
