//! Volumes: one trait, one file per backend, and `storage.cfg`.
//!
//! [`Storages`] is what the operations see: it knows which storages there are, hands a volume id to the
//! backend that owns it, and holds the storage's lock around changes (spec: runtime, part 10).

mod backend;
mod btrfs;
mod ceph;
mod cephfs;
mod cfg;
mod cifs;
mod dir;
mod error;
mod folders;
mod iscsi;
mod lock;
mod lvm;
mod lvmthin;
mod mounts;
mod nfs;
mod overlay;
mod rawfile;
mod rbd;
mod remove;
mod report;
mod stream;
#[cfg(test)]
mod tests;
mod tools;
mod volname;
mod zfspool;

use std::{
    num::NonZeroU64,
    path::{Path, PathBuf},
};

use backend::Backend;
pub(crate) use backend::{Described, Feature, Location};
use cfg::Limits;
pub(crate) use cfg::{Flow, StorageCfg};
pub use cfg::{STORAGE_OPTIONS, StorageOption, StorageValue, storage_types};
pub(crate) use error::StorageError;
pub(crate) use lock::Lock;
use lock::Place;
pub(crate) use mounts::answers;
pub use report::{StorageStatus, StorageVolume};
pub(crate) use stream::{Arrival, Span};
pub use stream::{InvalidStreamFormat, StreamFormat};
#[cfg(test)]
pub(crate) use tools::script;
pub(crate) use volname::{Format, own_word};

use crate::config::{Size, Vmid, VolumeId, text};

/// What a storage may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// Volumes of containers, `rootdir` in `storage.cfg`.
    Volumes,
    /// Templates, `vztmpl`.
    Templates,
}

impl Content {
    fn word(self) -> &'static str {
        match self {
            Self::Volumes => "rootdir",
            Self::Templates => "vztmpl",
        }
    }
}

/// A storage of the host: what `storage.cfg` says, and the backend that does it.
pub(crate) struct Storage {
    id: String,
    kind: String,
    shared: bool,
    content: Vec<String>,
    disabled: bool,
    nodes: Option<Vec<String>>,
    /// Absent for a kind that we do not know: the storage exists, but cannot be used.
    backend: Result<Box<dyn Backend>, String>,
    /// The storage whose devices it lies on.
    base: Option<VolumeId>,
    limits: Limits,
    lock: lock::Place,
}

/// All storages of the host.
pub(crate) struct Storages {
    storages: Vec<Storage>,
    /// Those of storages that have none of their own.
    limits: Limits,
    node: String,
    /// Whether a storage that is asked for may be made usable first.
    activates: bool,
    pub(crate) warnings: Vec<String>,
}

/// What an operation that was killed has left on a storage, by a name of the storage's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Leftover {
    pub(crate) storage: String,
    pub(crate) entry: String,
}

/// The paths that [`Storages::load`] needs.
pub(crate) struct Places<'a> {
    pub(crate) storage_cfg: &'a Path,
    pub(crate) local: &'a Path,
    pub(crate) node: &'a str,
    pub(crate) lock: &'a dyn Fn(&str) -> PathBuf,
}

impl Storages {
    /// Reads `storage.cfg`; without one there is the storage `local` alone.
    pub(crate) fn load(places: &Places<'_>) -> Result<Self, StorageError> {
        let cfg = read_cfg(places.storage_cfg)?;
        let mut sections: Vec<_> = cfg.sections().cloned().collect();
        // `local` always exists, as a directory that is never limited to some nodes.
        if !sections.iter().any(|s| s.id == "local" && s.kind == "dir" && s.get("path").is_some()) {
            sections.retain(|s| s.id != "local");
            sections.insert(0, dir::default_section(places.local));
        }
        let storages = sections.iter().map(|section| Storage::from_section(section, places)).collect();
        let datacenter_cfg = places.storage_cfg.with_file_name("datacenter.cfg");
        let mut warnings = cfg.warnings;
        let limits = Limits::of_datacenter(&read(&datacenter_cfg)?).unwrap_or_else(|reason| {
            warnings.push(format!("'bwlimit' in '{}' is dropped: {reason}", datacenter_cfg.display()));
            Limits::default()
        });
        Ok(Self { storages, limits, node: places.node.to_owned(), activates: true, warnings })
    }

    /// From now on no storage is made usable by being asked: one that is not is an error.
    #[must_use]
    pub(crate) fn without_activation(self) -> Self {
        Self { activates: false, ..self }
    }

    /// A storage that exists, is enabled and belongs to this node.
    pub(crate) fn get(&self, id: &str) -> Result<&Storage, StorageError> {
        let missing = || StorageError::Missing { storage: id.to_owned() };
        let storage = self.storages.iter().find(|s| s.id == id).ok_or_else(missing)?;
        if storage.disabled {
            return Err(StorageError::Disabled { storage: id.to_owned() });
        }
        if storage.nodes.as_ref().is_some_and(|nodes| !nodes.contains(&self.node)) {
            return Err(StorageError::NotHere { storage: id.to_owned(), node: self.node.clone() });
        }
        Ok(storage)
    }

    /// A storage for containers' volumes, made ready.
    pub(crate) fn for_containers(&self, id: &str) -> Result<&Storage, StorageError> {
        let storage = self.get(id)?;
        if !storage.allows(Content::Volumes) {
            return Err(StorageError::NoContainers { storage: id.to_owned() });
        }
        self.ready(storage)?;
        Ok(storage)
    }

    /// The backend of a storage that can be used now.
    fn ready<'a>(&self, storage: &'a Storage) -> Result<&'a dyn Backend, StorageError> {
        let backend = storage.backend()?;
        if !self.activates {
            backend.check()?;
            return Ok(backend);
        }
        if let Some(base) = &storage.base {
            self.get(&base.storage)?.backend()?.activate()?;
        }
        backend.activate()?;
        Ok(backend)
    }

    /// Whether a storage that can be used here may hold volumes of containers.
    pub(crate) fn holds_containers(&self, id: &str) -> Result<bool, StorageError> {
        Ok(self.get(id)?.allows(Content::Volumes))
    }

    /// Makes a volume; formatting it is the caller's. `announce` hears its name before it exists, and may object.
    pub(crate) fn allocate<E: From<StorageError>>(
        &self,
        storage: &str,
        owner: Vmid,
        size: Size,
        announce: &mut dyn FnMut(&VolumeId) -> Result<(), E>,
    ) -> Result<VolumeId, E> {
        let storage = self.for_containers(storage)?;
        let backend = storage.backend()?;
        let format = backend.format_for(size);
        let _lock = storage.lock()?;
        let volume = VolumeId { storage: storage.id.clone(), name: backend.free_name(owner, format)? };
        announce(&volume)?;
        backend.allocate(&volume.name, size)?;
        Ok(volume)
    }

    /// Removes a volume that belongs to `owner`; one that belongs to another container is left alone and
    /// `false` returned.
    pub(crate) fn free(&self, volume: &VolumeId, owner: Vmid) -> Result<bool, StorageError> {
        let storage = self.get(&volume.storage)?;
        match storage.backend()?.describe(&volume.name) {
            Ok(described) if described.owner == owner => {
                // On one that is not mounted there is no volume, and that would count as removed.
                let backend = self.ready(storage)?;
                let _lock = storage.lock()?;
                Self::free_unused(backend, &volume.name, described.is_base)?;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// Removes a volume whose content nobody shares.
    fn free_unused(backend: &dyn Backend, name: &str, is_base: bool) -> Result<(), StorageError> {
        let word = own_word(name);
        if is_base && backend.list(None)?.iter().any(|listed| listed.parent.as_deref() == Some(word)) {
            return Err(StorageError::InUse { volume: name.to_owned() });
        }
        backend.free(name)
    }

    /// What the name of a volume tells.
    pub(crate) fn describe(&self, volume: &VolumeId) -> Result<Described, StorageError> {
        self.get(&volume.storage)?.backend()?.describe(&volume.name)
    }

    /// Activates a volume and says where it is.
    pub(crate) fn locate(&self, volume: &VolumeId) -> Result<Location, StorageError> {
        self.locate_at(volume, None)
    }

    /// The same for a state that was frozen under a name.
    pub(crate) fn locate_at(
        &self,
        volume: &VolumeId,
        snapshot: Option<&str>,
    ) -> Result<Location, StorageError> {
        let backend = self.for_containers(&volume.storage)?.backend()?;
        if self.activates {
            backend.open(&volume.name, snapshot)?;
        }
        backend.locate(&volume.name, snapshot)
    }

    /// Lets go of a volume that nobody uses any more.
    pub(crate) fn close(&self, volume: &VolumeId, snapshot: Option<&str>) -> Result<(), StorageError> {
        self.get(&volume.storage)?.backend()?.close(&volume.name, snapshot)
    }

    /// The size of a volume as it is; zero where it has no limit.
    pub(crate) fn size(&self, volume: &VolumeId) -> Result<Size, StorageError> {
        let backend = self.for_containers(&volume.storage)?.backend()?;
        if self.activates {
            backend.open(&volume.name, None)?;
        }
        backend.size(&volume.name)
    }

    /// Makes a volume larger, to a whole number of KiB; what is on it is the caller's.
    pub(crate) fn resize(&self, volume: &VolumeId, size: Size) -> Result<(), StorageError> {
        self.changing(volume, |backend, name| {
            backend.open(name, None)?;
            backend.resize(name, Size::from_bytes(size.bytes().next_multiple_of(1024)))
        })
    }

    /// Whether a volume, or a snapshot of it, offers a feature.
    pub(crate) fn has_feature(
        &self,
        feature: Feature,
        volume: &VolumeId,
        snapshot: Option<&str>,
    ) -> Result<bool, StorageError> {
        Ok(self.ready(self.get(&volume.storage)?)?.has_feature(feature, &volume.name, snapshot))
    }

    /// Whether what is on a volume must be frozen before a snapshot of it.
    pub(crate) fn needs_freeze(&self, volume: &VolumeId) -> Result<bool, StorageError> {
        Ok(self.get(&volume.storage)?.backend()?.needs_freeze())
    }

    /// How fast data may be moved between storages, in KiB a second: as it was asked for, where 0 is no limit, else
    /// no faster than the slowest of them allows.
    pub(crate) fn bandwidth<'a>(
        &self,
        asked: Option<u64>,
        flow: Flow,
        storages: impl IntoIterator<Item = &'a str>,
    ) -> Option<NonZeroU64> {
        let of = |id: &str| {
            let own = self.storages.iter().find(|storage| storage.id == id).map(|storage| storage.limits);
            own.unwrap_or_default().or(&self.limits, flow)
        };
        match asked {
            Some(limit) => NonZeroU64::new(limit),
            None => storages.into_iter().filter_map(of).min(),
        }
    }

    /// Freezes a volume's present content under a name.
    pub(crate) fn snapshot(&self, volume: &VolumeId, snapshot: &str) -> Result<(), StorageError> {
        self.changing(volume, |backend, name| backend.snapshot(name, snapshot))
    }

    /// Removes a snapshot. One that is not there counts as removed.
    pub(crate) fn delete_snapshot(&self, volume: &VolumeId, snapshot: &str) -> Result<(), StorageError> {
        self.changing(volume, |backend, name| backend.delete_snapshot(name, snapshot))
    }

    /// Why a volume cannot go back to a snapshot, if so.
    pub(crate) fn check_rollback(&self, volume: &VolumeId, snapshot: &str) -> Result<(), StorageError> {
        self.ready(self.get(&volume.storage)?)?.check_rollback(&volume.name, snapshot)
    }

    /// Gives a volume the content of a snapshot, which stays.
    pub(crate) fn rollback(&self, volume: &VolumeId, snapshot: &str) -> Result<(), StorageError> {
        self.changing(volume, |backend, name| backend.rollback(name, snapshot))
    }

    /// Makes a volume a base that linked clones share; what a call that broke off has left is completed. `announce` as for
    /// [`Storages::allocate`]; it hears nothing when the volume keeps its name.
    pub(crate) fn make_base<E: From<StorageError>>(
        &self,
        volume: &VolumeId,
        announce: &mut dyn FnMut(&VolumeId) -> Result<(), E>,
    ) -> Result<VolumeId, E> {
        self.changing(volume, |backend, name| {
            let base = VolumeId { name: backend.base_name(name)?, ..volume.clone() };
            if base != *volume {
                announce(&base)?;
            }
            backend::make_base(backend, name, &base.name)?;
            Ok(base)
        })
    }

    /// Makes a new volume that shares the content of a base or of a snapshot. `announce` as for [`Storages::allocate`].
    pub(crate) fn clone_linked<E: From<StorageError>>(
        &self,
        volume: &VolumeId,
        snapshot: Option<&str>,
        owner: Vmid,
        announce: &mut dyn FnMut(&VolumeId) -> Result<(), E>,
    ) -> Result<VolumeId, E> {
        self.changing(volume, |backend, name| {
            let format = backend.describe(name)?.format;
            let clone = VolumeId {
                name: backend.linked_name(name, snapshot, backend.free_name(owner, format)?)?,
                ..volume.clone()
            };
            announce(&clone)?;
            backend.clone_linked(name, snapshot, &clone.name)?;
            Ok(clone)
        })
    }

    /// Gives a volume to another container. `announce` as for [`Storages::allocate`].
    pub(crate) fn rename<E: From<StorageError>>(
        &self,
        volume: &VolumeId,
        owner: Vmid,
        announce: &mut dyn FnMut(&VolumeId) -> Result<(), E>,
    ) -> Result<VolumeId, E> {
        self.changing(volume, |backend, name| {
            let format = backend.describe(name)?.format;
            let free = backend.free_name(owner, format)?;
            let renamed = VolumeId { name: backend.renamed_name(name, free)?, ..volume.clone() };
            announce(&renamed)?;
            backend.rename(name, &renamed.name)?;
            Ok(renamed)
        })
    }

    /// Does something to a volume under the lock of its storage.
    fn changing<T, E: From<StorageError>>(
        &self,
        volume: &VolumeId,
        change: impl FnOnce(&dyn Backend, &str) -> Result<T, E>,
    ) -> Result<T, E> {
        let storage = self.get(&volume.storage)?;
        let backend = self.ready(storage)?;
        let _lock = storage.lock()?;
        change(backend, &volume.name)
    }

    /// The ids of the storages of this node for volumes of containers, also of those that cannot be used now.
    pub(crate) fn for_volumes(&self) -> Vec<&str> {
        let here = |s: &&Storage| s.allows(Content::Volumes) && self.get(&s.id).is_ok();
        self.storages.iter().filter(here).map(|s| s.id.as_str()).collect()
    }

    /// The volumes of a container on one storage, sorted.
    pub(crate) fn volumes_on(&self, id: &str, owner: Vmid) -> Result<Vec<VolumeId>, StorageError> {
        let found = self.ready(self.get(id)?)?.list(Some(owner))?;
        Ok(found.into_iter().map(|listed| VolumeId { storage: id.to_owned(), name: listed.name }).collect())
    }

    /// What operations that were killed have left of a container beside its volumes on one storage.
    pub(crate) fn leftovers_on(&self, id: &str, owner: Vmid) -> Result<Vec<Leftover>, StorageError> {
        let entries = self.ready(self.get(id)?)?.leftovers(owner)?.into_iter();
        Ok(entries.map(|entry| Leftover { storage: id.to_owned(), entry }).collect())
    }

    /// Removes one of them.
    pub(crate) fn remove_leftover(&self, leftover: &Leftover, owner: Vmid) -> Result<(), StorageError> {
        let storage = self.get(&leftover.storage)?;
        let backend = self.ready(storage)?;
        let _lock = storage.lock()?;
        backend.remove_leftover(owner, &leftover.entry)
    }

    /// The ids of the storages that can be used here for a content, in the order of `storage.cfg`.
    pub(crate) fn with_content(&self, content: Content) -> Vec<String> {
        let usable = |s: &&Storage| s.allows(content) && s.backend.is_ok() && self.get(&s.id).is_ok();
        self.storages.iter().filter(usable).map(|s| s.id.clone()).collect()
    }

    /// The ids of all storages, in the order of `storage.cfg`.
    pub(crate) fn ids(&self) -> Vec<String> {
        self.storages.iter().map(|storage| storage.id.clone()).collect()
    }

    /// The templates of a storage, sorted. Changes nothing: a storage without its folders has none.
    pub(crate) fn templates(&self, id: &str) -> Result<Vec<VolumeId>, StorageError> {
        let volume = |name| VolumeId { storage: id.to_owned(), name };
        Ok(self.get(id)?.backend()?.templates()?.into_iter().map(volume).collect())
    }

    /// The file of a template that is given as a volume id.
    pub(crate) fn template(&self, volume: &VolumeId) -> Result<PathBuf, StorageError> {
        self.file(volume, "vztmpl")
    }

    /// The file of a hook script.
    pub(crate) fn snippet(&self, volume: &VolumeId) -> Result<PathBuf, StorageError> {
        self.file(volume, "snippets")
    }

    fn file(&self, volume: &VolumeId, needed: &'static str) -> Result<PathBuf, StorageError> {
        if volume.name.split('/').next() != Some(needed) {
            return Err(StorageError::WrongContent { volume: volume.to_string(), needed });
        }
        self.ready(self.get(&volume.storage)?)?.file(&volume.name)
    }
}

impl Storage {
    fn from_section(section: &cfg::Section, places: &Places<'_>) -> Self {
        let etc = places.storage_cfg.parent().unwrap_or(Path::new("/"));
        let words = |list: Vec<&str>| list.into_iter().map(str::to_owned).collect();
        let backend: Result<Box<dyn Backend>, String> = match section.kind.as_str() {
            "dir" => boxed(dir::DirStorage::from_section(section)),
            "btrfs" => boxed(btrfs::BtrfsStorage::from_section(section)),
            "nfs" => boxed(nfs::from_section(section)),
            "cifs" => boxed(cifs::from_section(section, etc)),
            "cephfs" => boxed(cephfs::from_section(section, etc)),
            "iscsi" => boxed(iscsi::Iscsi::from_section(section)),
            "lvm" => boxed(lvm::LvmStorage::from_section(section)),
            "lvmthin" => boxed(lvmthin::LvmThinStorage::from_section(section)),
            "zfspool" => boxed(zfspool::ZfsPoolStorage::from_section(section)),
            "rbd" => boxed(rbd::RbdStorage::from_section(section, etc)),
            other => Err(format!("storages of type '{other}' are not supported by this release")),
        };
        let base = section.get("base").map(|base| base.parse().map_err(|e| format!("its 'base': {e}")));
        let (base, backend) = match base.transpose() {
            Ok(base) => (base, backend),
            Err(reason) => (None, Err(reason)),
        };
        Self {
            id: section.id.clone(),
            kind: section.kind.clone(),
            shared: section.is_shared(),
            content: words(section.content()),
            disabled: section.flag("disable"),
            nodes: section.list("nodes").filter(|_| section.id != "local").map(words),
            backend,
            base,
            limits: section.limits(),
            lock: Place::of(section, places),
        }
    }

    fn allows(&self, content: Content) -> bool {
        self.content.iter().any(|c| c == content.word())
    }

    fn backend(&self) -> Result<&dyn Backend, StorageError> {
        let unusable =
            |reason: &String| StorageError::Unusable { storage: self.id.clone(), reason: reason.clone() };
        self.backend.as_deref().map_err(unusable)
    }

    fn lock(&self) -> Result<Lock, StorageError> {
        self.lock.lock(&self.id)
    }
}

/// Reads `storage.cfg`.
pub(crate) fn read_cfg(path: &Path) -> Result<StorageCfg, StorageError> {
    Ok(StorageCfg::parse(&read(path)?))
}

/// The text of a file; one that is not there is empty.
fn read(path: &Path) -> Result<String, StorageError> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(text::from_bytes(&bytes).into_owned()),
        Err(source) if source.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        Err(source) => Err(StorageError::io("cannot read", path, source)),
    }
}

fn boxed<B: Backend + 'static>(made: Result<B, String>) -> Result<Box<dyn Backend>, String> {
    made.map(|backend| Box::new(backend) as Box<dyn Backend>)
}
