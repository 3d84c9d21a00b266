//! `rollback` (spec: cli, parts 5.20 and 6.9a).

use super::{
    Env,
    delete_snapshot::migration_lock,
    disks, leftovers, lxc_config, mark,
    setters::setters,
    start::{StartOptions, start_locked},
    stop,
    work::{Record, Work},
};
use crate::{
    changes::{
        SnapshotError,
        snapshot::{self, SnapshotVolume},
    },
    config::{Vmid, VolumeId},
    error::Error,
    progress::Progress,
    storage::Storages,
};

/// How [`Container::rollback`](crate::Container::rollback) goes back.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct RollbackOptions {
    /// Start the container afterwards.
    pub start: bool,
}

setters! { RollbackOptions { start: bool } }

pub(crate) fn rollback(
    env: &Env,
    vmid: Vmid,
    name: &str,
    options: &RollbackOptions,
    progress: &mut dyn Progress,
) -> Result<(), Error> {
    go_back(env, vmid, name, options, false, progress)
}

/// Brings a rollback to its end that broke off: some of the volumes may be back, and the present state is none.
pub(super) fn complete(env: &Env, vmid: Vmid, name: &str, progress: &mut dyn Progress) -> Result<(), Error> {
    go_back(env, vmid, name, &RollbackOptions::default(), true, progress)
}

fn go_back(
    env: &Env,
    vmid: Vmid,
    name: &str,
    options: &RollbackOptions,
    begun: bool,
    progress: &mut dyn Progress,
) -> Result<(), Error> {
    env.store().require(vmid)?;
    let _guest = migration_lock(env, vmid)?;
    let storages = env.storages()?;
    let (volumes, work) = begin(env, vmid, name, begun, &storages, progress)?;
    for (index, (key, volume)) in volumes.iter().enumerate() {
        if let Err(error) = storages.rollback(volume, name) {
            if index == 0 && !begun {
                // Nothing has changed yet.
                env.rewrite(vmid, progress, |config| {
                    config.main_mut().remove("lock");
                    Ok::<_, Error>(())
                })?;
                work.end(progress);
            } else {
                progress.warning(&format!(
                    "only a part of the volumes may be back: 'pct repair {vmid}' rolls back again"
                ));
            }
            return Err(Error::volume(key, error.into()));
        }
        disks::forget_holder(volume, &storages, progress);
    }
    let lock = env.store().lock(vmid, progress)?;
    let mut config = env.store().load(vmid)?.config;
    snapshot::finish_rollback(&mut config, name)?;
    env.store().write(&lock, &config)?;
    work.end(progress);
    lxc_config::refresh_after(env, vmid, config.main(), progress);
    if options.start {
        start_locked(env, vmid, &StartOptions::default(), &lock, progress)?;
    }
    Ok(())
}

/// Checks all, ends the container, and marks it. Returns the volumes to roll back, with their keys.
fn begin(
    env: &Env,
    vmid: Vmid,
    name: &str,
    begun: bool,
    storages: &Storages,
    progress: &mut dyn Progress,
) -> Result<(Vec<(String, VolumeId)>, Work), Error> {
    let lock = env.store().lock(vmid, progress)?;
    let loaded = env.store().load_telling(vmid, progress)?;
    if loaded.config.main().is_template() {
        return Err(SnapshotError::Template("you can't rollback if vm is a template").into());
    }
    let missing = || SnapshotError::Missing(name.to_owned());
    let section = loaded.config.snapshots().get(name).ok_or_else(missing)?;
    let mut volumes = Vec::new();
    for SnapshotVolume { key, volume } in snapshot::volumes(section) {
        let why = || "it is no volume of a storage".to_owned();
        let Some(id) = volume.volume() else {
            return Err(SnapshotError::NotAvailable { key, why: why() }.into());
        };
        storages.check_rollback(id, name).map_err(|error| Error::volume(&key, error.into()))?;
        volumes.push((key, id.clone()));
    }
    snapshot::check_rollback(&loaded.config, name)?;
    if !(begun && loaded.config.main().lock() == Some(snapshot::ROLLING_BACK)) {
        loaded.check_lock()?;
    }
    while leftovers::settle(env, vmid)? {
        stop::kill(env, vmid, loaded.config.main(), progress)?;
    }
    let mut config = loaded.config;
    let record = Record::of("rollback", snapshot::ROLLING_BACK).about(name);
    let work = mark::set(env, vmid, &lock, &mut config, record)?;
    Ok((volumes, work))
}
