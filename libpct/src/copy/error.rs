use std::{fmt, io};

use rustix::io::Errno;

use crate::config::text::printable;

/// Why a volume was not copied.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The caller asked to stop.
    #[error("copying was cancelled")]
    Cancelled,
    /// The kernel refused one step.
    #[error("cannot {step} {path}{}", hint(*step, source))]
    Io {
        /// What was attempted.
        step: Step,
        /// On which file, below the root of the volume, made printable.
        path: String,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// Only the bytes of a regular file can be copied as such.
    #[error("cannot copy {path}: it is no regular file")]
    NotRegular {
        /// The file, made printable.
        path: String,
    },
    /// Something is mounted on what is no directory, and hides it.
    #[error("cannot copy {path}: something is mounted on it (unmount it first)")]
    MountedOver {
        /// The file, made printable.
        path: String,
    },
    /// A directory was exchanged while it was being copied.
    #[error("cannot copy {path}: it was moved while it was being copied (stop what uses the volume)")]
    Moved {
        /// The directory, made printable.
        path: String,
    },
}

/// What was attempted when the kernel refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// Opening it in the source.
    Open,
    /// Listing a directory.
    List,
    /// Reading its bytes, or where a symbolic link leads.
    Read,
    /// Making it in the target.
    Create,
    /// Writing its bytes.
    Write,
    /// Having the kernel copy its bytes.
    Copy,
    /// Making a further name for it.
    Link,
    /// Setting user and group.
    Owner,
    /// Setting the permission bits.
    Mode,
    /// Reading an extended attribute.
    ReadXattr,
    /// Setting an extended attribute or an access control list.
    Xattr,
    /// Setting its times.
    Times,
    /// Waiting until it is on the disk.
    Sync,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open => "open",
            Self::List => "list the directory",
            Self::Read => "read",
            Self::Create => "create the copy of",
            Self::Write => "write the copy of",
            Self::Copy => "copy the contents of",
            Self::Link => "make a hard link for",
            Self::Owner => "set the owner of the copy of",
            Self::Mode => "set the mode of the copy of",
            Self::ReadXattr => "read the extended attributes of",
            Self::Xattr => "set the extended attributes of the copy of",
            Self::Times => "set the times of the copy of",
            Self::Sync => "bring to the disk the copy of",
        })
    }
}

/// The remedy, where the failure has a usual one.
fn hint(step: Step, source: &io::Error) -> &'static str {
    match (step, Errno::from_io_error(source)) {
        // A file system also says so when an inode can take no more attributes.
        (Step::Xattr, Some(Errno::NOSPC | Errno::OPNOTSUPP)) => " (can the target's file system hold them?)",
        (_, Some(Errno::NOSPC | Errno::DQUOT)) => " (make the target volume larger)",
        (Step::Owner, Some(Errno::INVAL | Errno::OVERFLOW)) => " (is its id covered by the id map?)",
        (Step::Create, Some(Errno::EXIST)) => " (the target is expected to be empty)",
        _ => "",
    }
}

impl Error {
    pub(super) fn io(step: Step, path: &[u8], source: impl Into<io::Error>) -> Self {
        Self::Io { step, path: shown(path), source: source.into() }
    }
}

/// A path for a human.
pub(super) fn shown(path: &[u8]) -> String {
    printable(path, 4096)
}
