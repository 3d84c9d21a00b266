//! Network links of the host, by rtnetlink; no external program (spec: runtime, part 6).

mod address;
mod bridge;
mod firewall;
mod guest;
mod link;
mod name;
mod plug;
mod rate;
mod socket;
mod tc;
mod vlan;

#[cfg(test)]
mod tests;

use std::error::Error as _;
use std::io;

pub(crate) use address::{Address, AddressWatch};
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
    /// A bridge of another kind.
    #[error("bridge '{name}' is one of Open vSwitch, which is not supported: use a Linux bridge")]
    OpenVSwitch {
        /// The name in the config.
        name: String,
    },
    /// A bridge that belongs to a container's interface, and goes with it.
    #[error("bridge '{name}' belongs to an interface of a container: nothing else can be plugged into it")]
    Reserved {
        /// The name in the config.
        name: String,
    },
    /// VLANs that the bridge does not tell apart.
    #[error("vlan aware feature need to be enabled to use trunks (bridge '{bridge}')")]
    NoTrunks {
        /// The name in the config.
        bridge: String,
    },
    /// A VLAN that leads nowhere.
    #[error("no physical interface on bridge '{bridge}'")]
    NoPhysicalPort {
        /// The name in the config.
        bridge: String,
    },
    /// A VLAN's link that is in use.
    #[error("network link '{name}' is a port of another bridge than '{bridge}': it is not touched")]
    OtherBridge {
        /// Its name.
        name: String,
        /// Where it should be.
        bridge: String,
    },
    /// A link that has a VLAN's name and is none, or another one.
    #[error("network link '{name}' is not the VLAN {tag} of '{parent}': it is not touched")]
    OtherVlan {
        /// Its name.
        name: String,
        /// The link that it should be a part of.
        parent: String,
        /// The VLAN that it should be.
        tag: u16,
    },
    /// The kernel was built without all that could limit a rate.
    #[error(
        "cannot limit what network link '{name}' receives: this kernel has neither the action 'police' nor links of \
         kind 'ifb'"
    )]
    NoLimiter {
        /// The host side of the interface.
        name: String,
    },
    /// The way back failed, too.
    #[error("{}, and what had been done could not be taken back: {}", whole(.first), whole(.second))]
    NotTakenBack {
        /// Why it had to be taken back.
        first: Box<Error>,
        /// Why that failed.
        second: Box<Error>,
    },
    /// The lock of the host's network could not be taken.
    #[error(transparent)]
    Lock(#[from] crate::sys::Error),
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

impl Error {
    /// The named bridge is none that anything can be plugged into.
    pub(crate) fn is_of_bridge(&self) -> bool {
        matches!(
            self,
            Self::NoBridge { .. } | Self::NotBridge { .. } | Self::OpenVSwitch { .. } | Self::Reserved { .. }
        )
    }

    /// Whether the kernel has refused by one of these numbers.
    fn is(&self, numbers: &[i32]) -> bool {
        let number = match self {
            Self::Kernel { source, .. } => source.raw_os_error(),
            _ => None,
        };
        number.is_some_and(|number| numbers.contains(&number))
    }
}

/// An error with its reasons.
fn whole(error: &Error) -> String {
    let (mut text, mut reason) = (error.to_string(), error.source());
    while let Some(error) = reason {
        text.push_str(&format!(": {error}"));
        reason = error.source();
    }
    text
}

/// A result of this room.
pub(crate) type Result<T> = std::result::Result<T, Error>;

fn detail_suffix(detail: &str) -> String {
    if detail.is_empty() { String::new() } else { format!(" ({detail})") }
}
