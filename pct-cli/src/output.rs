//! Writing to stdout and stderr.
//!
//! A pipe whose reader has gone must not make us panic. What only prints ends there, quietly, with the status a shell
//! would show for SIGPIPE. The signal itself stays ignored: it would tear a half-done operation from its clean-up.

use std::{
    ffi::OsStr,
    io::{self, Write as _},
    os::unix::ffi::OsStrExt as _,
};

use crate::{
    door::{Diagnostic, to_bytes},
    failure::Failure,
};

/// Prints data.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    bytes(text.as_bytes())
}

/// Prints lines made of a config file; bytes of it that are no UTF-8 come out as they are.
pub(crate) fn print_lines(lines: &[String]) -> Result<(), Failure> {
    let text: String = lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect();
    bytes(&to_bytes(&text))
}

/// Prints data that may be no text.
pub(crate) fn bytes(bytes: &[u8]) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(bytes).and_then(|()| stdout.flush()).map_err(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => Failure::ClosedPipe,
        _ => Failure::Message(format!("can't write to standard output - {error}")),
    })
}

/// Tells what of a config file could not be understood.
pub(crate) fn diagnostic(found: &Diagnostic) {
    let line = format!("{found}\n");
    error(OsStr::from_bytes(&to_bytes(&line)));
}

/// Prints a line of a running operation. The operation matters more than its narration: errors are let go.
pub(crate) fn narrate(text: &str) {
    let mut stdout = io::stdout().lock();
    let _ = stdout.write_all(format!("{text}\n").as_bytes()).and_then(|()| stdout.flush());
}

/// Prints to stderr. There is no place left to complain about a failure.
pub(crate) fn error(text: &OsStr) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

/// A config may hold anything: no control character of it reaches a terminal.
pub(crate) fn visible(text: &str) -> String {
    let shown = |c: char| match c {
        '\t' => " ".to_owned(),
        // What is no UTF-8 stands for a byte.
        '\u{10FF80}'..='\u{10FFFF}' => format!("\\x{:02x}", u32::from(c) & 0xFF),
        c if c.is_control() || !c.is_ascii() && c.is_whitespace() => c.escape_default().to_string(),
        c => c.to_string(),
    };
    text.chars().map(shown).collect()
}
