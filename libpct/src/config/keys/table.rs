//! The keys (spec: config, part 3), sorted by name.

use super::{Hotplug, Key, patterns, subkeys};
use crate::config::{
    formats::Format,
    schema::{Schema, Type},
};

const fn key(name: &'static str, hotplug: Hotplug, schema: Schema) -> Key {
    Key { name, last_index: None, parameter: true, hotplug, schema }
}

const fn family(name: &'static str, last_index: u16, hotplug: Hotplug, schema: Schema) -> Key {
    Key { name, last_index: Some(last_index), parameter: true, hotplug, schema }
}

const fn internal(name: &'static str, schema: Schema) -> Key {
    Key { name, last_index: None, parameter: false, hotplug: Hotplug::Internal, schema }
}

const fn boolean(description: &'static str) -> Schema {
    Schema::new(Type::Boolean, description)
}

const fn integer(description: &'static str) -> Schema {
    Schema::new(Type::Integer, description)
}

const fn string(description: &'static str) -> Schema {
    Schema::new(Type::String, description)
}

/// Every key that a config section may hold, sorted by name. A family counts
/// as one entry.
pub static KEYS: &[Key] = &[
    key(
        "arch",
        Hotplug::Pending,
        string(
            "Processor architecture of the container's programs. A new container gets that of its template.",
        )
            .one_of(&["amd64", "i386", "arm64", "armhf", "riscv32", "riscv64"])
            .default("amd64"),
    ),
    key(
        "cmode",
        Hotplug::Pending,
        string(
            "What `pct console` connects to: one of the terminals (tty), the console device (console), or a \
             fresh shell without login (shell).",
        )
        .one_of(&["shell", "console", "tty"])
        .default("tty"),
    ),
    key(
        "console",
        Hotplug::Pending,
        boolean("Give the container a console device, /dev/console.").default("1"),
    ),
    key(
        "cores",
        Hotplug::Conf,
        integer("Number of CPUs that the container may use. All of the host's when it is not given.")
            .range(1, 8192),
    ),
    key(
        "cpulimit",
        Hotplug::Live,
        Schema::new(
            Type::Number,
            "Limit for CPU time: 1.5 is one and a half CPUs' worth. 0 means no limit.",
        )
        .range(0, 8192)
        .unit("CPUs")
        .default("0"),
    ),
    key(
        "cpuunits",
        Hotplug::Live,
        integer("Weight for the CPU scheduler relative to the other containers.")
            .range(0, 500_000)
            .default("cgroup v1: 1024, cgroup v2: 100"),
    ),
    key("debug", Hotplug::Pending, boolean("Start with a more verbose log.").default("0")),
    key(
        "description",
        Hotplug::Conf,
        string("Notes about the container. They are kept as comment lines of the config file.")
            .max_length(8192),
    ),
    family(
        "dev",
        255,
        Hotplug::LiveWhenNew,
        string("A device of the host for the container.").properties(subkeys::DEVICE),
    ),
    key(
        "entrypoint",
        Hotplug::Pending,
        string("Command line of the first process, where it is not the init of the distribution.")
            .pattern(patterns::COMMAND_LINE)
            .default("/sbin/init"),
    ),
    key(
        "env",
        Hotplug::Pending,
        string(
            "Environment of the first process: entries NAME=VALUE separated by NUL. The file has a line \
             lxc.environment.runtime for each.",
        )
        .pattern(patterns::ENVIRONMENT),
    ),
    key(
        "features",
        Hotplug::Pending,
        string("What the container may do beyond the ordinary.").properties(subkeys::FEATURES),
    ),
    key(
        "hookscript",
        Hotplug::Conf,
        string("Script that is run at certain steps of the container's life.").format(Format::VolumeId),
    ),
    key(
        "hostname",
        Hotplug::Conf,
        string("Host name of the container.").format(Format::DnsName).max_length(255),
    ),
    key(
        "lock",
        Hotplug::Conf,
        string("Marks the container as taken by an operation.").one_of(&[
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
    ),
    key(
        "memory",
        Hotplug::Live,
        integer("Memory of the container in MiB.").at_least(16).unit("MiB").default("512"),
    ),
    family(
        "mp",
        255,
        Hotplug::LiveWhenNew,
        string("A volume, device, or directory to mount into the container. `<storage>:<GiB>` creates a volume.")
            .properties(subkeys::MOUNT_POINT),
    ),
    key(
        "nameserver",
        Hotplug::Pending,
        string("Addresses of DNS servers. The host's are taken when neither this nor searchdomain is given.")
            .list(Format::NameServer),
    ),
    family("net", 31, Hotplug::Live, string("A network interface.").properties(subkeys::NET)),
    key("onboot", Hotplug::Conf, boolean("Start the container when the host starts.").default("0")),
    key(
        "ostype",
        Hotplug::Pending,
        string("Distribution inside. It decides how the guest is set up; `unmanaged` leaves the guest alone.")
            .one_of(&[
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
    ),
    internal(
        "parent",
        string("Snapshot that the current state is based on.").format(Format::ConfigId).max_length(40),
    ),
    key(
        "protection",
        Hotplug::Conf,
        boolean("Refuse to remove the container and to remove or change its disks.").default("0"),
    ),
    key(
        "rootfs",
        Hotplug::Pending,
        string("The volume with the root file system.").properties(subkeys::ROOTFS),
    ),
    key(
        "searchdomain",
        Hotplug::Pending,
        string("Domains that DNS searches for short names. The host's are taken when neither this nor nameserver is given.")
            .list(Format::DnsName),
    ),
    internal("snaptime", integer("When the snapshot was taken, in seconds since 1970.").at_least(0)),
    key(
        "startup",
        Hotplug::Conf,
        string(
            "Order of start with the host, and of the reverse at shutdown. `up` and `down` are seconds to wait \
             before the next container.",
        )
        .format(Format::StartupOrder)
        .shown_as(r"[[order=]\d+] [,up=\d+] [,down=\d+] "),
    ),
    key(
        "swap",
        Hotplug::Live,
        integer(
            "Swap space of the container in MiB. Without the key there is none; a new container gets the \
             default.",
        )
        .at_least(0).unit("MiB").default("512"),
    ),
    key("tags", Hotplug::Conf, string("Labels without meaning to the host.").list(Format::Tag)),
    key(
        "template",
        Hotplug::Pending,
        boolean("Make the container a template, which can be cloned but not started.").default("0"),
    ),
    key(
        "timezone",
        Hotplug::Pending,
        string("Time zone of the container: a name of the zone database, UTC, or `host` for the host's.")
            .format(Format::TimeZone),
    ),
    key(
        "tty",
        Hotplug::Pending,
        integer("Number of terminals that the container gets.").range(0, 6).default("2"),
    ),
    key(
        "unprivileged",
        Hotplug::ReadOnly,
        boolean(
            "Run with user ids that have no rights on the host. A new container does unless told otherwise; \
             later it cannot be changed.",
        )
            .default("0"),
    ),
    family(
        "unused",
        255,
        Hotplug::Conf,
        string("A volume of the container that nothing uses. The program keeps these itself.")
            .properties(subkeys::UNUSED),
    ),
];
