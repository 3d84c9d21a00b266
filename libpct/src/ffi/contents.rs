//! What is on storages.
//!
//! A volume is named by its storage and its name there, such as
//! local:9001/vm-9001-disk-0.raw.

use std::{
    ffi::{c_char, c_int},
    ptr,
};

use super::{
    ctx::pct_ctx,
    error::{Fault, pct_error},
    guard, options,
    out::Out,
    status::{PCT_E_PARAMETER, pct_status},
    storages, string,
};
use crate::{config::VolumeId, json};

/// Which things pct_storage_contents_json shows.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct pct_contents_options {
    /// sizeof (pct_contents_options)
    pub struct_size: usize,
    /// Only volumes ("rootdir"), or only templates ("vztmpl").
    pub content: *const c_char,
    /// Only volumes of this container.
    pub vmid: u32,
    /// Must be zero.
    pub reserved: c_int,
}

/// What pct_volume_allocate makes.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct pct_allocate_options {
    /// sizeof (pct_allocate_options)
    pub struct_size: usize,
    /// "raw" or "subvol". NULL is what a container's volume has there.
    pub format: *const c_char,
}

options::options! {
    pct_contents_options { struct_size, content, vmid; reserved }
    pct_allocate_options { struct_size, format }
}

/// The templates of a storage: a sorted JSON array of volumes such as
/// local:vztmpl/name.tar.zst, which pct_create_options takes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_templates_json(
    ctx: *const pct_ctx,
    storage: *const c_char,
    out: *mut *mut c_char,
    err: *mut *mut pct_error,
) -> pct_status {
    // SAFETY: pointers are NULL or valid, as the header asks of the caller.
    unsafe {
        guard::json_on(ctx, (out, "out"), err, |pct| {
            let storage = string::required(storage, "storage")?;
            Ok(pct.templates(storage)?.iter().map(ToString::to_string).collect())
        })
    }
}

/// What is on a storage, sorted: a JSON array of objects with volid, format
/// ("raw" or "subvol", of a template how it is packed), size in bytes (0 of a
/// volume without a limit), content ("rootdir" of a container of this node,
/// "images" of another guest, "vztmpl"), and where there is one vmid (whose it
/// is) and parent (the volume whose content it shares, by its name on the
/// storage).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_storage_contents_json(
    ctx: *const pct_ctx,
    storage: *const c_char,
    options: *const pct_contents_options,
    out: *mut *mut c_char,
    err: *mut *mut pct_error,
) -> pct_status {
    // SAFETY: pointers are NULL or valid, as the header asks of the caller.
    unsafe {
        guard::json_on(ctx, (out, "out"), err, |pct| {
            let storage = string::required(storage, "storage")?;
            let given = options::read(options)?;
            let content = string::text(given.content, "content")?.map(storages::content).transpose()?;
            let owner = (given.vmid != 0).then(|| guard::number(given.vmid)).transpose()?;
            let found = pct.storage_contents(storage, content, owner)?;
            Ok(json::storage_contents(&found, |volume| pct.content_word(volume)))
        })
    }
}

/// Makes a new, empty volume of so many bytes, rounded up to whole KiB, under
/// the next free name of a container's; 0 is one without a limit. *volume is
/// which one, and the caller frees it with pct_string_free. No file system is
/// made on it, and no configuration names it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_volume_allocate(
    ctx: *const pct_ctx,
    storage: *const c_char,
    vmid: u32,
    size: u64,
    options: *const pct_allocate_options,
    volume: *mut *mut c_char,
    err: *mut *mut pct_error,
) -> pct_status {
    // SAFETY: pointers are NULL or valid, as the header asks of the caller.
    unsafe {
        let volume = Out::new(volume, ptr::null_mut());
        guard::on_ctx(ctx, err, |ctx| {
            volume.require("volume")?;
            let (storage, owner) = (string::required(storage, "storage")?, guard::number(vmid)?);
            let format = string::text(options::read(options)?.format, "format")?;
            let made = ctx.pct.allocate_volume(storage, owner, size, format)?;
            volume.set(string::give(&made.to_string()));
            Ok(())
        })
    }
}

/// Removes a volume and its snapshots, whether or not a configuration names it.
/// PCT_E_REFUSED when linked clones share its content. One that is not there is
/// no error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_volume_remove(
    ctx: *const pct_ctx,
    volume: *const c_char,
    err: *mut *mut pct_error,
) -> pct_status {
    // SAFETY: pointers are NULL or valid, as the header asks of the caller.
    unsafe { guard::on_ctx(ctx, err, |ctx| Ok(ctx.pct.remove_volume(&volume_id(volume)?)?)) }
}

/// Where the data of a volume, or the file of a template, is. The caller frees
/// *path with pct_string_free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_volume_path(
    ctx: *const pct_ctx,
    volume: *const c_char,
    path: *mut *mut c_char,
    err: *mut *mut pct_error,
) -> pct_status {
    // SAFETY: pointers are NULL or valid, as the header asks of the caller.
    unsafe {
        let path = Out::new(path, ptr::null_mut());
        guard::on_ctx(ctx, err, |ctx| {
            path.require("path")?;
            path.set(string::give(&ctx.pct.volume_path(&volume_id(volume)?)?.to_string_lossy()));
            Ok(())
        })
    }
}

/// # Safety
/// As [`string::text`].
pub(super) unsafe fn volume_id(volume: *const c_char) -> Result<VolumeId, Fault> {
    // SAFETY: as above.
    let text = unsafe { string::required(volume, "volume") }?;
    text.parse().map_err(|error| Fault::new(PCT_E_PARAMETER, format!("{error}")))
}
