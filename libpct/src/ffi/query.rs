//! What there is.
//!
//! These calls only read: they take no lock, start no process, and need no
//! more than readable configuration files.

use std::{
    ffi::{c_char, c_int},
    mem, ptr,
};

use serde_json::Value;

use super::{
    ctx::pct_ctx,
    error::{Fault, pct_error},
    guard, options,
    out::Out,
    status::{PCT_E_PARAMETER, pct_status},
    string,
};
use crate::{
    ConfigState, ConfigView, Container, Listing, Pct, Status, Usage, Vmid,
    config::{pct_config_lines, text::to_bytes},
    json,
};

/// Which values pct_container_config_text and pct_container_config_json show.
/// By default those in force with the changes that wait for the next start
/// over them.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct pct_config_options {
    /// sizeof (pct_config_options)
    pub struct_size: usize,
    /// The values that this snapshot holds. Not together with current.
    pub snapshot: *const c_char,
    /// Only the values in force.
    pub current: c_int,
    /// Must be zero.
    pub reserved: c_int,
}

/// The state of a container, and what it uses: the numbers of
/// pct_container_status_json. Those of use are zero when it is stopped. Amounts
/// are in bytes.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct pct_stats {
    /// sizeof (pct_stats)
    pub struct_size: usize,
    /// Whether it runs: 1 or 0.
    pub running: c_int,
    /// Of its init, as the host numbers it.
    pub pid: u32,
    /// Seconds since its init was started.
    pub uptime: u64,
    /// Processors that it may use.
    pub cpus: f64,
    /// Memory in use, without the page cache.
    pub mem: u64,
    /// Its limit of memory.
    pub maxmem: u64,
    /// Swap in use.
    pub swap: u64,
    /// Its limit of swap.
    pub maxswap: u64,
    /// Used of its root file system.
    pub disk: u64,
    /// The size of its root file system.
    pub maxdisk: u64,
    /// Read from block devices.
    pub diskread: u64,
    /// Written to block devices.
    pub diskwrite: u64,
    /// Received over its network interfaces.
    pub netin: u64,
    /// Sent over its network interfaces.
    pub netout: u64,
}

options::options! {
    pct_config_options { struct_size, snapshot, current; reserved }
    pct_stats {
        struct_size, running, pid, uptime, cpus, mem, maxmem, swap, maxswap, disk, maxdisk, diskread, diskwrite,
        netin, netout,
    }
}

/// All containers of this host, ascending by number: a JSON array of objects
/// as pct_container_status_json gives them. For one whose configuration cannot
/// be read, the object has only vmid, type and the string error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_list_json(
    ctx: *const pct_ctx,
    out: *mut *mut c_char,
    err: *mut *mut pct_error,
) -> pct_status {
    // SAFETY: pointers are NULL or valid, as the header asks of the caller.
    unsafe { guard::json_on(ctx, (out, "out"), err, |pct| Ok(listing(pct, &pct.list()?))) }
}

/// As pct_list_json, for the containers whose numbers stand in vmids. One that
/// does not exist is among them with its error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_list_of_json(
    ctx: *const pct_ctx,
    vmids: *const u32,
    count: usize,
    out: *mut *mut c_char,
    err: *mut *mut pct_error,
) -> pct_status {
    // SAFETY: pointers are NULL or valid, as the header asks of the caller.
    unsafe {
        guard::json_on(ctx, (out, "out"), err, |pct| {
            Ok(listing(pct, &pct.list_of(&guard::numbers(vmids, count)?)?))
        })
    }
}

fn listing(pct: &Pct, listing: &Listing) -> Value {
    // One that stops in between is shown as it was found, without use.
    json::listing(listing, |vmid| pct.container(vmid).usage().ok().flatten(), |_| None)
}

/// The state of a container, its limits, and when it runs what it uses: a JSON
/// object with the members
///
/// - vmid, name, type ("lxc"), status ("running" or "stopped"), cpus
/// - in bytes: mem, maxmem, swap, maxswap, disk, maxdisk, diskread, diskwrite,
///   netin, netout
/// - uptime, in seconds
/// - when there is something to say: pid (of its init), lock, tags, template (1)
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_container_status_json(
    ctx: *const pct_ctx,
    vmid: u32,
    out: *mut *mut c_char,
    err: *mut *mut pct_error,
) -> pct_status {
    // SAFETY: pointers are NULL or valid, as the header asks of the caller.
    unsafe {
        guard::json_of(ctx, vmid, out, err, |container| {
            let status = container.status()?;
            let usage = if status.running { container.usage()? } else { None };
            Ok(json::status(&status, usage.as_ref()))
        })
    }
}

/// The same as numbers, in a struct of the caller, whose struct_size must be
/// set. All else in it is set by each call, to zero when it fails.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_container_stats(
    ctx: *const pct_ctx,
    vmid: u32,
    out: *mut pct_stats,
    err: *mut *mut pct_error,
) -> pct_status {
    // SAFETY: pointers are NULL or valid, as the header asks of the caller.
    unsafe {
        let cleared = options::fill(out, &mem::zeroed(), "out");
        guard::on_container(ctx, vmid, err, |container| {
            cleared?;
            let status = container.status()?;
            let usage = if status.running { container.usage()? } else { None };
            options::fill(out, &stats(&status, usage.as_ref()), "out")
        })
    }
}

fn stats(status: &Status, usage: Option<&Usage>) -> pct_stats {
    let used = usage.copied().unwrap_or_default();
    pct_stats {
        struct_size: size_of::<pct_stats>(),
        running: status.running.into(),
        pid: used.pid,
        uptime: used.uptime,
        cpus: status.cpus,
        mem: used.memory,
        maxmem: status.max_memory,
        swap: used.swap,
        maxswap: status.max_swap,
        disk: used.disk,
        // As it is mounted, which is smaller than the volume.
        maxdisk: usage.map_or(status.max_disk, |usage| usage.max_disk),
        diskread: used.disk_read,
        diskwrite: used.disk_write,
        netin: used.net_in,
        netout: used.net_out,
    }
}

/// Whether a container runs.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_container_is_running(
    ctx: *const pct_ctx,
    vmid: u32,
    out: *mut bool,
    err: *mut *mut pct_error,
) -> pct_status {
    // SAFETY: pointers are NULL or valid, as the header asks of the caller.
    unsafe {
        let out = Out::new(out, false);
        guard::on_container(ctx, vmid, err, |container| {
            out.require("out")?;
            out.set(container.status()?.running);
            Ok(())
        })
    }
}

/// The configuration as pct config shows it: a line "key: value" for each key
/// in byte order, then the lxc lines in the order of the file.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_container_config_text(
    ctx: *const pct_ctx,
    vmid: u32,
    options: *const pct_config_options,
    out: *mut *mut c_char,
    err: *mut *mut pct_error,
) -> pct_status {
    // SAFETY: pointers are NULL or valid, as the header asks of the caller.
    unsafe {
        let out = Out::new(out, ptr::null_mut());
        guard::on_container(ctx, vmid, err, |container| {
            out.require("out")?;
            let lines = pct_config_lines(&config(container, options)?.section);
            let text: String = lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect();
            out.set(string::give(&String::from_utf8_lossy(&to_bytes(&text))));
            Ok(())
        })
    }
}

/// The configuration as a JSON object: numbers and switches (0 or 1) as
/// numbers, all else as strings, the lxc lines as an array of pairs in the
/// member lxc, and in digest the SHA-1 of the file, which tells whether it has
/// changed since.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_container_config_json(
    ctx: *const pct_ctx,
    vmid: u32,
    options: *const pct_config_options,
    out: *mut *mut c_char,
    err: *mut *mut pct_error,
) -> pct_status {
    // SAFETY: pointers are NULL or valid, as the header asks of the caller.
    unsafe { guard::json_of(ctx, vmid, out, err, |container| Ok(json::config(&config(container, options)?))) }
}

/// The snapshots in the order of their tree, and behind them the current state:
/// a JSON array of objects with the members name and description, and where
/// there is something to say parent, snaptime and snapstate. The last one has
/// the name "current", digest and running (0 or 1).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_container_snapshots_json(
    ctx: *const pct_ctx,
    vmid: u32,
    out: *mut *mut c_char,
    err: *mut *mut pct_error,
) -> pct_status {
    // SAFETY: pointers are NULL or valid, as the header asks of the caller.
    unsafe {
        guard::json_of(ctx, vmid, out, err, |container| {
            let loaded = container.load()?;
            Ok(json::snapshots(&loaded, container.is_running()?))
        })
    }
}

/// The lowest number that no container has, on a Proxmox VE cluster no other
/// guest either; 0 when all are taken. Nothing reserves it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_free_vmid(
    ctx: *const pct_ctx,
    out: *mut u32,
    err: *mut *mut pct_error,
) -> pct_status {
    // SAFETY: pointers are NULL or valid, as the header asks of the caller.
    unsafe {
        let out = Out::new(out, 0);
        guard::on_ctx(ctx, err, |ctx| {
            out.require("out")?;
            out.set(ctx.pct.free_vmid().map_or(0, Vmid::get));
            Ok(())
        })
    }
}

/// # Safety
/// `options` as for [`options::read`], its strings as for [`string::text`].
unsafe fn config(
    container: &Container<'_>,
    options: *const pct_config_options,
) -> Result<ConfigState, Fault> {
    // SAFETY: as above.
    let (given, snapshot) = unsafe {
        let given = options::read(options)?;
        (given, string::text(given.snapshot, "snapshot")?)
    };
    let view = match (snapshot, given.current != 0) {
        (None, false) => ConfigView::Pending,
        (None, true) => ConfigView::Current,
        (Some(name), false) => ConfigView::Snapshot(name.to_owned()),
        (Some(_), true) => {
            return Err(Fault::new(PCT_E_PARAMETER, "snapshot and current cannot be used together"));
        }
    };
    Ok(container.config(&view)?)
}
