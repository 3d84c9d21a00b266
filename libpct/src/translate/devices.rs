//! Devices that are let in, and the console.

use super::{Input, Lines, TranslateError, standalone};
use crate::{
    config::{PropertyError, keys, props},
    facts::DeviceKind,
};

/// The control group's permission for each `devN`, in numeric order.
pub(super) fn lines(input: &Input<'_>, lines: &mut Lines) -> Result<(), TranslateError> {
    for (index, text) in input.section.family("dev") {
        let key = format!("dev{index}");
        let values =
            props::parse(keys::DEVICE, text).map_err(|source| PropertyError { key: key.clone(), source })?;
        let path = values.get("path").ok_or(TranslateError::MissingPath(key))?;
        let node =
            input.facts.devices.get(path).ok_or_else(|| TranslateError::NoSuchDevice(path.to_owned()))?;
        let kind = match node.kind {
            DeviceKind::Char => 'c',
            DeviceKind::Block => 'b',
            DeviceKind::Other => return Err(TranslateError::NotADevice(path.to_owned())),
        };
        let device = format!("{kind} {}:{}", node.major, node.minor);
        let deny_write = values.get("deny-write") == Some("1");
        let access = if deny_write { "r" } else { "rw" };
        permission(input, lines, "allow", format!("{device} {access}"))?;
        if deny_write {
            permission(input, lines, "deny", format!("{device} w"))?;
        }
    }
    Ok(())
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
