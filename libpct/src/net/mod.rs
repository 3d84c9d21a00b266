//! Network links of the host, by rtnetlink; no external program (spec: runtime, part 6).

mod address;
mod guest;
mod link;
mod name;
mod plug;
mod socket;

#[cfg(test)]
mod tests;

use std::io;

pub(crate) use address::{Address, AddressWatch};
pub(crate) use guest::Family;
pub(crate) use link::{Link, LinkFlags};
pub(crate) use name::{LinkName, VethName};
pub(crate) use socket::Netlink;

/// Why something could not be done to a link.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no such bridge.
    #[error("bridge '{name}' does not exist")]
    NoBridge {
        /// The name in the config.
        name: String,
    },
    /// There is such a link, but nothing can be attached to it.
    #[error("bridge '{name}' is neither a linux nor an OVS bridge!")]
    NotBridge {
        /// The name in the config.
        name: String,
    },
    /// There is no such link.
    #[error("network link '{name}' does not exist")]
    NoLink {
        /// Its name.
        name: String,
    },
    /// A link has a name of ours but is of another kind than ours.
    #[error("network link '{name}' is of kind '{kind}', not {expected}: it is not touched")]
    Foreign {
        /// Its name.
        name: String,
        /// What the kernel says it is.
        kind: String,
        /// What it should be.
        expected: &'static str,
    },
    /// A name no link can have.
    #[error("'{name}' cannot be the name of a network link (1 to 15 bytes, no blank, '/', ':' or '%')")]
    InvalidName {
        /// The text.
        name: String,
    },
    /// The kernel refused.
    #[error("cannot {attempt}{}", detail_suffix(.detail))]
    Kernel {
        /// Completes "cannot ...".
        attempt: String,
        /// What the kernel said in words; often empty.
        detail: String,
        /// Its error number.
        #[source]
        source: io::Error,
    },
    /// The kernel answered what we do not understand.
    #[error("cannot {attempt}: the answer of the kernel is malformed ({reason})")]
    Malformed {
        /// Completes "cannot ...".
        attempt: String,
        /// Where it stops making sense.
        reason: String,
    },
    /// A file below `/proc/sys/net` could not be written.
    #[error("cannot {attempt}")]
    Io {
        /// Completes "cannot ...".
        attempt: String,
        /// The kernel's reason.
        #[source]
        source: io::Error,
    },
}

/// A result of this room.
pub(crate) type Result<T> = std::result::Result<T, Error>;

fn detail_suffix(detail: &str) -> String {
    if detail.is_empty() { String::new() } else { format!(" ({detail})") }
}
