//! New volumes for a container (spec: cli, part 6.3).

use super::undo::Undo;
use crate::{
    config::{MountPoint, Section, Size, Vmid, VolumeId, VolumeRef, parse_new_volume},
    error::{Error, reasons},
    mount,
    progress::Progress,
    storage::{Location, StorageError, Storages},
};

/// Turns `<storage>:<GiB>` into a volume that is made and formatted, to be removed again if the operation fails; any
/// other value stays as it is. `announce` hears the new value before there is the volume, so that nothing is made that nobody
/// knows of.
pub(crate) fn allocate<'a>(
    point: &MountPoint,
    vmid: Vmid,
    root_owner: (u32, u32),
    storages: &'a Storages,
    undo: &mut Undo<'a>,
    announce: &mut dyn FnMut(&MountPoint) -> Result<(), Error>,
    progress: &mut dyn Progress,
) -> Result<MountPoint, Error> {
    let Some((storage, size)) = asked_for(point) else { return Ok(point.clone()) };
    let value = |id: &VolumeId| MountPoint {
        volume: VolumeRef::Volume(id.clone()),
        size: Some(size),
        ..point.clone()
    };
    let id = storages.allocate(&storage, vmid, size, &mut |id| announce(&value(id)))?;
    let made = id.clone();
    undo.push(move || storages.free(&made, vmid).map(drop).map_err(|error| kept(&made, &error)));
    prepare(&storages.locate(&id)?, root_owner, progress)?;
    Ok(value(&id))
}

/// The storage and the size of the volume that a value asks for; `None` when it names one.
pub(super) fn asked_for(point: &MountPoint) -> Option<(String, Size)> {
    let (storage, gib) = parse_new_volume(&point.volume.volume()?.to_string())?;
    Some((storage, Size::from_bytes(((gib * 1024.0) as u64).saturating_mul(1024 * 1024))))
}

pub(super) fn kept(volume: &VolumeId, error: &StorageError) -> String {
    format!("volume '{volume}' could not be removed again: {error}")
}

pub(super) fn not_searched(storage: &str, error: &StorageError) -> String {
    format!("storage '{storage}' was not searched for volumes: {error}{}", reasons(error))
}

/// Lets a volume be mounted at once that has the content of a snapshot. Without this it would only take longer.
pub(super) fn forget_holder(volume: &VolumeId, storages: &Storages, progress: &mut dyn Progress) {
    let forgotten = storages.locate(volume).map_err(Error::from).and_then(|location| match location {
        Location::Image(path) | Location::Block(path) => Ok(mount::mmp::forget_holder(&path)?),
        Location::Directory(_) => Ok(()),
    });
    if let Err(error) = forgotten {
        let error = error.full_message();
        progress.warning(&format!("'{volume}' may take half a minute to be mounted: {error}"));
    }
}

/// Undoes what made the volumes of a container reachable that nobody uses now: shared storages may want them elsewhere.
pub(super) fn close_all(section: &Section, storages: &Storages, progress: &mut dyn Progress) {
    for (_, point) in section.points() {
        if let VolumeRef::Volume(volume) = &point.volume {
            close(volume, None, storages, progress);
        }
    }
}

/// The same for one volume, or a snapshot of it. What has been done with it stands: that it stays reachable is told.
pub(super) fn close(
    volume: &VolumeId,
    snapshot: Option<&str>,
    storages: &Storages,
    progress: &mut dyn Progress,
) {
    if let Err(error) = storages.close(volume, snapshot) {
        progress.warning(&Error::from(error).full_message());
    }
}

/// Makes a new volume an empty file system of the container's.
pub(super) fn prepare(
    location: &Location,
    root_owner: (u32, u32),
    progress: &mut dyn Progress,
) -> Result<(), Error> {
    match location {
        Location::Image(path) | Location::Block(path) => {
            let formatted = mount::mkfs::format_ext4(path, root_owner)?;
            formatted.stdout.iter().for_each(|line| progress.message(line));
            formatted.stderr.iter().for_each(|line| progress.warning(line));
        }
        Location::Directory(path) => {
            let (uid, gid) = root_owner;
            std::os::unix::fs::chown(path, Some(uid), Some(gid))
                .map_err(|e| Error::io("cannot change the owner of", path, e))?;
        }
    }
    Ok(())
}
