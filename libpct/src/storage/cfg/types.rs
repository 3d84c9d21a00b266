//! The types of storages and which options they have (spec: runtime, part 10.2): from this table come the checks of a file,
//! the defaults, and the order in which options are written.

use super::{
    limits::Limits,
    options::{StorageValue, value_of},
};
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

/// The names of the types that storages here can have.
pub fn storage_types() -> impl Iterator<Item = &'static str> {
    KINDS.iter().filter(|kind| kind.optional.is_some()).map(|kind| kind.name)
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
                StorageValue::Flag | StorageValue::FlagOrPath => canonical("1"),
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
            StorageValue::Flag => flag(text).ok_or_else(|| format!("'{text}' is no boolean")),
            StorageValue::FlagOrPath if text.starts_with('/') => canonical(text),
            StorageValue::FlagOrPath => {
                flag(text).ok_or_else(|| format!("'{text}' is no boolean and no absolute path"))
            }
            StorageValue::Path if !text.starts_with('/') => Err(format!("'{text}' is no absolute path")),
            StorageValue::Word if text.starts_with('-') || text.contains(char::is_whitespace) => {
                Err(format!("'{text}' has blanks or begins with '-'"))
            }
            StorageValue::Number if !text.bytes().all(|b| b.is_ascii_digit()) && text != "-1" => {
                Err(format!("'{text}' is no number"))
            }
            StorageValue::Choice(words) if !words.contains(&text) => {
                Err(format!("'{text}' is not one of {}", words.join(", ")))
            }
            StorageValue::Format if !self.formats.is_empty() && !self.formats.contains(&text) => {
                Err(format!("'{text}' is not one of {}", self.formats.join(", ")))
            }
            StorageValue::List => Ok((sorted(split_list(text)), None)),
            StorageValue::Content => self.check_content(text),
            StorageValue::Limits => Limits::parse(text).and_then(|_| canonical(text)),
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

#[cfg(test)]
mod tests {
    use super::{super::options::STORAGE_OPTIONS, *};

    #[test]
    fn every_option_of_a_type_is_in_the_table_and_no_other() {
        assert!(STORAGE_OPTIONS.is_sorted_by_key(|option| option.name));
        let own = KINDS.iter().flat_map(|kind| kind.required.iter().chain(kind.optional.unwrap_or_default()));
        let mut taken: Vec<_> = own.chain(COMMON).copied().collect();
        taken.sort_unstable();
        taken.dedup();
        assert_eq!(STORAGE_OPTIONS.iter().map(|option| option.name).collect::<Vec<_>>(), taken);
        assert!(STORAGE_OPTIONS.iter().all(|option| option.about.ends_with('.')));
    }
}
