//! Volumes on their way from one storage to another (spec: runtime, part 11).

use std::{fmt, os::fd::OwnedFd, str::FromStr};

use super::{Format, StorageError, Storages, backend::Backend, volname::own_word};
use crate::{
    config::{Size, VolumeId},
    exec::Sink,
};

/// What a volume is as a stream of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StreamFormat {
    /// `raw+size`: the size of an image in bytes as 8 bytes, the least significant first, and as many bytes behind it.
    RawSize,
    /// `tar+size`: 8 bytes that are zero, and a tar archive of the tree behind them.
    TarSize,
    /// `btrfs`: snapshots, as `btrfs send` writes them.
    Btrfs,
    /// `zfs`: snapshots, as `zfs send` writes them.
    Zfs,
}

impl StreamFormat {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::RawSize, Self::TarSize, Self::Btrfs, Self::Zfs];

    /// Its name in the original.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RawSize => "raw+size",
            Self::TarSize => "tar+size",
            Self::Btrfs => "btrfs",
            Self::Zfs => "zfs",
        }
    }

    /// Whether it is made of the snapshots of a storage of the same kind.
    pub(crate) fn is_of_snapshots(self) -> bool {
        matches!(self, Self::Btrfs | Self::Zfs)
    }
}

impl fmt::Display for StreamFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that is the name of no [`StreamFormat`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not one of raw+size, tar+size, btrfs, zfs")]
pub struct InvalidStreamFormat(String);

impl FromStr for StreamFormat {
    type Err = InvalidStreamFormat;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|format| format.as_str() == word);
        found.ok_or_else(|| InvalidStreamFormat(word.to_owned()))
    }
}

/// Which snapshots of a volume are in a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span<'a> {
    /// The newest one.
    pub(crate) last: &'a str,
    /// One that the receiver has already; the stream tells what has changed since.
    pub(crate) base: Option<&'a str>,
    /// Those between the two are in it, too; without a base all that are older than the last.
    pub(crate) all: bool,
}

/// What a stream of snapshots becomes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Arrival<'a> {
    /// The snapshot that is the volume's content; none is needed when there is only one in the stream.
    pub(crate) current: Option<&'a str>,
    /// The snapshot that the volume has already, and that the stream continues.
    pub(crate) base: Option<&'a str>,
}

impl Storages {
    /// The format in which snapshots of a storage's volumes go to another one of its kind.
    pub(crate) fn snapshot_stream(&self, storage: &str) -> Result<Option<StreamFormat>, StorageError> {
        Ok(self.get(storage)?.backend()?.snapshot_stream())
    }

    /// Whether a new volume holds nothing but zeros.
    pub(crate) fn is_blank(&self, volume: &VolumeId) -> Result<bool, StorageError> {
        Ok(self.get(&volume.storage)?.backend()?.new_is_blank())
    }

    /// Writes snapshots of a volume as the stream of its storage.
    pub(crate) fn send(
        &self,
        volume: &VolumeId,
        span: &Span<'_>,
        sink: Sink<'_>,
    ) -> Result<(), StorageError> {
        self.for_containers(&volume.storage)?.backend()?.send(&volume.name, span, sink)
    }

    /// Makes a volume of the name that it shall have, or with `rename` of a free one where somebody has that.
    pub(crate) fn allocate_at(
        &self,
        volume: &VolumeId,
        size: Size,
        rename: bool,
    ) -> Result<VolumeId, StorageError> {
        let storage = self.for_containers(&volume.storage)?;
        let backend = storage.backend()?;
        let _lock = storage.lock()?;
        let name = vacant(backend, &volume.name, rename)?;
        backend.allocate(&name, size)?;
        Ok(VolumeId { name, ..volume.clone() })
    }

    /// Makes a volume, or continues one, of a stream of its storage's snapshots.
    pub(crate) fn receive(
        &self,
        volume: &VolumeId,
        arrival: &Arrival<'_>,
        rename: bool,
        stream: OwnedFd,
    ) -> Result<VolumeId, StorageError> {
        let storage = self.for_containers(&volume.storage)?;
        let backend = storage.backend()?;
        let name = match arrival.base {
            Some(_) => volume.name.clone(),
            // The stream takes its time, and others need the storage meanwhile. What comes first gets the name.
            None => storage.lock().and_then(|_lock| vacant(backend, &volume.name, rename))?,
        };
        backend.receive(&name, arrival, stream)?;
        Ok(VolumeId { name, ..volume.clone() })
    }

    /// Protects a volume that has arrived as a base.
    pub(crate) fn protect_if_base(&self, volume: &VolumeId) -> Result<(), StorageError> {
        self.changing(volume, |backend, name| {
            if backend.describe(name)?.is_base { backend.protect_base(name, name) } else { Ok(()) }
        })
    }
}

/// A name that no volume has: the wanted one, or a free one where that is allowed.
fn vacant(backend: &dyn Backend, name: &str, rename: bool) -> Result<String, StorageError> {
    let described = backend.describe(name)?;
    if described.base.is_some() {
        let what = "a linked clone does not arrive without its base: give a name that has none";
        return Err(StorageError::unsupported(what, name));
    }
    let listed = backend.list(Some(described.owner))?;
    let taken = listed.iter().any(|listed| own_word(&listed.name) == own_word(name));
    match (taken, rename) {
        (false, _) => Ok(name.to_owned()),
        (true, true) => backend.free_name(described.owner, described.format),
        (true, false) => Err(StorageError::VolumeExists { volume: name.to_owned() }),
    }
}

impl Format {
    /// What a volume is as a stream that any storage takes.
    pub(crate) fn stream(self) -> StreamFormat {
        match self {
            Self::Raw => StreamFormat::RawSize,
            Self::Subvol => StreamFormat::TarSize,
        }
    }
}
