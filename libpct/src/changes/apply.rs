//! What is pending becomes the current state of a stopped container (spec: config, part 8.4).

use std::collections::{BTreeMap, BTreeSet};

use super::{ChangeError, Volumes, pending::Pending, values};
use crate::{
    config::{Config, MountPoint, Section, Vmid, VolumeId, VolumeRef, keys, parse_new_volume},
    facts::HostFacts,
};

/// What came of applying changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// The keys whose change could not be applied and stays pending, each with the reason.
    pub failures: Vec<(String, String)>,
    /// What is odd and no failure.
    pub warnings: Vec<String>,
}

/// Applies the pending changes of a stopped container: those of `keys`, or all. What fails stays pending.
///
/// With `keys` it is all or nothing: after a failure no volume has been freed, and the config must not be written.
pub fn apply_stopped(
    config: &mut Config,
    keys: Option<&BTreeSet<String>>,
    vmid: Vmid,
    host: &HostFacts,
    volumes: &mut dyn Volumes,
) -> Applied {
    let mut work = Work::take(config, vmid, host, volumes);
    let is_meant = |key: &str| keys.is_none_or(|keys| keys.contains(key));
    for key in work.deletions().into_iter().filter(|key| is_meant(key)) {
        let removed = work.delete(&key);
        work.note(&key, removed);
    }
    work.pending.clean(&work.main);
    for (key, value) in work.values().into_iter().filter(|(key, _)| is_meant(key)) {
        let moved = work.set(&key, &value);
        work.note(&key, moved);
    }
    if keys.is_none() || work.has_succeeded() {
        work.free_volumes();
    }
    work.put_back(config)
}

/// A config taken apart, with what it takes to change it.
pub(super) struct Work<'a> {
    pub(super) main: Section,
    pub(super) pending: Pending,
    snapshots: BTreeMap<String, Section>,
    vmid: Vmid,
    host: &'a HostFacts,
    volumes: &'a mut dyn Volumes,
    /// Volumes whose `unusedN` is removed.
    to_free: Vec<(String, VolumeId)>,
    applied: Applied,
}

impl<'a> Work<'a> {
    pub(super) fn take(
        config: &mut Config,
        vmid: Vmid,
        host: &'a HostFacts,
        volumes: &'a mut dyn Volumes,
    ) -> Self {
        Self {
            main: std::mem::take(config.main_mut()),
            pending: Pending::take(config),
            snapshots: std::mem::take(config.snapshots_mut()),
            vmid,
            host,
            volumes,
            to_free: Vec::new(),
            applied: Applied::default(),
        }
    }

    pub(super) fn put_back(self, config: &mut Config) -> Applied {
        *config.main_mut() = self.main;
        *config.snapshots_mut() = self.snapshots;
        self.pending.put_back(config);
        self.applied
    }

    /// The keys to remove, sorted.
    pub(super) fn deletions(&self) -> Vec<String> {
        self.pending.deletions.keys().cloned().collect()
    }

    /// The new values, sorted by key.
    pub(super) fn values(&self) -> Vec<(String, String)> {
        self.pending.values.entries().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
    }

    pub(super) fn has_succeeded(&self) -> bool {
        self.applied.failures.is_empty()
    }

    pub(super) fn note(&mut self, key: &str, result: Result<(), String>) {
        self.applied.failures.extend(result.err().map(|reason| (key.to_owned(), reason)));
    }

    pub(super) fn warn(&mut self, text: String) {
        self.applied.warnings.push(text);
    }

    /// Removes a key from the current state, with what that means for a volume.
    pub(super) fn delete(&mut self, key: &str) -> Result<(), String> {
        let family = keys::lookup(key).map(|(known, _)| known.name);
        match family {
            Some("mp") => self.keep_volume_of(key, None)?,
            Some("unused") => {
                let volume =
                    self.main.unused().into_iter().find(|(index, _)| format!("unused{index}") == key);
                self.to_free.extend(volume.map(|(_, volume)| (key.to_owned(), volume)));
            }
            _ => {}
        }
        self.main.remove(key);
        self.pending.deletions.remove(key);
        Ok(())
    }

    /// Moves a value into the current state.
    pub(super) fn set(&mut self, key: &str, value: &str) -> Result<(), String> {
        let known = keys::lookup(key).map(|(known, _)| known.name);
        let value = match known {
            Some("mp") => self.mount_point(key, value)?,
            _ => values::stored(key, value, self.vmid, self.host).map_err(|e| told(&e))?,
        };
        self.move_in(key, &value);
        Ok(())
    }

    pub(super) fn move_in(&mut self, key: &str, value: &str) {
        self.main.set(key, value);
        self.pending.values.remove(key);
    }

    /// A mount point in its canonical form, its volume made where it asks for a new one.
    fn mount_point(&mut self, key: &str, value: &str) -> Result<String, String> {
        let mut point = values::mount_point(key, value).map_err(|e| told(&e))?;
        self.keep_volume_of(key, Some(&point))?;
        if let VolumeRef::Volume(volume) = &point.volume {
            if parse_new_volume(&volume.to_string()).is_some() {
                point = self.volumes.allocate(&point)?;
            } else {
                let size = self.volumes.size(volume);
                if let Err(reason) = &size {
                    self.applied
                        .warnings
                        .push(format!("the size of volume '{volume}' is not known: {reason}"));
                }
                point.size = size.ok();
            }
        }
        Ok(point.to_string())
    }

    /// The volume that a mount point has until now becomes an unused one, unless the new value has it too.
    fn keep_volume_of(&mut self, key: &str, new: Option<&MountPoint>) -> Result<(), String> {
        let old = self.main.get(key).and_then(|value| MountPoint::parse_mp(value).ok());
        match old.map(|point| point.volume) {
            Some(VolumeRef::Volume(volume)) if new.and_then(|new| new.volume.volume()) != Some(&volume) => {
                self.add_unused(&volume).map(drop)
            }
            _ => Ok(()),
        }
    }

    /// As [`add_unused`].
    fn add_unused(&mut self, volume: &VolumeId) -> Result<String, String> {
        add_unused(&mut self.main, volume).map_err(|e| told(&e))
    }

    /// The last step, for it cannot be taken back: frees the volumes whose `unusedN` was removed and that nothing
    /// else names. One that cannot be freed gets its key back.
    pub(super) fn free_volumes(&mut self) {
        for (key, volume) in std::mem::take(&mut self.to_free) {
            if self.is_used(&volume) {
                continue;
            }
            match self.volumes.free(&volume) {
                Ok(true) => {}
                Ok(false) => {
                    let vmid = self.vmid;
                    let text = format!("ignore deletion of '{volume}', CT {vmid} isn't the owner!");
                    self.applied.warnings.push(text);
                }
                Err(reason) => {
                    self.note(&key, Err(reason));
                    match self.add_unused(&volume) {
                        Ok(key) => drop(self.pending.deletions.insert(key, false)),
                        Err(reason) => self.note(&key, Err(reason)),
                    }
                }
            }
        }
    }

    fn is_used(&self, volume: &VolumeId) -> bool {
        let sections = [&self.main, &self.pending.values].into_iter().chain(self.snapshots.values());
        sections.flat_map(Section::volumes).any(|used| used == *volume)
    }
}

/// Notes a volume down under the first free `unusedN`, unless one has it already; returns the key.
pub(crate) fn add_unused(main: &mut Section, volume: &VolumeId) -> Result<String, ChangeError> {
    if let Some((index, _)) = main.unused().into_iter().find(|(_, known)| known == volume) {
        return Ok(format!("unused{index}"));
    }
    let last = keys::lookup("unused0").and_then(|(family, _)| family.last_index).unwrap_or_default();
    let free = (0..=last).map(|index| format!("unused{index}")).find(|key| main.get(key).is_none());
    let key = free.ok_or(ChangeError::TooManyUnused)?;
    main.set(&key, volume.to_string());
    Ok(key)
}

/// An error with its reasons, as one text.
fn told(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(reason) = source {
        text.push_str(&format!(": {reason}"));
        source = reason.source();
    }
    text
}
