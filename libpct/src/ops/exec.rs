//! `exec` as [`std::process::Command`] has it: words, environment and streams first, then the process.

use std::{
    ffi::{OsStr, OsString},
    process::{Child, ExitStatus, Output, Stdio},
    time::Duration,
};

use super::{
    Env,
    attach::{self, Attach},
    capture::{self, Limits},
};
use crate::{
    config::Vmid,
    error::Error,
    progress::{Progress, Silent},
    sys::memfd,
};

/// A command for a running container, as its root; not started yet.
///
/// It is used as [`std::process::Command`] is. Nothing is looked at before it is started, so it says then whether the
/// container runs. Standard streams that nobody names are those of this process; [`Exec::output`] alone captures output
/// and error, and gives no input.
///
/// The exit status is that of a shell: 126 or 127 when the command could not be executed, 128 + n when signal n has ended
/// it, 255 when there was no way into the container. The process is a child of this one that passes the signals it gets on
/// to the command; `SIGKILL`, which [`Child::kill`] sends, can't be passed on.
///
/// ```no_run
/// use std::{fs::File, io::Write, process::Stdio};
///
/// let pct = pct::Pct::open()?;
/// let container = pct.container("101".parse()?);
///
/// let release = container.exec(["cat", "/etc/os-release"]).output()?;
/// println!("{}", String::from_utf8_lossy(&release.stdout));
///
/// let restored = container.exec(["tar", "-x"]).arg("-C").arg("/srv").stdin(File::open("srv.tar")?).status()?;
/// assert!(restored.success());
///
/// let mut words = container.exec(["wc", "-w"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
/// words.stdin.take().ok_or("no pipe")?.write_all(b"three words here")?;
/// assert_eq!(words.wait_with_output()?.stdout, b"3\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use = "nothing is run before it is started"]
pub struct Exec<'a> {
    env: &'a Env,
    vmid: Vmid,
    words: Vec<OsString>,
    keep_env: bool,
    input: Option<Vec<u8>>,
    stdin: Option<Stdio>,
    stdout: Option<Stdio>,
    stderr: Option<Stdio>,
    limits: Limits,
}

/// How many bytes of each output are captured where nobody says.
const LIMIT: usize = 16 << 20;

impl<'a> Exec<'a> {
    pub(crate) fn new(env: &'a Env, vmid: Vmid) -> Self {
        Self {
            env,
            vmid,
            words: Vec::new(),
            keep_env: false,
            input: None,
            stdin: None,
            stdout: None,
            stderr: None,
            limits: Limits { bytes: LIMIT, time: None },
        }
    }

    /// One more word of the command.
    pub fn arg(mut self, word: impl AsRef<OsStr>) -> Self {
        self.words.push(word.as_ref().to_owned());
        self
    }

    /// More words of the command.
    pub fn args(mut self, words: impl IntoIterator<Item: AsRef<OsStr>>) -> Self {
        self.words.extend(words.into_iter().map(|word| word.as_ref().to_owned()));
        self
    }

    /// Whether it gets the environment of this process, instead of `TERM` alone. `PATH` is that of a container's root
    /// in any case.
    pub fn keep_env(mut self, keep: bool) -> Self {
        self.keep_env = keep;
        self
    }

    /// Its standard input.
    pub fn stdin(mut self, stream: impl Into<Stdio>) -> Self {
        self.stdin = Some(stream.into());
        self
    }

    /// All that it can read from its standard input, in the place of a stream.
    pub fn input(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.input = Some(bytes.into());
        self
    }

    /// How many bytes [`Exec::output`] captures of each output, at most; 16 MiB where this is not said.
    pub fn limit(mut self, bytes: usize) -> Self {
        self.limits.bytes = bytes;
        self
    }

    /// How long the command may take in [`Exec::output`].
    pub fn timeout(mut self, time: Duration) -> Self {
        self.limits.time = Some(time);
        self
    }

    /// Its standard output.
    pub fn stdout(mut self, stream: impl Into<Stdio>) -> Self {
        self.stdout = Some(stream.into());
        self
    }

    /// Its standard error.
    pub fn stderr(mut self, stream: impl Into<Stdio>) -> Self {
        self.stderr = Some(stream.into());
        self
    }

    /// The program that does it, for who wants to become it. Streams that were named here are not part of it.
    ///
    /// # Errors
    /// [`Error::NotRunningInside`], [`Error::MissingCommand`]; when there is no such container, or the helper is missing.
    pub fn attach(&self) -> Result<Attach, Error> {
        attach::exec(self.env, self.vmid, self.keep_env, &self.words)
    }

    /// Starts it and returns at once.
    ///
    /// # Errors
    /// As [`Exec::attach`], and when the helper cannot be executed.
    pub fn spawn(self) -> Result<Child, Error> {
        self.spawn_with(Stdio::inherit, Stdio::inherit)
    }

    /// Runs it to its end.
    ///
    /// # Errors
    /// As [`Exec::spawn`]. That the command failed is in the status.
    pub fn status(self) -> Result<ExitStatus, Error> {
        capture::wait(&mut self.spawn()?)
    }

    /// Runs it to its end, and gives what it has written to the streams that nobody named. What it leaves in the
    /// background is not waited for.
    ///
    /// # Errors
    /// As [`Exec::spawn`]; [`Error::TooMuchOutput`] and [`Error::CommandTimeout`]. Then the command has got SIGTERM, and
    /// one that does not heed it goes on inside.
    pub fn output(self) -> Result<Output, Error> {
        self.output_unless_cancelled(&Silent)
    }

    pub(super) fn output_unless_cancelled(self, progress: &dyn Progress) -> Result<Output, Error> {
        let limits = self.limits;
        capture::output(self.spawn_with(Stdio::null, Stdio::piped)?, limits, progress)
    }

    fn spawn_with(mut self, input: fn() -> Stdio, output: fn() -> Stdio) -> Result<Child, Error> {
        let stdin = match (self.input.take(), self.stdin.take()) {
            // A pipe would have to be written to meanwhile, and whoever writes to one that nobody reads gets a signal
            // that ends the calling program.
            (Some(bytes), _) => memfd::sealed_bytes(&bytes, "stdin")?.into(),
            (None, stream) => stream.unwrap_or_else(input),
        };
        let [stdout, stderr] =
            [self.stdout.take(), self.stderr.take()].map(|stream| stream.unwrap_or_else(output));
        self.attach()?.spawn(stdin, stdout, stderr)
    }
}
