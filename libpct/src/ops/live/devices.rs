//! Devices of a running container (spec: runtime, part 9.3).

use std::os::fd::AsFd;

use super::{
    super::{helper, nodes, protocol::Task},
    guest::{Guest, Inside},
    rights::{self, FileAndRule},
};
use crate::{
    cgroup::{Groups, Layout},
    config::{Device, Section},
    error::Error,
    facts::{CgroupLayout, DeviceKind, DeviceNode, HostFacts},
    mount::{self, Node},
    translate::{self, TranslateError},
};

/// What every container has.
const EVERYWHERE: [&str; 6] =
    ["/dev/full", "/dev/null", "/dev/random", "/dev/tty", "/dev/urandom", "/dev/zero"];

/// The devices of a running container, with what it takes to put them back.
pub(super) struct Devices<'a> {
    guest: Guest<'a>,
    facts: &'a HostFacts,
    layout: &'a Layout,
    done: Vec<(String, Step)>,
}

enum Step {
    /// A node was made.
    Made { path: String },
    /// A node was taken away.
    Removed { path: String, node: Node },
    /// Rules were written; these put the rights back.
    Ruled(Vec<FileAndRule>),
}

impl<'a> Devices<'a> {
    pub(super) fn new(guest: Guest<'a>, facts: &'a HostFacts, layout: &'a Layout) -> Self {
        Self { guest, facts, layout, done: Vec::new() }
    }

    /// The change has failed: puts everything back, and returns what could not be.
    pub(super) fn restore(mut self) -> Vec<String> {
        let mut problems = Vec::new();
        while let Some((key, step)) = self.done.pop() {
            let put_back = match step {
                Step::Made { path } => {
                    self.guest.look().and_then(|inside| remove_node(&inside, &path)).map(drop)
                }
                Step::Removed { path, node } => {
                    self.guest.look().and_then(|inside| make_node(&inside, &path, node))
                }
                Step::Ruled(before) => self.write(&before),
            };
            problems.extend(put_back.err().map(|error| format!("{key}: {}", error.full_message())));
        }
        problems
    }

    pub(super) fn add(&mut self, index: u16, device: &Device, section: &Section) -> Result<(), Error> {
        let (key, path) = (format!("dev{index}"), &device.path);
        let missing = || TranslateError::NoSuchDevice(path.clone());
        let found = *self.facts.devices.get(path).ok_or_else(missing)?;
        if found.kind == DeviceKind::Other {
            return Err(TranslateError::NotADevice(path.clone()).into());
        }
        let node = nodes::node(&translate::passed(index, device, found), &section.id_map()?);
        let others = self.others(section, index, path, found);
        let all = [&others[..], &[device.deny_write]].concat();
        self.rule(&key, section, found, &others, &all)?;
        let made = make_node(&self.guest.look()?, path, node);
        // One that was made, or may have been; never that of another `devN`.
        let may_be_made = |error| helper::has_vanished(error) && !is_taken(section, index, path);
        if made.as_ref().err().is_none_or(may_be_made) {
            self.done.push((key, Step::Made { path: path.clone() }));
        }
        made
    }

    pub(super) fn remove(&mut self, index: u16, device: &Device, section: &Section) -> Result<(), Error> {
        let (key, path) = (format!("dev{index}"), &device.path);
        let id_map = section.id_map()?;
        let inside = self.guest.look()?;
        let removed = remove_node(&inside, path)?;
        if let Some(found) = removed {
            let node = nodes::node(&translate::passed(index, device, found), &id_map);
            self.done.push((key.clone(), Step::Removed { path: path.clone(), node }));
            // liblxc does not make it where ours has been since the start.
            if EVERYWHERE.contains(&path.as_str()) && !inside.root.exists(path)? {
                let usual = Node { device: found, mode: 0o666, owner: id_map.root() };
                make_node(&inside, path, usual)?;
                self.done.push((key.clone(), Step::Made { path: path.clone() }));
            }
        }
        // The guest may have taken the node away itself; the host's may be gone, or have another number now.
        let Some(found) = removed.or_else(|| self.facts.devices.get(path).copied()) else { return Ok(()) };
        let others = self.others(section, index, path, found);
        let all = [&others[..], &[device.deny_write]].concat();
        self.rule(&key, section, found, &all, &others)
    }

    /// The `deny-write` of each other `devN` that is the same device.
    fn others(&self, section: &Section, index: u16, path: &str, found: DeviceNode) -> Vec<bool> {
        let devices = section.family("dev").into_iter().filter(|(other, _)| *other != index);
        let devices = devices.filter_map(|(_, text)| text.parse::<Device>().ok());
        let is_same =
            |other: &Device| other.path == path || self.facts.devices.get(&other.path) == Some(&found);
        devices.filter(is_same).map(|other| other.deny_write).collect()
    }

    /// Tells the controller which `devN` are a device from now on, by their `deny-write`.
    fn rule(
        &mut self,
        key: &str,
        section: &Section,
        found: DeviceNode,
        from: &[bool],
        to: &[bool],
    ) -> Result<(), Error> {
        let Guest { env, vmid, .. } = self.guest;
        let told = if translate::devices_on_v1(self.facts) {
            let stopped = || Error::NotRunning { what: "CT", vmid };
            Some(env.connect(vmid)?.ok_or_else(stopped)?.config_item("lxc.cgroup")?)
        } else {
            None
        };
        let rules = |from: &[bool], to: &[bool]| match &told {
            Some(told) => rights::v1(told, found, to),
            None => rights::v2(section.is_unprivileged(), found, from, to),
        };
        self.done.push((key.to_owned(), Step::Ruled(rules(to, from))));
        self.write(&rules(from, to))
    }

    fn write(&self, rules: &[FileAndRule]) -> Result<(), Error> {
        if translate::devices_on_v1(self.facts) {
            let groups = Groups::new(self.layout, self.guest.vmid);
            rules.iter().try_for_each(|(file, rule)| groups.write_device_rule(file, rule))?;
            return Ok(());
        }
        // There the rules are a program that liblxc's monitor has in the kernel. Of a hybrid host it has none.
        if self.facts.cgroup != CgroupLayout::V2 || rules.is_empty() {
            return Ok(());
        }
        self.guest.look()?.do_task(Task::DeviceRules(rules.to_vec()), &[])
    }
}

/// Whether another `devN` has this path.
fn is_taken(section: &Section, index: u16, path: &str) -> bool {
    let others = section.family("dev").into_iter().filter(|(other, _)| *other != index);
    others.filter_map(|(_, text)| text.parse::<Device>().ok()).any(|other| other.path == path)
}

fn make_node(inside: &Inside<'_>, path: &str, node: Node) -> Result<(), Error> {
    inside.do_task(Task::Node { target: path.to_owned(), node }, &[])
}

/// Takes the node away that is ours; returns which device it was.
fn remove_node(inside: &Inside<'_>, path: &str) -> Result<Option<DeviceNode>, Error> {
    let Some((what, device)) = mount::node_at(&inside.mounts()?, inside.root.as_fd(), path)? else {
        return Ok(None);
    };
    inside.do_task(Task::RemoveNode { target: path.to_owned(), what }, &[])?;
    Ok(Some(device))
}
