//! The options of storages: what each is for, and what its value is. Which type takes which stands in `types.rs`.

/// An option of a storage, as `storage.cfg` has it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct StorageOption {
    /// Its name.
    pub name: &'static str,
    /// What it is for, in one or two sentences.
    pub about: &'static str,
    /// What its value is.
    pub value: StorageValue,
}

/// What the value of a [`StorageOption`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StorageValue {
    /// On or off.
    Flag,
    /// On or off, or an absolute path.
    FlagOrPath,
    /// An absolute path.
    Path,
    /// A word that does not begin with a dash.
    Word,
    /// A whole number; -1 is none.
    Number,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A list whose order says nothing.
    List,
    /// A list of the contents that the type can hold.
    Content,
    /// One of the formats that the type has.
    Format,
    /// Limits of speed, such as `clone=1000,default=5000`.
    Limits,
    /// Any text on one line.
    Text,
}

use StorageValue::{Choice, Content, Flag, FlagOrPath, Format, Limits, List, Number, Path, Text, Word};

const fn option(name: &'static str, value: StorageValue, about: &'static str) -> StorageOption {
    StorageOption { name, about, value }
}

/// All options that a storage can have, sorted by name.
pub const STORAGE_OPTIONS: &[StorageOption] = &[
    option("base", Word, "lvm: the volume of another storage, on iSCSI, that the volume group lies on."),
    option("blocksize", Word, "zfspool: the size of blocks, of volumes that are block devices."),
    option("bwlimit", Limits, "How many KiB a second data may be moved: clone=, move=, restore=, default=."),
    option("content", Content, "What the storage may hold."),
    option(
        "content-dirs",
        List,
        "Folders that are not the usual ones, as <content>=<folder below the path>.",
    ),
    option("create-base-path", Flag, "Make the path where it is missing; on, where nothing is said."),
    option(
        "create-subdirs",
        Flag,
        "Make the folders below the path; folders are made here when they are needed.",
    ),
    option(
        "data-pool",
        Word,
        "rbd: the pool for data, where that of the images is for what describes them only.",
    ),
    option("disable", Flag, "Switch the storage off."),
    option("domain", Word, "cifs: the domain of the user."),
    option("export", Path, "nfs: the path that the server exports."),
    option("format", Format, "The format of new volumes of virtual machines."),
    option("fs-name", Word, "cephfs: the name of the file system."),
    option("fuse", Flag, "cephfs: mount by FUSE, not by the kernel."),
    option(
        "is_mountpoint",
        FlagOrPath,
        "Use the path only when something is mounted there, or on this other path.",
    ),
    option("keyring", Text, "rbd, cephfs: the key; it is not written here but in a file of its own."),
    option("krbd", Flag, "rbd: map images by the kernel; containers always do."),
    option("max-protected-backups", Number, "How many backups of a guest may be protected."),
    option("mkdir", Flag, "An older name of create-base-path."),
    option("monhost", Text, "rbd, cephfs: the monitors of a cluster that is not this host's."),
    option("mountpoint", Path, "zfspool: where the pool is mounted, if not on its name below /."),
    option("namespace", Word, "rbd: the namespace in the pool."),
    option("nocow", Flag, "btrfs: overwrite images in place, without copies and checksums."),
    option("nodes", List, "The hosts that may use the storage; all where nothing is said."),
    option("options", Text, "nfs, cifs, cephfs: options of the mount."),
    option("password", Text, "cifs: the password; it is not written here but in a file of its own."),
    option("path", Path, "The directory of the storage, or where it is mounted."),
    option("pool", Word, "zfspool, rbd: the pool."),
    option("portal", Word, "iscsi: the address of the target, with a port or without."),
    option(
        "preallocation",
        Choice(&["off", "metadata", "falloc", "full"]),
        "How much of an image is allocated when it is made.",
    ),
    option("prune-backups", Text, "Which backups are kept, such as keep-last=3."),
    option("saferemove", Flag, "lvm: overwrite what was on a volume before it is removed."),
    option(
        "saferemove-stepsize",
        Choice(&["1", "2", "4", "8", "16", "32"]),
        "lvm: how many MiB are overwritten at a time.",
    ),
    option("saferemove_throughput", Text, "lvm: how many bytes a second are overwritten, by cstream(1)."),
    option("server", Word, "nfs, cifs: the server."),
    option("share", Text, "cifs: the share of the server."),
    option("shared", Flag, "All hosts see the same content."),
    option(
        "smbversion",
        Choice(&["default", "2.0", "2.1", "3", "3.0", "3.11"]),
        "cifs: the version of the protocol.",
    ),
    option("snapshot-as-volume-chain", Flag, "Snapshots of virtual machines as chains of volumes."),
    option("sparse", Flag, "zfspool: block devices take their room when they are written to."),
    option("subdir", Path, "cifs, cephfs: the folder that is mounted."),
    option("tagged_only", Flag, "lvm: list only volumes with the tag of a guest."),
    option("target", Word, "iscsi: the name of the target."),
    option("thinpool", Word, "lvmthin: the thin pool."),
    option("username", Word, "cifs, rbd, cephfs: as whom the server is spoken to."),
    option("vgname", Word, "lvm, lvmthin: the volume group."),
];

/// What the value of an option is; that of one that is not known may be any text.
pub(super) fn value_of(name: &str) -> StorageValue {
    STORAGE_OPTIONS.iter().find(|option| option.name == name).map_or(Text, |option| option.value)
}
