//! The guard at every door: no panic crosses it, no NULL and no poisoned context gets in.

use std::{
    ffi::c_char,
    panic::{AssertUnwindSafe, catch_unwind},
    ptr,
    sync::atomic::Ordering,
};

use serde_json::Value;

use super::{
    ctx::pct_ctx,
    error::{Fault, pct_error, report},
    out::Out,
    progress::{Callbacks, pct_progress},
    status::{PCT_E_PANIC, PCT_E_PARAMETER, pct_status},
    string,
};
use crate::{Container, Pct, Vmid};

/// Runs a call that has no context.
///
/// # Safety
/// `err` is NULL or may be written to.
pub(super) unsafe fn call(err: *mut *mut pct_error, body: impl FnOnce() -> Result<(), Fault>) -> pct_status {
    let outcome = caught(body).unwrap_or_else(Err);
    // SAFETY: as above.
    unsafe { report(err, outcome) }
}

/// Runs a call on a context; one that panics is the last.
///
/// # Safety
/// `ctx` is NULL or a context that is not freed during the call, `err` as for [`call`].
pub(super) unsafe fn on_ctx(
    ctx: *const pct_ctx,
    err: *mut *mut pct_error,
    body: impl FnOnce(&pct_ctx) -> Result<(), Fault>,
) -> pct_status {
    // SAFETY: as above.
    let outcome = match unsafe { ctx.as_ref() } {
        None => Err(Fault::null("ctx")),
        Some(ctx) if ctx.poisoned.load(Ordering::Acquire) => {
            let text = "an earlier call on this context met a bug of the library: free it and open another";
            Err(Fault::new(PCT_E_PANIC, text))
        }
        Some(ctx) => caught(|| body(ctx)).unwrap_or_else(|panicked| {
            ctx.poisoned.store(true, Ordering::Release);
            Err(panicked)
        }),
    };
    // SAFETY: as above.
    unsafe { report(err, outcome) }
}

/// Runs a call on a container; its errors name it.
///
/// # Safety
/// As [`on_ctx`].
pub(super) unsafe fn on_container(
    ctx: *const pct_ctx,
    vmid: u32,
    err: *mut *mut pct_error,
    body: impl FnOnce(&Container<'_>) -> Result<(), Fault>,
) -> pct_status {
    let on_ctx = |ctx: &pct_ctx| body(&ctx.pct.container(number(vmid)?));
    // SAFETY: as above.
    unsafe { self::on_ctx(ctx, err, |ctx| on_ctx(ctx).map_err(|fault| fault.of(vmid))) }
}

/// As [`on_container`], for a call that tells what it does.
///
/// # Safety
/// As [`on_ctx`]; `progress` as for [`Callbacks::read`].
pub(super) unsafe fn operate(
    ctx: *const pct_ctx,
    vmid: u32,
    progress: *const pct_progress,
    err: *mut *mut pct_error,
    body: impl FnOnce(&Container<'_>, &mut Callbacks) -> Result<(), Fault>,
) -> pct_status {
    // SAFETY: as above.
    unsafe { on_container(ctx, vmid, err, |container| body(container, &mut Callbacks::read(ctx, progress)?)) }
}

/// As [`on_container`], for a call that gives a JSON text.
///
/// # Safety
/// As [`on_ctx`]; `out` is NULL or may be written to.
pub(super) unsafe fn json_of(
    ctx: *const pct_ctx,
    vmid: u32,
    out: *mut *mut c_char,
    err: *mut *mut pct_error,
    body: impl FnOnce(&Container<'_>) -> Result<Value, Fault>,
) -> pct_status {
    // SAFETY: as above.
    unsafe {
        let out = Out::new(out, ptr::null_mut());
        on_container(ctx, vmid, err, |container| give(&out, "out", || body(container)))
    }
}

/// As [`on_ctx`], for a call that gives a JSON text in the parameter `name`.
///
/// # Safety
/// As [`on_ctx`]; `out` is NULL or may be written to.
pub(super) unsafe fn json_on(
    ctx: *const pct_ctx,
    (out, name): (*mut *mut c_char, &str),
    err: *mut *mut pct_error,
    body: impl FnOnce(&Pct) -> Result<Value, Fault>,
) -> pct_status {
    // SAFETY: as above.
    unsafe {
        let out = Out::new(out, ptr::null_mut());
        on_ctx(ctx, err, |ctx| give(&out, name, || body(&ctx.pct)))
    }
}

/// As [`call`], for a call that gives a JSON text.
///
/// # Safety
/// As [`call`]; `out` is NULL or may be written to.
pub(super) unsafe fn json(
    out: *mut *mut c_char,
    err: *mut *mut pct_error,
    body: impl FnOnce() -> Result<Value, Fault>,
) -> pct_status {
    // SAFETY: as above.
    unsafe {
        let out = Out::new(out, ptr::null_mut());
        call(err, || give(&out, "out", body))
    }
}

/// Gives a JSON text in the parameter `name`.
fn give(
    out: &Out<*mut c_char>,
    name: &str,
    body: impl FnOnce() -> Result<Value, Fault>,
) -> Result<(), Fault> {
    out.require(name)?;
    out.set(string::give(&body()?.to_string()));
    Ok(())
}

/// The number of a container.
pub(super) fn number(vmid: u32) -> Result<Vmid, Fault> {
    Vmid::new(vmid).map_err(|error| Fault::new(PCT_E_PARAMETER, format!("invalid vmid {vmid}: {error}")))
}

/// Several of them.
///
/// # Safety
/// `vmids` is NULL or points to `count` numbers.
pub(super) unsafe fn numbers(vmids: *const u32, count: usize) -> Result<Vec<Vmid>, Fault> {
    if count > 0 && vmids.is_null() {
        return Err(Fault::null("vmids"));
    }
    // Of more there cannot be configurations; a negative number would be one of these.
    if count > Vmid::MAX as usize {
        return Err(Fault::new(PCT_E_PARAMETER, format!("count is {count}: there are not so many numbers")));
    }
    // SAFETY: as above.
    let at = |index| unsafe { vmids.add(index).read_unaligned() };
    (0..count).map(|index| number(at(index))).collect()
}

/// What `body` gave, or its panic. Whoever gets a panic must not use again what `body` has touched.
fn caught<T>(body: impl FnOnce() -> T) -> Result<T, Fault> {
    catch_unwind(AssertUnwindSafe(body)).map_err(|payload| {
        let fault = Fault::panicked(&*payload);
        // What a panic carries may panic again when it is dropped.
        std::mem::forget(payload);
        fault
    })
}
