//! Start, stop, shutdown, reboot, wait, freeze.

use std::ffi::CString;
use std::time::Duration;

use super::args::CStrings;
use super::container::{clear_errno, method, seconds};
use super::{Container, Error, Result, State, threads};

/// How init ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InitExit {
    /// It exited with this status.
    Exited(i32),
    /// A signal ended it. In a pid namespace of its own, reboot(2) ends init by SIGHUP for a restart and
    /// by SIGINT for a halt or power-off.
    Signaled(i32),
    /// liblxc could not tell.
    Unknown,
}

impl InitExit {
    /// liblxc's `error_num` after a start: a status in the second byte, and 0x7f below it for a signal.
    fn from_error_num(number: i32) -> Self {
        match (number >> 8, number & 0xff) {
            (status, 0) => Self::Exited(status),
            (signal, 0x7f) => Self::Signaled(signal),
            _ => Self::Unknown,
        }
    }

    /// Whether the guest asked for a restart.
    #[must_use]
    pub fn is_reboot(self) -> bool {
        self == Self::Signaled(libc::SIGHUP)
    }

    /// Whether the guest halted or powered off by itself.
    #[must_use]
    pub fn is_halt(self) -> bool {
        self == Self::Signaled(libc::SIGINT)
    }
}

/// What became of a foreground start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartOutcome {
    /// The container ran, and has ended.
    Ended(InitExit),
    /// The container did not get as far as running init. The log says why.
    Failed,
    /// Init ran, but the monitor failed afterwards. The log says why.
    MonitorFailed(InitExit),
}

/// What a container is started with.
#[derive(Clone, Debug, Default)]
pub struct StartOptions {
    /// The program and its arguments, instead of `lxc.init.cmd` (with `own_init` of `lxc.execute.cmd`).
    pub argv: Option<Vec<CString>>,
    /// The program is no init: liblxc puts a small one of its own before it, and the container ends with it.
    pub own_init: bool,
}

impl Container {
    /// Starts the container and *is* its monitor until it has ended; the post-stop hook has run then.
    ///
    /// liblxc closes no descriptor of this process; all above 2 are made close-on-exec, so that neither init nor a hook
    /// gets one. Init's stdio is its console. With `lxc.console.path = none` it is *this process's*: make that /dev/null
    /// first. Signals to this process: SIGHUP makes liblxc send SIGTERM to init, most others are passed on to init.
    ///
    /// A reboot from inside is done in place, with the config as it was, unless the hook
    /// `lxc.hook.post-stop` fails then: with that the outcome is [`InitExit::is_reboot`].
    ///
    /// # Errors
    /// Only what keeps liblxc from being called. A failed start is an outcome.
    pub fn start_foreground(&mut self, options: &StartOptions) -> Result<StartOutcome> {
        let started = self.start(options, false)?;
        // SAFETY: our reference; a member of every version.
        let number = unsafe { std::ptr::addr_of!((*self.raw()).error_num).read() };
        // liblxc sets 1 before it starts, and 0 or a status with an empty first byte (or 0x7f) at the end.
        Ok(match (started, InitExit::from_error_num(number)) {
            (true, exit) => StartOutcome::Ended(exit),
            (false, InitExit::Unknown) => StartOutcome::Failed,
            (false, exit) => StartOutcome::MonitorFailed(exit),
        })
    }

    /// Starts the container and returns when it runs. Its monitor is a fork of this process, with a copy of its memory,
    /// until the container has ended; it has closed all descriptors but those of liblxc's log.
    pub fn start_daemonized(&mut self, options: &StartOptions) -> Result<()> {
        clear_errno();
        if self.start(options, true)? { Ok(()) } else { Err(Error::call("start", self.name(), 0)) }
    }

    fn start(&mut self, options: &StartOptions, daemonize: bool) -> Result<bool> {
        threads::refuse("start", self.name())?;
        let want_daemonize = method!(self, want_daemonize)?;
        let want_close_all_fds = method!(self, want_close_all_fds)?;
        let start = method!(self, start)?;
        let argv = options.argv.clone().map(CStrings::new);
        threads::keep_descriptors("start", self.name())?;
        let c = self.raw();
        // SAFETY: our reference; `argv` is NULL or ends in NULL, and outlives the call. Descriptors that are owned here are
        // closed in a monitor only that is a process of its own.
        Ok(unsafe {
            want_daemonize(c, daemonize);
            want_close_all_fds(c, daemonize);
            start(c, options.own_init.into(), argv.as_ref().map_or(std::ptr::null(), CStrings::as_ptr))
        })
    }

    /// Has the monitor kill init; true also when nothing runs. Waits for the monitor to end, for ever if it
    /// hangs: [`super::CommandSocket::stop`] has a limit.
    pub fn stop(&mut self) -> Result<()> {
        let stop = method!(self, stop)?;
        // SAFETY: our reference.
        self.done("stop", || unsafe { stop(self.raw()) })
    }

    /// Asks init to shut down and waits; `None` waits for ever, zero not at all. Whole seconds, rounded up.
    pub fn shutdown(&mut self, timeout: Option<Duration>) -> Result<()> {
        let shutdown = method!(self, shutdown)?;
        // SAFETY: our reference.
        self.done("shut down", || unsafe { shutdown(self.raw(), seconds(timeout)) })
    }

    /// Asks init to reboot and waits until the container runs again; times as for [`Self::shutdown`].
    pub fn reboot(&mut self, timeout: Option<Duration>) -> Result<()> {
        let reboot2 = method!(self, reboot2)?;
        // SAFETY: our reference.
        self.done("reboot", || unsafe { reboot2(self.raw(), seconds(timeout)) })
    }

    /// Freezes all processes of the container.
    pub fn freeze(&mut self) -> Result<()> {
        let freeze = method!(self, freeze)?;
        // SAFETY: our reference.
        self.done("freeze", || unsafe { freeze(self.raw()) })
    }

    /// Lets them go on.
    pub fn unfreeze(&mut self) -> Result<()> {
        let unfreeze = method!(self, unfreeze)?;
        // SAFETY: our reference.
        self.done("unfreeze", || unsafe { unfreeze(self.raw()) })
    }

    /// Waits until the container is in one of the states; `None` waits for ever. Whole seconds, rounded up.
    /// Says whether it came to that; an error of liblxc is a no, too.
    pub fn wait(&self, states: &[State], timeout: Option<Duration>) -> Result<bool> {
        let wait = method!(self, wait)?;
        let names = states.iter().map(|state| state.as_str()).collect::<Vec<_>>().join("|");
        let names = CString::new(names).map_err(|_| Error::Refused { what: "waiting for such a state" })?;
        // SAFETY: our reference and a C string that outlives the call.
        Ok(unsafe { wait(self.raw(), names.as_ptr(), seconds(timeout)) })
    }

    pub(super) fn done(&self, operation: &'static str, call: impl FnOnce() -> bool) -> Result<()> {
        clear_errno();
        if call() { Ok(()) } else { Err(Error::call(operation, self.name(), 0)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_that_start_leaves_tells_exit_and_signal_apart() {
        assert_eq!(InitExit::from_error_num(0), InitExit::Exited(0));
        assert_eq!(InitExit::from_error_num(3 << 8), InitExit::Exited(3));
        assert_eq!(InitExit::from_error_num(127 << 8), InitExit::Exited(127));
        assert!(InitExit::from_error_num((libc::SIGHUP << 8) | 0x7f).is_reboot());
        assert!(InitExit::from_error_num((libc::SIGINT << 8) | 0x7f).is_halt());
        assert_eq!(InitExit::from_error_num(1), InitExit::Unknown);
    }
}
