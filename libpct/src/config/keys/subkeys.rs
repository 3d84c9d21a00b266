//! The sub-keys of property strings (spec: config, parts 3.2 and 3.4 to 3.6).

use super::{SubKey, patterns};
use crate::config::{
    formats::Format,
    schema::{Schema, Type},
};

const fn optional(name: &'static str, schema: Schema) -> SubKey {
    SubKey { name, mandatory: false, default_key: false, schema }
}

const fn mandatory(name: &'static str, schema: Schema) -> SubKey {
    SubKey { name, mandatory: true, default_key: false, schema }
}

const fn bare(name: &'static str, mandatory: bool, schema: Schema) -> SubKey {
    SubKey { name, mandatory, default_key: true, schema }
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

/// Sub-keys of `netN`.
pub static NET: &[SubKey] = &[
    mandatory("name", string("Name of the interface as the container sees it.").pattern(patterns::LINK_NAME)),
    optional(
        "bridge",
        string("Bridge of the host that the interface is plugged into.")
            .pattern(patterns::LINK_NAME)
            .shown_as("<bridge>"),
    ),
    optional("firewall", boolean("Apply the container's firewall rules to this interface.").default("0")),
    optional(
        "gw",
        string("Default gateway for IPv4 traffic.").format(Format::Ipv4).shown_as("<GatewayIPv4>"),
    ),
    optional(
        "gw6",
        string("Default gateway for IPv6 traffic.").format(Format::Ipv6).shown_as("<GatewayIPv6>"),
    ),
    optional("host-managed", boolean("Let the host configure the addresses of this interface.").default("0")),
    optional(
        "hwaddr",
        string("MAC address of the interface. A random one is chosen when it is not given.")
            .format(Format::Mac)
            .shown_as("<XX:XX:XX:XX:XX:XX>"),
    ),
    optional(
        "ip",
        string("IPv4 address with prefix length, or where it comes from.")
            .format(Format::Ip4Config)
            .shown_as("<(IPv4/CIDR|dhcp|manual)>"),
    ),
    optional(
        "ip6",
        string("IPv6 address with prefix length, or where it comes from.")
            .format(Format::Ip6Config)
            .shown_as("<(IPv6/CIDR|auto|dhcp|manual)>"),
    ),
    optional("link_down", boolean("Leave the interface disconnected, like a pulled cable.").default("0")),
    optional(
        "mtu",
        integer("Maximum transfer unit of the interface. The bridge's one is taken when it is not given.")
            .range(64, 65535),
    ),
    optional(
        "rate",
        Schema::new(Type::Number, "Limit for the transfer rate in megabytes a second.")
            .unit("MB/s")
            .shown_as("<mbps>"),
    ),
    optional("tag", integer("VLAN that the interface belongs to.").range(1, 4094)),
    optional(
        "trunks",
        string("VLANs that may pass through the interface, separated by semicolons.")
            .pattern(patterns::VLAN_LIST)
            .shown_as("<vlanid[;vlanid...]>"),
    ),
    optional("type", string("Kind of the interface.").one_of(&["veth"])),
];

const VOLUME: SubKey = bare(
    "volume",
    true,
    string("Volume, device, or directory of the host to mount.")
        .format(Format::MountPath)
        .shown_as("<volume>"),
);
const ACL: SubKey = optional("acl", boolean("Switch POSIX access control lists on or off."));
const ID_MAP: SubKey = optional(
    "idmap",
    string(
        "Ids of the container that have other ids on this volume: entries \
         `<u|g>:<container id>:<id on disk>:<count>` separated by semicolons, or `passthrough` when all ids \
         on disk are the container's own.",
    )
    .pattern(patterns::MOUNT_ID_MAP),
);
const MOUNT_OPTIONS: SubKey = optional(
    "mountoptions",
    string(
        "Additional mount options, separated by semicolons: discard, lazytime, noatime, nodev, noexec, \
         nosuid.",
    )
    .pattern(patterns::MOUNT_OPTION_LIST)
    .shown_as("<opt[;opt...]>"),
);
const QUOTA: SubKey =
    optional("quota", boolean("Let the container manage user quotas on it. Not for ZFS subvolumes."));
const REPLICATE: SubKey =
    optional("replicate", boolean("Take part in the replication of the container's volumes.").default("1"));
const READ_ONLY: SubKey = optional("ro", boolean("Mount it read-only."));
const SHARED: SubKey = optional(
    "shared",
    boolean("Say that every node of the cluster has this volume. It is not shared by saying so.")
        .default("0"),
);
const SIZE: SubKey = optional(
    "size",
    string("Size of the volume. For information only, a change has no effect.")
        .format(Format::DiskSize)
        .shown_as("<DiskSize>"),
);

/// Sub-keys of `rootfs`.
pub static ROOTFS: &[SubKey] =
    &[VOLUME, ACL, ID_MAP, MOUNT_OPTIONS, QUOTA, REPLICATE, READ_ONLY, SHARED, SIZE];

/// Sub-keys of `mpN`.
pub static MOUNT_POINT: &[SubKey] = &[
    VOLUME,
    mandatory(
        "mp",
        string("Path inside the container where it is mounted.").format(Format::MountPath).shown_as("<Path>"),
    ),
    ACL,
    optional("backup", boolean("Include it in backups. Only volumes can be.").default("0")),
    ID_MAP,
    optional(
        "keepattrs",
        boolean("Give the root of the mount the owner and mode of the directory that it covers.")
            .default("0"),
    ),
    MOUNT_OPTIONS,
    QUOTA,
    REPLICATE,
    READ_ONLY,
    SHARED,
    SIZE,
];

/// Sub-keys of `unusedN`.
pub static UNUSED: &[SubKey] = &[bare(
    "volume",
    true,
    string("The volume that is not used any more.").format(Format::VolumeId).shown_as("<volume>"),
)];

/// Sub-keys of `devN`.
pub static DEVICE: &[SubKey] = &[
    // Needed all the same; its absence has a message of its own.
    bare(
        "path",
        false,
        string("Device of the host to pass through.").format(Format::DevicePath).shown_as("<Path>"),
    ),
    optional("deny-write", boolean("Do not let the container write to the device.").default("0")),
    optional(
        "gid",
        integer("Group that owns the device node inside the container; 0 when not given.").at_least(0),
    ),
    optional(
        "mode",
        string("Access mode of the device node, octal with a leading zero; 0660 when not given.")
            .pattern(patterns::OCTAL_MODE)
            .shown_as("<Octal access mode>"),
    ),
    optional(
        "uid",
        integer("User that owns the device node inside the container; 0 when not given.").at_least(0),
    ),
];

/// Sub-keys of `features`.
pub static FEATURES: &[SubKey] = &[
    optional(
        "force_rw_sys",
        boolean("Mount /sys writable in an unprivileged container. This can break networking of newer systemd.")
            .default("0"),
    ),
    optional(
        "fuse",
        boolean("Allow FUSE file systems. A stop or snapshot can hang while one is in use.").default("0"),
    ),
    optional(
        "keyctl",
        boolean("Allow the keyctl system call in an unprivileged container. Docker needs it.").default("0"),
    ),
    optional(
        "mknod",
        boolean("Let an unprivileged container create certain device nodes. Needs Linux 5.3.").default("0"),
    ),
    optional(
        "mount",
        string(
            "File system types that the container may mount, separated by semicolons. Each lets it reach more \
             code of the host's kernel.",
        )
        .pattern(patterns::FS_TYPES)
            .shown_as("<fstype;fstype;...>"),
    ),
    optional(
        "nesting",
        boolean("Allow containers inside the container. It shows the host's /proc and /sys to it.").default("0"),
    ),
];
