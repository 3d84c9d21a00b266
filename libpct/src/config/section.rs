use std::collections::BTreeMap;

use super::text::trim;

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

/// One section of a config: the current state, the pending changes, or a snapshot.
///
/// Every key has the text it was read with; the typed views parse it when asked,
/// and a text that nobody touches is written back as it was. Bytes that are no
/// UTF-8 are escaped (see [`text::from_bytes`](super::text::from_bytes)).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Section {
    values: BTreeMap<String, String>,
    /// The entries of `values["env"]`.
    env: Vec<String>,
    raw: Vec<RawLine>,
}

impl Section {
    /// The text of a key. `description` and `env` (entries joined by NUL) are
    /// keys like all others here.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(String::as_str)
    }

    /// Sets a key; nothing is checked.
    pub fn set(&mut self, key: &str, value: impl Into<String>) {
        let value = value.into();
        if key == "env" {
            // A file can't hold an entry of nothing but blanks.
            let entries = value.split('\0').filter(|entry| !trim(entry).is_empty());
            self.env = entries.map(str::to_owned).collect();
        }
        self.values.insert(key.to_owned(), value);
    }

    /// Removes a key and gives the text it had.
    pub fn remove(&mut self, key: &str) -> Option<String> {
        if key == "env" {
            self.env.clear();
        }
        self.values.remove(key)
    }

    /// All keys with their texts, sorted by key byte by byte; raw lines are not among them.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values.iter().map(|(key, value)| (key.as_str(), value.as_str()))
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
