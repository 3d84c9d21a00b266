//! One rtnetlink socket, question and answer (rtnetlink(7)).

use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use netlink_packet_core::{
    NLM_F_ACK, NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_REQUEST, NetlinkBuffer, NetlinkHeader, NetlinkMessage,
    NetlinkPayload, NlasIterator,
};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};

use super::{Error, Result};
use crate::sys;

const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
const NLM_F_ACK_TLVS: u16 = 0x200;
const NLMSGERR_ATTR_MSG: u16 = 1;
/// How often a listing that changed while it was read is read again.
const DUMP_TRIES: u32 = 10;

/// A connection to the kernel's network configuration, of the network namespace it was opened in.
#[derive(Debug)]
pub(crate) struct Netlink {
    socket: Socket,
    sequence: u32,
}

/// The answer to one question.
enum Answer {
    Complete(Vec<Vec<u8>>),
    /// Something changed while the kernel listed.
    Interrupted,
}

impl Netlink {
    /// Opens a connection.
    pub(crate) fn open() -> Result<Self> {
        let open = || {
            let socket = connected()?;
            // Reasons in words, and no copy of the question in the answer. Old kernels do without.
            let _ = socket.set_ext_ack(true);
            let _ = socket.set_cap_ack(true);
            Ok(socket)
        };
        let socket = open().map_err(|source| Error::Kernel {
            attempt: "talk to the kernel about network links".into(),
            detail: String::new(),
            source,
        })?;
        Ok(Self { socket, sequence: 0 })
    }

    /// A connection that another process has opened.
    pub(crate) fn adopt(fd: OwnedFd) -> Self {
        Self { socket: sys::netlink::adopt(fd), sequence: 0 }
    }

    /// Has something done.
    pub(super) fn change(&mut self, attempt: &str, message: RouteNetlinkMessage, flags: u16) -> Result<()> {
        self.ask(attempt, message, NLM_F_ACK | flags).map(drop)
    }

    /// Asks for one object; the payload of the first answer.
    pub(super) fn get(&mut self, attempt: &str, message: RouteNetlinkMessage) -> Result<Vec<u8>> {
        let Answer::Complete(answers) = self.ask(attempt, message, NLM_F_ACK)? else {
            return Err(malformed(attempt, "interrupted"));
        };
        answers.into_iter().next().ok_or_else(|| malformed(attempt, "empty"))
    }

    /// Asks for all objects; the payload of each.
    pub(super) fn list(&mut self, attempt: &str, message: RouteNetlinkMessage) -> Result<Vec<Vec<u8>>> {
        for _ in 0..DUMP_TRIES {
            if let Answer::Complete(answers) = self.ask(attempt, message.clone(), NLM_F_DUMP)? {
                return Ok(answers);
            }
        }
        Err(malformed(attempt, "it changes all the time"))
    }

    fn ask(&mut self, attempt: &str, message: RouteNetlinkMessage, flags: u16) -> Result<Answer> {
        let failed = |source| Error::Kernel { attempt: attempt.to_owned(), detail: String::new(), source };
        self.sequence = self.sequence.wrapping_add(1);
        let mut header = NetlinkHeader::default();
        header.flags = NLM_F_REQUEST | flags;
        header.sequence_number = self.sequence;
        let mut message = NetlinkMessage::new(header, NetlinkPayload::from(message));
        message.finalize();
        let mut question = vec![0; message.buffer_len()];
        message.serialize(&mut question);
        self.socket.send(&question, 0).map_err(failed)?;

        let mut answers = Vec::new();
        let mut interrupted = false;
        loop {
            let (packet, _) = self.socket.recv_from_full().map_err(failed)?;
            let mut rest = packet.as_slice();
            while !rest.is_empty() {
                let part = NetlinkBuffer::new_checked(rest).map_err(|e| malformed(attempt, e))?;
                let length = (part.length() as usize).next_multiple_of(4);
                let payload = part.payload();
                rest = rest.get(length..).unwrap_or_default();
                if part.sequence_number() != self.sequence {
                    // Of an earlier question whose answer was given up.
                    continue;
                }
                interrupted |= part.flags() & NLM_F_DUMP_INTR != 0;
                match part.message_type() {
                    NLMSG_ERROR => {
                        verdict(attempt, part.flags(), payload)?;
                        return Ok(Answer::Complete(answers));
                    }
                    NLMSG_DONE if interrupted => return Ok(Answer::Interrupted),
                    NLMSG_DONE => return Ok(Answer::Complete(answers)),
                    _ => answers.push(payload.to_vec()),
                }
            }
        }
    }
}

/// A socket to the kernel. As it is connected nobody else can send to it: who is root of a network namespace
/// could, to any other.
pub(super) fn connected() -> io::Result<Socket> {
    let mut socket = Socket::new(NETLINK_ROUTE)?;
    socket.bind_auto()?;
    socket.connect(&SocketAddr::new(0, 0))?;
    Ok(socket)
}

impl AsFd for Netlink {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// The end of an answer: an error number, 0 for success, and maybe words.
fn verdict(attempt: &str, flags: u16, payload: &[u8]) -> Result<()> {
    let number = payload.first_chunk().map(|bytes| i32::from_ne_bytes(*bytes));
    let number = number.ok_or_else(|| malformed(attempt, "no error number"))?;
    if number == 0 {
        return Ok(());
    }
    let mut detail = String::new();
    if flags & NLM_F_ACK_TLVS != 0 {
        // The number and the header of the question come first.
        let attributes = payload.get(4 + 16..).unwrap_or_default();
        for attribute in NlasIterator::new(attributes).flatten() {
            if attribute.kind() == NLMSGERR_ATTR_MSG {
                detail = text(attribute.value());
            }
        }
    }
    let source = io::Error::from_raw_os_error(number.saturating_abs());
    Err(Error::Kernel { attempt: attempt.to_owned(), detail, source })
}

/// Whether something was there, of an answer that says by one of the `absent` numbers that it was not.
pub(super) fn found(answer: Result<()>, absent: &[i32]) -> Result<bool> {
    match answer {
        Ok(()) => Ok(true),
        Err(error) if error.is(absent) => Ok(false),
        Err(error) => Err(error),
    }
}

/// A string attribute, which may or may not end with NUL.
pub(super) fn text(value: &[u8]) -> String {
    let end = value.iter().position(|b| *b == 0).unwrap_or(value.len());
    String::from_utf8_lossy(value.get(..end).unwrap_or_default()).into_owned()
}

pub(super) fn malformed(attempt: &str, reason: impl ToString) -> Error {
    Error::Malformed { attempt: attempt.to_owned(), reason: reason.to_string() }
}
