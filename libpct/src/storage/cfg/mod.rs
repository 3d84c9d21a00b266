//! `storage.cfg`: read without losing anything, written back with nothing else changed (spec: runtime, part 10.1).
//!
//! The original drops comments and what it does not understand when it writes; here they stay where they are. A section
//! that is new or changed is written in the original's form, all others as they were.

mod edit;
mod grammar;
mod limits;
mod options;
#[cfg(test)]
mod tests;
mod types;

use std::collections::BTreeMap;

use grammar::{Line, line};
pub(crate) use limits::{Flow, Limits};
pub use options::{STORAGE_OPTIONS, StorageOption, StorageValue};
pub use types::storage_types;
pub(crate) use types::{Kind, kind};

use crate::config::{VolumeId, parse_bool, split_list};

/// One section: a storage as it is written, not yet interpreted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Section {
    pub(crate) kind: String,
    pub(crate) id: String,
    /// Values in the form in which they are written; a flag is `1` or `0`.
    pub(crate) properties: BTreeMap<String, String>,
}

impl Section {
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.properties.get(key).map(String::as_str)
    }

    /// The value of an option without which the storage cannot be used.
    pub(crate) fn need(&self, key: &str) -> Result<&str, String> {
        self.get(key).ok_or_else(|| format!("it needs a '{key}'"))
    }

    /// A boolean property; one that is not set is false.
    pub(crate) fn flag(&self, key: &str) -> bool {
        self.get(key).and_then(parse_bool).unwrap_or_default()
    }

    /// A list property.
    pub(crate) fn list(&self, key: &str) -> Option<Vec<&str>> {
        self.get(key).map(|value| split_list(value).collect())
    }

    /// What it may hold: as it says, or the default of its type.
    pub(crate) fn content(&self) -> Vec<&str> {
        let default = || kind(&self.kind).map_or(&["images"][..], Kind::default_content).to_vec();
        self.list("content").unwrap_or_else(default)
    }

    /// How fast its data may be moved.
    pub(crate) fn limits(&self) -> Limits {
        // What is here has been checked.
        self.get("bwlimit").and_then(|text| Limits::parse(text).ok()).unwrap_or_default()
    }

    /// Whether it is the same storage for every host.
    pub(crate) fn is_shared(&self) -> bool {
        kind(&self.kind).is_some_and(|kind| kind.shared) || self.flag("shared")
    }
}

/// A file, and what of it had to be passed over, with the line. Nothing makes the whole file unreadable: one bad line must not take
/// every storage away.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct StorageCfg {
    parts: Vec<Part>,
    pub(crate) warnings: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    /// Lines outside of sections, and sections that are no storages, as they are written.
    Text(String),
    Section(Written),
}

/// A section with its lines, each with its newline.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Written {
    section: Section,
    lines: Vec<(String, Role)>,
}

/// What a line of a section is for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Role {
    Header,
    /// It gives a property its value.
    Property,
    /// It tries to: the value is bad, or the second one.
    Ignored(String),
    /// A comment, or what nobody understands.
    Other,
    End,
}

impl StorageCfg {
    /// Reads a file.
    pub(crate) fn parse(text: &str) -> Self {
        let mut cfg = Self::default();
        let mut place = Place::Outside;
        for (at, raw) in text.split_inclusive('\n').enumerate() {
            let known = cfg.warnings.len();
            place = cfg.line(raw, place);
            for warning in &mut cfg.warnings[known..] {
                *warning = format!("storage.cfg, line {}: {warning}", at + 1);
            }
        }
        cfg
    }

    /// The storages, in the order of the file.
    pub(crate) fn sections(&self) -> impl Iterator<Item = &Section> {
        self.parts.iter().filter_map(|part| match part {
            Part::Section(written) => Some(&written.section),
            Part::Text(_) => None,
        })
    }

    /// The file's text.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Text(lines) => text.push_str(lines),
                Part::Section(written) => written.lines.iter().for_each(|(line, _)| text.push_str(line)),
            }
        }
        text
    }

    /// Takes one line in; returns where the next one is.
    fn line(&mut self, raw: &str, place: Place) -> Place {
        let content = raw.strip_suffix('\n').unwrap_or(raw);
        match (line(content), place) {
            (Line::Header(kind, id), _) => return self.header(raw, &kind.to_ascii_lowercase(), id),
            (Line::Blank, Place::Section) => {
                self.push(raw, Role::End);
                return Place::Outside;
            }
            (Line::Property(key, value), Place::Section) => self.property(raw, key, value),
            (Line::Blank, _) => {
                self.push_text(raw);
                return Place::Outside;
            }
            // What belongs to a section that is skipped is skipped with it.
            (Line::Property(..), Place::Skipped) => self.push_text(raw),
            (seen, place) => {
                if seen != Line::Comment {
                    self.warnings.push(format!("ignore config line: {content}"));
                }
                match place {
                    Place::Section => self.push(raw, Role::Other),
                    _ => self.push_text(raw),
                }
            }
        }
        place
    }

    fn header(&mut self, raw: &str, kind_name: &str, id: &str) -> Place {
        if !is_storage_id(id) || self.sections().any(|known| known.id == id) {
            self.warnings.push(format!("storage '{id}' has an illegal or repeated id: section skipped"));
            self.push_text(raw);
            return Place::Skipped;
        }
        if kind(kind_name).is_none() {
            self.warnings.push(format!("storage '{id}' is of the unknown type '{kind_name}'"));
        }
        let (kind, id) = (kind_name.to_owned(), id.to_owned());
        let section = Section { kind, id, properties: BTreeMap::new() };
        self.parts.push(Part::Section(Written { section, lines: vec![(raw.to_owned(), Role::Header)] }));
        Place::Section
    }

    fn property(&mut self, raw: &str, key: &str, value: Option<&str>) {
        let Some(Part::Section(written)) = self.parts.last_mut() else { return };
        let Section { kind: kind_name, id, properties } = &mut written.section;
        let mut warn =
            |reason: &str| self.warnings.push(format!("storage '{id}': property '{key}' {reason}"));
        let checked = match kind(kind_name) {
            _ if properties.contains_key(key) => Err("is there twice: the second is dropped".to_owned()),
            Some(known) => {
                if !known.knows(key) {
                    warn(&format!("is not known for the type '{kind_name}'"));
                }
                known.check(key, value).map_err(|reason| format!("is dropped: {reason}"))
            }
            None => Ok((value.unwrap_or("1").to_owned(), None)),
        };
        let role = match checked {
            Ok((value, left_out)) => {
                if let Some(reason) = left_out {
                    warn(&format!("is not taken as a whole: {reason}"));
                }
                properties.insert(key.to_owned(), value);
                Role::Property
            }
            Err(reason) => {
                warn(&reason);
                Role::Ignored(key.to_owned())
            }
        };
        self.push(raw, role);
    }

    fn push(&mut self, raw: &str, role: Role) {
        if let Some(Part::Section(written)) = self.parts.last_mut() {
            written.lines.push((raw.to_owned(), role));
        }
    }

    fn push_text(&mut self, raw: &str) {
        match self.parts.last_mut() {
            Some(Part::Text(text)) => text.push_str(raw),
            _ => self.parts.push(Part::Text(raw.to_owned())),
        }
    }
}

/// Where in a file a line is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Outside,
    /// In the section that came last.
    Section,
    Skipped,
}

/// Whether a text can name a storage.
fn is_storage_id(id: &str) -> bool {
    format!("{id}:x").parse::<VolumeId>().is_ok_and(|volume| volume.storage == id)
}

/// The first section of a text.
#[cfg(test)]
pub(super) fn section(text: &str) -> Section {
    StorageCfg::parse(text).sections().next().unwrap().clone()
}
