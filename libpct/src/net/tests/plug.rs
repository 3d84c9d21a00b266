//! NICs at bridges of all kinds that this kernel has.

use std::fs;

use super::{Net, Space};
use crate::{
    config::Port,
    net::{Error, Link, LinkFlags, LinkName, name::Part},
    sys::testing::needs_root,
};

/// Links without what changes by itself: traffic, timers, carriers.
fn steady(net: &mut Net, is_meant: impl Fn(&Net, &str) -> bool) -> Vec<Link> {
    let mut links = net.netlink.links("").unwrap();
    links.retain(|link| is_meant(net, &link.name));
    for link in &mut links {
        (link.bytes, link.details) = ((0, 0), Vec::new());
        link.flags &= LinkFlags::Up;
    }
    links
}

/// Those of a test.
fn links(net: &mut Net) -> Vec<Link> {
    steady(net, Net::owns)
}

fn names(net: &mut Net) -> Vec<String> {
    links(net).into_iter().map(|link| link.name).collect()
}

#[test]
fn a_firewalls_bridge_stands_between_and_goes_with_the_nic() {
    if !needs_root() {
        return;
    }
    let mut net = Net::new(80);
    let veth = net.create(3);
    let bridge = net.netlink.existing_link(&net.bridge.to_string()).unwrap();
    net.netlink.set_mtu(&bridge, 1300).unwrap();
    net.netlink.set_up(&bridge, true).unwrap();
    let setting = |bridge: &str, name: &str| {
        fs::read_to_string(format!("/sys/class/net/{bridge}/bridge/{name}")).unwrap().trim().to_owned()
    };
    for (name, value) in [("ageing_time", "1234"), ("priority", "4096"), ("multicast_snooping", "0")] {
        fs::write(format!("/sys/class/net/{}/bridge/{name}", net.bridge), value).unwrap();
    }
    let before = links(&mut net);
    let port: Port = format!("{},firewall", net.bridge).parse().unwrap();
    // Twice is once.
    for _ in 0..2 {
        net.netlink.plug(veth, &port).unwrap();
        let mut link = |name: &str| net.netlink.existing_link(name).unwrap();
        let (host, own) = (link("veth9980i3"), link("fwbr9980i3"));
        let (near, far) = (link("fwln9980i3"), link("fwpr9980p3"));
        assert_eq!((host.master, near.master), (Some(own.index), Some(own.index)));
        assert_eq!((far.master, own.kind.as_str()), (Some(bridge.index), "bridge"));
        for link in [&host, &own, &near, &far] {
            assert!(link.is_up() && link.mtu == 1300, "{link:?}");
        }
        // The bridge of the config keeps its address whatever comes and goes.
        assert_eq!(far.address[0], 0xfe);
    }
    assert_eq!(setting("fwbr9980i3", "ageing_time"), "1234");
    assert_eq!(setting("fwbr9980i3", "priority"), "4096");
    assert_eq!(setting("fwbr9980i3", "multicast_snooping"), "0");

    net.netlink.plug(veth, &Port::plain(net.bridge.as_str())).unwrap();
    assert_eq!(names(&mut net), names_of(&before));
    assert_eq!(net.netlink.existing_link("veth9980i3").unwrap().master, Some(bridge.index));
    net.netlink.plug(veth, &port).unwrap();
    net.netlink.unplug(veth).unwrap();
    assert_eq!(names(&mut net), names_of(&before));

    net.netlink.plug(veth, &port).unwrap();
    assert!(net.netlink.delete_veth(veth).unwrap());
    assert_eq!(names(&mut net), [net.bridge.to_string()]);
    // What a container leaves when its end goes first.
    let veth = net.create(3);
    net.netlink.plug(veth, &format!("{},firewall,rate=1000000", net.bridge).parse().unwrap()).unwrap();
    let host = net.netlink.existing_nic(veth).unwrap();
    net.netlink.delete(&host).unwrap();
    assert_eq!(net.netlink.delete_all_of(net.vmid).unwrap(), []);
    assert_eq!(names(&mut net), [net.bridge.to_string()]);
}

fn names_of(links: &[Link]) -> Vec<String> {
    links.iter().map(|link| link.name.clone()).collect()
}

#[test]
fn a_pulled_cable_is_seen_inside() {
    if !needs_root() {
        return;
    }
    let mut net = Net::new(81);
    let (mut inside, veth) = Space::with_nic(&mut net, 0);
    let mut has_carrier = || {
        let flags = inside.netlink.existing_link("eth0").unwrap().flags;
        flags.contains(LinkFlags::LowerUp)
    };
    let plugged: Port = format!("{},firewall", net.bridge).parse().unwrap();
    let down = Port { link_down: true, ..plugged.clone() };
    net.netlink.plug(veth, &plugged).unwrap();
    assert!(has_carrier());
    net.netlink.plug(veth, &down).unwrap();
    assert!(!has_carrier());
    let host = net.netlink.existing_nic(veth).unwrap();
    assert_eq!((host.master, host.is_up()), (None, false));
    assert_eq!(names(&mut net), [net.bridge.to_string(), veth.to_string()]);
}

#[test]
fn what_fails_leaves_the_nic_attached_to_nothing() {
    if !needs_root() {
        return;
    }
    let mut net = Net::new(82);
    let veth = net.create(0);
    let plain = Port::plain(net.bridge.as_str());
    net.netlink.plug(veth, &plain).unwrap();
    net.netlink.unplug(veth).unwrap();
    let unplugged = links(&mut net);
    let no_vlans = "no physical interface on bridge 'pctbr82'";
    for (port, says) in [
        ("pctbr82,tag=5", no_vlans),
        ("pctbr82,tag=5,firewall,rate=1000", no_vlans),
        ("pctbr82,trunks=5+6", "vlan aware feature need to be enabled to use trunks (bridge 'pctbr82')"),
        ("pctbrnone", "bridge 'pctbrnone' does not exist"),
        ("veth9982i0", "bridge 'veth9982i0' is neither a linux nor an OVS bridge!"),
        ("lo", "bridge 'lo' is neither a linux nor an OVS bridge!"),
    ] {
        net.netlink.plug(veth, &plain).unwrap();
        let error = net.netlink.plug(veth, &port.parse().unwrap()).unwrap_err();
        assert_eq!(error.to_string(), says);
        assert_eq!(links(&mut net), unplugged, "{port}");
    }
    // In the middle: a name of the last step is taken.
    let taken: LinkName = "fwpr9982p0".parse().unwrap();
    net.netlink.create_bridge(&taken).unwrap();
    let error = net.netlink.plug(veth, &format!("{},firewall", net.bridge).parse().unwrap()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "network link 'fwpr9982p0' is of kind 'bridge', not veth: it is not touched"
    );
    assert!(net.netlink.delete_bridge(&taken).unwrap());
    assert_eq!(links(&mut net), unplugged);
}

/// Whatever a config calls its bridge: of all links that are not this container's, only the named one can change, and
/// only by getting a port.
#[test]
fn a_config_reaches_no_link_of_another_one() {
    if !needs_root() {
        return;
    }
    let (mut net, mut other) = (Net::new(83), Net::new(84));
    let (veth, others) = (net.create(0), other.create(0));
    other.netlink.plug(others, &format!("{},firewall,rate=1000000", other.bridge).parse().unwrap()).unwrap();
    // Tests beside this one come and go.
    let everything =
        |other: &mut Net| steady(other, |other, name| other.owns(name) || ["lo", "eth0"].contains(&name));
    let before = everything(&mut other);
    assert!(before.len() >= 7, "{before:?}");
    for bridge in ["lo", "eth0", "veth9984i0", "fwln9984i0", "fwpr9984p0", "ifb9984i0"] {
        for more in ["", ",firewall", ",tag=5", ",tag=5,trunks=6,rate=5,firewall", ",down,rate=5"] {
            let plugged = net.netlink.plug(veth, &format!("{bridge}{more}").parse().unwrap());
            assert_eq!(plugged.is_ok(), more.contains("down"), "{bridge}{more}: {plugged:?}");
            assert_eq!(everything(&mut other), before, "{bridge}{more}");
        }
    }
    let error = net.netlink.plug(veth, &Port::plain("fwbr9984i0")).unwrap_err();
    assert!(matches!(error, Error::Reserved { .. }), "{error}");
    assert_eq!(everything(&mut other), before);
    // A bridge that anybody may use gets a port, and is otherwise as it was.
    let port: Port = format!("{},firewall,rate=1000000", other.bridge).parse().unwrap();
    net.netlink.plug(veth, &port).unwrap();
    assert_eq!(everything(&mut other), before);
    assert!(net.netlink.delete_veth(veth).unwrap());
    assert_eq!(everything(&mut other), before);
    assert_eq!(net.netlink.delete_all_of(net.vmid).unwrap(), []);
    assert_eq!(everything(&mut other), before);
}

#[test]
fn a_link_of_another_kind_under_a_name_of_ours_is_not_touched() {
    if !needs_root() {
        return;
    }
    let mut net = Net::new(85);
    let port: Port = format!("{},firewall,rate=1000000", net.bridge).parse().unwrap();
    for part in [Part::FirewallIn, Part::FirewallOut, Part::Shaper] {
        let veth = net.create(0);
        let taken = veth.link(part).name();
        net.netlink.create_bridge(&taken).unwrap();
        let index = net.netlink.existing_link(taken.as_str()).unwrap().index;
        for error in [
            net.netlink.plug(veth, &port).unwrap_err(),
            net.netlink.plug(veth, &Port { firewall: false, ..port.clone() }).unwrap_err(),
        ] {
            assert!(matches!(error, Error::Foreign { .. }), "{error}");
        }
        net.netlink.delete_veth(veth).unwrap_err();
        net.netlink.delete_all_of(net.vmid).unwrap();
        assert_eq!(net.netlink.existing_link(taken.as_str()).unwrap().index, index);
        assert!(net.netlink.delete_bridge(&taken).unwrap());
    }
}
