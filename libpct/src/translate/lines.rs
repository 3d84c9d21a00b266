use super::TranslateError;

/// The lines while they are collected.
#[derive(Default)]
pub(super) struct Lines {
    lines: Vec<(String, String)>,
    warnings: Vec<String>,
}

impl Lines {
    /// Adds one line. This is the only place where lines come into being, and
    /// so the one place that has to see to it that a line stays one line.
    pub(super) fn push(&mut self, key: &str, value: impl ToString) -> Result<(), TranslateError> {
        let value = value.to_string();
        let breaks = |text: &str| text.contains(['\n', '\r', '\0']);
        if breaks(key) || breaks(&value) {
            return Err(TranslateError::LineBreak { key: key.escape_default().to_string() });
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
