//! Storages and what is on them, without a container (in the original: `pvesm`).

use std::path::PathBuf;

use super::Env;
use crate::{
    config::{Size, Vmid, VolumeId},
    error::Error,
    storage::{Content, StorageStatus, StorageVolume},
};

pub(crate) fn storage_status(env: &Env) -> Result<Vec<StorageStatus>, Error> {
    Ok(env.storages()?.statuses())
}

pub(crate) fn storage_contents(
    env: &Env,
    storage: &str,
    content: Option<Content>,
    owner: Option<Vmid>,
) -> Result<Vec<StorageVolume>, Error> {
    Ok(env.storages()?.contents(storage, content, owner)?)
}

pub(crate) fn allocate_volume(
    env: &Env,
    storage: &str,
    owner: Vmid,
    size: Size,
    format: Option<&str>,
) -> Result<VolumeId, Error> {
    Ok(env.storages()?.allocate_as(storage, owner, size, format)?)
}

pub(crate) fn remove_volume(env: &Env, volume: &VolumeId) -> Result<(), Error> {
    Ok(env.storages()?.remove(volume)?)
}

pub(crate) fn volume_path(env: &Env, volume: &VolumeId) -> Result<PathBuf, Error> {
    Ok(env.storages()?.path(volume)?)
}
