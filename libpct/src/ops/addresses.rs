//! Addresses and gateways inside a running container (spec: runtime, part 6.6.1).

use std::net::{IpAddr, Ipv6Addr};

use ipnet::{IpNet, Ipv6Net};

use crate::{
    config::{Ip4Config, Ip6Config, NetIf},
    error::Error,
    net::{self, Link, Netlink},
};

/// The whole of `fe80::/10`: a gateway there is reached without a route.
const LINK_LOCAL: Ipv6Net = Ipv6Net::new_assert(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10);

/// What a NIC has of one IP version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Addresses {
    address: Option<IpNet>,
    gateway: Option<Gateway>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Gateway {
    address: IpAddr,
    /// Outside of the NIC's own network, so that it needs a route of its own.
    off_link: bool,
}

impl Addresses {
    /// Of IPv4 and of IPv6. Without a fixed address there is no gateway: whoever gives the one gives the other. A NIC
    /// that the host configures has none while it is disconnected, as after a start.
    pub(super) fn of(net: &NetIf) -> [Self; 2] {
        if net.host_managed && net.link_down {
            return [Self::default(); 2];
        }
        let v4 = match net.ip {
            Some(Ip4Config::Static(address)) => Self::fixed(address.into(), net.gw.map(Into::into)),
            _ => Self::default(),
        };
        let v6 = match net.ip6 {
            Some(Ip6Config::Static(address)) => Self::fixed(address.into(), net.gw6.map(Into::into)),
            _ => Self::default(),
        };
        [v4, v6]
    }

    pub(super) fn fixed(address: IpNet, gateway: Option<IpAddr>) -> Self {
        let is_near = |gateway: IpAddr| {
            address.contains(&gateway) || matches!(gateway, IpAddr::V6(v6) if LINK_LOCAL.contains(&v6))
        };
        let gateway = gateway.map(|address| Gateway { address, off_link: !is_near(address) });
        Self { address: Some(address), gateway }
    }
}

/// Has a link get from one state to another, and returns what the kernel refused. Without its new address or its new
/// gateway the link stays as it was.
pub(super) fn change(netlink: &mut Netlink, link: &Link, old: Addresses, new: Addresses) -> Vec<Error> {
    if old == new {
        return Vec::new();
    }
    let coming = new.address.filter(|_| new.address != old.address);
    let going = old.address.filter(|_| new.address != old.address);
    // Of IPv6 a link has the same address only once, whatever its prefix.
    let same = |going: &IpNet| going.addr().is_ipv6() && coming.is_some_and(|it| it.addr() == going.addr());
    let in_the_way = going.filter(same);

    let made_room = in_the_way.map_or(Ok(true), |address| delete(netlink, link, address));
    if let Err(error) = made_room.and_then(|_| arrive(netlink, link, coming, new.gateway)) {
        let back = in_the_way.and_then(|address| add(netlink, link, address).err());
        return [Some(error), back].into_iter().flatten().map(Error::from).collect();
    }

    // What follows only takes away: each for itself.
    let mut gone = Vec::new();
    if let Some(gateway) = old.gateway {
        if new.gateway.is_none() {
            gone.push(netlink.delete_default_route(link, gateway.address.into()));
        }
        if gateway.off_link && new.gateway != Some(gateway) {
            gone.push(netlink.delete_route_to(link, gateway.address));
        }
    }
    if in_the_way.is_none() {
        gone.extend(going.map(|address| delete(netlink, link, address)));
    }
    gone.into_iter().filter_map(Result::err).map(Error::from).collect()
}

/// Adds an address and makes a gateway the default one; both or nothing.
fn arrive(
    netlink: &mut Netlink,
    link: &Link,
    address: Option<IpNet>,
    gateway: Option<Gateway>,
) -> net::Result<()> {
    let added = match address {
        Some(address) => add(netlink, link, address)?.then_some(address),
        None => None,
    };
    let set = gateway.map_or(Ok(()), |gateway| gateway.set(netlink, link));
    if set.is_err()
        && let Some(added) = added
    {
        delete(netlink, link, added)?;
    }
    set
}

impl Gateway {
    fn set(self, netlink: &mut Netlink, link: &Link) -> net::Result<()> {
        let routed = self.off_link && netlink.add_route_to_gateway(link, self.address)?;
        let set = netlink.replace_default_route(link, self.address);
        if set.is_err() && routed {
            netlink.delete_route_to(link, self.address)?;
        }
        set
    }
}

fn add(netlink: &mut Netlink, link: &Link, address: IpNet) -> net::Result<bool> {
    netlink.add_address(link, address.addr(), address.prefix_len())
}

fn delete(netlink: &mut Netlink, link: &Link, address: IpNet) -> net::Result<bool> {
    netlink.delete_address(link, address.addr(), address.prefix_len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(net: &str) -> [Addresses; 2] {
        Addresses::of(&format!("name=e,bridge=b,{net}").parse().unwrap())
    }

    #[test]
    fn a_gateway_outside_of_the_network_has_a_route_of_its_own() {
        let off_link = |net: &str| of(net).into_iter().find_map(|family| family.gateway).unwrap().off_link;
        assert!(!off_link("ip=192.0.2.10/25,gw=192.0.2.1"));
        assert!(off_link("ip=192.0.2.10/25,gw=192.0.2.129"));
        assert!(off_link("ip6=2001:db8::1/128,gw6=2001:db8::2"));
        assert!(!off_link("ip6=2001:db8::1/128,gw6=fe80::1"));
    }

    #[test]
    fn only_fixed_addresses_are_the_host_s_business() {
        for nothing in ["ip=dhcp,ip6=auto,gw6=fe80::1", "ip=manual,gw=192.0.2.1", "ip6=dhcp"] {
            assert_eq!(of(nothing), [Addresses::default(); 2]);
        }
        let [v4, v6] = of("ip=192.0.2.10/24,ip6=2001:db8::1/64");
        assert_eq!(v4.address.unwrap().to_string(), "192.0.2.10/24");
        assert_eq!(v6.address.unwrap().to_string(), "2001:db8::1/64");
        assert_eq!(of("ip=192.0.2.10/24,host-managed=1,link_down=1"), [Addresses::default(); 2]);
        assert_ne!(of("ip=192.0.2.10/24,host-managed=1"), [Addresses::default(); 2]);
    }
}
