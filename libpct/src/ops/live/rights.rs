//! What a container may do with a device, as the device controller is told it while the container runs.

use std::fmt;

use crate::{
    facts::{DeviceKind, DeviceNode},
    translate,
};

/// `devices.allow` or `devices.deny`, and a rule.
pub(super) type FileAndRule = (String, String);

/// What to write to a controller of version 1, where `told` has all that the container was told at its start as the lines
/// of its `lxc.cgroup`; `devices` are those `devN` that are this device now, by their `deny-write`.
pub(super) fn v1(told: &str, device: DeviceNode, devices: &[bool]) -> Vec<FileAndRule> {
    // Whatever the start has said about such a device, it counts no more.
    let ours: Vec<Rule> =
        [false, true].into_iter().flat_map(|deny_write| rules(device, deny_write)).collect();
    let mut all = parse(told);
    all.retain(|rule| !ours.contains(rule));
    all.extend(devices.iter().flat_map(|deny_write| rules(device, *deny_write)));
    let rights = rights(&all, device);
    let rules =
        [("deny", rights.missing()), ("allow", rights)].into_iter().filter(|(_, rights)| rights.0 != 0);
    let name = translate::device_name(device);
    rules.map(|(verb, rights)| (format!("devices.{verb}"), format!("{name} {rights}"))).collect()
}

/// What to tell liblxc, which has a program of its own for version 2. Of its rules only those count that are otherwise than
/// what holds for all other devices (`allows_others`), and one is taken back by its opposite.
pub(super) fn v2(allows_others: bool, device: DeviceNode, from: &[bool], to: &[bool]) -> Vec<FileAndRule> {
    let rules = |devices: &[bool]| -> Vec<Rule> {
        let all = devices.iter().flat_map(|deny_write| rules(device, *deny_write));
        all.filter(|rule| rule.allow != allows_others).collect()
    };
    let (from, to) = (rules(from), rules(to));
    let gone = from.iter().filter(|rule| !to.contains(rule));
    let gone = gone.map(|rule| Rule { allow: !rule.allow, ..rule.clone() });
    let new = to.iter().filter(|rule| !from.contains(rule)).cloned();
    let file = |rule: &Rule| if rule.allow { "devices.allow" } else { "devices.deny" };
    gone.chain(new).map(|rule| (file(&rule).to_owned(), rule.text)).collect()
}

/// To read, to write, to make nodes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Rights(u8);

impl Rights {
    const LETTERS: [(u8, char); 3] = [(1, 'r'), (2, 'w'), (4, 'm')];

    fn parse(text: &str) -> Self {
        Self(Self::LETTERS.iter().filter(|(_, letter)| text.contains(*letter)).map(|(bit, _)| bit).sum())
    }

    /// The others.
    fn missing(self) -> Self {
        Self(0b111 & !self.0)
    }
}

impl fmt::Display for Rights {
    /// `rw`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut letters = Self::LETTERS.iter().filter(|(bit, _)| self.0 & bit != 0);
        letters.try_for_each(|(_, letter)| write!(f, "{letter}"))
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    allow: bool,
    /// `c 10:229 rw`, `b *:* m`, `a`
    text: String,
}

impl Rule {
    fn new(verb: &str, text: &str) -> Self {
        Self { allow: verb == "allow", text: text.to_owned() }
    }
}

/// The rules that a start has for one `devN`.
fn rules(device: DeviceNode, deny_write: bool) -> impl Iterator<Item = Rule> {
    translate::rules(device, deny_write).into_iter().map(|(verb, text)| Rule::new(verb, &text))
}

/// The rules among the lines of a running container's `lxc.cgroup`.
fn parse(lines: &str) -> Vec<Rule> {
    let rule = |line: &str| {
        let (key, value) = line.split_once('=')?;
        let verb = key.trim().strip_prefix("lxc.cgroup.devices.")?;
        matches!(verb, "allow" | "deny").then(|| Rule::new(verb, value.trim()))
    };
    lines.lines().filter_map(rule).collect()
}

/// What rules leave of a device, in their order. A group that was told nothing may use all (kernel:
/// Documentation/admin-guide/cgroup-v1/devices.rst).
fn rights(rules: &[Rule], device: DeviceNode) -> Rights {
    let mut allows_others = true;
    // What is otherwise than with all others: the numbers of the rule, and the rights.
    let mut exceptions: Vec<(&str, Rights)> = Vec::new();
    for Rule { allow, text } in rules {
        if text.starts_with('a') {
            (allows_others, exceptions) = (*allow, Vec::new());
            continue;
        }
        let (which, letters) = text.rsplit_once(' ').unwrap_or((text, ""));
        if !is_meant(which, device) {
            continue;
        }
        let rights = Rights::parse(letters);
        let at = exceptions.iter_mut().find(|(other, _)| *other == which);
        match (*allow != allows_others, at) {
            (true, Some((_, exception))) => exception.0 |= rights.0,
            (true, None) => exceptions.push((which, rights)),
            (false, Some((_, exception))) => exception.0 &= !rights.0,
            (false, None) => {}
        }
    }
    let sum = Rights(exceptions.iter().fold(0, |sum, (_, rights)| sum | rights.0));
    if allows_others { sum.missing() } else { sum }
}

/// Whether `c 10:*` is about the device.
fn is_meant(which: &str, device: DeviceNode) -> bool {
    let kind = if device.kind == DeviceKind::Block { "b " } else { "c " };
    let numbers = which.strip_prefix(kind).and_then(|numbers| numbers.split_once(':'));
    let fits = |text: &str, number: u32| text == "*" || text.parse() == Ok(number);
    numbers.is_some_and(|(major, minor)| fits(major, device.major) && fits(minor, device.minor))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FUSE: DeviceNode = DeviceNode { kind: DeviceKind::Char, major: 10, minor: 229 };
    const TUN: DeviceNode = DeviceNode { kind: DeviceKind::Char, major: 10, minor: 200 };
    /// As the includes of liblxc have it, with `dev0: /dev/net/tun` and `dev1: /dev/fuse,deny-write=1`.
    const PRIVILEGED: &str = "\
lxc.cgroup.devices.deny = a
lxc.cgroup.devices.allow = c *:* m
lxc.cgroup.devices.allow = b *:* m
lxc.cgroup.devices.allow = c 10:229 rwm
lxc.cgroup.devices.allow = c 10:200 rw
lxc.cgroup.devices.allow = c 10:229 r
lxc.cgroup.devices.deny = c 10:229 w
lxc.cgroup.memory.limit_in_bytes = 536870912
";
    const UNPRIVILEGED: &str =
        "lxc.cgroup.devices.allow = c 10:200 r\nlxc.cgroup.devices.deny = c 10:200 w\n";

    fn shown(rules: Vec<FileAndRule>) -> String {
        let lines: Vec<_> = rules.into_iter().map(|(file, rule)| format!("{file}={rule}")).collect();
        lines.join(" ").replace("devices.", "")
    }

    #[test]
    fn a_device_that_goes_leaves_what_the_container_would_have_without_it() {
        let v1 = |told, device, devices: &[bool]| shown(v1(told, device, devices));
        assert_eq!(v1(PRIVILEGED, TUN, &[]), "deny=c 10:200 rw allow=c 10:200 m");
        // liblxc's own includes allow it.
        assert_eq!(v1(PRIVILEGED, FUSE, &[]), "allow=c 10:229 rwm");
        assert_eq!(v1(PRIVILEGED, FUSE, &[true]), "deny=c 10:229 w allow=c 10:229 rm");
        assert_eq!(v1(PRIVILEGED, FUSE, &[true, false]), "allow=c 10:229 rwm");
        let disk = DeviceNode { kind: DeviceKind::Block, ..FUSE };
        assert_eq!(v1(PRIVILEGED, disk, &[true]), "deny=b 10:229 w allow=b 10:229 rm");
        // To an unprivileged container the controller denies nothing.
        assert_eq!(v1(UNPRIVILEGED, TUN, &[]), "allow=c 10:200 rwm");
        assert_eq!(v1("", TUN, &[true]), "deny=c 10:200 w allow=c 10:200 rm");
        assert_eq!(v1("lxc.cgroup.devices.deny = a\n", TUN, &[]), "deny=c 10:200 rwm");
    }

    #[test]
    fn rules_of_version_2_are_taken_back_by_their_opposite() {
        let privileged = |from: &[bool], to: &[bool]| shown(v2(false, TUN, from, to));
        assert_eq!(privileged(&[], &[false]), "allow=c 10:200 rw");
        assert_eq!(privileged(&[], &[true]), "allow=c 10:200 r");
        assert_eq!(privileged(&[false], &[]), "deny=c 10:200 rw");
        assert_eq!(privileged(&[true], &[]), "deny=c 10:200 r");
        assert_eq!(privileged(&[true, false], &[true]), "deny=c 10:200 rw");
        assert_eq!(privileged(&[true, true], &[true]), "");
        // One that may use all devices is only denied some.
        let unprivileged = |from: &[bool], to: &[bool]| shown(v2(true, TUN, from, to));
        assert_eq!(unprivileged(&[], &[false]), "");
        assert_eq!(unprivileged(&[false], &[]), "");
        assert_eq!(unprivileged(&[], &[true]), "deny=c 10:200 w");
        assert_eq!(unprivileged(&[true], &[false]), "allow=c 10:200 w");
        assert_eq!(unprivileged(&[true, false], &[true]), "");
    }
}
