//! `pct::lxc` on real containers: a busybox each, in a temporary lxcpath. What the header has is in `lxc_api.rs`.
//!
//! Each fault that other bindings of liblxc have (spec: liblxc-api, part 1.7) is a test here or beside the code.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

mod attach;
mod checkpoint;
mod console;
mod copies;
mod devices;
mod guest;
mod lifecycle;
mod nothing;
mod seccomp;
mod socket;
