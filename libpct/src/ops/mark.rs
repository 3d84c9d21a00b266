//! The `lock` in a config, by which an operation marks a container that it works on without holding the lock file (spec:
//! cli, part 4.2).

use super::{
    Env,
    work::{Record, Work},
};
use crate::{
    config::{Config, Section, Vmid},
    error::{DiskError, Error},
    progress::{Progress, Silent},
    store::ConfigLock,
};

/// The mark of a container whose volumes are being copied.
pub(super) const DISK: &str = "disk";

/// The mark of a container that is being made.
pub(super) const CREATE: &str = "create";

/// Marks a container as one that is worked on, with what its record says.
pub(super) fn set(
    env: &Env,
    vmid: Vmid,
    lock: &ConfigLock,
    config: &mut Config,
    record: Record,
) -> Result<Work, Error> {
    let mark = record.lock.clone();
    let work = Work::begin(env, vmid, record)?;
    config.main_mut().set("lock", mark);
    env.store().write(lock, config)?;
    Ok(work)
}

/// Takes the mark away that an operation has set itself.
pub(super) fn remove(section: &mut Section, expected: &'static str) -> Result<(), Error> {
    require(section, expected)?;
    section.remove("lock");
    Ok(())
}

/// Fails unless a container has this mark.
pub(super) fn require(section: &Section, expected: &'static str) -> Result<(), Error> {
    match section.lock() {
        None => Err(DiskError::NoLock(expected).into()),
        Some(found) if found != expected => {
            Err(DiskError::OtherLock { found: found.to_owned(), expected }.into())
        }
        Some(_) => Ok(()),
    }
}

/// Takes [`DISK`] away behind an operation, with whatever result it ended. One that is not there any more is not missed.
pub(super) fn clear_disk_after<T>(
    done: Result<T, Error>,
    work: Work,
    env: &Env,
    vmid: Vmid,
    progress: &mut dyn Progress,
) -> Result<T, Error> {
    let unmark = || -> Result<(), Error> {
        let lock = env.store().lock(vmid, &mut Silent)?;
        let mut config = env.store().load(vmid)?.config;
        if config.main().lock() == Some(DISK) {
            config.main_mut().remove("lock");
            env.store().write(&lock, &config)?;
        }
        Ok(())
    };
    let unmarked = unmark();
    work.end_unless_locked(&unmarked, vmid, progress);
    done.and_then(|done| unmarked.map(|()| done))
}
