//! Attaching a NIC to the host's network (spec: runtime, parts 6.3 and 6.4).

use std::fs;
use std::io;

use super::{Error, Link, Result, VethName, socket::Netlink};
use crate::config::Port;

impl Netlink {
    /// Attaches a NIC's host side as the port says, whatever it was attached to before, and brings it up; down when its
    /// link is to be down. When that fails it is attached to nothing.
    pub(crate) fn plug(&mut self, veth: VethName, port: &Port) -> Result<()> {
        let nic = self.existing_nic(veth)?;
        if port.link_down {
            return self.unplug(veth);
        }
        // Down at first if it is attached: in between no packet shall pass where it must not.
        if nic.master.is_some() {
            self.unplug(veth)?;
        } else {
            self.strip(veth, Some(&nic))?;
        }
        let attached = self.attach(veth, &nic, port).and_then(|()| {
            port.rate.map_or(Ok(()), |rate| self.limit(veth, &nic, rate))?;
            self.set_up(&nic, true)
        });
        attached.map_err(|error| self.after(error, |net| net.unplug(veth)))
    }

    fn attach(&mut self, veth: VethName, nic: &Link, port: &Port) -> Result<()> {
        let bridge = self.bridge(&port.bridge)?;
        let aware = bridge.is_vlan_aware();
        if !aware && !port.trunks.is_empty() {
            return Err(Error::NoTrunks { bridge: bridge.name });
        }
        let (bridge, tag) = match port.tag {
            Some(tag) if !aware => (self.vlan_bridge(&bridge, tag)?, None),
            tag => (bridge, tag),
        };
        if port.firewall {
            self.add_firewall(veth, nic, &bridge, tag, &port.trunks)
        } else {
            self.add_port(nic, &bridge, tag, &port.trunks)
        }
    }

    /// Takes a NIC's host side off its bridge and brings it down, without its limit and the bridge of its own. One that
    /// is not there is off all bridges.
    pub(crate) fn unplug(&mut self, veth: VethName) -> Result<()> {
        let nic = self.nic(veth)?;
        if let Some(nic) = &nic {
            if nic.master.is_some() {
                self.set_master(nic, None)?;
            }
            self.set_up(nic, false)?;
        }
        self.strip(veth, nic.as_ref())
    }

    /// Takes away what was made for a NIC's host side beside it.
    pub(super) fn strip(&mut self, veth: VethName, nic: Option<&Link>) -> Result<()> {
        self.lift_rate(veth, nic)?;
        self.delete_firewall(veth)
    }

    /// Takes back what was done before an error, and tells both when that fails, too.
    pub(super) fn after(&mut self, error: Error, undo: impl FnOnce(&mut Self) -> Result<()>) -> Error {
        match undo(self) {
            Ok(()) => error,
            Err(second) => Error::NotTakenBack { first: Box::new(error), second: Box::new(second) },
        }
    }
}

/// The host shall not talk IPv6 through a port of its bridge.
pub(super) fn disable_ipv6(link: &str) -> Result<()> {
    let path = format!("/proc/sys/net/ipv6/conf/{link}/disable_ipv6");
    match fs::write(&path, "1") {
        // A kernel without IPv6.
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(Error::Io { attempt: format!("write '{path}'"), source }),
        Ok(()) => Ok(()),
    }
}
