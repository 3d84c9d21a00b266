//! VLANs on a bridge that does not tell them apart: each has a bridge of its own, with a part of every physical port.

use std::path::Path;
use std::time::Duration;

use netlink_packet_route::link::{InfoData, InfoKind, InfoVlan, LinkAttribute, LinkInfo, LinkMessage};

use super::{Error, Link, LinkName, Result, link::named, plug::disable_ipv6, socket::Netlink};
use crate::{
    home,
    sys::{
        folder,
        lockfile::{self, LockFile},
    },
};

/// Hardware that bridges can have as ports (kernel: include/uapi/linux/if_arp.h).
const ETHERNET: u16 = 1;
/// The attribute with a VLAN's number (kernel: include/uapi/linux/if_link.h).
const VLAN_ID: u16 = 1;
/// Others do the same few steps.
const LOCK_TIMEOUT: Duration = Duration::from_secs(10);

/// The question for the VLAN `tag` of a link.
pub(super) fn new_vlan(name: &LinkName, parent: &Link, tag: u16) -> LinkMessage {
    let mut message = named(name.as_str());
    message.attributes.insert(0, LinkAttribute::Link(parent.index));
    message.attributes.push(LinkAttribute::LinkInfo(vec![
        LinkInfo::Kind(InfoKind::Vlan),
        LinkInfo::Data(InfoData::Vlan(vec![InfoVlan::Id(tag)])),
    ]));
    message
}

impl Link {
    /// Leads out of this host.
    fn is_physical(&self) -> bool {
        self.hardware == ETHERNET && matches!(&*self.kind, "" | "bond" | "vlan")
    }

    fn is_vlan_of(&self, parent: &Link, tag: u16) -> bool {
        let id = self.detail(VLAN_ID).is_some_and(|id| id == tag.to_ne_bytes());
        self.kind == "vlan" && self.parent == Some(parent.index) && id
    }
}

impl Netlink {
    /// The bridge `<bridge>v<tag>`, which is made if it is not there. It serves all containers, and stays.
    pub(super) fn vlan_bridge(&mut self, bridge: &Link, tag: u16) -> Result<Link> {
        let name: LinkName = format!("{}v{tag}", bridge.name).parse()?;
        let _lock = lock(&home::network_lock())?;
        let mut made = Vec::new();
        self.make_vlan_bridge(&name, bridge, tag, &mut made).map_err(|error| {
            self.after(error, |net| made.iter().rev().try_for_each(|link| net.delete(link).map(drop)))
        })
    }

    /// The ports through which a VLAN of the bridge leads out of this host; an error if there are none.
    pub(super) fn physical_ports(&mut self, bridge: &Link) -> Result<Vec<Link>> {
        let mut ports = self.links("")?;
        ports.retain(|link| link.master == Some(bridge.index) && link.is_physical());
        if ports.is_empty() { Err(Error::NoPhysicalPort { bridge: bridge.name.clone() }) } else { Ok(ports) }
    }

    fn make_vlan_bridge(
        &mut self,
        name: &LinkName,
        bridge: &Link,
        tag: u16,
        made: &mut Vec<Link>,
    ) -> Result<Link> {
        let ports = self.physical_ports(bridge)?;
        let own = match self.link(name.as_str())? {
            Some(link) if link.is_bridge() => link,
            Some(Link { name, kind, .. }) => return Err(Error::Foreign { name, kind, expected: "bridge" }),
            None => {
                let own = self.create_bridge_like(name, bridge)?;
                made.push(own.clone());
                own
            }
        };
        for port in ports {
            let vlan = self.vlan(&port, tag, made)?;
            match vlan.master {
                None => self.set_master(&vlan, Some(&own))?,
                Some(master) if master == own.index => {}
                Some(_) => return Err(Error::OtherBridge { name: vlan.name, bridge: own.name }),
            }
            self.set_up(&vlan, true)?;
        }
        self.set_up(&own, true)?;
        Ok(own)
    }

    /// The VLAN `<link>.<tag>`, which is made if it is not there.
    fn vlan(&mut self, parent: &Link, tag: u16, made: &mut Vec<Link>) -> Result<Link> {
        let name: LinkName = format!("{}.{tag}", parent.name).parse()?;
        if let Some(link) = self.link(name.as_str())? {
            let foreign = || Error::OtherVlan { name: name.to_string(), parent: parent.name.clone(), tag };
            return if link.is_vlan_of(parent, tag) { Ok(link) } else { Err(foreign()) };
        }
        self.create(&format!("create network link '{name}'"), new_vlan(&name, parent, tag))?;
        let link = self.existing_link(name.as_str())?;
        made.push(link.clone());
        disable_ipv6(name.as_str())?;
        Ok(link)
    }
}

fn lock(path: &Path) -> Result<LockFile> {
    if let Some(above) = path.parent() {
        let attempt = || format!("make '{}'", above.display());
        folder::make(above, 0o755).map_err(|source| Error::Io { attempt: attempt(), source })?;
    }
    Ok(LockFile::acquire(path, LOCK_TIMEOUT, lockfile::wait)?)
}

#[cfg(test)]
mod tests {
    use netlink_packet_route::RouteNetlinkMessage;

    use super::*;
    use crate::net::{link::testing::link, tests::hex};

    /// What `ip link add link pctvh1 name pctvh1.5 type vlan id 5` of iproute2 sends, with a NUL at the end of `vlan`.
    #[test]
    fn a_vlan_is_what_iproute2_asks_for() {
        let new = new_vlan(&"pctvh1.5".parse().unwrap(), &link(0xb4), 5);
        assert_eq!(
            hex(&RouteNetlinkMessage::NewLink(new)),
            "\
00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
08 00 05 00 b4 00 00 00 0d 00 03 00 70 63 74 76
68 31 2e 35 00 00 00 00 1c 00 12 00 09 00 01 00
76 6c 61 6e 00 00 00 00 0c 00 02 00 06 00 01 00
05 00 00 00
"
        );
    }

    #[test]
    fn a_vlan_is_known_by_its_parent_and_its_number() {
        let (parent, mut vlan) = (link(7), link(8));
        vlan.kind = "vlan".into();
        vlan.parent = Some(7);
        vlan.details = vec![6, 0, 1, 0, 5, 0, 0, 0];
        assert!(vlan.is_vlan_of(&parent, 5) && !vlan.is_vlan_of(&parent, 6) && !vlan.is_vlan_of(&link(9), 5));
        vlan.kind = "macvlan".into();
        assert!(!vlan.is_vlan_of(&parent, 5));
    }

    #[test]
    fn physical_is_what_leads_out() {
        for (kind, physical) in [("", true), ("bond", true), ("vlan", true), ("veth", false), ("tun", false)]
        {
            let mut port = link(1);
            (port.kind, port.hardware) = (kind.into(), ETHERNET);
            assert_eq!(port.is_physical(), physical, "{kind}");
            port.hardware = 772;
            assert!(!port.is_physical());
        }
    }
}
