//! What taking, removing and going back to a snapshot makes of a config, phase by phase (spec: cli, part 6.9a).
//!
//! Each function is one write of the config. Between them, outside of any lock file, the storages work; `lock` and
//! `snapstate` say to everybody else, and after a crash, how far that has come.

use std::collections::BTreeSet;

use super::{ChangeError, add_unused};
use crate::config::{Config, MountPoint, Section, VolumeId, VolumeRef, is_config_id, keys};

/// The value of `lock` while a snapshot is taken.
pub(crate) const TAKING: &str = "snapshot";
/// The value of `lock` while one is removed.
pub(crate) const REMOVING: &str = "snapshot-delete";
/// The value of `lock` while the container goes back to one.
pub(crate) const ROLLING_BACK: &str = "rollback";

const PREPARED: &str = "prepare";
const HALF_REMOVED: &str = "delete";

/// The names that a snapshot can't have.
const RESERVED: [&str; 2] = ["current", "vzdump"];

const LONGEST_NAME: usize = 40;

/// What the current state and each snapshot have of their own, beside unused volumes.
const OWN: [&str; 5] = ["description", "lock", "snapstate", "snaptime", "vmstate"];

/// Why a snapshot cannot be taken, removed or gone back to. The config is as it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// No name that a snapshot can have.
    #[error(
        "'{0}' is no name for a snapshot: it has 2 to 40 letters, digits, '-' and '_', and begins with a letter"
    )]
    BadName(String),
    /// The name means something else.
    #[error("unable to use snapshot name '{0}' (reserved name)")]
    Reserved(String),
    /// A template has none.
    #[error("{0}")]
    Template(&'static str),
    /// There is one of this name.
    #[error("snapshot name '{0}' already used")]
    Used(String),
    /// It is not in the config.
    #[error("snapshot '{0}' does not exist")]
    Missing(String),
    /// A volume of the container can't be snapshotted.
    #[error("snapshot feature is not available ({key}: {why})")]
    NotAvailable {
        /// `rootfs` or `mp<n>`.
        key: String,
        /// Why not.
        why: String,
    },
    /// Another operation has taken the container over.
    #[error("missing snapshot lock")]
    NoLock,
    /// Another operation has taken the container over.
    #[error("encountered invalid lock, expected '{0}'")]
    WrongLock(&'static str),
    /// Another operation has taken the container over.
    #[error("got wrong lock")]
    NotRollingBack,
    /// Another operation has changed the snapshot.
    #[error("wrong snapshot state")]
    WrongState,
    /// A snapshot whose making or removal broke off: it may be removed, no more.
    #[error("unable to rollback to incomplete snapshot (snapstate = {0})")]
    Incomplete(String),
    /// All of `unused0` to `unused255` are taken.
    #[error("Too many unused volumes - please delete them first.")]
    TooManyUnused,
    /// Its replication, or somebody else's removal, has it.
    #[error("Failed to obtain guest migration lock - replication running?")]
    Migrating,
}

impl From<ChangeError> for SnapshotError {
    /// Of noting an unused volume down, which fails in one way only.
    fn from(_: ChangeError) -> Self {
        Self::TooManyUnused
    }
}

/// A volume of a snapshot, and the key that has it there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SnapshotVolume {
    /// `rootfs` or `mp<n>`.
    pub(crate) key: String,
    pub(crate) volume: VolumeRef,
}

/// What `rootfs` and the mount points mount.
pub(crate) fn volumes(section: &Section) -> Vec<SnapshotVolume> {
    let volume = |(key, point): (String, MountPoint)| SnapshotVolume { key, volume: point.volume };
    section.points().into_iter().map(volume).collect()
}

/// Whether a snapshot of this name may be taken, as far as the config says.
pub(crate) fn check_new(config: &Config, name: &str) -> Result<(), SnapshotError> {
    if config.snapshots().contains_key(name) {
        return Err(SnapshotError::Used(name.to_owned()));
    }
    Ok(())
}

/// Whether a snapshot may have this name.
pub(crate) fn check_name(name: &str) -> Result<(), SnapshotError> {
    if RESERVED.contains(&name) {
        return Err(SnapshotError::Reserved(name.to_owned()));
    }
    // In a file it is a header's; a storage makes a path of it.
    if !is_config_id(name) || name.len() > LONGEST_NAME {
        return Err(SnapshotError::BadName(name.to_owned()));
    }
    Ok(())
}

/// Notes a new snapshot down as being taken. Returns what the file had wrong about the name.
pub(crate) fn prepare(config: &mut Config, name: &str, description: Option<&str>, now: u64) -> Vec<String> {
    let mut warnings = Vec::new();
    let mut drop_parent = |section: &mut Section, of: &str| {
        if section.get("parent") == Some(name) {
            section.remove("parent");
            warnings.push(format!(
                "deleting parent '{name}' reference from '{of}' to avoid bogus snapshot cycle."
            ));
        }
    };
    for (other, section) in config.snapshots_mut() {
        drop_parent(section, other);
    }
    let mut snapshot = config.main().clone();
    drop_parent(&mut snapshot, name);
    keep_state(&mut snapshot);
    if let Some(description) = description.filter(|text| !text.is_empty()) {
        snapshot.set("description", description);
    }
    snapshot.set("snapstate", PREPARED);
    snapshot.set("snaptime", now.to_string());
    config.snapshots_mut().insert(name.to_owned(), snapshot);
    config.main_mut().set("lock", TAKING);
    warnings
}

/// All volumes have it: the snapshot is complete.
pub(crate) fn commit(config: &mut Config, name: &str) -> Result<(), SnapshotError> {
    if config.main().lock() != Some(TAKING) {
        return Err(SnapshotError::NoLock);
    }
    let snapshot = snapshot_mut(config, name)?;
    if snapshot.get("snapstate") != Some(PREPARED) {
        return Err(SnapshotError::WrongState);
    }
    snapshot.remove("snapstate");
    config.main_mut().remove("lock");
    config.main_mut().set("parent", name);
    Ok(())
}

/// A snapshot could not be taken. When no volume has it, it has never been; else it stays, as an incomplete one.
pub(crate) fn abandon(config: &mut Config, name: &str, clean: bool) -> Result<(), SnapshotError> {
    if config.main().lock() != Some(TAKING) {
        return Err(SnapshotError::NoLock);
    }
    if clean {
        config.snapshots_mut().remove(name);
    }
    config.main_mut().remove("lock");
    Ok(())
}

/// Marks a snapshot as being removed.
pub(crate) fn begin_removal(config: &mut Config, name: &str) -> Result<(), SnapshotError> {
    if config.main().is_template() {
        return Err(SnapshotError::Template("you can't delete a snapshot if vm is a template"));
    }
    snapshot_mut(config, name)?.set("snapstate", HALF_REMOVED);
    config.main_mut().set("lock", REMOVING);
    Ok(())
}

/// A removal that has removed nothing: the snapshot is again what it was.
pub(crate) fn cancel_removal(config: &mut Config, name: &str, before: &Section) -> Result<(), SnapshotError> {
    require_removing(config)?;
    *snapshot_mut(config, name)? = before.clone();
    config.main_mut().remove("lock");
    Ok(())
}

/// A volume of the snapshot has it no more: the section keeps the volume's name, as an unused one, so that a removal
/// that breaks off can go on and loses none.
pub(crate) fn forget_volume(
    config: &mut Config,
    name: &str,
    gone: &SnapshotVolume,
) -> Result<(), SnapshotError> {
    require_removing(config)?;
    let snapshot = snapshot_mut(config, name)?;
    snapshot.remove(&gone.key);
    if let VolumeRef::Volume(volume) = &gone.volume {
        add_unused(snapshot, volume)?;
    }
    Ok(())
}

/// Removes a snapshot's section. Whoever had it as parent gets its parent, and volumes that nothing else names any more
/// become unused ones of the current state.
pub(crate) fn finish_removal(config: &mut Config, name: &str) -> Result<(), SnapshotError> {
    require_removing(config)?;
    let missing = || SnapshotError::Missing(name.to_owned());
    let snapshot = config.snapshots().get(name).ok_or_else(missing)?.clone();
    let used = config.main().used_volumes();
    for volume in snapshot.volumes().iter().filter(|volume| !used.contains(&volume.to_string())) {
        add_unused(config.main_mut(), volume)?;
    }
    config.snapshots_mut().remove(name);
    let parent = snapshot.get("parent");
    let adopt = |section: &mut Section| {
        if section.get("parent") == Some(name) {
            match parent {
                Some(parent) => section.set("parent", parent),
                None => drop(section.remove("parent")),
            }
        }
    };
    config.snapshots_mut().values_mut().for_each(adopt);
    adopt(config.main_mut());
    config.main_mut().remove("lock");
    Ok(())
}

fn require_removing(config: &Config) -> Result<(), SnapshotError> {
    match config.main().lock() {
        Some(REMOVING) => Ok(()),
        _ => Err(SnapshotError::WrongLock(REMOVING)),
    }
}

/// The snapshot, if a container can go back to it as far as its config says.
pub(crate) fn check_rollback<'a>(config: &'a Config, name: &str) -> Result<&'a Section, SnapshotError> {
    let snapshot = config.snapshots().get(name).ok_or_else(|| SnapshotError::Missing(name.to_owned()))?;
    match snapshot.get("snapstate") {
        Some(state) => Err(SnapshotError::Incomplete(state.to_owned())),
        None => Ok(snapshot),
    }
}

/// All volumes are back: the snapshot becomes the current state. What was added since stays as unused volumes, notes
/// stay, changes that wait are dropped.
pub(crate) fn finish_rollback(config: &mut Config, name: &str) -> Result<(), SnapshotError> {
    if config.main().lock() != Some(ROLLING_BACK) {
        return Err(SnapshotError::NotRollingBack);
    }
    let mut new = check_rollback(config, name)?.clone();
    keep_state(&mut new);
    let old = config.main();
    let kept = old.entries().filter(|(key, _)| *key == "description" || is_unused(key));
    kept.for_each(|(key, value)| new.set(key, value));
    let back: BTreeSet<_> = new.used_volumes().into_iter().collect();
    let added: Vec<VolumeId> = volumes(old)
        .into_iter()
        .filter_map(|volume| volume.volume.volume().cloned())
        .filter(|volume| !back.contains(&volume.to_string()))
        .collect();
    for volume in &added {
        add_unused(&mut new, volume)?;
    }
    new.set("parent", name);
    *config.main_mut() = new;
    config.clear_pending();
    Ok(())
}

/// Leaves of a section what a snapshot and the current state have in common.
fn keep_state(section: &mut Section) {
    let own: Vec<_> =
        section.entries().map(|(key, _)| key).filter(|key| is_own(key)).map(str::to_owned).collect();
    own.iter().for_each(|key| drop(section.remove(key)));
}

fn is_own(key: &str) -> bool {
    OWN.contains(&key) || is_unused(key)
}

fn is_unused(key: &str) -> bool {
    keys::lookup(key).is_some_and(|(family, _)| family.name == "unused")
}

fn snapshot_mut<'a>(config: &'a mut Config, name: &str) -> Result<&'a mut Section, SnapshotError> {
    config.snapshots_mut().get_mut(name).ok_or_else(|| SnapshotError::Missing(name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Vmid;

    const BEFORE: &str = "\
#of the container
description: x
mp0: local:9001/vm-9001-disk-1.raw,mp=/data
parent: old
rootfs: local:9001/vm-9001-disk-0.raw,size=1G
unused0: local:9001/vm-9001-disk-9.raw
lxc.environment: A=1

[pve:pending]
memory: 99

[old]
parent: new
rootfs: local:9001/vm-9001-disk-0.raw,size=1G
snaptime: 5
";

    fn config(text: &str) -> Config {
        Config::parse(text.as_bytes(), Vmid::new(9001).unwrap()).config
    }

    fn text(config: &Config) -> String {
        String::from_utf8(config.to_bytes().unwrap()).unwrap()
    }

    fn volume(key: &str, text: &str) -> SnapshotVolume {
        SnapshotVolume { key: key.to_owned(), volume: text.parse().unwrap() }
    }

    #[test]
    fn a_snapshot_is_a_copy_that_the_current_state_descends_from() {
        let mut config = config(BEFORE);
        check_new(&config, "new").unwrap();
        let warnings = prepare(&mut config, "new", Some("of the snapshot"), 77);
        assert_eq!(warnings, ["deleting parent 'new' reference from 'old' to avoid bogus snapshot cycle."]);
        let snapshot = "\
[new]
#of the snapshot
mp0: local:9001/vm-9001-disk-1.raw,mp=/data
parent: old
rootfs: local:9001/vm-9001-disk-0.raw,size=1G
snapstate: prepare
snaptime: 77
lxc.environment: A=1
";
        assert!(text(&config).contains(snapshot), "{}", text(&config));
        assert_eq!(config.main().lock(), Some("snapshot"));
        assert_eq!(check_new(&config, "new"), Err(SnapshotError::Used("new".to_owned())));
        assert_eq!(check_rollback(&config, "new"), Err(SnapshotError::Incomplete("prepare".to_owned())));

        commit(&mut config, "new").unwrap();
        assert!(!text(&config).contains("snapstate") && !text(&config).contains("lock:"));
        assert_eq!(config.main().get("parent"), Some("new"));
        assert!(config.pending().is_some(), "what waits goes on waiting");
        assert_eq!(commit(&mut config, "new"), Err(SnapshotError::NoLock));
    }

    #[test]
    fn what_could_not_be_taken_leaves_nothing() {
        let mut config = config(BEFORE);
        config.snapshots_mut().clear();
        let before = config.clone();
        prepare(&mut config, "new", None, 77);
        abandon(&mut config, "new", true).unwrap();
        assert_eq!(config, before);
    }

    #[test]
    fn children_get_the_grandparent_and_lone_volumes_stay_known() {
        let mut config = config(
            "parent: b1\nrootfs: local:9001/vm-9001-disk-0.raw\n\n[a1]\nrootfs: local:9001/vm-9001-disk-0.raw\n\n\
             [b1]\nmp0: local:9001/vm-9001-disk-1.raw,mp=/x\nparent: a1\nrootfs: local:9001/vm-9001-disk-0.raw\n\n\
             [c1]\nparent: b1\n",
        );
        begin_removal(&mut config, "b1").unwrap();
        assert_eq!(config.snapshots()["b1"].get("snapstate"), Some("delete"));
        for gone in volumes(&config.snapshots()["b1"].clone()) {
            forget_volume(&mut config, "b1", &gone).unwrap();
        }
        let half = text(&config);
        assert!(
            half.contains("unused0: local:9001/vm-9001-disk-0.raw\nunused1: local:9001/vm-9001-disk-1.raw")
        );
        // It breaks off here, is unlocked, and begins again.
        config.main_mut().remove("lock");
        let lost = forget_volume(&mut config, "b1", &volume("mp0", "local:x"));
        assert_eq!(lost, Err(SnapshotError::WrongLock("snapshot-delete")));
        begin_removal(&mut config, "b1").unwrap();
        finish_removal(&mut config, "b1").unwrap();
        assert_eq!(
            text(&config),
            "parent: a1\nrootfs: local:9001/vm-9001-disk-0.raw\nunused0: local:9001/vm-9001-disk-1.raw\n\n\
             [a1]\nrootfs: local:9001/vm-9001-disk-0.raw\n\n[c1]\nparent: a1\n"
        );
    }

    #[test]
    fn going_back_keeps_notes_and_every_volume() {
        let mut config = config(
            "#now\nhostname: now\nlock: rollback\nmp1: local:9001/vm-9001-disk-2.raw,mp=/new\nparent: s1\n\
             rootfs: local:9001/vm-9001-disk-0.raw\nunused3: local:9001/vm-9001-disk-7.raw\n\n\
             [pve:pending]\nmemory: 9\n\n[s1]\n#then\nhostname: then\n\
             mp0: local:9001/vm-9001-disk-7.raw,mp=/back\nrootfs: local:9001/vm-9001-disk-0.raw\nsnaptime: 3\n",
        );
        finish_rollback(&mut config, "s1").unwrap();
        assert_eq!(
            text(&config),
            "#now\nhostname: then\nmp0: local:9001/vm-9001-disk-7.raw,mp=/back\nparent: s1\n\
             rootfs: local:9001/vm-9001-disk-0.raw\nunused0: local:9001/vm-9001-disk-2.raw\n\n\
             [s1]\n#then\nhostname: then\nmp0: local:9001/vm-9001-disk-7.raw,mp=/back\n\
             rootfs: local:9001/vm-9001-disk-0.raw\nsnaptime: 3\n"
        );
        assert_eq!(finish_rollback(&mut config, "s1"), Err(SnapshotError::NotRollingBack));
    }

    #[test]
    fn names_that_mean_something_else_are_refused() {
        assert!(check_name("vzdump").is_err() && check_name("current").is_err() && check_name("s1").is_ok());
    }
}
