//! A command inside, run to its end, with what it has said (ours).

use std::{
    fs::File,
    io::{self, Read, Seek, Write},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    process::{Child, Output},
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{
        MemfdFlags, Mode, OFlags, SealFlags, fchmod, fcntl_add_seals, fcntl_getfl, fcntl_setfl, memfd_create,
    },
    io::Errno,
};

use crate::{
    error::Error,
    progress::Progress,
    sys::{self, pidfd::Pidfd, process::wait_failed},
};

/// How much of a command is borne.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// How many bytes of each output are held in memory.
    pub(super) bytes: usize,
    pub(super) time: Option<Duration>,
}

/// How long a command may take to end when it is asked to.
const GRACE: Duration = Duration::from_secs(1);

/// Waits for a command and keeps what it writes to the streams that are pipes. When that is too much, takes too long or
/// is cancelled, the command gets SIGTERM; one that does not heed it is left to the container, and so is what it has
/// started in the background.
pub(super) fn output(mut child: Child, limits: Limits, progress: &dyn Progress) -> Result<Output, Error> {
    let said = capture(&mut child, limits, progress);
    if said.is_err() {
        // That it has ended by itself meanwhile is what is wanted.
        let _ = end(&child);
    }
    let status = child.wait().map_err(|error| failed("wait for a command", wait_failed(error)))?;
    let (stdout, stderr) = said?;
    Ok(Output { status, stdout, stderr })
}

fn failed(attempt: &str, source: impl Into<io::Error>) -> Error {
    sys::Error::os(attempt.to_owned(), source.into()).into()
}

/// A file in memory to read from. A pipe would have to be written to meanwhile, and whoever writes to one that nobody
/// reads gets a signal that ends the calling program.
pub(super) fn file_of(bytes: &[u8]) -> Result<File, Error> {
    let made = || -> io::Result<File> {
        let file = memfd_create("stdin", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
        let mut file = File::from(file);
        file.write_all(bytes)?;
        file.rewind()?;
        fcntl_add_seals(&file, SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL)?;
        Ok(file)
    };
    made().map_err(|source| failed("keep the input of a command", source))
}

/// Asks a command to end, and then sees to it that nobody waits for it.
fn end(child: &Child) -> Result<(), Error> {
    if let Some(process) = process_of(child)? {
        // The helper passes it on to the program inside.
        process.send(libc::SIGTERM)?;
        if !process.wait(Some(GRACE))? {
            process.send(libc::SIGKILL)?;
        }
    }
    Ok(())
}

fn process_of(child: &Child) -> Result<Option<Pidfd>, Error> {
    match i32::try_from(child.id()) {
        Ok(pid) => Ok(Pidfd::open(pid)?),
        Err(_) => Ok(None),
    }
}

/// Its outputs, when it has ended.
fn capture(child: &mut Child, limits: Limits, progress: &dyn Progress) -> Result<(Vec<u8>, Vec<u8>), Error> {
    let deadline = limits.time.and_then(|time| Instant::now().checked_add(time));
    let stdout = child.stdout.take().map(OwnedFd::from);
    let stderr = child.stderr.take().map(OwnedFd::from);
    let mut streams = [Stream::new(stdout)?, Stream::new(stderr)?];
    let process = process_of(child)?;
    loop {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let woken = wait(progress.cancel(), process.as_ref(), &streams, left)?;
        let ended = process.is_none() || woken == Woken::Ended;
        match woken {
            Woken::Cancelled => return Err(Error::Interrupted),
            Woken::Late => {
                return Err(Error::CommandTimeout { seconds: limits.time.unwrap_or_default().as_secs() });
            }
            Woken::Ended | Woken::Said => {}
        }
        for stream in &mut streams {
            stream.read(limits.bytes)?;
        }
        if ended {
            let [stdout, stderr] = streams;
            return Ok((stdout.bytes, stderr.bytes));
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Woken {
    Cancelled,
    Late,
    Ended,
    Said,
}

fn wait(
    cancel: Option<BorrowedFd<'_>>,
    process: Option<&Pidfd>,
    streams: &[Stream],
    left: Option<Duration>,
) -> Result<Woken, Error> {
    let process = process.map(AsFd::as_fd);
    let open = streams.iter().filter_map(|stream| stream.from.as_ref()).map(AsFd::as_fd);
    let all = cancel.into_iter().chain(process).chain(open);
    let mut fds: Vec<_> = all.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)).collect();
    // A time that no clock reaches is none.
    let limit = left.and_then(|left| Timespec::try_from(left).ok());
    match poll(&mut fds, limit.as_ref()) {
        Ok(0) => return Ok(Woken::Late),
        Ok(_) => {}
        Err(Errno::INTR) => return Ok(Woken::Said),
        Err(errno) => return Err(failed("wait for a command", errno)),
    }
    let ready = |at: usize| !fds[at].revents().is_empty();
    let cancels = usize::from(cancel.is_some());
    Ok(match () {
        () if cancel.is_some() && ready(0) => Woken::Cancelled,
        () if process.is_some() && ready(cancels) => Woken::Ended,
        () => Woken::Said,
    })
}

/// One output of a command.
struct Stream {
    /// `None` at its end.
    from: Option<File>,
    bytes: Vec<u8>,
}

impl Stream {
    fn new(from: Option<OwnedFd>) -> Result<Self, Error> {
        if let Some(fd) = &from {
            // The root of a user namespace is another user, and may open its /dev/stdout, which is this pipe.
            fchmod(fd, Mode::from_raw_mode(0o622))
                .and_then(|()| fcntl_getfl(fd))
                .and_then(|flags| fcntl_setfl(fd, flags | OFlags::NONBLOCK))
                .map_err(|errno| failed("read what a command says", errno))?;
        }
        Ok(Self { from: from.map(File::from), bytes: Vec::new() })
    }

    /// Reads what is there.
    fn read(&mut self, limit: usize) -> Result<(), Error> {
        let Some(from) = &self.from else { return Ok(()) };
        // One more than allowed, which tells that there is more.
        let room = (limit as u64).saturating_add(1).saturating_sub(self.bytes.len() as u64);
        match from.take(room).read_to_end(&mut self.bytes) {
            Ok(_) if self.bytes.len() > limit => return Err(Error::TooMuchOutput { limit }),
            Ok(_) => self.from = None,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                if self.bytes.len() > limit {
                    return Err(Error::TooMuchOutput { limit });
                }
            }
            Err(error) => return Err(failed("read what a command says", error)),
        }
        Ok(())
    }
}
