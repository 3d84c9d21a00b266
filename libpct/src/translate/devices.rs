//! Devices that are let in, and the console.

use super::{Input, Lines, TranslateError, standalone};
use crate::{
    config::{Device, PropertyError, Section, keys, props},
    facts::{DeviceKind, DeviceNode, HostFacts},
};

/// A device node that the container gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Passed {
    /// Its name in the folder of nodes that the helper makes.
    pub(crate) name: String,
    /// Its path inside, absolute.
    pub(crate) path: String,
    pub(crate) device: DeviceNode,
    /// Permission bits.
    pub(crate) mode: u32,
    /// Owner as ids of the container.
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

/// The node of `dev<index>`, which has this device on the host.
pub(crate) fn passed(index: u16, device: &Device, found: DeviceNode) -> Passed {
    Passed {
        name: format!("dev{index}"),
        path: device.path.clone(),
        device: found,
        mode: device.mode.unwrap_or(0o660),
        uid: device.uid.unwrap_or(0),
        gid: device.gid.unwrap_or(0),
    }
}

/// All nodes of a container: those of `devN`, and those of volumes with quotas.
pub(crate) fn nodes(section: &Section, facts: &HostFacts) -> Vec<Passed> {
    let own = section.family("dev").into_iter().filter_map(|(index, text)| {
        let device: Device = text.parse().ok()?;
        Some(passed(index, &device, *facts.devices.get(&device.path)?))
    });
    let block = facts.quota_devices.iter().enumerate().map(|(number, device)| Passed {
        name: format!("quota{number}"),
        path: format!("/dev/{}", device.name),
        device: DeviceNode { kind: DeviceKind::Block, major: device.major, minor: device.minor },
        mode: 0o666,
        uid: 0,
        gid: 0,
    });
    own.chain(block).collect()
}

/// The rules of the control group for one `devN`, each with `allow` or `deny`.
pub(crate) fn rules(node: DeviceNode, deny_write: bool) -> Vec<(&'static str, String)> {
    let device = name(node);
    match deny_write {
        false => vec![("allow", format!("{device} rw"))],
        true => vec![("allow", format!("{device} r")), ("deny", format!("{device} w"))],
    }
}

/// `c 10:229`
pub(crate) fn name(node: DeviceNode) -> String {
    let kind = if node.kind == DeviceKind::Block { 'b' } else { 'c' };
    format!("{kind} {}:{}", node.major, node.minor)
}

/// The control group's permission for each `devN`, in numeric order.
pub(super) fn lines(input: &Input<'_>, lines: &mut Lines) -> Result<(), TranslateError> {
    if input.is_standalone() && input.unprivileged && !standalone::devices_on_v1(input.facts) {
        permission(input, lines, "allow", "a".to_owned())?;
    }
    for (index, text) in input.section.family("dev") {
        let key = format!("dev{index}");
        let values =
            props::parse(keys::DEVICE, text).map_err(|source| PropertyError { key: key.clone(), source })?;
        let path = values.get("path").ok_or(TranslateError::MissingPath(key))?;
        let node =
            input.facts.devices.get(path).ok_or_else(|| TranslateError::NoSuchDevice(path.to_owned()))?;
        if node.kind == DeviceKind::Other {
            return Err(TranslateError::NotADevice(path.to_owned()));
        }
        for (verb, rule) in rules(*node, values.get("deny-write") == Some("1")) {
            permission(input, lines, verb, rule)?;
        }
    }
    Ok(())
}

/// The nodes, on files below the container's `/dev`.
pub(super) fn mounts(input: &Input<'_>, lines: &mut Lines) -> Result<(), TranslateError> {
    for device in &input.facts.quota_devices {
        let node = DeviceNode { kind: DeviceKind::Block, major: device.major, minor: device.minor };
        permission(input, lines, "allow", format!("{} rwm", name(node)))?;
    }
    let nodes = nodes(input.section, input.facts);
    standalone::mount_nodes(input, lines, &nodes)
}

/// Takes the console away where the config says so.
pub(super) fn console(input: &Input<'_>, lines: &mut Lines) -> Result<(), TranslateError> {
    if input.section.console() {
        return Ok(());
    }
    lines.push("lxc.console.path", "none")?;
    let v1 = input.is_standalone() && standalone::devices_on_v1(input.facts);
    if v1 || input.facts.has_unified() {
        permission(input, lines, "deny", "c 5:1 rwm".to_owned())?;
    }
    Ok(())
}

fn permission(input: &Input<'_>, lines: &mut Lines, verb: &str, rule: String) -> Result<(), TranslateError> {
    let v1 = input.is_standalone() && standalone::devices_on_v1(input.facts);
    lines.push(&format!("{}.devices.{verb}", if v1 { "lxc.cgroup" } else { "lxc.cgroup2" }), rule)
}
