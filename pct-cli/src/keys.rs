//! The keys of the config language as options of `create`.

use crate::{
    formats,
    spec::{Kind, Param, SubKey},
};

/// Every key that may be given on the command line (spec: cli, part 5.4; config, part 3), sorted by name.
pub(crate) fn options() -> &'static [Param] {
    KEYS
}

const fn int(min: i64, max: i64) -> Kind {
    Kind::Int { min: Some(min), max: Some(max) }
}

const fn sub(name: &'static str, value: &'static str) -> SubKey {
    SubKey { name, value, optional: true, bare: false }
}

const fn must(name: &'static str, value: &'static str) -> SubKey {
    SubKey { name, value, optional: false, bare: false }
}

const fn bare(name: &'static str, value: &'static str, optional: bool) -> SubKey {
    SubKey { name, value, optional, bare: true }
}

const YES_NO: &str = "<1|0>";

const ROOTFS: &[SubKey] = &[
    bare("volume", "<volume>", false),
    sub("acl", YES_NO),
    sub("idmap", "<passthrough|type:ct:host:count[;...]>"),
    sub("mountoptions", "<option[;option...]>"),
    sub("quota", YES_NO),
    sub("replicate", YES_NO),
    sub("ro", YES_NO),
    sub("shared", YES_NO),
    sub("size", "<DiskSize>"),
];

const MOUNT_POINT: &[SubKey] = &[
    bare("volume", "<volume>", false),
    must("mp", "<path>"),
    sub("acl", YES_NO),
    sub("backup", YES_NO),
    sub("idmap", "<passthrough|type:ct:host:count[;...]>"),
    sub("keepattrs", YES_NO),
    sub("mountoptions", "<option[;option...]>"),
    sub("quota", YES_NO),
    sub("replicate", YES_NO),
    sub("ro", YES_NO),
    sub("shared", YES_NO),
    sub("size", "<DiskSize>"),
];

const NET: &[SubKey] = &[
    must("name", "<interface>"),
    sub("bridge", "<bridge>"),
    sub("firewall", YES_NO),
    sub("gw", "<IPv4>"),
    sub("gw6", "<IPv6>"),
    sub("host-managed", YES_NO),
    sub("hwaddr", "<XX:XX:XX:XX:XX:XX>"),
    sub("ip", "<IPv4/CIDR|dhcp|manual>"),
    sub("ip6", "<IPv6/CIDR|auto|dhcp|manual>"),
    sub("link_down", YES_NO),
    sub("mtu", "<integer>"),
    sub("rate", "<MB/s>"),
    sub("tag", "<integer>"),
    sub("trunks", "<vlan[;vlan...]>"),
    sub("type", "<veth>"),
];

const DEVICE: &[SubKey] = &[
    bare("path", "<path>", true),
    sub("deny-write", YES_NO),
    sub("gid", "<integer>"),
    sub("mode", "<octal>"),
    sub("uid", "<integer>"),
];

const FEATURES: &[SubKey] = &[
    sub("force_rw_sys", YES_NO),
    sub("fuse", YES_NO),
    sub("keyctl", YES_NO),
    sub("mknod", YES_NO),
    sub("mount", "<fstype[;fstype...]>"),
    sub("nesting", YES_NO),
];

const STARTUP: &[SubKey] =
    &[bare("order", "<integer>", true), sub("down", "<seconds>"), sub("up", "<seconds>")];

const UNUSED: &[SubKey] = &[bare("volume", "<volume>", false)];

fn is_printable(value: &str) -> bool {
    !value.is_empty() && value.chars().all(|c| c == '\t' || !c.is_ascii_control())
}

fn is_environment(value: &str) -> bool {
    let is_value_char = |c: char| matches!(c, '\t') || !c.is_ascii_control();
    value.split('\0').all(|pair| {
        pair.split_once('=').is_some_and(|(name, value)| {
            !name.is_empty()
                && name.chars().all(|c| c.is_alphanumeric() || c == '_')
                && value.chars().all(is_value_char)
        })
    })
}

const KEYS: &[Param] = &[
    Param::new(
        "arch",
        Kind::Enum(&["amd64", "i386", "arm64", "armhf", "riscv32", "riscv64"]),
        "The processor architecture of the programs inside. 'create' finds it out from the template.",
    )
    .default("amd64"),
    Param::new(
        "cmode",
        Kind::Enum(&["shell", "console", "tty"]),
        "What 'pct console' opens: a login on a tty, the system console /dev/console, or a root shell.",
    )
    .default("tty"),
    Param::new("console", Kind::Bool, "Whether the container has a system console, /dev/console.").default("1"),
    Param::new("cores", int(1, 8192), "How many processors the container may use. Unset, it may use all."),
    Param::new(
        "cpulimit",
        Kind::Number { min: Some(0), max: Some(8192) },
        "Limit of computing time: 0.5 is half a processor, 2 is two processors. 0 is no limit.",
    )
    .default("0"),
    Param::new(
        "cpuunits",
        int(0, 500_000),
        "Weight among all containers when they compete for processors. Twice the weight gets twice the time.",
    )
    .default("cgroup v1: 1024, cgroup v2: 100"),
    Param::new("debug", Kind::Bool, "Write a detailed start log. Only for finding faults.").default("0"),
    Param::new("description", Kind::Text, "Free text about the container, of any number of lines.").max_len(8192),
    Param::new("dev", Kind::Property(DEVICE), "Pass a device node of the host on to the container.").family(256),
    Param::new("entrypoint", Kind::Text, "The command that runs as process 1.")
        .pattern(is_printable)
        .default("/sbin/init"),
    Param::new("env", Kind::Text, "Environment of process 1: NAME=VALUE pairs, separated by NUL characters.")
        .pattern(is_environment),
    Param::new("features", Kind::Property(FEATURES), "Permissions beyond the usual ones."),
    Param::new("hookscript", Kind::Text, "A script that is run at points of the container's life.")
        .type_text("<storage:snippets/file>"),
    Param::new("hostname", Kind::Text, "The host name. Unset, it is CT and the container's number.")
        .format(formats::dns_name)
        .max_len(255),
    Param::new(
        "lock",
        Kind::Enum(&[
            "backup",
            "create",
            "destroyed",
            "disk",
            "fstrim",
            "migrate",
            "mounted",
            "rollback",
            "snapshot",
            "snapshot-delete",
        ]),
        "Mark the container as being worked on. Other commands then leave it alone.",
    ),
    Param::new("memory", Kind::Int { min: Some(16), max: None }, "Memory in MiB.").default("512"),
    Param::new("mp", Kind::Property(MOUNT_POINT), "Mount a volume, a device or a directory of the host inside.")
        .family(256),
    Param::new(
        "nameserver",
        Kind::List,
        "Addresses of the DNS servers. Unset, together with searchdomain, the host's are taken.",
    ),
    Param::new("net", Kind::Property(NET), "A network interface, connected to a bridge of the host.").family(32),
    Param::new("onboot", Kind::Bool, "Start the container when the host starts.").default("0"),
    Param::new(
        "ostype",
        Kind::Enum(&[
            "debian",
            "devuan",
            "ubuntu",
            "centos",
            "fedora",
            "opensuse",
            "archlinux",
            "alpine",
            "gentoo",
            "nixos",
            "unmanaged",
        ]),
        "The distribution inside, which decides how network, host name and users are set up. 'unmanaged' sets up \
         nothing.",
    ),
    Param::new("protection", Kind::Bool, "Refuse to remove the container or its volumes.").default("0"),
    Param::new("rootfs", Kind::Property(ROOTFS), "The volume that holds the root file system."),
    Param::new(
        "searchdomain",
        Kind::List,
        "Domains that are searched for a host name. Unset, together with nameserver, the host's are taken.",
    )
    .format(formats::dns_names),
    Param::new(
        "startup",
        Kind::Property(STARTUP),
        "When the host starts, containers start by ascending 'order', and stop the other way round. 'up' is the \
         delay before the next one starts, 'down' the time allowed for a shutdown.",
    ),
    Param::new("swap", Kind::Int { min: Some(0), max: None }, "Swap space in MiB.").default("512"),
    Param::new("tags", Kind::List, "Words to sort containers by. They mean nothing to the container.")
        .format(formats::tags),
    Param::new("template", Kind::Bool, "The container is a template: made to be cloned, never started.")
        .default("0"),
    Param::new("timezone", Kind::Text, "Time zone inside, such as Europe/Vienna; 'host' takes the host's. Unset, \
         nothing is changed."),
    Param::new("tty", int(0, 6), "How many ttys the container has.").default("2"),
    Param::new(
        "unprivileged",
        Kind::Bool,
        "Map the users inside to powerless users of the host. 'create' does it unless told not to; it cannot be \
         changed later.",
    )
    .default("0"),
    Param::new("unused", Kind::Property(UNUSED), "A volume that is kept but not used.").family(256),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_names_each_key_once() {
        assert!(KEYS.windows(2).all(|pair| pair[0].name < pair[1].name));
    }

    #[test]
    fn patterns_of_texts() {
        for (value, sound) in [("/sbin/init", true), ("/bin/sh -c\tx", true), ("", false), ("a\nb", false)] {
            assert_eq!(is_printable(value), sound, "{value:?}");
        }
        for (value, sound) in [
            ("A=1", true),
            ("A=\0B=x y", true),
            ("bad", false),
            ("=x", false),
            ("A=\n", false),
            ("A=1\0", false),
        ] {
            assert_eq!(is_environment(value), sound, "{value:?}");
        }
    }
}
