//! `unlock` (spec: cli, parts 4.2 and 5.23).

use super::Env;
use crate::{config::Vmid, error::Error, progress::Progress};

/// Takes away the mark of a long-running operation, whoever has set it.
pub(crate) fn unlock(env: &Env, vmid: Vmid, progress: &mut dyn Progress) -> Result<(), Error> {
    env.store().require(vmid)?;
    let lock = env.store().lock(vmid, progress)?;
    let mut config = env.store().load(vmid)?.config;
    if config.main_mut().remove("lock").is_none() {
        return Err(Error::NoLock);
    }
    Ok(env.store().write(&lock, &config)?)
}
