//! The patterns of the tables: each as a regular expression for programs, in words for people, and by hand for
//! the check.

use crate::config::{
    schema::Pattern,
    text::{is_digits, is_word},
};

const fn pattern(text: &'static str, words: &'static str, matches: fn(&str) -> bool) -> Pattern {
    Pattern { text, words, matches }
}

/// The name of an interface or bridge.
pub(super) const LINK_NAME: Pattern =
    pattern(r"[-_.\w\d]+", "a name of letters, digits, `-`, `_` and `.`", link_name);

/// VLANs of a trunk.
pub(super) const VLAN_LIST: Pattern =
    pattern(r"\d+(?:;\d+)*", "VLAN ids separated by semicolons, for instance 10;20", vlan_list);

/// Own ids of a volume.
pub(super) const MOUNT_ID_MAP: Pattern = pattern(
    r"(?:passthrough|[ug]:[0-9]+:[0-9]+:[1-9][0-9]*(?:;[ug]:[0-9]+:[0-9]+:[1-9][0-9]*)*)",
    "`passthrough`, or entries `<u|g>:<container id>:<id on disk>:<count>` separated by semicolons, for instance \
     u:1000:1000:1",
    mount_id_map,
);

/// Options of a mount.
pub(super) const MOUNT_OPTION_LIST: Pattern = pattern(
    r"(?:discard|lazytime|noatime|nodev|noexec|nosuid)(?:;(?:discard|lazytime|noatime|nodev|noexec|nosuid))*",
    "discard, lazytime, noatime, nodev, noexec and nosuid, separated by semicolons",
    mount_options,
);

/// Access mode of a device node.
pub(super) const OCTAL_MODE: Pattern =
    pattern("0[0-7]{3}", "an octal mode of four digits with a leading zero, for instance 0660", octal_mode);

/// Types of file systems.
pub(super) const FS_TYPES: Pattern = pattern(
    "[a-zA-Z0-9_; ]+",
    "types of file systems separated by semicolons, for instance nfs;cifs",
    fs_types,
);

/// A command line.
pub(super) const COMMAND_LINE: Pattern =
    pattern(r"[^\x00-\x08\x0a-\x1F\x7F]+", "a command line without control characters", command_line);

/// An environment.
pub(super) const ENVIRONMENT: Pattern = pattern(
    r"(?:\w+=[^\x00-\x08\x0a-\x1F\x7F]*)(?:\x00\w+=[^\x00-\x08\x0a-\x1F\x7F]*)*",
    "entries NAME=value separated by NUL, without other control characters",
    environment,
);

/// `[-_.\w\d]+`
fn link_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b))
}

/// `\d+(;\d+)*`
fn vlan_list(text: &str) -> bool {
    text.split(';').all(is_digits)
}

/// `passthrough`, or entries `[ug]:<container>:<disk>:<count>` separated by `;`
fn mount_id_map(text: &str) -> bool {
    let entry = |entry: &str| {
        let mut fields = entry.split(':');
        let kind = matches!(fields.next(), Some("u" | "g"));
        let ids = fields.next().is_some_and(is_digits) && fields.next().is_some_and(is_digits);
        let count = fields.next().is_some_and(|n| is_digits(n) && !n.starts_with('0'));
        kind && ids && count && fields.next().is_none()
    };
    text == "passthrough" || text.split(';').all(entry)
}

pub(super) const MOUNT_OPTIONS: [&str; 6] = ["discard", "lazytime", "noatime", "nodev", "noexec", "nosuid"];

/// `opt(;opt)*`
fn mount_options(text: &str) -> bool {
    text.split(';').all(|option| MOUNT_OPTIONS.contains(&option))
}

/// `0[0-7]{3}`
fn octal_mode(text: &str) -> bool {
    text.len() == 4 && text.starts_with('0') && text.bytes().all(|b| (b'0'..=b'7').contains(&b))
}

/// `[a-zA-Z0-9_; ]+`
fn fs_types(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| is_word(c) || matches!(c, ';' | ' '))
}

fn printable(c: char) -> bool {
    c == '\t' || !c.is_ascii_control()
}

/// `[^\x00-\x08\x0a-\x1F\x7F]+`
fn command_line(text: &str) -> bool {
    !text.is_empty() && text.chars().all(printable)
}

/// `\w+=[^\x00-\x08\x0a-\x1f\x7f]*`, one or more, joined by NUL
fn environment(text: &str) -> bool {
    text.split('\0').all(|entry| {
        entry.split_once('=').is_some_and(|(name, value)| {
            !name.is_empty() && name.chars().all(is_word) && value.chars().all(printable)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_values() {
        assert!(link_name("lan.10") && !link_name("vm br0") && !link_name(""));
        assert!(vlan_list("1;22") && !vlan_list("1;") && !vlan_list(""));
        assert!(mount_id_map("passthrough") && mount_id_map("u:0:1:2;g:0:1:2"));
        assert!(!mount_id_map("u:0:0:0") && !mount_id_map("u:0:1") && !mount_id_map("u:0:1:2;"));
        assert!(mount_options("discard;nosuid") && !mount_options("bogus") && !mount_options(""));
        assert!(octal_mode("0660") && !octal_mode("660") && !octal_mode("0680"));
        assert!(fs_types("nfs;cifs x") && !fs_types("a,b") && !fs_types(""));
        assert!(command_line("/bin/x\ty") && !command_line("a\x01b") && !command_line("a\nb"));
        assert!(environment("A=1\0B=") && !environment("bad") && !environment("A=1\0") && !environment(""));
    }
}
