//! `wait`: until a container is in a state (ours).
//!
//! Sleeps until something happens: the folder of the run files tells of monitors that come (inotify), a pidfd of a
//! monitor or an init that ends, a netlink socket in the container of addresses. Only where there is nothing that
//! could tell, between a monitor's first steps and its socket, and while systemd does not answer yet, it looks again
//! from time to time.

use std::{
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
};

use super::{
    Env,
    exec::Exec,
    folders::Folders,
    inside::Init,
    interfaces::{InterfaceAddress, Network},
    leftovers,
};
use crate::{
    config::Vmid,
    error::{Error, Failure},
    lxc::State,
    progress::Progress,
    sys::{self, pidfd::Pidfd},
};

/// What to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WaitFor {
    /// Its init runs.
    Running,
    /// Its monitor is gone, and has cleaned up behind it.
    Stopped,
    /// It has an IPv4 address that other machines can reach.
    Ipv4,
    /// It has an IPv6 address that other machines can reach, and that was found to be free.
    Ipv6,
    /// Its systemd says that the boot is complete. This runs the guest's `systemctl` inside.
    Systemd,
}

impl WaitFor {
    /// What a word of `pct wait` stands for.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        match word {
            "running" => Some(Self::Running),
            "stopped" => Some(Self::Stopped),
            "ipv4" => Some(Self::Ipv4),
            "ipv6" => Some(Self::Ipv6),
            "systemd" => Some(Self::Systemd),
            _ => None,
        }
    }

    /// What is to be said of a container that has not reached it.
    fn unmet(self) -> &'static str {
        match self {
            Self::Running => "is not running",
            Self::Stopped => "is not stopped",
            Self::Ipv4 => "has no IPv4 address",
            Self::Ipv6 => "has no IPv6 address",
            Self::Systemd => "has not completed its boot",
        }
    }
}

/// How long to sleep where nothing tells of the next step.
const SHORT: Duration = Duration::from_millis(10);
/// The same for a program inside that is asked again.
const LONG: Duration = Duration::from_millis(250);
/// How long a monitor may take to say in which state the container is, before it is seen whether the time is over.
const ANSWER_TIME: Duration = Duration::from_secs(1);
/// More bytes than systemctl writes when it says a state, or why it cannot.
const ANSWER: usize = 4096;

pub(crate) fn wait(
    env: &Env,
    vmid: Vmid,
    condition: WaitFor,
    timeout: Option<Duration>,
    progress: &mut dyn Progress,
) -> Result<(), Error> {
    env.store().require(vmid)?;
    let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    let waiting = Waiting { env, vmid, condition, timeout: timeout.unwrap_or_default(), deadline };
    match condition {
        WaitFor::Running => waiting.running(None, progress),
        WaitFor::Stopped => waiting.stopped(progress),
        WaitFor::Ipv4 => waiting.address(&|address| address.address.is_ipv4(), progress),
        WaitFor::Ipv6 => waiting.address(&|address| address.address.is_ipv6(), progress),
        WaitFor::Systemd => waiting.systemd(progress),
    }
}

struct Waiting<'a> {
    env: &'a Env,
    vmid: Vmid,
    condition: WaitFor,
    timeout: Duration,
    deadline: Option<Instant>,
}

impl Waiting<'_> {
    fn left(&self) -> Option<Duration> {
        self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }

    /// Sleeps until one of the descriptors is readable or the pause is over, and says which of them are.
    fn sleep<const N: usize>(
        &self,
        fds: [BorrowedFd<'_>; N],
        pause: Option<Duration>,
        progress: &dyn Progress,
    ) -> Result<[bool; N], Error> {
        let left = self.left();
        // Whatever has happened meanwhile: a guest can make things happen all the time.
        if left.is_some_and(|left| left.is_zero()) {
            return Err(self.timed_out());
        }
        let limit = match (left, pause) {
            (Some(left), Some(pause)) => Some(left.min(pause)),
            (left, pause) => left.or(pause),
        };
        // A time that no clock reaches is none.
        let limit = limit.and_then(|limit| Timespec::try_from(limit).ok());
        let all = fds.into_iter().chain(progress.cancel());
        let mut polled: Vec<_> = all.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)).collect();
        match poll(&mut polled, limit.as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(errno) => return Err(sys::Error::os("wait for a container", errno).into()),
        }
        let ready = std::array::from_fn(|at| !polled[at].revents().is_empty());
        if polled.len() > N && !polled[N].revents().is_empty() {
            return Err(Error::Interrupted);
        }
        Ok(ready)
    }

    /// Until it runs. With a monitor it must be a container of that one: when it ends, waiting on is in vain.
    fn running(&self, monitor: Option<&OwnedFd>, progress: &dyn Progress) -> Result<(), Error> {
        // First the watch, then the look: nothing can happen unseen in between.
        let folders = Folders::watch(self.env)?;
        loop {
            folders.changed()?;
            self.env.store().require(self.vmid)?;
            let mut pause = None;
            if let Some(socket) = self.env.connect(self.vmid)? {
                const ENDS: [State; 3] = [State::Stopping, State::Stopped, State::Aborting];
                let states: Vec<_> =
                    State::ALL.into_iter().filter(|state| *state != State::Starting).collect();
                // One that is starting answers when it runs, or never.
                match socket.wait_state(&states, Some(ANSWER_TIME)) {
                    Ok(state) if !ENDS.contains(&state) => return Ok(()),
                    Ok(_) | Err(crate::lxc::Error::Timeout { .. }) => pause = Some(SHORT),
                    Err(error) => return Err(error.into()),
                }
            } else if leftovers::has_monitor(self.env, self.vmid)? {
                pause = Some(SHORT);
            }
            match monitor {
                Some(monitor) => {
                    if self.sleep([folders.as_fd(), monitor.as_fd()], pause, progress)?[1] {
                        return Err(Error::StoppedMeanwhile { vmid: self.vmid });
                    }
                }
                None => {
                    self.sleep([folders.as_fd()], pause, progress)?;
                }
            }
        }
    }

    fn stopped(&self, progress: &dyn Progress) -> Result<(), Error> {
        match self.monitor()? {
            None => Ok(()),
            Some(monitor) => {
                while !self.sleep([monitor.as_fd()], None, progress)?[0] {}
                Ok(())
            }
        }
    }

    /// A pidfd of its monitor, of one that is still starting or cleaning up, too.
    fn monitor(&self) -> Result<Option<OwnedFd>, Error> {
        if let Some(socket) = self.env.connect(self.vmid)? {
            match socket.monitor_pidfd() {
                Ok(monitor) => return Ok(Some(monitor)),
                Err(crate::lxc::Error::NotRunning { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(leftovers::monitor_process(self.env, self.vmid)?.map(Pidfd::into_fd))
    }

    /// Until it runs, and then its monitor and its init.
    fn started(&self, known: &mut Option<OwnedFd>, progress: &dyn Progress) -> Result<Init, Error> {
        loop {
            self.running(known.as_ref(), progress)?;
            if known.is_none() {
                *known = self.monitor()?;
            }
            if let Some(init) = Init::of(self.env, self.vmid)? {
                return Ok(init);
            }
            // It has just ended.
            self.sleep([], Some(SHORT), progress)?;
        }
    }

    fn address(
        &self,
        wanted: &dyn Fn(&InterfaceAddress) -> bool,
        progress: &dyn Progress,
    ) -> Result<(), Error> {
        let mut monitor = None;
        // Once for every start: a guest that reboots gets a new network.
        loop {
            let init = self.started(&mut monitor, progress)?;
            let mut network = match Network::of(self.env, &init) {
                Ok(network) => network,
                Err(error) if !init.has_ended()? => return Err(error),
                Err(_) => {
                    self.sleep([], Some(SHORT), progress)?;
                    continue;
                }
            };
            loop {
                let interfaces = network.interfaces()?;
                let mut addresses = interfaces.iter().flat_map(|interface| &interface.addresses);
                if addresses.any(|address| address.global && wanted(address)) {
                    return Ok(());
                }
                let [_, ended] = self.sleep([network.watch.as_fd(), init.as_fd()], None, progress)?;
                if ended {
                    break;
                }
                network.watch.clear()?;
            }
        }
    }

    fn systemd(&self, progress: &mut dyn Progress) -> Result<(), Error> {
        let mut monitor = None;
        loop {
            self.started(&mut monitor, progress)?;
            let (state, code) = match self.ask_systemd(progress) {
                Err(Error::NotRunningInside { .. }) => (String::new(), None),
                answer => answer?,
            };
            match (state.as_str(), code) {
                ("running", _) => return Ok(()),
                ("degraded", _) => {
                    progress.warning(&format!("CT {}: systemd has units that failed (degraded)", self.vmid));
                    return Ok(());
                }
                ("maintenance", _) => return Err(failure(self.vmid, "is in its rescue or emergency mode")),
                (_, Some(126 | 127)) => return Err(failure(self.vmid, "is not there: no systemctl")),
                // Not yet, or not any more: it does not listen in its first moments.
                _ => {
                    self.sleep([], Some(LONG), progress)?;
                }
            }
        }
    }

    /// The state that `systemctl` prints when the boot is over, and its exit status.
    fn ask_systemd(&self, progress: &dyn Progress) -> Result<(String, Option<i32>), Error> {
        let command = ["systemctl", "is-system-running", "--wait"];
        let mut command = Exec::new(self.env, self.vmid).args(command).limit(ANSWER);
        if let Some(left) = self.left() {
            command = command.timeout(left);
        }
        let answer = match command.output_unless_cancelled(progress) {
            Err(Error::CommandTimeout { .. }) => return Err(self.timed_out()),
            // None of its states.
            Err(Error::TooMuchOutput { .. }) => return Ok((String::new(), None)),
            answer => answer?,
        };
        let state = String::from_utf8_lossy(&answer.stdout);
        Ok((state.lines().next().unwrap_or_default().trim().to_owned(), answer.status.code()))
    }

    fn timed_out(&self) -> Error {
        let (vmid, what, seconds) = (self.vmid, self.condition.unmet(), self.timeout.as_secs());
        Error::WaitTimeout { vmid, what, seconds }
    }
}

fn failure(vmid: Vmid, what: &str) -> Error {
    Error::Helper(Failure { message: format!("the systemd of CT {vmid} {what}"), ..Failure::default() })
}
