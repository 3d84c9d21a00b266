//! `cpusets`: which processors the running containers may use (spec: cli, part 5.25).

use std::collections::BTreeSet;

use super::Env;
use crate::{
    cgroup::{Groups, Layout},
    config::Vmid,
    error::Error,
    lxc::command,
};

/// Of all running containers of this node, ascending by number. A host without the controller tells nothing.
pub(crate) fn cpusets(env: &Env) -> Result<Vec<(Vmid, BTreeSet<u32>)>, Error> {
    let vmids = env.store().vmids()?;
    let names: Vec<_> = vmids.iter().map(ToString::to_string).collect();
    let running = command::running_names(&env.home.lxcpath(), names.iter().map(String::as_str))?;
    let layout = Layout::detect()?;
    let mut sets = Vec::new();
    for (&vmid, name) in vmids.iter().zip(&names) {
        if running.contains(name.as_str())
            && let Some(set) = Groups::new(&layout, vmid).effective_cpus()?
        {
            sets.push((vmid, set.0));
        }
    }
    Ok(sets)
}
