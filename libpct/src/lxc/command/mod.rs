//! The monitor's command socket, spoken natively.
//!
//! Nothing here calls liblxc: a program that only asks for states does not load it. In contrast to liblxc
//! before 6.0 every wait has a limit, so that a monitor that hangs does not hang us.
//!
//! The wire format is that of liblxc 5.0, 6.0 and 7.0, which do not differ: 6.0 only gave *clients* a time
//! limit for some commands, 7.0 changed nothing. Numbers 0 to 12 are older, 15 to 22 came with 4.0.
//!
//! # The order at the end of a container
//! 1. the monitor leaves its loop and answers no more commands;
//! 2. the listening socket is closed: [`is_running`] says no;
//! 3. the hook `lxc.hook.post-stop` runs;
//! 4. connections of [`CommandSocket::wait_state`] are closed;
//! 5. the monitor process ends, and only with it [`CommandSocket::wait_closed`] and
//!    [`CommandSocket::stop`] return.
#![forbid(unsafe_code)]

mod address;
mod wire;

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::event::PollFlags;
use rustix::process::{Pid, PidfdFlags};

pub use address::{is_running, running_names};

use self::wire::Request;
use super::{Error, Result, State, TtyLease, pidfd};

/// How long a command may take when nothing else is said.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);

// Command numbers (spec: runtime, part 5.3).
const GET_TTY_FD: i32 = 0;
const STOP: i32 = 2;
const GET_STATE: i32 = 3;
const GET_INIT_PID: i32 = 4;
const GET_CGROUP: i32 = 6;
const GET_CONFIG_ITEM: i32 = 7;
const ADD_STATE_CLIENT: i32 = 10;
const GET_INIT_PIDFD: i32 = 18;
const GET_LIMIT_CGROUP: i32 = 19;

/// A connection to the monitor of a running container.
///
/// One connection is held open and idle: it is closed by the kernel when the monitor process ends, which
/// makes it the one reliable sign that the container *and* its clean-up are over. Each command has a
/// connection of its own, as the monitor closes it after the answer.
#[derive(Debug)]
pub struct CommandSocket {
    name: String,
    lxcpath: PathBuf,
    address: Vec<u8>,
    link: OwnedFd,
    timeout: Duration,
}

impl CommandSocket {
    /// Connects; `None` when the container does not run.
    pub fn connect(lxcpath: &Path, name: &str) -> Result<Option<Self>> {
        check(lxcpath, name)?;
        let address = address::command(lxcpath, name);
        let deadline = Some(Instant::now() + DEFAULT_TIMEOUT);
        let Some(link) = wire::connect(&address, name, deadline)? else { return Ok(None) };
        let lxcpath = lxcpath.to_owned();
        Ok(Some(Self { name: name.to_owned(), lxcpath, address, link, timeout: DEFAULT_TIMEOUT }))
    }

    /// Sets the limit of a command; [`DEFAULT_TIMEOUT`] at first.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The name of the container.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The state. [`Error::Timeout`] while the container starts: the monitor listens, but answers only
    /// when init runs.
    pub fn state(&self) -> Result<State> {
        const WHAT: &str = "query the state of";
        match self.request(WHAT, Request::new(GET_STATE)) {
            Ok((_, reply)) => State::from_number(reply.data as i64).ok_or_else(|| self.nonsense(WHAT)),
            Err(Error::NotRunning { .. }) => Ok(State::Stopped),
            Err(error) => Err(error),
        }
    }

    /// The pid of init in the monitor's pid namespace.
    pub fn init_pid(&self) -> Result<Pid> {
        const WHAT: &str = "get the init of";
        let (_, reply) = self.request(WHAT, Request::new(GET_INIT_PID))?;
        i32::try_from(reply.data)
            .ok()
            .filter(|pid| *pid > 0)
            .and_then(Pid::from_raw)
            .ok_or_else(|| self.nonsense(WHAT))
    }

    /// A pidfd of init.
    pub fn init_pidfd(&self) -> Result<OwnedFd> {
        const WHAT: &str = "get the init of";
        let (_, mut reply) = self.request(WHAT, Request::new(GET_INIT_PIDFD))?;
        if reply.ret < 0 {
            return Err(self.refused(WHAT, reply.ret));
        }
        reply.fds.pop().ok_or_else(|| self.nonsense(WHAT))
    }

    /// The value of a config item of the running container: what it was started with.
    pub fn config_item(&self, key: &str) -> Result<String> {
        const WHAT: &str = "query the running config of";
        let (_, reply) = self.request(WHAT, Request::new(GET_CONFIG_ITEM).text(key))?;
        if reply.ret < 0 {
            return Err(self.refused(WHAT, reply.ret));
        }
        Ok(reply.text())
    }

    /// The path of the container's cgroup below the mount of the hierarchy; `None` is cgroup2, else a
    /// v1 controller. With `limit` the one that carries the limits, which can be an outer one.
    pub fn cgroup(&self, controller: Option<&str>, limit: bool) -> Result<PathBuf> {
        const WHAT: &str = "get the cgroup of";
        let mut request = Request::new(if limit { GET_LIMIT_CGROUP } else { GET_CGROUP });
        if let Some(controller) = controller {
            request = request.text(controller);
        }
        let (_, reply) = self.request(WHAT, request)?;
        if reply.ret < 0 {
            return Err(self.refused(WHAT, reply.ret));
        }
        let path = reply.text();
        if path.is_empty() || Path::new(&path).components().any(|part| part.as_os_str() == "..") {
            return Err(self.nonsense(WHAT));
        }
        Ok(path.trim_start_matches('/').into())
    }

    /// Leases a terminal of the container: 0 is the console, `None` the first free tty.
    /// An error when it is busy or there is none.
    pub fn lease_tty(&self, number: Option<u32>) -> Result<TtyLease> {
        const WHAT: &str = "lease a terminal of";
        let wanted = number.map_or(-1, |number| isize::try_from(number).unwrap_or(isize::MAX));
        let (keepalive, mut reply) = self.request(WHAT, Request::new(GET_TTY_FD).value(wanted))?;
        if reply.ret < 0 {
            // liblxc's answer to a busy tty is -EBADF.
            let code = if reply.ret == -libc::EBADF { -libc::EBUSY } else { reply.ret };
            return Err(self.refused(WHAT, code));
        }
        match (reply.fds.pop(), u32::try_from(reply.data)) {
            (Some(ptx), Ok(number)) => Ok(TtyLease { keepalive, ptx, number }),
            _ => Err(self.refused(WHAT, -libc::EBUSY)),
        }
    }

    /// Waits until the container is in one of the states and says in which.
    ///
    /// When the monitor ends first the answer is [`State::Stopped`], asked for or not; its clean-up may still go
    /// on then: see [`Self::wait_closed`]. `None` waits for ever.
    pub fn wait_state(&self, states: &[State], timeout: Option<Duration>) -> Result<State> {
        const WHAT: &str = "wait for";
        let deadline = timeout.map(|timeout| Instant::now() + timeout);
        let mut flags = [0i32; State::ALL.len()];
        for state in states {
            flags[*state as usize] = 1;
        }
        let payload = flags.iter().flat_map(|flag| flag.to_ne_bytes()).collect();
        let request = Request::new(ADD_STATE_CLIENT).payload(payload);
        let (connection, reply) = match self.exchange(WHAT, request, deadline) {
            Err(Error::NotRunning { .. }) => return Ok(State::Stopped),
            other => other?,
        };
        if reply.ret < 0 {
            return Err(self.refused(WHAT, reply.ret));
        }
        if let Some(state) = State::from_number(reply.data as i64) {
            return Ok(state);
        }
        // It was none of them; a message comes with the first that is.
        match wire::read_state(&connection, &self.name, deadline)? {
            None => Ok(State::Stopped),
            Some(number) => State::from_number(number.into()).ok_or_else(|| self.nonsense(WHAT)),
        }
    }

    /// Has the monitor kill init (`lxc.signal.stop`, SIGKILL if not set) and waits until the monitor is gone.
    /// `None` waits for ever.
    pub fn stop(&self, timeout: Option<Duration>) -> Result<()> {
        const WHAT: &str = "stop";
        let deadline = timeout.map(|timeout| Instant::now() + timeout);
        let Some(connection) = wire::connect(&self.address, &self.name, deadline)? else { return Ok(()) };
        match wire::exchange(&connection, &self.name, WHAT, &Request::new(STOP), deadline) {
            // No answer but the end of the connection is success.
            Err(Error::NotRunning { .. }) => self.wait_closed_until(WHAT, deadline),
            Ok(reply) => Err(self.refused(WHAT, reply.ret)),
            Err(error) => Err(error),
        }
    }

    /// Asks init to shut down: `lxc.signal.halt` if set, else SIGRTMIN+3 for an init that blocks it
    /// (systemd does), else SIGPWR (spec: runtime, part 5.1). Does not wait.
    pub fn halt(&self) -> Result<()> {
        const WHAT: &str = "shut down";
        let configured = match self.config_item("lxc.signal.halt") {
            Ok(text) => text.trim().parse::<i32>().ok(),
            Err(error @ (Error::Timeout { .. } | Error::NotRunning { .. })) => return Err(error),
            Err(_) => None,
        };
        let signal = match configured {
            Some(number) if number > 0 => number,
            _ if self.init_blocks(libc::SIGRTMIN() + 3)? => libc::SIGRTMIN() + 3,
            _ => libc::SIGPWR,
        };
        self.signal_init(WHAT, signal)
    }

    /// Sends init the number of a signal, by its pidfd.
    ///
    /// [`Error::NotRunning`] when it has ended, also while the monitor still answers.
    pub fn signal_init(&self, operation: &'static str, signal: i32) -> Result<()> {
        let pidfd = self.init_pidfd()?;
        pidfd::send_signal(pidfd.as_fd(), signal).map_err(|error| self.of_init(operation, error))
    }

    /// What has failed because init is gone is told as that.
    fn of_init(&self, operation: &'static str, error: std::io::Error) -> Error {
        match error.raw_os_error() {
            Some(libc::ESRCH | libc::ENOENT) => Error::NotRunning { container: self.name.clone() },
            _ => Error::system(operation, &self.name, error),
        }
    }

    fn init_blocks(&self, signal: i32) -> Result<bool> {
        const WHAT: &str = "shut down";
        let file = format!("/proc/{}/status", self.init_pid()?.as_raw_nonzero());
        let status = std::fs::read_to_string(file).map_err(|error| self.of_init(WHAT, error))?;
        let mask = status.lines().find_map(|line| line.strip_prefix("SigBlk:"));
        let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
        Ok(mask & (1 << (signal - 1)) != 0)
    }

    /// A pidfd of the monitor.
    ///
    /// The pid is that of the process that made the socket; that the connection is still open after the
    /// pidfd was made proves that it was not reused. Not for a container of [`super::Container::start_daemonized`]: there
    /// that process has ended, and left the socket to the monitor.
    pub fn monitor_pidfd(&self) -> Result<OwnedFd> {
        const WHAT: &str = "find the monitor of";
        let failed = |error: rustix::io::Errno| Error::system(WHAT, &self.name, error);
        let peer = rustix::net::sockopt::socket_peercred(&self.link).map_err(failed)?;
        let pidfd = rustix::process::pidfd_open(peer.pid, PidfdFlags::empty());
        if self.is_closed()? {
            return Err(Error::NotRunning { container: self.name.clone() });
        }
        pidfd.map_err(failed)
    }

    /// The pid of the monitor, to be shown; to act on it take [`Self::monitor_pidfd`], which says of which containers.
    pub fn monitor_pid(&self) -> Result<Pid> {
        let peer = rustix::net::sockopt::socket_peercred(&self.link);
        peer.map(|peer| peer.pid).map_err(|error| Error::system("find the monitor of", &self.name, error))
    }

    /// Whether the monitor has ended since this was connected.
    pub fn is_closed(&self) -> Result<bool> {
        self.wait_closed(Some(Duration::ZERO))
    }

    /// Waits until the monitor process has ended; says whether it has. `None` waits for ever.
    pub fn wait_closed(&self, timeout: Option<Duration>) -> Result<bool> {
        let deadline = timeout.map(|timeout| Instant::now() + timeout);
        // The monitor sends nothing here, so that "readable" can only mean its end.
        wire::poll(&self.link, PollFlags::IN, deadline)
            .map_err(|error| Error::system("wait for the monitor of", &self.name, error))
    }

    /// Whether commands are still taken. They are not any more while the post-stop hook runs.
    pub fn is_listening(&self) -> Result<bool> {
        is_running(&self.lxcpath, &self.name)
    }

    fn wait_closed_until(&self, operation: &'static str, deadline: Option<Instant>) -> Result<()> {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        match self.wait_closed(left)? {
            true => Ok(()),
            false => Err(Error::Timeout { operation, container: self.name.clone() }),
        }
    }

    fn request(&self, operation: &'static str, request: Request) -> Result<(OwnedFd, wire::Reply)> {
        self.exchange(operation, request, Some(Instant::now() + self.timeout))
    }

    fn exchange(
        &self,
        operation: &'static str,
        request: Request,
        deadline: Option<Instant>,
    ) -> Result<(OwnedFd, wire::Reply)> {
        let connection = wire::connect(&self.address, &self.name, deadline)?
            .ok_or_else(|| Error::NotRunning { container: self.name.clone() })?;
        let reply = wire::exchange(&connection, &self.name, operation, &request, deadline)?;
        if reply.ret == -libc::EPERM {
            return Err(self.refused(operation, reply.ret));
        }
        Ok((connection, reply))
    }

    fn nonsense(&self, operation: &'static str) -> Error {
        Error::Protocol { operation, container: self.name.clone() }
    }

    fn refused(&self, operation: &'static str, code: i32) -> Error {
        Error::system(operation, &self.name, std::io::Error::from_raw_os_error(-code))
    }
}

impl AsFd for CommandSocket {
    /// The idle connection: readable (at its end) once the monitor process has ended.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.link.as_fd()
    }
}

fn check(lxcpath: &Path, name: &str) -> Result<()> {
    super::container::check_name(name)?;
    super::container::check_path(lxcpath).map(drop)
}
