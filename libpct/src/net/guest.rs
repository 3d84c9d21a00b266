//! Addresses and routes of a running container. The socket must be one of its network namespace.

use std::net::IpAddr;

use netlink_packet_core::{DefaultNla, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE, NlasIterator};
use netlink_packet_route::{
    AddressFamily, RouteNetlinkMessage,
    address::{AddressAttribute, AddressMessage},
    link::{AfSpecInet, AfSpecUnspec, LinkAttribute, LinkMessage},
    route::{RouteAttribute, RouteHeader, RouteMessage, RouteProtocol, RouteScope, RouteType},
};

use super::{
    Link, Result,
    socket::{Netlink, found},
};

/// The attribute of a link's IPv4 settings (kernel: include/uapi/linux/if_link.h, ip.h).
const IFLA_INET_CONF: u16 = 1;
/// Whether another address of the same network stays when the first one is deleted.
const PROMOTE_SECONDARIES: u16 = 20;
const NESTED: u16 = 0x8000;

/// Which of the two protocols.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl From<IpAddr> for Family {
    fn from(address: IpAddr) -> Self {
        if address.is_ipv4() { Self::V4 } else { Self::V6 }
    }
}

impl From<Family> for AddressFamily {
    fn from(family: Family) -> Self {
        match family {
            Family::V4 => Self::Inet,
            Family::V6 => Self::Inet6,
        }
    }
}

fn address_of(link: &Link, address: IpAddr, prefix: u8) -> AddressMessage {
    let mut message = AddressMessage::default();
    message.header.family = Family::from(address).into();
    message.header.prefix_len = prefix;
    message.header.index = link.index;
    message.attributes = vec![AddressAttribute::Local(address), AddressAttribute::Address(address)];
    message
}

/// A route out of `link` in the table that everything goes by; to all there is when `to` is `None`.
fn route(link: &Link, family: Family, to: Option<IpAddr>) -> RouteMessage {
    let mut message = RouteMessage::default();
    message.header.address_family = family.into();
    message.header.table = RouteHeader::RT_TABLE_MAIN;
    if let Some(to) = to {
        message.header.destination_prefix_length = if to.is_ipv4() { 32 } else { 128 };
        message.attributes.push(RouteAttribute::Destination(to.into()));
    }
    message.attributes.push(RouteAttribute::Oif(link.index));
    message
}

/// The same route as one to be added.
fn added(mut message: RouteMessage, scope: RouteScope) -> RouteMessage {
    message.header.protocol = RouteProtocol::Boot;
    message.header.kind = RouteType::Unicast;
    message.header.scope = scope;
    message
}

/// The same route as one to be deleted, whatever its scope.
fn deleted(mut message: RouteMessage) -> RouteMessage {
    message.header.scope = RouteScope::NoWhere;
    message
}

impl Netlink {
    /// Gives a link an address. `false`: it has it already.
    pub(crate) fn add_address(&mut self, link: &Link, address: IpAddr, prefix: u8) -> Result<bool> {
        let attempt = format!("add address {address}/{prefix} to '{}'", link.name);
        let message = RouteNetlinkMessage::NewAddress(address_of(link, address, prefix));
        found(self.change(&attempt, message, NLM_F_CREATE | NLM_F_EXCL), &[libc::EEXIST])
    }

    /// Takes an address away from a link; others of the same network stay. `false`: it does not have it.
    pub(crate) fn delete_address(&mut self, link: &Link, address: IpAddr, prefix: u8) -> Result<bool> {
        let attempt = format!("delete address {address}/{prefix} of '{}'", link.name);
        let message = RouteNetlinkMessage::DelAddress(address_of(link, address, prefix));
        let promotes = address.is_ipv6() || self.promotes_secondaries(link)?;
        if !promotes {
            self.promote_secondaries(link, true)?;
        }
        let answer = self.change(&attempt, message, 0);
        if !promotes {
            self.promote_secondaries(link, false)?;
        }
        found(answer, &[libc::EADDRNOTAVAIL])
    }

    fn promotes_secondaries(&mut self, link: &Link) -> Result<bool> {
        let mut message = LinkMessage::default();
        message.header.index = link.index;
        let attempt = format!("read the IPv4 settings of '{}'", link.name);
        let answer = self.get(&attempt, RouteNetlinkMessage::GetLink(message))?;
        let inner = |bytes: &[u8], kind: u16| -> Option<Vec<u8>> {
            let mut attributes = NlasIterator::new(bytes).flatten();
            attributes.find(|found| found.kind() == kind).map(|found| found.value().to_vec())
        };
        // A list of numbers of four bytes, which begins with number 1. Without IPv4 there is nothing to keep.
        let settings = answer.get(16..).and_then(|attributes| {
            let families = inner(attributes, libc::IFLA_AF_SPEC)?;
            inner(&inner(&families, libc::AF_INET as u16)?, IFLA_INET_CONF)
        });
        let at = usize::from(PROMOTE_SECONDARIES - 1) * 4;
        Ok(settings.and_then(|numbers| numbers.get(at..at + 4).map(|n| n != [0; 4])).unwrap_or(true))
    }

    fn promote_secondaries(&mut self, link: &Link, on: bool) -> Result<()> {
        let setting =
            [&8u16.to_ne_bytes()[..], &PROMOTE_SECONDARIES.to_ne_bytes(), &u32::from(on).to_ne_bytes()];
        let settings = DefaultNla::new(IFLA_INET_CONF | NESTED, setting.concat());
        let inet = AfSpecUnspec::Inet(vec![AfSpecInet::Other(settings)]);
        let attempt = format!("have '{}' keep its other IPv4 addresses", link.name);
        self.set(&attempt, link, LinkAttribute::AfSpecUnspec(vec![inet]))
    }

    /// Says that a gateway is reached directly, though no address of the link is in its network. `false`: that is
    /// known already.
    pub(crate) fn add_route_to_gateway(&mut self, link: &Link, gateway: IpAddr) -> Result<bool> {
        let attempt = format!("add a route to gateway {gateway} through '{}'", link.name);
        let message = added(route(link, gateway.into(), Some(gateway)), RouteScope::Link);
        let message = RouteNetlinkMessage::NewRoute(message);
        found(self.change(&attempt, message, NLM_F_CREATE | NLM_F_EXCL), &[libc::EEXIST])
    }

    /// Sends what goes to no known network to a gateway, and no longer where it went before.
    pub(crate) fn replace_default_route(&mut self, link: &Link, gateway: IpAddr) -> Result<()> {
        let attempt = format!("make {gateway} the default gateway, through '{}'", link.name);
        let mut message = added(route(link, gateway.into(), None), RouteScope::Universe);
        message.attributes.push(RouteAttribute::Gateway(gateway.into()));
        self.change(&attempt, RouteNetlinkMessage::NewRoute(message), NLM_F_CREATE | NLM_F_REPLACE)
    }

    /// Deletes the default route through a link. `false`: there was none.
    pub(crate) fn delete_default_route(&mut self, link: &Link, family: Family) -> Result<bool> {
        let attempt = format!("delete the default route through '{}'", link.name);
        let message = RouteNetlinkMessage::DelRoute(deleted(route(link, family, None)));
        found(self.change(&attempt, message, 0), &[libc::ESRCH])
    }

    /// Deletes what [`Netlink::add_route_to_gateway`] has added. `false`: there was none.
    pub(crate) fn delete_route_to(&mut self, link: &Link, gateway: IpAddr) -> Result<bool> {
        let attempt = format!("delete the route to {gateway} through '{}'", link.name);
        let message = RouteNetlinkMessage::DelRoute(deleted(route(link, gateway.into(), Some(gateway))));
        found(self.change(&attempt, message, 0), &[libc::ESRCH])
    }
}
