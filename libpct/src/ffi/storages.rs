//! Storages.
//!
//! Those of storage.cfg; on a Proxmox VE host its own tools change that file,
//! and calls that would give PCT_E_UNSUPPORTED.

use std::ffi::c_char;

use super::{
    ctx::pct_ctx,
    error::{Fault, pct_error},
    guard, options,
    status::{PCT_E_PARAMETER, pct_status},
    string,
};
use crate::{Content, json};

/// What pct_storage_set changes.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct pct_storage_set_options {
    /// sizeof (pct_storage_set_options)
    pub struct_size: usize,
    /// Strings such as "content=rootdir,vztmpl" with the options of storage.cfg,
    /// ended by NULL.
    pub set: *const *const c_char,
    /// Options to delete, ended by NULL.
    pub unset: *const *const c_char,
}

options::options! { pct_storage_set_options { struct_size, set, unset } }

/// The ids of the storages that hold, on this node, volumes of containers
/// ("rootdir") or templates ("vztmpl"): a JSON array of strings in the order of
/// storage.cfg.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_storages_json(
    ctx: *const pct_ctx,
    content: *const c_char,
    out: *mut *mut c_char,
    err: *mut *mut pct_error,
) -> pct_status {
    // SAFETY: pointers are NULL or valid, as the header asks of the caller.
    unsafe {
        guard::json_on(ctx, (out, "out"), err, |pct| {
            Ok(pct.storages(self::content(string::required(content, "content")?)?)?.into())
        })
    }
}

/// What a storage holds, by the word of `storage.cfg`.
pub(super) fn content(word: &str) -> Result<Content, Fault> {
    match word {
        "rootdir" => Ok(Content::Volumes),
        "vztmpl" => Ok(Content::Templates),
        _ => {
            let text = format!("content is '{word}' instead of 'rootdir' or 'vztmpl'");
            Err(Fault::new(PCT_E_PARAMETER, text))
        }
    }
}

/// The storages of this node with their room, in the order of storage.cfg: a
/// JSON array of objects with storage (its id), type, content (words, apart by
/// commas), active, enabled and shared (0 or 1), and in bytes total, used and
/// avail. Each is made ready, so mounted or imported, where its type needs that;
/// one that cannot be used has the string error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_storage_status_json(
    ctx: *const pct_ctx,
    out: *mut *mut c_char,
    err: *mut *mut pct_error,
) -> pct_status {
    // SAFETY: pointers are NULL or valid, as the header asks of the caller.
    unsafe { guard::json_on(ctx, (out, "out"), err, |pct| Ok(json::storage_status(&pct.storage_status()?))) }
}

/// Writes a storage down behind those that are there. The kind is one such as
/// "dir", the config strings such as "path=/srv/pct" with the options of
/// storage.cfg, ended by NULL. Nothing is made or mounted by that. PCT_E_EXISTS
/// when there is one of that id; PCT_E_PARAMETER when the kind is not known, or
/// an option is missing, not known or wrong.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_storage_add(
    ctx: *const pct_ctx,
    kind: *const c_char,
    storage: *const c_char,
    config: *const *const c_char,
    err: *mut *mut pct_error,
) -> pct_status {
    // SAFETY: pointers are NULL or valid, as the header asks of the caller.
    unsafe {
        guard::on_ctx(ctx, err, |ctx| {
            let (kind, storage) = (string::required(kind, "kind")?, string::required(storage, "storage")?);
            Ok(ctx.pct.add_storage(kind, storage, &string::settings(config, "config")?)?)
        })
    }
}

/// Sets and deletes options of a storage. Comments of the file stay, and other
/// storages to the byte.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_storage_set(
    ctx: *const pct_ctx,
    storage: *const c_char,
    options: *const pct_storage_set_options,
    err: *mut *mut pct_error,
) -> pct_status {
    // SAFETY: pointers are NULL or valid, as the header asks of the caller.
    unsafe {
        guard::on_ctx(ctx, err, |ctx| {
            let storage = string::required(storage, "storage")?;
            let given = options::read(options)?;
            let (set, unset) = (string::settings(given.set, "set")?, string::texts(given.unset, "unset")?);
            Ok(ctx.pct.set_storage(storage, &set, &unset)?)
        })
    }
}

/// Takes a storage out of storage.cfg. What is on it stays there.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_storage_remove(
    ctx: *const pct_ctx,
    storage: *const c_char,
    err: *mut *mut pct_error,
) -> pct_status {
    // SAFETY: pointers are NULL or valid, as the header asks of the caller.
    unsafe {
        guard::on_ctx(ctx, err, |ctx| Ok(ctx.pct.remove_storage(string::required(storage, "storage")?)?))
    }
}
