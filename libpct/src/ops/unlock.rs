//! `unlock` (spec: cli, parts 4.2 and 5.23).

use super::{
    Env, mark, still,
    work::{self, Worker},
};
use crate::{changes::snapshot, config::Vmid, error::Error, progress::Progress};

/// Takes away the mark of a long-running operation, whoever has set it.
pub(crate) fn unlock(env: &Env, vmid: Vmid, progress: &mut dyn Progress) -> Result<(), Error> {
    env.store().require(vmid)?;
    if let Some(Worker::Alive(record)) = work::worker(env, vmid)? {
        progress.warning(&format!("{record} is still at work on CT {vmid}"));
    }
    take_away(env, vmid, None, progress)
}

/// Takes the mark away; refuses where it is not the one that is expected.
pub(super) fn take_away(
    env: &Env,
    vmid: Vmid,
    expected: Option<&'static str>,
    progress: &mut dyn Progress,
) -> Result<(), Error> {
    let lock = env.store().lock(vmid, progress)?;
    let mut config = env.store().load(vmid)?.config;
    if let Some(expected) = expected {
        mark::require(config.main(), expected)?;
    }
    let Some(mark) = config.main_mut().remove("lock") else { return Err(Error::NoLock) };
    env.store().write(&lock, &config)?;
    // Whoever was taking a snapshot may have been killed with all that would let the container go on.
    if mark == snapshot::TAKING { still::thaw_left(env, vmid, config.main()) } else { Ok(()) }
}
