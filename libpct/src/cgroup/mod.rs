//! Control groups: which controllers are where, a container's groups, and what it uses
//! (spec: config, part 5.1; runtime, parts 2.3 and 7; cgroups(7)).

mod cpuset;
mod devices;
mod freezer;
mod group;
mod layout;
mod limits;
mod usage;

#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};

pub(crate) use cpuset::{CpuSet, InvalidCpuSet};
pub(crate) use group::Groups;
pub(crate) use layout::{Layout, Mode, Version};
pub(crate) use limits::Limits;
pub(crate) use usage::Usage;

/// Why something could not be done with control groups.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder could not be read, written or removed.
    #[error("cannot {verb} '{path}'")]
    Io {
        /// `read`, `write` ...
        verb: &'static str,
        /// On what.
        path: PathBuf,
        /// The kernel's reason.
        #[source]
        source: io::Error,
    },
    /// A group that was to be removed has processes.
    #[error("cannot remove control group '{path}': it has processes ({})", list(.pids))]
    Busy {
        /// Its folder.
        path: PathBuf,
        /// Some of them.
        pids: Vec<i32>,
    },
    /// Processes were killed but did not end in time.
    #[error("processes did not end although they were killed: {} (they may wait for a device or network storage)", list(.pids))]
    StillAlive {
        /// Their numbers.
        pids: Vec<i32>,
    },
    /// Processes were told to stand still and did not in time.
    #[error(
        "control group '{path}' could not be frozen in time: a process in it may wait for a device or network storage"
    )]
    NotFrozen {
        /// Its folder.
        path: PathBuf,
    },
    /// A process could not be signalled.
    #[error(transparent)]
    Sys(#[from] crate::sys::Error),
    /// The kernel's text is no set of processors.
    #[error("'{path}' has no valid set of processors")]
    CpuSet {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: InvalidCpuSet,
    },
}

impl Error {
    fn io(verb: &'static str, path: &Path, source: impl Into<io::Error>) -> Self {
        Self::Io { verb, path: path.to_owned(), source: source.into() }
    }
}

/// A result of this room.
pub(crate) type Result<T> = std::result::Result<T, Error>;

fn list(pids: &[i32]) -> String {
    pids.iter().map(i32::to_string).collect::<Vec<_>>().join(", ")
}
