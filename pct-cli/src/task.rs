//! Operations that change a container (spec: cli, part 3): narration on stdout, the final error on stderr, and a
//! status that tells whether it worked.

use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _};

use crate::{
    door::{Error, Progress, to_bytes},
    exit::Exit,
    failure::Failure,
    output,
    progress::{Narrator, warnings_line},
};

/// Runs an operation and reports on it.
pub(crate) fn run(operation: impl FnOnce(&mut dyn Progress) -> Result<(), Error>) -> Result<Exit, Failure> {
    narrated(Narrator::default(), operation)
}

/// The same for an operation that takes back what it has done when it is interrupted.
pub(crate) fn run_interruptible(
    operation: impl FnOnce(&mut dyn Progress) -> Result<(), Error>,
) -> Result<Exit, Failure> {
    narrated(Narrator::interruptible()?, operation)
}

fn narrated(
    mut narrator: Narrator,
    operation: impl FnOnce(&mut dyn Progress) -> Result<(), Error>,
) -> Result<Exit, Failure> {
    let result = operation(&mut narrator);
    let warnings = narrator.finish();
    result.map_err(Failure::Task)?;
    output::error(OsStr::new(&warnings_line(warnings)));
    Ok(Exit::SUCCESS)
}

/// For what is no task: every warning is a line on stderr, and stdout is for data alone.
pub(crate) struct Warnings;

impl Progress for Warnings {
    fn message(&mut self, text: &str) {
        warn(text);
    }

    fn warning(&mut self, text: &str) {
        warn(text);
    }

    fn bytes(&mut self, _done: u64, _total: Option<u64>) {}
}

/// Bytes of the file that are no UTF-8 come out as they are.
pub(crate) fn warn(text: &str) {
    let mut line = to_bytes(text).into_owned();
    line.push(b'\n');
    output::error(OsStr::from_bytes(&line));
}
