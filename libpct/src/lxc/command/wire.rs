//! Bytes on the command socket. All in the host's byte order and word size.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketAddrUnix, SocketFlags, SocketType, UCred,
};

use super::super::{Error, Result};

/// `struct { int cmd; int datalen; const void *data; }`, and the answer with `ret` for `cmd`.
const HEADER: usize = 8 + size_of::<usize>();
/// More than the largest answer that is asked for here; liblxc's own limit is a page.
const MAX_PAYLOAD: usize = 64 * 1024;
/// `struct { int type; char name[256]; int value; }`.
const STATE_MESSAGE: usize = 4 + 256 + 4;

/// A command.
pub(super) struct Request {
    command: i32,
    /// What is sent in place of the pointer; a few commands take a number that way.
    value: isize,
    payload: Vec<u8>,
}

impl Request {
    pub(super) fn new(command: i32) -> Self {
        Self { command, value: 0, payload: Vec::new() }
    }

    pub(super) fn value(self, value: isize) -> Self {
        Self { value, ..self }
    }

    pub(super) fn payload(self, payload: Vec<u8>) -> Self {
        Self { payload, ..self }
    }

    /// A string with its NUL.
    pub(super) fn text(self, text: &str) -> Self {
        self.payload([text.as_bytes(), b"\0"].concat())
    }
}

/// An answer.
pub(super) struct Reply {
    /// 0 or more is success, else -errno.
    pub(super) ret: i32,
    /// What came in place of the pointer: the answer, when it is a number.
    pub(super) data: isize,
    pub(super) payload: Vec<u8>,
    pub(super) fds: Vec<OwnedFd>,
}

impl Reply {
    /// The payload up to its NUL.
    pub(super) fn text(&self) -> String {
        let text = self.payload.split(|byte| *byte == 0).next().unwrap_or_default();
        String::from_utf8_lossy(text).into_owned()
    }
}

/// Connects; `None` when nobody listens.
pub(super) fn connect(address: &[u8], container: &str, deadline: Option<Instant>) -> Result<Option<OwnedFd>> {
    const WHAT: &str = "reach the monitor of";
    let failed = |error: Errno| Error::system(WHAT, container, error);
    let address = SocketAddrUnix::new_abstract_name(address).map_err(failed)?;
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket =
        rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None).map_err(failed)?;
    loop {
        match rustix::net::connect(&socket, &address) {
            Ok(()) => return Ok(Some(socket)),
            Err(Errno::CONNREFUSED) => return Ok(None),
            Err(Errno::INTR) => {}
            // The queue of the monitor is full, and there is nothing to poll for.
            Err(Errno::AGAIN) => {
                if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                    return Err(Error::Timeout { operation: WHAT, container: container.to_owned() });
                }
                std::thread::sleep(Duration::from_millis(10));
            }
            Err(error) => return Err(failed(error)),
        }
    }
}

/// Sends a command and reads the answer. The end of the connection in its place is [`Error::NotRunning`].
pub(super) fn exchange(
    socket: &OwnedFd,
    container: &str,
    operation: &'static str,
    request: &Request,
    deadline: Option<Instant>,
) -> Result<Reply> {
    let failed = |error: io::Error| error_of(operation, container, error);
    send(socket, request, deadline).map_err(failed)?;
    receive(socket, deadline)
        .map_err(failed)?
        .ok_or_else(|| Error::Protocol { operation, container: container.to_owned() })
}

/// Waits for a state message and gives its state; `None` when the monitor closed the connection.
pub(super) fn read_state(
    socket: &OwnedFd,
    container: &str,
    deadline: Option<Instant>,
) -> Result<Option<i32>> {
    let mut message = [0; STATE_MESSAGE];
    match read_all(socket, &mut message, deadline) {
        Ok(()) => Ok(Some(number(&message[STATE_MESSAGE - 4..]))),
        Err(error) => match error_of("wait for", container, error) {
            Error::NotRunning { .. } => Ok(None),
            error => Err(error),
        },
    }
}

/// Waits until `fd` is ready or has an error or its end; says whether.
pub(super) fn poll(fd: &OwnedFd, events: PollFlags, deadline: Option<Instant>) -> Result<bool, Errno> {
    loop {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let limit = left.map(|left| rustix::time::Timespec {
            tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: left.subsec_nanos().into(),
        });
        match rustix::event::poll(&mut [PollFd::new(fd, events)], limit.as_ref()) {
            Ok(ready) => return Ok(ready > 0),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
    }
}

fn error_of(operation: &'static str, container: &str, error: io::Error) -> Error {
    let container = container.to_owned();
    match error.kind() {
        io::ErrorKind::TimedOut => Error::Timeout { operation, container },
        io::ErrorKind::UnexpectedEof
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::ConnectionRefused => Error::NotRunning { container },
        _ => Error::System { operation, container, source: error },
    }
}

fn ready(socket: &OwnedFd, events: PollFlags, deadline: Option<Instant>) -> io::Result<()> {
    if poll(socket, events, deadline)? { Ok(()) } else { Err(io::ErrorKind::TimedOut.into()) }
}

fn send(socket: &OwnedFd, request: &Request, deadline: Option<Instant>) -> io::Result<()> {
    let length = i32::try_from(request.payload.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    let header =
        [&request.command.to_ne_bytes()[..], &length.to_ne_bytes(), &request.value.to_ne_bytes()].concat();
    // The monitor has SO_PASSCRED set and refuses a command that comes without credentials.
    let credentials = UCred {
        pid: rustix::process::getpid(),
        uid: rustix::process::getuid(),
        gid: rustix::process::getgid(),
    };
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmCredentials(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    control.push(SendAncillaryMessage::ScmCredentials(credentials));
    let sent = loop {
        match rustix::net::sendmsg(socket, &[IoSlice::new(&header)], &mut control, SendFlags::NOSIGNAL) {
            Err(Errno::AGAIN) => ready(socket, PollFlags::OUT, deadline)?,
            Err(Errno::INTR) => {}
            other => break other?,
        }
    };
    if sent != header.len() {
        return Err(io::ErrorKind::WriteZero.into());
    }
    let mut rest = &request.payload[..];
    while !rest.is_empty() {
        match rustix::net::send(socket, rest, SendFlags::NOSIGNAL) {
            Ok(sent) => rest = &rest[sent..],
            Err(Errno::AGAIN) => ready(socket, PollFlags::OUT, deadline)?,
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// `None` when the answer is malformed.
fn receive(socket: &OwnedFd, deadline: Option<Instant>) -> io::Result<Option<Reply>> {
    let mut header = [0; HEADER];
    // Room for one more descriptor than any command sends; the kernel closes what does not fit.
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let received = loop {
        ready(socket, PollFlags::IN, deadline)?;
        let flags = RecvFlags::CMSG_CLOEXEC;
        match rustix::net::recvmsg(socket, &mut [IoSliceMut::new(&mut header)], &mut control, flags) {
            Err(Errno::AGAIN | Errno::INTR) => {}
            other => break other?.bytes,
        }
    };
    let mut fds = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = message {
            fds.extend(rights);
        }
    }
    if received == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    read_all(socket, &mut header[received..], deadline)?;
    let (ret, length) = (number(&header), number(&header[4..]));
    let mut word = [0; size_of::<isize>()];
    word.copy_from_slice(&header[8..]);
    let data = isize::from_ne_bytes(word);
    // A negative length comes with some errors.
    let length = usize::try_from(length).unwrap_or(0);
    if length > MAX_PAYLOAD {
        return Ok(None);
    }
    let mut payload = vec![0; length];
    read_all(socket, &mut payload, deadline)?;
    Ok(Some(Reply { ret, data, payload, fds }))
}

fn read_all(socket: &OwnedFd, mut buffer: &mut [u8], deadline: Option<Instant>) -> io::Result<()> {
    while !buffer.is_empty() {
        ready(socket, PollFlags::IN, deadline)?;
        match rustix::io::read(socket.as_fd(), &mut *buffer) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => buffer = &mut buffer[read..],
            Err(Errno::AGAIN | Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// The first four bytes as a number.
fn number(bytes: &[u8]) -> i32 {
    let mut word = [0; 4];
    word.copy_from_slice(&bytes[..4]);
    i32::from_ne_bytes(word)
}
