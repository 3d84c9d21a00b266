//! `clone` (spec: cli, parts 5.7 and 6.6).

use std::{fs, io};

use super::{
    Env, destroy, disks, facts, guest_setup, leftovers, mark, mounts,
    setters::setters,
    volume_copy::{self, Target},
    work::{Record, Work},
};
use crate::{
    changes::{
        CloneError,
        clone::{self, Origin},
    },
    config::{Config, MountPoint, Section, Size, Vmid, VolumeId, VolumeRef},
    error::Error,
    guest,
    progress::{Progress, Silent},
    rootfs::Rootfs,
    storage::{Feature, Flow, Storages},
    store::{self, CREATE_LOCK_TIMEOUT},
};

/// What [`Container::clone_to`](crate::Container::clone_to) makes.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct CloneOptions {
    /// Copy the volumes, or share their content with the origin; where nothing is said, a template's is shared.
    pub full: Option<bool>,
    /// Of this snapshot, not of the present state.
    pub snapshot: Option<String>,
    /// Where the volumes of a full clone go; each to the storage of its origin where nothing is said.
    pub storage: Option<String>,
    /// The clone's host name; that of its origin where none is given.
    pub hostname: Option<String>,
    /// The clone's notes; those of its origin where none are given.
    pub description: Option<String>,
    /// How fast volumes may be copied, in KiB a second; 0 is no limit. Where none is given the storages' limits count.
    pub bandwidth: Option<u64>,
}

setters! {
    CloneOptions { full: Option<bool>, bandwidth: Option<u64> } texts { snapshot, storage, hostname, description }
}

pub(crate) fn clone_to(
    env: &Env,
    vmid: Vmid,
    clone: Vmid,
    options: &CloneOptions,
    progress: &mut dyn Progress,
) -> Result<(), Error> {
    env.store().require(vmid)?;
    env.store().require_free(clone)?;
    let storages = env.storages()?;
    let (plan, works) = begin(env, vmid, clone, options, &storages, progress)?;
    progress.message(&format!("creating a clone of container {vmid} with ID {clone}"));
    let mut made = Vec::new();
    let cloned = copy_rules(env, vmid, clone)
        .and_then(|()| fill(env, clone, &plan, options, &storages, &mut made, progress))
        .and_then(|()| update(env, clone, progress, |section| drop(section.remove("lock"))));
    match cloned {
        Ok(()) => works.clone.end(progress),
        Err(_) => take_back(env, clone, &made, works.clone, &storages, progress),
    }
    let cloned = cloned.map_err(|source| Error::Clone { source: Box::new(source) });
    mark::clear_disk_after(cloned, works.origin, env, vmid, progress)
}

/// What is cloned, and how.
struct Plan {
    full: bool,
    origins: Vec<Origin>,
    /// The clone's config, still without volumes.
    section: Section,
}

/// On both containers.
struct Works {
    origin: Work,
    clone: Work,
}

/// Checks all, marks the container, and makes the clone's config.
fn begin(
    env: &Env,
    vmid: Vmid,
    clone: Vmid,
    options: &CloneOptions,
    storages: &Storages,
    progress: &mut dyn Progress,
) -> Result<(Plan, Works), Error> {
    if let Some(storage) = &options.storage {
        storages.for_containers(storage)?;
    }
    let lock = env.store().lock(vmid, progress)?;
    let loaded = env.store().load_telling(vmid, progress)?;
    loaded.check_lock()?;
    let running = leftovers::settle(env, vmid)?;
    let plan = plan(env, clone, &loaded.config, running, options, storages)?;
    let mut config = loaded.config;
    let origin = mark::set(env, vmid, &lock, &mut config, Record::of("clone", mark::DISK))?;
    drop(lock);
    match write_new(env, clone, &plan.section, progress) {
        Ok(clone) => Ok((plan, Works { origin, clone })),
        Err(error) => mark::clear_disk_after(Err(error), origin, env, vmid, progress),
    }
}

fn plan(
    env: &Env,
    clone: Vmid,
    config: &Config,
    running: bool,
    options: &CloneOptions,
    storages: &Storages,
) -> Result<Plan, Error> {
    let full = options.full.unwrap_or(!config.main().is_template());
    if !full && options.storage.is_some() {
        return Err(CloneError::Storage.into());
    }
    let snapshot = options.snapshot.as_deref();
    let section = match snapshot {
        Some(name) => config.snapshots().get(name).ok_or_else(|| Error::NoSnapshot(name.to_owned()))?,
        None => config.main(),
    };
    if full && running && snapshot.is_none() {
        return Err(CloneError::Running.into());
    }
    let origins = clone::volumes(section)?;
    for origin in origins.iter().filter(|_| !full) {
        if !storages.has_feature(Feature::LinkedClone, &origin.volume, snapshot)? {
            return Err(CloneError::NoLinked(origin.volume.clone()).into());
        }
    }
    let mut section = clone::section(section, clone, &facts::for_values(env, section)?)?;
    if let Some(hostname) = &options.hostname {
        section.set("hostname", hostname.as_str());
    }
    if let Some(description) = &options.description {
        section.set("description", description.as_str());
    }
    Ok(Plan { full, origins, section })
}

fn write_new(env: &Env, clone: Vmid, section: &Section, progress: &mut dyn Progress) -> Result<Work, Error> {
    let lock = env.store().lock_within(clone, CREATE_LOCK_TIMEOUT, progress)?;
    env.store().require_free(clone)?;
    let mut config = Config::default();
    *config.main_mut() = section.clone();
    mark::set(env, clone, &lock, &mut config, Record::of("clone", mark::CREATE))
}

/// The clone is behind the same firewall.
fn copy_rules(env: &Env, vmid: Vmid, clone: Vmid) -> Result<(), Error> {
    let rules = env.home.firewall_file(vmid);
    match fs::read(&rules) {
        Ok(text) => Ok(store::write_durably(&env.home.firewall_file(clone), &text)?),
        Err(source) if source.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(Error::io("cannot read", &rules, source)),
    }
}

/// Clones one volume after the other. `made` has those that are to go if that fails.
fn fill(
    env: &Env,
    clone: Vmid,
    plan: &Plan,
    options: &CloneOptions,
    storages: &Storages,
    made: &mut Vec<VolumeId>,
    progress: &mut dyn Progress,
) -> Result<(), Error> {
    let root = plan.section.id_map()?.root();
    for origin in &plan.origins {
        let snapshot = options.snapshot.as_deref();
        let mut announce = |volume: &VolumeId, size: Size| {
            let point = MountPoint {
                volume: VolumeRef::Volume(volume.clone()),
                size: Some(size),
                ..origin.point.clone()
            };
            update(env, clone, &mut Silent, |section| section.set(&origin.key, point.to_string()))
        };
        let (key, volume) = (&origin.key, &origin.volume);
        let new = if plan.full {
            progress.message(&format!("create full clone of mountpoint {key} ({volume})"));
            let storage = options.storage.as_deref().unwrap_or(&volume.storage);
            let target =
                Target { storage, owner: clone, root, flow: Flow::Clone, bandwidth: options.bandwidth };
            volume_copy::copy(origin, snapshot, &target, storages, made, &mut announce, progress)?
        } else {
            progress.message(&format!("create linked clone of mount point {key} ({volume})"));
            let size = storages.size(volume)?;
            let new = storages.clone_linked(volume, snapshot, clone, &mut |volume| announce(volume, size))?;
            made.push(new.clone());
            new
        };
        if snapshot.is_some() {
            disks::forget_holder(&new, storages, progress);
        }
    }
    customize(env, clone, storages, progress)
}

/// What each container of its own must have of its own, inside.
fn customize(env: &Env, clone: Vmid, storages: &Storages, progress: &mut dyn Progress) -> Result<(), Error> {
    let loaded = env.store().load(clone)?;
    let section = loaded.config.main();
    let id_map = section.id_map()?;
    let rootfs = section.rootfs()?.ok_or(Error::NoRootfs)?;
    // Of no other mount point anything is needed; so nobody but this process sees it.
    let plan = mounts::plan_one("rootfs", &rootfs, storages)?;
    let root = Rootfs::new(mounts::open(&plan, &id_map, true)?, id_map.root());
    let settings = guest_setup::settings(section)?;
    let detected = guest_setup::detect(&root, &settings, progress)?;
    let mut report = guest_setup::report(progress);
    guest::run(&root, &detected, &settings, &guest_setup::host(), guest::Event::Clone, &mut report)?;
    drop(report);
    mounts::write_out(&plan)?;
    drop(root);
    disks::close_all(section, storages, progress);
    Ok(())
}

/// Changes the config of the clone, if it is still the one that is being made.
fn update(
    env: &Env,
    clone: Vmid,
    progress: &mut dyn Progress,
    change: impl FnOnce(&mut Section),
) -> Result<(), Error> {
    env.rewrite(clone, progress, |config| {
        if config.main().lock() != Some(mark::CREATE) {
            return Err(CloneError::Lost);
        }
        change(config.main_mut());
        Ok(())
    })
}

/// Removes what was made of the clone. What stays is told, and its config with it.
fn take_back(
    env: &Env,
    clone: Vmid,
    made: &[VolumeId],
    work: Work,
    storages: &Storages,
    progress: &mut dyn Progress,
) {
    let mut clean = true;
    for volume in made.iter().rev() {
        if let Err(error) = storages.free(volume, clone) {
            clean = false;
            progress.warning(&disks::kept(volume, &error));
        }
    }
    let remove = || -> Result<bool, Error> {
        let lock = env.store().lock(clone, &mut Silent)?;
        // Somebody else's by now, or it names a volume that stays.
        if !clean || env.store().load(clone)?.config.main().lock() != Some(mark::CREATE) {
            return Ok(false);
        }
        destroy::remove_folder(env, clone)?;
        env.store().remove(&lock)?;
        Ok(true)
    };
    match remove() {
        Ok(true) => work.end(progress),
        Ok(false) => {}
        Err(error) => {
            let error = error.full_message();
            progress.warning(&format!("CT {clone} is left, until 'pct repair {clone}': {error}"));
        }
    }
}
