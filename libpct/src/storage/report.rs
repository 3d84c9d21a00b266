//! What there is: storages with their room, and what is on them.

use std::path::PathBuf;

use super::{Content, Format, Storage, StorageError, Storages};
use crate::config::{Size, Vmid, VolumeId};

/// A storage and its room.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StorageStatus {
    /// Its id.
    pub id: String,
    /// Its type, such as `dir`.
    pub kind: String,
    /// What it may hold, by the words of `storage.cfg`.
    pub content: Vec<String>,
    /// It is not switched off by `disable`.
    pub enabled: bool,
    /// Other hosts see the same storage.
    pub shared: bool,
    /// Why it cannot be used now; none of one that can, or that is not enabled.
    pub problem: Option<String>,
    /// Bytes that it has; 0, like those below, where it cannot be used.
    pub total: u64,
    /// Bytes that are used.
    pub used: u64,
    /// Bytes that are free for us.
    pub available: u64,
}

impl StorageStatus {
    /// Whether it can be used now.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.enabled && self.problem.is_none()
    }
}

/// Something on a storage.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StorageVolume {
    /// Its id.
    pub volume: VolumeId,
    /// `raw` or `subvol`; of a template how it is packed, such as `tzst`.
    pub format: String,
    /// What it is: [`Content::Templates`], or a volume of a container or virtual machine.
    pub content: Content,
    /// Bytes; 0 where a volume has no limit.
    pub size: u64,
    /// The container, or the virtual machine, that it belongs to.
    pub owner: Option<Vmid>,
    /// The volume whose content it shares, by its name on the storage.
    pub parent: Option<String>,
}

impl Storages {
    /// All storages of this node, in the order of `storage.cfg`, made ready.
    pub(crate) fn statuses(&self) -> Vec<StorageStatus> {
        let here = |s: &&Storage| s.disabled || self.get(&s.id).is_ok();
        self.storages.iter().filter(here).map(|storage| self.status_of(storage)).collect()
    }

    fn status_of(&self, storage: &Storage) -> StorageStatus {
        let mut status = StorageStatus {
            id: storage.id.clone(),
            kind: storage.kind.clone(),
            content: storage.content.clone(),
            enabled: !storage.disabled,
            shared: storage.shared,
            problem: None,
            total: 0,
            used: 0,
            available: 0,
        };
        if status.enabled {
            match self.ready(storage).and_then(super::Backend::space) {
                Ok(space) => {
                    (status.total, status.used, status.available) =
                        (space.total, space.used, space.available);
                }
                Err(error) => status.problem = Some(error.to_string()),
            }
        }
        status
    }

    /// What is on a storage, sorted by name.
    pub(crate) fn contents(
        &self,
        id: &str,
        content: Option<Content>,
        owner: Option<Vmid>,
    ) -> Result<Vec<StorageVolume>, StorageError> {
        let storage = self.get(id)?;
        let backend = self.ready(storage)?;
        let wanted = |kind: Content| content.is_none_or(|content| content == kind);
        let volume = |name: String| VolumeId { storage: id.to_owned(), name };
        let mut found = Vec::new();
        if wanted(Content::Volumes)
            && storage.content.iter().any(|word| word == "images" || word == "rootdir")
        {
            found.extend(backend.list(owner)?.into_iter().map(|listed| StorageVolume {
                volume: volume(listed.name),
                format: listed.format.word().to_owned(),
                content: Content::Volumes,
                size: listed.size.bytes(),
                owner: Some(listed.owner),
                parent: listed.parent,
            }));
        }
        if wanted(Content::Templates) && owner.is_none() && storage.allows(Content::Templates) {
            for name in backend.templates()? {
                let path = backend.file(&name)?;
                let size =
                    std::fs::metadata(&path).map_err(|e| StorageError::io("cannot look at", &path, e))?.len();
                found.push(StorageVolume {
                    format: packing(&name),
                    volume: volume(name),
                    content: Content::Templates,
                    size,
                    owner: None,
                    parent: None,
                });
            }
        }
        found.sort_unstable_by(|a, b| a.volume.cmp(&b.volume));
        Ok(found)
    }

    /// Makes a volume in a format, or in that which a container's would have.
    pub(crate) fn allocate_as(
        &self,
        storage: &str,
        owner: Vmid,
        size: Size,
        format: Option<&str>,
    ) -> Result<VolumeId, StorageError> {
        let storage = self.get(storage)?;
        let backend = self.ready(storage)?;
        let known = |word: &str| {
            let found = [Format::Raw, Format::Subvol].into_iter().find(|format| format.word() == word);
            found.ok_or_else(|| StorageError::unsupported("there are only the formats raw and subvol", word))
        };
        let format = format.map(known).transpose()?.unwrap_or_else(|| backend.format_for(size));
        let _lock = storage.lock()?;
        let name = backend.free_name(owner, format)?;
        if backend.describe(&name)?.format != format {
            return Err(StorageError::unsupported(
                "this storage has no volumes of this format",
                format.word(),
            ));
        }
        backend.allocate(&name, size)?;
        Ok(VolumeId { storage: storage.id.clone(), name })
    }

    /// Removes a volume, whosever it is.
    pub(crate) fn remove(&self, volume: &VolumeId) -> Result<(), StorageError> {
        let storage = self.get(&volume.storage)?;
        let backend = self.ready(storage)?;
        let is_base = backend.describe(&volume.name)?.is_base;
        let _lock = storage.lock()?;
        Self::free_unused(backend, &volume.name, is_base)
    }

    /// The path of a volume's data, or of a file such as a template, that is there.
    pub(crate) fn path(&self, volume: &VolumeId) -> Result<PathBuf, StorageError> {
        let backend = self.ready(self.get(&volume.storage)?)?;
        match backend.describe(&volume.name) {
            Ok(_) => Ok(backend.locate(&volume.name, None)?.path().to_owned()),
            Err(StorageError::BadName { .. }) => backend.file(&volume.name),
            Err(e) => Err(e),
        }
    }
}

/// The word for how a template is packed.
fn packing(name: &str) -> String {
    match name.rsplit('.').next() {
        Some("gz") => "tgz",
        Some("xz") => "txz",
        Some("zst") => "tzst",
        Some("bz2") => "tbz2",
        _ => "tar",
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;
    use crate::storage::Places;

    fn with_storages(cfg: &str, test: impl FnOnce(&Path, &Storages)) {
        let temp = tempfile::tempdir().unwrap();
        let (storage_cfg, local) = (temp.path().join("storage.cfg"), temp.path().join("local"));
        fs::write(&storage_cfg, cfg).unwrap();
        let lock = |id: &str| temp.path().join(format!("lock-{id}"));
        let places = Places { storage_cfg: &storage_cfg, local: &local, node: "here", lock: &lock };
        test(&local, &Storages::load(&places).unwrap());
    }

    fn id(text: &str) -> VolumeId {
        text.parse().unwrap()
    }

    #[test]
    fn every_storage_says_whether_it_can_be_used() {
        let cfg = "dir: off\n\tpath /x\n\tdisable\n\ndir: away\n\tpath /x\n\tnodes b\n\ndir: broken\n\tpath /proc/x\n\n\
                   pbs: foreign\n\tserver s\n";
        with_storages(cfg, |_, storages| {
            let statuses = storages.statuses();
            let told: Vec<_> = statuses.iter().map(|s| (s.id.as_str(), s.enabled, s.is_active())).collect();
            let expected = [
                ("local", true, true),
                ("off", false, false),
                ("broken", true, false),
                ("foreign", true, false),
            ];
            assert_eq!(told, expected);
            assert!(statuses[0].total > 0 && statuses[0].problem.is_none());
            assert!(statuses[3].problem.as_ref().unwrap().contains("'pbs'"), "{statuses:?}");
            assert!(statuses[3].shared && !statuses[0].shared);
        });
    }

    #[test]
    fn volumes_and_templates_are_listed_made_found_and_removed() {
        with_storages("", |local, storages| {
            let vmid = Vmid::new(9001).unwrap();
            let raw = storages.allocate_as("local", vmid, Size::from_bytes(4096), None).unwrap();
            let tree = storages.allocate_as("local", vmid, Size::from_bytes(0), Some("subvol")).unwrap();
            assert!(storages.allocate_as("local", vmid, Size::from_bytes(1), Some("qcow2")).is_err());
            fs::create_dir_all(local.join("template/cache")).unwrap();
            fs::write(local.join("template/cache/a.tar.zst"), "abc").unwrap();
            let all = storages.contents("local", None, None).unwrap();
            let told: Vec<_> =
                all.iter().map(|v| (v.volume.name.as_str(), v.format.as_str(), v.size)).collect();
            assert_eq!(
                told,
                [
                    ("9001/subvol-9001-disk-1.subvol", "subvol", 0),
                    ("9001/vm-9001-disk-0.raw", "raw", 4096),
                    ("vztmpl/a.tar.zst", "tzst", 3)
                ]
            );
            assert_eq!(storages.contents("local", Some(Content::Templates), None).unwrap().len(), 1);
            assert_eq!(storages.contents("local", None, Some(vmid)).unwrap().len(), 2);
            assert_eq!(storages.path(&raw).unwrap(), local.join("images/9001/vm-9001-disk-0.raw"));
            let template = local.join("template/cache/a.tar.zst");
            assert_eq!(storages.path(&id("local:vztmpl/a.tar.zst")).unwrap(), template);
            assert!(storages.path(&id("local:../x")).is_err());
            for volume in [&raw, &tree] {
                storages.remove(volume).unwrap();
                assert!(storages.path(volume).is_err());
            }
            assert!(storages.remove(&id("local:vztmpl/a.tar.zst")).is_err() && template.exists());
        });
    }
}
