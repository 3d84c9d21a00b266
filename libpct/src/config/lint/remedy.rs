//! What to do about a line or value that cannot be read.

use crate::config::{
    keys::{self, KEYS, SubKey, split_index},
    raw,
    schema::Schema,
    text,
};

/// Beyond this many changed letters two words have nothing to do with each other.
const MOST_TYPOS: usize = 2;

/// The name that was probably meant.
fn similar<'a>(word: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let distance = |name: &&'a str| strsim::osa_distance(word, name);
    names.min_by_key(distance).filter(|name| distance(name) <= MOST_TYPOS.min(word.chars().count() / 2))
}

/// For a value that is not what its key takes.
pub(super) fn of_value(key: &str, schema: &Schema) -> String {
    format!("{key} takes {}", schema.allowed())
}

/// For a sub-key that is unknown, missing, or has a wrong value.
pub(super) fn of_sub_key(key: &str, name: &str, subkeys: &[SubKey], missing: bool) -> String {
    let Some(known) = subkeys.iter().find(|known| known.name == name) else {
        let names: Vec<_> = subkeys.iter().map(|known| known.name).collect();
        let blanks = text::trim(name);
        return match similar(blanks, names.iter().copied()) {
            Some(meant) if meant == blanks => {
                format!("no blanks around the names of sub-keys: write '{meant}='")
            }
            Some(meant) => format!("did you mean '{meant}'?"),
            None => format!("{key} takes {}", names.join(", ")),
        };
    };
    let allowed = known.schema.allowed();
    match missing {
        true => format!("add {name}=<value>: {allowed}"),
        false => format!("{name} takes {allowed}"),
    }
}

/// For a line that a load reports as a whole.
pub(super) fn of_line(line: &str, key: Option<&str>) -> Option<String> {
    match key {
        Some("delete") => Some("move the line below [pve:pending]".to_owned()),
        Some(key) if key.starts_with("lxc.") => of_raw_key(key),
        Some(key) => Some(of_unknown_key(key)),
        None => Some(of_unknown_line(line)),
    }
}

fn of_raw_key(key: &str) -> Option<String> {
    match raw::renamed(key) {
        Some(name) => Some(format!("write '{name}'")),
        _ if key.starts_with("lxc.rootfs.") => Some("remove the line".to_owned()),
        _ if key.starts_with("lxc.cgroup.") => Some("write the key of cgroup v2, 'lxc.cgroup2.…'".to_owned()),
        _ => None,
    }
}

fn of_unknown_key(key: &str) -> String {
    let family = split_index(key).map_or(key, |(family, _)| family);
    let stem = key.trim_end_matches(|c: char| c.is_ascii_digit());
    let known = |name: &str| KEYS.iter().find(|known| known.name == name);
    if let Some(last) = known(family).or_else(|| known(stem)).and_then(|known| known.last_index) {
        return format!("the settings are {stem}0 to {stem}{last}, without leading zeros");
    }
    match similar(stem, KEYS.iter().map(|known| known.name)) {
        Some(meant) if stem == key => format!("did you mean '{meant}'?"),
        Some(meant) => format!("did you mean '{meant}{}'?", &key[stem.len()..]),
        None => "remove the line, nothing reads it; `pct schema` names all settings".to_owned(),
    }
}

fn of_unknown_line(line: &str) -> String {
    let text = text::trim(line);
    if text.starts_with('[') {
        return "a section is [pve:pending] or [<name of a snapshot>]: two or more letters, digits, `-` and `_`, a \
                letter first"
            .to_owned();
    }
    let Some((key, value)) = text.split_once([':', '=']) else {
        return "write it as 'key: value', or as a comment with # before it".to_owned();
    };
    let (key, value) = (text::trim(key).to_ascii_lowercase(), text::trim(value));
    if key.starts_with("lxc.") {
        return "remove the line: this key is not among those that a container's config may hold".to_owned();
    }
    if value.is_empty() {
        return format!("give '{key}' a value, or remove the line");
    }
    if keys::lookup(&key).is_some() {
        return format!("write '{key}: {value}': no blanks before the key or the colon, small letters");
    }
    "write it as 'key: value', or as a comment with # before it".to_owned()
}
