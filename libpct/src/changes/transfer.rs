//! What it takes to move a volume to another storage or to another container, and to make a container a template, as far as
//! configs say (spec: cli, parts 6.7 and 6.8a).

use super::values;
use crate::config::{Config, MountPoint, PropertyError, Section, Vmid, VolumeId, VolumeRef, keys};

/// Why a volume cannot be moved, or a container become a template. Nothing was done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransferError {
    /// What is written to it meanwhile would be lost.
    #[error("cannot move volumes of a running container")]
    Running,
    /// An unused volume is nothing that a container would find again.
    #[error("cannot move volume '{0}', only configured volumes can be moved to another storage")]
    Unused(String),
    /// The snapshots are on the storage that it is to leave.
    #[error("you can't move a volume with snapshots and delete the source")]
    HasSnapshots,
    /// Every container has one, and keeps it.
    #[error("Cannot move to/from 'rootfs'")]
    Rootfs,
    /// Where it would be mounted is not known.
    #[error("Moving an unused volume to a used one is not possible")]
    UnusedToUsed,
    /// A template's volumes are what its clones share.
    #[error("Can't move volumes from or to template CT")]
    TemplateVolume,
    /// A config has changed since the caller has looked.
    #[error("Container {0}: detected modified configuration - file changed by other user? Try again.")]
    Modified(Vmid),
    /// There is no such key.
    #[error("volume '{key}' for container '{vmid}' does not exist")]
    NoSuchKey {
        /// `rootfs`, `mp<n>` or `unused<n>`.
        key: String,
        /// The container.
        vmid: Vmid,
    },
    /// The key is taken.
    #[error("Target volume key '{key}' is already in use for container '{vmid}'")]
    Taken {
        /// `mp<n>` or `unused<n>`.
        key: String,
        /// The container.
        vmid: Vmid,
    },
    /// The snapshots would name a volume of another container.
    #[error("Cannot move volume used by a snapshot to another container")]
    InSnapshot,
    /// The storage can't give a volume another name.
    #[error("Storage does not support moving of this disk to another container")]
    NoRename,
    /// It belongs to the host.
    #[error("Cannot move a bindmount or device mount to another container")]
    NoVolume,
    /// Somebody in it may use the volume.
    #[error("Cannot move in-use volume while the source CT is running - detach or shutdown first")]
    InUse,
    /// It is no volume of a storage.
    #[error("cannot copy volumes of type {0}")]
    Type(&'static str),
    /// A move that broke off cannot be brought to its end.
    #[error("there is neither a volume '{volume}' nor a volume '{renamed}': somebody has removed it")]
    Vanished {
        /// As it was called.
        volume: VolumeId,
        /// As it was to be called.
        renamed: VolumeId,
    },
    /// The mark that keeps others away is gone.
    #[error("Lost 'disk' config lock, aborting.")]
    Lost,
    /// Snapshots could be written to no more.
    #[error("unable to create template, because CT contains snapshots")]
    TemplateSnapshots,
    /// It is one.
    #[error("you can't convert a template to a template")]
    IsTemplate,
    /// A template never runs.
    #[error("you can't convert a CT to template if the CT is running")]
    TemplateRunning,
    /// The storage can't make a base of it.
    #[error("Template feature is not available for '{0}'")]
    NoTemplate(String),
    /// The value does not parse.
    #[error(transparent)]
    Property(#[from] PropertyError),
}

/// A volume of a container, with the key that has it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Held {
    /// `rootfs`, `mp<n>` or `unused<n>`.
    pub(crate) key: String,
    /// What mounts it; `None` of an unused one.
    pub(crate) point: Option<MountPoint>,
    pub(crate) volume: VolumeRef,
}

pub(crate) fn is_unused(key: &str) -> bool {
    keys::lookup(key).is_some_and(|(family, _)| family.name == "unused")
}

/// What a key holds.
pub(crate) fn held(section: &Section, key: &str, vmid: Vmid) -> Result<Held, TransferError> {
    let missing = || TransferError::NoSuchKey { key: key.to_owned(), vmid };
    let text = section.get(key).ok_or_else(missing)?;
    if is_unused(key) {
        let volume = section.unused().into_iter().find(|(index, _)| format!("unused{index}") == key);
        let (_, volume) = volume.ok_or_else(missing)?;
        return Ok(Held { key: key.to_owned(), point: None, volume: VolumeRef::Volume(volume) });
    }
    let point = values::mount_point(key, text)?;
    Ok(Held { key: key.to_owned(), volume: point.volume.clone(), point: Some(point) })
}

/// Whether a snapshot names a volume.
pub(crate) fn is_in_snapshot(config: &Config, volume: &VolumeId) -> bool {
    config.snapshots().values().any(|snapshot| snapshot.volumes().contains(volume))
}

/// Whether a config may become a template's.
pub(crate) fn check_template(config: &Config) -> Result<(), TransferError> {
    if !config.snapshots().is_empty() {
        return Err(TransferError::TemplateSnapshots);
    }
    if config.main().is_template() { Err(TransferError::IsTemplate) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> Config {
        Config::parse(text.as_bytes(), Vmid::new(9001).unwrap()).config
    }

    #[test]
    fn a_key_holds_a_mounted_or_an_unused_volume() {
        let config = config(
            "mp0: local:9001/vm-9001-disk-1.raw,mp=/x\nrootfs: local:9001/vm-9001-disk-0.raw\nunused2: local:9001/vm-9001-disk-2.raw\n",
        );
        let vmid = Vmid::new(9001).unwrap();
        let held = |key| held(config.main(), key, vmid);
        assert_eq!(held("mp0").unwrap().point.unwrap().path(), "/x");
        assert_eq!(held("unused2").unwrap().point, None);
        assert_eq!(held("unused2").unwrap().volume, "local:9001/vm-9001-disk-2.raw".parse().unwrap());
        let missing = held("mp1").unwrap_err().to_string();
        assert_eq!(missing, "volume 'mp1' for container '9001' does not exist");
    }

    #[test]
    fn a_template_has_no_snapshots_and_is_none_yet() {
        assert!(check_template(&config("memory: 1\n")).is_ok());
        assert!(check_template(&config("template: 1\n")).unwrap_err().to_string().contains("to a template"));
        let snapshot = config("memory: 1\n\n[s1]\nrootfs: local:9001/vm-9001-disk-0.raw\n");
        assert!(check_template(&snapshot).unwrap_err().to_string().contains("contains snapshots"));
        let volume = "local:9001/vm-9001-disk-0.raw".parse().unwrap();
        assert!(is_in_snapshot(&snapshot, &volume) && !is_in_snapshot(&config("memory: 1\n"), &volume));
    }
}
