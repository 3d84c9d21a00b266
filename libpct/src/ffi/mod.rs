//! The C interface of libpct, the library of system containers.
//!
//! Every other language uses it, too. It adds nothing to the library but the
//! translation between C and its values. These conventions hold for all of it:
//!
//! Contexts. There are no globals: each call works on a pct_ctx, which says
//! where containers are. One context may be used by several threads at the
//! same time; only pct_ctx_free must be the last call on it.
//!
//! Results. A call that can fail returns a pct_status, PCT_OK (0) or one of
//! the numbers PCT_E_*, which are never given another meaning. Its last
//! parameter takes an error object, or NULL: *err is set by each call, to NULL
//! on success and else to an object that says what was attempted, on what, why
//! it failed and, where that is known, what to do. The caller frees it with
//! pct_error_free. What other out-parameters point to is set by each call,
//! too: to NULL, 0, false or -1 when it fails.
//!
//! Options. An option struct begins with its size: fill it with zeros, set
//! struct_size to sizeof, then what you need; zero is the default of every
//! member. NULL stands for defaults only. A shorter struct, of an older
//! header, is accepted: what it lacks is zero. A longer one, of a newer
//! header, is accepted if all that this library does not know is zero, and
//! else refused with PCT_E_TOO_BIG. Members called reserved must be zero. A
//! member that is switched on or off is on when it is not zero.
//!
//! Strings. Strings that go in end in NUL and are only read during the call.
//! Paths of the host and commands are any bytes, all others must be UTF-8
//! (PCT_E_UTF8).
//! A pointer that must not be NULL and is gives PCT_E_NULL. A char * that
//! comes out is UTF-8, belongs to the caller and is freed by pct_string_free
//! and nothing else; a const char * stays the library's. Many values at once
//! come as one JSON text with the field names of the REST interface of
//! Proxmox VE, so that no struct has to grow.
//!
//! File descriptors. Those that go in are borrowed. Those that come out belong
//! to the caller and are closed on exec.
//!
//! Callbacks run on the calling thread before the call returns. They must
//! return: no longjmp, no C++ exception.
//!
//! Faults of the library. A call that meets a bug of the library gives
//! PCT_E_PANIC instead of ending the process; every later call on the same
//! context does so, too, except pct_ctx_free.
//!
//! Processes. Work that has to fork is done by a program of its own,
//! pct-helper, so the calling process may have threads. The library starts it
//! and waits for it: SIGCHLD must not be ignored, and a handler must wait for
//! children of its own only. Else a call that has to know how a child ended
//! fails and says so. A forked child may go on to use a context for calls that
//! only read. The library prints nothing, changes no signal handler, no signal
//! mask, no working directory and no umask; standard streams may be closed.
//!
//! Versions. The numbers of PCT_VERSION_* are those of this header, pct_version
//! gives those of the library in use. The file libpct.so.0 is replaced only by
//! what keeps compatible with this header; pct_has_feature tells what is in it.
//! In the installed library each function has the release that brought it as
//! its symbol version: a program that needs a newer library is not started.

// From here on it is about the Rust side. The text above and those of the files named in
// tests/tests/header.rs are the texts of include/pct.h: one file is one section of the header.

// Names are those of C. This folder is the one place of the front door that may be unsafe.
#![allow(unsafe_code, non_camel_case_types)]
// C reaches these by name, and cbindgen takes what is `pub`; Rust programs use the crate itself.
#![allow(unreachable_pub)]

mod all;
mod change;
mod clone;
mod config;
mod container;
mod contents;
mod copy;
mod ctx;
mod error;
mod events;
mod exec;
mod guard;
mod guest;
mod inspect;
mod move_volume;
mod options;
mod out;
mod output;
mod progress;
mod query;
mod snapshots;
mod status;
mod storages;
mod string;
mod tty;
mod version;
mod volume_stream;
mod volumes;

#[cfg(test)]
mod tests;
