//! `unlock` (spec: cli, parts 4.2 and 5.23).

use super::{Env, still};
use crate::{changes::snapshot, config::Vmid, error::Error, progress::Progress};

/// Takes away the mark of a long-running operation, whoever has set it.
pub(crate) fn unlock(env: &Env, vmid: Vmid, progress: &mut dyn Progress) -> Result<(), Error> {
    env.store().require(vmid)?;
    let lock = env.store().lock(vmid, progress)?;
    let mut config = env.store().load(vmid)?.config;
    let Some(mark) = config.main_mut().remove("lock") else { return Err(Error::NoLock) };
    env.store().write(&lock, &config)?;
    // Whoever was taking a snapshot may have been killed with all that would let the container go on.
    if mark == snapshot::TAKING { still::thaw_left(env, vmid, config.main()) } else { Ok(()) }
}
