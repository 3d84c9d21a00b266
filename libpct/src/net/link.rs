//! Links: looked up, made, changed, deleted.

use std::os::fd::{AsRawFd, BorrowedFd};

use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL, NlasIterator};
use netlink_packet_route::RouteNetlinkMessage;
pub(crate) use netlink_packet_route::link::LinkFlags;
use netlink_packet_route::link::{InfoData, InfoKind, InfoVeth, LinkAttribute, LinkInfo, LinkMessage};

use super::name::{LinkName, OwnLink, Part, VethName};
use super::socket::{Netlink, found, malformed, text};
use super::{Error, Result};
use crate::config::Vmid;

/// What the kernel says about a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    /// Its number, unique in the network namespace.
    pub index: u32,
    /// Its name.
    pub name: String,
    /// `veth`, `bridge`, `vlan`, `openvswitch` ...; empty for a physical link.
    pub kind: String,
    /// Largest packet, in bytes.
    pub mtu: u32,
    /// The number of the bridge (or bond) it belongs to.
    pub master: Option<u32>,
    /// Up, running ...
    pub flags: LinkFlags,
    /// Hardware address; six bytes for Ethernet.
    pub address: Vec<u8>,
    /// Of what hardware it is: `ARPHRD_*`.
    pub hardware: u16,
    /// The number of the link that it is a part of, as a VLAN is.
    pub parent: Option<u32>,
    /// What only links of its kind have: attributes as the kernel gives them.
    pub details: Vec<u8>,
    /// Bytes received and sent since it was made. For the host side of a NIC: what the guest has sent and
    /// received.
    pub bytes: (u64, u64),
}

impl Link {
    /// Brought up by the administrator.
    #[must_use]
    pub(crate) fn is_up(&self) -> bool {
        self.flags.contains(LinkFlags::Up)
    }

    /// A Linux bridge.
    #[must_use]
    pub(crate) fn is_bridge(&self) -> bool {
        self.kind == "bridge"
    }

    /// One of [`Link::details`].
    pub(super) fn detail(&self, kind: u16) -> Option<Vec<u8>> {
        let mut details = NlasIterator::new(&self.details[..]).flatten();
        details.find(|detail| detail.kind() == kind).map(|detail| detail.value().to_vec())
    }

    /// Takes only the attributes we use. A full parse would fail as a whole on whatever a newer kernel adds.
    fn parse(payload: &[u8]) -> std::result::Result<Self, &'static str> {
        // struct ifinfomsg: family, padding, type (2), index (4), flags (4), change mask (4).
        let word = |at: usize| payload.get(at..)?.first_chunk().map(|b| u32::from_ne_bytes(*b));
        let (index, flags) = word(4).zip(word(8)).ok_or("short header")?;
        let half = payload.get(2..).and_then(|rest| rest.first_chunk());
        let mut link = Self {
            index,
            name: String::new(),
            kind: String::new(),
            mtu: 0,
            master: None,
            flags: LinkFlags::from_bits_retain(flags),
            address: Vec::new(),
            hardware: half.map(|b| u16::from_ne_bytes(*b)).unwrap_or_default(),
            parent: None,
            details: Vec::new(),
            bytes: (0, 0),
        };
        for attribute in NlasIterator::new(payload.get(16..).unwrap_or_default()) {
            let attribute = attribute.map_err(|_| "bad attribute")?;
            let value = attribute.value();
            let number = || value.first_chunk().map(|b| u32::from_ne_bytes(*b)).unwrap_or_default();
            match attribute.kind() {
                libc::IFLA_IFNAME => link.name = text(value),
                libc::IFLA_MTU => link.mtu = number(),
                libc::IFLA_MASTER => link.master = Some(number()).filter(|master| *master != 0),
                libc::IFLA_LINK => link.parent = Some(number()).filter(|parent| *parent != 0),
                libc::IFLA_ADDRESS => link.address = value.to_vec(),
                libc::IFLA_LINKINFO => {
                    for info in NlasIterator::new(value).flatten() {
                        match info.kind() {
                            libc::IFLA_INFO_KIND => link.kind = text(info.value()),
                            libc::IFLA_INFO_DATA => link.details = info.value().to_vec(),
                            _ => {}
                        }
                    }
                }
                libc::IFLA_STATS64 => {
                    // struct rtnl_link_stats64: packets received and sent, bytes received and sent.
                    let counter = |at: usize| value.get(at..)?.first_chunk().map(|b| u64::from_ne_bytes(*b));
                    link.bytes = (counter(16).unwrap_or_default(), counter(24).unwrap_or_default());
                }
                _ => {}
            }
        }
        if link.name.is_empty() { Err("no name") } else { Ok(link) }
    }
}

pub(super) fn named(name: &str) -> LinkMessage {
    let mut message = LinkMessage::default();
    message.attributes.push(LinkAttribute::IfName(name.to_owned()));
    message
}

impl Netlink {
    /// The link of this name; `None` if there is none.
    pub(crate) fn link(&mut self, name: &str) -> Result<Option<Link>> {
        // What cannot be a name is the name of nothing. The kernel would say ERANGE or cut it.
        if name.parse::<LinkName>().is_err() {
            return Ok(None);
        }
        let attempt = format!("look up network link '{name}'");
        match self.get(&attempt, RouteNetlinkMessage::GetLink(named(name))) {
            Ok(payload) => Link::parse(&payload).map(Some).map_err(|e| malformed(&attempt, e)),
            Err(Error::Kernel { source, .. }) if source.raw_os_error() == Some(libc::ENODEV) => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// The link of this name, which must be there.
    pub(crate) fn existing_link(&mut self, name: &str) -> Result<Link> {
        self.link(name)?.ok_or_else(|| Error::NoLink { name: name.to_owned() })
    }

    /// All links whose name starts with `prefix`; all there are for an empty one.
    pub(crate) fn links(&mut self, prefix: &str) -> Result<Vec<Link>> {
        let attempt = "list network links";
        let answers = self.list(attempt, RouteNetlinkMessage::GetLink(LinkMessage::default()))?;
        let links: std::result::Result<Vec<Link>, _> = answers.iter().map(|a| Link::parse(a)).collect();
        let mut links = links.map_err(|e| malformed(attempt, e))?;
        links.retain(|link| link.name.starts_with(prefix));
        Ok(links)
    }

    /// The NICs' host sides of a container that are there now, in order of their index.
    pub(crate) fn veths_of(&mut self, vmid: Vmid) -> Result<Vec<(VethName, Link)>> {
        let links = self.links(&format!("veth{vmid}i"))?;
        let ours = links.into_iter().filter(|link| link.kind == "veth");
        let mut veths: Vec<_> = ours
            .filter_map(|link| link.name.parse::<VethName>().ok().map(|name| (name, link)))
            .filter(|(name, _)| name.vmid() == vmid)
            .collect();
        veths.sort_by_key(|(name, _)| *name);
        Ok(veths)
    }

    /// The largest packet a bridge takes.
    pub(crate) fn bridge_mtu(&mut self, bridge: &str) -> Result<u32> {
        match self.link(bridge)? {
            Some(link) => Ok(link.mtu),
            None => Err(Error::NoBridge { name: bridge.to_owned() }),
        }
    }

    /// The host side of a NIC, if what has its name can be one.
    pub(super) fn nic(&mut self, veth: VethName) -> Result<Option<Link>> {
        self.own(veth.link(Part::Host))
    }

    /// The host side of a NIC, which must be there.
    pub(super) fn existing_nic(&mut self, veth: VethName) -> Result<Link> {
        self.nic(veth)?.ok_or_else(|| Error::NoLink { name: veth.to_string() })
    }

    /// A link of ours. One of its name and of another kind is somebody else's.
    pub(super) fn own(&mut self, own: OwnLink) -> Result<Option<Link>> {
        self.of_kind(&own.to_string(), own.part.kind())
    }

    fn of_kind(&mut self, name: &str, expected: &'static str) -> Result<Option<Link>> {
        match self.link(name)? {
            Some(link) if link.kind != expected => {
                Err(Error::Foreign { name: link.name, kind: link.kind, expected })
            }
            found => Ok(found),
        }
    }

    /// Makes a pair of virtual Ethernet links; an error if a name is taken. Both are down.
    ///
    /// `mtu` is of both. `peer_address` is the hardware address of the peer, the end that the guest gets.
    pub(crate) fn create_veth(
        &mut self,
        name: VethName,
        peer: &LinkName,
        mtu: Option<u32>,
        peer_address: Option<[u8; 6]>,
    ) -> Result<()> {
        self.create_pair((&name.link(Part::Host).name(), Some(high_address()?)), (peer, peer_address), mtu)
    }

    /// Makes a pair of virtual Ethernet links, each of a name and an address.
    pub(super) fn create_pair(
        &mut self,
        first: (&LinkName, Option<[u8; 6]>),
        second: (&LinkName, Option<[u8; 6]>),
        mtu: Option<u32>,
    ) -> Result<()> {
        let end = |(name, address): (&LinkName, Option<[u8; 6]>)| {
            let mut message = named(name.as_str());
            message.attributes.extend(mtu.map(LinkAttribute::Mtu));
            message.attributes.extend(address.map(|address| LinkAttribute::Address(address.to_vec())));
            message
        };
        let mut message = end(first);
        message.attributes.push(LinkAttribute::LinkInfo(vec![
            LinkInfo::Kind(InfoKind::Veth),
            LinkInfo::Data(InfoData::Veth(InfoVeth::Peer(end(second)))),
        ]));
        self.create(&format!("create network link '{}'", first.0), message)
    }

    /// Deletes a NIC's host side, and with it the guest's side and all that belongs to it. `false`: there was no host
    /// side.
    pub(crate) fn delete_veth(&mut self, name: VethName) -> Result<bool> {
        let deleted = self.delete_own(name.link(Part::Host))?;
        self.strip(name, None)?;
        Ok(deleted)
    }

    /// Deletes every link of a container, and returns the names of the NICs whose host sides were among them. The
    /// host side may have gone before, with the guest's; what belongs to it goes now.
    pub(crate) fn delete_all_of(&mut self, vmid: Vmid) -> Result<Vec<VethName>> {
        let links = self.links("")?;
        let of_vmid = |link: Link| {
            let own = OwnLink::of_name(&link.name)?;
            (own.nic.vmid() == vmid && own.part.kind() == link.kind).then_some((own, link))
        };
        let mut deleted = Vec::new();
        for (own, link) in links.into_iter().filter_map(of_vmid) {
            if self.delete(&link)? && own.part == Part::Host {
                deleted.push(own.nic);
            }
        }
        deleted.sort();
        Ok(deleted)
    }

    /// Brings a link up or down.
    pub(crate) fn set_up(&mut self, link: &Link, up: bool) -> Result<()> {
        let mut message = LinkMessage::default();
        message.header.index = link.index;
        message.header.change_mask = LinkFlags::Up;
        message.header.flags = if up { LinkFlags::Up } else { LinkFlags::empty() };
        let direction = if up { "up" } else { "down" };
        let attempt = format!("bring network link '{}' {direction}", link.name);
        self.change(&attempt, RouteNetlinkMessage::SetLink(message), 0)
    }

    /// Sets the largest packet, in bytes.
    pub(crate) fn set_mtu(&mut self, link: &Link, mtu: u32) -> Result<()> {
        let attempt = format!("set the MTU of network link '{}' to {mtu}", link.name);
        self.set(&attempt, link, LinkAttribute::Mtu(mtu))
    }

    /// Makes a link a port of a bridge, or (`None`) of none.
    pub(crate) fn set_master(&mut self, link: &Link, bridge: Option<&Link>) -> Result<()> {
        let attempt = match bridge {
            Some(bridge) => format!("attach network link '{}' to bridge '{}'", link.name, bridge.name),
            None => format!("detach network link '{}' from its bridge", link.name),
        };
        self.set(&attempt, link, LinkAttribute::Controller(bridge.map_or(0, |bridge| bridge.index)))
    }

    /// Moves a link into another network namespace and gives it its name there. It stays down.
    ///
    /// When only the name is refused, as it is taken there, the link has moved all the same, under the name that it had:
    /// whoever has made it is to delete it.
    pub(crate) fn move_to_namespace(
        &mut self,
        link: &Link,
        namespace: BorrowedFd<'_>,
        name: &LinkName,
    ) -> Result<()> {
        let mut message = named(name.as_str());
        message.header.index = link.index;
        message.attributes.push(LinkAttribute::NetNsFd(namespace.as_raw_fd()));
        let attempt = format!("move network link '{}' into the container as '{name}'", link.name);
        self.change(&attempt, RouteNetlinkMessage::SetLink(message), 0)
    }

    pub(super) fn set(&mut self, attempt: &str, link: &Link, attribute: LinkAttribute) -> Result<()> {
        let mut message = LinkMessage::default();
        message.header.index = link.index;
        message.attributes.push(attribute);
        self.change(attempt, RouteNetlinkMessage::SetLink(message), 0)
    }

    pub(super) fn create(&mut self, attempt: &str, message: LinkMessage) -> Result<()> {
        self.change(attempt, RouteNetlinkMessage::NewLink(message), NLM_F_CREATE | NLM_F_EXCL)
    }

    /// Deletes a link of ours. `false`: there was none.
    pub(super) fn delete_own(&mut self, own: OwnLink) -> Result<bool> {
        match self.own(own)? {
            Some(link) => self.delete(&link),
            None => Ok(false),
        }
    }

    /// Deletes a Linux bridge; anything else of this name is left alone. `false`: there was none.
    pub(crate) fn delete_bridge(&mut self, name: &LinkName) -> Result<bool> {
        match self.of_kind(name.as_str(), "bridge")? {
            Some(link) => self.delete(&link),
            None => Ok(false),
        }
    }

    /// Deletes a link that was looked up before. By its number, as the name may have passed to another one meanwhile.
    pub(super) fn delete(&mut self, link: &Link) -> Result<bool> {
        let mut message = LinkMessage::default();
        message.header.index = link.index;
        let attempt = format!("delete network link '{}'", link.name);
        // Gone by itself, as the guest's side has ended with its namespace.
        found(self.change(&attempt, RouteNetlinkMessage::DelLink(message), 0), &[libc::ENODEV])
    }
}

/// An address of the kind that belongs to nobody, above all others: a bridge takes over the lowest one of its ports,
/// and shall keep its own.
pub(super) fn high_address() -> Result<[u8; 6]> {
    let mut address = [0; 6];
    rustix::rand::getrandom(&mut address, rustix::rand::GetRandomFlags::empty())
        .map_err(|errno| Error::Io { attempt: "draw a hardware address".into(), source: errno.into() })?;
    address[0] = 0xfe;
    Ok(address)
}

#[cfg(test)]
pub(super) mod testing {
    use super::*;

    /// A link that nobody has.
    pub(in super::super) fn link(index: u32) -> Link {
        let header = [&[0; 4][..], &index.to_ne_bytes(), &[0; 8]].concat();
        Link::parse(&[&header[..], &[6, 0, 3, 0, b'x', 0, 0, 0]].concat()).unwrap()
    }
}
