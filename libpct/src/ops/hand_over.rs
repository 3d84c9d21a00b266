//! A volume goes to another container (spec: cli, part 6.7): its name and two configs change one after the other.
//!
//! Both containers are marked meanwhile, and the record of each says what goes where. Whose the volume is, its name on the storage
//! tells. So whatever happens, the one config that names it is known: where a move has failed, or was killed, the storage is
//! asked, and the move ends there or is taken back.

use super::{
    Env, mark,
    work::{self, Given, Record, Work, Worker},
};
use crate::{
    changes::{
        TransferError, add_unused,
        transfer::{self, Held},
    },
    config::{Config, MountPoint, Section, Vmid, VolumeId, VolumeRef},
    error::Error,
    progress::Progress,
    storage::{Storages, own_word},
    store::ConfigLock,
};

/// Both ends of a move.
pub(super) struct Ends<'a> {
    pub(super) from: Vmid,
    pub(super) to: Vmid,
    pub(super) key: &'a str,
    pub(super) target_key: &'a str,
}

/// The lock files of both.
pub(super) struct Locks {
    from: ConfigLock,
    /// None where it is the same container.
    to: Option<ConfigLock>,
}

impl Locks {
    /// Ascending, so that two moves in opposite directions do not wait for each other.
    pub(super) fn take(env: &Env, from: Vmid, to: Vmid, progress: &mut dyn Progress) -> Result<Self, Error> {
        let mut lock = |vmid| env.store().lock(vmid, progress);
        if from == to {
            return Ok(Self { from: lock(from)?, to: None });
        }
        let (low, high) = (lock(from.min(to))?, lock(from.max(to))?);
        let (from, to) = if from < to { (low, high) } else { (high, low) };
        Ok(Self { from, to: Some(to) })
    }

    fn to(&self) -> &ConfigLock {
        self.to.as_ref().unwrap_or(&self.from)
    }
}

/// Gives the volume to the other container, as an unused one. Returns the value by which it is to be mounted there.
pub(super) fn hand_over(
    env: &Env,
    ends: &Ends<'_>,
    held: &Held,
    storages: &Storages,
    locks: &Locks,
    progress: &mut dyn Progress,
) -> Result<Option<String>, Error> {
    let VolumeRef::Volume(volume) = &held.volume else { return Ok(None) };
    progress.message(&format!("removing volume '{}' from container '{}' config", ends.key, ends.from));
    let point = held.point.as_ref().filter(|_| !transfer::is_unused(ends.target_key));
    let value = |volume: &VolumeId| {
        let volume = VolumeRef::Volume(volume.clone());
        point.map(|point| MountPoint { volume, ..point.clone() }.to_string())
    };
    if ends.from == ends.to {
        change(env, ends.from, &locks.from, |main| {
            main.remove(ends.key);
            note(main, ends, volume)
        })?;
        return Ok(value(volume));
    }
    let record = || Record::of("move-volume", mark::DISK);
    let mut config = env.store().load(ends.from)?.config;
    let mut works = vec![mark::set(env, ends.from, &locks.from, &mut config, record())?];
    let mut given = None;
    let mut announce = |renamed: &VolumeId| {
        let given = given.insert(Given {
            from: ends.from,
            key: ends.key.to_owned(),
            volume: volume.clone(),
            to: ends.to,
            target_key: ends.target_key.to_owned(),
            renamed: renamed.clone(),
            value: value(renamed),
        });
        works.push(Work::begin(env, ends.to, record())?);
        works.iter_mut().try_for_each(|work| work.gives(given))?;
        change(env, ends.to, locks.to(), |main| {
            main.set("lock", mark::DISK);
            note(main, ends, renamed)
        })
    };
    let renamed = storages.rename(volume, ends.to, &mut announce);
    let found = match (&given, &renamed) {
        (None, _) => Ok(Found { old: true, new: false }),
        (Some(_), Ok(_)) => Ok(Found { old: false, new: true }),
        (Some(given), Err(_)) => look(storages, given),
    };
    let settled = found.and_then(|found| {
        match &given {
            Some(given) => settle(env, given, found, [true; 2], locks)?,
            None => change(env, ends.from, &locks.from, unmark)?,
        }
        Ok(found.is_given())
    });
    match settled {
        Ok(is_given) => {
            works.into_iter().for_each(|work| work.end(progress));
            let value = given.filter(|_| is_given).map(|given| given.value);
            value.map_or_else(|| renamed.map(|_| None), Ok)
        }
        Err(error) => {
            let (Ends { from, to, .. }, told) = (ends, error.full_message());
            progress.warning(&format!("CT {from} or CT {to} stays locked, until 'pct repair {to}': {told}"));
            Err(renamed.err().unwrap_or(error))
        }
    }
}

/// Brings a move to its end that broke off, or takes it back. Says whether the volume is to be mounted now.
pub(super) fn complete(env: &Env, given: &Given, progress: &mut dyn Progress) -> Result<bool, Error> {
    let storages = env.storages()?;
    let locks = Locks::take(env, given.from, given.to, progress)?;
    let ours = [is_ours(env, given.from, given)?, is_ours(env, given.to, given)?];
    let found = look(&storages, given)?;
    settle(env, given, found, ours, &locks)?;
    for (vmid, ours) in [given.from, given.to].into_iter().zip(ours) {
        if ours {
            work::forget(env, vmid)?;
        }
    }
    Ok(found.is_given() && ours[1])
}

/// Under which of its names a volume is there.
#[derive(Clone, Copy)]
struct Found {
    old: bool,
    new: bool,
}

impl Found {
    fn is_given(self) -> bool {
        self.new && !self.old
    }
}

fn look(storages: &Storages, given: &Given) -> Result<Found, Error> {
    let is_there = |volume: &VolumeId, owner| -> Result<bool, Error> {
        // The name of a linked clone may be listed without that of its base.
        let volumes = storages.volumes_on(&volume.storage, owner)?;
        Ok(volumes.iter().any(|listed| own_word(&listed.name) == own_word(&volume.name)))
    };
    let found = Found { old: is_there(&given.volume, given.from)?, new: is_there(&given.renamed, given.to)? };
    if !found.old && !found.new {
        let (volume, renamed) = (given.volume.clone(), given.renamed.clone());
        return Err(TransferError::Vanished { volume, renamed }.into());
    }
    Ok(found)
}

/// Has no config name the volume by a name that it has not, and takes away those marks that are `ours`: of the container that it
/// comes from, and of the other. Who has to forget something comes first, so that the mark of the other one tells of it.
fn settle(
    env: &Env,
    given: &Given,
    found: Found,
    [from_is_ours, to_is_ours]: [bool; 2],
    locks: &Locks,
) -> Result<(), Error> {
    let from = || {
        change(env, given.from, &locks.from, |main| {
            let held = transfer::held(main, &given.key, given.from).ok();
            if !found.old && held.is_some_and(|held| held.volume.volume() == Some(&given.volume)) {
                main.remove(&given.key);
            }
            if from_is_ours { unmark(main) } else { Ok(()) }
        })
    };
    let to = || {
        change(env, given.to, locks.to(), |main| {
            let noted = main.unused().into_iter().find(|(_, volume)| *volume == given.renamed);
            if let Some((index, _)) = noted.filter(|_| !found.new) {
                main.remove(&format!("unused{index}"));
            }
            if to_is_ours { unmark(main) } else { Ok(()) }
        })
    };
    if found.is_given() { from().and_then(|()| to()) } else { to().and_then(|()| from()) }
}

/// Whether a container is still marked by a move, which has broken off.
fn is_ours(env: &Env, vmid: Vmid, given: &Given) -> Result<bool, Error> {
    let ours = matches!(work::worker(env, vmid)?, Some(Worker::Dead(record)) if record.given.as_ref() == Some(given));
    Ok(ours && env.store().exists(vmid) && env.store().load(vmid)?.config.main().lock() == Some(mark::DISK))
}

/// Notes the volume down as an unused one.
fn note(main: &mut Section, ends: &Ends<'_>, volume: &VolumeId) -> Result<(), Error> {
    if transfer::is_unused(ends.target_key) {
        main.set(ends.target_key, volume.to_string());
        return Ok(());
    }
    Ok(add_unused(main, volume).map(drop)?)
}

fn unmark(main: &mut Section) -> Result<(), Error> {
    if main.lock() == Some(mark::DISK) {
        main.remove("lock");
    }
    Ok(())
}

/// Writes a config where that changes it. A container that somebody has removed meanwhile names nothing.
fn change(
    env: &Env,
    vmid: Vmid,
    lock: &ConfigLock,
    change: impl FnOnce(&mut Section) -> Result<(), Error>,
) -> Result<(), Error> {
    if !env.store().exists(vmid) {
        return Ok(());
    }
    let before: Config = env.store().load(vmid)?.config;
    let mut config = before.clone();
    change(config.main_mut())?;
    if config == before { Ok(()) } else { Ok(env.store().write(lock, &config)?) }
}
