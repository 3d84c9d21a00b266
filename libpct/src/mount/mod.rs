//! Mounts, by the kernel's descriptor-based interface (spec: runtime, part 4).
//!
//! A volume, block device or host directory is *opened* as a detached mount: a descriptor of a mount that is in
//! no namespace and that no path leads to. Its attributes and id map are set while it is like that. Then it is
//! *inserted* below a container's root. Whoever drops a detached mount has unmounted it, and with it go the
//! loop device and all that hangs on it.
//!
//! The reference mounts by path and checks afterwards that no component was swapped meanwhile (part 4.5). Here
//! a path is walked once, each step relative to the descriptor of the one before and never over a symlink, and
//! the kernel is told the *descriptors* of what to mount and where. What the path means after the walk does not
//! matter any more, so there is nothing left to check.

pub(crate) mod block;
pub(crate) mod check;
pub(crate) mod grow;
pub(crate) mod host;
pub(crate) mod idmap;
pub(crate) mod live;
pub(crate) mod mkfs;
pub(crate) mod mmp;
pub(crate) mod namespace;
pub(crate) mod node;
pub(crate) mod options;
pub(crate) mod place;
pub(crate) mod volume;

#[cfg(test)]
mod tests;

use std::io;
use std::path::PathBuf;

pub(crate) use check::{Stream, check_file_system, is_in_use};
pub(crate) use grow::{grow_block_device, grow_idle, grow_raw_image};
pub(crate) use host::{FolderApart, is_mounted, points_below, unmount_point};
pub(crate) use idmap::idmapped;
pub(crate) use live::{Identity, Unmounted, is_point, points_of, seal, unmount_at};
pub(crate) use namespace::{OuterNamespace, enter_namespace, enter_private_namespace, unmount_tree};
pub(crate) use node::{Node, insert_node, make_node, node_at, node_folder, open_node, remove_node};
pub(crate) use options::Options;
pub(crate) use place::{
    Insert, attach, check_target, insert, open_directory, remove_made, share, take_attributes,
};
pub(crate) use volume::{
    bind, check_block_device, check_raw_image, clone_tree, is_attached, open_block_device, open_raw_image,
    root_of,
};

use crate::{exec, sys};

/// Why something could not be mounted, unmounted or formatted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Neither a known file system nor an empty place we could use.
    #[error(
        "no file system found on '{path}' (known are ext2, ext3, ext4, xfs, btrfs, squashfs and iso9660)"
    )]
    NoFileSystem {
        /// The image or block device.
        path: PathBuf,
    },
    /// The kernel could not mount a file system.
    #[error("cannot mount {fstype} file system of '{path}'{}", log_suffix(.log))]
    Mount {
        /// The kernel's name of the file system.
        fstype: &'static str,
        /// The image or block device.
        path: PathBuf,
        /// What the kernel said about it, lines joined by `; `.
        log: String,
        /// Its reason.
        #[source]
        source: io::Error,
    },
    /// A path has a symlink, or something else that is no directory, where it may not.
    #[error("symlink encountered at: {path}")]
    Symlink {
        /// Up to and with the component.
        path: String,
    },
    /// The source of a bind mount is not there.
    #[error("directory '{path}' does not exist")]
    NoDirectory {
        /// The whole path.
        path: String,
    },
    /// A path that could lead elsewhere.
    #[error("path '{path}' must not contain '..' or NUL")]
    BadPath {
        /// The whole path.
        path: String,
    },
    /// An image is no regular file, or a device is no block device.
    #[error("'{path}' is not a {expected}")]
    WrongKind {
        /// What was opened.
        path: PathBuf,
        /// What it should be.
        expected: &'static str,
    },
    /// The ids of a mount could not be mapped.
    #[error("cannot map the ids of '{path}': its file system does not support id-mapped mounts")]
    NoIdmapSupport {
        /// What was to be mounted.
        path: String,
    },
    /// A system call failed.
    #[error("cannot {attempt}")]
    Os {
        /// Completes "cannot ...".
        attempt: String,
        /// The kernel's reason.
        #[source]
        source: io::Error,
    },
    /// A call of the system-call seam failed.
    #[error(transparent)]
    Sys(#[from] sys::Error),
    /// An external program failed.
    #[error(transparent)]
    Exec(#[from] exec::Error),
}

impl Error {
    fn os(attempt: impl Into<String>, source: impl Into<io::Error>) -> Self {
        Self::Os { attempt: attempt.into(), source: source.into() }
    }
}

/// A result of this room.
pub(crate) type Result<T> = std::result::Result<T, Error>;

fn log_suffix(log: &str) -> String {
    if log.is_empty() { String::new() } else { format!(" ({log})") }
}
