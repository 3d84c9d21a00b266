use std::io;

/// What can go wrong with a file inside a container's root.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// What is given as a root is missing, no directory, or the host's own root.
    #[error("no root directory: '{path}' is missing, no directory, or the root of this host")]
    NoRoot {
        /// What was given.
        path: String,
    },
    /// A path that is not absolute, holds a NUL, or ends in nothing, `.` or `..`.
    #[error("'{path}' does not name a file inside a root file system")]
    BadPath {
        /// The path as given.
        path: String,
    },
    /// The file is longer than [`Rootfs::READ_LIMIT`](super::Rootfs::READ_LIMIT).
    #[error("file '{path}' too long - aborting")]
    TooLong {
        /// The path inside the root.
        path: String,
    },
    /// Symbolic links that lead to symbolic links without an end in sight.
    #[error("maximal link depth of 10 for resolving '{path}' reached, abort")]
    LinkDepth {
        /// The path inside the root.
        path: String,
    },
    /// The kernel refused.
    #[error("unable to {action} '{path}' in the container's root file system")]
    Io {
        /// What was attempted: a verb.
        action: &'static str,
        /// The path inside the root.
        path: String,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
}

impl Error {
    pub(super) fn io(action: &'static str, path: &str) -> impl FnOnce(rustix::io::Errno) -> Self {
        move |errno| Self::Io { action, path: path.to_owned(), source: errno.into() }
    }
}
