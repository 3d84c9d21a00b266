//! The system calls that need `unsafe`, or that the crates below do not offer, behind small safe functions.
//!
//! Nothing here knows what a container is. Kernel floor: Linux 5.12 (`mount_setattr` with id maps,
//! `close_range` with close-on-exec, `LOOP_CONFIGURE`, pidfds).

#![allow(unsafe_code)]

pub(crate) mod accounts;
pub(crate) mod btrfs;
pub(crate) mod filesystem;
pub(crate) mod folder;
pub(crate) mod fsfreeze;
pub(crate) mod fsid;
pub(crate) mod lockfile;
pub(crate) mod loopdev;
pub(crate) mod memfd;
pub(crate) mod mount_attr;
pub(crate) mod netlink;
pub(crate) mod pidfd;
pub(crate) mod process;
pub(crate) mod signal;
pub(crate) mod userns;

#[cfg(test)]
pub(crate) mod testing;

use std::io;

/// What a system call was for, on what, and why it failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The kernel refused.
    #[error("cannot {attempt}")]
    Os {
        /// What was attempted, with its object: completes "cannot ...".
        attempt: String,
        /// The kernel's reason.
        #[source]
        source: io::Error,
    },
    /// Another process kept the lock until the deadline.
    #[error("can't lock file '{path}' - got timeout")]
    LockTimeout {
        /// The lock file.
        path: String,
    },
    /// The caller did not want to wait any longer.
    #[error("received interrupt")]
    Interrupted,
    /// The call would be undefined or refused with more than one thread.
    #[error("cannot {attempt}: the process has {threads} threads, only a single-threaded process can")]
    Threads {
        /// Completes "cannot ...".
        attempt: &'static str,
        /// How many threads there are.
        threads: usize,
    },
    /// No free loop device could be taken, because others were faster each time.
    #[error("cannot attach '{file}' to a loop device: all of {tries} devices offered were taken by others")]
    LoopBusy {
        /// The backing file, as far as it is known.
        file: String,
        /// How many devices were tried.
        tries: u32,
    },
    /// The kernel did not take an id map.
    #[error("the kernel refused the {what} map '{map}' (ranges must not be empty or overlap on either side)")]
    IdMap {
        /// `uid` or `gid`.
        what: &'static str,
        /// The lines written, joined by `, `.
        map: String,
        /// The kernel's reason.
        #[source]
        source: io::Error,
    },
    /// An argument cannot be given to the kernel.
    #[error("cannot {attempt}: {reason}")]
    Invalid {
        /// Completes "cannot ...".
        attempt: String,
        /// What is wrong.
        reason: &'static str,
    },
}

impl Error {
    /// An [`Error::Os`] with the given attempt.
    pub(crate) fn os(attempt: impl Into<String>, source: impl Into<io::Error>) -> Self {
        Self::Os { attempt: attempt.into(), source: source.into() }
    }

    /// The kernel's error number, where there is one.
    #[must_use]
    pub fn raw_os_error(&self) -> Option<i32> {
        match self {
            Self::Os { source, .. } | Self::IdMap { source, .. } => source.raw_os_error(),
            _ => None,
        }
    }
}

/// A result of this room.
pub(crate) type Result<T> = std::result::Result<T, Error>;

/// Turns the -1 convention of a system call into a result.
fn check(ret: libc::c_long) -> io::Result<libc::c_long> {
    if ret < 0 { Err(io::Error::last_os_error()) } else { Ok(ret) }
}
