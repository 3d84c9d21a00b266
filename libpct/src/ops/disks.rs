//! New volumes for a container (spec: cli, part 6.3).

use crate::{
    config::{MountPoint, Size, Vmid, VolumeRef, parse_new_volume},
    error::Error,
    mount,
    progress::Progress,
    storage::{Location, Storages},
};

/// Turns `<storage>:<GiB>` into a volume that is made and formatted; any other value stays as it is.
/// Returns the value for the config, and whether a volume was made.
pub(crate) fn allocate(
    point: &MountPoint,
    vmid: Vmid,
    root_owner: (u32, u32),
    storages: &Storages,
    progress: &mut dyn Progress,
) -> Result<(MountPoint, bool), Error> {
    let VolumeRef::Volume(volume) = &point.volume else { return Ok((point.clone(), false)) };
    let Some((storage, gib)) = parse_new_volume(&volume.to_string()) else {
        return Ok((point.clone(), false));
    };
    let size = Size::from_bytes(((gib * 1024.0) as u64).saturating_mul(1024 * 1024));
    let id = storages.allocate(&storage, vmid, size)?;
    let prepared = prepare(storages.locate(&id), root_owner, progress);
    if let Err(error) = prepared {
        if let Err(second) = storages.free(&id, vmid) {
            progress.warning(&format!("volume '{id}' could not be removed again: {second}"));
        }
        return Err(error);
    }
    let volume = VolumeRef::Volume(id);
    Ok((MountPoint { volume, size: Some(size), ..point.clone() }, true))
}

fn prepare(
    location: Result<Location, crate::storage::StorageError>,
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
