//! Root directories without containers.

use std::{ffi::c_char, path::Path, ptr};

use super::{
    config,
    error::{Fault, pct_error},
    guard, options,
    progress::{Callbacks, pct_progress},
    status::{PCT_E_PARAMETER, pct_status},
    string,
};
use crate::{GuestEvent, GuestSetupOptions, json, ops};

/// What pct_set_up_guest does. config and event must be given.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct pct_guest_options {
    /// sizeof (pct_guest_options)
    pub struct_size: usize,
    /// The bytes of a configuration file.
    pub config: *const c_char,
    /// How many, at most 1 MiB.
    pub config_size: usize,
    /// What happens to the container, which has steps of its own: "create",
    /// "restore", "clone", "start", or "net", which writes the network alone.
    pub event: *const c_char,
    /// For "create": the password of root, or its hash. Without one root cannot
    /// log in by password.
    pub password: *const c_char,
    /// For "create": lines for the authorized_keys of root.
    pub ssh_public_keys: *const c_char,
    /// The host, as for pct_config_to_lxc. NULL is this host.
    pub host: *const c_char,
}

options::options! {
    pct_guest_options { struct_size, config, config_size, event, password, ssh_public_keys, host }
}

/// Sets up a directory tree as the root of a container: for builders of
/// images. Its files belong to the ids of the host that the configuration maps
/// those of the container to. Nothing of the tree is run. Needs root, but no
/// context; vmid only shows in messages.
///
/// *out is a JSON object with ostype and arch, which were found; the caller
/// frees it with pct_string_free. Steps before a failure have been done. The
/// options must be given.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_set_up_guest(
    rootfs: *const c_char,
    vmid: u32,
    options: *const pct_guest_options,
    progress: *const pct_progress,
    out: *mut *mut c_char,
    err: *mut *mut pct_error,
) -> pct_status {
    // SAFETY: pointers are NULL or valid, as the header asks of the caller.
    unsafe {
        guard::json(out, err, || {
            let rootfs = string::os(rootfs).ok_or_else(|| Fault::null("rootfs"))?;
            if options.is_null() {
                return Err(Fault::null("options"));
            }
            let options = guest_options(&options::read(options)?)?;
            let vmid = guard::number(vmid)?;
            let found = ops::set_up_guest(
                Path::new(rootfs),
                vmid,
                &options,
                &mut Callbacks::read(ptr::null(), progress)?,
            )?;
            Ok(json::guest(&found))
        })
    }
}

/// # Safety
/// The members of `given` as for [`config::file`] and [`string::text`].
unsafe fn guest_options(given: &pct_guest_options) -> Result<GuestSetupOptions, Fault> {
    // SAFETY: as above.
    unsafe {
        let word = string::required(given.event, "event")?;
        let event = GuestEvent::named(word).ok_or_else(|| {
            Fault::new(PCT_E_PARAMETER, format!("event is '{word}', for which there is no set-up"))
        })?;
        Ok(GuestSetupOptions {
            config: config::file(given.config, given.config_size)?.to_owned(),
            event,
            password: string::owned(given.password, "password")?,
            ssh_public_keys: string::owned(given.ssh_public_keys, "ssh_public_keys")?,
            host: config::host(given.host)?,
        })
    }
}
