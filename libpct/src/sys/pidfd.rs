//! Processes by file descriptor: a number can be reused, a pidfd cannot.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, PidfdFlags, WaitId, WaitIdOptions, WaitIdStatus};

use super::{Error, Result, check};

/// How a child ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It called `exit` with this code, 0 to 255.
    Code(i32),
    /// This signal killed it.
    Signal(i32),
}

impl Exit {
    /// Exit code 0.
    #[must_use]
    pub(crate) fn success(self) -> bool {
        self == Self::Code(0)
    }

    /// The exit status as the shell gives it: the code, or 128 + signal.
    #[must_use]
    pub(crate) fn shell_status(self) -> i32 {
        match self {
            Self::Code(code) => code,
            Self::Signal(signal) => 128 + signal,
        }
    }
}

/// A handle on one process, not necessarily a child (pidfd_open(2)).
#[derive(Debug)]
pub(crate) struct Pidfd {
    fd: OwnedFd,
    pid: i32,
}

impl Pidfd {
    /// Opens the process that has this number now.
    ///
    /// `Ok(None)`: there is no such process. Whether it is the process one had in mind must be checked
    /// *after* opening.
    pub(crate) fn open(pid: i32) -> Result<Option<Self>> {
        // The conversion panics on negative numbers.
        let Some(number) = (pid > 0).then(|| Pid::from_raw(pid)).flatten() else {
            return Ok(None);
        };
        match rustix::process::pidfd_open(number, PidfdFlags::empty()) {
            Ok(fd) => Ok(Some(Self { fd, pid })),
            // EINVAL: the number of a thread that leads no process.
            Err(rustix::io::Errno::SRCH | rustix::io::Errno::INVAL) => Ok(None),
            Err(source) => Err(Error::os(format!("open process {pid}"), source)),
        }
    }

    pub(super) fn from_parts(fd: OwnedFd, pid: i32) -> Self {
        Self { fd, pid }
    }

    /// The number the process has or had.
    #[must_use]
    pub(crate) fn pid(&self) -> i32 {
        self.pid
    }

    /// The descriptor.
    pub(crate) fn into_fd(self) -> OwnedFd {
        self.fd
    }

    /// Sends any signal, real-time ones too; 0 only asks. `Ok(false)`: the process is gone already.
    pub(crate) fn send(&self, signal: i32) -> Result<bool> {
        let null = std::ptr::null::<libc::siginfo_t>();
        // SAFETY: no memory is passed but a null pointer, which the call permits.
        let ret = unsafe {
            libc::syscall(libc::SYS_pidfd_send_signal, self.fd.as_raw_fd(), signal, null, 0 as libc::c_uint)
        };
        match check(ret) {
            Ok(_) => Ok(true),
            Err(e) if e.raw_os_error() == Some(libc::ESRCH) => Ok(false),
            Err(source) => Err(Error::os(format!("send signal {signal} to process {}", self.pid), source)),
        }
    }

    /// Waits until the process has ended, at most `timeout` (`None`: for ever). Tells whether it has.
    pub(crate) fn wait(&self, timeout: Option<Duration>) -> Result<bool> {
        let deadline = timeout.and_then(|t| Instant::now().checked_add(t));
        loop {
            let left = deadline.map(|d| d.saturating_duration_since(Instant::now()));
            let limit = left.and_then(|l| rustix::event::Timespec::try_from(l).ok());
            let mut fds = [PollFd::new(&self.fd, PollFlags::IN)];
            match poll(&mut fds, limit.as_ref()) {
                Ok(0) if left.is_some_and(|l| l.is_zero()) => return Ok(false),
                Ok(0) | Err(rustix::io::Errno::INTR) => {}
                Ok(_) => return Ok(true),
                Err(source) => return Err(Error::os(format!("wait for process {}", self.pid), source)),
            }
        }
    }

    /// Waits for a *child* of this process to end and takes its exit status, so that no zombie stays.
    pub(crate) fn reap(&self) -> Result<Exit> {
        loop {
            match rustix::process::waitid(WaitId::PidFd(self.fd.as_fd()), WaitIdOptions::EXITED) {
                Ok(Some(status)) => return Ok(exit_of(&status)),
                Ok(None) | Err(rustix::io::Errno::INTR) => {}
                Err(source) => return Err(Error::os(format!("wait for child {}", self.pid), source)),
            }
        }
    }
}

impl AsFd for Pidfd {
    /// Readable once the process has ended.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

fn exit_of(status: &WaitIdStatus) -> Exit {
    match status.exit_status() {
        Some(code) => Exit::Code(code),
        None => Exit::Signal(status.terminating_signal().unwrap_or(libc::SIGKILL)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_awaited_signalled_and_reaped() {
        let mut child = std::process::Command::new("/bin/sleep").arg("60").spawn().unwrap();
        let pidfd = Pidfd::open(child.id() as i32).unwrap().unwrap();
        assert!(!pidfd.wait(Some(Duration::ZERO)).unwrap());
        assert!(!pidfd.wait(Some(Duration::from_millis(20))).unwrap());
        assert!(pidfd.send(0).unwrap());
        assert!(pidfd.send(libc::SIGTERM).unwrap());
        assert!(pidfd.wait(Some(Duration::from_secs(10))).unwrap());
        assert_eq!(pidfd.reap().unwrap(), Exit::Signal(libc::SIGTERM));
        assert!(!pidfd.send(libc::SIGTERM).unwrap());
        assert!(child.try_wait().is_err(), "already reaped");
    }

    #[test]
    fn no_such_process_is_no_error() {
        assert!(Pidfd::open(0).unwrap().is_none());
        assert!(Pidfd::open(-5).unwrap().is_none());
        assert!(Pidfd::open(i32::MAX).unwrap().is_none());
        assert_eq!((Exit::Code(3).shell_status(), Exit::Signal(9).shell_status()), (3, 137));
    }
}
