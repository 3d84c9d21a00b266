//! `template` (spec: cli, parts 5.21 and 6.8a).

use super::{Env, facts, helper, leftovers, lxc_config};
use crate::{
    changes::{TransferError, transfer},
    config::{MountPoint, Section, Vmid, VolumeRef},
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
        let base = storages.make_base(volume).map_err(|error| Error::volume(&key, error.into()))?;
        let point = MountPoint { volume: VolumeRef::Volume(base), ..point.clone() };
        config.main_mut().set(&key, point.to_string());
        // At once: it has another name now.
        env.store().write(&lock, &config)?;
    }
    config.main_mut().set("template", "1");
    env.store().write(&lock, &config)?;
    // For liblxc there is none any more.
    let facts = facts::gather(env, config.main(), helper::liblxc(env)?)?;
    lxc_config::refresh(env, vmid, config.main(), &facts)
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
            VolumeRef::Volume(volume) => storages.has_feature(Feature::Template, volume, None)?,
            VolumeRef::Device(_) | VolumeRef::Bind(_) => false,
        };
        if !can {
            return Err(TransferError::NoTemplate(point.volume.to_string()).into());
        }
    }
    Ok(())
}
