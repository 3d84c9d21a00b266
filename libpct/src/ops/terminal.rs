//! Between the terminal of the caller and a terminal of the container.
//!
//! The container never gets the caller's terminal itself: who holds it could push input into it (TIOCSTI,
//! CVE-2016-10124). It gets one of its own, and this loop carries the bytes.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::{
    event::{PollFd, PollFlags, poll},
    fs::{Mode, OFlags, fcntl_getfl, fcntl_setfl, openat},
    io::{Errno, read, write},
    process::getpgrp,
    pty::{OpenptFlags, ioctl_tiocgptpeer, unlockpt},
    termios::{
        OptionalActions, OutputModes, Termios, isatty, tcgetattr, tcgetpgrp, tcgetwinsize, tcsetattr,
        tcsetwinsize,
    },
};

use crate::{
    lxc::{Child, Exit},
    sys::{self, signal::SignalFd},
};

/// A pseudo terminal: our end, and the end for the container.
pub(crate) struct Pty {
    pub(crate) ours: OwnedFd,
    pub(crate) theirs: OwnedFd,
}

impl Pty {
    /// Makes a terminal in the container's own instance of devpts, so that it has a name inside.
    pub(crate) fn open(devpts: BorrowedFd<'_>) -> Result<Self, Errno> {
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let ours = openat(devpts, "ptmx", flags, Mode::empty())?;
        unlockpt(&ours)?;
        let peer = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let theirs = ioctl_tiocgptpeer(&ours, peer)?;
        Ok(Self { ours, theirs })
    }
}

/// The caller's terminal, if it has one and is in its foreground.
pub(crate) struct HostTerminal {
    /// A standard stream.
    fd: BorrowedFd<'static>,
    /// What to put back; absent while the terminal is as it was.
    before: Option<Termios>,
}

impl HostTerminal {
    pub(crate) fn new(fd: BorrowedFd<'static>) -> Self {
        Self { fd, before: None }
    }

    /// Whether this process may read from the terminal: a background job may not, and would be stopped.
    pub(crate) fn in_foreground(&self) -> bool {
        tcgetpgrp(self.fd).is_ok_and(|group| group == getpgrp())
    }

    /// Passes every key on as it is.
    pub(crate) fn make_raw(&mut self) {
        if self.before.is_some() {
            return;
        }
        if let Ok(before) = tcgetattr(self.fd) {
            let mut raw = before.clone();
            raw.make_raw();
            if tcsetattr(self.fd, OptionalActions::Drain, &raw).is_ok() {
                self.before = Some(before);
            }
        }
    }

    /// Gives the container's terminal the size of the caller's.
    pub(crate) fn copy_size(&self, to: BorrowedFd<'_>) {
        if let Ok(size) = tcgetwinsize(self.fd) {
            let _ = tcsetwinsize(to, size);
        }
    }
}

impl Drop for HostTerminal {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            let _ = tcsetattr(self.fd, OptionalActions::Drain, before);
        }
    }
}

/// Lets output through as it is: for a caller whose own terminal does the line ends.
pub(crate) fn disable_output_processing(terminal: BorrowedFd<'_>) {
    if let Ok(mut termios) = tcgetattr(terminal) {
        termios.output_modes -= OutputModes::OPOST;
        let _ = tcsetattr(terminal, OptionalActions::Now, &termios);
    }
}

pub(crate) fn is_terminal(fd: impl AsFd) -> bool {
    isatty(fd)
}

/// Ctrl-<letter> followed by `q` leaves; the control character twice is passed on once.
pub(crate) struct Escape {
    prefix: u8,
    armed: bool,
}

impl Escape {
    pub(crate) fn new(letter: char) -> Self {
        Self { prefix: letter as u8 & 0x1f, armed: false }
    }

    /// Takes the sequence out of the input; `true` when it is complete.
    fn filter(&mut self, input: &[u8], out: &mut Vec<u8>) -> bool {
        for &byte in input {
            match (self.armed, byte) {
                (true, b'q') => return true,
                (false, byte) if byte == self.prefix => self.armed = true,
                (true, byte) => {
                    self.armed = false;
                    if byte != self.prefix {
                        out.push(self.prefix);
                    }
                    out.push(byte);
                }
                (false, byte) => out.push(byte),
            }
        }
        false
    }
}

/// Why [`Relay::run`] has ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The watched process has ended.
    Exit(Exit),
    /// The container's end of the terminal is gone.
    HungUp,
    /// The escape sequence was typed.
    Escaped,
    /// A signal that ends a console has arrived.
    Signal(i32),
}

/// Carries bytes and signals until one side ends.
pub(crate) struct Relay<'a> {
    pub(crate) signals: &'a SignalFd,
    /// The process to watch and to pass signals to.
    pub(crate) child: Option<&'a mut Child>,
    /// Our end of the container's terminal.
    pub(crate) terminal: Option<BorrowedFd<'a>>,
    /// What gets the size of the caller's window.
    pub(crate) sized: Option<BorrowedFd<'a>>,
    /// The caller's keyboard, when it belongs to the container now.
    pub(crate) input: Option<BorrowedFd<'a>>,
    pub(crate) output: BorrowedFd<'a>,
    pub(crate) host: Option<&'a mut HostTerminal>,
    pub(crate) escape: Option<Escape>,
}

const CHUNK: usize = 16 * 1024;

impl Relay<'_> {
    pub(crate) fn run(mut self) -> Result<End, sys::Error> {
        if let Some(terminal) = self.terminal {
            // Ours alone: nobody shares this open file. The caller's streams are never touched so.
            if let Ok(flags) = fcntl_getfl(terminal) {
                let _ = fcntl_setfl(terminal, flags | OFlags::NONBLOCK);
            }
        }
        let mut typed = Vec::new();
        loop {
            let ready = self.wait(!typed.is_empty())?;
            if ready.signals
                && let Some(end) = self.pass_signals()?
            {
                return Ok(end);
            }
            if ready.terminal && !self.copy_output() {
                self.terminal = None;
                if self.child.is_none() {
                    return Ok(End::HungUp);
                }
            }
            if ready.child {
                // What it has written last is still in the terminal.
                self.copy_output();
                if let Some(child) = &mut self.child {
                    return child
                        .wait()
                        .map(End::Exit)
                        .map_err(|e| sys::Error::os("wait for the command", e));
                }
            }
            if ready.input && self.copy_input(&mut typed) {
                return Ok(End::Escaped);
            }
            self.flush(&mut typed);
        }
    }

    fn wait<'a>(&'a self, typed: bool) -> Result<Ready, sys::Error> {
        let out = if typed { PollFlags::OUT } else { PollFlags::empty() };
        let mut fds = vec![PollFd::new(self.signals, PollFlags::IN)];
        let mut index = |fd: Option<PollFd<'a>>| fd.map(|fd| (fds.push(fd), fds.len() - 1).1);
        let terminal = index(self.terminal.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN | out)));
        let child = index(self.child.as_deref().map(|child| PollFd::new(child, PollFlags::IN)));
        let keys = self.input.filter(|_| !typed);
        let input = index(keys.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)));
        match poll(&mut fds, None) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(errno) => return Err(sys::Error::os("wait for the terminal", errno)),
        }
        let is_ready = |index: Option<usize>| index.is_some_and(|i| !fds[i].revents().is_empty());
        Ok(Ready {
            signals: is_ready(Some(0)),
            terminal: is_ready(terminal),
            child: is_ready(child),
            input: is_ready(input),
        })
    }

    fn pass_signals(&mut self) -> Result<Option<End>, sys::Error> {
        while let Some(arrived) = self.signals.next()? {
            match (arrived.signal, &self.child) {
                (libc::SIGWINCH, _) => {
                    if let (Some(host), Some(sized)) = (&self.host, self.sized) {
                        host.copy_size(sized);
                    }
                }
                (libc::SIGCONT, _) => {
                    // Brought to the foreground again: the terminal is ours now, if it was not before.
                    if let (Some(host), true) = (&mut self.host, self.input.is_some())
                        && host.in_foreground()
                    {
                        host.make_raw();
                    }
                }
                (signal, Some(child)) => {
                    child.signal(signal).map_err(|e| sys::Error::os("pass a signal on", e))?;
                }
                (signal, None) => return Ok(Some(End::Signal(signal))),
            }
        }
        Ok(None)
    }

    /// Copies what the container has written; `false` when its end is closed.
    fn copy_output(&mut self) -> bool {
        let Some(terminal) = self.terminal else { return false };
        let mut buffer = [0; CHUNK];
        loop {
            match read(terminal, &mut buffer) {
                Ok(0) => return false,
                Ok(n) => {
                    if write_all(self.output, &buffer[..n]).is_err() {
                        return true;
                    }
                    if n < CHUNK / 4 {
                        return true;
                    }
                }
                Err(Errno::AGAIN) => return true,
                Err(Errno::INTR) => {}
                // Every holder of the other end has closed it (pty(7)).
                Err(_) => return false,
            }
        }
    }

    fn copy_input(&mut self, typed: &mut Vec<u8>) -> bool {
        let Some(input) = self.input else { return false };
        let mut buffer = [0; CHUNK];
        match read(input, &mut buffer) {
            Ok(0) | Err(Errno::IO) => self.input = None,
            Ok(n) => match &mut self.escape {
                Some(escape) => return escape.filter(&buffer[..n], typed),
                None => typed.extend_from_slice(&buffer[..n]),
            },
            Err(_) => {}
        }
        false
    }

    fn flush(&mut self, typed: &mut Vec<u8>) {
        let Some(terminal) = self.terminal else {
            typed.clear();
            return;
        };
        match write(terminal, typed) {
            Ok(n) => drop(typed.drain(..n)),
            Err(Errno::AGAIN | Errno::INTR) => {}
            Err(_) => typed.clear(),
        }
    }
}

struct Ready {
    signals: bool,
    terminal: bool,
    child: bool,
    input: bool,
}

fn write_all(fd: BorrowedFd<'_>, mut bytes: &[u8]) -> Result<(), Errno> {
    while !bytes.is_empty() {
        match write(fd, bytes) {
            Ok(n) => bytes = &bytes[n..],
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => {
                let mut fds = [PollFd::from_borrowed_fd(fd, PollFlags::OUT)];
                let _ = poll(&mut fds, None);
            }
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(chunks: &[&[u8]]) -> (Vec<u8>, bool) {
        let mut escape = Escape::new('a');
        let mut out = Vec::new();
        let left = chunks.iter().any(|chunk| escape.filter(chunk, &mut out));
        (out, left)
    }

    #[test]
    fn the_escape_sequence_is_found_across_reads_and_nothing_else_is_lost() {
        assert_eq!(typed(&[b"ls\r\x01q"]), (b"ls\r".to_vec(), true));
        assert_eq!(typed(&[b"x\x01", b"q"]), (b"x".to_vec(), true));
        assert_eq!(typed(&[b"\x01\x01q"]), (b"\x01q".to_vec(), false));
        assert_eq!(typed(&[b"\x01z"]), (b"\x01z".to_vec(), false));
    }
}
