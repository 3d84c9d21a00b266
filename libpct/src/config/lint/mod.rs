//! What a person should know about a config file: all that a load reports, with what to do about it, and what a
//! load lets pass though it will not work.

mod remedy;
mod whole;

use std::collections::HashMap;

#[cfg(test)]
mod tests;

use super::{
    Device, Features, MountPoint, NetIf, Vmid,
    grammar::{self, Line},
    keys::{self, Hotplug, Key},
    model::{Config, Parsed},
    parse::{Diagnostic, Severity},
    schema::{CheckError, Structure, SubKeyError},
    text,
};

/// One thing worth saying about a config file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// The line, from 1.
    pub line: usize,
    /// The byte in the line where the culprit begins, from 1.
    pub column: usize,
    /// How bad it is.
    pub severity: Severity,
    /// The key that it is about, `net0.gw` for a sub-key; `None` when the line has none.
    pub key: Option<String>,
    /// The offending part of the line; empty where something is missing.
    pub part: String,
    /// What is wrong.
    pub message: String,
    /// What to do, or what is allowed.
    pub remedy: Option<String>,
}

/// A file of nothing but faults is not worth more.
const MOST: usize = 1000;

/// Looks for everything that is wrong with a config file, in the order of its lines; after a thousand findings it
/// ends with one that says so.
///
/// Errors are what a load cannot read, and values beyond their limits, with which the container will not work
/// (spec: config, part 2; cli, part 1.6). Whether a strict load refuses the file is told by
/// [`Config::parse_strict`].
///
/// ```
/// use pct::config::{Severity, Vmid, lint};
///
/// let file = b"arch: amd64\nostype: debian\nmemory: much\nrootfs: local:101/vm-101-disk-0.raw\n";
/// let found = lint(file, Vmid::new(101)?);
/// assert_eq!((found[0].line, found[0].column), (3, 9));
/// assert_eq!((found[0].severity, found[0].key.as_deref()), (Severity::Error, Some("memory")));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn lint(bytes: &[u8], vmid: Vmid) -> Vec<Finding> {
    let Parsed { config, diagnostics } = Config::parse(bytes, vmid);
    let file = text::from_bytes(bytes);
    let lines: Vec<&str> = file.split('\n').collect();
    let mut findings: Vec<Finding> = Vec::new();
    for found in diagnostics.into_iter().take(MOST) {
        let line = lines.get(found.line.saturating_sub(1)).copied().unwrap_or_default();
        findings.extend(of_load(found, line));
    }
    let places = Places::find(&lines, &mut findings);
    whole::check(&config, vmid, &places, &mut findings);
    findings.sort_by_key(|finding| (finding.line, finding.column));
    if findings.len() > MOST {
        findings.truncate(MOST);
        findings.extend(findings.last().map(|last| Finding {
            severity: Severity::Warning,
            key: None,
            part: String::new(),
            message: format!("more than {MOST} findings; the rest is not shown"),
            remedy: None,
            ..last.clone()
        }));
    }
    findings
}

/// What would help with a value that fails [`Key::check_parameter`]: a sentence for each culprit, none when it passes.
#[must_use]
pub fn remedies(key: &str, value: &str) -> Vec<String> {
    let Some((known, _)) = keys::lookup(key) else { return Vec::new() };
    let Err(error) = known.check_parameter(value) else { return Vec::new() };
    let sentence = |finding: Finding| {
        let remedy = finding.remedy?;
        Some(if remedy.starts_with(key) { remedy } else { format!("{key}: {remedy}") })
    };
    of_value(1, value, key, value, known, &error, "").into_iter().filter_map(sentence).collect()
}

/// The findings of a load, one for each sub-key.
fn of_load(found: Diagnostic, line: &str) -> Vec<Finding> {
    if let Line::Value(key, value) = grammar::line(line)
        && let Some((known, _)) = keys::lookup(key)
        && let Err(error) = known.check_at_load(value)
    {
        return of_value(found.line, line, key, value, known, &error, "unable to parse");
    }
    vec![Finding {
        line: found.line,
        column: found.column,
        severity: found.severity,
        part: found.key.clone().unwrap_or_else(|| line.to_owned()),
        remedy: remedy::of_line(line, found.key.as_deref()),
        key: found.key,
        message: found.message,
    }]
}

/// The findings about a value that failed a check.
fn of_value(
    number: usize,
    line: &str,
    key: &str,
    value: &str,
    known: &Key,
    error: &CheckError,
    what: &str,
) -> Vec<Finding> {
    let begin = line.rfind(value).unwrap_or(0);
    let subkeys = known.subkeys().unwrap_or_default();
    let finding = |at: usize, part: &str, name: String, reason: String, remedy: String| Finding {
        line: number,
        column: text::column(line, begin + at),
        severity: Severity::Error,
        key: Some(name),
        part: part.to_owned(),
        message: format!("{what} value of '{key}' - {reason}"),
        remedy: Some(remedy),
    };
    if error.details().is_empty() {
        let at = error.at();
        // The culprit is an item of a list, or a part of a property string.
        let rest = value.get(at..).unwrap_or_default();
        let part = match known.schema.structure {
            Structure::List(_) => text::split_list(rest).next().unwrap_or_default(),
            Structure::Properties(_) => rest.split(',').next().unwrap_or_default(),
            _ => rest,
        };
        return vec![finding(
            at,
            part,
            key.to_owned(),
            error.message().to_owned(),
            remedy::of_value(key, &known.schema),
        )];
    }
    let sub = |SubKeyError { key: name, reason, at }: &SubKeyError| {
        let rest = at.and_then(|at| value.get(at..)).unwrap_or_default();
        let part = rest.split(',').next().unwrap_or_default();
        let remedy = remedy::of_sub_key(key, name, subkeys, at.is_none());
        let reason = format!("{}: {name}: {reason}", error.message());
        finding(at.unwrap_or(0), part, format!("{key}.{name}"), reason, remedy)
    };
    error.details().iter().take(MOST).map(sub).collect()
}

/// In which line each key of the current state stands.
struct Places(HashMap<String, usize>);

impl Places {
    fn of(&self, key: &str) -> usize {
        self.0.get(key).copied().unwrap_or(1)
    }

    /// Walks through the lines; notes on the way what comes again and what is beyond its limits.
    fn find(lines: &[&str], findings: &mut Vec<Finding>) -> Self {
        let mut main = None;
        let mut sections: HashMap<String, usize> = HashMap::new();
        let mut seen: HashMap<String, usize> = HashMap::new();
        for (number, line) in (1..).zip(lines) {
            match grammar::line(line) {
                Line::Pending | Line::Snapshot(_) => {
                    let name = text::trim(line).to_owned();
                    let earlier = sections.insert(name.to_ascii_lowercase(), number);
                    if findings.len() <= MOST {
                        findings.extend(earlier.map(|earlier| again(earlier, lines, &name, number)));
                    }
                    let closed = std::mem::take(&mut seen);
                    main.get_or_insert(closed);
                }
                Line::Value(key, value) => {
                    let earlier = seen.insert(key.to_owned(), number);
                    if findings.len() <= MOST {
                        findings.extend(earlier.map(|earlier| again(earlier, lines, key, number)));
                        findings.extend(beyond_limits(number, line, key, value));
                    }
                }
                _ => {}
            }
        }
        Self(main.unwrap_or(seen))
    }
}

fn again(line: usize, lines: &[&str], what: &str, later: usize) -> Finding {
    Finding {
        line,
        column: 1,
        severity: Severity::Warning,
        key: (!what.starts_with('[')).then(|| what.to_owned()),
        part: lines.get(line - 1).map_or_else(String::new, |line| text::trim(line).to_owned()),
        message: format!("'{what}' comes again in line {later}, and the later one counts"),
        remedy: Some("remove one of the two".to_owned()),
    }
}

/// What a load lets pass: a value of the right type that the key does not take. Keys that only operations write
/// are left alone.
fn beyond_limits(number: usize, line: &str, key: &str, value: &str) -> Vec<Finding> {
    let known = keys::lookup(key).map(|(known, _)| known);
    let Some(known) = known.filter(|known| known.hotplug != Hotplug::Internal) else { return Vec::new() };
    let Ok(kept) = known.check_at_load(value) else { return Vec::new() };
    match known.check_parameter(kept).and_then(|()| read(known, kept)) {
        Ok(()) => Vec::new(),
        Err(error) => of_value(number, line, key, value, known, &error, "invalid"),
    }
}

/// What only shows when a property string is used: a device without path, a number beyond its type.
fn read(known: &Key, value: &str) -> Result<(), CheckError> {
    match known.name {
        "dev" => value.parse::<Device>().map(drop),
        "features" => value.parse::<Features>().map(drop),
        "mp" => MountPoint::parse_mp(value).map(drop),
        "net" => value.parse::<NetIf>().map(drop),
        "rootfs" => MountPoint::parse_rootfs(value).map(drop),
        _ => Ok(()),
    }
}
