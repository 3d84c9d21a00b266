//! A volume copied to a new one (spec: cli, part 6.6; runtime, part 9.6).
//!
//! An image becomes an image by its bytes, which a file system that can share them does in no time. Everything else goes
//! file by file between two mounts that nobody else sees.

use std::{
    fs::{File, OpenOptions},
    ops::ControlFlow,
    os::{
        fd::{AsFd, OwnedFd},
        unix::fs::OpenOptionsExt,
    },
    path::Path,
    time::Duration,
};

use super::{disks, mounts};
use crate::{
    changes::clone::Origin,
    config::{Size, Vmid, VolumeId},
    copy,
    error::Error,
    mount,
    progress::Progress,
    storage::{Flow, Location, Storages},
};

/// Where a copy goes, what for, and how fast.
pub(super) struct Target<'a> {
    pub(super) storage: &'a str,
    pub(super) owner: Vmid,
    /// The host's ids of the new owner's root.
    pub(super) root: (u32, u32),
    pub(super) flow: Flow,
    /// KiB a second; the storages' limits where none is asked for.
    pub(super) bandwidth: Option<u64>,
}

/// Copies a volume, or a snapshot of it. `announce` hears the name of the new one before that exists, so that nothing is made
/// that nobody knows of; `made` gets it when it does, and after a failure it is there, half filled.
pub(super) fn copy(
    origin: &Origin,
    snapshot: Option<&str>,
    target: &Target<'_>,
    storages: &Storages,
    made: &mut Vec<VolumeId>,
    announce: &mut dyn FnMut(&VolumeId, Size) -> Result<(), Error>,
    progress: &mut dyn Progress,
) -> Result<VolumeId, Error> {
    let size = storages.size(&origin.volume)?;
    let copy = storages.allocate(target.storage, target.owner, size, &mut |volume| announce(volume, size))?;
    made.push(copy.clone());
    let between = [&*origin.volume.storage, target.storage];
    let bandwidth = storages.bandwidth(target.bandwidth, target.flow, between);
    let from = storages.locate_at(&origin.volume, snapshot)?;
    let to = storages.locate(&copy)?;
    if let (Location::Image(from), Location::Image(to)) = (&from, &to) {
        let (source, image) =
            (open(from, OpenOptions::new().read(true))?, open(to, OpenOptions::new().write(true))?);
        copy::file(source.as_fd(), image.as_fd(), from, bandwidth, &mut watch(progress))?;
    } else {
        // A snapshot and a base can't be written to, not even to replay a journal.
        let frozen = snapshot.is_some() || storages.describe(&origin.volume)?.is_base;
        let source = root(&from, mount::Options { read_only: true, frozen, ..mount::Options::default() })?;
        disks::prepare(&to, target.root, progress)?;
        let new = root(&to, mount::Options::default())?;
        let total = match from {
            Location::Directory(_) => None,
            Location::Image(_) | Location::Block(_) => copy::used(source.as_fd()).ok(),
        };
        let options = copy::Options { bandwidth, total };
        let copied = copy::tree(source.as_fd(), new.as_fd(), &options, &mut watch(progress))?;
        if !matches!(to, Location::Directory(_)) {
            mounts::sync(&new)?;
        }
        if copied.vanished > 0 {
            progress.warning(&format!(
                "{} files were removed while '{}' was read",
                copied.vanished, origin.volume
            ));
        }
    }
    for (volume, snapshot) in [(&origin.volume, snapshot), (&copy, None)] {
        disks::close(volume, snapshot, storages, progress);
    }
    Ok(copy)
}

/// Tells how far it is, and asks whether to go on.
pub(super) fn watch(progress: &mut dyn Progress) -> impl FnMut(u64, Option<u64>) -> ControlFlow<()> {
    |done, total| {
        progress.bytes(done, total);
        match super::pause(progress, Duration::ZERO) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    }
}

/// What lies there is a storage's, but in a folder that may hold what was put there by hand.
fn open(path: &Path, how: &mut OpenOptions) -> Result<File, Error> {
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    how.custom_flags(flags.bits().cast_signed()).open(path).map_err(|e| Error::io("cannot open", path, e))
}

/// The root directory of a volume, in a mount that nobody else sees.
fn root(location: &Location, options: mount::Options) -> Result<OwnedFd, Error> {
    let mounted = mounts::open_source(&location.clone().into(), options)?;
    mount::root_of(mounted).map_err(|errno| Error::io("cannot open", location.path(), errno))
}
