use std::fmt;

use super::{
    Vmid, grammar,
    grammar::Line,
    keys,
    model::{Config, Parsed},
    raw::{self, RawKey},
    section::{Entry, RawLine, Section},
    text,
};

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Worth saying; nothing is lost.
    Warning,
    /// The line was not understood. Fatal where a text comes from elsewhere.
    Error,
}

impl Severity {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// Something wrong with a line of a config file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Diagnostic {
    /// The container.
    pub vmid: Vmid,
    /// The line, from 1.
    pub line: usize,
    /// The byte in the line where the culprit begins, from 1.
    pub column: usize,
    /// The key that it is about, if the line has one.
    pub key: Option<String>,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong; may have more lines for the sub-keys of a property string.
    pub message: String,
}

impl Diagnostic {
    /// Whether strict parsing ends here.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "vm {} - {}", self.vmid, self.message)
    }
}

/// Where the lines of the file go.
enum Place {
    Main,
    Pending,
    Snapshot(String),
}

/// A section while its lines come in.
struct Open {
    place: Place,
    values: Vec<Entry>,
    raw: Vec<RawLine>,
    description: String,
    /// Entries of the environment.
    env: Vec<String>,
}

struct Parser {
    vmid: Vmid,
    config: Config,
    open: Open,
    line: usize,
    diagnostics: Vec<Diagnostic>,
}

pub(super) fn parse(bytes: &[u8], vmid: Vmid) -> Parsed {
    let mut parser = Parser {
        vmid,
        config: Config::default(),
        open: Open::new(Place::Main),
        line: 0,
        diagnostics: Vec::new(),
    };
    let file = text::from_bytes(bytes);
    let mut from = 0;
    for end in memchr::memchr_iter(b'\n', file.as_bytes()).chain([file.len()]) {
        parser.line += 1;
        parser.take(&file[from..end]);
        from = end + 1;
    }
    parser.switch(Place::Main);
    // It only says something about a snapshot.
    parser.config.main.remove("snapstate");
    Parsed { config: parser.config, diagnostics: parser.diagnostics }
}

impl Parser {
    fn take(&mut self, text: &str) {
        match grammar::line(text) {
            Line::Blank => {}
            Line::Comment(encoded) => {
                self.describe(encoded);
                self.open.description.push('\n');
            }
            Line::Pending => self.switch(Place::Pending),
            Line::Snapshot(name) => self.switch(Place::Snapshot(name.to_owned())),
            Line::Raw(key, value) => self.take_raw(text, key, value),
            Line::Description(encoded) => self.describe(encoded),
            Line::SnapState(state) => self.set("snapstate", state),
            Line::Delete(list) if matches!(self.open.place, Place::Pending) => self.set("delete", list),
            Line::Delete(_) => {
                self.error(1, Some("delete"), "property 'delete' is only allowed in [pve:pending]");
            }
            Line::Value(key, value) => self.take_value(text, key, value),
            Line::Unknown => self.unknown_line(text),
        }
    }

    fn describe(&mut self, encoded: &str) {
        self.open.description.push_str(&text::percent_decode(&text::to_bytes(encoded)));
    }

    fn set(&mut self, key: &str, value: &str) {
        self.open.values.push(Entry::new(key, value));
    }

    fn take_raw(&mut self, text: &str, key: &str, value: &str) {
        match raw::classify(key) {
            RawKey::Accepted => {}
            RawKey::Warned(message) => self.report(Severity::Warning, 1, Some(key), message),
            RawKey::Refused(message) => return self.error(1, Some(key), message),
            RawKey::Unknown => return self.unknown_line(text),
        }
        if key == "lxc.environment.runtime" {
            self.open.env.push(value.to_owned());
        } else {
            self.open.raw.push(RawLine::new(key, value));
        }
    }

    fn take_value(&mut self, line: &str, key: &str, value: &str) {
        let Some((known, _)) = keys::lookup(key) else {
            self.error(1, Some(key), format!("unable to parse value of '{key}' - unknown setting '{key}'"));
            // These names belong to the model itself: a line with one of them is noise.
            if !matches!(key, "digest" | "pending" | "snapshots") {
                self.set(key, value);
            }
            return;
        };
        match known.check_at_load(value) {
            Ok(kept) => self.set(key, kept),
            Err(error) => {
                let before = line.rfind(value).unwrap_or(0);
                self.error(
                    text::column(line, before + error.at()),
                    Some(key),
                    format!("unable to parse value of '{key}' - {error}"),
                );
                self.set(key, value);
            }
        }
    }

    fn unknown_line(&mut self, text: &str) {
        self.error(1, None, format!("unable to parse config: {text}"));
    }

    fn error(&mut self, column: usize, key: Option<&str>, message: impl Into<String>) {
        self.report(Severity::Error, column, key, message.into());
    }

    fn report(&mut self, severity: Severity, column: usize, key: Option<&str>, message: String) {
        let key = key.map(str::to_owned);
        self.diagnostics.push(Diagnostic {
            vmid: self.vmid,
            line: self.line,
            column,
            key,
            severity,
            message,
        });
    }

    /// Closes the open section and starts the next; one that comes again
    /// replaces its earlier self.
    fn switch(&mut self, place: Place) {
        let closed = std::mem::replace(&mut self.open, Open::new(place));
        let mut section = Section::from_lines(closed.values, closed.raw);
        if text::is_truthy(&closed.description) {
            section.set("description", closed.description);
        }
        if !closed.env.is_empty() {
            // An ordinary `env` line counts as the first entries.
            let entries = section.remove("env").into_iter().chain(closed.env);
            section.set("env", entries.collect::<Vec<_>>().join("\0"));
        }
        match closed.place {
            Place::Main => self.config.main = section,
            Place::Pending => self.config.pending = Some(section),
            Place::Snapshot(name) => drop(self.config.snapshots.insert(name, section)),
        }
    }
}

impl Open {
    fn new(place: Place) -> Self {
        Self {
            place,
            values: Vec::with_capacity(24),
            raw: Vec::new(),
            description: String::new(),
            env: Vec::new(),
        }
    }
}
