//! Signals as something to poll, so that a supervising loop can pass them on.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use super::{Error, Result, check};

/// What a supervisor usually passes on: hang-up, interrupt, quit, terminate, window size, user signals,
/// continue.
pub(crate) const FORWARDED: [i32; 8] = [
    libc::SIGHUP,
    libc::SIGINT,
    libc::SIGQUIT,
    libc::SIGTERM,
    libc::SIGWINCH,
    libc::SIGUSR1,
    libc::SIGUSR2,
    libc::SIGCONT,
];

/// A signal that arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Arrived {
    /// Its number.
    pub signal: i32,
    /// Who sent it; 0 if the kernel or nobody we can see.
    pub sender: i32,
}

/// Blocked signals of the calling thread, readable as a descriptor.
///
/// Dropping it puts the thread's signal mask back. Children that the standard library makes start with an
/// empty mask; others call [`reset_for_exec`].
#[derive(Debug)]
pub(crate) struct SignalFd {
    fd: OwnedFd,
    before: libc::sigset_t,
}

impl SignalFd {
    /// Blocks the signals in the calling thread and makes them readable.
    ///
    /// In a process with threads the others must have them blocked as well, else they are delivered there.
    pub(crate) fn block(signals: &[i32]) -> Result<Self> {
        let set = set_of(signals)?;
        // SAFETY: a signal set is plain data; the call below fills it.
        let mut before: libc::sigset_t = unsafe { std::mem::zeroed() };
        // SAFETY: both sets are initialised and outlive the call.
        let ret = unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, &raw mut before) };
        if ret != 0 {
            return Err(Error::os("block signals", io::Error::from_raw_os_error(ret)));
        }
        // SAFETY: -1 asks for a new descriptor; the set outlives the call.
        let raw = unsafe { libc::signalfd(-1, &raw const set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK) };
        match check(raw.into()) {
            // SAFETY: a new descriptor that nobody else knows.
            Ok(_) => Ok(Self { fd: unsafe { OwnedFd::from_raw_fd(raw) }, before }),
            Err(source) => {
                set_mask(&before);
                Err(Error::os("watch signals", source))
            }
        }
    }

    /// The next signal that has arrived, `None` if there is none now. Never waits.
    pub(crate) fn next(&self) -> Result<Option<Arrived>> {
        // SAFETY: plain data, all-zero is valid.
        let mut info: libc::signalfd_siginfo = unsafe { std::mem::zeroed() };
        let size = size_of::<libc::signalfd_siginfo>();
        loop {
            // SAFETY: the buffer is as large as said.
            let n = unsafe { libc::read(self.fd.as_raw_fd(), (&raw mut info).cast(), size) };
            match check(n as libc::c_long) {
                Ok(_) => break,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                Err(source) => return Err(Error::os("read arrived signals", source)),
            }
        }
        // Signal and process numbers fit.
        Ok(Some(Arrived { signal: info.ssi_signo as i32, sender: info.ssi_pid as i32 }))
    }
}

impl AsFd for SignalFd {
    /// Readable while signals wait.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl Drop for SignalFd {
    fn drop(&mut self) {
        set_mask(&self.before);
    }
}

/// Before another program takes over: every disposition back to the default and no signal blocked.
///
/// Needed because ignored signals (Rust ignores SIGPIPE) and the mask survive `execve`. Two signals are left
/// as they are, as `nohup` and job control mean them to be: an ignored SIGHUP stays ignored, and so do SIGINT
/// and SIGQUIT in a background job of a shell without job control, when `keep_ignored` is given.
pub(crate) fn reset_for_exec(keep_ignored: bool) {
    for signal in 1..=libc::SIGRTMAX() {
        if keep_ignored && [libc::SIGHUP, libc::SIGINT, libc::SIGQUIT].contains(&signal) && is_ignored(signal)
        {
            continue;
        }
        // Fails for SIGKILL, SIGSTOP and the two that glibc keeps for itself: none can be changed.
        // SAFETY: the default disposition runs no code of ours.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
    if let Ok(none) = set_of(&[]) {
        set_mask(&none);
    }
}

/// Ignores a signal from now on, in the whole process.
pub(crate) fn ignore(signal: i32) -> Result<()> {
    // SAFETY: an ignored signal runs no code of ours.
    let before = unsafe { libc::signal(signal, libc::SIG_IGN) };
    if before == libc::SIG_ERR {
        return Err(Error::os(format!("ignore signal {signal}"), io::Error::last_os_error()));
    }
    Ok(())
}

/// Ignores a signal no longer; a handler stays.
pub(crate) fn heed(signal: i32) {
    if is_ignored(signal) {
        // It cannot fail for a signal that could be ignored.
        // SAFETY: the default disposition runs no code of ours.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
}

fn is_ignored(signal: i32) -> bool {
    // SAFETY: plain data, filled by the call; a null new action only asks.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        libc::sigaction(signal, std::ptr::null(), &raw mut action) == 0
            && action.sa_sigaction == libc::SIG_IGN
    }
}

fn set_of(signals: &[i32]) -> Result<libc::sigset_t> {
    // SAFETY: plain data, initialised by sigemptyset.
    let mut set: libc::sigset_t = unsafe { std::mem::zeroed() };
    // SAFETY: the set is ours.
    unsafe { libc::sigemptyset(&raw mut set) };
    for &signal in signals {
        // SAFETY: the set is ours; a bad number is reported.
        if unsafe { libc::sigaddset(&raw mut set, signal) } != 0 {
            return Err(Error::os(format!("block signal {signal}"), io::Error::last_os_error()));
        }
    }
    Ok(set)
}

fn set_mask(set: &libc::sigset_t) {
    // SAFETY: an initialised set; the call cannot fail with SIG_SETMASK.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, std::ptr::from_ref(set), std::ptr::null_mut()) };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::testing::in_child;

    fn raise(signal: i32) {
        // SAFETY: a plain call.
        unsafe { libc::raise(signal) };
    }

    fn blocked(signal: i32) -> bool {
        // SAFETY: plain data; a null new set only asks.
        unsafe {
            let mut now: libc::sigset_t = std::mem::zeroed();
            libc::pthread_sigmask(libc::SIG_BLOCK, std::ptr::null(), &raw mut now);
            libc::sigismember(&raw const now, signal) == 1
        }
    }

    #[test]
    fn signals_are_read_and_the_mask_comes_back() {
        in_child(|| {
            let signals = SignalFd::block(&FORWARDED).unwrap();
            assert_eq!(signals.next().unwrap(), None);
            raise(libc::SIGTERM);
            raise(libc::SIGUSR1);
            let pid = std::process::id() as i32;
            let mut got = [signals.next().unwrap().unwrap(), signals.next().unwrap().unwrap()];
            got.sort_by_key(|a| a.signal);
            assert_eq!(got[0], Arrived { signal: libc::SIGUSR1, sender: pid });
            assert_eq!(got[1], Arrived { signal: libc::SIGTERM, sender: pid });
            assert_eq!(signals.next().unwrap(), None);
            assert!(blocked(libc::SIGTERM));
            drop(signals);
            assert!(!blocked(libc::SIGTERM));
        });
    }

    #[test]
    fn a_program_starts_with_default_signals() {
        in_child(|| {
            ignore(libc::SIGPIPE).unwrap();
            ignore(libc::SIGHUP).unwrap();
            let _signals = SignalFd::block(&FORWARDED).unwrap();
            reset_for_exec(true);
            assert!(!is_ignored(libc::SIGPIPE));
            assert!(is_ignored(libc::SIGHUP), "nohup is kept");
            assert!(!blocked(libc::SIGTERM));
            reset_for_exec(false);
            assert!(!is_ignored(libc::SIGHUP));
        });
        assert!(SignalFd::block(&[4711]).is_err());
        assert!(ignore(libc::SIGKILL).is_err());
    }
}
