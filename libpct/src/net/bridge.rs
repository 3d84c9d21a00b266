//! Linux bridges: found, made like another one, and what passes through their ports.

use netlink_packet_core::DefaultNla;
use netlink_packet_route::{
    AddressFamily, RouteNetlinkMessage,
    link::{
        AfSpecBridge, BridgeVlanInfo, BridgeVlanInfoFlags as Flags, InfoBridge, InfoData, InfoKind,
        LinkAttribute, LinkInfo, LinkMessage,
    },
};

use super::{Error, Link, LinkName, Result, link::named, name::OwnLink, plug::disable_ipv6, socket::Netlink};

/// Attributes of a bridge (kernel: include/uapi/linux/if_link.h).
const VLAN_FILTERING: u16 = 7;
/// Those that a bridge beside another one has of that: forward delay, hello time, maximum age, ageing time, spanning
/// tree, priority, multicast snooping and querier.
const COPIED: [u16; 8] = [1, 2, 3, 4, 5, 6, 23, 25];

/// The highest VLAN of 802.1Q.
const LAST_VLAN: u16 = 4094;

impl Link {
    /// A bridge that tells VLANs apart.
    #[must_use]
    pub(crate) fn is_vlan_aware(&self) -> bool {
        self.detail(VLAN_FILTERING).is_some_and(|value| value != [0])
    }
}

/// The question for a new bridge, with the settings of another one.
fn new_bridge(name: &LinkName, model: Option<&Link>) -> LinkMessage {
    let mut info = vec![LinkInfo::Kind(InfoKind::Bridge)];
    if let Some(model) = model {
        let copy = |kind: u16| Some(InfoBridge::Other(DefaultNla::new(kind, model.detail(kind)?)));
        info.push(LinkInfo::Data(InfoData::Bridge(COPIED.into_iter().filter_map(copy).collect())));
    }
    let mut message = named(name.as_str());
    message.attributes.push(LinkAttribute::LinkInfo(info));
    message
}

/// VLANs of a port, to be added or deleted.
fn port_vlans(port: &Link, vlans: impl IntoIterator<Item = BridgeVlanInfo>) -> LinkMessage {
    let mut message = LinkMessage::default();
    message.header.interface_family = AddressFamily::Bridge;
    message.header.index = port.index;
    let vlans = vlans.into_iter().map(AfSpecBridge::VlanInfo).collect();
    message.attributes.push(LinkAttribute::AfSpecBridge(vlans));
    message
}

fn vlan(vid: u16, flags: Flags) -> BridgeVlanInfo {
    BridgeVlanInfo { flags, vid }
}

/// All VLANs from `first` on.
fn vlans_from(first: u16) -> [BridgeVlanInfo; 2] {
    [vlan(first, Flags::RangeBegin), vlan(LAST_VLAN, Flags::RangeEnd)]
}

/// What a port lets pass: the trunks, or all for one without tag; untagged packets belong to the tag's VLAN.
fn allowed(tag: Option<u16>, trunks: &[u16]) -> Vec<BridgeVlanInfo> {
    let mut vlans: Vec<_> = trunks.iter().map(|vid| vlan(*vid, Flags::empty())).collect();
    if trunks.is_empty() && tag.is_none() {
        vlans.extend(vlans_from(2));
    }
    vlans.push(vlan(tag.unwrap_or(1), Flags::Pvid | Flags::Untagged));
    vlans
}

impl Netlink {
    /// The Linux bridge that a config names. A bridge of a container's is none to plug others into.
    pub(crate) fn bridge(&mut self, name: &str) -> Result<Link> {
        let name = name.to_owned();
        match self.link(&name)? {
            None => Err(Error::NoBridge { name }),
            Some(link) if link.kind == "openvswitch" => Err(Error::OpenVSwitch { name }),
            Some(link) if !link.is_bridge() => Err(Error::NotBridge { name }),
            Some(_) if OwnLink::of_name(&name).is_some() => Err(Error::Reserved { name }),
            Some(link) => Ok(link),
        }
    }

    /// Makes a Linux bridge; an error if the name is taken.
    pub(crate) fn create_bridge(&mut self, name: &LinkName) -> Result<()> {
        self.create(&format!("create bridge '{name}'"), new_bridge(name, None))
    }

    /// Makes a bridge with the settings and the MTU of another one. The host has no IPv6 addresses on it. It is down.
    pub(super) fn create_bridge_like(&mut self, name: &LinkName, model: &Link) -> Result<Link> {
        self.create(&format!("create bridge '{name}'"), new_bridge(name, Some(model)))?;
        let bridge = self.existing_link(name.as_str())?;
        // In a step of its own: an MTU that was given at creation changes with the ports.
        let ready = self.set_mtu(&bridge, model.mtu).and_then(|()| disable_ipv6(name.as_str()));
        ready.map_err(|error| self.after(error, |net| net.delete(&bridge).map(drop)))?;
        Ok(Link { mtu: model.mtu, ..bridge })
    }

    /// Makes a link a port of a bridge, with the bridge's MTU and no IPv6 addresses of the host, and lets these VLANs
    /// pass if the bridge tells them apart.
    pub(super) fn add_port(
        &mut self,
        port: &Link,
        bridge: &Link,
        tag: Option<u16>,
        trunks: &[u16],
    ) -> Result<()> {
        if port.mtu != bridge.mtu {
            self.set_mtu(port, bridge.mtu)?;
        }
        disable_ipv6(&port.name)?;
        self.set_master(port, Some(bridge))?;
        if bridge.is_vlan_aware() {
            let attempt = format!("set the VLANs of network link '{}'", port.name);
            let none = port_vlans(port, vlans_from(1));
            self.change(&attempt, RouteNetlinkMessage::DelLink(none), 0)?;
            let allowed = port_vlans(port, allowed(tag, trunks));
            self.change(&attempt, RouteNetlinkMessage::SetLink(allowed), 0)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::{link::testing::link, tests::hex};

    /// What `bridge vlan` of iproute2 sends, with all VLANs of an `add` in one message.
    #[test]
    fn vlans_of_a_port_are_what_iproute2_sends() {
        let port = link(0xb4);
        let header = "\
07 00 00 00 b4 00 00 00 00 00 00 00 00 00 00 00
";
        let deleted = RouteNetlinkMessage::DelLink(port_vlans(&port, vlans_from(1)));
        assert_eq!(
            hex(&deleted),
            format!("{header}14 00 1a 00 08 00 02 00 08 00 01 00 08 00 02 00\n10 00 fe 0f\n")
        );
        let set =
            |tag, trunks: &[u16]| hex(&RouteNetlinkMessage::SetLink(port_vlans(&port, allowed(tag, trunks))));
        assert_eq!(
            set(None, &[]),
            format!(
                "{header}1c 00 1a 00 08 00 02 00 08 00 02 00 08 00 02 00\n10 00 fe 0f 08 00 02 00 06 00 01 00\n"
            )
        );
        assert_eq!(set(Some(5), &[]), format!("{header}0c 00 1a 00 08 00 02 00 06 00 05 00\n"));
        assert_eq!(
            set(None, &[10]),
            format!("{header}14 00 1a 00 08 00 02 00 00 00 0a 00 08 00 02 00\n06 00 01 00\n")
        );
        assert_eq!(
            set(Some(5), &[10, 4094]),
            format!(
                "{header}1c 00 1a 00 08 00 02 00 00 00 0a 00 08 00 02 00\n00 00 fe 0f 08 00 02 00 06 00 05 00\n"
            )
        );
    }

    #[test]
    fn a_bridge_is_aware_of_vlans_when_the_kernel_says_so() {
        let mut bridge = link(1);
        for (details, aware) in
            [(vec![], false), (vec![5, 0, 7, 0, 0, 0, 0, 0], false), (vec![5, 0, 7, 0, 1, 0, 0, 0], true)]
        {
            bridge.details = details;
            assert_eq!(bridge.is_vlan_aware(), aware);
        }
    }

    #[test]
    fn a_bridge_like_another_one_has_its_settings_and_no_others() {
        let name = "b".parse().unwrap();
        let mut model = link(1);
        // A priority, VLAN filtering, and whether there is a querier.
        model.details = vec![6, 0, 6, 0, 0, 0x80, 0, 0, 5, 0, 7, 0, 1, 0, 0, 0, 5, 0, 25, 0, 1, 0, 0, 0];
        let like = hex(&RouteNetlinkMessage::NewLink(new_bridge(&name, Some(&model))));
        let settings = " 14 00 02 00 06 00 06 00 00 80 00 00 05 00 19 00 01 00 00 00".replace(' ', "");
        assert!(like.replace([' ', '\n'], "").ends_with(&settings), "{like}");
    }
}
