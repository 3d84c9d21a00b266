//! The forms of values, as liblxc's parser has them.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::config::{
    IdRange,
    text::{is_digits, is_space},
};

/// What a key takes.
#[derive(Clone, Copy)]
pub(super) struct Form {
    takes: fn(&str) -> bool,
    /// What is wrong with a value that is not taken, as the end of a sentence.
    pub(super) why: &'static str,
    /// An empty value takes back what was set before.
    clears: bool,
}

impl Form {
    const fn new(takes: fn(&str) -> bool, why: &'static str) -> Self {
        Self { takes, why, clears: true }
    }

    const fn never_empty(mut self) -> Self {
        self.clears = false;
        self
    }

    pub(super) fn takes(&self, value: &str) -> bool {
        if value.is_empty() { self.clears } else { (self.takes)(value) }
    }
}

pub(super) const ANY: Form = Form::new(|_| true, "");
pub(super) const NUMBER: Form = Form::new(|text| number(text).is_some(), "is no number");
pub(super) const INTEGER: Form = Form::new(is_integer, "is no number");
pub(super) const SWITCH: Form = Form::new(|text| number(text).is_some_and(|n| n <= 1), "is neither 0 nor 1");
pub(super) const NUMBERS: Form =
    Form::new(|text| list(text, |id| number(id).is_some()), "is no list of numbers with commas between");
pub(super) const SIGNAL: Form = Form::new(is_signal, "is no signal");
pub(super) const LOG_LEVEL: Form = Form::new(is_log_level, "is no log level");
pub(super) const ID_RANGE: Form =
    Form::new(|text| text.parse::<IdRange>().is_ok(), "is no id map").never_empty();
pub(super) const ENVIRONMENT: Form = Form::new(
    |text| text.contains('='),
    "is not of the form NAME=value: variables of the host are not passed on",
);
pub(super) const MOUNTS: Form =
    Form::new(|text| words(text).all(is_auto_mount), "names something that liblxc can't mount");
pub(super) const LIMIT: Form = Form::new(is_limit, "is no limit, such as 1024, 1024:4096 or unlimited");
pub(super) const PROXY: Form =
    Form::new(is_proxy, "is not unix: and the path of a socket of at most 107 bytes");
pub(super) const PATH: Form = Form::new(|text| text.len() < 4096, "is longer than a path may be");
pub(super) const NEEDED_PATH: Form = Form::new(PATH.takes, "is no path").never_empty();
pub(super) const FOLDER_NAME: Form = Form::new(|text| text.len() < 256, "is longer than a name may be");
pub(super) const HOST_NAME: Form = Form::new(|text| text.len() <= 64, "is longer than 64 bytes");
pub(super) const ROOTFS: Form =
    Form::new(|text| !text.contains(':'), "has a colon, which liblxc takes for the end of a storage type");
pub(super) const CGROUP: Form = Form::new(is_cgroup, "is no path relative to the root of the control groups");
pub(super) const CGROUP_NAME: Form =
    Form::new(|text| !text.contains('/') && !matches!(text, "." | ".."), "is no name of a single folder");
pub(super) const DROPPED: Form =
    Form::new(|text| words(text).all(is_capability), "is no list of capabilities");
/// To keep none at all is a word of its own.
pub(super) const KEPT: Form =
    Form::new(|text| words(text).all(|word| word == "none" || is_capability(word)), DROPPED.why);

pub(super) const LINK: Form = Form::new(|text| text.len() <= 15, "is longer than 15 bytes");
pub(super) const NET_TYPE: Form = Form::new(
    |text| ["veth", "macvlan", "ipvlan", "vlan", "phys", "empty", "none"].contains(&text),
    "is no type of a network interface",
);
pub(super) const VETH_MODE: Form =
    Form::new(|text| ["bridge", "router"].contains(&text), "is no mode of veth");
pub(super) const MACVLAN_MODE: Form =
    Form::new(|text| ["private", "vepa", "bridge", "passthru"].contains(&text), "is no mode of macvlan");
pub(super) const IPVLAN_MODE: Form =
    Form::new(|text| ["l3", "l3s", "l2"].contains(&text), "is no mode of ipvlan");
pub(super) const IPVLAN_ISOLATION: Form =
    Form::new(|text| ["bridge", "private", "vepa"].contains(&text), "is no isolation of ipvlan");
pub(super) const QUEUES: Form =
    Form::new(|text| number(text).is_some_and(|n| (1..=0x7FFF_FFFF).contains(&n)), "is no number from 1 on");
pub(super) const VLAN: Form = Form::new(|text| at_most(text, 65_535), "is no VLAN");
pub(super) const BRIDGE_VLAN: Form =
    Form::new(|text| text == "none" || at_most(text, 4094), "is neither none nor a VLAN up to 4094");
pub(super) const TAGGED_VLAN: Form = Form::new(|text| at_most(text, 4094), "is no VLAN up to 4094");
pub(super) const ADDRESS_4: Form = Form::new(is_address_4, "is no IPv4 address");
pub(super) const ADDRESS_6: Form = Form::new(is_address_6, "is no IPv6 address");
pub(super) const GATEWAY_4: Form = Form::new(is_gateway::<Ipv4Addr>, "is no gateway");
pub(super) const GATEWAY_6: Form = Form::new(is_gateway::<Ipv6Addr>, "is no gateway");
pub(super) const ROUTE_4: Form = Form::new(|text| is_route::<Ipv4Addr>(text, 32), "is no IPv4 route");
pub(super) const ROUTE_6: Form = Form::new(|text| is_route::<Ipv6Addr>(text, 128), "is no IPv6 route");

/// A number as strtoul(3) reads it, up to 32 bits: decimal, `0x...`, or octal from `0` on.
fn number(text: &str) -> Option<u32> {
    let text = text.trim_start_matches(is_space);
    let text = text.strip_prefix('+').unwrap_or(text);
    let (digits, radix) = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(hex) => (hex, 16),
        None if text.len() > 1 && text.starts_with('0') => (text, 8),
        None => (text, 10),
    };
    // Rust's numbers may have a sign of their own.
    if digits.starts_with('+') { None } else { u32::from_str_radix(digits, radix).ok() }
}

/// A number without anything before its digits.
fn at_most(text: &str, most: u32) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit()) && number(text).is_some_and(|n| n <= most)
}

fn is_integer(text: &str) -> bool {
    at_most(text.strip_prefix(['-', '+']).unwrap_or(text), i32::MAX.unsigned_abs())
}

fn list(text: &str, item: fn(&str) -> bool) -> bool {
    let mut items = text.split(',').filter(|part| !part.is_empty()).peekable();
    items.peek().is_some() && items.all(item)
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split([' ', '\t']).filter(|word| !word.is_empty())
}

/// Signals of signal(7), beside the real-time ones.
const SIGNALS: [&str; 33] = [
    "HUP", "INT", "QUIT", "ILL", "ABRT", "FPE", "KILL", "SEGV", "PIPE", "ALRM", "TERM", "USR1", "USR2",
    "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "TRAP", "IOT", "BUS", "STKFLT", "CLD", "URG", "XCPU",
    "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "POLL", "PWR",
];

fn is_signal(text: &str) -> bool {
    if at_most(text, i32::MAX.unsigned_abs()) {
        return true;
    }
    let upper = text.to_ascii_uppercase();
    let Some(name) = upper.strip_prefix("SIG") else { return false };
    let real_time = name.strip_prefix("RTMIN+").or_else(|| name.strip_prefix("RTMAX-"));
    match real_time {
        Some(distance) => at_most(distance, 30),
        None => SIGNALS.contains(&name) || name == "SYS",
    }
}

fn is_log_level(text: &str) -> bool {
    const NAMES: [&str; 9] = ["TRACE", "DEBUG", "INFO", "NOTICE", "WARN", "ERROR", "CRIT", "ALERT", "FATAL"];
    at_most(text, 8) || NAMES.iter().any(|name| name.eq_ignore_ascii_case(text))
}

fn is_auto_mount(word: &str) -> bool {
    let (name, options) = word.split_once(':').map_or((word, None), |(name, rest)| (name, Some(rest)));
    let Some(options) = options else {
        return ["proc", "sys", "cgroup", "cgroup2", "cgroup-full"].contains(&name);
    };
    let access = options.strip_suffix(":force").unwrap_or(options);
    match name {
        "proc" => ["mixed", "rw"].contains(&options),
        "sys" => ["ro", "mixed", "rw"].contains(&options),
        "cgroup2" => ["ro", "force", "ro:force"].contains(&options),
        "cgroup" | "cgroup-full" => ["mixed", "ro", "rw"].contains(&access) || options == "force",
        "shmounts" => !options.is_empty(),
        _ => false,
    }
}

/// `soft`, or `soft:hard`.
fn is_limit(text: &str) -> bool {
    let one = |text: &str| {
        let digits = text.strip_prefix('-').unwrap_or(text);
        text == "unlimited" || is_digits(digits) && digits.parse::<u64>().is_ok()
    };
    match text.split_once(':') {
        Some((soft, hard)) => one(soft.trim()) && (hard.trim().is_empty() || one(hard.trim())),
        None => one(text),
    }
}

fn is_proxy(text: &str) -> bool {
    text.strip_prefix("unix:")
        .is_some_and(|path| path.starts_with(['/', '@']) && (2..108).contains(&path.len()))
}

fn is_cgroup(text: &str) -> bool {
    PATH.takes(text) && !text.starts_with('/') && !text.contains("..")
}

/// Names of capabilities(7); a number stands for itself.
const CAPABILITY_NAMES: [&str; 41] = [
    "chown",
    "dac_override",
    "dac_read_search",
    "fowner",
    "fsetid",
    "kill",
    "setgid",
    "setuid",
    "setpcap",
    "linux_immutable",
    "net_bind_service",
    "net_broadcast",
    "net_admin",
    "net_raw",
    "ipc_lock",
    "ipc_owner",
    "sys_module",
    "sys_rawio",
    "sys_chroot",
    "sys_ptrace",
    "sys_pacct",
    "sys_admin",
    "sys_boot",
    "sys_nice",
    "sys_resource",
    "sys_time",
    "sys_tty_config",
    "mknod",
    "lease",
    "audit_write",
    "audit_control",
    "setfcap",
    "mac_override",
    "mac_admin",
    "syslog",
    "wake_alarm",
    "block_suspend",
    "audit_read",
    "perfmon",
    "bpf",
    "checkpoint_restore",
];

fn is_capability(word: &str) -> bool {
    CAPABILITY_NAMES.contains(&word) || at_most(word, 40)
}

/// `address`, `address/prefix`, either with a broadcast address behind a blank.
fn is_address_4(text: &str) -> bool {
    let (text, broadcast) = text.split_once(' ').map_or((text, None), |(text, rest)| (text, Some(rest)));
    let (address, prefix) = text.split_once('/').map_or((text, None), |(text, rest)| (text, Some(rest)));
    address.parse::<Ipv4Addr>().is_ok()
        && prefix.is_none_or(|prefix| at_most(prefix, 32))
        && broadcast.is_none_or(|broadcast| broadcast.parse::<Ipv4Addr>().is_ok())
}

fn is_address_6(text: &str) -> bool {
    let (address, prefix) = text.split_once('/').map_or((text, None), |(text, rest)| (text, Some(rest)));
    address.parse::<Ipv6Addr>().is_ok() && prefix.is_none_or(|prefix| at_most(prefix, 128))
}

fn is_gateway<A: std::str::FromStr>(text: &str) -> bool {
    ["auto", "dev"].contains(&text) || text.parse::<A>().is_ok()
}

fn is_route<A: std::str::FromStr>(text: &str, most: u32) -> bool {
    text.split_once('/')
        .is_some_and(|(address, prefix)| address.parse::<A>().is_ok() && at_most(prefix, most))
}
