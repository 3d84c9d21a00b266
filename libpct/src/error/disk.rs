use super::ErrorKind;
use crate::{
    config::{Vmid, VolumeId},
    storage::StorageError,
};

/// Why nothing can be done to a volume of a container.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DiskError {
    /// The config has no such mount point.
    #[error("cannot run command on non-existing mount point {0}")]
    NoMountPoint(String),
    /// A file system in use must not be checked.
    #[error("cannot run fsck when container is running")]
    FsckRunning,
    /// It is mounted, although the container does not run.
    #[error(
        "cannot run fsck on '{path}': it is in use (mounted by 'pct mount', or attached to a loop device)"
    )]
    InUse {
        /// The image or block device.
        path: String,
    },
    /// Only an image or a block device holds a file system of its own.
    #[error("unable to run fsck for '{volume}' (format == {format})")]
    FsckFormat {
        /// The volume.
        volume: VolumeId,
        /// Its format.
        format: &'static str,
    },
    /// A path of the host's that is no block device.
    #[error("path '{0}' does not point to a block device")]
    NoBlockDevice(String),
    /// Only volumes of a storage can be resized.
    #[error("can't resize '{key}': '{path}' is no volume of a storage")]
    NoVolume {
        /// `rootfs` or `mp<n>`.
        key: String,
        /// What it mounts.
        path: String,
    },
    /// Its name says that it belongs to another container.
    #[error("can't resize mount point owned by another container ({0})")]
    ForeignVolume(Vmid),
    /// The storage does not tell.
    #[error("Could not determine current size of volume '{volume}'")]
    UnknownSize {
        /// The volume.
        volume: VolumeId,
        /// Why not.
        #[source]
        source: Box<StorageError>,
    },
    /// What is on the volume would be lost.
    #[error("unable to shrink disk size")]
    Shrink,
    /// There is nothing to do.
    #[error("disk is already at specified size")]
    SameSize,
    /// The mark that an operation has set is gone.
    #[error("no lock found trying to remove '{0}'  lock")]
    NoLock(&'static str),
    /// Another operation has marked the container.
    #[error("found lock '{found}' trying to remove '{expected}' lock")]
    OtherLock {
        /// The mark that is there.
        found: String,
        /// The one that was to be taken away.
        expected: &'static str,
    },
}

impl DiskError {
    pub(super) fn kind(&self) -> ErrorKind {
        match self {
            Self::FsckRunning | Self::InUse { .. } => ErrorKind::Running,
            Self::FsckFormat { .. } | Self::NoBlockDevice(_) | Self::NoVolume { .. } => {
                ErrorKind::Unsupported
            }
            Self::NoMountPoint(_) | Self::Shrink | Self::SameSize => ErrorKind::Parameter,
            Self::ForeignVolume(_) | Self::NoLock(_) | Self::OtherLock { .. } => ErrorKind::Refused,
            Self::UnknownSize { .. } => ErrorKind::System,
        }
    }
}
