//! The error of this room.

use std::{io, path::PathBuf};

/// A result of this room.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong at the border to liblxc.
///
/// liblxc itself gives no reason but in its log: see [`super::log`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// liblxc said no.
    #[error("liblxc cannot {operation} container {container} (it returned {code})")]
    Call {
        /// What was attempted, e.g. `start`.
        operation: &'static str,
        /// The name of the container.
        container: String,
        /// What the call returned; 0 is `false`.
        code: i64,
        /// `errno` after the call, when it was set.
        #[source]
        source: Option<io::Error>,
    },
    /// A system call failed.
    #[error("cannot {operation} container {container}")]
    System {
        /// What was attempted.
        operation: &'static str,
        /// The name of the container.
        container: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The call makes liblxc fork, which is unsound in a process with several threads.
    #[error("cannot {operation} container {container}: this process has {threads} threads, liblxc needs one")]
    Threads {
        /// What was attempted.
        operation: &'static str,
        /// The name of the container.
        container: String,
        /// How many threads there are.
        threads: usize,
    },
    /// The name is none that liblxc can be given.
    #[error("{name:?} is no container name: 1 to 255 letters, digits, '-', '_', '.' and no leading '.'")]
    Name {
        /// The name.
        name: String,
    },
    /// The path is none that liblxc can be given.
    #[error("{path:?} cannot be given to liblxc: it must be absolute, without line breaks and NUL bytes")]
    Path {
        /// The path.
        path: PathBuf,
    },
    /// An interrupted creation by liblxc's own tools is in the way: liblxc would delete the root file system.
    #[error("an unfinished creation is marked by {marker:?}: remove the file if the container is to be kept")]
    Partial {
        /// The marker file.
        marker: PathBuf,
    },
    /// A text that goes to C has a NUL byte, or a config value a line break.
    #[error("{what} {text:?} has a NUL byte or a line break")]
    Text {
        /// What the text is for.
        what: &'static str,
        /// The text.
        text: String,
    },
    /// liblxc does not know the config key.
    #[error("liblxc does not know the config key {key:?}")]
    UnknownKey {
        /// The key.
        key: String,
    },
    /// liblxc does not take the value for the key.
    #[error("liblxc does not take {value:?} for {key}")]
    Value {
        /// The key.
        key: String,
        /// The value.
        value: String,
    },
    /// The loaded liblxc is too old to be used at all.
    #[error("liblxc {found:?} is too old: {needed} or newer is needed")]
    Version {
        /// What the library calls itself.
        found: String,
        /// The oldest that can be used.
        needed: String,
    },
    /// The loaded liblxc lacks this.
    #[error("the loaded liblxc cannot {operation}: that needs {needed} or newer")]
    Unsupported {
        /// What was attempted.
        operation: &'static str,
        /// The first version that can.
        needed: &'static str,
    },
    /// An option that this wrapper does not pass on.
    #[error("{what} is not possible here")]
    Refused {
        /// What was asked for.
        what: &'static str,
    },
    /// There is one already.
    #[error("container {container} exists already")]
    Exists {
        /// The name of the container.
        container: String,
    },
    /// The handle has no config.
    #[error("no config of container {container} is loaded")]
    NoConfig {
        /// The name of the container.
        container: String,
    },
    /// The config names no root file system.
    #[error("container {container} has no root file system: set lxc.rootfs.path")]
    NoRootfs {
        /// The name of the container.
        container: String,
    },
    /// The monitor keeps nothing of what is written to the console.
    #[error(
        "container {container} keeps no log of its console: set lxc.console.buffer.size, and start it anew"
    )]
    NoConsoleLog {
        /// The name of the container.
        container: String,
    },
    /// There is no monitor.
    #[error("container {container} is not running")]
    NotRunning {
        /// The name of the container.
        container: String,
    },
    /// The monitor did not answer in time. While a container starts its monitor answers nothing.
    #[error("the monitor of container {container} did not answer in time ({operation})")]
    Timeout {
        /// What was attempted.
        operation: &'static str,
        /// The name of the container.
        container: String,
    },
    /// The monitor answered something that makes no sense.
    #[error("the monitor of container {container} gave no valid answer ({operation})")]
    Protocol {
        /// What was attempted.
        operation: &'static str,
        /// The name of the container.
        container: String,
    },
    /// The log of liblxc can be directed once in a process.
    #[error("the log of liblxc goes to {path:?} already")]
    LogTaken {
        /// Where to.
        path: PathBuf,
    },
    /// The log cannot be opened or read.
    #[error("cannot use {path:?} as the log of liblxc")]
    Log {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl Error {
    /// liblxc's `code`, with the `errno` it left.
    pub(super) fn call(operation: &'static str, container: &str, code: i64) -> Self {
        // liblxc returns many errors as -errno; -1 is "see errno".
        let errno = match i32::try_from(code) {
            Ok(code) if code < -1 => -code,
            _ => io::Error::last_os_error().raw_os_error().unwrap_or(0),
        };
        let source = (errno != 0).then(|| io::Error::from_raw_os_error(errno));
        Self::Call { operation, container: container.to_owned(), code, source }
    }

    pub(super) fn system(operation: &'static str, container: &str, source: impl Into<io::Error>) -> Self {
        Self::System { operation, container: container.to_owned(), source: source.into() }
    }
}
