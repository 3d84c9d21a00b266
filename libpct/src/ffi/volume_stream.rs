//! Volumes as streams.
//!
//! The formats are those of pvesm: "raw+size", an image, and "tar+size", a tree,
//! for every storage, and "btrfs" and "zfs", snapshots for a storage of the same
//! type. Who writes streams of snapshots may become root here: btrfs receive and
//! zfs recv do not expect to be deceived.
//!
//! A stream is written to and read from where the file descriptor stands: that
//! of a file, a pipe or a socket that is not set to O_NONBLOCK.

use std::{
    ffi::{c_char, c_int},
    ptr,
};

use super::{
    contents::volume_id,
    ctx::pct_ctx,
    error::{Fault, pct_error},
    exec::lent,
    guard, options,
    out::Out,
    progress::{Callbacks, pct_progress},
    status::{PCT_E_PARAMETER, pct_status},
    string,
};
use crate::{ExportOptions, ImportOptions, StreamFormat};

/// What pct_volume_export writes.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct pct_volume_export_options {
    /// sizeof (pct_volume_export_options)
    pub struct_size: usize,
    /// The snapshot to write instead of the present content. "btrfs" and "zfs"
    /// need one.
    pub snapshot: *const c_char,
    /// A snapshot that the receiver has already: only what has changed since is
    /// written. For "btrfs" and "zfs".
    pub base: *const c_char,
    /// Write the older snapshots, too, down to the base where there is one. For
    /// "btrfs" and "zfs".
    pub with_snapshots: c_int,
    /// Must be zero.
    pub reserved: c_int,
}

/// What pct_volume_import makes.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct pct_volume_import_options {
    /// sizeof (pct_volume_import_options)
    pub struct_size: usize,
    /// Of a stream with several snapshots the one that becomes the content of
    /// the volume. For "btrfs".
    pub snapshot: *const c_char,
    /// The snapshot that the stream continues, the newest of a volume that is
    /// there. What the volume holds beside it is lost. For "btrfs" and "zfs".
    pub base: *const c_char,
    /// A snapshot to remove when all has arrived. For "btrfs" and "zfs".
    pub delete_snapshot: *const c_char,
    /// Take a free name where a volume has the one that is asked for.
    pub allow_rename: c_int,
    /// Must be zero.
    pub reserved: c_int,
}

options::options! {
    pct_volume_export_options { struct_size, snapshot, base, with_snapshots; reserved }
    pct_volume_import_options { struct_size, snapshot, base, delete_snapshot, allow_rename; reserved }
}

/// Writes a volume, or snapshots of it, as a stream, of which pct_volume_import
/// makes a volume on this or another host. What a running container has not
/// written out yet is missing: stop it, or give a snapshot. PCT_E_PARAMETER
/// when the volume has no stream of this format, PCT_E_CANCELLED when a callback
/// has asked to stop. What was written until a failure is of no use. A pipe or
/// socket that nobody reads any more raises SIGPIPE, as it does for write(2).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_volume_export(
    ctx: *const pct_ctx,
    volume: *const c_char,
    format: *const c_char,
    fd: c_int,
    options: *const pct_volume_export_options,
    progress: *const pct_progress,
    err: *mut *mut pct_error,
) -> pct_status {
    // SAFETY: pointers are NULL or valid, as the header asks of the caller.
    unsafe {
        guard::on_ctx(ctx, err, |on| {
            let (volume, format) = (volume_id(volume)?, stream_format(format)?);
            let given = options::read(options)?;
            let options = ExportOptions {
                snapshot: string::owned(given.snapshot, "snapshot")?,
                base: string::owned(given.base, "base")?,
                with_snapshots: given.with_snapshots != 0,
            };
            let mut progress = Callbacks::read(ctx, progress)?;
            Ok(on.pct.export_volume(&volume, format, lent(fd, "fd")?, &options, &mut progress)?)
        })
    }
}

/// Makes a volume of a stream, with the name and on the storage that volume
/// says. *made is which one, and the caller frees it with pct_string_free. No
/// configuration names it. PCT_E_EXISTS when a volume has the name,
/// PCT_E_PARAMETER when the storage does not take this format. A failure, a
/// stream that is not whole as well, leaves nothing new; only when at the end
/// delete_snapshot could not be removed, the volume is there. While snapshots
/// arrive no callback is called, and so nothing is cancelled.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_volume_import(
    ctx: *const pct_ctx,
    volume: *const c_char,
    format: *const c_char,
    fd: c_int,
    options: *const pct_volume_import_options,
    progress: *const pct_progress,
    made: *mut *mut c_char,
    err: *mut *mut pct_error,
) -> pct_status {
    // SAFETY: pointers are NULL or valid, as the header asks of the caller.
    unsafe {
        let made = Out::new(made, ptr::null_mut());
        guard::on_ctx(ctx, err, |on| {
            made.require("made")?;
            let (volume, format) = (volume_id(volume)?, stream_format(format)?);
            let given = options::read(options)?;
            let options = ImportOptions {
                snapshot: string::owned(given.snapshot, "snapshot")?,
                base: string::owned(given.base, "base")?,
                allow_rename: given.allow_rename != 0,
                delete_snapshot: string::owned(given.delete_snapshot, "delete_snapshot")?,
            };
            let mut progress = Callbacks::read(ctx, progress)?;
            let volume = on.pct.import_volume(&volume, format, lent(fd, "fd")?, &options, &mut progress)?;
            made.set(string::give(&volume.to_string()));
            Ok(())
        })
    }
}

/// # Safety
/// As [`string::text`].
unsafe fn stream_format(format: *const c_char) -> Result<StreamFormat, Fault> {
    // SAFETY: as above.
    let word = unsafe { string::required(format, "format") }?;
    word.parse().map_err(|error| Fault::new(PCT_E_PARAMETER, format!("format: {error}")))
}
