//! `move-volume` to another storage (spec: cli, parts 5.19 and 6.7).

use super::{
    Env, disks, leftovers, mark,
    setters::setters,
    volume_copy::{self, Target},
    work::{Record, Work},
};
use crate::{
    changes::{
        self, TransferError, add_unused,
        clone::Origin,
        transfer::{self, Held},
    },
    config::{Config, MountPoint, Size, Vmid, VolumeId, VolumeRef},
    error::Error,
    progress::{Progress, Silent},
    storage::{Flow, Storages},
};

/// How [`Container::move_volume`](crate::Container::move_volume) moves.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct MoveVolumeOptions {
    /// Remove the volume from where it was; without this it becomes an unused one.
    pub delete: bool,
    /// The digest that the config file must have, see [`config::digest`](crate::config::digest).
    pub digest: Option<String>,
    /// How fast it may be copied, in KiB a second; 0 is no limit. Where none is given the storages' limits count.
    pub bandwidth: Option<u64>,
}

setters! { MoveVolumeOptions { delete: bool, bandwidth: Option<u64> } texts { digest } }

pub(crate) fn move_volume(
    env: &Env,
    vmid: Vmid,
    key: &str,
    storage: &str,
    options: &MoveVolumeOptions,
    progress: &mut dyn Progress,
) -> Result<(), Error> {
    env.store().require(vmid)?;
    let storages = env.storages()?;
    let (before, origin, mut work) = begin(env, vmid, key, storage, options, &storages, progress)?;
    let (mut noted, mut made) = (Vec::new(), Vec::new());
    let moved = copy(
        env, vmid, &before, &origin, storage, options, &storages, &mut work, &mut noted, &mut made, progress,
    );
    if moved.is_err() {
        take_back(env, vmid, &noted, &made, &storages, progress);
    }
    mark::clear_disk_after(moved, work, env, vmid, progress)
}

fn begin(
    env: &Env,
    vmid: Vmid,
    key: &str,
    storage: &str,
    options: &MoveVolumeOptions,
    storages: &Storages,
    progress: &mut dyn Progress,
) -> Result<(Config, Origin, Work), Error> {
    let lock = env.store().lock(vmid, progress)?;
    let loaded = env.store().load_telling(vmid, progress)?;
    loaded.check_lock()?;
    if leftovers::settle(env, vmid)? {
        return Err(TransferError::Running.into());
    }
    if transfer::is_unused(key) {
        return Err(TransferError::Unused(key.to_owned()).into());
    }
    let Held { key, point, volume } = transfer::held(loaded.config.main(), key, vmid)?;
    let volume = match volume {
        VolumeRef::Volume(volume) => volume,
        VolumeRef::Bind(_) => return Err(TransferError::Type("bind").into()),
        VolumeRef::Device(_) => return Err(TransferError::Type("device").into()),
    };
    if options.delete && transfer::is_in_snapshot(&loaded.config, &volume) {
        return Err(TransferError::HasSnapshots.into());
    }
    changes::check_digest(options.digest.as_deref(), &loaded.digest())?;
    storages.for_containers(storage)?;
    let origin = Origin { key, point: point.ok_or(Error::NoRootfs)?, volume };
    let before = loaded.config.clone();
    let mut config = loaded.config;
    let work = mark::set(env, vmid, &lock, &mut config, Record::of("move-volume", mark::DISK))?;
    Ok((before, origin, work))
}

#[allow(clippy::too_many_arguments, reason = "the steps of one operation on what it has prepared")]
fn copy(
    env: &Env,
    vmid: Vmid,
    before: &Config,
    origin: &Origin,
    storage: &str,
    options: &MoveVolumeOptions,
    storages: &Storages,
    work: &mut Work,
    noted: &mut Vec<VolumeId>,
    made: &mut Vec<VolumeId>,
    progress: &mut dyn Progress,
) -> Result<(), Error> {
    let root = before.main().id_map()?.root();
    let target = Target { storage, owner: vmid, root, flow: Flow::Move, bandwidth: options.bandwidth };
    let mut new_size = Size::from_bytes(0);
    let mut announce = |volume: &VolumeId, size: Size| {
        new_size = size;
        noted.push(volume.clone());
        work.unfinished(noted)?;
        change(env, vmid, |config| Ok(add_unused(config.main_mut(), volume).map(drop)?))
    };
    let copy = volume_copy::copy(origin, None, &target, storages, made, &mut announce, progress)?;
    let copy = match before.main().is_template() {
        false => copy,
        true => {
            let mut announce = |base: &VolumeId| {
                // Under which name it is after a failure is not known: it is removed under both.
                noted.push(base.clone());
                made.push(base.clone());
                work.unfinished(noted)?;
                change(env, vmid, |config| Ok(add_unused(config.main_mut(), base).map(drop)?))
            };
            storages.make_base(&copy, &mut announce)?
        }
    };
    let point =
        MountPoint { volume: VolumeRef::Volume(copy.clone()), size: Some(new_size), ..origin.point.clone() };
    change(env, vmid, |config| {
        noted.iter().for_each(|volume| forget(config, volume));
        config.main_mut().set(&origin.key, point.to_string());
        Ok(add_unused(config.main_mut(), &origin.volume).map(drop)?)
    })?;
    // It is moved: what comes now changes nothing about that.
    noted.clear();
    made.clear();
    if let Err(error) = leave(env, vmid, origin, options, storages) {
        progress.warning(&error.full_message());
    }
    Ok(())
}

/// Lets go of the old volume, or removes it; one that cannot be removed stays an unused one.
fn leave(
    env: &Env,
    vmid: Vmid,
    origin: &Origin,
    options: &MoveVolumeOptions,
    storages: &Storages,
) -> Result<(), Error> {
    storages.close(&origin.volume, None)?;
    if options.delete && storages.free(&origin.volume, vmid)? {
        change(env, vmid, |config| {
            forget(config, &origin.volume);
            Ok(())
        })?;
    }
    Ok(())
}

/// Takes an unused volume out of the config.
fn forget(config: &mut Config, volume: &VolumeId) {
    let known = config.main().unused().into_iter().find(|(_, unused)| unused == volume);
    if let Some((index, _)) = known {
        config.main_mut().remove(&format!("unused{index}"));
    }
}

/// Removes what was made, and what the config has noted of it. What cannot be removed stays noted.
fn take_back(
    env: &Env,
    vmid: Vmid,
    noted: &[VolumeId],
    made: &[VolumeId],
    storages: &Storages,
    progress: &mut dyn Progress,
) {
    for volume in noted {
        let freed = match made.contains(volume) {
            true => storages.free(volume, vmid).map(drop).map_err(|error| disks::kept(volume, &error)),
            // It has never been.
            false => Ok(()),
        };
        let forget = |config: &mut Config| {
            forget(config, volume);
            Ok(())
        };
        let done = freed.and_then(|()| change(env, vmid, forget).map_err(|error| error.full_message()));
        if let Err(problem) = done {
            progress.warning(&problem);
        }
    }
}

/// Changes the config, if it is still marked as ours.
fn change(env: &Env, vmid: Vmid, change: impl FnOnce(&mut Config) -> Result<(), Error>) -> Result<(), Error> {
    env.rewrite(vmid, &mut Silent, |config| {
        if config.main().lock() != Some(mark::DISK) {
            return Err(TransferError::Lost.into());
        }
        change(config)
    })
}
