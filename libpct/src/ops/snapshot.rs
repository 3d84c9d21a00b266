//! `snapshot` (spec: cli, parts 5.20 and 6.9a).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::{
    Env, leftovers,
    setters::setters,
    still::Still,
    work::{Record, Work},
};
use crate::{
    changes::{
        SnapshotError,
        snapshot::{self, SnapshotVolume},
    },
    config::{Section, Vmid, VolumeId},
    error::{Error, reasons},
    progress::{Progress, Silent},
    storage::{Feature, Storages},
};

/// How [`Container::snapshot`](crate::Container::snapshot) takes one.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct SnapshotOptions {
    /// Its notes.
    pub description: Option<String>,
}

setters! { SnapshotOptions {} texts { description } }

pub(crate) fn snapshot(
    env: &Env,
    vmid: Vmid,
    name: &str,
    options: &SnapshotOptions,
    progress: &mut dyn Progress,
) -> Result<(), Error> {
    snapshot::check_name(name)?;
    env.store().require(vmid)?;
    let storages = env.storages()?;
    let lock = env.store().lock(vmid, progress)?;
    let mut config = {
        let loaded = env.store().load_telling(vmid, progress)?;
        if loaded.config.main().is_template() {
            return Err(SnapshotError::Template("you can't take a snapshot if it's a template").into());
        }
        loaded.check_lock()?;
        loaded.config
    };
    snapshot::check_new(&config, name)?;
    let volumes = volumes(config.main(), &storages)?;
    let running = leftovers::settle(env, vmid)?;
    let section = config.main().clone();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let work = Work::begin(env, vmid, Record::of("snapshot", snapshot::TAKING).about(name))?;
    for warning in snapshot::prepare(&mut config, name, options.description.as_deref(), now) {
        progress.warning(&warning);
    }
    env.store().write(&lock, &config)?;

    let mut taken = Vec::new();
    let still = running.then(|| Still::begin(env, vmid, &section, &storages, &lock)).transpose();
    // Work goes on by the mark in the config: others learn by it at once what they would wait for in vain.
    drop(lock);
    let worked = still.and_then(|still| take(&volumes, name, still, &storages, &mut taken, progress));
    let done = worked.and_then(|()| env.rewrite(vmid, progress, |config| snapshot::commit(config, name)));
    if done.is_err() {
        progress.message("snapshot create failed: starting cleanup");
        clean_up(env, vmid, name, &taken, work, &storages, progress);
    } else {
        work.end(progress);
    }
    done
}

/// The volumes of a container that a snapshot has to freeze: all of them, or there is none.
fn volumes(section: &Section, storages: &Storages) -> Result<Vec<VolumeId>, Error> {
    let freezable = |SnapshotVolume { key, volume }| {
        let refused = |why: String| SnapshotError::NotAvailable { key: key.clone(), why };
        let Some(volume) = volume.volume() else {
            return Err(refused("it is no volume of a storage".to_owned()).into());
        };
        match storages.has_feature(Feature::Snapshot, volume, None) {
            Ok(true) => Ok(volume.clone()),
            Ok(false) => {
                Err(refused(format!("storage '{}' has no snapshots of such volumes", volume.storage)).into())
            }
            Err(error) => Err(Error::volume(&key, error.into())),
        }
    };
    snapshot::volumes(section).into_iter().map(freezable).collect()
}

fn take(
    volumes: &[VolumeId],
    name: &str,
    mut still: Option<Still>,
    storages: &Storages,
    taken: &mut Vec<VolumeId>,
    progress: &mut dyn Progress,
) -> Result<(), Error> {
    if let Some(still) = &mut still {
        still.wait(progress)?;
    }
    let worked = volumes.iter().try_for_each(|volume| {
        super::pause(progress, Duration::ZERO)?;
        storages.snapshot(volume, name)?;
        taken.push(volume.clone());
        Ok(())
    });
    if let Some(still) = still {
        still.release(progress);
    }
    worked
}

/// Takes back what was done. What stays is told; while a volume has the snapshot, its section stays too, so that it can be
/// removed by force.
fn clean_up(
    env: &Env,
    vmid: Vmid,
    name: &str,
    taken: &[VolumeId],
    work: Work,
    storages: &Storages,
    progress: &mut dyn Progress,
) {
    let mut clean = true;
    for volume in taken.iter().rev() {
        if let Err(error) = storages.delete_snapshot(volume, name) {
            clean = false;
            let reasons = reasons(&error);
            progress
                .warning(&format!("snapshot '{name}' of '{volume}' could not be removed: {error}{reasons}"));
        }
    }
    let forgotten = env.rewrite(vmid, &mut Silent, |config| snapshot::abandon(config, name, clean));
    work.end_unless_locked(&forgotten, vmid, progress);
}
