//! The life of a container.
//!
//! Calls return when the work is done. All take the number of the container,
//! 100 to 999999999, options (or NULL) and callbacks (or NULL).

use std::{
    ffi::{c_char, c_int},
    time::Duration,
};

use super::{
    ctx::pct_ctx,
    error::{Fault, pct_error},
    guard, options,
    progress::pct_progress,
    status::{PCT_E_PARAMETER, pct_status},
    string,
};
use crate::{
    CreateOptions, DestroyOptions, RebootOptions, ShutdownOptions, StartOptions, StopOptions, WaitFor,
};

/// What pct_container_create makes.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct pct_create_options {
    /// sizeof (pct_create_options)
    pub struct_size: usize,
    /// The template, a path or a volume such as local:vztmpl/name.tar.zst.
    /// Must be given.
    pub ostemplate: *const c_char,
    /// The configuration: strings such as "hostname=web1" with the names and
    /// values of pct create, ended by NULL. NULL is an empty one.
    pub config: *const *const c_char,
    /// The storage of volumes whose value names none. NULL is "local".
    pub storage: *const c_char,
    /// The password of root, or its hash. Without one root cannot log in by
    /// password.
    pub password: *const c_char,
    /// Lines for the authorized_keys of root.
    pub ssh_public_keys: *const c_char,
    /// Go on when an entry of the template cannot be unpacked.
    pub ignore_unpack_errors: c_int,
    /// Start the container afterwards.
    pub start: c_int,
}

/// How pct_container_destroy removes.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct pct_destroy_options {
    /// sizeof (pct_destroy_options)
    pub struct_size: usize,
    /// Kill the container first if it runs.
    pub force: c_int,
    /// Remove it from jobs that name it, too.
    pub purge: c_int,
    /// Remove volumes that carry its number but stand in no configuration.
    pub destroy_unreferenced_disks: c_int,
    /// Must be zero.
    pub reserved: c_int,
}

/// How pct_container_start starts.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct pct_start_options {
    /// sizeof (pct_start_options)
    pub struct_size: usize,
    /// Let liblxc write everything it does to its log.
    pub debug: c_int,
    /// Start although the configuration has a lock.
    pub skiplock: c_int,
}

/// How pct_container_stop stops.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct pct_stop_options {
    /// sizeof (pct_stop_options)
    pub struct_size: usize,
    /// Stop although the configuration has a lock.
    pub skiplock: c_int,
    /// Must be zero.
    pub reserved: c_int,
}

/// How pct_container_shutdown stops.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct pct_shutdown_options {
    /// sizeof (pct_shutdown_options)
    pub struct_size: usize,
    /// How many milliseconds the guest may take. Zero is 60 seconds.
    pub timeout_ms: u32,
    /// Kill the container when the time is over, instead of failing.
    pub force_stop: c_int,
}

/// How pct_container_reboot stops and starts again.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct pct_reboot_options {
    /// sizeof (pct_reboot_options)
    pub struct_size: usize,
    /// How many milliseconds the guest may take to stop before it is killed.
    /// Zero is 60 seconds.
    pub timeout_ms: u32,
    /// Must be zero.
    pub reserved: c_int,
}

/// How long pct_container_wait waits.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct pct_wait_options {
    /// sizeof (pct_wait_options)
    pub struct_size: usize,
    /// After how many milliseconds to give up. Zero is never.
    pub timeout_ms: u32,
    /// Must be zero.
    pub reserved: c_int,
}

options::options! {
    pct_create_options {
        struct_size, ostemplate, config, storage, password, ssh_public_keys, ignore_unpack_errors, start,
    }
    pct_destroy_options { struct_size, force, purge, destroy_unreferenced_disks; reserved }
    pct_start_options { struct_size, debug, skiplock }
    pct_stop_options { struct_size, skiplock; reserved }
    pct_shutdown_options { struct_size, timeout_ms, force_stop }
    pct_reboot_options { struct_size, timeout_ms; reserved }
    pct_wait_options { struct_size, timeout_ms; reserved }
}

/// Makes the container from a template. A failure leaves nothing behind, and
/// an existing container alone (PCT_E_EXISTS). The options must be given.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_container_create(
    ctx: *const pct_ctx,
    vmid: u32,
    options: *const pct_create_options,
    progress: *const pct_progress,
    err: *mut *mut pct_error,
) -> pct_status {
    // SAFETY: pointers are NULL or valid, as the header asks of the caller.
    unsafe {
        guard::operate(ctx, vmid, progress, err, |container, progress| {
            if options.is_null() {
                return Err(Fault::null("options"));
            }
            let options = create_options(&options::read(options)?)?;
            Ok(container.create(&options, progress)?)
        })
    }
}

/// # Safety
/// The members of `given` are NULL or valid strings; `config` as for [`string::array`].
unsafe fn create_options(given: &pct_create_options) -> Result<CreateOptions, Fault> {
    // SAFETY: as above.
    unsafe {
        Ok(CreateOptions {
            template: string::required(given.ostemplate, "ostemplate")?.to_owned(),
            config: string::settings(given.config, "config")?,
            storage: string::owned(given.storage, "storage")?,
            password: string::owned(given.password, "password")?,
            ssh_public_keys: string::owned(given.ssh_public_keys, "ssh_public_keys")?,
            ignore_unpack_errors: given.ignore_unpack_errors != 0,
            start: given.start != 0,
            bandwidth: None,
        })
    }
}

/// Removes the container and the volumes that belong to it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_container_destroy(
    ctx: *const pct_ctx,
    vmid: u32,
    options: *const pct_destroy_options,
    progress: *const pct_progress,
    err: *mut *mut pct_error,
) -> pct_status {
    // SAFETY: pointers are NULL or valid, as the header asks of the caller.
    unsafe {
        guard::operate(ctx, vmid, progress, err, |container, progress| {
            let given = options::read(options)?;
            let options = DestroyOptions {
                force: given.force != 0,
                purge: given.purge != 0,
                destroy_unreferenced_disks: given.destroy_unreferenced_disks != 0,
            };
            Ok(container.destroy(&options, progress)?)
        })
    }
}

/// Starts the container; returns when it runs. When it does not, the message
/// has the lines of the log of liblxc that say why.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_container_start(
    ctx: *const pct_ctx,
    vmid: u32,
    options: *const pct_start_options,
    progress: *const pct_progress,
    err: *mut *mut pct_error,
) -> pct_status {
    // SAFETY: pointers are NULL or valid, as the header asks of the caller.
    unsafe {
        guard::operate(ctx, vmid, progress, err, |container, progress| {
            let given = options::read(options)?;
            let options = StartOptions { debug: given.debug != 0, skiplock: given.skiplock != 0 };
            Ok(container.start(&options, progress)?)
        })
    }
}

/// Kills the container; returns when everything behind it is cleaned up.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_container_stop(
    ctx: *const pct_ctx,
    vmid: u32,
    options: *const pct_stop_options,
    progress: *const pct_progress,
    err: *mut *mut pct_error,
) -> pct_status {
    // SAFETY: pointers are NULL or valid, as the header asks of the caller.
    unsafe {
        guard::operate(ctx, vmid, progress, err, |container, progress| {
            let given = options::read(options)?;
            let options = StopOptions { skiplock: given.skiplock != 0 };
            Ok(container.stop(&options, progress)?)
        })
    }
}

/// Asks the guest to halt; returns when everything behind it is cleaned up,
/// or with PCT_E_STOP when the time is over and it still runs.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_container_shutdown(
    ctx: *const pct_ctx,
    vmid: u32,
    options: *const pct_shutdown_options,
    progress: *const pct_progress,
    err: *mut *mut pct_error,
) -> pct_status {
    // SAFETY: pointers are NULL or valid, as the header asks of the caller.
    unsafe {
        guard::operate(ctx, vmid, progress, err, |container, progress| {
            let given = options::read(options)?;
            let options =
                ShutdownOptions { timeout: timeout(given.timeout_ms), force_stop: given.force_stop != 0 };
            Ok(container.shutdown(&options, progress)?)
        })
    }
}

/// Halts the guest, kills it when the time is over, and starts it again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_container_reboot(
    ctx: *const pct_ctx,
    vmid: u32,
    options: *const pct_reboot_options,
    progress: *const pct_progress,
    err: *mut *mut pct_error,
) -> pct_status {
    // SAFETY: pointers are NULL or valid, as the header asks of the caller.
    unsafe {
        guard::operate(ctx, vmid, progress, err, |container, progress| {
            let given = options::read(options)?;
            let options = RebootOptions { timeout: timeout(given.timeout_ms) };
            Ok(container.reboot(&options, progress)?)
        })
    }
}

/// Writes the state of all processes of the container to disk, and ends them:
/// pct_container_resume goes on with it. Experimental. PCT_E_UNSUPPORTED where
/// CRIU is not installed; after any failure the container runs on.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_container_suspend(
    ctx: *const pct_ctx,
    vmid: u32,
    progress: *const pct_progress,
    err: *mut *mut pct_error,
) -> pct_status {
    // SAFETY: pointers are NULL or valid, as the header asks of the caller.
    unsafe {
        guard::operate(ctx, vmid, progress, err, |container, progress| Ok(container.suspend(progress)?))
    }
}

/// Goes on with a suspended container, whose files must be as they were then;
/// PCT_E_REFUSED when it is not suspended. Its state on disk is used up by a
/// success, and by pct_container_start. Experimental.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_container_resume(
    ctx: *const pct_ctx,
    vmid: u32,
    progress: *const pct_progress,
    err: *mut *mut pct_error,
) -> pct_status {
    // SAFETY: pointers are NULL or valid, as the header asks of the caller.
    unsafe { guard::operate(ctx, vmid, progress, err, |container, progress| Ok(container.resume(progress)?)) }
}

/// Waits until the container
///
/// - "running": runs
/// - "stopped": has stopped, and everything behind it is cleaned up
/// - "ipv4", "ipv6": has an address by which other machines can reach it
/// - "systemd": has completed its boot, as its systemd says
///
/// PCT_E_TIMEOUT when that has not come about in time, PCT_E_NOT_RUNNING when
/// it stops meanwhile and does not reboot.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_container_wait(
    ctx: *const pct_ctx,
    vmid: u32,
    condition: *const c_char,
    options: *const pct_wait_options,
    progress: *const pct_progress,
    err: *mut *mut pct_error,
) -> pct_status {
    // SAFETY: pointers are NULL or valid, as the header asks of the caller.
    unsafe {
        guard::operate(ctx, vmid, progress, err, |container, progress| {
            let word = string::required(condition, "condition")?;
            let condition = WaitFor::named(word).ok_or_else(|| {
                Fault::new(PCT_E_PARAMETER, format!("condition is '{word}', for which nothing can wait"))
            })?;
            let given = options::read(options)?;
            Ok(container.wait(condition, timeout(given.timeout_ms), progress)?)
        })
    }
}

/// Takes away the lock that an operation has left in the configuration,
/// whoever has set it. PCT_E_REFUSED when there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_container_unlock(
    ctx: *const pct_ctx,
    vmid: u32,
    progress: *const pct_progress,
    err: *mut *mut pct_error,
) -> pct_status {
    // SAFETY: pointers are NULL or valid, as the header asks of the caller.
    unsafe { guard::operate(ctx, vmid, progress, err, |container, progress| Ok(container.unlock(progress)?)) }
}

/// Zero is the default of the library.
pub(super) fn timeout(milliseconds: u32) -> Option<Duration> {
    (milliseconds > 0).then(|| Duration::from_millis(milliseconds.into()))
}
