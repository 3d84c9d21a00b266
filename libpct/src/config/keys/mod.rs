//! The one table of all keys. Parser, validator, writer, help, completion, and
//! the JSON schema are read from it (spec: config, part 3).

mod patterns;
mod subkeys;
mod table;

use super::{
    formats::Format,
    schema::{CheckError, Schema, Structure},
};

pub use subkeys::{DEVICE, FEATURES, MOUNT_POINT, NET, ROOTFS, UNUSED};
pub use table::KEYS;

/// What a change of a key does while the container runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hotplug {
    /// The kernel is told at once.
    Live,
    /// `Live` for a new index; a change of an existing one stays pending.
    LiveWhenNew,
    /// It is valid at once, with nothing for the kernel to do.
    Conf,
    /// It stays pending until the next start.
    Pending,
    /// It can't be changed after creation.
    ReadOnly,
    /// Only operations write it, never a user.
    Internal,
}

/// One key of the config, or one family such as `net0` to `net31`.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// The name; of a family without the index.
    pub name: &'static str,
    /// For a family: the largest index.
    pub last_index: Option<u16>,
    /// Whether `pct set` and `pct create` take it as an option.
    pub parameter: bool,
    /// What a change does on a running container.
    pub hotplug: Hotplug,
    /// What its value may be.
    pub schema: Schema,
}

/// One sub-key of a property string.
#[derive(Clone, Copy, Debug)]
pub struct SubKey {
    /// The name.
    pub name: &'static str,
    /// Whether it must be given.
    pub mandatory: bool,
    /// Whether a value without `key=` belongs to it.
    pub default_key: bool,
    /// What its value may be.
    pub schema: Schema,
}

impl SubKey {
    pub(crate) fn is_size(&self) -> bool {
        matches!(self.schema.structure, Structure::Format(Format::DiskSize))
    }
}

impl Key {
    /// The name as help and documentation show it: `memory`, `net[n]`.
    #[must_use]
    pub fn display_name(&self) -> String {
        if self.last_index.is_some() { format!("{}[n]", self.name) } else { self.name.to_owned() }
    }

    /// The sub-keys, when the value is a property string.
    #[must_use]
    pub fn subkeys(&self) -> Option<&'static [SubKey]> {
        match self.schema.structure {
            Structure::Properties(keys) => Some(keys),
            _ => None,
        }
    }

    /// Checks a value in full, as `pct set` and the API do. Booleans must be `1`
    /// or `0` already (see [`parse_bool`](super::parse_bool)).
    ///
    /// # Errors
    /// The first reason that applies.
    pub fn check_parameter(&self, value: &str) -> Result<(), CheckError> {
        self.schema.check(value)
    }

    /// Checks type and structure only, as loading a file does, and gives the
    /// text to keep (booleans as `1`/`0`, integers without leading zeros).
    ///
    /// # Errors
    /// The first reason that applies; the loader then keeps the text as it was.
    pub fn check_at_load<'a>(&self, value: &'a str) -> Result<&'a str, CheckError> {
        self.schema.check_at_load(value)
    }
}

/// Finds a key by the name a file or command line uses, with the index for one of a family.
///
/// An index beyond the limit, or written with a leading zero, is no key.
#[must_use]
pub fn lookup(name: &str) -> Option<(&'static Key, Option<u16>)> {
    let (stem, index) = match split_index(name) {
        Some((family, index)) => (family, Some(index)),
        None => (name, None),
    };
    let key = of_letter(*stem.as_bytes().first()?).iter().find(|key| key.name == stem)?;
    match (key.last_index, index) {
        (None, None) => Some((key, None)),
        (Some(last), Some(index)) if index <= last => Some((key, Some(index))),
        _ => None,
    }
}

/// The keys that begin with a letter: few enough to try one after the other.
fn of_letter(letter: u8) -> &'static [Key] {
    const LETTERS: usize = 26;
    /// For each letter where its keys begin, and at the end how many keys there are.
    const BEGIN: [usize; LETTERS + 1] = {
        let mut begin = [0; LETTERS + 1];
        let (mut letter, mut at) = (0, 0);
        while letter <= LETTERS {
            while at < KEYS.len() && (KEYS[at].name.as_bytes()[0] - b'a') < letter as u8 {
                at += 1;
            }
            begin[letter] = at;
            letter += 1;
        }
        begin
    };
    match usize::from(letter.wrapping_sub(b'a')) {
        at if at < LETTERS => &KEYS[BEGIN[at]..BEGIN[at + 1]],
        _ => &[],
    }
}

/// Splits `net10` into `net` and 10; no leading zeros, and some name must be left.
#[must_use]
pub fn split_index(name: &str) -> Option<(&str, u16)> {
    if !name.ends_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let family = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let digits = name.get(family.len()..)?;
    let canonical = !family.is_empty() && (digits == "0" || !digits.starts_with('0'));
    digits.parse().ok().filter(|_| canonical).map(|index| (family, index))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_for_the_search() {
        assert!(KEYS.is_sorted_by_key(|key| key.name));
    }

    #[test]
    fn indexed_names_are_canonical_and_limited() {
        let index = |name| lookup(name).map(|(key, index)| (key.name, index));
        assert_eq!(index("memory"), Some(("memory", None)));
        assert_eq!(index("net0"), Some(("net", Some(0))));
        assert_eq!(index("net31"), Some(("net", Some(31))));
        assert_eq!(index("mp255"), Some(("mp", Some(255))));
        for unknown in ["net", "net32", "mp256", "mp00", "mp01", "memory0", "zzz", "", "0", "net99999999"] {
            assert_eq!(index(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn defaults_and_values_pass_their_own_checks() {
        for key in KEYS {
            assert!(key.schema.description.ends_with('.'), "{}", key.name);
            for value in key.schema.values {
                assert_eq!(key.check_parameter(value), Ok(()), "{} {value}", key.name);
            }
            for sub in key.subkeys().unwrap_or_default() {
                assert!(sub.schema.description.ends_with('.'), "{}.{}", key.name, sub.name);
            }
        }
    }
}
