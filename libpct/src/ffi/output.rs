//! Commands and what they say.

use std::{
    ffi::{c_char, c_int, c_void},
    process::Output,
    ptr, slice,
};

use super::{
    container::timeout,
    ctx::pct_ctx,
    error::{Fault, pct_error},
    exec::{command, exit_status},
    guard, options,
    out::Out,
    status::pct_status,
};

/// What a command has said, and how it ended.
pub struct pct_output {
    exit_status: c_int,
    /// With a NUL behind them.
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

/// What pct_container_exec_output gives to a command, and how much of it it
/// bears.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct pct_output_options {
    /// sizeof (pct_output_options)
    pub struct_size: usize,
    /// Bytes for its standard input, which ends behind them.
    pub input: *const c_void,
    /// How many.
    pub input_size: usize,
    /// How many bytes it may write to its standard output, and to its standard
    /// error. Zero is 16 MiB.
    pub limit: usize,
    /// How many milliseconds it may take. Zero is any time.
    pub timeout_ms: u32,
    /// As in pct_exec_options.
    pub keep_env: c_int,
}

options::options! { pct_output_options { struct_size, input, input_size, limit, timeout_ms, keep_env } }

/// Runs a command inside a running container to its end, and gives in *out what
/// it has said. argv ends in NULL. The caller frees *out with pct_output_free.
///
/// After PCT_E_TIMEOUT and PCT_E_TOO_MUCH the command has got SIGTERM; one that
/// does not heed it goes on inside. What a command leaves in the background is
/// not waited for.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_container_exec_output(
    ctx: *const pct_ctx,
    vmid: u32,
    argv: *const *const c_char,
    options: *const pct_output_options,
    out: *mut *mut pct_output,
    err: *mut *mut pct_error,
) -> pct_status {
    // SAFETY: pointers are NULL or valid, as the header asks of the caller.
    unsafe {
        let out = Out::new(out, ptr::null_mut());
        guard::on_container(ctx, vmid, err, |container| {
            out.require("out")?;
            let given = options::read(options)?;
            let mut exec = container.exec(command(argv)?).keep_env(given.keep_env != 0).input(input(&given)?);
            if given.limit > 0 {
                exec = exec.limit(given.limit);
            }
            if let Some(time) = timeout(given.timeout_ms) {
                exec = exec.timeout(time);
            }
            let Output { status, mut stdout, mut stderr } = exec.output()?;
            stdout.push(0);
            stderr.push(0);
            out.set(Box::into_raw(Box::new(pct_output { exit_status: exit_status(status), stdout, stderr })));
            Ok(())
        })
    }
}

/// # Safety
/// `input` is NULL or points to `input_size` bytes that do not change during `'a`.
unsafe fn input<'a>(given: &pct_output_options) -> Result<&'a [u8], Fault> {
    match given.input_size {
        0 => Ok(&[]),
        _ if given.input.is_null() => Err(Fault::null("input")),
        // SAFETY: as above.
        size => Ok(unsafe { slice::from_raw_parts(given.input.cast(), size) }),
    }
}

/// How the command ended. -1 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_output_exit_status(output: *const pct_output) -> c_int {
    // SAFETY: NULL or an output, as the header asks of the caller.
    unsafe { output.as_ref() }.map_or(-1, |output| output.exit_status)
}

/// The bytes of its standard output, any bytes, with a NUL behind them, and in
/// *size how many; size may be NULL. Valid until the object is freed. Empty for
/// NULL, never NULL itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_output_stdout(output: *const pct_output, size: *mut usize) -> *const c_char {
    // SAFETY: as above; `size` is NULL or may be written to.
    unsafe { bytes(output.as_ref().map(|output| &*output.stdout), size) }
}

/// As pct_output_stdout, of its standard error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_output_stderr(output: *const pct_output, size: *mut usize) -> *const c_char {
    // SAFETY: as above.
    unsafe { bytes(output.as_ref().map(|output| &*output.stderr), size) }
}

/// # Safety
/// `size` is NULL or may be written to.
unsafe fn bytes(text: Option<&[u8]>, size: *mut usize) -> *const c_char {
    let text = text.unwrap_or(b"\0");
    // SAFETY: as above.
    unsafe { Out::new(size, text.len() - 1) };
    text.as_ptr().cast()
}

/// Frees an output. NULL is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_output_free(output: *mut pct_output) {
    if !output.is_null() {
        // SAFETY: the caller gives back what `pct_container_exec_output` has let go, once.
        drop(unsafe { Box::from_raw(output) });
    }
}
