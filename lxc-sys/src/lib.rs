//! Raw bindings to the system liblxc, 5.0 or newer: no logic, nothing safe.
//!
//! | module | content |
//! |---|---|
//! | crate root | the bindings: those of the 7.0.0 headers, or of the system header with the feature `bindgen` |
//! | [`consts`] | macros that bindgen cannot see |
//! | [`version`] | which liblxc is loaded, and what it may be asked |
//!
//! # Rules for callers
//! `struct lxc_container` only ever grew at its end, and all versions share the name `liblxc.so.1`: the
//! struct at run time may be *shorter* than the one here. Never make a reference to a whole
//! `lxc_container`; read members with `core::ptr::addr_of!((*c).member).read()`, and those that are newer
//! than [`version::OLDEST`] only through the functions of [`version`] that test for them.
//!
//! The structs that a caller makes (`lxc_attach_options_t`, `lxc_log` ...) carry no size: give liblxc one
//! that lies at the start of a larger, zeroed buffer, as a newer liblxc may read on.
//!
//! The variadic members (`startl`, `createl`, `attach_run_waitl`) and `lxc_attach_run_shell` (it asks the
//! *container's* NSS modules, in host code) are bound but must not be called.
#![no_std]
// Raw bindings are what this crate is for.
#![allow(unsafe_code)]

pub mod consts;
pub mod version;

#[allow(missing_docs, non_camel_case_types, unreachable_pub)]
#[allow(clippy::all, clippy::pedantic)]
mod bindings {
    #[cfg(feature = "bindgen")]
    include!(concat!(env!("OUT_DIR"), "/bindings.rs"));
    #[cfg(not(feature = "bindgen"))]
    include!("bindings.rs");
}

pub use bindings::*;
