use std::{
    collections::HashSet,
    net::{Ipv4Addr, Ipv6Addr},
    sync::OnceLock,
};

use super::{
    ip::{Ip4Config, Ip6Config},
    mac::MacAddr,
    size::Size,
    startup::Startup,
    text::{is_digits, is_word},
    volume::VolumeId,
};

/// A named rule for the text of a value (spec: config, part 1.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// The name of a snapshot or key: a letter, then one or more of letters, digits, `_-`.
    ConfigId,
    /// `<storage>:<name>`.
    VolumeId,
    /// A volume, or a path without `.` and `..` components.
    MountPath,
    /// A path below `/dev/`.
    DevicePath,
    /// A unicast MAC address.
    Mac,
    /// An IPv4 address.
    Ipv4,
    /// An IPv6 address without zone.
    Ipv6,
    /// `dhcp`, `manual`, or an IPv4 address with prefix length.
    Ip4Config,
    /// `auto`, `dhcp`, `manual`, or an IPv6 address with prefix length.
    Ip6Config,
    /// An address of either family, or a link-local one with `%<interface>`.
    NameServer,
    /// A host or domain name.
    DnsName,
    /// `host`, `UTC`, or a zone of the time zone database.
    TimeZone,
    /// `order=<n>,up=<n>,down=<n>`.
    StartupOrder,
    /// One tag.
    Tag,
    /// A size, for instance `8G`.
    DiskSize,
}

impl Format {
    /// The documented name of the rule.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ConfigId => "pve-configid",
            Self::VolumeId => "pve-volume-id",
            Self::MountPath => "pve-lxc-mp-string",
            Self::DevicePath => "pve-lxc-dev-string",
            Self::Mac => "mac-addr",
            Self::Ipv4 => "ipv4",
            Self::Ipv6 => "ipv6",
            Self::Ip4Config => "pve-ipv4-config",
            Self::Ip6Config => "pve-ipv6-config",
            Self::NameServer => "lxc-ip-with-ll-iface",
            Self::DnsName => "dns-name",
            Self::TimeZone => "pve-ct-timezone",
            Self::StartupOrder => "pve-startup-order",
            Self::Tag => "pve-tag",
            Self::DiskSize => "disk-size",
        }
    }

    /// What a value may be, in words.
    pub(crate) const fn allowed(self) -> &'static str {
        match self {
            Self::ConfigId => "a name of two or more letters, digits, `-` and `_`, a letter first",
            Self::VolumeId => "a volume id `<storage>:<name>`, for instance local:100/vm-100-disk-0.raw",
            Self::MountPath => "a path or volume id without the parts `.` and `..`",
            Self::DevicePath => {
                "a path below /dev/ without the parts `.` and `..`, for instance /dev/ttyUSB0"
            }
            Self::Mac => "six bytes in hexadecimal, the first one even, for instance BC:24:11:00:00:01",
            Self::Ipv4 => "an IPv4 address, for instance 192.0.2.1",
            Self::Ipv6 => "an IPv6 address without zone, for instance 2001:db8::1",
            Self::Ip4Config => {
                "dhcp, manual, or an IPv4 address with a prefix length from 8 to 32, for instance 192.0.2.7/24"
            }
            Self::Ip6Config => {
                "auto, dhcp, manual, or an IPv6 address with a prefix length from 8 to 128, for instance 2001:db8::7/64"
            }
            Self::NameServer => "an IPv4 or IPv6 address, a link-local one with `%<interface>`",
            Self::DnsName => {
                "labels of letters, digits and inner `-`, joined by dots, for instance web1.example.com"
            }
            Self::TimeZone => "host, UTC, or a name of the time zone database, for instance Europe/Vienna",
            Self::StartupOrder => {
                "`order=<number>`, `up=<seconds>` and `down=<seconds>`, separated by commas"
            }
            Self::Tag => "a tag of letters, digits, `_`, `-`, `+` and `.`, a letter, digit or `_` first",
            Self::DiskSize => "a number with K, M, G or T behind it, for instance 8G",
        }
    }

    /// Checks one value; for a list each element is checked on its own.
    ///
    /// # Errors
    /// The reason in the words users know from the original.
    pub fn check(self, value: &str) -> Result<(), String> {
        let holds = |good: bool, reason: &str| if good { Ok(()) } else { Err(reason.to_owned()) };
        match self {
            Self::ConfigId => match is_config_id(value) {
                true => Ok(()),
                false => Err(format!("invalid configuration ID '{value}'")),
            },
            Self::VolumeId => VolumeId::split(value).map(drop).map_err(|e| e.to_string()),
            Self::MountPath => match is_mount_path(value) {
                true => Ok(()),
                false => Err(format!("{value} contains illegal character sequences")),
            },
            Self::DevicePath => match is_device_path(value) {
                true => Ok(()),
                false => Err(format!("{value} is not a valid device path")),
            },
            Self::Mac => value.parse::<MacAddr>().map(drop).map_err(|e| e.to_string()),
            Self::Ipv4 => {
                holds(value.parse::<Ipv4Addr>().is_ok(), "value does not look like a valid IPv4 address")
            }
            Self::Ipv6 => {
                holds(value.parse::<Ipv6Addr>().is_ok(), "value does not look like a valid IPv6 address")
            }
            Self::Ip4Config => value.parse::<Ip4Config>().map(drop).map_err(|e| e.to_string()),
            Self::Ip6Config => value.parse::<Ip6Config>().map(drop).map_err(|e| e.to_string()),
            Self::NameServer => holds(is_name_server(value), "value does not look like a valid IP address"),
            Self::DnsName => holds(is_dns_name(value), "value does not look like a valid DNS name"),
            Self::TimeZone => match is_time_zone(value) {
                true => Ok(()),
                false => Err(format!("invalid time zone '{value}'")),
            },
            Self::StartupOrder => value.parse::<Startup>().map(drop).map_err(|e| e.to_string()),
            Self::Tag => holds(is_tag(value), "invalid characters in tag"),
            Self::DiskSize => value.parse::<Size>().map(drop).map_err(|e| e.to_string()),
        }
    }
}

/// Whether a text can name a snapshot or a key.
#[must_use]
pub fn is_config_id(text: &str) -> bool {
    text.len() >= 2
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| is_word(c) || c == '-')
}

fn is_mount_path(text: &str) -> bool {
    let mut parts = text.as_bytes().split(|&byte| byte == b'/');
    // A lone `..` is nobody's parent.
    let leads_out = parts.next() == Some(b"..") && text.len() > 2;
    !leads_out && !parts.any(|part| matches!(part, b"." | b".."))
}

fn is_device_path(text: &str) -> bool {
    text.starts_with("/dev/") && text.split('/').all(|part| part != "." && part != "..")
}

/// Whether a text is a name of the DNS, of labels that are joined by dots (spec: cli, part 1.5).
#[must_use]
pub fn is_dns_name(text: &str) -> bool {
    text.split('.').all(|label| {
        let ends = |c: char| c.is_ascii_alphanumeric();
        label.starts_with(ends)
            && label.ends_with(ends)
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    })
}

fn is_name_server(text: &str) -> bool {
    if text.parse::<Ipv4Addr>().is_ok() || text.parse::<Ipv6Addr>().is_ok() {
        return true;
    }
    text.split_once('%').is_some_and(|(addr, interface)| {
        addr.starts_with("fe80:") && addr.parse::<Ipv6Addr>().is_ok() && is_link_name(interface)
    })
}

/// `[a-z][a-z0-9_]{1,20}([:.]\d+)?` in any letter case.
fn is_link_name(text: &str) -> bool {
    let (name, unit) = match text.split_once([':', '.']) {
        Some((name, unit)) => (name, Some(unit)),
        None => (text, None),
    };
    (2..=21).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(is_word)
        && unit.is_none_or(is_digits)
}

/// The zones that the host's time zone database knows; `None` when it has none.
fn zones() -> Option<&'static HashSet<String>> {
    static ZONES: OnceLock<Option<HashSet<String>>> = OnceLock::new();
    ZONES
        .get_or_init(|| {
            let table = std::fs::read_to_string("/usr/share/zoneinfo/zone.tab").ok()?;
            let names = table.lines().filter(|line| !line.starts_with('#'));
            Some(names.filter_map(|line| line.split('\t').nth(2)).map(str::to_owned).collect())
        })
        .as_ref()
}

/// A host without time zone database can't know the names: there any relative
/// path of zone-like words passes, and only its use tells.
fn is_time_zone(text: &str) -> bool {
    let zone_like = |text: &str| {
        let part = |p: &str| !p.is_empty() && p.chars().all(|c| is_word(c) || c == '-' || c == '+');
        text.contains('/') && text.split('/').all(part)
    };
    matches!(text, "host" | "UTC") || zones().map_or_else(|| zone_like(text), |zones| zones.contains(text))
}

fn is_tag(text: &str) -> bool {
    text.starts_with(is_word) && text.chars().all(|c| is_word(c) || matches!(c, '-' | '+' | '.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(format: Format, good: &[&str], bad: &[&str]) {
        let list = |v: &str| crate::config::split_list(v).try_for_each(|item| format.check(item));
        good.iter().for_each(|v| assert_eq!(list(v), Ok(()), "{format:?} {v:?}"));
        bad.iter().for_each(|v| assert!(format.check(v).is_err(), "{format:?} {v:?}"));
    }

    #[test]
    fn formats_accept_what_is_documented() {
        check(Format::ConfigId, &["ab", "A_-9"], &["", "a", "1a", "a b", "é1"]);
        check(
            Format::MountPath,
            &["..", "a b//c/", "/a..b", "...", "/..."],
            &["/a/./b", "/a/..", "../x", "/.", "/a/../b"],
        );
        check(
            Format::DevicePath,
            &["/dev/a.b", "/dev/"],
            &["/etc/x", "/dev/..", "/dev/./x", "dev/x", "/dev"],
        );
        check(Format::DnsName, &["a", "A-1.b"], &["", "-a", "a-", "a.", ".a", "a_b", "a..b", "hö"]);
        check(
            Format::NameServer,
            &["1.1.1.1", "::1", "fe80::1%eth0", "fe80::1%eth0.5", "1.1.1.1, ::2"],
            &["FE80::1%eth0", "fe80::1%e", "fe80::1%", "::1%eth0", "foo", "fe80::1%eth0.x"],
        );
        check(
            Format::TimeZone,
            &["host", "UTC", "Europe/Vienna"],
            &["", " ", "utc", "../etc/passwd", "Europe"],
        );
        check(
            Format::StartupOrder,
            &["1", "order=1,up=2,down=3", "up=1,", ","],
            &["", "foo=1", "order=", "order=x", "order=1;up=2", "down"],
        );
        check(Format::Tag, &["a;B_.+-", "9", ";;"], &["-x", "+plus", "a b", "ä", ""]);
    }
}
