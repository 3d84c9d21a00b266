use super::{
    Input, TranslateError,
    liblxc::{self, Reader, Refusal},
};

/// The lines while they are collected.
pub(super) struct Lines {
    lines: Vec<(String, String)>,
    warnings: Vec<String>,
    /// What asks whether liblxc takes a line; in the standalone home only.
    reader: Option<Reader>,
}

impl Lines {
    pub(super) fn new(input: &Input<'_>) -> Self {
        let reader = input.is_standalone().then(|| Reader::new(input.facts.liblxc, input.unprivileged));
        Self { lines: Vec::new(), warnings: Vec::new(), reader }
    }

    /// Adds a line that the config asks for in its own words.
    pub(super) fn push(&mut self, key: &str, value: impl ToString) -> Result<(), TranslateError> {
        let value = value.to_string();
        let value = if self.reader.is_some() { liblxc::quoted(&value).into_owned() } else { value };
        self.add(key, value, || named(key))
    }

    /// Adds a raw line, which the config has under the key `written`. Blanks and quotes of its value are liblxc's.
    pub(super) fn push_raw(&mut self, written: &str, key: &str, value: &str) -> Result<(), TranslateError> {
        self.add(key, value.to_owned(), || written.to_owned())?;
        if let Some(reader) = self.reader.as_mut().filter(|_| key == "lxc.include") {
            reader.go_blind();
        }
        Ok(())
    }

    /// This is the only place where lines come into being, and so the one place that has to see to it that a
    /// line stays one line, and of its own key.
    fn add(&mut self, key: &str, value: String, name: impl Fn() -> String) -> Result<(), TranslateError> {
        if !liblxc::is_key(key) {
            return Err(TranslateError::NoKey(key.escape_default().to_string()));
        }
        if value.contains(['\n', '\r', '\0']) {
            return Err(TranslateError::LineBreak { key: key.to_owned() });
        }
        if let Some(reader) = &mut self.reader {
            reader.read(key, &value).map_err(|refusal| match refusal {
                Refusal::Key => TranslateError::UnknownKey { key: name(), version: reader.version() },
                Refusal::Value(why) => {
                    let shown = value.chars().take(100).collect();
                    TranslateError::Unreadable { key: name(), value: shown, why }
                }
            })?;
        }
        self.lines.push((key.to_owned(), value));
        Ok(())
    }

    pub(super) fn warn(&mut self, text: String) {
        self.warnings.push(text);
    }

    pub(super) fn finish(self) -> (Vec<(String, String)>, Vec<String>) {
        (self.lines, self.warnings)
    }
}

/// A generated line by the key of the config that it comes from.
fn named(key: &str) -> String {
    let from = match key {
        "lxc.arch" => "arch",
        "lxc.tty.max" => "tty",
        "lxc.uts.name" => "hostname",
        "lxc.init.cmd" => "entrypoint",
        "lxc.environment" | "lxc.environment.runtime" => "env",
        _ => match key.strip_prefix("lxc.net.").and_then(|rest| rest.split_once('.')) {
            Some((index, _)) => return format!("net{index} ({key})"),
            None => return key.to_owned(),
        },
    };
    format!("{from} ({key})")
}
