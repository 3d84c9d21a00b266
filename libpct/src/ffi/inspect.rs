//! A look into containers.
//!
//! These calls change nothing, but ask the kernel and the running containers:
//! they need root. The caller frees what they give, a char * with
//! pct_string_free.

use std::{
    ffi::{c_char, c_int},
    os::fd::IntoRawFd,
};

use super::{ctx::pct_ctx, error::pct_error, guard, out::Out, status::pct_status};
use crate::json;

/// The network interfaces of a running container as they are inside: a JSON
/// array of objects with the members name, hwaddr, hardware-address, inet and
/// inet6 (the last address of the kind, if there is one), and ip-addresses, an
/// array of objects with ip-address, ip-address-type ("inet" or "inet6") and
/// prefix. The text null for a container that is stopped.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_container_interfaces_json(
    ctx: *const pct_ctx,
    vmid: u32,
    out: *mut *mut c_char,
    err: *mut *mut pct_error,
) -> pct_status {
    // SAFETY: pointers are NULL or valid, as the header asks of the caller.
    unsafe {
        guard::json_of(ctx, vmid, out, err, |container| {
            let found = container.interfaces()?;
            Ok(json::interfaces(found.as_deref()))
        })
    }
}

/// A file descriptor of the init of a running container, for poll, which shows
/// it as readable when init has ended, and for pidfd_send_signal. A container
/// that reboots gets another init. The caller closes it. PCT_E_NOT_RUNNING when
/// the container is stopped.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_container_init_pidfd(
    ctx: *const pct_ctx,
    vmid: u32,
    pidfd: *mut c_int,
    err: *mut *mut pct_error,
) -> pct_status {
    // SAFETY: pointers are NULL or valid, as the header asks of the caller.
    unsafe {
        let pidfd = Out::new(pidfd, -1);
        guard::on_container(ctx, vmid, err, |container| {
            pidfd.require("pidfd")?;
            pidfd.set(container.init_pidfd()?.into_raw_fd());
            Ok(())
        })
    }
}

/// The processors that each running container may use: a JSON array of objects
/// with vmid and cpus, an array of numbers. Empty on a host that has no control
/// groups for that.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_cpusets_json(
    ctx: *const pct_ctx,
    out: *mut *mut c_char,
    err: *mut *mut pct_error,
) -> pct_status {
    // SAFETY: pointers are NULL or valid, as the header asks of the caller.
    unsafe { guard::json_on(ctx, (out, "out"), err, |pct| Ok(json::cpusets(&pct.cpusets()?))) }
}

/// What would make the next start of the container fail or surprise, the
/// gravest first: a JSON array of objects with the members vmid, severity
/// ("error", "warning" or "info"), code (for programs), key (of the
/// configuration), message and help; key and help may be null. Nothing is
/// started.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_container_doctor_json(
    ctx: *const pct_ctx,
    vmid: u32,
    out: *mut *mut c_char,
    err: *mut *mut pct_error,
) -> pct_status {
    // SAFETY: pointers are NULL or valid, as the header asks of the caller.
    unsafe {
        guard::json_of(ctx, vmid, out, err, |container| {
            let (vmid, found) = (container.vmid(), container.doctor()?);
            Ok(json::symptoms(found.iter().map(|found| (vmid, found))))
        })
    }
}

/// As pct_container_doctor_json, for the containers whose numbers stand in
/// vmids, or for all of this host when count is 0. For one whose configuration
/// cannot be read, there is an object with vmid, type and the string error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_doctor_json(
    ctx: *const pct_ctx,
    vmids: *const u32,
    count: usize,
    out: *mut *mut c_char,
    err: *mut *mut pct_error,
) -> pct_status {
    // SAFETY: pointers are NULL or valid, as the header asks of the caller.
    unsafe {
        guard::json_on(ctx, (out, "out"), err, |pct| {
            Ok(json::checkup(&pct.doctor(&guard::numbers(vmids, count)?)?))
        })
    }
}
