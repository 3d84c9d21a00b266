//! Running a program to its end, with a deadline.

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use crate::wait::{LIMIT, patience};

/// A command line to run.
pub struct Run {
    command: Command,
    stdin: Option<Vec<u8>>,
    limit: Duration,
}

/// What a program left behind.
#[derive(Debug, Clone)]
pub struct Output {
    /// The command line, for messages.
    pub shown: String,
    /// Everything on standard output.
    pub stdout: Vec<u8>,
    /// Everything on standard error.
    pub stderr: Vec<u8>,
    /// The exit status; 128 + n when signal n ended the program.
    pub status: i32,
    /// From spawn to exit.
    pub took: Duration,
}

/// A program that has been started.
pub struct Running {
    /// The process; its standard streams have been taken.
    pub child: Child,
    shown: String,
    started: Instant,
    limit: Duration,
    stdout: Receiver<Vec<u8>>,
    stderr: Receiver<Vec<u8>>,
}

impl Run {
    /// A program with an empty standard input.
    pub fn new(program: impl AsRef<Path>) -> Self {
        Self { command: Command::new(program.as_ref()), stdin: None, limit: LIMIT }
    }

    /// Adds arguments.
    pub fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.command.args(args);
        self
    }

    /// Sets a variable.
    pub fn env(mut self, key: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(key, value);
        self
    }

    /// Removes every variable.
    pub fn env_clear(mut self) -> Self {
        self.command.env_clear();
        self
    }

    /// Removes a variable.
    pub fn env_remove(mut self, key: &str) -> Self {
        self.command.env_remove(key);
        self
    }

    /// The folder to run in.
    pub fn dir(mut self, dir: impl AsRef<Path>) -> Self {
        self.command.current_dir(dir);
        self
    }

    /// What the program finds on its standard input, then end of file.
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = Some(bytes.into());
        self
    }

    /// The deadline, instead of [`LIMIT`].
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Runs to the end. Panics at the deadline.
    #[track_caller]
    pub fn output(self) -> Output {
        self.start().finish()
    }

    /// Runs to the end and panics unless it succeeded.
    #[track_caller]
    pub fn ok(self) -> Output {
        self.output().ok()
    }

    /// Starts it.
    #[track_caller]
    pub fn start(mut self) -> Running {
        let shown = shown(&self.command);
        self.command.stdin(if self.stdin.is_some() { Stdio::piped() } else { Stdio::null() });
        self.command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let started = Instant::now();
        let mut child = self.command.spawn().unwrap_or_else(|err| panic!("cannot run {shown}: {err}"));
        if let (Some(bytes), Some(mut pipe)) = (self.stdin.take(), child.stdin.take()) {
            // The reader may leave early: that is its business.
            std::thread::spawn(move || drop(pipe.write_all(&bytes)));
        }
        let stdout = collect(child.stdout.take().expect("stdout is piped"));
        let stderr = collect(child.stderr.take().expect("stderr is piped"));
        Running { child, shown, started, limit: self.limit * patience(), stdout, stderr }
    }
}

impl Running {
    /// Sends a signal.
    pub fn signal(&self, signal: rustix::process::Signal) {
        signal_pid(self.child.id(), signal);
    }

    /// Waits for the end. Panics at the deadline, also when the program has
    /// ended but something it left behind still holds its output open.
    #[track_caller]
    pub fn finish(mut self) -> Output {
        let end = self.started + self.limit;
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("wait for a child") {
                break status;
            }
            if Instant::now() >= end {
                let stacks = crate::state::describe(self.child.id());
                drop(self.child.kill());
                drop(self.child.wait());
                let grace = Duration::from_millis(200);
                panic!(
                    "`{}` did not end in {} s\n{stacks}stdout: {}\nstderr: {}",
                    self.shown,
                    self.limit.as_secs(),
                    text(&self.stdout.recv_timeout(grace).unwrap_or_default()),
                    text(&self.stderr.recv_timeout(grace).unwrap_or_default()),
                );
            }
            std::thread::sleep(Duration::from_millis(1));
        };
        let took = self.started.elapsed();
        let rest = || end.saturating_duration_since(Instant::now()).max(Duration::from_secs(2));
        let held = "has ended, but something it left behind holds its output open";
        let stdout = self.stdout.recv_timeout(rest()).unwrap_or_else(|_| panic!("`{}` {held}", self.shown));
        let stderr = self.stderr.recv_timeout(rest()).unwrap_or_else(|_| panic!("`{}` {held}", self.shown));
        let status = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
        Output { shown: std::mem::take(&mut self.shown), stdout, stderr, status, took }
    }
}

/// A test that fails leaves no program running.
impl Drop for Running {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// Sends a signal to one process; no harm if it is gone.
pub fn signal_pid(pid: u32, signal: rustix::process::Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw) {
        let _ = rustix::process::kill_process(pid, signal);
    }
}

fn collect(mut from: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (send, receive) = channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        drop(from.read_to_end(&mut bytes));
        drop(send.send(bytes));
    });
    receive
}

fn shown(command: &Command) -> String {
    let name =
        Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy().into_owned();
    let args = command.get_args().map(OsStr::to_string_lossy);
    std::iter::once(name.into()).chain(args).collect::<Vec<_>>().join(" ")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

impl Output {
    /// Standard output as text.
    pub fn out(&self) -> String {
        text(&self.stdout)
    }

    /// Standard error as text.
    pub fn err(&self) -> String {
        text(&self.stderr)
    }

    /// Both streams, for messages.
    pub fn both(&self) -> String {
        format!("stdout: {}\nstderr: {}", self.out(), self.err())
    }

    /// Panics unless the status is 0.
    #[track_caller]
    pub fn ok(self) -> Self {
        self.status(0)
    }

    /// Panics unless the status is `want`.
    #[track_caller]
    pub fn status(self, want: i32) -> Self {
        assert_eq!(self.status, want, "exit status of `{}`\n{}", self.shown, self.both());
        self
    }

    /// Panics unless it failed of its own accord, not by a signal or a panic.
    #[track_caller]
    pub fn fails(self) -> Self {
        let crashed = self.status == 0 || self.status == 101 || (129..=159).contains(&self.status);
        assert!(
            !crashed,
            "`{}` ended with {} where a failure was due\n{}",
            self.shown,
            self.status,
            self.both()
        );
        self
    }

    /// Panics unless standard error holds `want`, whatever the case.
    #[track_caller]
    pub fn says(self, want: &str) -> Self {
        let err = self.err();
        assert!(
            err.to_lowercase().contains(&want.to_lowercase()),
            "`{}` does not say {want:?}\n{}",
            self.shown,
            self.both()
        );
        self
    }

    /// Panics unless nothing was printed on standard error.
    #[track_caller]
    pub fn quiet(self) -> Self {
        assert!(self.stderr.is_empty(), "`{}` prints on stderr\n{}", self.shown, self.both());
        self
    }
}
