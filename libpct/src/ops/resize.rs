//! `resize`: a volume becomes larger, and the file system on it (spec: cli, part 6.8; runtime, part 9.5).

use std::str::FromStr;

use super::{Env, fsck::point, leftovers, setters::setters};
use crate::{
    changes,
    config::{Size, Vmid, VolumeId, VolumeRef},
    error::{DiskError, Error},
    mount,
    progress::Progress,
    storage::{Location, Storages},
    store::{ConfigLock, Loaded},
};

/// How [`Container::resize`](crate::Container::resize) resizes.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ResizeOptions {
    /// The digest that the config file must have, see [`config::digest`](crate::config::digest).
    pub digest: Option<String>,
}

setters! { ResizeOptions {} texts { digest } }

/// To what size a volume is brought: `8G`, or by how much it grows: `+512M`.
///
/// ```
/// use pct::{NewSize, config::Size};
///
/// assert_eq!("+1.5G".parse(), Ok(NewSize::By(Size::from_bytes(3 << 29))));
/// assert_eq!("4096".parse(), Ok(NewSize::To(Size::from_bytes(4096))));
/// assert_eq!("8 G".parse::<NewSize>().unwrap_err().to_string(), "invalid size string");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewSize {
    /// This size.
    To(Size),
    /// So much more.
    By(Size),
}

/// A text that is no size of a volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid size string")]
pub struct InvalidNewSize;

impl FromStr for NewSize {
    type Err = InvalidNewSize;

    fn from_str(text: &str) -> Result<Self, InvalidNewSize> {
        let size = |text: &str| match text.ends_with("iB") {
            true => Err(InvalidNewSize),
            false => text.parse().map_err(|_| InvalidNewSize),
        };
        match text.strip_prefix('+') {
            Some(more) => size(more).map(Self::By),
            None => size(text).map(Self::To),
        }
    }
}

/// What is to be done.
struct Task {
    volume: VolumeId,
    size: Size,
}

pub(crate) fn resize(
    env: &Env,
    vmid: Vmid,
    disk: &str,
    size: NewSize,
    options: &ResizeOptions,
    progress: &mut dyn Progress,
) -> Result<(), Error> {
    let storages = env.storages()?;
    check(&env.store().load(vmid)?, vmid, disk, size, options, &storages)?;
    let lock = env.store().lock(vmid, progress)?;
    let loaded = env.store().load_telling(vmid, progress)?;
    let Task { volume, size } = check(&loaded, vmid, disk, size, options, &storages)?;
    let running = leftovers::settle(env, vmid)?;
    storages.resize(&volume, size)?;
    let mut lock = Some(lock);
    if let Err(error) = grow(&volume, running, &mut lock, &storages, progress) {
        let error = error.full_message();
        progress.warning(&format!("Failed to update the container's filesystem: {error}"));
    }
    // Last: as long as the config has the old size, another call goes on where this one has broken off.
    let lock = lock.map_or_else(|| env.store().lock(vmid, progress), Ok)?;
    let mut config = env.store().load(vmid)?.config;
    // Without the lock somebody may have taken it away.
    let held = point(config.main(), disk).ok().filter(|point| point.volume.volume() == Some(&volume));
    if let Some(mut point) = held {
        // The storage may have rounded it up.
        point.size = Some(storages.size(&volume).unwrap_or(size));
        config.main_mut().set(disk, point.to_string());
        env.store().write(&lock, &config)?;
    }
    Ok(())
}

/// Has the file system follow. When something uses it, the lock is let go of.
fn grow(
    volume: &VolumeId,
    running: bool,
    lock: &mut Option<ConfigLock>,
    storages: &Storages,
    progress: &mut dyn Progress,
) -> Result<(), Error> {
    let location = storages.locate(volume)?;
    let path = location.path();
    if matches!(location, Location::Directory(_)) {
        return Ok(());
    }
    if !running && !mount::is_in_use(path)? {
        mount::grow_idle(path, &mut |_, line| progress.message(line))?;
        return Ok(storages.close(volume, None)?);
    }
    // A guest that has frozen the file system keeps us waiting: it must not keep others from stopping it.
    lock.take();
    match &location {
        Location::Image(path) => mount::grow_raw_image(path)?,
        _ => mount::grow_block_device(path)?,
    }
    Ok(())
}

/// In the order of the original.
fn check(
    loaded: &Loaded,
    vmid: Vmid,
    disk: &str,
    size: NewSize,
    options: &ResizeOptions,
    storages: &Storages,
) -> Result<Task, Error> {
    loaded.check_lock()?;
    changes::check_digest(options.digest.as_deref(), &loaded.digest())?;
    let point = point(loaded.config.main(), disk)?;
    let volume = match &point.volume {
        VolumeRef::Volume(volume) => volume.clone(),
        VolumeRef::Device(path) | VolumeRef::Bind(path) => {
            return Err(DiskError::NoVolume { key: disk.to_owned(), path: path.clone() }.into());
        }
    };
    let owner = storages.describe(&volume)?.owner;
    if owner != vmid {
        return Err(DiskError::ForeignVolume(owner).into());
    }
    let unknown = |source| DiskError::UnknownSize { volume: volume.clone(), source: Box::new(source) };
    let now = storages.size(&volume).map_err(unknown)?;
    let size = match size {
        NewSize::To(size) => size,
        NewSize::By(more) => Size::from_bytes(now.bytes().saturating_add(more.bytes())),
    };
    match size.cmp(&now) {
        std::cmp::Ordering::Less => Err(DiskError::Shrink.into()),
        // The config has another one when a call has broken off in between.
        std::cmp::Ordering::Equal if point.size == Some(now) => Err(DiskError::SameSize.into()),
        std::cmp::Ordering::Equal | std::cmp::Ordering::Greater => Ok(Task { volume, size }),
    }
}
