//! `destroy` (spec: cli, part 6.9).

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use super::{Env, checkpoint, disks, host_mount, leftovers, setters::setters, stop, work};
use crate::{
    config::{Config, Section, Vmid, VolumeId},
    error::Error,
    home::HomeKind,
    progress::Progress,
    storage::Storages,
    store::{self, Loaded},
};

/// How [`Container::destroy`](crate::Container::destroy) removes.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct DestroyOptions {
    /// Kill the container first, if it runs.
    pub force: bool,
    /// Remove it from jobs that name it, too.
    pub purge: bool,
    /// Remove volumes that carry its number but stand in no config.
    pub destroy_unreferenced_disks: bool,
}

setters! { DestroyOptions { force: bool, purge: bool, destroy_unreferenced_disks: bool } }

/// The mark of a container whose volumes are gone.
pub(super) const MARK: &str = "destroyed";

pub(crate) fn destroy(
    env: &Env,
    vmid: Vmid,
    options: &DestroyOptions,
    progress: &mut dyn Progress,
) -> Result<(), Error> {
    check(env, vmid, &env.store().load(vmid)?, options)?;
    let lock = env.store().lock(vmid, progress)?;
    let mut loaded = env.store().load(vmid)?;
    check(env, vmid, &loaded, options)?;
    while leftovers::settle(env, vmid)? {
        if !options.force {
            return Err(Error::DestroyRunning { vmid });
        }
        progress.warning(&format!("forced to stop CT {vmid} before destroying!"));
        stop::kill(env, vmid, loaded.config.main(), progress)?;
    }

    // What an `unlock` has left mounted: it would keep the volumes in use, and the folder.
    host_mount::unmount_all(&env.home.rootfs(vmid), loaded.config.main())?;
    let storages = env.storages()?;
    for volume in volumes(&loaded.config) {
        if !storages.free(&volume, vmid)? {
            progress.warning(&format!("volume '{volume}' belongs to another container and is kept"));
        }
    }
    if options.destroy_unreferenced_disks {
        free_unreferenced(&storages, vmid, progress);
    }
    checkpoint::remove(env, vmid)?;
    remove_folder(env, vmid)?;
    // Whoever finds this half-done knows that the volumes are gone.
    *loaded.config.main_mut() = Section::default();
    loaded.config.main_mut().set("lock", MARK);
    env.store().write(&lock, &loaded.config)?;
    if options.purge {
        progress.message(&format!("purging CT {vmid} from related configurations.."));
        if env.home.kind() == HomeKind::Pve {
            progress.warning("jobs and HA resources of the cluster are not looked at by this release");
        }
    }
    work::forget(env, vmid)?;
    Ok(env.store().remove(&lock)?)
}

/// Removes what carries the container's number. What cannot be reached is told, for the container is half gone.
fn free_unreferenced(storages: &Storages, vmid: Vmid, progress: &mut dyn Progress) {
    for id in storages.for_volumes() {
        let volumes = match storages.volumes_on(id, vmid) {
            Ok(volumes) => volumes,
            Err(error) => {
                progress.warning(&disks::not_searched(id, &error));
                continue;
            }
        };
        for volume in volumes {
            if let Err(error) = storages.free(&volume, vmid) {
                progress.warning(&format!("volume '{volume}' could not be removed: {error}"));
            }
        }
    }
}

fn check(env: &Env, vmid: Vmid, loaded: &Loaded, options: &DestroyOptions) -> Result<(), Error> {
    if loaded.config.main().is_protected() {
        return Err(Error::Protected { vmid });
    }
    // A container whose removal broke off may be removed again.
    if loaded.config.main().lock() != Some(MARK) {
        loaded.check_lock()?;
    }
    if !options.force && env.is_running(vmid)? {
        return Err(Error::DestroyRunning { vmid });
    }
    Ok(())
}

/// Every volume that the config names, each once: the current state, what waits, and the snapshots.
pub(super) fn volumes(config: &Config) -> BTreeSet<VolumeId> {
    let sections = [Some(config.main()), config.pending()].into_iter().flatten();
    sections.chain(config.snapshots().values()).flat_map(Section::volumes).collect()
}

/// Removes the container's folder in liblxc's path, only what we put there, never what a mount covers; and the rules of its
/// firewall.
pub(crate) fn remove_folder(env: &Env, vmid: Vmid) -> Result<(), Error> {
    let folder = env.home.container_dir(vmid);
    for file in files(env, vmid) {
        for path in store::left_beside(&file)?.into_iter().chain([file]) {
            gone(fs::remove_file(&path), &path)?;
        }
    }
    for log in [env.home.start_log(vmid), env.home.criu_log(vmid)] {
        gone(fs::remove_file(&log), &log)?;
    }
    for dir in [env.home.rootfs(vmid), env.home.nodes(vmid), folder] {
        gone(fs::remove_dir(&dir), &dir)?;
    }
    Ok(())
}

/// What we write beside its config.
pub(super) fn files(env: &Env, vmid: Vmid) -> Vec<PathBuf> {
    let folder = env.home.container_dir(vmid);
    vec![folder.join("config"), folder.join("rules.seccomp"), env.home.firewall_file(vmid)]
}

/// What is not there counts as removed.
fn gone(result: io::Result<()>, path: &Path) -> Result<(), Error> {
    match result {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(Error::io("cannot remove", path, source))
        }
        _ => Ok(()),
    }
}
