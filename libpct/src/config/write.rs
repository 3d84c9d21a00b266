use std::collections::HashSet;

use super::{
    model::Config,
    section::Section,
    text::{percent_encode, to_bytes as encode},
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
    let used: HashSet<_> = config.main.used_volumes().into_iter().collect();
    let is_duplicate = |key: &str, value: &str| key.starts_with("unused") && used.contains(value);
    let mut out = String::new();
    section(&mut out, &config.main, is_duplicate)?;
    if let Some(pending) = config.pending.as_ref().filter(|pending| !pending.is_empty()) {
        header(&mut out, "pve:pending");
        section(&mut out, pending, |_, _| false)?;
    }
    for (name, snapshot) in &config.snapshots {
        header(&mut out, name);
        section(&mut out, snapshot, |_, _| false)?;
    }
    Ok(encode(&out))
}

fn header(out: &mut String, name: &str) {
    out.push_str("\n[");
    out.push_str(name);
    out.push_str("]\n");
}

/// Keys that have a form of their own, or that only ever exist in memory.
fn is_special(key: &str) -> bool {
    matches!(key, "description" | "digest" | "env" | "lxc" | "pending" | "snapname" | "snapshots")
}

fn section(
    out: &mut String,
    section: &Section,
    dropped: impl Fn(&str, &str) -> bool,
) -> Result<(), WriteError> {
    let lines = section.description().map(|text| text.trim_end_matches('\n').split('\n'));
    for line in lines.into_iter().flatten().filter(|_| section.description().is_some_and(has_lines)) {
        out.push('#');
        out.push_str(&percent_encode(line));
        out.push('\n');
    }
    for (key, value) in section.entries().filter(|(key, value)| !is_special(key) && !dropped(key, value)) {
        push(out, key, value)?;
    }
    for entry in section.env() {
        push(out, "lxc.environment.runtime", entry)?;
    }
    section.raw().iter().try_for_each(|line| push(out, &line.key, &line.value))
}

/// Trailing empty lines are not written: of nothing else nothing is left.
fn has_lines(description: &str) -> bool {
    description.bytes().any(|byte| byte != b'\n')
}

fn push(out: &mut String, key: &str, value: &str) -> Result<(), WriteError> {
    if key.contains('\n') || value.contains('\n') {
        return Err(WriteError::Newline { key: key.to_owned() });
    }
    for part in [key, ": ", value, "\n"] {
        out.push_str(part);
    }
    Ok(())
}
