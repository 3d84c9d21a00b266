//! Both ends of the line to `pct-helper`.
//!
//! The helper is always executed from a sealed copy of itself in memory: a process on its way into a
//! container can be reached there as `/proc/<pid>/exe`, and must not lead to a file of the host that root
//! executes (CVE-2019-5736).

use std::{
    ffi::OsString,
    fs::File,
    io::{self, BufRead, BufReader, IoSlice, IoSliceMut, Read, Write},
    mem::MaybeUninit,
    net::Shutdown,
    os::{
        fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
        unix::{net::UnixStream, process::CommandExt},
    },
    path::{Path, PathBuf},
    process::{Child, Command, ExitCode, Stdio},
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::{Errno, fcntl_dupfd_cloexec},
    net::{
        RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
        SendFlags, recvmsg, send, sendmsg,
    },
    process::{Pid, Signal, kill_process},
    thread::{ThreadNameSpaceType, move_into_thread_name_spaces},
};

use super::{
    Env, attach, dhcp, hotplug, monitor, plug, populate,
    protocol::{Event, Job, Request, VERSION},
    push, session, still, suspend,
};
use crate::{
    config::Vmid,
    error::{Error, Failure, HelperError},
    exec,
    facts::Version,
    home::ROOT_VARIABLE,
    lxc,
    net::{AddressWatch, Netlink},
    progress::Progress,
    store::ConfigLock,
    sys::{self, pidfd::Exit},
};

/// The word that asks the helper for its liblxc.
const LIBLXC: &str = "liblxc";
/// The word that asks it for sockets in the network namespace of a container.
const NETWORK: &str = "network";
/// The word that has it look after a DHCP client there.
const DHCP: &str = "dhcp";

/// The answer takes milliseconds.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a helper may take to end by itself.
const PATIENCE: Duration = Duration::from_secs(5);

/// A helper that works on a job.
pub(crate) struct Working {
    path: PathBuf,
    events: BufReader<UnixStream>,
    child: Child,
}

/// The helper's program, sealed in memory.
pub(crate) fn sealed(path: &Path) -> Result<OwnedFd, HelperError> {
    let missing = |source| HelperError::Missing { path: path.to_owned(), source };
    let file = File::open(path).map_err(missing)?;
    let copy = sys::memfd::sealed_copy(file.as_fd(), "pct-helper").map_err(HelperError::Seal)?;
    // It is executed by its number, which must not be one that a standard stream of the child takes: a daemon may have
    // closed its own.
    fcntl_dupfd_cloexec(copy, 3)
        .map_err(|errno| HelperError::Seal(sys::Error::os("copy the descriptor of pct-helper", errno)))
}

/// A path that executes an open file, in this process and in its children.
pub(crate) fn exec_path(program: &OwnedFd) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", program.as_raw_fd()))
}

impl Working {
    /// Gives a job to a new helper, with the descriptors that it works on, and with a share in the container's
    /// lock: should this process be killed, nobody else comes to the container before the helper has seen to it.
    pub(crate) fn spawn(
        env: &Env,
        vmid: Vmid,
        job: Job,
        lock: &ConfigLock,
        descriptors: &[BorrowedFd<'_>],
    ) -> Result<Self, HelperError> {
        let path = env.helper.clone();
        let failed = |source: io::Error| HelperError::Spawn { path: path.clone(), source };
        let program = sealed(&path)?;
        let (ours, theirs) = UnixStream::pair().map_err(failed)?;
        // Not a pipe: the calling program may be one of C, which SIGPIPE would end.
        let (request_end, stdin) = UnixStream::pair().map_err(failed)?;
        let request =
            Request { version: VERSION.to_owned(), home: env.home.clone(), helper: path.clone(), vmid, job };
        let child = Command::new(exec_path(&program))
            .arg0("pct-helper")
            .arg("job")
            .env_clear()
            .env("PATH", crate::exec::SEARCH_PATH)
            // For the helper as a script of liblxc, which gives its own environment to what it runs on the host.
            .envs(env.home.prefix().map(|prefix| (ROOT_VARIABLE, prefix)))
            .current_dir("/")
            .stdin(Stdio::from(OwnedFd::from(stdin)))
            .stdout(Stdio::from(OwnedFd::from(theirs)))
            .stderr(Stdio::null())
            .spawn()
            .map_err(failed)?;
        for fd in [lock.as_fd()].iter().chain(descriptors) {
            match give(&ours, *fd) {
                Ok(()) | Err(Errno::PIPE | Errno::CONNRESET) => {}
                Err(errno) => return Err(failed(errno.into())),
            }
        }
        let text = serde_json::to_vec(&request).map_err(|e| failed(e.into()))?;
        // A helper that refuses its job at once closes its end; its answer says why.
        match send_all(&request_end, &text) {
            Ok(()) | Err(Errno::PIPE | Errno::CONNRESET) => {}
            Err(error) => return Err(failed(error.into())),
        }
        drop(request_end);
        Ok(Self { path, events: BufReader::new(ours), child })
    }

    /// The next thing that the caller must act on; messages, warnings and progress are passed on. A failed
    /// job is an error.
    pub(crate) fn next(&mut self, progress: &mut dyn Progress) -> Result<Event, Error> {
        loop {
            self.wait(progress)?;
            let mut line = String::new();
            let read = self.events.by_ref().take(1 << 20).read_line(&mut line);
            if !matches!(read, Ok(n) if n > 0) {
                return Err(HelperError::Vanished { path: self.path.clone() }.into());
            }
            match serde_json::from_str(&line) {
                Ok(Event::Message(text)) => progress.message(&text),
                Ok(Event::Warning(text)) => progress.warning(&text),
                Ok(Event::Bytes { done, total }) => progress.bytes(done, total),
                Ok(Event::Failed(failure)) => return Err(Error::Helper(failure)),
                Ok(event) => return Ok(event),
                Err(_) => {
                    let answer = line.chars().take(200).collect();
                    return Err(HelperError::Garbled { path: self.path.clone(), answer }.into());
                }
            }
        }
    }
}

impl Working {
    /// Waits for the helper, or for the caller to change its mind: then the helper is ended.
    fn wait(&mut self, progress: &dyn Progress) -> Result<(), Error> {
        let Some(cancel) = progress.cancel() else { return Ok(()) };
        if !self.events.buffer().is_empty() {
            return Ok(());
        }
        let mut fds = [
            PollFd::new(self.events.get_ref(), PollFlags::IN),
            PollFd::from_borrowed_fd(cancel, PollFlags::IN),
        ];
        while let Err(Errno::INTR) = poll(&mut fds, None) {}
        if fds[1].revents().is_empty() {
            return Ok(());
        }
        self.end();
        Err(Error::Interrupted)
    }
}

impl Working {
    /// Tells a helper that waits for it that the caller is done.
    pub(crate) fn hang_up(&self) {
        // An end that is gone has nothing to be told.
        let _ = self.events.get_ref().shutdown(Shutdown::Write);
    }

    /// Ends the helper. What it has mounted goes with it, at once when it is asked to end by itself.
    fn end(&mut self) {
        // A failure to signal what has just ended is none; the process is not reaped yet, so the number is its own.
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process(pid, Signal::TERM);
        }
        let patience = Timespec::try_from(PATIENCE).ok();
        let mut gone = [PollFd::new(self.events.get_ref(), PollFlags::empty())];
        while let Err(Errno::INTR) = poll(&mut gone, patience.as_ref()) {}
        let _ = self.child.kill();
    }
}

impl Drop for Working {
    /// Reaps the process that was started. A monitor lives on as its detached child.
    fn drop(&mut self) {
        let _ = self.child.wait();
    }
}

/// Sends a descriptor over a socket (unix(7), SCM_RIGHTS).
fn give(to: impl AsFd, fd: BorrowedFd<'_>) -> Result<(), Errno> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    let fds = [fd];
    ancillary.push(SendAncillaryMessage::ScmRights(&fds));
    sendmsg(to, &[IoSlice::new(b"L")], &mut ancillary, SendFlags::NOSIGNAL).map(drop)
}

/// Receives what [`give`] has sent; `None` when the other end is gone.
fn take(from: BorrowedFd<'_>) -> Result<Option<OwnedFd>, Errno> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    recvmsg(from, &mut [IoSliceMut::new(&mut byte)], &mut ancillary, RecvFlags::CMSG_CLOEXEC)?;
    let received = ancillary.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut fds) => fds.next(),
        _ => None,
    });
    Ok(received)
}

/// Which liblxc the helper has loaded: this process must load none. The helper goes nowhere with this question, so
/// it needs no copy of itself.
pub(crate) fn liblxc(env: &Env) -> Result<Version, Error> {
    let answer = question(env, exec::Command::new(&env.helper).args([LIBLXC, VERSION]))?;
    let answer = text(&answer);
    answer.parse().map_err(|_| HelperError::Garbled { path: env.helper.clone(), answer }.into())
}

/// Sockets that speak with the kernel of the network namespace that a process is in. A socket belongs for ever to
/// the namespace in which it was made, and a thread of the calling program must never be in another one: so the
/// helper goes there, and what comes back are the descriptors.
pub(crate) fn network_sockets(env: &Env, process: BorrowedFd<'_>) -> Result<[OwnedFd; 2], Error> {
    let path = env.helper.clone();
    let failed = |source: io::Error| HelperError::Spawn { path: path.clone(), source };
    let program = sealed(&path)?;
    let (ours, theirs) = UnixStream::pair().map_err(failed)?;
    let process = process.try_clone_to_owned().map_err(failed)?;
    let asked = exec::Command::new(exec_path(&program)).args([NETWORK, VERSION]);
    let asked = asked.stdin(process).stdout(theirs.into());
    question(env, asked)?;
    let next = || take(ours.as_fd()).ok().flatten();
    match (next(), next()) {
        (Some(first), Some(second)) => Ok([first, second]),
        _ => Err(HelperError::Vanished { path }.into()),
    }
}

/// Has something done for a DHCP client in the network namespace that a process is in.
pub(crate) fn dhcp(env: &Env, process: BorrowedFd<'_>, job: &dhcp::Job) -> Result<(), Error> {
    let path = env.helper.clone();
    let failed = |source: io::Error| HelperError::Spawn { path: path.clone(), source };
    let program = sealed(&path)?;
    let process = process.try_clone_to_owned().map_err(failed)?;
    let job = serde_json::to_string(job).map_err(|error| failed(error.into()))?;
    let asked = exec::Command::new(exec_path(&program)).args([DHCP, VERSION, &job]).stdin(process);
    question(env, asked).map(drop)
}

/// Asks a helper that ends with the answer, which is what it prints; a failure is told on its stderr.
fn question(env: &Env, helper: exec::Command) -> Result<Vec<u8>, Error> {
    let path = env.helper.clone();
    let asked = helper.timeout(ANSWER_TIMEOUT).run_any();
    let answer = asked.map_err(|error| match error {
        exec::Error::Run { source, .. } => HelperError::Spawn { path: path.clone(), source },
        exec::Error::Failed { .. } => {
            HelperError::Spawn { path: path.clone(), source: io::ErrorKind::TimedOut.into() }
        }
        exec::Error::NotFound { .. } | exec::Error::NotInstalled { .. } => {
            HelperError::Missing { path: path.clone(), source: io::ErrorKind::NotFound.into() }
        }
    })?;
    if answer.exit == Exit::Code(0) {
        return Ok(answer.stdout);
    }
    Err(match text(&answer.stderr) {
        message if message.is_empty() => HelperError::Vanished { path }.into(),
        message => Error::Helper(Failure { message, ..Failure::default() }),
    })
}

fn text(answer: &[u8]) -> String {
    String::from_utf8_lossy(answer).trim_end().chars().take(200).collect()
}

/// The helper's end of a [`question`].
fn answer<A: Iterator<Item = OsString>>(
    mut arguments: A,
    work: impl FnOnce(A) -> Result<(), Error>,
) -> ExitCode {
    let done = match arguments.next() {
        Some(release) if release != VERSION => Err(other_release(&release.to_string_lossy())),
        _ => work(arguments).map_err(|error| error.full_message()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            let _ = writeln!(io::stderr(), "{message}");
            ExitCode::FAILURE
        }
    }
}

fn answer_liblxc() -> Result<(), Error> {
    let version = loaded_liblxc()?;
    let _ = writeln!(io::stdout(), "{version}");
    Ok(())
}

/// Standard input is the process whose namespace to enter, standard output the socket to answer by.
fn answer_network() -> Result<(), Error> {
    let failed = |attempt: &str, errno: Errno| Error::from(sys::Error::os(attempt, errno));
    move_into_thread_name_spaces(rustix::stdio::stdin(), ThreadNameSpaceType::NETWORK)
        .map_err(|errno| failed("enter the container's network namespace", errno))?;
    let (netlink, watch) = (Netlink::open()?, AddressWatch::open()?);
    for fd in [netlink.as_fd(), watch.as_fd()] {
        give(rustix::stdio::stdout(), fd).map_err(|errno| failed("hand a socket over", errno))?;
    }
    Ok(())
}

/// Standard input is the process whose network is meant.
fn answer_dhcp(mut arguments: impl Iterator<Item = OsString>) -> Result<(), Error> {
    let job = arguments.next().and_then(|job| serde_json::from_str::<dhcp::Job>(job.to_str()?).ok());
    let job = job.ok_or_else(|| Error::invalid(DHCP, "job of the helper"))?;
    job.run(rustix::stdio::stdin())
}

/// The liblxc of this process, as the facts have it.
pub(crate) fn loaded_liblxc() -> Result<Version, lxc::Error> {
    lxc::version::loaded().map(|version| Version(version.major, version.minor))
}

/// Whether a helper was killed, or has ended without a word: nobody knows how far it has come.
pub(crate) fn has_vanished(error: &Error) -> bool {
    matches!(error, Error::HelperProcess(HelperError::Vanished { .. }))
}

/// What the helper says to a library of another release.
pub(crate) fn other_release(library: &str) -> String {
    format!("the library is of release {library}, its helper of {VERSION}")
}

/// The helper's end: tells the library what happens. The library may have stopped listening; that must
/// not end a monitor.
#[derive(Clone, Copy)]
pub(crate) struct Events {
    to: BorrowedFd<'static>,
}

impl Events {
    /// Takes the line to the library away from standard output: a container without a console inherits that
    /// from its monitor.
    fn take_stdout() -> io::Result<Self> {
        let line = fcntl_dupfd_cloexec(rustix::stdio::stdout(), 3)?;
        rustix::stdio::dup2_stdout(File::options().write(true).open("/dev/null")?)?;
        // For as long as the process lives.
        let line: &'static OwnedFd = Box::leak(Box::new(line));
        Ok(Self { to: line.as_fd() })
    }

    pub(crate) fn send(self, event: &Event) {
        let Ok(mut line) = serde_json::to_vec(event) else { return };
        line.push(b'\n');
        // The library may have gone; that is no reason to end.
        let _ = send_all(self.to, &line);
    }
}

/// Sends to a socket without the signal that a closed end would bring.
fn send_all(socket: impl AsFd, mut rest: &[u8]) -> Result<(), Errno> {
    while !rest.is_empty() {
        match send(&socket, rest, SendFlags::NOSIGNAL) {
            Ok(sent) => rest = &rest[sent..],
            Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

impl Progress for Events {
    fn message(&mut self, text: &str) {
        self.send(&Event::Message(text.to_owned()));
    }

    fn warning(&mut self, text: &str) {
        self.send(&Event::Warning(text.to_owned()));
    }

    fn bytes(&mut self, done: u64, total: Option<u64>) {
        self.send(&Event::Bytes { done, total });
    }
}

/// The whole of `pct-helper`.
pub(crate) fn serve() -> ExitCode {
    // Programs inside a container must not inherit what the Rust runtime does for this one.
    sys::signal::reset_for_exec(true);
    // Executed by a descriptor, it would be called by that's number. A name is for people only.
    let _ = rustix::thread::set_name(c"pct-helper");
    let mut arguments = std::env::args_os().skip(1);
    match arguments.next().as_deref().and_then(|verb| verb.to_str()) {
        Some("job") => serve_job(),
        Some("attach") => session::serve_attach(arguments),
        Some("console") => session::serve_console(arguments),
        Some("hook") => monitor::hook(),
        Some(LIBLXC) => answer(arguments, |_| answer_liblxc()),
        Some(NETWORK) => answer(arguments, |_| answer_network()),
        Some(DHCP) => answer(arguments, answer_dhcp),
        Some("dhcp-hook") => dhcp::serve_hook(arguments),
        None if dhcp::is_script() => dhcp::serve_script(),
        Some("plug") => plug::serve(arguments),
        Some("--version") => {
            let _ = writeln!(io::stdout(), "pct-helper {VERSION}");
            ExitCode::SUCCESS
        }
        _ => {
            let _ = writeln!(io::stderr(), "pct-helper is run by libpct; it has no commands of its own");
            attach::FAILED
        }
    }
}

/// The descriptors that came with a job, in the order in which they were given.
pub(crate) struct Received {
    from: BorrowedFd<'static>,
}

impl Received {
    /// The next one; `None` when the library is gone.
    pub(crate) fn next(&mut self) -> Option<OwnedFd> {
        take(self.from).ok().flatten()
    }
}

fn serve_job() -> ExitCode {
    let Ok(events) = Events::take_stdout() else { return ExitCode::FAILURE };
    let mut received = Received { from: events.to };
    let Some(lock) = received.next() else { return ExitCode::FAILURE };
    match read_request() {
        Ok(request) => {
            let env = Env { home: request.home, helper: request.helper, listener: None };
            match request.job {
                Job::Populate(job) => populate::serve(&env, request.vmid, &job, events),
                Job::Run(job) => monitor::serve(&env, request.vmid, &job, events, lock),
                Job::Push(job) => push::serve(&job, received, events),
                Job::Suspend => suspend::serve(&env, request.vmid, received, events),
                Job::Hotplug(job) => hotplug::serve(&env, request.vmid, job, received, events),
                Job::Hold(job) => {
                    drop(lock);
                    still::serve(request.vmid, &job, received.from, events)
                }
            }
        }
        Err(message) => {
            events.send(&Event::Failed(Failure { message, ..Failure::default() }));
            ExitCode::FAILURE
        }
    }
}

fn read_request() -> Result<Request, String> {
    #[derive(serde::Deserialize)]
    struct Release {
        version: String,
    }
    let mut text = Vec::new();
    io::stdin().lock().read_to_end(&mut text).map_err(|e| format!("cannot read the job: {e}"))?;
    // The version first: a job of another release may not even parse.
    let Release { version } =
        serde_json::from_slice(&text).map_err(|e| format!("cannot read the job: {e}"))?;
    if version != VERSION {
        return Err(other_release(&version));
    }
    serde_json::from_slice(&text).map_err(|e| format!("cannot read the job: {e}"))
}
