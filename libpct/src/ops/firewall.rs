//! The rules of a container's firewall: whoever applies them, the file comes and goes with the container (spec: cli, parts
//! 6.6 and 6.9).

use std::{fs, io};

use super::{Env, gone};
use crate::{config::Vmid, error::Error, store};

/// Gives a container the rules of another one, if that has some.
pub(super) fn copy(env: &Env, from: Vmid, to: Vmid) -> Result<(), Error> {
    let rules = env.home.firewall_file(from);
    match fs::read(&rules) {
        Ok(text) => Ok(store::write_durably(&env.home.firewall_file(to), &text)?),
        Err(source) if source.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(Error::io("cannot read", &rules, source)),
    }
}

/// Removes the rules of a container that is gone.
pub(super) fn remove(env: &Env, vmid: Vmid) -> Result<(), Error> {
    let rules = env.home.firewall_file(vmid);
    gone(fs::remove_file(&rules), &rules)
}
