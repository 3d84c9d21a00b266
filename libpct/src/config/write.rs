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

pub(super) fn to_bytes(config: &Config) -> Result<Vec<u8>, WriteError> {
    let mut out = Vec::with_capacity(2048);
    section(&mut out, &config.main, &used_volumes(&config.main))?;
    if let Some(pending) = config.pending.as_ref().filter(|pending| !pending.is_empty()) {
        header(&mut out, "pve:pending");
        section(&mut out, pending, &HashSet::new())?;
    }
    for (name, snapshot) in &config.snapshots {
        header(&mut out, name);
        section(&mut out, snapshot, &HashSet::new())?;
    }
    Ok(out)
}

/// What must not be written as unused; nobody asks where nothing is.
fn used_volumes(main: &Section) -> HashSet<String> {
    match main.entries_from("unused").next() {
        Some(_) => main.used_volumes().into_iter().collect(),
        None => HashSet::new(),
    }
}

fn header(out: &mut Vec<u8>, name: &str) {
    [b"\n[", name.as_bytes(), b"]\n"].iter().for_each(|part| out.extend_from_slice(part));
}

/// Keys that have a form of their own, or that only ever exist in memory.
fn is_special(key: &str) -> bool {
    matches!(key, "description" | "digest" | "env" | "lxc" | "pending" | "snapname" | "snapshots")
}

fn section(out: &mut Vec<u8>, section: &Section, used: &HashSet<String>) -> Result<(), WriteError> {
    let is_duplicate = |key: &str, value: &str| key.starts_with("unused") && used.contains(value);
    // Trailing empty lines are not written: of nothing else nothing is left.
    let description = section.description().map(|text| text.trim_end_matches('\n'));
    let lines = description.filter(|text| !text.is_empty()).map(|text| text.split('\n'));
    for line in lines.into_iter().flatten() {
        out.push(b'#');
        out.extend_from_slice(percent_encode(line).as_bytes());
        out.push(b'\n');
    }
    for (key, value) in section.entries().filter(|(key, value)| !is_special(key) && !is_duplicate(key, value))
    {
        push(out, key, value)?;
    }
    for entry in section.env() {
        push(out, "lxc.environment.runtime", entry)?;
    }
    section.raw().iter().try_for_each(|line| push(out, &line.key, &line.value))
}

fn push(out: &mut Vec<u8>, key: &str, value: &str) -> Result<(), WriteError> {
    for (part, end) in [(key, &b": "[..]), (value, b"\n")] {
        if memchr::memchr(b'\n', part.as_bytes()).is_some() {
            return Err(WriteError::Newline { key: key.to_owned() });
        }
        out.extend_from_slice(&text::to_bytes(part));
        out.extend_from_slice(end);
    }
    Ok(())
}
