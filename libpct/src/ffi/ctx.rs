//! Contexts.

use std::{ffi::c_char, ptr, sync::atomic::AtomicBool};

use super::{error::pct_error, guard, options, out::Out, status::pct_status, string};
use crate::Pct;

/// Where containers are, and how to work on them.
pub struct pct_ctx {
    pub(super) pct: Pct,
    /// A call on it has panicked: its state is unknown.
    pub(super) poisoned: AtomicBool,
}

/// What pct_ctx_new works on.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct pct_ctx_options {
    /// sizeof (pct_ctx_options)
    pub struct_size: usize,
    /// An absolute path that prefixes all others: /x/etc/pct, /x/var/lib/pct,
    /// /x/run/pct. NULL is the host itself; the variable PCT_ROOT is not read.
    pub root: *const c_char,
    /// The program pct-helper. NULL is the installed one.
    pub helper: *const c_char,
}

options::options! { pct_ctx_options { struct_size, root, helper } }

/// Opens a context and gives it in *out. Costs little: it holds no connection.
///
/// The caller frees it with pct_ctx_free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_ctx_new(
    options: *const pct_ctx_options,
    out: *mut *mut pct_ctx,
    err: *mut *mut pct_error,
) -> pct_status {
    // SAFETY: pointers are NULL or valid, as the header asks of the caller.
    unsafe {
        let out = Out::new(out, ptr::null_mut());
        guard::call(err, || {
            out.require("out")?;
            let options = options::read(options, "pct_ctx_options")?;
            let mut builder = Pct::builder();
            if let Some(root) = string::os(options.root) {
                builder = builder.root(root);
            }
            if let Some(helper) = string::os(options.helper) {
                builder = builder.helper(helper);
            }
            let ctx = pct_ctx { pct: builder.open()?, poisoned: AtomicBool::new(false) };
            out.set(Box::into_raw(Box::new(ctx)));
            Ok(())
        })
    }
}

/// Frees a context. Containers go on as they are. NULL is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_ctx_free(ctx: *mut pct_ctx) {
    if !ctx.is_null() {
        // SAFETY: the caller gives back what `pct_ctx_new` has let go, once, and no other thread uses it.
        drop(unsafe { Box::from_raw(ctx) });
    }
}
