//! What is pending becomes the current state of a running container, as far as it can be told (spec: config,
//! part 8.3).

use std::collections::BTreeSet;

use super::{Applied, Running, Volumes, apply::Work};
use crate::{
    config::{
        Config, Vmid,
        keys::{self, Hotplug},
    },
    facts::HostFacts,
};

/// A limit that a running container can be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Which CPUs: `cores`.
    Cores,
    /// How much of their time: `cpulimit`.
    CpuLimit,
    /// Which share of it: `cpuunits`.
    CpuUnits,
    /// `memory` and `swap`, which depend on each other.
    Memory,
}

impl Limit {
    fn of(key: &str) -> Option<Self> {
        match key {
            "cores" => Some(Self::Cores),
            "cpulimit" => Some(Self::CpuLimit),
            "cpuunits" => Some(Self::CpuUnits),
            "memory" | "swap" => Some(Self::Memory),
            _ => None,
        }
    }
}

/// Applies those pending changes of `keys` that need no start; the others stay pending, which is no failure.
///
/// It is all or nothing: after a failure no volume has been freed, and the config must not be written.
pub fn apply_running(
    config: &mut Config,
    keys: &BTreeSet<String>,
    vmid: Vmid,
    host: &HostFacts,
    volumes: &mut dyn Volumes,
    running: &mut dyn Running,
) -> Applied {
    let mut work = Work::take(config, vmid, host, volumes);
    let values: Vec<_> = work.values().into_iter().filter(|(key, _)| keys.contains(key)).collect();
    for (key, value) in values.iter().filter(|(key, _)| is_plain(key)) {
        work.move_in(key, value);
    }
    for key in work.deletions().into_iter().filter(|key| keys.contains(key)) {
        let limit = Limit::of(&key);
        if limit.is_some() || is_plain(&key) || key.starts_with("unused") {
            let deleted = work.delete(&key);
            let enforced =
                deleted.and_then(|()| limit.map_or(Ok(()), |limit| running.enforce(limit, &work.main)));
            work.note(&key, enforced);
        }
    }
    let mut told = Vec::new();
    for (key, limit) in values.iter().filter_map(|(key, _)| Some((key, Limit::of(key)?))) {
        if told.contains(&limit) {
            continue;
        }
        told.push(limit);
        // Those of one limit together: memory and swap.
        for (key, value) in values.iter().filter(|(key, _)| Limit::of(key) == Some(limit)) {
            work.move_in(key, value);
        }
        let enforced = running.enforce(limit, &work.main);
        work.note(key, enforced);
    }
    if work.has_succeeded() {
        work.free_volumes();
    }
    work.put_back(config)
}

/// Whether a key is nothing that a running container would have to be told.
fn is_plain(key: &str) -> bool {
    let conf = keys::lookup(key).is_some_and(|(known, _)| known.hotplug == Hotplug::Conf);
    conf && Limit::of(key).is_none()
}
