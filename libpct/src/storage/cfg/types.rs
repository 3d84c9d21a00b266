//! The types of storages and their options (spec: runtime, part 10.2): from this table come the checks of a file, the
//! defaults, and the order in which options are written.

use super::limits::Limits;
use crate::config::{parse_bool, split_list};

/// What a type of storage is and takes.
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    required: &'static [&'static str],
    /// None: its options are not ours to know.
    optional: Option<&'static [&'static str]>,
    content: &'static [&'static str],
    default_content: &'static [&'static str],
    formats: &'static [&'static str],
    /// The same storage for every host, whatever the file says.
    pub(crate) shared: bool,
}

const FILES: &[&str] = &["images", "rootdir", "vztmpl", "iso", "backup", "snippets", "import", "none"];
const MOUNTED: &[&str] = &["images", "rootdir", "vztmpl", "iso", "backup", "snippets", "import"];
const VOLUMES: &[&str] = &["images", "rootdir"];

const KINDS: [Kind; 14] = [
    Kind {
        name: "dir",
        required: &["path"],
        optional: Some(&[
            "content-dirs",
            "create-base-path",
            "create-subdirs",
            "is_mountpoint",
            "mkdir",
            "preallocation",
            "snapshot-as-volume-chain",
        ]),
        content: FILES,
        default_content: VOLUMES,
        formats: &["raw", "qcow2", "vmdk", "subvol"],
        shared: false,
    },
    Kind {
        name: "btrfs",
        required: &["path"],
        optional: Some(&[
            "content-dirs",
            "create-base-path",
            "create-subdirs",
            "is_mountpoint",
            "mkdir",
            "nocow",
            "preallocation",
        ]),
        content: FILES,
        default_content: VOLUMES,
        formats: &["raw", "subvol"],
        shared: false,
    },
    Kind {
        name: "nfs",
        required: &["export", "server"],
        optional: Some(&[
            "content-dirs",
            "create-base-path",
            "create-subdirs",
            "mkdir",
            "options",
            "path",
            "preallocation",
            "snapshot-as-volume-chain",
        ]),
        content: MOUNTED,
        default_content: &["images"],
        formats: &["raw", "qcow2", "vmdk"],
        shared: true,
    },
    Kind {
        name: "cifs",
        required: &["server", "share"],
        optional: Some(&[
            "content-dirs",
            "create-base-path",
            "create-subdirs",
            "domain",
            "mkdir",
            "options",
            "password",
            "path",
            "preallocation",
            "smbversion",
            "snapshot-as-volume-chain",
            "subdir",
            "username",
        ]),
        content: MOUNTED,
        default_content: &["images"],
        formats: &["raw", "qcow2", "vmdk"],
        shared: true,
    },
    Kind {
        name: "cephfs",
        required: &[],
        optional: Some(&[
            "content-dirs",
            "create-base-path",
            "create-subdirs",
            "fs-name",
            "fuse",
            "keyring",
            "mkdir",
            "monhost",
            "options",
            "path",
            "subdir",
            "username",
        ]),
        content: &["vztmpl", "iso", "backup", "snippets", "import"],
        default_content: &["backup"],
        formats: &[],
        shared: true,
    },
    Kind {
        name: "lvm",
        required: &["vgname"],
        optional: Some(&[
            "base",
            "saferemove",
            "saferemove-stepsize",
            "saferemove_throughput",
            "snapshot-as-volume-chain",
            "tagged_only",
        ]),
        content: VOLUMES,
        default_content: &["images"],
        formats: &["raw", "qcow2"],
        shared: false,
    },
    Kind {
        name: "lvmthin",
        required: &["thinpool", "vgname"],
        optional: Some(&[]),
        content: VOLUMES,
        default_content: VOLUMES,
        formats: &["raw"],
        shared: false,
    },
    Kind {
        name: "zfspool",
        required: &["pool"],
        optional: Some(&["blocksize", "mountpoint", "sparse"]),
        content: VOLUMES,
        default_content: VOLUMES,
        formats: &["raw", "subvol"],
        shared: false,
    },
    Kind {
        name: "rbd",
        required: &[],
        optional: Some(&["data-pool", "keyring", "krbd", "monhost", "namespace", "pool", "username"]),
        content: VOLUMES,
        default_content: &["images"],
        formats: &["raw"],
        shared: true,
    },
    Kind {
        name: "iscsi",
        required: &["portal", "target"],
        optional: Some(&[]),
        content: &["images", "none"],
        default_content: &["images"],
        formats: &["raw"],
        shared: true,
    },
    foreign("iscsidirect", true),
    foreign("zfs", true),
    foreign("pbs", true),
    foreign("esxi", false),
];

/// A type that cannot hold containers: kept as it is.
const fn foreign(name: &'static str, shared: bool) -> Kind {
    Kind {
        name,
        required: &[],
        optional: None,
        content: &[],
        default_content: &["images"],
        formats: &[],
        shared,
    }
}

/// Options of every type.
const COMMON: &[&str] =
    &["bwlimit", "content", "disable", "format", "max-protected-backups", "nodes", "prune-backups", "shared"];

/// What the value of an option is.
enum Value {
    Flag,
    /// A flag, or an absolute path.
    FlagOrPath,
    Path,
    /// One word that is no option of a program.
    Word,
    Number,
    Choice(&'static [&'static str]),
    /// A list whose order says nothing.
    List,
    Content,
    Format,
    Limits,
    Text,
}

fn value_of(key: &str) -> Value {
    match key {
        "create-base-path"
        | "create-subdirs"
        | "mkdir"
        | "snapshot-as-volume-chain"
        | "nocow"
        | "fuse"
        | "saferemove"
        | "tagged_only"
        | "sparse"
        | "krbd"
        | "disable"
        | "shared" => Value::Flag,
        "is_mountpoint" => Value::FlagOrPath,
        "path" | "mountpoint" | "export" | "subdir" => Value::Path,
        "server" | "username" | "domain" | "fs-name" | "vgname" | "thinpool" | "pool" | "data-pool"
        | "namespace" | "base" | "portal" | "target" | "blocksize" => Value::Word,
        "max-protected-backups" => Value::Number,
        "preallocation" => Value::Choice(&["off", "metadata", "falloc", "full"]),
        "smbversion" => Value::Choice(&["default", "2.0", "2.1", "3", "3.0", "3.11"]),
        "saferemove-stepsize" => Value::Choice(&["1", "2", "4", "8", "16", "32"]),
        "nodes" | "content-dirs" => Value::List,
        "content" => Value::Content,
        "format" => Value::Format,
        "bwlimit" => Value::Limits,
        _ => Value::Text,
    }
}

/// The type of a name, if it is known.
pub(crate) fn kind(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.name == name)
}

impl Kind {
    /// The options without which a storage of this type cannot be.
    pub(crate) fn required(&self) -> &'static [&'static str] {
        self.required
    }

    /// Whether a storage of this type has such an option.
    pub(crate) fn knows(&self, key: &str) -> bool {
        let own = self.optional.is_none_or(|optional| optional.contains(&key));
        own || self.required.contains(&key) || COMMON.contains(&key)
    }

    pub(crate) fn default_content(&self) -> &'static [&'static str] {
        self.default_content
    }

    /// The value in its canonical form, and what of it had to be left out.
    pub(crate) fn check(&self, key: &str, value: Option<&str>) -> Result<(String, Option<String>), String> {
        let canonical = |text: &str| Ok((text.to_owned(), None));
        let Some(text) = value else {
            return match value_of(key) {
                Value::Flag | Value::FlagOrPath => canonical("1"),
                _ if self.knows(key) => Err("it has no value".to_owned()),
                _ => canonical("1"),
            };
        };
        if text.contains(|c: char| c.is_control() && c != '\t') {
            return Err("it has control characters".to_owned());
        }
        let flag = |text: &str| parse_bool(text).map(|on| (if on { "1" } else { "0" }.to_owned(), None));
        match value_of(key) {
            _ if !self.knows(key) => canonical(text),
            Value::Flag => flag(text).ok_or_else(|| format!("'{text}' is no boolean")),
            Value::FlagOrPath if text.starts_with('/') => canonical(text),
            Value::FlagOrPath => {
                flag(text).ok_or_else(|| format!("'{text}' is no boolean and no absolute path"))
            }
            Value::Path if !text.starts_with('/') => Err(format!("'{text}' is no absolute path")),
            Value::Word if text.starts_with('-') || text.contains(char::is_whitespace) => {
                Err(format!("'{text}' has blanks or begins with '-'"))
            }
            Value::Number if !text.bytes().all(|b| b.is_ascii_digit()) && text != "-1" => {
                Err(format!("'{text}' is no number"))
            }
            Value::Choice(words) if !words.contains(&text) => {
                Err(format!("'{text}' is not one of {}", words.join(", ")))
            }
            Value::Format if !self.formats.is_empty() && !self.formats.contains(&text) => {
                Err(format!("'{text}' is not one of {}", self.formats.join(", ")))
            }
            Value::List => Ok((sorted(split_list(text)), None)),
            Value::Content => self.check_content(text),
            Value::Limits => Limits::parse(text).and_then(|_| canonical(text)),
            _ => canonical(text),
        }
    }

    fn check_content(&self, text: &str) -> Result<(String, Option<String>), String> {
        let (known, unknown): (Vec<_>, Vec<_>) =
            split_list(text).partition(|word| self.content.is_empty() || self.content.contains(word));
        if known.contains(&"none") && known.len() > 1 {
            return Err("'none' cannot be combined".to_owned());
        }
        let left_out = (!unknown.is_empty())
            .then(|| format!("a storage of type '{}' has no content {}", self.name, unknown.join(", ")));
        Ok((sorted(known), left_out))
    }
}

fn sorted<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let mut words: Vec<_> = words.into_iter().collect();
    words.sort_unstable();
    words.dedup();
    words.join(",")
}
