//! `move-volume` to another container (spec: cli, parts 5.19 and 6.7).

use super::{
    Env,
    hand_over::{self, Ends, Locks, hand_over},
    leftovers,
    set::set,
    setters::setters,
    work::Given,
};
use crate::{
    changes::{
        Changes, TransferError,
        transfer::{self, Held},
    },
    config::{Vmid, VolumeRef},
    error::Error,
    progress::Progress,
    storage::{Feature, Storages},
    store::Loaded,
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
    let locks = Locks::take(env, vmid, target, progress)?;
    let held = check(env, &ends, options, &storages)?;
    progress.message(&format!("moving volume '{key}' from container '{vmid}' to '{target}'"));
    let value = hand_over(env, &ends, &held, &storages, &locks, progress)?;
    drop(locks);
    if let Some(value) = value {
        mount(env, target, ends.target_key, &value, progress);
    }
    progress.message(&format!("target container '{target}' updated with '{}'", ends.target_key));
    Ok(())
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

/// Brings one to its end that was killed, or takes it back.
pub(super) fn complete(env: &Env, given: &Given, progress: &mut dyn Progress) -> Result<(), Error> {
    let is_to_be_mounted = hand_over::complete(env, given, progress)?;
    if let Some(value) = given.value.as_ref().filter(|_| is_to_be_mounted) {
        mount(env, given.to, &given.target_key, value, progress);
    }
    Ok(())
}

/// Makes the unused volume a mount point, of a running container too.
fn mount(env: &Env, vmid: Vmid, key: &str, value: &str, progress: &mut dyn Progress) {
    if let Err(error) = set(env, vmid, &Changes::default().set(key, value), progress) {
        let error = error.full_message();
        progress.warning(&format!("the volume is an unused one of CT {vmid} now: {error}"));
    }
}
