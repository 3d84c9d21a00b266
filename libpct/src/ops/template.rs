//! `template` (spec: cli, parts 5.21 and 6.8a).

use super::{Env, leftovers, lxc_config};
use crate::{
    changes::{TransferError, add_unused, transfer},
    config::{MountPoint, Section, Vmid, VolumeId, VolumeRef},
    error::Error,
    progress::Progress,
    storage::{Feature, Storages},
    store::Loaded,
};

/// Makes a container the base of linked clones, for good.
pub(crate) fn template(env: &Env, vmid: Vmid, progress: &mut dyn Progress) -> Result<(), Error> {
    let storages = env.storages()?;
    let lock = env.store().lock(vmid, progress)?;
    let loaded = env.store().load_telling(vmid, progress)?;
    check(env, vmid, &loaded, &storages)?;
    let mut config = loaded.config;
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
            Ok(env.store().write(&lock, &config)?)
        };
        match storages.make_base(volume, &mut announce) {
            Ok(base) => {
                let point = MountPoint { volume: VolumeRef::Volume(base), ..point.clone() };
                config.main_mut().set(&key, point.to_string());
                // In use it is no unused one any more.
                env.store().write(&lock, &config)?;
            }
            Err(error) => {
                // When it has its old name still, there is nothing to be found.
                if storages.locate(volume).is_ok() {
                    let forgotten = env.store().write(&lock, &before);
                    forgotten.unwrap_or_else(|error| progress.warning(&Error::from(error).full_message()));
                }
                return Err(Error::volume(&key, error));
            }
        }
    }
    config.main_mut().set("template", "1");
    env.store().write(&lock, &config)?;
    // For liblxc there is none any more.
    lxc_config::refresh_after(env, vmid, config.main(), progress);
    Ok(())
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
