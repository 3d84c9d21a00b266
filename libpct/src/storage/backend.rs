//! What a kind of storage can do for the operations.

use std::{
    fs::File,
    io::{Seek, SeekFrom},
    os::fd::OwnedFd,
    path::{Path, PathBuf},
};

use super::{
    Format, StorageError,
    stream::{Arrival, Span, StreamFormat},
};
pub(super) use crate::sys::filesystem::Space;
use crate::{
    config::{Size, Vmid},
    exec::Sink,
};

/// Where the data of a volume is, once it is active.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Location {
    /// A file that holds a file system: mounted through a loop device.
    Image(PathBuf),
    /// A block device that holds a file system.
    Block(PathBuf),
    /// A directory that is the file system.
    Directory(PathBuf),
}

impl Location {
    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::Image(path) | Self::Block(path) | Self::Directory(path) => path,
        }
    }

    /// The size of the volume as it is; zero for a directory, which has none.
    pub(super) fn size(&self) -> Result<Size, StorageError> {
        let path = match self {
            Self::Directory(_) => return Ok(Size::from_bytes(0)),
            Self::Image(path) | Self::Block(path) => path,
        };
        // The end of a block device is found like that of a file.
        let end = File::open(path).and_then(|mut file| file.seek(SeekFrom::End(0)));
        end.map(Size::from_bytes).map_err(|source| StorageError::io("cannot read", path, source))
    }
}

/// What a volume may or may not be able to do, asked for by name (spec: runtime, part 12).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Feature {
    /// Freeze its content under a name.
    Snapshot,
    /// A new volume that shares its content.
    LinkedClone,
    /// Become a base that linked clones share, read-only from then on.
    Template,
    /// Belong to another container.
    Rename,
}

/// What the name of a volume tells (spec: runtime, part 10.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Described {
    pub(crate) owner: Vmid,
    pub(crate) format: Format,
    /// The name of the base whose content it shares, where the name says so.
    pub(crate) base: Option<String>,
    /// It is a base itself: read-only, and the content of others.
    pub(crate) is_base: bool,
}

/// A volume that was found on a storage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) name: String,
    pub(crate) owner: Vmid,
    pub(crate) format: Format,
    /// Zero where it has no limit.
    pub(crate) size: Size,
    /// The base whose content it shares.
    pub(crate) parent: Option<String>,
}

/// One storage. Methods take the volume's name, the part of a volume id behind the colon, and may assume
/// that the storage's lock is held where they change something. What a kind of storage cannot do is
/// answered by the default: a typed refusal, never silence.
///
/// A `snapshot` names a frozen state of the volume; without one its present content is meant.
pub(crate) trait Backend {
    /// The format of a new volume of a container (spec: runtime, part 10.4); zero is no limit.
    fn format_for(&self, size: Size) -> Format;

    /// Makes the storage usable, mounting or importing it where its kind needs that.
    fn activate(&self) -> Result<(), StorageError>;

    /// Whether the storage can be used as it is. Changes nothing.
    fn check(&self) -> Result<(), StorageError>;

    /// How full it is.
    fn space(&self) -> Result<Space, StorageError>;

    /// Reads a volume's name; asks nobody whether it exists.
    fn describe(&self, name: &str) -> Result<Described, StorageError>;

    /// A name that no volume has: the lowest number that is free (spec: runtime, part 10.3). It stays free for as long as
    /// the storage's lock is held.
    fn free_name(&self, owner: Vmid, format: Format) -> Result<String, StorageError>;

    /// Makes a new, empty volume of `size` (zero: without a limit) under a free name.
    fn allocate(&self, name: &str, size: Size) -> Result<(), StorageError>;

    /// Removes a volume with all its snapshots. One that is not there counts as removed.
    fn free(&self, name: &str) -> Result<(), StorageError>;

    /// Makes a volume's data reachable: activates, mounts or maps it, where its kind needs that.
    fn open(&self, _name: &str, _snapshot: Option<&str>) -> Result<(), StorageError> {
        Ok(())
    }

    /// Undoes [`Backend::open`] for a volume that nobody uses; to call it without need does no harm.
    fn close(&self, _name: &str, _snapshot: Option<&str>) -> Result<(), StorageError> {
        Ok(())
    }

    /// Where the data of an open volume is.
    fn locate(&self, name: &str, snapshot: Option<&str>) -> Result<Location, StorageError>;

    /// The volumes of one container or of all, sorted by name.
    fn list(&self, owner: Option<Vmid>) -> Result<Vec<Listed>, StorageError>;

    /// What an operation that was killed has left beside the volumes of a container, by names of the storage's own.
    fn leftovers(&self, _owner: Vmid) -> Result<Vec<String>, StorageError> {
        Ok(Vec::new())
    }

    /// Removes one of [`Backend::leftovers`].
    fn remove_leftover(&self, _owner: Vmid, leftover: &str) -> Result<(), StorageError> {
        Err(StorageError::unsupported("nothing is ever left beside the volumes of this storage", leftover))
    }

    /// The size of an open volume as it is; zero where it has no limit.
    fn size(&self, name: &str) -> Result<Size, StorageError> {
        self.locate(name, None)?.size()
    }

    /// Makes an open volume larger; what is on it is the caller's.
    fn resize(&self, name: &str, _size: Size) -> Result<(), StorageError> {
        Err(StorageError::unsupported("this volume can't be resized", name))
    }

    /// Whether a volume, or a snapshot of it, offers a feature.
    fn has_feature(&self, feature: Feature, name: &str, snapshot: Option<&str>) -> bool;

    /// Whether what is on a volume must be frozen before a snapshot: the storage does not see what the kernel still
    /// has to write.
    fn needs_freeze(&self) -> bool {
        false
    }

    /// Freezes a volume's present content under a name.
    fn snapshot(&self, name: &str, _snapshot: &str) -> Result<(), StorageError> {
        Err(StorageError::unsupported("can't snapshot this image format", name))
    }

    /// Removes a snapshot. One that is not there counts as removed.
    fn delete_snapshot(&self, name: &str, _snapshot: &str) -> Result<(), StorageError> {
        Err(StorageError::unsupported("can't snapshot this image format", name))
    }

    /// Why a volume cannot go back to a snapshot, if so. Changes nothing.
    fn check_rollback(&self, name: &str, _snapshot: &str) -> Result<(), StorageError> {
        Err(StorageError::unsupported("can't snapshot this image format", name))
    }

    /// Gives a volume the content of a snapshot, which stays.
    fn rollback(&self, name: &str, _snapshot: &str) -> Result<(), StorageError> {
        Err(StorageError::unsupported("can't snapshot this image format", name))
    }

    /// What a volume is called as a base.
    fn base_name(&self, name: &str) -> Result<String, StorageError> {
        Err(StorageError::unsupported("this volume can't become a template", name))
    }

    /// Protects a base that was called `name` before it had the name of [`Backend::base_name`]. To do it again does no harm.
    fn protect_base(&self, name: &str, _base: &str) -> Result<(), StorageError> {
        Err(StorageError::unsupported("this volume can't become a template", name))
    }

    /// What a linked clone is called, where its name tells its base.
    fn linked_name(
        &self,
        _base: &str,
        _snapshot: Option<&str>,
        free_name: String,
    ) -> Result<String, StorageError> {
        Ok(free_name)
    }

    /// Makes a new volume that shares the content of a base or of a snapshot, named by [`Backend::linked_name`].
    fn clone_linked(&self, name: &str, _snapshot: Option<&str>, _clone: &str) -> Result<(), StorageError> {
        Err(StorageError::unsupported("linked clones are not possible on this storage", name))
    }

    /// What a volume is called under a free name, where that tells a base.
    fn renamed_name(&self, _name: &str, free_name: String) -> Result<String, StorageError> {
        Ok(free_name)
    }

    /// Gives a volume a name of [`Backend::renamed_name`].
    fn rename(&self, name: &str, _new: &str) -> Result<(), StorageError> {
        Err(StorageError::unsupported(
            "storage does not support moving of this disk to another container",
            name,
        ))
    }

    /// Whether a new volume holds nothing but zeros.
    fn new_is_blank(&self) -> bool {
        true
    }

    /// The format in which snapshots go to another storage of this kind.
    fn snapshot_stream(&self) -> Option<StreamFormat> {
        None
    }

    /// Writes snapshots as a stream.
    fn send(&self, name: &str, _span: &Span<'_>, _sink: Sink<'_>) -> Result<(), StorageError> {
        Err(StorageError::unsupported("snapshots of this volume can't be sent", name))
    }

    /// Makes a volume of a stream of snapshots, or continues one. It makes sure by itself that nobody has the name; the storage's
    /// lock is not held.
    fn receive(&self, name: &str, _arrival: &Arrival<'_>, _stream: OwnedFd) -> Result<(), StorageError> {
        Err(StorageError::unsupported("snapshots can't become a volume on this storage", name))
    }

    /// The names of the templates, sorted.
    fn templates(&self) -> Result<Vec<String>, StorageError> {
        Ok(Vec::new())
    }

    /// The file of a template, image or backup that is kept as a plain file.
    fn file(&self, name: &str) -> Result<PathBuf, StorageError> {
        Err(StorageError::unsupported("this storage has no files", name))
    }
}

/// Makes a volume a base, named by [`Backend::base_name`]. It goes on where one that broke off has ended.
pub(super) fn make_base(backend: &dyn Backend, name: &str, base: &str) -> Result<(), StorageError> {
    if let Some(error) = (name != base).then(|| backend.rename(name, base)).and_then(Result::err) {
        let listed = backend.list(Some(backend.describe(name)?.owner))?;
        let is_there = |name| listed.iter().any(|listed| listed.name == name);
        if is_there(name) || !is_there(base) {
            return Err(error);
        }
    }
    backend.protect_base(name, base)
}

/// What operations do in two steps, with the name in between.
#[cfg(test)]
pub(super) mod testing {
    use super::*;

    type Result<T> = std::result::Result<T, StorageError>;

    pub(in super::super) fn made(
        backend: &dyn Backend,
        owner: Vmid,
        format: Format,
        size: Size,
    ) -> Result<String> {
        let name = backend.free_name(owner, format)?;
        backend.allocate(&name, size).map(|()| name)
    }

    pub(in super::super) fn cloned(
        backend: &dyn Backend,
        name: &str,
        snapshot: Option<&str>,
        owner: Vmid,
    ) -> Result<String> {
        let format = backend.describe(name)?.format;
        let clone = backend.linked_name(name, snapshot, backend.free_name(owner, format)?)?;
        backend.clone_linked(name, snapshot, &clone).map(|()| clone)
    }

    pub(in super::super) fn based(backend: &dyn Backend, name: &str) -> Result<String> {
        let base = backend.base_name(name)?;
        make_base(backend, name, &base).map(|()| base)
    }

    pub(in super::super) fn renamed(backend: &dyn Backend, name: &str, owner: Vmid) -> Result<String> {
        let free = backend.free_name(owner, backend.describe(name)?.format)?;
        let new = backend.renamed_name(name, free)?;
        backend.rename(name, &new).map(|()| new)
    }
}
