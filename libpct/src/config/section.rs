use smol_str::SmolStr;

use super::text::{is_space, trim};

/// One raw `lxc.*` line, order and duplicates kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawLine {
    /// The key, for instance `lxc.idmap`.
    pub key: String,
    /// The value, possibly empty.
    pub value: String,
}

impl RawLine {
    /// Makes a line.
    pub fn new(key: impl Into<String>, value: impl Into<String>) -> Self {
        Self { key: key.into(), value: value.into() }
    }
}

/// A key and its text. Nearly all keys and most texts are so short that they stand in place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// The first bytes of the key as a number: it decides most comparisons.
    head: u64,
    key: SmolStr,
    value: SmolStr,
}

impl Entry {
    pub(super) fn new(key: &str, value: impl Into<SmolStr>) -> Self {
        Self { head: head(key), key: key.into(), value: value.into() }
    }

    fn order(&self) -> (u64, &str) {
        (self.head, &self.key)
    }

    fn pair(&self) -> (&str, &str) {
        (&self.key, &self.value)
    }
}

/// Orders as the bytes of the text do; a shorter text is filled up with zeros.
#[inline]
fn head(text: &str) -> u64 {
    match text.as_bytes().first_chunk() {
        Some(bytes) => u64::from_be_bytes(*bytes),
        None => {
            let filled = text.bytes().fold(0, |head, byte| head << 8 | u64::from(byte));
            // The first byte is the highest, wherever the text ends; an empty one has none.
            filled.checked_shl(64 - 8 * text.len() as u32).unwrap_or(0)
        }
    }
}

/// One section of a config: the current state, the pending changes, or a snapshot.
///
/// Every key has the text it was read with; the typed views parse it when asked,
/// and a text that nobody touches is written back as it was. Bytes that are no
/// UTF-8 are escaped (see [`text::from_bytes`](super::text::from_bytes)).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Section {
    /// Sorted by key, each key once.
    values: Vec<Entry>,
    /// The entries of the value of `env`.
    env: Vec<String>,
    raw: Vec<RawLine>,
}

impl Section {
    /// From the lines of a file: of a key that comes again the last one counts.
    pub(super) fn from_lines(mut values: Vec<Entry>, raw: Vec<RawLine>) -> Self {
        if !values.is_sorted_by(|a, b| a.order() < b.order()) {
            values.sort_by(|a, b| a.order().cmp(&b.order()));
            values.dedup_by(|later, earlier| {
                let again = later.key == earlier.key;
                if again {
                    std::mem::swap(later, earlier);
                }
                again
            });
        }
        let mut section = Self { values, env: Vec::new(), raw };
        if let Some(env) = section.get("env").map(str::to_owned) {
            section.set("env", env);
        }
        section
    }

    #[inline]
    fn find(&self, key: &str) -> Result<usize, usize> {
        let head = head(key);
        let from = self.values.partition_point(|entry| entry.head < head);
        let rest = &self.values[from..];
        // Mostly one or none; a file could be made where all are.
        let alike = match rest.get(1).is_some_and(|entry| entry.head == head) {
            true => rest.partition_point(|entry| entry.head == head),
            false => usize::from(rest.first().is_some_and(|entry| entry.head == head)),
        };
        match rest[..alike].binary_search_by(|entry| entry.key.as_str().cmp(key)) {
            Ok(at) => Ok(from + at),
            Err(at) => Err(from + at),
        }
    }

    /// The text of a key. `description` and `env` (entries joined by NUL) are
    /// keys like all others here.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.find(key).ok().map(|at| self.values[at].value.as_str())
    }

    /// Sets a key; nothing is checked.
    pub fn set(&mut self, key: &str, value: impl Into<SmolStr>) {
        let value = value.into();
        if key == "env" {
            // A file can hold no blanks at the ends of an entry, and no entry of nothing else. A line break, which
            // it can't hold either, is for the writer to refuse.
            let blank = |c| is_space(c) && c != '\n';
            let entries = value.split('\0').map(|entry| entry.trim_matches(blank));
            self.env = entries.filter(|entry| !trim(entry).is_empty()).map(str::to_owned).collect();
        }
        match self.find(key) {
            Ok(at) => self.values[at].value = value,
            Err(at) => self.values.insert(at, Entry::new(key, value)),
        }
    }

    /// Removes a key and gives the text it had.
    pub fn remove(&mut self, key: &str) -> Option<String> {
        if key == "env" {
            self.env.clear();
        }
        self.find(key).ok().map(|at| self.values.remove(at).value.into())
    }

    /// All keys with their texts, sorted by key byte by byte; raw lines are not among them.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values.iter().map(Entry::pair)
    }

    /// The keys that begin like this, with their texts, sorted byte by byte.
    pub(super) fn entries_from(&self, prefix: &str) -> impl Iterator<Item = (&str, &str)> {
        let (Ok(from) | Err(from)) = self.find(prefix);
        self.values[from..].iter().map(Entry::pair).take_while(move |(key, _)| key.starts_with(prefix))
    }

    /// The raw lines in order, without those of the environment.
    #[must_use]
    pub fn raw(&self) -> &[RawLine] {
        &self.raw
    }

    /// The raw lines, to change.
    pub fn raw_mut(&mut self) -> &mut Vec<RawLine> {
        &mut self.raw
    }

    /// The values of all raw lines with exactly this key.
    pub fn raw_values<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        self.raw.iter().filter(move |line| line.key == key).map(|line| line.value.as_str())
    }

    /// Whether there is a raw line with exactly this key.
    #[must_use]
    pub fn has_raw(&self, key: &str) -> bool {
        self.raw_values(key).next().is_some()
    }

    /// The entries `NAME=value` of the environment, in order.
    #[must_use]
    pub fn env(&self) -> &[String] {
        &self.env
    }

    /// The notes, decoded; read from a file they end in a newline.
    #[must_use]
    pub fn description(&self) -> Option<&str> {
        self.get("description")
    }

    /// No key and no raw line.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty() && self.raw.is_empty()
    }
}
