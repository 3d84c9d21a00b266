//! The network interfaces of a running container and their addresses (spec: cli, A.1 `interfaces`).

use std::{net::IpAddr, os::fd::AsFd};

use super::{Env, helper::network_sockets, inside::Init};
use crate::{
    config::Vmid,
    error::Error,
    net::{self, AddressWatch, LinkFlags, Netlink},
};

/// A network interface inside.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Interface {
    /// The name that the guest has given it. It may hold control characters.
    pub name: String,
    /// Six bytes for Ethernet; none for what has no hardware.
    pub hardware_address: Vec<u8>,
    /// Whether it leads nowhere but to the guest itself.
    pub loopback: bool,
    /// IPv4 first, in the order of the kernel.
    pub addresses: Vec<InterfaceAddress>,
}

/// An address of an interface inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InterfaceAddress {
    /// The address.
    pub address: IpAddr,
    /// The length of the network's part, in bits.
    pub prefix: u8,
    /// Whether it can be reached from other machines now: it is valid beyond its link, and no other machine was found
    /// to have it or may still be found to.
    pub global: bool,
}

impl From<&net::Address> for InterfaceAddress {
    fn from(from: &net::Address) -> Self {
        let unusable = libc::IFA_F_TENTATIVE | libc::IFA_F_DADFAILED;
        let global = from.scope == libc::RT_SCOPE_UNIVERSE && from.flags & unusable == 0;
        Self { address: from.address, prefix: from.prefix, global }
    }
}

impl std::fmt::Display for InterfaceAddress {
    /// `10.0.0.2/24`
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

/// The network of a running container, as its kernel tells it.
pub(super) struct Network {
    netlink: Netlink,
    /// Readable when an address changes.
    pub(super) watch: AddressWatch,
}

impl Network {
    pub(super) fn of(env: &Env, init: &Init) -> Result<Self, Error> {
        let [netlink, watch] = network_sockets(env, init.as_fd())?;
        Ok(Self { netlink: Netlink::adopt(netlink), watch: AddressWatch::adopt(watch) })
    }

    pub(super) fn interfaces(&mut self) -> Result<Vec<Interface>, Error> {
        let links = self.netlink.links("")?;
        let addresses = self.netlink.addresses()?;
        let interface = |link: net::Link| Interface {
            addresses: addresses.iter().filter(|a| a.link == link.index).map(Into::into).collect(),
            loopback: link.flags.contains(LinkFlags::Loopback),
            hardware_address: link.address,
            name: link.name,
        };
        Ok(links.into_iter().map(interface).collect())
    }
}

/// `None` when the container does not run.
pub(crate) fn interfaces(env: &Env, vmid: Vmid) -> Result<Option<Vec<Interface>>, Error> {
    env.store().require(vmid)?;
    let Some(init) = Init::of(env, vmid)? else { return Ok(None) };
    match Network::of(env, &init).and_then(|mut network| network.interfaces()) {
        Err(_) if init.has_ended()? => Ok(None),
        found => found.map(Some),
    }
}
