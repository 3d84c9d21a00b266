//! `delsnapshot` (spec: cli, parts 5.20 and 6.9a).

use std::time::Duration;

use super::{
    Env,
    setters::setters,
    work::{Record, Work},
};
use crate::{
    changes::{
        SnapshotError,
        snapshot::{self, SnapshotVolume},
    },
    config::{Section, Vmid},
    error::Error,
    progress::Progress,
    storage::Storages,
    sys::{
        self, folder,
        lockfile::{self, LockFile},
    },
};

/// How [`Container::delete_snapshot`](crate::Container::delete_snapshot) removes.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct DeleteSnapshotOptions {
    /// Remove it from the config also when a storage can't remove its part.
    pub force: bool,
}

setters! { DeleteSnapshotOptions { force: bool } }

/// How long somebody else may have the guest for a migration.
const MIGRATION_TIMEOUT: Duration = Duration::from_secs(10);

pub(crate) fn delete_snapshot(
    env: &Env,
    vmid: Vmid,
    name: &str,
    options: &DeleteSnapshotOptions,
    progress: &mut dyn Progress,
) -> Result<(), Error> {
    env.store().require(vmid)?;
    let _guest = if options.force { None } else { Some(migration_lock(env, vmid)?) };
    let storages = env.storages()?;
    let (before, volumes, work) = begin(env, vmid, name, progress)?;
    for (index, volume) in volumes.iter().enumerate() {
        let removed = remove(volume, name, &storages);
        match removed {
            Ok(()) => {}
            Err(error) if options.force => progress.warning(&error.full_message()),
            Err(error) => {
                if index == 0 {
                    take_back(env, vmid, name, &before, work, progress);
                } else {
                    progress.warning(&format!(
                        "a part of snapshot '{name}' is gone: 'pct repair {vmid}' removes the rest"
                    ));
                }
                return Err(error);
            }
        }
        if !options.force {
            env.rewrite(vmid, progress, |config| snapshot::forget_volume(config, name, volume))?;
        }
    }
    env.rewrite(vmid, progress, |config| snapshot::finish_removal(config, name))?;
    work.end(progress);
    Ok(())
}

/// Who removes a snapshot or goes back to one must not meet a replication or migration of the guest.
pub(super) fn migration_lock(env: &Env, vmid: Vmid) -> Result<LockFile, Error> {
    let path = env.home.migration_lock(vmid);
    if let Some(folder) = path.parent() {
        folder::make(folder, 0o755).map_err(|e| Error::io("cannot make", folder, e))?;
    }
    match LockFile::acquire(&path, MIGRATION_TIMEOUT, lockfile::wait) {
        Err(sys::Error::LockTimeout { .. }) => Err(SnapshotError::Migrating.into()),
        other => Ok(other?),
    }
}

/// Marks the snapshot; returns how it was, and its volumes.
fn begin(
    env: &Env,
    vmid: Vmid,
    name: &str,
    progress: &mut dyn Progress,
) -> Result<(Section, Vec<SnapshotVolume>, Work), Error> {
    let lock = env.store().lock(vmid, progress)?;
    let loaded = env.store().load_telling(vmid, progress)?;
    let missing = || SnapshotError::Missing(name.to_owned());
    let before = loaded.config.snapshots().get(name).ok_or_else(missing)?.clone();
    loaded.check_lock()?;
    let mut config = loaded.config;
    snapshot::begin_removal(&mut config, name)?;
    let work = Work::begin(env, vmid, Record::of("delsnapshot", snapshot::REMOVING).about(name))?;
    env.store().write(&lock, &config)?;
    let volumes = snapshot::volumes(&before);
    Ok((before, volumes, work))
}

fn remove(volume: &SnapshotVolume, name: &str, storages: &Storages) -> Result<(), Error> {
    match volume.volume.volume() {
        Some(id) => {
            storages.delete_snapshot(id, name).map_err(|error| Error::volume(&volume.key, error.into()))
        }
        // Of what is on no storage there is nothing to remove.
        None => Ok(()),
    }
}

/// Nothing was removed yet: the snapshot is whole.
fn take_back(env: &Env, vmid: Vmid, name: &str, before: &Section, work: Work, progress: &mut dyn Progress) {
    let restored = env.rewrite(vmid, progress, |config| snapshot::cancel_removal(config, name, before));
    work.end_unless_locked(&restored, vmid, progress);
}
