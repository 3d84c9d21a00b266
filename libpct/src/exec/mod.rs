//! External programs: an argument vector, never a shell; a clean environment; what the program said goes into
//! the error.

mod streams;

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

pub(crate) use streams::{End, Keep, Sink, Streams};

use crate::sys::pidfd::{Exit, Pidfd};
use crate::sys::process::{stolen, wait, without_descriptors};

/// Where programs are searched, whatever the caller's environment says.
pub(crate) const SEARCH_PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

/// At most this much of stdout is kept by default, and of stderr always the last 64 KiB.
pub(crate) const DEFAULT_STDOUT_LIMIT: usize = 4 << 20;
const STDERR_LIMIT: usize = 64 << 10;

/// What a program wrote to stderr before it failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Stderr(pub String);

/// Why a program could not do its work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// It ran and failed.
    #[error("command '{command}' failed: {reason}")]
    Failed {
        /// The command line, quoted as for a shell.
        command: String,
        /// How it ended.
        reason: Reason,
        /// What it said, if it said something.
        #[source]
        stderr: Option<Stderr>,
    },
    /// It is not there.
    #[error("program '{program}' is not installed: install package {package}")]
    NotInstalled {
        /// The program's name.
        program: String,
        /// The Debian package that has it.
        package: String,
    },
    /// It is not there, and we know no package.
    #[error("program '{program}' was not found in {SEARCH_PATH}")]
    NotFound {
        /// The program's name.
        program: String,
    },
    /// It could not be started, or not be watched.
    #[error("cannot {attempt} command '{command}'")]
    Run {
        /// `start`, `watch`, or `pass on the output of`.
        attempt: &'static str,
        /// The command line, quoted as for a shell.
        command: String,
        /// The kernel's reason.
        #[source]
        source: io::Error,
    },
}

impl Error {
    /// The failed program's stderr; empty if there is none.
    #[must_use]
    pub fn stderr(&self) -> &str {
        match self {
            Self::Failed { stderr: Some(Stderr(text)), .. } => text,
            _ => "",
        }
    }
}

/// How a program failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Its exit code, not 0.
    Code(i32),
    /// A signal killed it.
    Signal(i32),
    /// It took too long and was killed.
    Timeout,
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit code {code}"),
            Self::Signal(signal) => write!(f, "got signal {signal}"),
            Self::Timeout => f.write_str("got timeout"),
        }
    }
}

/// What a program left behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Output {
    /// How it ended.
    pub exit: Exit,
    /// Its stdout, as far as the limit permits.
    pub stdout: Vec<u8>,
    /// The end of its stderr.
    pub stderr: Vec<u8>,
    /// Stdout was longer than the limit.
    pub truncated: bool,
}

impl Output {
    /// Stdout by lines, without their ends; what is not UTF-8 is replaced.
    #[must_use]
    pub(crate) fn stdout_lines(&self) -> Vec<String> {
        lines(&self.stdout)
    }

    /// The same of the end of stderr.
    #[must_use]
    pub(crate) fn stderr_lines(&self) -> Vec<String> {
        lines(&self.stderr)
    }

    fn expect_success(self, line: String) -> Result<Self, Error> {
        match self.failure() {
            None => Ok(self),
            Some(reason) => Err(failed(line, reason, &self.stderr)),
        }
    }

    /// How it failed; `None` when its exit code is 0.
    #[must_use]
    pub(crate) fn failure(&self) -> Option<Reason> {
        match self.exit {
            Exit::Code(0) => None,
            Exit::Code(code) => Some(Reason::Code(code)),
            Exit::Signal(signal) => Some(Reason::Signal(signal)),
        }
    }
}

/// A program to run.
#[derive(Debug)]
pub(crate) struct Command {
    program: OsString,
    package: Option<String>,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    timeout: Option<Duration>,
    stdin: Option<OwnedFd>,
    stdout: Option<OwnedFd>,
    stdout_limit: usize,
}

impl Command {
    /// By name, searched in [`SEARCH_PATH`], or by path if there is a `/` in it.
    pub(crate) fn new(program: impl AsRef<OsStr>) -> Self {
        Self {
            program: program.as_ref().to_owned(),
            package: None,
            args: Vec::new(),
            env: Vec::new(),
            timeout: None,
            stdin: None,
            stdout: None,
            stdout_limit: DEFAULT_STDOUT_LIMIT,
        }
    }

    /// The Debian package that has the program, for the message when it is missing.
    #[must_use]
    pub(crate) fn package(mut self, package: &str) -> Self {
        self.package = Some(package.to_owned());
        self
    }

    /// Adds an argument.
    #[must_use]
    pub(crate) fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub(crate) fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(|a| a.as_ref().to_owned()));
        self
    }

    /// Adds a variable to the environment, which else has only `PATH` and `LC_ALL=C`.
    #[must_use]
    pub(crate) fn env(mut self, key: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.env.push((key.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Kills the program when it takes longer. Without it there is no limit.
    #[must_use]
    pub(crate) fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Gives the program something to read; else it reads from `/dev/null`.
    #[must_use]
    pub(crate) fn stdin(mut self, fd: OwnedFd) -> Self {
        self.stdin = Some(fd);
        self
    }

    /// Has stdout go there instead of into [`Output::stdout`].
    #[must_use]
    pub(crate) fn stdout(mut self, fd: OwnedFd) -> Self {
        self.stdout = Some(fd);
        self
    }

    /// Keeps at most this many bytes of stdout; the rest is read and dropped.
    #[must_use]
    pub(crate) fn stdout_limit(mut self, bytes: usize) -> Self {
        self.stdout_limit = bytes;
        self
    }

    /// The command line, quoted as for a shell.
    #[must_use]
    pub(crate) fn line(&self) -> String {
        let words = std::iter::once(&self.program).chain(&self.args);
        words.map(|word| quote(&word.to_string_lossy())).collect::<Vec<_>>().join(" ")
    }

    /// Runs it; an exit other than code 0 is an error.
    pub(crate) fn run(self) -> Result<Output, Error> {
        let line = self.line();
        self.run_any()?.expect_success(line)
    }

    /// The same where stdout is handed on as it comes. When the sink has an error the program is killed.
    pub(crate) fn run_into(self, sink: Sink<'_>) -> Result<(), Error> {
        let line = self.line();
        let mut refused = None;
        let mut pass = |bytes: &[u8]| sink(bytes).map_err(|e| io::Error::from(refused.insert(e).kind()));
        let output = self.watched(Some(&mut pass));
        if let Some(source) = refused {
            return Err(Error::Run { attempt: "pass on the output of", command: line, source });
        }
        output?.expect_success(line).map(drop)
    }

    /// Runs it; how it ended is the caller's to judge, only a timeout is an error.
    ///
    /// It has ended on return, but processes it started may live on: their output is not waited for.
    pub(crate) fn run_any(self) -> Result<Output, Error> {
        self.watched(None)
    }

    fn watched(self, sink: Option<Sink<'_>>) -> Result<Output, Error> {
        let line = self.line();
        let mut command = std::process::Command::new(self.locate()?);
        command
            // It shall see the name it was called by, not where it was found.
            .arg0(&self.program)
            .args(&self.args)
            .env_clear()
            .env("PATH", SEARCH_PATH)
            .env("LC_ALL", "C")
            .envs(self.env)
            .current_dir("/")
            .stdin(self.stdin.map_or_else(Stdio::null, Stdio::from))
            .stdout(self.stdout.map_or_else(Stdio::piped, Stdio::from))
            .stderr(Stdio::piped());
        let spawned = without_descriptors(&mut command).spawn();
        // Else our copies of the caller's pipes would keep them open.
        drop(command);
        let mut child =
            spawned.map_err(|source| Error::Run { attempt: "start", command: line.clone(), source })?;
        let watch = |source| Error::Run { attempt: "watch", command: line.clone(), source };
        let (out, err) = (Keep::First(self.stdout_limit), Keep::Last(STDERR_LIMIT));
        let mut streams = Streams::of(&mut child, out, err, sink).map_err(watch)?;
        let pid = child.id().cast_signed();
        let ended = match Pidfd::open(pid).map_err(io::Error::other) {
            Ok(Some(pidfd)) => streams.follow(&pidfd, self.timeout, None),
            // A child that is not reaped has its number: this may be somebody else's by now.
            Ok(None) => return Err(watch(stolen())),
            Err(e) => Err(e),
        };
        if !matches!(ended, Ok(End::Exit)) {
            let _ = child.kill();
        }
        let status = wait(&mut child).map_err(watch)?;
        let (out, err) = streams.into_kept();
        if ended.map_err(watch)? != End::Exit {
            return Err(failed(line, Reason::Timeout, &err.bytes));
        }
        let exit =
            status.code().map_or_else(|| Exit::Signal(status.signal().unwrap_or(libc::SIGKILL)), Exit::Code);
        Ok(Output { exit, stdout: out.bytes, stderr: err.bytes, truncated: out.truncated })
    }

    /// The file to run.
    pub(crate) fn locate(&self) -> Result<PathBuf, Error> {
        let program = || self.program.to_string_lossy().into_owned();
        let direct = self.program.as_bytes().contains(&b'/');
        let found = if direct {
            Some(PathBuf::from(&self.program)).filter(|path| path.exists())
        } else {
            find_program(&self.program)
        };
        found.ok_or_else(|| match &self.package {
            Some(package) => Error::NotInstalled { program: program(), package: package.clone() },
            None => Error::NotFound { program: program() },
        })
    }
}

/// The executable file that a program's name means, searched in [`SEARCH_PATH`].
#[must_use]
pub(crate) fn find_program(name: impl AsRef<OsStr>) -> Option<PathBuf> {
    SEARCH_PATH
        .split(':')
        .map(|dir| Path::new(dir).join(name.as_ref()))
        .find(|path| path.is_file() && rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok())
}

/// Quotes a word for a shell, where it needs it.
#[must_use]
pub(crate) fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-+=:,./@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

fn lines(bytes: &[u8]) -> Vec<String> {
    String::from_utf8_lossy(bytes).lines().map(str::to_owned).collect()
}

fn failed(command: String, reason: Reason, stderr: &[u8]) -> Error {
    let text = String::from_utf8_lossy(stderr).trim().to_owned();
    Error::Failed { command, reason, stderr: (!text.is_empty()).then_some(Stderr(text)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{error::Error as _, time::Instant};

    fn sh(script: &str) -> Command {
        Command::new("sh").args(["-c", script])
    }

    #[test]
    fn output_environment_and_descriptors_are_clean() {
        // Not close-on-exec, as a foreign host program may have it.
        let _leak = rustix::io::dup(rustix::pipe::pipe().unwrap().0).unwrap();
        let out = sh("env | sort; cat; cd /proc/$$/fd; echo *; cd /; pwd; echo oops >&2").env("X", "y").run();
        let out = out.unwrap();
        // 3 is the directory that the shell reads.
        let expected = ["LC_ALL=C", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "PWD=/", "X=y", "0 1 2 3", "/"];
        assert_eq!(out.stdout_lines(), expected);
        assert_eq!(out.stderr, b"oops\n");
        assert!(!out.truncated);
    }

    #[test]
    fn failures_say_how_and_why() {
        let error = sh("echo 'it''s broken' >&2; exit 3").run().unwrap_err();
        let text = r#"command 'sh -c 'echo '\''it'\'''\''s broken'\'' >&2; exit 3'' failed: exit code 3"#;
        assert_eq!(error.to_string(), text);
        assert_eq!(error.source().unwrap().to_string(), "its broken");
        assert_eq!(error.stderr(), "its broken");

        let error = sh("kill -9 $$").run().unwrap_err();
        assert_eq!(error.to_string(), "command 'sh -c 'kill -9 $$'' failed: got signal 9");
        assert!(error.source().is_none());
        assert_eq!(sh("exit 7").run_any().unwrap().exit, Exit::Code(7));
    }

    #[test]
    fn a_timeout_kills_even_a_busy_writer() {
        for script in ["echo a >&2; exec sleep 60", "while :; do echo yyyyyyyyyyyyyyyyyyyyyyyy; done"] {
            let start = Instant::now();
            let error = sh(script).timeout(Duration::from_millis(100)).run().unwrap_err();
            assert!(error.to_string().ends_with(" failed: got timeout"), "{error}");
            assert!(start.elapsed() < Duration::from_secs(10));
        }
    }

    #[test]
    fn a_daemon_that_keeps_the_pipes_is_not_waited_for() {
        let start = Instant::now();
        let out = sh("sleep 30 & echo $!").run().unwrap();
        assert!(start.elapsed() < Duration::from_secs(10));
        let pid: i32 = out.stdout_lines()[0].parse().unwrap();
        Pidfd::open(pid).unwrap().unwrap().send(libc::SIGKILL).unwrap();
    }

    #[test]
    fn long_output_is_bounded() {
        let out =
            sh("yes | head -c 1000000; head -c 200000 /dev/zero >&2; echo end >&2").stdout_limit(10).run();
        let out = out.unwrap();
        assert_eq!((out.stdout.as_slice(), out.truncated), (&b"y\ny\ny\ny\ny\n"[..], true));
        assert_eq!(out.stderr.len(), STDERR_LIMIT);
        assert!(out.stderr.ends_with(b"\0end\n"));
    }

    #[test]
    fn a_missing_program_names_its_package() {
        let error = Command::new("mkfs.nothing").package("nothing-progs").run().unwrap_err();
        let text = "program 'mkfs.nothing' is not installed: install package nothing-progs";
        assert_eq!(error.to_string(), text);
        assert!(matches!(Command::new("/no/such").run(), Err(Error::NotFound { .. })));
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = Command::new(file.path()).run().unwrap_err();
        assert_eq!(error.to_string(), format!("cannot start command '{}'", file.path().display()));
    }

    #[test]
    fn stdin_and_stdout_can_be_given() {
        let (read, write) = rustix::pipe::pipe().unwrap();
        let file = tempfile::tempfile().unwrap();
        rustix::io::write(&write, b"text").unwrap();
        drop(write);
        Command::new("cat").stdin(read).stdout(file.try_clone().unwrap().into()).run().unwrap();
        let mut back = [0; 8];
        assert_eq!(rustix::io::pread(&file, &mut back, 0).unwrap(), 4);
    }

    #[test]
    fn output_is_handed_on_as_it_comes() {
        let mut all = Vec::new();
        let script = "head -c 3000000 /dev/zero; head -c 200000 /dev/zero >&2";
        sh(script)
            .run_into(&mut |bytes| {
                all.extend_from_slice(bytes);
                Ok(())
            })
            .unwrap();
        assert_eq!(all.len(), 3_000_000);
        let error = sh("echo a; echo why >&2; exit 3").run_into(&mut |_| Ok(())).unwrap_err();
        assert_eq!(error.stderr(), "why");
        // Whoever has no use for more is not kept waiting.
        let error = sh("yes").run_into(&mut |_| Err(io::ErrorKind::BrokenPipe.into())).unwrap_err();
        assert_eq!(error.to_string(), "cannot pass on the output of command 'sh -c yes'");
    }

    #[test]
    fn words_are_quoted_where_needed() {
        assert_eq!(quote("/dev/loop0"), "/dev/loop0");
        assert_eq!(quote("root_owner=0:0"), "root_owner=0:0");
        assert_eq!(quote(""), "''");
        assert_eq!(quote("a b"), "'a b'");
        assert_eq!(quote("$x"), "'$x'");
    }
}
