use std::collections::HashSet;

use super::{
    model::Config,
    section::Section,
    text::{self, percent_encode},
};

/// Why a config can't be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The value would continue on a line of its own.
    #[error("detected invalid newline inside property '{key}'")]
    Newline {
        /// The key, or raw key.
        key: String,
    },
}

const RUNTIME_ENVIRONMENT: &str = "lxc.environment.runtime";

pub(super) fn to_bytes(config: &Config) -> Result<Vec<u8>, WriteError> {
    let mut out = Text { text: String::with_capacity(2048), lines: 0 };
    out.section(&config.main, &used_volumes(&config.main));
    if let Some(pending) = config.pending.as_ref().filter(|pending| !pending.is_empty()) {
        out.header("pve:pending");
        out.section(pending, &HashSet::new());
    }
    for (name, snapshot) in &config.snapshots {
        out.header(name);
        out.section(snapshot, &HashSet::new());
    }
    if memchr::memchr_iter(b'\n', out.text.as_bytes()).count() != out.lines {
        return Err(WriteError::Newline { key: key_with_newline(config) });
    }
    Ok(text::to_bytes(&out.text).into_owned())
}

/// What must not be written as unused; nobody asks where nothing is.
fn used_volumes(main: &Section) -> HashSet<String> {
    match main.entries_from("unused").next() {
        Some(_) => main.used_volumes().into_iter().collect(),
        None => HashSet::new(),
    }
}

/// Keys that have a form of their own, or that only ever exist in memory.
fn is_special(key: &str) -> bool {
    matches!(key, "description" | "digest" | "env" | "lxc" | "pending" | "snapname" | "snapshots")
}

/// The file while it grows, with the number of lines that it should have.
struct Text {
    text: String,
    lines: usize,
}

impl Text {
    fn line(&mut self, parts: &[&str]) {
        parts.iter().for_each(|part| self.text.push_str(part));
        self.text.push('\n');
        self.lines += 1;
    }

    fn header(&mut self, name: &str) {
        self.line(&[]);
        self.line(&["[", name, "]"]);
    }

    fn section(&mut self, section: &Section, used: &HashSet<String>) {
        // Trailing empty lines are not written: of nothing else nothing is left.
        let description = section.description().map(|text| text.trim_end_matches('\n'));
        let lines = description.filter(|text| !text.is_empty()).map(|text| text.split('\n'));
        lines.into_iter().flatten().for_each(|line| self.line(&["#", &percent_encode(line)]));
        let is_duplicate = |key: &str, value: &str| key.starts_with("unused") && used.contains(value);
        for (key, value) in section.entries() {
            if !is_special(key) && !is_duplicate(key, value) {
                self.line(&[key, ": ", value]);
            }
        }
        for entry in section.env() {
            self.line(&[RUNTIME_ENVIRONMENT, ": ", entry]);
        }
        for line in section.raw() {
            self.line(&[&line.key, ": ", &line.value]);
        }
    }
}

/// The key of the first line that would become two.
fn key_with_newline(config: &Config) -> String {
    let sections = [Some(&config.main), config.pending.as_ref()].into_iter().flatten();
    let mut lines = sections.chain(config.snapshots.values()).flat_map(|section| {
        let values = section.entries().filter(|(key, _)| !is_special(key));
        let env = section.env().iter().map(|entry| (RUNTIME_ENVIRONMENT, entry.as_str()));
        let raw = section.raw().iter().map(|line| (line.key.as_str(), line.value.as_str()));
        values.chain(env).chain(raw)
    });
    let culprit = lines.find(|(key, value)| key.contains('\n') || value.contains('\n'));
    // Only the name of a snapshot is left.
    culprit.map_or("snapshots", |(key, _)| key).to_owned()
}
