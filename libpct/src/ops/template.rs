//! `template` (spec: cli, parts 5.21 and 6.8a).

use super::{
    Env, leftovers, lxc_config,
    work::{Record, Work},
};
use crate::{
    changes::{TransferError, add_unused, transfer},
    config::{Config, MountPoint, Section, Vmid, VolumeId, VolumeRef},
    error::Error,
    progress::Progress,
    storage::{Feature, Storages},
    store::{ConfigLock, Loaded},
};

/// The operation by its record. The lock file is held all the time, and no mark is set.
pub(super) const NAME: &str = "template";

/// Makes a container the base of linked clones, for good.
pub(crate) fn template(env: &Env, vmid: Vmid, progress: &mut dyn Progress) -> Result<(), Error> {
    let storages = env.storages()?;
    let lock = env.store().lock(vmid, progress)?;
    let loaded = env.store().load_telling(vmid, progress)?;
    check(env, vmid, &loaded, &storages)?;
    let work = Work::begin(env, vmid, Record::of(NAME, ""))?;
    let made = make_bases(env, &lock, loaded.config, &storages, progress);
    match &made {
        Ok(config) => {
            work.end(progress);
            // For liblxc there is none any more.
            lxc_config::refresh_after(env, vmid, config.main(), progress);
        }
        Err(_) if is_untouched(env, vmid, &storages) => work.end(progress),
        // There is no way back: another call, or `repair`, goes on.
        Err(_) => {}
    }
    made.map(drop)
}

/// Makes one volume after the other a base, and then the container a template.
fn make_bases(
    env: &Env,
    lock: &ConfigLock,
    mut config: Config,
    storages: &Storages,
    progress: &mut dyn Progress,
) -> Result<Config, Error> {
    for (key, point) in config.main().points() {
        let VolumeRef::Volume(volume) = &point.volume else { continue };
        // One that was made when an earlier call broke off.
        if storages.describe(volume)?.is_base {
            continue;
        }
        let before = config.clone();
        // As an unused one it is found under its new name, too, should this process be killed.
        let mut announce = |base: &VolumeId| -> Result<(), Error> {
            add_unused(config.main_mut(), base)?;
            Ok(env.store().write(lock, &config)?)
        };
        match storages.make_base(volume, &mut announce) {
            Ok(base) => {
                let point = MountPoint { volume: VolumeRef::Volume(base), ..point.clone() };
                config.main_mut().set(&key, point.to_string());
                // In use it is no unused one any more.
                env.store().write(lock, &config)?;
            }
            Err(error) => {
                // When it has its old name still, there is nothing to be found.
                if storages.locate(volume).is_ok() {
                    let forgotten = env.store().write(lock, &before);
                    forgotten.unwrap_or_else(|error| progress.warning(&Error::from(error).full_message()));
                }
                return Err(Error::volume(&key, error));
            }
        }
    }
    config.main_mut().set("template", "1");
    env.store().write(lock, &config)?;
    Ok(config)
}

/// Whether all volumes are what they were, and no base.
fn is_untouched(env: &Env, vmid: Vmid, storages: &Storages) -> bool {
    let is_as_before = |volume: &VolumeId| {
        storages.locate(volume).is_ok() && storages.describe(volume).is_ok_and(|described| !described.is_base)
    };
    env.store().load(vmid).is_ok_and(|loaded| {
        let points = loaded.config.main().points();
        points.iter().all(|(_, point)| point.volume.volume().is_none_or(is_as_before))
    })
}

fn check(env: &Env, vmid: Vmid, loaded: &Loaded, storages: &Storages) -> Result<(), Error> {
    loaded.check_lock()?;
    transfer::check_template(&loaded.config)?;
    if leftovers::settle(env, vmid)? {
        return Err(TransferError::TemplateRunning.into());
    }
    volumes_can(loaded.config.main(), storages)
}

/// All of them, before one is made a base.
fn volumes_can(section: &Section, storages: &Storages) -> Result<(), Error> {
    for (_, point) in section.points() {
        let can = match &point.volume {
            VolumeRef::Volume(volume) => {
                storages.describe(volume)?.is_base || storages.has_feature(Feature::Template, volume, None)?
            }
            VolumeRef::Device(_) | VolumeRef::Bind(_) => false,
        };
        if !can {
            return Err(TransferError::NoTemplate(point.volume.to_string()).into());
        }
    }
    Ok(())
}
