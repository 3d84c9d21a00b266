//! Terminals of a container.

use std::ffi::c_int;
use std::num::NonZeroU64;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use lxc_sys::lxc_console_log;

use super::args::Oversized;
use super::cbox::CBox;
use super::container::{clear_errno, method};
use super::{Container, Error, Result};

/// A terminal that is ours until this is dropped.
///
/// The monitor takes the terminal back when the connection it was asked over is closed; so both
/// descriptors live in here.
#[derive(Debug)]
pub struct TtyLease {
    pub(super) keepalive: OwnedFd,
    pub(super) ptx: OwnedFd,
    pub(super) number: u32,
}

impl TtyLease {
    /// The number of the terminal: `/dev/tty<n>` inside, 0 for the console.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Our side of the terminal.
    #[must_use]
    pub fn ptx(&self) -> BorrowedFd<'_> {
        self.ptx.as_fd()
    }

    /// The connection; readable (at its end) when the monitor has ended.
    #[must_use]
    pub fn connection(&self) -> BorrowedFd<'_> {
        self.keepalive.as_fd()
    }
}

impl Container {
    /// Connects three descriptors with a terminal of the container (numbers as for [`Self::lease_tty`]) until it closes,
    /// `stdin` ends, or somebody types the escape: control and this letter, then `q`.
    ///
    /// liblxc does it by itself, on this thread: it makes a session of its own of this process unless that leads one,
    /// puts a terminal at `stdin` in raw mode meanwhile, blocks SIGWINCH, and, with an escape, writes a line about it to
    /// the stderr of the process. Those who want it otherwise lease the terminal.
    pub fn connect_console(
        &mut self,
        number: Option<u32>,
        stdio: [BorrowedFd<'_>; 3],
        escape: Option<char>,
    ) -> Result<()> {
        const WHAT: &str = "connect to the console of";
        let console = method!(self, console)?;
        let escape = match escape {
            None => -1,
            Some(letter @ 'a'..='z') => c_int::from(letter as u8 - b'a' + 1),
            Some(_) => return Err(Error::Refused { what: "an escape other than a letter from a to z" }),
        };
        let [stdin, stdout, stderr] = stdio.map(|fd| fd.as_raw_fd());
        clear_errno();
        // SAFETY: our reference, and descriptors that are open until the call returns.
        match unsafe { console(self.raw(), tty(number), stdin, stdout, stderr, escape) } {
            0 => Ok(()),
            code => Err(Error::call(WHAT, self.name(), code.into())),
        }
    }

    /// What has been written to the console, at most `limit` bytes of it if one is given; the next call goes on behind it.
    /// `clear` forgets the rest. Needs `lxc.console.buffer.size`.
    pub fn console_log(&mut self, limit: Option<NonZeroU64>, clear: bool) -> Result<Vec<u8>> {
        self.use_console_log(true, limit.map_or(0, NonZeroU64::get), clear)
    }

    /// Forgets what has been written to the console.
    pub fn clear_console_log(&mut self) -> Result<()> {
        self.use_console_log(false, 0, true).map(drop)
    }

    fn use_console_log(&mut self, read: bool, mut length: u64, clear: bool) -> Result<Vec<u8>> {
        const WHAT: &str = "use the console log of";
        let call = method!(self, console_log)?;
        let log = lxc_console_log { clear, read, read_max: &raw mut length, data: std::ptr::null_mut() };
        let mut log = Oversized::new(log);
        clear_errno();
        // SAFETY: our reference, and a struct and an integer that outlive the call.
        let code = unsafe { call(self.raw(), log.as_mut_ptr()) };
        // SAFETY: malloc'ed for us, or still NULL.
        let data = unsafe { CBox::take(log.value.data) };
        match -code {
            0 | libc::ENODATA => {}
            libc::EFAULT | libc::ENOENT => {
                return Err(Error::NoConsoleLog { container: self.name().to_owned() });
            }
            libc::ECONNREFUSED => return Err(Error::NotRunning { container: self.name().to_owned() }),
            _ => return Err(Error::call(WHAT, self.name(), code.into())),
        }
        let Some(data) = data else { return Ok(Vec::new()) };
        let length = usize::try_from(length).unwrap_or(0);
        // SAFETY: as long as liblxc says.
        Ok(unsafe { std::slice::from_raw_parts(data.as_ptr().cast::<u8>(), length) }.to_vec())
    }

    /// Leases a terminal: 0 is the console, `None` the first free tty.
    /// [`super::CommandSocket::lease_tty`] does the same without liblxc, and with a time limit.
    pub fn lease_tty(&self, number: Option<u32>) -> Result<TtyLease> {
        const WHAT: &str = "lease a terminal of";
        let getfd = method!(self, console_getfd)?;
        let mut number = tty(number);
        let mut ptx: c_int = -1;
        clear_errno();
        // SAFETY: our reference and two integers that outlive the call.
        let keepalive = unsafe { getfd(self.raw(), &raw mut number, &raw mut ptx) };
        if keepalive < 0 {
            return Err(Error::call(WHAT, self.name(), keepalive.into()));
        }
        // SAFETY: a new descriptor, ours.
        let keepalive = unsafe { OwnedFd::from_raw_fd(keepalive) };
        if ptx < 0 {
            return Err(Error::call(WHAT, self.name(), ptx.into()));
        }
        // SAFETY: a new descriptor, ours.
        let ptx = unsafe { OwnedFd::from_raw_fd(ptx) };
        for fd in [&keepalive, &ptx] {
            rustix::io::fcntl_setfd(fd, rustix::io::FdFlags::CLOEXEC)
                .map_err(|error| Error::system(WHAT, self.name(), error))?;
        }
        Ok(TtyLease { keepalive, ptx, number: u32::try_from(number).unwrap_or(0) })
    }
}

/// -1 is the first that is free.
fn tty(number: Option<u32>) -> c_int {
    number.map_or(-1, |number| c_int::try_from(number).unwrap_or(c_int::MAX))
}
