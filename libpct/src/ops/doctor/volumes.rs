//! Storages and volumes.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

use super::{
    super::{Env, diagnosis, mounts},
    Patient, Symptom, error, warning,
};
use crate::{
    config::{MountPoint, Vmid, VolumeRef},
    error::Error,
    mount,
    ops::mounts::Source,
    storage::{StorageError, Storages},
    store::Store,
};

/// Whether each volume is there, and holds what can be mounted.
pub(super) fn there(patient: &Patient<'_>) -> Result<Vec<Symptom>, Error> {
    let look = |(key, point): (String, MountPoint)| {
        let looked =
            mounts::plan_one(&key, &point, &patient.storages).and_then(|plan| Ok(source(&plan.source)?));
        looked.err().map(|failure| symptom(patient, &key, failure))
    };
    Ok(patient.points().into_iter().filter_map(look).collect())
}

fn source(source: &Source) -> Result<(), mount::Error> {
    match source {
        Source::Image(path) => mount::check_raw_image(path),
        Source::Block(path) => mount::check_block_device(path),
        Source::Bind(path) => mount::open_directory(path).map(drop),
        // That it is there has been seen.
        Source::Directory(_) => Ok(()),
    }
}

fn symptom(patient: &Patient<'_>, key: &str, failure: Error) -> Symptom {
    // The key stands for itself.
    let failure = match failure {
        Error::Volume { source, .. } => *source,
        other => other,
    };
    let (code, remedy) = match &failure {
        Error::Storage(error) => of_storage(error),
        Error::Mount(mount::Error::NoDirectory { .. }) => {
            ("bind-source", "make the directory, or remove the mount point")
        }
        Error::Mount(mount::Error::Symlink { .. } | mount::Error::BadPath { .. }) => {
            ("bind-source", "name the directory by a path without links and '..'")
        }
        Error::Mount(mount::Error::NoFileSystem { .. }) => ("file-system", ""),
        _ => ("volume-missing", "connect the device, or remove the mount point"),
    };
    let remedy = match remedy {
        "" => diagnosis::remedy_for_error(&failure, Some(patient.section())),
        known => Some(known.to_owned()),
    };
    Symptom { remedy, ..error(code, Some(key), failure.full_message()) }
}

fn of_storage(error: &StorageError) -> (&'static str, &'static str) {
    match error {
        StorageError::Missing { .. } => {
            ("storage-missing", "add the storage to storage.cfg, or name another one")
        }
        StorageError::Disabled { .. } | StorageError::NotHere { .. } => {
            ("storage-disabled", "take 'disable' or 'nodes' out of its section in storage.cfg")
        }
        StorageError::NoContainers { .. } => {
            ("storage-content", "add 'rootdir' to its content in storage.cfg")
        }
        StorageError::Unusable { .. } => ("storage-unusable", "make the storage ready, then start"),
        StorageError::MissingVolume { .. } => ("volume-missing", ""),
        StorageError::BadName { .. } => ("volume-name", "name the volume as 'pct config' shows others"),
        _ => ("storage-unusable", ""),
    }
}

/// Which container mounts what, by the place of the volume.
pub(super) struct Uses(HashMap<PathBuf, Vec<(Vmid, String)>>);

impl Uses {
    fn of(env: &Env, storages: &Storages) -> Result<Self, Error> {
        let mut uses: HashMap<_, Vec<_>> = HashMap::new();
        // What their configs have wrong is not asked here.
        let store = Store::new(&env.home, None);
        for vmid in store.vmids()? {
            let Ok(loaded) = store.load(vmid) else { continue };
            for (key, point) in loaded.config.main().points() {
                if let Some(place) = place(&point.volume, storages) {
                    uses.entry(place).or_default().push((vmid, key));
                }
            }
        }
        Ok(Self(uses))
    }
}

/// What is mounted, whatever it is called; a directory of the host's may be mounted by many.
fn place(volume: &VolumeRef, storages: &Storages) -> Option<PathBuf> {
    let path = match volume {
        VolumeRef::Volume(volume) => storages.locate(volume).ok()?.path().to_owned(),
        VolumeRef::Device(path) => Path::new(path).to_owned(),
        VolumeRef::Bind(_) => return None,
    };
    fs::canonicalize(path).ok()
}

/// A volume in two places is written to by both.
pub(super) fn used_twice(patient: &Patient<'_>) -> Result<Vec<Symptom>, Error> {
    let uses = match patient.uses.get() {
        Some(known) => known,
        None => {
            let uses = Uses::of(patient.env, &patient.storages)?;
            patient.uses.get_or_init(|| uses)
        }
    };
    let mut found = Vec::new();
    let mut own: HashMap<PathBuf, String> = HashMap::new();
    for (key, point) in patient.points() {
        let Some(place) = place(&point.volume, &patient.storages) else { continue };
        let here = own.get(&place).map(|first| format!("{first} of this container"));
        let elsewhere = uses.0.get(&place).into_iter().flatten();
        let elsewhere = elsewhere.filter(|(vmid, _)| *vmid != patient.vmid);
        for user in here.into_iter().chain(elsewhere.map(|(vmid, key)| format!("{key} of CT {vmid}"))) {
            let text = format!("'{}' is mounted as {user}, too", point.volume);
            found.push(warning("volume-shared", Some(&key), text).help("give each its own volume"));
        }
        own.entry(place).or_insert(key);
    }
    Ok(found)
}
