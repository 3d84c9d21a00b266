//! The line that a shell completes.

use std::{ffi::OsString, os::unix::ffi::OsStringExt as _};

/// What stands before the cursor.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// The words that are written.
    pub(crate) words: Vec<OsString>,
    /// The one that the cursor is in; empty behind a blank.
    pub(crate) current: OsString,
}

/// What a backslash escapes between double quotes; before all else it stands for itself.
const SPECIAL: &[u8] = b"\"\\$`";

impl Line {
    /// Splits a text at blanks as a shell does, with quotes and backslashes taken off. The last quotes may be open.
    pub(crate) fn split(text: &[u8]) -> Self {
        let mut words = Vec::new();
        let mut word: Option<Vec<u8>> = None;
        let mut quote = None;
        let mut bytes = text.iter().copied();
        while let Some(byte) = bytes.next() {
            if quote == Some(byte) {
                quote = None;
                continue;
            }
            if quote.is_none() && matches!(byte, b' ' | b'\t' | b'\n') {
                words.extend(word.take().map(OsString::from_vec));
                continue;
            }
            let word = word.get_or_insert_default();
            match (quote, byte) {
                (None, b'\'' | b'"') => quote = Some(byte),
                (None, b'\\') => word.extend(bytes.next()),
                (Some(b'"'), b'\\') => match bytes.next() {
                    Some(next) if !SPECIAL.contains(&next) => word.extend([byte, next]),
                    next => word.extend(next),
                },
                _ => word.push(byte),
            }
        }
        Self { words, current: OsString::from_vec(word.unwrap_or_default()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The words, each in brackets, the current one last.
    fn split(text: &str) -> String {
        let Line { words, current } = Line::split(text.as_bytes());
        words.iter().chain([&current]).map(|word| format!("[{}]", word.display())).collect()
    }

    #[test]
    fn a_line_is_split_as_a_shell_splits_it() {
        for (text, words) in [
            ("", "[]"),
            ("pct", "[pct]"),
            ("pct ", "[pct][]"),
            ("  pct \t st", "[pct][st]"),
            ("pct 'a b' \"c d\" e\\ f g", "[pct][a b][c d][e f][g]"),
            ("a'b'\"c\"d", "[abcd]"),
            ("'' x", "[][x]"),
            ("\"a\\\"b\\\\\\$\\`\\n", "[a\"b\\$`\\n]"),
            ("'a\\' b", "[a\\][b]"),
            ("pct 'a b", "[pct][a b]"),
            ("pct \"a 'b", "[pct][a 'b]"),
            ("pct a\\", "[pct][a]"),
            ("pct \"a\\", "[pct][a]"),
        ] {
            assert_eq!(split(text), words, "{text:?}");
        }
    }
}
