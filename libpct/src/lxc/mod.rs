//! The safe face of liblxc. It knows nothing of this project's config and could be a crate of its own.
//!
//! | file | concern |
//! |---|---|
//! | [`command`] | the monitor's command socket, spoken natively: **no liblxc symbol is used** |
//! | [`container`] | a handle on one container: state, init, file descriptors |
//! | [`config`] | its config items |
//! | [`lifecycle`] | start, stop, shutdown, reboot, wait, freeze |
//! | `checkpoint` | the state of all processes on disk, by CRIU |
//! | [`attach`] | run a program inside |
//! | [`console`] | lease a terminal |
//! | [`interfaces`] | network interfaces and addresses inside |
//! | [`cgroup`] | cgroup items |
//! | [`list`] | which containers there are |
//! | [`snapshot`] | snapshots that liblxc itself has made |
//! | [`log`] | liblxc's log: capture, and what in it says why |
//! | [`version`] | the loaded version and what it can do |
//!
//! A program that uses [`command`], [`state`] and [`log::causes`] only does not need `liblxc.so`.
//!
//! # Processes
//! Calls that make liblxc fork (`start`, `attach`, `interfaces` ...) are refused with [`Error::Threads`] in
//! a process with more than one thread: liblxc allocates between fork and exec. They also reap their
//! children by pid: do not ignore `SIGCHLD`, and do not reap by `wait(-1)` meanwhile.
// All that talks to C is here; each block says why it is sound.
#![allow(unsafe_code)]

pub mod attach;
mod cbox;
pub mod cgroup;
mod checkpoint;
pub mod command;
pub mod config;
pub mod console;
pub mod container;
mod error;
pub mod interfaces;
pub mod lifecycle;
pub mod list;
pub mod log;
mod pidfd;
pub mod snapshot;
pub mod state;
#[cfg(test)]
mod tests;
mod threads;
pub mod version;

pub use attach::{AttachCommand, AttachOptions, Child, Exit, KeepEnv};
pub use command::CommandSocket;
pub use console::TtyLease;
pub use container::Container;
pub use error::{Error, Result};
pub use lifecycle::{InitExit, StartOutcome};
pub use log::{Level, LogCapture};
pub use state::State;
pub use version::Version;
