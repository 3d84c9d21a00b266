//! `move-volume` to another container (spec: cli, parts 5.19 and 6.7).

use super::{Env, leftovers, set::set, setters::setters};
use crate::{
    changes::{
        Changes, TransferError, add_unused,
        transfer::{self, Held},
    },
    config::{Config, MountPoint, Vmid, VolumeId, VolumeRef},
    error::Error,
    progress::Progress,
    storage::{Feature, Storages},
    store::{ConfigLock, Loaded},
};

/// How [`Container::reassign_volume`](crate::Container::reassign_volume) moves.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ReassignOptions {
    /// The key that the volume gets: `mp<n>` or `unused<n>`; the one that it has now where none is given.
    pub key: Option<String>,
    /// The digest that this container's config must have, see [`config::digest`](crate::config::digest).
    pub digest: Option<String>,
    /// The digest that the other one's config must have.
    pub target_digest: Option<String>,
}

setters! { ReassignOptions {} texts { key, digest, target_digest } }

/// Both ends of a move.
struct Ends<'a> {
    from: Vmid,
    to: Vmid,
    key: &'a str,
    target_key: &'a str,
}

pub(crate) fn reassign_volume(
    env: &Env,
    vmid: Vmid,
    key: &str,
    target: Vmid,
    options: &ReassignOptions,
    progress: &mut dyn Progress,
) -> Result<(), Error> {
    let ends = Ends { from: vmid, to: target, key, target_key: options.key.as_deref().unwrap_or(key) };
    if ends.key == "rootfs" || ends.target_key == "rootfs" {
        return Err(TransferError::Rootfs.into());
    }
    if transfer::is_unused(ends.key) && !transfer::is_unused(ends.target_key) {
        return Err(TransferError::UnusedToUsed.into());
    }
    env.store().require(vmid)?;
    env.store().require(target)?;
    let storages = env.storages()?;
    // Ascending, so that two moves in opposite directions do not wait for each other.
    let (low, high) = (vmid.min(target), vmid.max(target));
    let first = env.store().lock(low, progress)?;
    let second = if low == high { None } else { Some(env.store().lock(high, progress)?) };
    let locks = match second {
        None => Locks { from: &first, to: &first },
        Some(ref second) if vmid < target => Locks { from: &first, to: second },
        Some(ref second) => Locks { from: second, to: &first },
    };
    let held = check(env, &ends, options, &storages)?;
    progress.message(&format!("moving volume '{key}' from container '{vmid}' to '{target}'"));
    let value = hand_over(env, &ends, &held, &storages, &locks, progress)?;
    drop((first, second));
    if let Some(value) = value {
        mount(env, &ends, &value, progress);
    }
    progress.message(&format!("target container '{target}' updated with '{}'", ends.target_key));
    Ok(())
}

struct Locks<'a> {
    from: &'a ConfigLock,
    to: &'a ConfigLock,
}

fn check(env: &Env, ends: &Ends<'_>, options: &ReassignOptions, storages: &Storages) -> Result<Held, Error> {
    let (source, target) = (env.store().load(ends.from)?, env.store().load(ends.to)?);
    for loaded in [&source, &target] {
        loaded.check_lock()?;
    }
    if source.config.main().is_template() || target.config.main().is_template() {
        return Err(TransferError::TemplateVolume.into());
    }
    let unchanged = |loaded: &Loaded, digest: &Option<String>, vmid| match digest {
        Some(digest) if *digest != loaded.digest() => Err(TransferError::Modified(vmid)),
        _ => Ok(()),
    };
    unchanged(&source, &options.digest, ends.from)?;
    unchanged(&target, &options.target_digest, ends.to)?;
    let held = transfer::held(source.config.main(), ends.key, ends.from)?;
    if target.config.main().get(ends.target_key).is_some() {
        return Err(TransferError::Taken { key: ends.target_key.to_owned(), vmid: ends.to }.into());
    }
    let VolumeRef::Volume(volume) = &held.volume else { return Err(TransferError::NoVolume.into()) };
    if ends.from != ends.to {
        if transfer::is_in_snapshot(&source.config, volume) {
            return Err(TransferError::InSnapshot.into());
        }
        if !storages.has_feature(Feature::Rename, volume, None)? {
            return Err(TransferError::NoRename.into());
        }
    }
    if held.point.is_some() && leftovers::settle(env, ends.from)? {
        return Err(TransferError::InUse.into());
    }
    Ok(held)
}

/// Gives the volume its new name, and takes it from one config into the other, where it is an unused one at first: should
/// this process be killed, it is known there from before it has the name. Returns the value by which it is to be mounted.
fn hand_over(
    env: &Env,
    ends: &Ends<'_>,
    held: &Held,
    storages: &Storages,
    locks: &Locks<'_>,
    progress: &mut dyn Progress,
) -> Result<Option<String>, Error> {
    let VolumeRef::Volume(volume) = &held.volume else { return Ok(None) };
    progress.message(&format!("removing volume '{}' from container '{}' config", ends.key, ends.from));
    let remove = |config: &mut Config, key: &str| drop(config.main_mut().remove(key));
    let renamed = if ends.from == ends.to {
        change(env, ends.from, locks.from, |config| {
            remove(config, ends.key);
            put(config, ends, volume).map(drop)
        })?;
        volume.clone()
    } else {
        let mut noted = None;
        let mut announce = |renamed: &VolumeId| {
            change(env, ends.to, locks.to, |config| {
                noted = Some(put(config, ends, renamed)?);
                Ok(())
            })
        };
        let renamed = storages.rename(volume, ends.to, &mut announce);
        if let (Err(_), Some(key)) = (&renamed, &noted) {
            change(env, ends.to, locks.to, |config| {
                remove(config, key);
                Ok(())
            })?;
        }
        let renamed = renamed?;
        change(env, ends.from, locks.from, |config| {
            remove(config, ends.key);
            Ok(())
        })?;
        renamed
    };
    let mounted = held.point.as_ref().filter(|_| !transfer::is_unused(ends.target_key));
    let value = |point: &MountPoint| MountPoint { volume: VolumeRef::Volume(renamed), ..point.clone() };
    Ok(mounted.map(|point| value(point).to_string()))
}

/// Notes a volume down as an unused one, and says under which key.
fn put(config: &mut Config, ends: &Ends<'_>, volume: &VolumeId) -> Result<String, Error> {
    if transfer::is_unused(ends.target_key) {
        config.main_mut().set(ends.target_key, volume.to_string());
        return Ok(ends.target_key.to_owned());
    }
    Ok(add_unused(config.main_mut(), volume)?)
}

/// Makes the unused volume a mount point, of a running container too.
fn mount(env: &Env, ends: &Ends<'_>, value: &str, progress: &mut dyn Progress) {
    let changes = Changes::default().set(ends.target_key, value);
    if let Err(error) = set(env, ends.to, &changes, progress) {
        let error = error.full_message();
        progress.warning(&format!("the volume is an unused one of CT {} now: {error}", ends.to));
    }
}

fn change(
    env: &Env,
    vmid: Vmid,
    lock: &ConfigLock,
    change: impl FnOnce(&mut Config) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut config = env.store().load(vmid)?.config;
    change(&mut config)?;
    Ok(env.store().write(lock, &config)?)
}
