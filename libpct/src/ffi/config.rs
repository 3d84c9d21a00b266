//! Configuration files, wherever they are.
//!
//! A file is given by its bytes and their number, at most 1 MiB; it may have
//! any bytes. No container is needed, and nothing of a container of this number
//! is read. The caller frees what comes out with pct_string_free.

use std::{ffi::c_char, ptr, slice};

use super::{
    ctx::pct_ctx,
    error::{Fault, pct_error},
    guard,
    out::Out,
    progress::pct_progress,
    status::{PCT_E_PARAMETER, pct_status},
    string,
};
use crate::{
    LxcConfigOptions,
    config::{json_schema, text::to_bytes},
    facts::HostFacts,
    json, store,
};

/// What a file says, and what is wrong with it: a JSON object with the members
///
/// - config: as pct_container_config_json gives it, the values in force
/// - pending: as pct_container_pending_json gives it
/// - snapshots: an object that has for each name an object like config,
///   without digest
/// - findings: those of pct lint, an array of objects with line and column
///   (from 1), severity ("error" or "warning"), key, part (of the line),
///   message and help; key and help may be null
///
/// A file with errors is no failure of the call. Needs no context.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_config_parse(
    config: *const c_char,
    size: usize,
    vmid: u32,
    out: *mut *mut c_char,
    err: *mut *mut pct_error,
) -> pct_status {
    // SAFETY: pointers are NULL or valid, as the header asks of the caller.
    unsafe { guard::json(out, err, || Ok(json::file(file(config, size)?, guard::number(vmid)?))) }
}

/// Translates a file to the configuration of liblxc that a start with it would
/// make, given in *out. The callback warning hears what is wrong with the file
/// or had to be left out.
///
/// host is a JSON object that describes a host, at least with the members home
/// ("pve" or "standalone"), liblxc (its version) and cgroup ("v1", "hybrid" or
/// "v2"); NULL is this host, which is then asked. *seccomp is the text of the
/// seccomp profile, NULL if the container has none of its own; seccomp may be
/// NULL. The configuration of a template is empty.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_config_to_lxc(
    ctx: *const pct_ctx,
    vmid: u32,
    config: *const c_char,
    size: usize,
    host: *const c_char,
    progress: *const pct_progress,
    out: *mut *mut c_char,
    seccomp: *mut *mut c_char,
    err: *mut *mut pct_error,
) -> pct_status {
    // SAFETY: pointers are NULL or valid, as the header asks of the caller.
    unsafe {
        let (out, seccomp) = (Out::new(out, ptr::null_mut()), Out::new(seccomp, ptr::null_mut()));
        guard::operate(ctx, vmid, progress, err, |container, progress| {
            out.require("out")?;
            let options =
                LxcConfigOptions { config: Some(file(config, size)?.to_owned()), host: self::host(host)? };
            let made = container.lxc_config(&options, progress)?;
            if seccomp.is_wanted()
                && let Some(profile) = &made.seccomp
            {
                seccomp.set(string::give(&String::from_utf8_lossy(&to_bytes(profile))));
            }
            out.set(string::give(&String::from_utf8_lossy(&made.to_bytes())));
            Ok(())
        })
    }
}

/// The JSON Schema (draft 2020-12) of what pct_container_config_json gives, in
/// *out: keys, types, limits, defaults and descriptions, as in pct schema. Needs
/// no context. The caller frees it with pct_string_free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_config_schema_json(
    out: *mut *mut c_char,
    err: *mut *mut pct_error,
) -> pct_status {
    // SAFETY: pointers are NULL or valid, as the header asks of the caller.
    unsafe { guard::json(out, err, || Ok(json_schema())) }
}

/// The bytes of a config file.
///
/// # Safety
/// `config` is NULL or points to `size` bytes that do not change during `'a`.
pub(super) unsafe fn file<'a>(config: *const c_char, size: usize) -> Result<&'a [u8], Fault> {
    if config.is_null() {
        return Err(Fault::null("config"));
    }
    if size as u64 > store::LARGEST {
        let text = format!("size is {size}: a configuration has at most {} bytes", store::LARGEST);
        return Err(Fault::new(PCT_E_PARAMETER, text));
    }
    // SAFETY: as above.
    Ok(unsafe { slice::from_raw_parts(config.cast(), size) })
}

/// A described host.
///
/// # Safety
/// As [`string::text`].
pub(super) unsafe fn host(json: *const c_char) -> Result<Option<HostFacts>, Fault> {
    let parse = |text| {
        serde_json::from_str(text)
            .map_err(|error| Fault::new(PCT_E_PARAMETER, format!("host describes no host: {error}")))
    };
    // SAFETY: as above.
    unsafe { string::text(json, "host") }?.map(parse).transpose()
}
