//! The one place where this room runs programs: in tests a script answers instead of them.

use std::time::Duration;

use super::StorageError;
use crate::exec::{Command, Error, Output, Reason, Sink};

/// How long a question may take that goes to a server (spec: runtime, part 11.1).
const QUERY: Duration = Duration::from_secs(10);
/// How long one may take that goes to this host, which can be busy.
const LOOK: Duration = Duration::from_secs(60);
/// How long a file system may be silent (spec: runtime, part 11.1).
const POKE: Duration = Duration::from_secs(2);
/// How long a change may take.
const CHANGE: Duration = Duration::from_secs(300);

/// A program of a Debian package.
pub(super) fn program(name: &str, package: &str) -> Command {
    Command::new(name).package(package)
}

/// Asks a program something about this host: its lines.
pub(super) fn look(command: Command) -> Result<Vec<String>, StorageError> {
    Ok(run(command.timeout(LOOK))?.stdout_lines())
}

/// Asks a program something that a server answers: its lines.
pub(super) fn ask(command: Command) -> Result<Vec<String>, StorageError> {
    Ok(run(command.timeout(QUERY))?.stdout_lines())
}

/// The same, where a complaint with these words means that there is nothing to tell.
pub(super) fn ask_unless(command: Command, fine: &[&str]) -> Result<Vec<String>, StorageError> {
    match run(command.timeout(QUERY)) {
        Err(e) if is_fine(&e, fine) => Ok(Vec::new()),
        other => Ok(other?.stdout_lines()),
    }
}

/// Has a program ask something that may be silent: only silence is an error, whatever the answer is.
pub(super) fn poke(command: Command) -> Result<(), Error> {
    match run(command.timeout(POKE)) {
        Err(silence @ Error::Failed { reason: Reason::Timeout, .. }) => Err(silence),
        _ => Ok(()),
    }
}

fn is_fine(error: &Error, words: &[&str]) -> bool {
    words.iter().any(|words| error.stderr().contains(words))
}

/// Has a program change something.
pub(super) fn change(command: Command) -> Result<(), StorageError> {
    Ok(run(command.timeout(CHANGE)).map(drop)?)
}

/// Has a program change something, where a complaint with these words means that there is nothing to do.
pub(super) fn change_unless(command: Command, fine: &[&str]) -> Result<(), StorageError> {
    match run(command.timeout(CHANGE)) {
        Err(e) if is_fine(&e, fine) => Ok(()),
        other => Ok(other.map(drop)?),
    }
}

/// Has a program do what takes as long as there is data.
pub(super) fn work(command: Command) -> Result<(), StorageError> {
    Ok(run(command).map(drop)?)
}

/// Has a program write a stream, which goes on as it comes.
pub(super) fn stream(command: Command, sink: Sink<'_>) -> Result<(), StorageError> {
    Ok(run_into(command, sink)?)
}

/// Waits until the nodes of devices are there that have just come. One that does not come is missed where it is used.
pub(super) fn settle() {
    let _ = change(program("udevadm", "udev").args(["settle", "--timeout=30"]));
}

#[cfg(not(test))]
fn run(command: Command) -> Result<Output, Error> {
    command.run()
}

#[cfg(not(test))]
fn run_into(command: Command, sink: Sink<'_>) -> Result<(), Error> {
    command.run_into(sink)
}

#[cfg(test)]
fn run_into(command: Command, sink: Sink<'_>) -> Result<(), Error> {
    sink(&run(command)?.stdout).map_err(|source| Error::Run {
        attempt: "pass on the output of",
        command: String::new(),
        source,
    })
}

#[cfg(test)]
fn run(command: Command) -> Result<Output, Error> {
    if script::is_real() { command.run() } else { script::play(command.line()) }
}

#[cfg(test)]
pub(crate) mod script {
    use std::{cell::RefCell, collections::VecDeque};

    use super::{Error, Output};
    use crate::{
        exec::{Reason, Stderr},
        sys::pidfd::Exit,
    };

    thread_local! {
        static SCRIPT: RefCell<Script> = const { RefCell::new(Script::new()) };
    }

    struct Script {
        real: bool,
        lines: Vec<String>,
        /// How the command begins, and its stdout, or its stderr when it fails.
        answers: VecDeque<(String, Result<String, String>)>,
    }

    impl Script {
        const fn new() -> Self {
            Self { real: false, lines: Vec::new(), answers: VecDeque::new() }
        }
    }

    /// From now on the programs themselves answer in this thread.
    pub(crate) fn real() {
        SCRIPT.with_borrow_mut(|script| script.real = true);
    }

    pub(super) fn is_real() -> bool {
        SCRIPT.with_borrow(|script| script.real)
    }

    /// Lets the next command that begins so say this.
    pub(crate) fn answer(begin: &str, stdout: &str) {
        let answer = (begin.to_owned(), Ok(stdout.to_owned()));
        SCRIPT.with_borrow_mut(|script| script.answers.push_back(answer));
    }

    /// Lets the next command that begins so fail.
    pub(crate) fn fail(begin: &str, stderr: &str) {
        let answer = (begin.to_owned(), Err(stderr.to_owned()));
        SCRIPT.with_borrow_mut(|script| script.answers.push_back(answer));
    }

    /// The commands since the last time; all answers must have been used.
    pub(crate) fn take() -> Vec<String> {
        SCRIPT.with_borrow_mut(|script| {
            assert!(
                script.answers.is_empty(),
                "nobody asked for {:?}, only {:?}",
                script.answers,
                script.lines
            );
            std::mem::take(&mut script.lines)
        })
    }

    /// What a command says that nobody has an answer for: nothing, with success.
    pub(super) fn play(line: String) -> Result<Output, Error> {
        let answer = SCRIPT.with_borrow_mut(|script| {
            let at = script.answers.iter().position(|(begin, _)| line.starts_with(begin.as_str()));
            script.lines.push(line.clone());
            at.and_then(|at| script.answers.remove(at)).map_or(Ok(String::new()), |(_, answer)| answer)
        });
        match answer {
            Ok(stdout) => Ok(Output {
                exit: Exit::Code(0),
                stdout: stdout.into_bytes(),
                stderr: Vec::new(),
                truncated: false,
            }),
            Err(stderr) => {
                Err(Error::Failed { command: line, reason: Reason::Code(1), stderr: Some(Stderr(stderr)) })
            }
        }
    }
}
