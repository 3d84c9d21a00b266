//! What is pending becomes the current state of a running container, as far as it can be told (spec: config,
//! part 8.3).

use std::{collections::BTreeSet, fmt::Display, str::FromStr};

use super::{Applied, Running, Volumes, apply::Work};
use crate::{
    config::{
        Config, Device, MountPoint, NetIf, Vmid,
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
        let removed = remove(&mut work, &key, running);
        work.note(&key, removed);
    }
    let mut told = Vec::new();
    for (key, value) in &values {
        let Some(limit) = Limit::of(key) else {
            let added = add(&mut work, key, value, running);
            work.note(key, added);
            continue;
        };
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

/// Removes a key of which a running container can be told; any other stays pending.
fn remove(work: &mut Work<'_>, key: &str, running: &mut dyn Running) -> Result<(), String> {
    if let Some(limit) = Limit::of(key) {
        work.delete(key)?;
        return running.enforce(limit, &work.main);
    }
    if is_plain(key) {
        return work.delete(key);
    }
    let Some((family, index)) = member(key) else { return Ok(()) };
    let old = work.main.get(key).map(str::to_owned);
    match family {
        "unused" => work.delete(key),
        "net" => {
            work.delete(key)?;
            let old = old.map(|old| parsed::<NetIf>(&old)).transpose()?;
            running.network(index, old.as_ref(), None)
        }
        "mp" => {
            let Some(point) = old.and_then(|old| MountPoint::parse_mp(&old).ok()) else { return Ok(()) };
            if running.unmount(index, &point, &work.main)? {
                work.delete(key)
            } else {
                work.warn(format!("'{key}' is in use, it is removed at the next start"));
                Ok(())
            }
        }
        "dev" => {
            let device = old.map(|old| parsed::<Device>(&old)).transpose()?;
            work.delete(key)?;
            device.map_or(Ok(()), |device| running.remove_device(index, &device, &work.main))
        }
        _ => Ok(()),
    }
}

/// Adds a device, of which a running container can be told; any other value stays pending.
fn add(work: &mut Work<'_>, key: &str, value: &str, running: &mut dyn Running) -> Result<(), String> {
    let Some((family, index)) = member(key) else { return Ok(()) };
    let old = work.main.get(key).map(str::to_owned);
    match (family, old) {
        ("net", old) => {
            let old = old.map(|old| parsed::<NetIf>(&old)).transpose()?;
            work.set(key, value)?;
            let new = parsed::<NetIf>(work.main.get(key).unwrap_or_default())?;
            running.network(index, old.as_ref(), Some(&new))
        }
        ("mp", None) => {
            work.set(key, value)?;
            let point = parsed_point(work.main.get(key).unwrap_or_default())?;
            running.mount(index, &point, &work.main)
        }
        ("dev", None) => {
            work.set(key, value)?;
            running.add_device(index, &parsed(value)?, &work.main)
        }
        _ => Ok(()),
    }
}

/// A key that is one of many, such as `net3`.
fn member(key: &str) -> Option<(&'static str, u16)> {
    let (known, index) = keys::lookup(key)?;
    Some((known.name, index?))
}

fn parsed<T: FromStr<Err: Display>>(value: &str) -> Result<T, String> {
    value.parse().map_err(|error: T::Err| error.to_string())
}

fn parsed_point(value: &str) -> Result<MountPoint, String> {
    MountPoint::parse_mp(value).map_err(|error| error.to_string())
}

/// Whether a key is nothing that a running container would have to be told.
fn is_plain(key: &str) -> bool {
    let conf = keys::lookup(key).is_some_and(|(known, _)| known.hotplug == Hotplug::Conf);
    conf && Limit::of(key).is_none()
}
