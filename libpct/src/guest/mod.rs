//! Setting up a guest from outside: its name, network, name resolution, time zone, terminals and root login,
//! by editing its files and without running or trusting any of them (spec: guest set-up).
//!
//! [`detect`] says which distribution a [`Rootfs`] holds; [`run`] does what is due at an [`Event`]. A
//! distribution family is a file in `families/`, a file format of the network a file in `writers/`, a concern
//! that all share a file in `actions/`.

mod actions;
mod detect;
mod elf;
mod error;
mod families;
mod family;
mod host;
mod network;
mod os_release;
mod run;
mod settings;
mod systemd;
mod text;
mod uuid;
mod writers;

#[cfg(test)]
mod tests;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::rootfs::Rootfs;

pub use actions::host_keys::{HostKeys, KeyPair};
pub use detect::{Detected, detect};
pub(crate) use elf::architecture;
pub use error::Error;
pub use family::Version;
pub use host::Host;
pub use run::{CgroupV2, Create, Event, check, nesting_hint, run, supports_cgroup_v2};
pub use settings::{Ip4, Ip6, Nic, Settings, Spelled};

use network::Network;

/// Something the user should hear.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Message {
    /// What is being done.
    Info(String),
    /// What may not be as wanted.
    Warning(String),
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Info(text) => f.write_str(text),
            Self::Warning(text) => write!(f, "WARNING: {text}"),
        }
    }
}

/// What the steps work on.
pub(crate) struct Setup<'a> {
    pub(crate) root: &'a Rootfs,
    pub(crate) guest: &'a Detected,
    pub(crate) settings: &'a Settings,
    pub(crate) host: &'a Host,
    pub(crate) network: Network,
    report: &'a mut dyn FnMut(Message),
}

impl Setup<'_> {
    pub(crate) fn info(&mut self, text: impl Into<String>) {
        (self.report)(Message::Info(text.into()));
    }

    pub(crate) fn warn(&mut self, text: impl Into<String>) {
        (self.report)(Message::Warning(text.into()));
    }

    /// The host name as configured.
    pub(crate) fn hostname(&self) -> &str {
        self.settings.hostname.as_deref().unwrap_or("localhost")
    }

    /// The host name up to the first dot.
    pub(crate) fn short_hostname(&self) -> &str {
        self.hostname().split('.').next().unwrap_or_default()
    }

    /// What stands before the name of a terminal below `/dev`: only privileged containers have a folder for
    /// them (spec: guest set-up, part 7.11).
    pub(crate) fn tty_dir(&self) -> &'static str {
        if self.settings.unprivileged { "" } else { self.guest.family.tty_dir }
    }
}
