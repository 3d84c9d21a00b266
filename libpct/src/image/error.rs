use std::{fmt, io};

use rustix::io::Errno;

use crate::config::text::printable;

/// Why a template archive was not unpacked. Scripts fetch a template again whose error says `corrupt` or `invalid`
/// (spec: users, part 5.1.2).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The name of the file ends neither in `.tar` nor in `.tar.<format>`.
    #[error("file does not look like a template archive: {0}")]
    NotATemplate(String),
    /// The suffix after `.tar` is none that we can decompress; it is given with its dot.
    #[error("unrecognized compression format: {0}")]
    UnknownCompression(String),
    /// The decompressor, or the thread it runs in, could not be set up.
    #[error("cannot start decompressing the archive")]
    Decoder(#[source] io::Error),
    /// The archive could not be read, or its compressed stream is damaged.
    #[error("the archive is corrupt or cannot be read at byte {offset} of its uncompressed contents")]
    Read {
        /// Position in the uncompressed archive.
        offset: u64,
        /// What the file or the decompressor said.
        #[source]
        source: io::Error,
    },
    /// The archive stops in the middle of a member, or before its end marker.
    #[error(
        "unexpected end of the archive after {offset} bytes of its uncompressed contents: it is incomplete or corrupt"
    )]
    UnexpectedEnd {
        /// How many bytes of the uncompressed archive there were.
        offset: u64,
    },
    /// A header block does not sum up to the checksum in it.
    #[error(
        "invalid checksum of the header at byte {offset}: the archive is corrupt, or is no tar archive, \
         or is compressed in another way than its name says"
    )]
    Checksum {
        /// Position of the header in the uncompressed archive.
        offset: u64,
    },
    /// A header that can't be understood.
    #[error("corrupt archive at byte {offset}: {what}")]
    Malformed {
        /// Position of the header in the uncompressed archive.
        offset: u64,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A member that would leave the root, or that no file system could hold.
    #[error("refused archive member {entry}: {why}")]
    Refused {
        /// The member's name, made printable.
        entry: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The kernel refused one step of making a member.
    #[error("cannot {step} archive member {entry}{}", hint(*step, source))]
    Member {
        /// The member's name, made printable.
        entry: String,
        /// What was attempted.
        step: Step,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
}

/// What was attempted on a member when the kernel refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// Opening the folder that holds it, beneath the root.
    Reach,
    /// Opening the target of a hard link, beneath the root.
    ReachTarget,
    /// Making the folder that holds it, which the archive does not mention before.
    MakeParent,
    /// Making it.
    Create,
    /// Writing its contents.
    Write,
    /// Setting user and group.
    Owner,
    /// Setting the permission bits.
    Mode,
    /// Setting the modification time.
    Times,
    /// Setting an extended attribute.
    Xattr,
    /// Setting an access control list.
    Acl,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reach => "reach the parent directory, inside the root, of",
            Self::ReachTarget => "reach, inside the root, the hard link target of",
            Self::MakeParent => "make the parent directory of",
            Self::Create => "create",
            Self::Write => "write the contents of",
            Self::Owner => "set the owner of",
            Self::Mode => "set the mode of",
            Self::Times => "set the modification time of",
            Self::Xattr => "set an extended attribute of",
            Self::Acl => "set the access control list of",
        })
    }
}

/// The remedy, where the failure has a usual one.
fn hint(step: Step, source: &io::Error) -> &'static str {
    match (step, Errno::from_io_error(source)) {
        (_, Some(Errno::NOSPC | Errno::DQUOT)) => " (make the volume larger)",
        (Step::Owner, Some(Errno::INVAL)) => " (is the id covered by the container's id map?)",
        (Step::Reach | Step::ReachTarget, Some(Errno::XDEV | Errno::LOOP)) => {
            " (a symbolic link on the way leads out of the root)"
        }
        _ => "",
    }
}

impl Error {
    pub(super) fn member(entry: &[u8], step: Step, source: impl Into<io::Error>) -> Self {
        Self::Member { entry: shown(entry), step, source: source.into() }
    }

    pub(super) fn refused(entry: &[u8], why: &'static str) -> Self {
        Self::Refused { entry: shown(entry), why }
    }

    /// Whether the archive can still be read after this error, so that the next member may be tried.
    pub(super) fn concerns_one_member(&self) -> bool {
        matches!(self, Self::Refused { .. } | Self::Member { .. })
    }
}

/// A name out of an archive for a human.
pub(super) fn shown(name: &[u8]) -> String {
    printable(name, 200)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_printable_and_short() {
        assert_eq!(shown(b"./etc/caf\xc3\xa9"), "'./etc/café'");
        assert_eq!(shown(b"a\x1b[2Jb\xff\n"), r"'a\u{1b}[2Jb\xff\n'");
        assert!(shown(&[b'x'; 5000]).len() < 220);
    }

    #[test]
    fn errors_say_the_remedy_where_there_is_one() {
        let full = Error::member(b"var/x", Step::Write, Errno::NOSPC);
        assert_eq!(
            full.to_string(),
            "cannot write the contents of archive member 'var/x' (make the volume larger)"
        );
        let map = Error::member(b"x", Step::Owner, Errno::INVAL).to_string();
        assert!(map.contains("id map"), "{map}");
    }
}
