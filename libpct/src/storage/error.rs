use std::{
    io,
    path::{Path, PathBuf},
};

use crate::{config::Size, exec, sys};

/// What can go wrong with storages and volumes.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StorageError {
    /// No such section in storage.cfg.
    #[error("storage '{storage}' does not exist")]
    Missing {
        /// The name that was asked for.
        storage: String,
    },
    /// It has the `disable` flag.
    #[error("storage '{storage}' is disabled")]
    Disabled {
        /// The storage.
        storage: String,
    },
    /// Its `nodes` do not include this host.
    #[error("storage '{storage}' is not available on node '{node}'")]
    NotHere {
        /// The storage.
        storage: String,
        /// This host.
        node: String,
    },
    /// Its content types lack `rootdir`.
    #[error("storage '{storage}' does not support container directories")]
    NoContainers {
        /// The storage.
        storage: String,
    },
    /// There is one of that name already.
    #[error("storage '{storage}' is there already")]
    Exists {
        /// The storage.
        storage: String,
    },
    /// A volume of that name is there already.
    #[error("volume '{volume}' already exists")]
    VolumeExists {
        /// The name behind the colon.
        volume: String,
    },
    /// It could not be written down as a storage.
    #[error("storage '{storage}': {reason}")]
    Invalid {
        /// The storage.
        storage: String,
        /// Why not.
        reason: String,
    },
    /// Its type or its settings cannot be used.
    #[error("storage '{storage}' cannot be used: {reason}")]
    Unusable {
        /// The storage.
        storage: String,
        /// Why not.
        reason: String,
    },
    /// The volume is of another kind than the operation needs.
    #[error("unable to use volume {volume} - content type needs to be '{needed}'")]
    WrongContent {
        /// The volume.
        volume: String,
        /// The content type that is needed.
        needed: &'static str,
    },
    /// The volume's name does not follow the storage's rules.
    #[error("unable to parse volume name '{name}'")]
    BadName {
        /// The name behind the colon.
        name: String,
    },
    /// The volume's data is not there.
    #[error("volume '{name}' does not exist (looked for '{path}')")]
    MissingVolume {
        /// The name behind the colon.
        name: String,
        /// Where it should be.
        path: PathBuf,
    },
    /// This kind of storage or volume cannot do it.
    #[error("{what} ('{subject}')")]
    Unsupported {
        /// What is not possible.
        what: &'static str,
        /// The storage or volume.
        subject: String,
    },
    /// There is not enough room.
    #[error("not enough free space in '{place}': {size} are needed, {free} are left")]
    NoSpace {
        /// Where.
        place: String,
        /// What is needed.
        size: Size,
        /// What there is.
        free: Size,
    },
    /// Going back would destroy what was frozen later.
    #[error("can't rollback, '{snapshot}' is not most recent snapshot on '{volume}' (newer: {})", newer.join(", "))]
    NotNewest {
        /// The snapshot.
        snapshot: String,
        /// The volume.
        volume: String,
        /// The snapshots that were made since.
        newer: Vec<String>,
    },
    /// The server does not answer.
    #[error("storage '{storage}' is not online")]
    Offline {
        /// The storage.
        storage: String,
        /// What was tried.
        #[source]
        source: Box<StorageError>,
    },
    /// A path lies on a server that does not answer.
    #[error("the server that '{path}' is on does not answer")]
    Silent {
        /// The path.
        path: PathBuf,
        /// What was tried.
        #[source]
        source: exec::Error,
    },
    /// A program of the storage failed.
    #[error(transparent)]
    Program(#[from] exec::Error),
    /// All of a container's volume numbers are taken.
    #[error("unable to allocate an image name for VM {owner} in '{folder}'")]
    NoFreeName {
        /// The container.
        owner: u32,
        /// Where its volumes are.
        folder: PathBuf,
    },
    /// Linked clones share what is on it.
    #[error("base volume '{volume}' is still in use by linked clones")]
    InUse {
        /// The volume.
        volume: String,
    },
    /// A snapshot of btrfs does not have what is nested in the volume.
    #[error(
        "going back to a snapshot of '{volume}' would lose the subvolume '{path}' in it, which no snapshot has: \
         move away what is in there"
    )]
    NestedSubvolume {
        /// The volume.
        volume: String,
        /// Where the subvolume lies in it.
        path: PathBuf,
    },
    /// A mount stands inside a volume that was to be removed.
    #[error("'{path}' is a mount point: unmount it before the volume is removed")]
    MountInside {
        /// The mount point.
        path: PathBuf,
    },
    /// The lock of the storage could not be had.
    #[error("cannot lock storage '{storage}'")]
    Lock {
        /// The storage.
        storage: String,
        /// Why not.
        #[source]
        source: sys::Error,
    },
    /// A file operation failed.
    #[error("{action} '{path}'")]
    Io {
        /// What was attempted.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
}

impl StorageError {
    pub(crate) fn io(action: &'static str, path: &Path, source: impl Into<io::Error>) -> Self {
        Self::Io { action, path: path.to_owned(), source: source.into() }
    }

    pub(crate) fn unsupported(what: &'static str, subject: &str) -> Self {
        Self::Unsupported { what, subject: subject.to_owned() }
    }
}
