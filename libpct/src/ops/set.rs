//! `set`, and the changes that wait for a start (spec: config, part 8; cli, part 6.2).

use std::{os::unix::fs::PermissionsExt, time::Duration};

use super::{Env, disks, facts, helper, leftovers, live::Live, lxc_config, undo::Undo};
use crate::{
    cgroup::Layout,
    changes::{self, Applied, Changes, Script, Volumes, apply_running, apply_stopped},
    config::{Config, InvalidIdMap, MountPoint, Section, Size, Vmid, VolumeId},
    error::Error,
    facts::{HostFacts, Version},
    progress::Progress,
    storage::{StorageError, Storages},
    store::ConfigLock,
};

/// Changes a config: all that was asked for, or nothing. What a running container cannot be told waits for its next
/// start.
pub(crate) fn set(
    env: &Env,
    vmid: Vmid,
    changes: &Changes,
    progress: &mut dyn Progress,
) -> Result<(), Error> {
    changes.check()?;
    env.store().require(vmid)?;
    let lock = env.store().lock(vmid, progress)?;
    let loaded = env.store().load_telling(vmid, progress)?;
    loaded.check_lock()?;
    changes.check_digest(&loaded.digest())?;
    let known: Vec<_> = loaded.diagnostics.into_iter().map(|found| found.message).collect();
    let mut config = loaded.config;

    let facts = facts::gather(env, &with_new_values(&config, changes), helper::liblxc(env)?)?;
    let storages = env.storages()?;
    let layout = Layout::detect()?;
    let mut live =
        leftovers::settle(env, vmid)?.then(|| Live::new(env, vmid, &facts, &layout, &storages, &lock));
    let before = config.clone();
    let mut undo = Undo::default();
    let mut volumes = HostVolumes::new(env, &lock, vmid, &before, &storages, &mut undo, progress);
    let changed = change(&mut config, changes, vmid, &facts, &mut volumes, live.as_mut())
        // The last moment at which all can be taken back.
        .and_then(|()| super::pause(progress, Duration::ZERO))
        .and_then(|()| Ok(env.store().write(&lock, &config)?));
    if let Err(error) = changed {
        let problems = live.map(Live::restore).unwrap_or_default();
        problems.into_iter().chain(undo.roll_back()).for_each(|problem| progress.warning(&problem));
        return Err(error);
    }
    undo.keep();
    if let Some(live) = live {
        live.finish(config.main(), progress);
    }
    // What the key table lets pass and a load does not, such as `+64`, is told by the load.
    let written = env.store().load(vmid)?;
    let news = written.diagnostics.iter().filter(|found| !known.contains(&found.message));
    news.for_each(|diagnostic| progress.warning(&diagnostic.to_string()));
    // That a start would fail is told, and the config stays written.
    lxc_config::refresh(env, vmid, written.config.main(), &facts)
}

/// The current state and what it would become: everything that has to be looked up on the host.
fn with_new_values(config: &Config, changes: &Changes) -> Section {
    let mut section = config.main().clone();
    let pending = config.pending().into_iter().flat_map(Section::entries);
    let new = changes.set.iter().map(|(key, value)| (&**key, &**value));
    pending.chain(new).for_each(|(key, value)| section.set(key, value));
    section
}

fn change(
    config: &mut Config,
    changes: &Changes,
    vmid: Vmid,
    facts: &HostFacts,
    volumes: &mut HostVolumes<'_, '_>,
    live: Option<&mut Live<'_>>,
) -> Result<(), Error> {
    let staged = changes::stage(config, changes, vmid, facts, volumes)?;
    staged.warnings.iter().for_each(|warning| volumes.progress.warning(warning));
    let (failed, applied) = match live {
        Some(live) => ("hotplug", apply_running(config, &staged.keys, vmid, facts, volumes, live)),
        None => ("apply pending change", apply_stopped(config, Some(&staged.keys), vmid, facts, volumes)),
    };
    applied.warnings.iter().for_each(|warning| volumes.progress.warning(warning));
    if applied.failures.is_empty() {
        return Ok(());
    }
    // The blank is the original's.
    let colon = if failed == "hotplug" { ":" } else { " :" };
    let told = |(key, reason): (String, String)| {
        let text = format!("unable to {failed} {key}{colon} {reason}");
        (key, text)
    };
    Err(Error::Parameters(applied.failures.into_iter().map(told).collect()))
}

/// Applies what waits for a start, and writes the config if that changes it. A change that cannot be applied is
/// told, and waits on.
pub(super) fn apply_pending(
    env: &Env,
    vmid: Vmid,
    lock: &ConfigLock,
    config: &mut Config,
    progress: &mut dyn Progress,
) -> Result<(), Error> {
    let Some(pending) = config.pending().filter(|pending| !pending.is_empty()) else { return Ok(()) };
    let facts = facts::for_values(env, pending)?;
    let storages = env.storages()?;
    let before = config.clone();
    let mut undo = Undo::default();
    let mut volumes = HostVolumes::new(env, lock, vmid, &before, &storages, &mut undo, progress);
    let Applied { failures, warnings } = apply_stopped(config, None, vmid, &facts, &mut volumes);
    let failed = |(key, reason)| format!("unable to apply pending change {key} : {reason}");
    warnings.into_iter().chain(failures.into_iter().map(failed)).for_each(|text| progress.warning(&text));
    if *config == before {
        return Ok(());
    }
    match env.store().write(lock, config) {
        Ok(()) => undo.keep(),
        Err(error) => {
            undo.roll_back().iter().for_each(|problem| progress.warning(problem));
            return Err(error.into());
        }
    }
    Ok(())
}

/// What waited is current after a stop already, so that the config shows what is (spec: runtime, part 2.5). The
/// container has stopped: what goes wrong is told, and waits for the next start.
pub(super) fn apply_after_stop(
    env: &Env,
    vmid: Vmid,
    lock: &ConfigLock,
    liblxc: impl FnOnce() -> Result<Version, Error>,
    progress: &mut dyn Progress,
) {
    let apply = || -> Result<(), Error> {
        let mut config = env.store().load(vmid)?.config;
        let before = config.clone();
        apply_pending(env, vmid, lock, &mut config, progress)?;
        if config == before {
            return Ok(());
        }
        let facts = facts::gather(env, config.main(), liblxc()?)?;
        lxc_config::refresh(env, vmid, config.main(), &facts)
    };
    if let Err(error) = apply() {
        progress.warning(&error.full_message());
    }
}

/// The storages of this host, as a change asks for them.
struct HostVolumes<'a, 'u> {
    env: &'a Env,
    vmid: Vmid,
    lock: &'a ConfigLock,
    /// The config as its file has it.
    before: &'a Config,
    /// The same with new volumes as unused ones, in which they are found should this process be killed.
    noted: Option<Config>,
    /// The host's ids of the container's root, or why they are not known.
    root_owner: Result<(u32, u32), InvalidIdMap>,
    storages: &'a Storages,
    undo: &'u mut Undo<'a>,
    progress: &'u mut dyn Progress,
}

impl<'a, 'u> HostVolumes<'a, 'u> {
    fn new(
        env: &'a Env,
        lock: &'a ConfigLock,
        vmid: Vmid,
        before: &'a Config,
        storages: &'a Storages,
        undo: &'u mut Undo<'a>,
        progress: &'u mut dyn Progress,
    ) -> Self {
        let root_owner = before.main().id_map().map(|map| map.root());
        Self { env, vmid, lock, before, noted: None, root_owner, storages, undo, progress }
    }
}

impl Volumes for HostVolumes<'_, '_> {
    fn holds_containers(&mut self, storage: &str) -> Result<bool, String> {
        self.storages.holds_containers(storage).map_err(text)
    }

    fn script(&mut self, script: &VolumeId) -> Result<Script, String> {
        self::script(self.storages, script).map_err(text)
    }

    fn allocate(&mut self, point: &MountPoint) -> Result<MountPoint, String> {
        let owner = self.root_owner.clone().map_err(text)?;
        if disks::asked_for(point).is_some() && self.noted.is_none() {
            let (before, env, lock) = (self.before, self.env, self.lock);
            self.undo.push(move || env.store().write(lock, before).map_err(|error| error.to_string()));
        }
        let noted = self.noted.get_or_insert_with(|| self.before.clone());
        let mut note = |new: &MountPoint| {
            if let Some(volume) = new.volume.volume() {
                changes::add_unused(noted.main_mut(), volume)?;
            }
            Ok(self.env.store().write(self.lock, noted)?)
        };
        disks::allocate(point, self.vmid, owner, self.storages, self.undo, &mut note, self.progress)
            .map_err(text)
    }

    fn size(&mut self, volume: &VolumeId) -> Result<Size, String> {
        self.storages.size(volume).map_err(text)
    }

    fn free(&mut self, volume: &VolumeId) -> Result<bool, String> {
        self.storages.free(volume, self.vmid).map_err(text)
    }
}

/// What is found where a hook script should be.
pub(super) fn script(storages: &Storages, script: &VolumeId) -> Result<Script, Error> {
    match storages.snippet(script) {
        Ok(path) => {
            let found = path.metadata().map_err(|e| Error::io("cannot read", path, e))?;
            let executable = found.permissions().mode() & 0o111 != 0;
            Ok(if executable { Script::Executable } else { Script::NotExecutable })
        }
        Err(StorageError::MissingVolume { .. }) => Ok(Script::Missing),
        Err(StorageError::WrongContent { .. }) => Ok(Script::NoSnippet),
        Err(error) => Err(error.into()),
    }
}

fn text(error: impl Into<Error>) -> String {
    error.into().full_message()
}
