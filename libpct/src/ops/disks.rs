//! New volumes for a container (spec: cli, part 6.3).

use super::undo::Undo;
use crate::{
    config::{MountPoint, Size, Vmid, VolumeId, VolumeRef, parse_new_volume},
    error::Error,
    mount,
    progress::Progress,
    storage::{Location, StorageError, Storages},
};

/// Turns `<storage>:<GiB>` into a volume that is made and formatted, to be removed again if the operation fails; any
/// other value stays as it is.
pub(crate) fn allocate<'a>(
    point: &MountPoint,
    vmid: Vmid,
    root_owner: (u32, u32),
    storages: &'a Storages,
    undo: &mut Undo<'a>,
    progress: &mut dyn Progress,
) -> Result<MountPoint, Error> {
    let VolumeRef::Volume(volume) = &point.volume else { return Ok(point.clone()) };
    let Some((storage, gib)) = parse_new_volume(&volume.to_string()) else { return Ok(point.clone()) };
    let size = Size::from_bytes(((gib * 1024.0) as u64).saturating_mul(1024 * 1024));
    let id = storages.allocate(&storage, vmid, size)?;
    if let Err(error) = prepare(storages.locate(&id), root_owner, progress) {
        if let Err(second) = storages.free(&id, vmid) {
            progress.warning(&kept(&id, &second));
        }
        return Err(error);
    }
    let made = id.clone();
    undo.push(move || storages.free(&made, vmid).map(drop).map_err(|error| kept(&made, &error)));
    Ok(MountPoint { volume: VolumeRef::Volume(id), size: Some(size), ..point.clone() })
}

fn kept(volume: &VolumeId, error: &StorageError) -> String {
    format!("volume '{volume}' could not be removed again: {error}")
}

fn prepare(
    location: Result<Location, StorageError>,
    root_owner: (u32, u32),
    progress: &mut dyn Progress,
) -> Result<(), Error> {
    match location? {
        Location::Image(path) | Location::Block(path) => {
            let formatted = mount::mkfs::format_ext4(&path, root_owner)?;
            formatted.stdout.iter().for_each(|line| progress.message(line));
            formatted.stderr.iter().for_each(|line| progress.warning(line));
        }
        Location::Directory(path) => {
            let (uid, gid) = root_owner;
            std::os::unix::fs::chown(&path, Some(uid), Some(gid))
                .map_err(|e| Error::io("cannot change the owner of", &path, e))?;
        }
    }
    Ok(())
}
