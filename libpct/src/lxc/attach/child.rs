//! A process that liblxc made inside a container, and that is a child of this one.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::process::{Pid, PidfdFlags, WaitId, WaitIdOptions, WaitIdStatus};

use super::super::pidfd;

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It exited with this status.
    Code(i32),
    /// This signal ended it.
    Signal(i32),
}

impl Exit {
    /// What a shell makes of it: the status, or 128 and the signal.
    #[must_use]
    pub fn shell_code(self) -> i32 {
        match self {
            Self::Code(code) => code,
            Self::Signal(signal) => 128 + signal,
        }
    }
}

/// A running child.
///
/// Dropped before it has ended it goes on, and stays a zombie from its end to ours.
#[derive(Debug)]
pub struct Child {
    pid: Pid,
    pidfd: OwnedFd,
    exit: Option<Exit>,
}

impl Child {
    /// Takes over a child that nobody else waits for: its pid cannot be reused meanwhile.
    pub(super) fn adopt(pid: libc::pid_t) -> io::Result<Self> {
        let pid = Pid::from_raw(pid).ok_or(io::ErrorKind::InvalidInput)?;
        let pidfd = rustix::process::pidfd_open(pid, PidfdFlags::empty())?;
        Ok(Self { pid, pidfd, exit: None })
    }

    /// Its pid in this process's pid namespace.
    #[must_use]
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// Waits until it has ended.
    pub fn wait(&mut self) -> io::Result<Exit> {
        loop {
            if let Some(exit) = self.reap(WaitIdOptions::EXITED)? {
                return Ok(exit);
            }
        }
    }

    /// How it ended, if it has.
    pub fn try_wait(&mut self) -> io::Result<Option<Exit>> {
        self.reap(WaitIdOptions::EXITED | WaitIdOptions::NOHANG)
    }

    /// Sends it a signal, by number.
    pub fn signal(&self, signal: i32) -> io::Result<()> {
        pidfd::send_signal(self.pidfd.as_fd(), signal)
    }

    fn reap(&mut self, options: WaitIdOptions) -> io::Result<Option<Exit>> {
        if self.exit.is_none() {
            self.exit = match rustix::process::waitid(WaitId::PidFd(self.pidfd.as_fd()), options) {
                Ok(status) => status.as_ref().and_then(exit),
                Err(rustix::io::Errno::INTR) => None,
                Err(error) => return Err(error.into()),
            };
        }
        Ok(self.exit)
    }
}

impl AsFd for Child {
    /// Its pidfd: readable when it has ended.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }
}

fn exit(status: &WaitIdStatus) -> Option<Exit> {
    let code = status.exit_status().map(Exit::Code);
    code.or_else(|| status.terminating_signal().map(Exit::Signal))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    // Waited for by the `Child` that is made of it.
    #[allow(clippy::zombie_processes)]
    fn child(script: &str) -> Child {
        let child = Command::new("/bin/sh").args(["-c", script]).spawn().unwrap();
        Child::adopt(child.id().cast_signed()).unwrap()
    }

    #[test]
    fn exit_code_and_signal_are_told_apart() {
        assert_eq!(child("exit 255").wait().unwrap(), Exit::Code(255));
        assert_eq!(child("kill -9 $$").wait().unwrap(), Exit::Signal(9));
        assert_eq!(Exit::Signal(9).shell_code(), 137);
        let mut sleeper = child("exec sleep 100");
        assert_eq!(sleeper.try_wait().unwrap(), None);
        sleeper.signal(libc::SIGTERM).unwrap();
        assert_eq!(sleeper.wait().unwrap(), Exit::Signal(libc::SIGTERM));
        assert_eq!(sleeper.wait().unwrap(), Exit::Signal(libc::SIGTERM));
    }
}
