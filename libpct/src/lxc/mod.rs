//! The safe face of liblxc. It knows nothing of this project's config and could be a crate of its own.
//!
//! | file | concern |
//! |---|---|
//! | [`command`] | the monitor's command socket, spoken natively: **no liblxc symbol is used** |
//! | [`container`] | a handle on one container: state, init, file descriptors |
//! | [`config`] | its config items |
//! | [`lifecycle`] | start, stop, shutdown, reboot, wait, freeze |
//! | [`create`] | create, destroy, rename, copy |
//! | [`snapshot`] | snapshots that liblxc itself keeps |
//! | [`checkpoint`] | the state of all processes on disk, by CRIU |
//! | [`attach`] | run a program inside |
//! | [`console`] | lease a terminal, the console's log |
//! | [`interfaces`] | network interfaces and addresses inside |
//! | [`device`], [`mount`](mod@mount) | device nodes and mounts inside |
//! | [`cgroup`] | cgroup items |
//! | [`list`] | which containers there are |
//! | [`log`] | liblxc's log: capture, and what in it says why |
//! | [`version`] | the loaded version and what it can do |
//!
//! A program that uses [`command`], [`state`] and [`log::causes`] only does not need `liblxc.so`.
//!
//! # Results
//! liblxc answers most calls with yes or no, and says why in its log alone: an [`Error::Call`] has what was called, what it
//! returned and the `errno` it left; [`LogCapture`] and [`log::causes`] have the reason. Everything that is returned is
//! owned: strings are copied, descriptors are close-on-exec. Texts with NUL bytes, and with line breaks where they could
//! become part of a config file, are refused before liblxc sees them, as are names that liblxc would make other paths of.
//!
//! # Versions
//! liblxc 4.0.5 or newer; which one is loaded is asked at run time, by [`version::loaded`]. [`Container::set_timeout`] needs
//! 6.0.0 and is an [`Error::Unsupported`] before.
//!
//! # Processes
//! Calls that make liblxc fork (`start`, `attach`, `interfaces` ...) are refused with [`Error::Threads`] in
//! a process with more than one thread: liblxc allocates between fork and exec. They also reap their
//! children by pid: do not ignore `SIGCHLD`, and do not reap by `wait(-1)` meanwhile.
//!
//! # What is not wrapped
//! All else in the headers of liblxc 7.0 is; a test compares this table with them.
//!
//! | in the header | why |
//! |---|---|
//! | `startl`, `createl`, `attach_run_waitl` | the number of arguments is open: unsound from Rust, and the same as those with an array |
//! | `reboot` | the same as `reboot2` that does not wait |
//! | `checkpoint`, `restore` | `migrate` does both, with all options |
//! | `attach_run_wait`, `lxc_attach_run_command`, `lxc_attach_command_t` | they give a failure to attach or to execute the number of an exit status; [`Container::attach`] and [`Child::wait`] tell them apart |
//! | `lxc_attach_run_shell` | asks the container's account database, by code of the container in a process of the host |
//! | `log_fd` | of a terminal that `attach` would keep for itself until the program ends; give it a terminal as stdin instead |
//! | `lxc_container_get` | a second reference to a struct that nobody locks; open a second handle |
//! | `lxc_log_close` | frees what another thread may be logging with; a capture lasts as long as the process |
//! | `configfile`, `config_path`, `daemonize`, `rcv_timeout` | private, and read and set by functions |
//! | `pidfile`, `slock`, `privlock`, `numthreads` | private |
//! | `error_string` | nothing ever sets it |
//! | `LXC_CLONE_MAXFLAGS`, `LXC_CREATE_MAXFLAGS` | no flags, but where those of others may begin |
//! | `LXC_VERSION`, `LXC_VERSION_ABI`, `LXC_DEVEL` | of the header, which is not what is loaded |
// All that talks to C is here; each block says why it is sound.
#![allow(unsafe_code)]

mod args;
pub mod attach;
mod cbox;
pub mod cgroup;
pub mod checkpoint;
pub mod command;
pub mod config;
pub mod console;
pub mod container;
pub mod create;
pub mod device;
mod error;
pub mod interfaces;
pub mod lifecycle;
pub mod list;
pub mod log;
pub mod mount;
mod pidfd;
pub mod snapshot;
pub mod state;
#[cfg(test)]
mod tests;
mod threads;
pub mod version;

pub use attach::{AttachCommand, AttachOptions, Child, Exit, KeepEnv};
pub use checkpoint::{CriuFeatures, CriuOptions};
pub use command::CommandSocket;
pub use console::TtyLease;
pub use container::Container;
pub use create::{CloneOptions, CreateOptions, Storage};
pub use error::{Error, Result};
pub use interfaces::Family;
pub use lifecycle::{InitExit, StartOptions, StartOutcome};
pub use log::{Level, LogCapture};
pub use mount::Mount;
pub use snapshot::Snapshot;
pub use state::State;
pub use version::Version;
