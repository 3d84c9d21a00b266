//! The harness of the tests that need the whole product.
//!
//! A test takes a [`Host`]: a private `PCT_ROOT` with container ids of its own,
//! which it may leave in any state, because dropping the host removes every
//! container, mount, loop device, link, cgroup and process that belongs to it.
//! Tests run in parallel, in one process and in several.
//!
//! Without root the tests say `skipped: needs root` and their name. With the word `require` in `PCT_E2E` (as in CI)
//! that is a failure; so is a test that lacks what only a stock kernel or a whole system has with `machine` (in the
//! virtual machines of `make test-vm`), and one that lacks a CRIU for this kernel with `criu` (in the root of `make
//! test-lxc6`).

// This package is test code from end to end: a panic is how it reports.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr, clippy::print_stdout)]

pub mod archive;
pub mod backing;
pub mod bench;
pub mod bins;
pub mod bridge;
pub mod busybox;
pub mod c;
pub mod cases;
pub mod cleanup;
pub mod counter;
pub mod debian;
pub mod disk;
pub mod dnsmasq;
pub mod generated;
pub mod host;
pub mod lease;
pub mod limits;
pub mod man;
pub mod pty;
pub mod root;
pub mod run;
pub mod send_stream;
pub mod silent;
pub mod state;
#[cfg(target_arch = "x86_64")]
pub mod trace;
pub mod wait;

pub use backing::{Backing, Kind};
pub use bridge::Bridge;
pub use host::{Ct, Host};
pub use run::{Output, Run, Running};
pub use silent::Silent;
