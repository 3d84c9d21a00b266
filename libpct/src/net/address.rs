//! Addresses of links, and being told when they change.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use netlink_packet_core::NlasIterator;
use netlink_packet_route::{RouteNetlinkMessage, address::AddressMessage};
use netlink_sys::Socket;

use super::{
    Error, Result,
    socket::{Netlink, connected, malformed},
};
use crate::sys;

/// Groups of notifications (rtnetlink(7)).
const GROUPS: [u32; 2] = [libc::RTNLGRP_IPV4_IFADDR, libc::RTNLGRP_IPV6_IFADDR];

/// One address of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    /// The number of the link.
    pub link: u32,
    /// The address of this end.
    pub address: IpAddr,
    /// The length of the network's part, in bits.
    pub prefix: u8,
    /// How far it is valid: `RT_SCOPE_*`.
    pub scope: u8,
    /// `IFA_F_*`.
    pub flags: u32,
}

impl Address {
    fn parse(payload: &[u8]) -> std::result::Result<Option<Self>, &'static str> {
        // struct ifaddrmsg: family, prefix length, flags, scope, link (4).
        let [family, prefix, flags, scope, index @ ..] = payload.first_chunk::<8>().ok_or("short header")?;
        let (mut address, mut local, mut flags) = (None, None, u32::from(*flags));
        for attribute in NlasIterator::new(payload.get(8..).unwrap_or_default()) {
            let attribute = attribute.map_err(|_| "bad attribute")?;
            let value = attribute.value();
            match attribute.kind() {
                libc::IFA_ADDRESS => address = ip(*family, value),
                libc::IFA_LOCAL => local = ip(*family, value),
                libc::IFA_FLAGS => {
                    flags = value.first_chunk().map_or(flags, |bytes| u32::from_ne_bytes(*bytes));
                }
                _ => {}
            }
        }
        // Of a link between two ends the local one is ours, and the other the peer's.
        let made = local.or(address).map(|address| Self {
            link: u32::from_ne_bytes(*index),
            address,
            prefix: *prefix,
            scope: *scope,
            flags,
        });
        Ok(made)
    }
}

fn ip(family: u8, value: &[u8]) -> Option<IpAddr> {
    match i32::from(family) {
        libc::AF_INET => value.first_chunk::<4>().map(|bytes| Ipv4Addr::from(*bytes).into()),
        libc::AF_INET6 => value.first_chunk::<16>().map(|bytes| Ipv6Addr::from(*bytes).into()),
        _ => None,
    }
}

impl Netlink {
    /// All addresses of all links, IPv4 first.
    pub(crate) fn addresses(&mut self) -> Result<Vec<Address>> {
        let attempt = "list network addresses";
        let answers = self.list(attempt, RouteNetlinkMessage::GetAddress(AddressMessage::default()))?;
        let parsed: std::result::Result<Vec<_>, _> = answers.iter().map(|a| Address::parse(a)).collect();
        let mut found: Vec<_> = parsed.map_err(|e| malformed(attempt, e))?.into_iter().flatten().collect();
        found.sort_by_key(|address| address.address.is_ipv6());
        Ok(found)
    }
}

/// Becomes readable when an address comes, goes or changes, in the network namespace it was opened in.
#[derive(Debug)]
pub(crate) struct AddressWatch {
    socket: Socket,
}

impl AddressWatch {
    /// Watches from now on.
    pub(crate) fn open() -> Result<Self> {
        let open = || {
            let socket = connected()?;
            GROUPS.iter().try_for_each(|group| socket.add_membership(*group))?;
            socket.set_non_blocking(true)?;
            Ok(socket)
        };
        open().map(|socket| Self { socket }).map_err(failed)
    }

    /// One that another process has opened.
    pub(crate) fn adopt(fd: OwnedFd) -> Self {
        Self { socket: sys::netlink::adopt(fd) }
    }

    /// Forgets what has been told until now. What it was is to be asked for: notifications can be lost.
    pub(crate) fn clear(&self) -> Result<()> {
        loop {
            match self.socket.recv_from_full() {
                Ok(_) => {}
                // Some were lost, as this was slow.
                Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(failed(error)),
            }
        }
    }
}

impl AsFd for AddressWatch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

fn failed(source: io::Error) -> Error {
    let attempt = "watch for network addresses".to_owned();
    Error::Kernel { attempt, detail: String::new(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_host_has_a_loopback_address() {
        let mut netlink = Netlink::open().unwrap();
        let lo = netlink.existing_link("lo").unwrap();
        if lo.is_up() {
            let home = IpAddr::from(Ipv4Addr::LOCALHOST);
            let all = netlink.addresses().unwrap();
            let found = all.iter().find(|address| address.address == home).unwrap();
            assert_eq!((found.link, found.prefix, found.scope), (lo.index, 8, libc::RT_SCOPE_HOST));
        }
    }

    #[test]
    fn the_local_end_counts_and_long_flags_replace_short_ones() {
        let attribute = |kind: u16, value: &[u8]| {
            [&(4 + value.len() as u16).to_ne_bytes()[..], &kind.to_ne_bytes(), value].concat()
        };
        let header = [&[2, 32, 0x80, 0][..], &7u32.to_ne_bytes()].concat();
        let message = [
            header.clone(),
            attribute(libc::IFA_ADDRESS, &[10, 0, 0, 2]),
            attribute(libc::IFA_LOCAL, &[10, 0, 0, 1]),
            attribute(libc::IFA_FLAGS, &0x240u32.to_ne_bytes()),
        ]
        .concat();
        let parsed = Address::parse(&message).unwrap().unwrap();
        let address = Ipv4Addr::new(10, 0, 0, 1).into();
        assert_eq!(parsed, Address { link: 7, address, prefix: 32, scope: 0, flags: 0x240 });
        assert_eq!(Address::parse(&header), Ok(None));
        assert!(Address::parse(&header[..7]).is_err());
    }
}
