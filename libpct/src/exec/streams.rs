//! What a child writes, read until it ends.

use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::process::{Child, ChildStderr, ChildStdout};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::sys::pidfd::Pidfd;

/// Which bytes of a stream are kept, and how many.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Keep {
    /// The first ones; the others are read and dropped.
    First(usize),
    /// The last ones.
    Last(usize),
    /// All, of which there may be so many.
    All(usize),
}

/// Why nobody reads any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The child has ended.
    Exit,
    /// The time is over.
    Late,
    /// The caller does not want to wait any longer.
    Cancelled,
    /// A stream is longer than [`Keep::All`] allows.
    TooMuch,
}

/// What was kept of a stream.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) bytes: Vec<u8>,
    /// There was more.
    pub(crate) truncated: bool,
    keep: Keep,
}

impl Kept {
    fn nothing(keep: Keep) -> Self {
        Self { bytes: Vec::new(), truncated: false, keep }
    }

    /// Keeps what it is given.
    fn keeper(&mut self) -> impl FnMut(&[u8]) -> io::Result<()> {
        |more| {
            self.add(more);
            Ok(())
        }
    }

    fn add(&mut self, more: &[u8]) {
        match self.keep {
            Keep::First(limit) | Keep::All(limit) => {
                let room = limit.saturating_sub(self.bytes.len());
                let (kept, dropped) = more.split_at(room.min(more.len()));
                self.bytes.extend_from_slice(kept);
                self.truncated |= !dropped.is_empty();
            }
            Keep::Last(limit) => {
                self.bytes.extend_from_slice(more);
                if let Some(excess @ 1..) = self.bytes.len().checked_sub(limit) {
                    self.bytes.drain(..excess);
                    self.truncated = true;
                }
            }
        }
    }

    fn is_too_much(&self) -> bool {
        self.truncated && matches!(self.keep, Keep::All(_))
    }
}

/// Where output goes piece by piece. An error of it ends the reading.
pub(crate) type Sink<'a> = &'a mut dyn FnMut(&[u8]) -> io::Result<()>;

/// The output and error of a child, as far as they are pipes.
pub(crate) struct Streams<'a> {
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
    /// Who gets the output instead of its being kept.
    sink: Option<Sink<'a>>,
    out: Kept,
    err: Kept,
}

impl<'a> Streams<'a> {
    /// Takes them from the child.
    pub(crate) fn of(child: &mut Child, out: Keep, err: Keep, sink: Option<Sink<'a>>) -> io::Result<Self> {
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let streams = Self { stdout, stderr, sink, out: Kept::nothing(out), err: Kept::nothing(err) };
        for fd in streams.open().into_iter().flatten() {
            rustix::io::ioctl_fionbio(fd, true)?;
        }
        Ok(streams)
    }

    /// Those that are not at their end.
    pub(crate) fn open(&self) -> [Option<BorrowedFd<'_>>; 2] {
        [self.stdout.as_ref().map(AsFd::as_fd), self.stderr.as_ref().map(AsFd::as_fd)]
    }

    /// What was kept of output and error.
    pub(crate) fn into_kept(self) -> (Kept, Kept) {
        (self.out, self.err)
    }

    /// Reads both until the program ends, at most so long, and until `cancel` is readable. What the program leaves behind
    /// in the background is not waited for.
    ///
    /// One loop over all descriptors, no threads: the helper must stay single-threaded.
    pub(crate) fn follow(
        &mut self,
        process: &Pidfd,
        timeout: Option<Duration>,
        cancel: Option<BorrowedFd<'_>>,
    ) -> io::Result<End> {
        let deadline = timeout.and_then(|t| Instant::now().checked_add(t));
        loop {
            let left = deadline.map(|d| d.saturating_duration_since(Instant::now()));
            let [ended, cancelled] = wait_for_any([Some(process.as_fd()), cancel], self.open(), left)?;
            // After the end, too: what was written before it is in the pipes.
            if let Some(pipe) = &mut self.stdout
                && match &mut self.sink {
                    Some(sink) => drain(pipe, *sink)?,
                    None => drain(pipe, &mut self.out.keeper())?,
                }
            {
                self.stdout = None;
            }
            if let Some(pipe) = &mut self.stderr
                && drain(pipe, &mut self.err.keeper())?
            {
                self.stderr = None;
            }
            if self.out.is_too_much() || self.err.is_too_much() {
                return Ok(End::TooMuch);
            }
            if ended {
                return Ok(End::Exit);
            }
            if cancelled {
                return Ok(End::Cancelled);
            }
            if left.is_some_and(|l| l.is_zero()) {
                return Ok(End::Late);
            }
        }
    }
}

/// Tells which of the first two is readable.
fn wait_for_any(
    ends: [Option<BorrowedFd<'_>>; 2],
    streams: [Option<BorrowedFd<'_>>; 2],
    left: Option<Duration>,
) -> io::Result<[bool; 2]> {
    let all = ends.into_iter().chain(streams).flatten();
    let mut fds: Vec<_> = all.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)).collect();
    // A time that no clock reaches is none.
    let limit = left.and_then(|l| Timespec::try_from(l).ok());
    match poll(&mut fds, limit.as_ref()) {
        Ok(_) => {
            let mut ready = fds.iter().map(|fd| !fd.revents().is_empty());
            Ok(ends.map(|end| end.is_some() && ready.next().unwrap_or(false)))
        }
        Err(rustix::io::Errno::INTR) => Ok([false; 2]),
        Err(e) => Err(e.into()),
    }
}

/// Reads what is there. `true`: end of the stream.
fn drain(pipe: &mut impl Read, into: Sink<'_>) -> io::Result<bool> {
    let mut buffer = [0; 16 << 10];
    // Bounded, so that a program that writes without pause cannot outrun its deadline.
    for _ in 0..64 {
        match pipe.read(&mut buffer) {
            Ok(0) => return Ok(true),
            Ok(n) => into(buffer.get(..n).unwrap_or_default())?,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            Err(e) => return Err(e),
        }
    }
    Ok(false)
}
