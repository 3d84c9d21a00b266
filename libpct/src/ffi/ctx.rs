//! Contexts.

use std::{
    ffi::{c_char, c_int, c_void},
    ptr,
    sync::atomic::AtomicBool,
};

use libc::LOG_WARNING;

use super::{error::pct_error, guard, options, out::Out, status::pct_status, string};
use crate::Pct;

/// Where containers are, and how to work on them.
pub struct pct_ctx {
    pub(super) pct: Pct,
    pub(super) log: Log,
    /// A call on it has panicked: its state is unknown.
    pub(super) poisoned: AtomicBool,
}

/// Who hears what no other callback does.
#[derive(Clone, Copy)]
pub(super) struct Log {
    callback: Option<unsafe extern "C" fn(user: *mut c_void, priority: c_int, text: *const c_char)>,
    user: *mut c_void,
}

// SAFETY: the header tells that it is called on any thread that uses the context, by several at once.
unsafe impl Send for Log {}
// SAFETY: as above.
unsafe impl Sync for Log {}

impl Log {
    pub(super) const NONE: Self = Self { callback: None, user: ptr::null_mut() };

    /// `priority` is one of syslog(3).
    pub(super) fn tell(self, priority: c_int, text: &str) {
        if let Some(callback) = self.callback {
            let text = string::c_string(text);
            // SAFETY: the caller's function with the caller's pointer, which both last as long as the context.
            unsafe { callback(self.user, priority, text.as_ptr()) };
        }
    }
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
    /// Hears what calls on this context have to say that have no callback for
    /// it: what a configuration file says that the library does not understand,
    /// and the messages and warnings of calls without a pct_progress. priority
    /// is one of syslog(3): LOG_WARNING (4) or LOG_INFO (6). It is called on the
    /// thread that makes the call, and by several at once if several use the
    /// context. NULL hears nothing.
    pub log: Option<unsafe extern "C" fn(user: *mut c_void, priority: c_int, text: *const c_char)>,
    /// Given to log as it is.
    pub log_user: *mut c_void,
}

options::options! { pct_ctx_options { struct_size, root, helper, log, log_user } }

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
            let options = options::read(options)?;
            let mut builder = Pct::builder();
            if let Some(root) = string::os(options.root) {
                builder = builder.root(root);
            }
            if let Some(helper) = string::os(options.helper) {
                builder = builder.helper(helper);
            }
            let log = Log { callback: options.log, user: options.log_user };
            if log.callback.is_some() {
                builder =
                    builder.on_diagnostic(move |diagnostic| log.tell(LOG_WARNING, &diagnostic.to_string()));
            }
            let ctx = pct_ctx { pct: builder.open()?, log, poisoned: AtomicBool::new(false) };
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
