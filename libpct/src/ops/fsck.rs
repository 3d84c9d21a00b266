//! `fsck`: the file system of a volume is checked while nobody uses it (spec: cli, part 5.14).

use std::path::{Path, PathBuf};

use rustix::fs::FileType;

use super::{Env, disks, leftovers, setters::setters};
use crate::{
    changes,
    config::{MountPoint, Section, Vmid, VolumeRef},
    error::{DiskError, Error},
    mount::{self, Stream},
    progress::Progress,
    storage::Format,
};

/// How [`Container::fsck`](crate::Container::fsck) checks.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct FsckOptions {
    /// `rootfs`, which is also meant where none is given, or `mp<n>`.
    pub device: Option<String>,
    /// Check it even if it seems clean.
    pub force: bool,
}

setters! { FsckOptions { force: bool } texts { device } }

pub(crate) fn fsck(
    env: &Env,
    vmid: Vmid,
    options: &FsckOptions,
    progress: &mut dyn Progress,
) -> Result<(), Error> {
    env.store().require(vmid)?;
    let _lock = env.store().lock(vmid, progress)?;
    let loaded = env.store().load_telling(vmid, progress)?;
    let key = options.device.as_deref().unwrap_or("rootfs");
    let point = point(loaded.config.main(), key)?;
    if leftovers::settle(env, vmid)? {
        return Err(DiskError::FsckRunning.into());
    }
    let volume = match &point.volume {
        VolumeRef::Volume(volume) => volume,
        VolumeRef::Device(path) | VolumeRef::Bind(path) => {
            return check(&block_device(path)?, options, progress);
        }
    };
    let storages = env.storages()?;
    let located = || -> Result<PathBuf, Error> {
        if storages.describe(volume)?.format == Format::Subvol {
            return Err(DiskError::FsckFormat { volume: volume.clone(), format: "subvol" }.into());
        }
        Ok(storages.locate(volume)?.path().to_owned())
    };
    let path = located().map_err(|e| if matches!(e, Error::Disk(_)) { e } else { Error::volume(key, e) })?;
    let checked = check(&path, options, progress);
    disks::close(volume, None, &storages, progress);
    checked
}

/// The mount point of a key; the root file system is one.
pub(super) fn point(section: &Section, key: &str) -> Result<MountPoint, Error> {
    let missing = || DiskError::NoMountPoint(key.to_owned());
    let is_known = key == "rootfs" || key.strip_prefix("mp").is_some_and(|index| index.parse::<u8>().is_ok());
    let value = section.get(key).filter(|_| is_known).ok_or_else(missing)?;
    Ok(changes::mount_point(key, value)?)
}

fn block_device(path: &str) -> Result<PathBuf, Error> {
    let is_block = |stat: rustix::fs::Stat| FileType::from_raw_mode(stat.st_mode) == FileType::BlockDevice;
    match rustix::fs::stat(path) {
        Ok(stat) if path.starts_with('/') && is_block(stat) => Ok(PathBuf::from(path)),
        _ => Err(DiskError::NoBlockDevice(path.to_owned()).into()),
    }
}

fn check(path: &Path, options: &FsckOptions, progress: &mut dyn Progress) -> Result<(), Error> {
    if mount::is_in_use(path)? {
        return Err(DiskError::InUse { path: super::shown(path) }.into());
    }
    let mut told = |stream, line: &str| match stream {
        Stream::Out => progress.message(line),
        Stream::Err => progress.warning(line),
    };
    Ok(mount::check_file_system(path, options.force, &mut told)?)
}
