//! One value: the rules beyond the key table, and the forms in which it is kept (spec: config, part 3.1).

use super::{ChangeError, Script, Volumes};
use crate::{
    config::{
        Device, Ip6Config, MountIdMap, MountPoint, NetIf, PropertyError, Section, Vmid, VolumeId, VolumeRef,
        keys, split_list, text,
    },
    facts::{CgroupLayout, DeviceKind, HostFacts},
};

/// Checks values against the key table, and all of them, so that one answer names every fault.
pub(crate) fn check(values: &[(String, String)]) -> Result<(), ChangeError> {
    let faults: Vec<_> = values.iter().filter_map(|(key, value)| fault(key, value)).collect();
    if faults.is_empty() { Ok(()) } else { Err(ChangeError::Parameters(faults)) }
}

fn fault(key: &str, value: &str) -> Option<(String, String)> {
    match keys::lookup(key) {
        Some((known, _)) if known.parameter => {
            known.check_parameter(value).err().map(|e| (key.to_owned(), e.parameter_text(key)))
        }
        _ => Some((key.to_owned(), "unknown option".to_owned())),
    }
}

/// Checks a value that fits the table against the host, and gives the text that becomes pending: lists and tags in
/// their normal form, `cpuunits` within the limits of the kernel, all else as it was given. An empty text says the
/// same as no value.
pub(crate) fn accepted(key: &str, value: &str, host: &HostFacts) -> Result<String, ChangeError> {
    Ok(match keys::lookup(key).map(|(known, _)| known.name) {
        Some("nameserver" | "searchdomain") => split_list(value).collect::<Vec<_>>().join(" "),
        Some("tags") => tags(value),
        Some("cpuunits") => cpuunits(value, host.cgroup),
        Some("net") => {
            check_net(key, &net(key, value)?, host)?;
            value.to_owned()
        }
        Some("dev") => {
            check_device(value, host)?;
            value.to_owned()
        }
        _ => value.to_owned(),
    })
}

/// The text that is kept once a value is in force: an interface has an address of its own and is printed anew.
pub(crate) fn stored(key: &str, value: &str, vmid: Vmid, host: &HostFacts) -> Result<String, ChangeError> {
    if keys::lookup(key).is_none_or(|(known, _)| known.name != "net") {
        return Ok(value.to_owned());
    }
    let mut net = net(key, value)?;
    if net.hwaddr.is_none() {
        net.hwaddr = Some(host.mac_for(vmid, key).ok_or_else(|| ChangeError::NoAddress(key.to_owned()))?);
    }
    Ok(net.to_string())
}

fn tags(value: &str) -> String {
    let mut tags: Vec<String> = split_list(value).map(str::to_lowercase).collect();
    tags.sort();
    tags.dedup();
    tags.join(";")
}

/// The kernel's limits of a weight (version 2) and of shares (version 1).
fn cpuunits(value: &str, cgroup: CgroupLayout) -> String {
    let units = text::numeric_prefix(value);
    match cgroup {
        CgroupLayout::V2 if units > 10_000.0 => "10000".to_owned(),
        CgroupLayout::Hybrid | CgroupLayout::V1 if units < 2.0 => "2".to_owned(),
        _ => value.to_owned(),
    }
}

fn net(key: &str, value: &str) -> Result<NetIf, PropertyError> {
    value.parse().map_err(|source| PropertyError { key: key.to_owned(), source })
}

fn check_net(key: &str, net: &NetIf, host: &HostFacts) -> Result<(), ChangeError> {
    if let Some(mtu) = net.mtu.filter(|mtu| *mtu > 0) {
        let bridge = net.bridge.as_deref().unwrap_or_default();
        let missing = || ChangeError::NoSuchBridge(bridge.to_owned());
        let bridge_mtu = *host.bridges.get(bridge).ok_or_else(missing)?;
        if mtu > bridge_mtu {
            return Err(ChangeError::MtuTooBig { key: key.to_owned(), mtu, bridge_mtu });
        }
    }
    if net.host_managed && !net.link_down && net.ip6 == Some(Ip6Config::Auto) {
        return Err(ChangeError::Slaac(key.to_owned()));
    }
    Ok(())
}

fn check_device(value: &str, host: &HostFacts) -> Result<(), ChangeError> {
    // The rest of it has been checked.
    let device: Device = value.parse().map_err(|_| ChangeError::NoPath)?;
    match host.devices.get(&device.path).map(|node| node.kind) {
        None => Err(ChangeError::NoSuchDevice(device.path)),
        Some(DeviceKind::Other) => Err(ChangeError::NotADevice(device.path)),
        Some(DeviceKind::Char | DeviceKind::Block) => Ok(()),
    }
}

/// Reads the value of `rootfs` or `mpN`.
pub(crate) fn mount_point(key: &str, value: &str) -> Result<MountPoint, PropertyError> {
    let parsed = if key == "rootfs" { MountPoint::parse_rootfs(value) } else { MountPoint::parse_mp(value) };
    parsed.map_err(|source| PropertyError { key: key.to_owned(), source })
}

/// Checks the value of `rootfs` or `mpN` of a container against the storages.
pub(super) fn check_mount_point(
    key: &str,
    value: &str,
    main: &Section,
    vmid: Vmid,
    volumes: &mut dyn Volumes,
) -> Result<(), ChangeError> {
    if main.is_protected() {
        return Err(ChangeError::Protected { verb: "update", vmid, key: key.to_owned() });
    }
    let point = mount_point(key, value)?;
    if let VolumeRef::Volume(volume) = &point.volume
        && !volumes.holds_containers(&volume.storage).map_err(ChangeError::Storage)?
    {
        return Err(ChangeError::NoContainers(volume.storage.clone()));
    }
    if let Some(idmap) = &point.idmap {
        idmap.parse::<MountIdMap>()?.validate()?;
    }
    Ok(())
}

pub(super) fn check_hookscript(value: &str, volumes: &mut dyn Volumes) -> Result<(), ChangeError> {
    let volume: VolumeId = value.parse().map_err(|_| ChangeError::NoScript(value.to_owned()))?;
    let shown = || value.to_owned();
    match volumes.script(&volume).map_err(ChangeError::Storage)? {
        Script::Executable => Ok(()),
        Script::NotExecutable => Err(ChangeError::ScriptNotExecutable(shown())),
        Script::Missing => Err(ChangeError::NoScript(shown())),
        Script::NoSnippet => Err(ChangeError::NoSnippet(shown())),
    }
}
