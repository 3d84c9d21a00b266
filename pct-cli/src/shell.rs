//! For tests: the shell expressions by which users' scripts read our output.

use std::{
    io::Write as _,
    process::{Command, Output, Stdio},
};

fn run(input: &str, script: &str) -> Output {
    let mut child =
        Command::new("sh").args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    // A script that has seen enough closes its end early.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

/// What a script prints about the input.
pub(crate) fn pipe(input: &str, script: &str) -> String {
    String::from_utf8(run(input, script).stdout).unwrap()
}

/// Whether a script is content with the input.
pub(crate) fn succeeds(input: &str, script: &str) -> bool {
    run(input, script).status.success()
}
