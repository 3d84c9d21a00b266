//! VLANs. Not every kernel has them: one that has not must say so, and what is sent is compared beside the code.

use std::{fs, net::Ipv4Addr, os::fd::AsFd};

use super::{Net, Space};
use crate::{
    config::Port,
    net::{Error, Link, LinkName, Netlink, vlan::new_vlan},
    sys::testing::needs_root,
};

/// Makes a VLAN of a link, up; `None` if the kernel knows none.
fn add_vlan(netlink: &mut Netlink, parent: &str, tag: u16) -> Option<Link> {
    let parent = netlink.existing_link(parent).unwrap();
    let name: LinkName = format!("{}.{tag}", parent.name).parse().unwrap();
    match netlink.create("make a VLAN", new_vlan(&name, &parent, tag)) {
        Err(error) if error.is(&[libc::EOPNOTSUPP]) => return None,
        made => made.unwrap(),
    }
    let link = netlink.existing_link(name.as_str()).unwrap();
    netlink.set_up(&link, true).unwrap();
    Some(link)
}

/// A guest with an address on the NIC itself, plugged as `port` says.
fn guest(net: &mut Net, index: u8, address: Ipv4Addr, port: &str) -> Space {
    let (mut space, veth) = Space::with_nic(net, index);
    space.add_address("eth0", address);
    net.netlink.plug(veth, &format!("{}{port}", net.bridge).parse().unwrap()).unwrap();
    space
}

#[test]
fn a_bridge_that_tells_vlans_apart_keeps_them_apart() {
    if !needs_root() {
        return;
    }
    let mut net = Net::new(87);
    let bridge = net.netlink.existing_link(net.bridge.as_str()).unwrap();
    net.netlink.set_up(&bridge, true).unwrap();
    if fs::write(format!("/sys/class/net/{bridge}/bridge/vlan_filtering", bridge = net.bridge), "1").is_err()
    {
        // This kernel's bridges cannot.
        let (_space, veth) = Space::with_nic(&mut net, 0);
        let trunks: Port = format!("{},trunks=5", net.bridge).parse().unwrap();
        assert!(matches!(net.netlink.plug(veth, &trunks), Err(Error::NoTrunks { .. })));
        return;
    }
    assert!(net.netlink.existing_link(net.bridge.as_str()).unwrap().is_vlan_aware());
    let ip = |n| Ipv4Addr::new(10, 99, 87, n);
    let first = guest(&mut net, 0, ip(1), ",tag=5");
    let second = guest(&mut net, 1, ip(2), ",tag=5,firewall");
    let untagged = guest(&mut net, 2, ip(3), "");
    let other = guest(&mut net, 3, ip(4), ",tag=6");
    assert!(first.reaches(ip(2)) && second.reaches(ip(1)));
    assert!(!untagged.reaches(ip(1)) && !other.reaches(ip(1)) && !other.reaches(ip(3)));

    for (index, port, passes) in [
        (4, ",trunks=5+7", true),
        (5, ",trunks=5+7,firewall", true),
        (6, ",tag=6,trunks=5", true),
        (7, "", true),
        (8, ",trunks=6+7", false),
        (9, ",tag=6", false),
    ] {
        let (mut tagging, veth) = Space::with_nic(&mut net, index);
        add_vlan(&mut tagging.netlink, "eth0", 5).unwrap();
        tagging.add_address("eth0.5", ip(10 + index));
        net.netlink.plug(veth, &format!("{}{port}", net.bridge).parse().unwrap()).unwrap();
        assert_eq!(tagging.reaches(ip(1)), passes, "{port}");
    }
}

#[test]
fn a_bridge_that_does_not_gets_one_beside_it_for_each_vlan() {
    if !needs_root() {
        return;
    }
    let mut net = Net::new(88);
    let bridge = net.netlink.existing_link(net.bridge.as_str()).unwrap();
    net.netlink.set_mtu(&bridge, 1400).unwrap();
    net.netlink.set_up(&bridge, true).unwrap();
    // The cable to another machine. A VLAN of it is a physical port in the eyes of a bridge.
    let [near, far] = ["pctbr88n", "pctbr88f"].map(|name| name.parse::<LinkName>().unwrap());
    net.netlink.create_pair((&near, None), (&far, None), None).unwrap();
    let cable = net.netlink.existing_link(near.as_str()).unwrap();
    let mut outside = Space::new();
    let other_end = net.netlink.existing_link(far.as_str()).unwrap();
    net.netlink.move_to_namespace(&other_end, outside.file.as_fd(), &"eth0".parse().unwrap()).unwrap();
    let eth0 = outside.netlink.existing_link("eth0").unwrap();
    outside.netlink.set_up(&eth0, true).unwrap();
    net.netlink.set_up(&cable, true).unwrap();
    let Some(uplink) = add_vlan(&mut net.netlink, "pctbr88n", 7) else {
        // This kernel has no VLANs.
        return;
    };
    net.netlink.set_master(&uplink, Some(&bridge)).unwrap();
    add_vlan(&mut outside.netlink, "eth0", 7).unwrap();
    add_vlan(&mut outside.netlink, "eth0.7", 5).unwrap();
    let ip = |n| Ipv4Addr::new(10, 99, 88, n);
    outside.add_address("eth0.7.5", ip(100));

    let first = guest(&mut net, 0, ip(1), ",tag=5");
    let second = guest(&mut net, 1, ip(2), ",tag=5,firewall,rate=1000000");
    let untagged = guest(&mut net, 2, ip(3), "");
    assert!(first.reaches(ip(2)) && second.reaches(ip(1)));
    assert!(first.reaches(ip(100)) && second.reaches(ip(100)) && outside.reaches(ip(2)));
    assert!(!untagged.reaches(ip(1)) && !untagged.reaches(ip(100)));
    let vlan = net.netlink.existing_link("pctbr88v5").unwrap();
    let tagged = net.netlink.existing_link("pctbr88n.7.5").unwrap();
    assert!(vlan.is_bridge() && vlan.mtu == 1400 && vlan.is_up());
    assert_eq!((tagged.master, tagged.is_up()), (Some(vlan.index), true));

    // What belongs to somebody else is left alone, and nothing that was begun stays.
    let veth = net.create(3);
    let plug = |net: &mut Net, tag: u16| {
        let port = Port { tag: Some(tag), ..Port::plain(net.bridge.as_str()) };
        let error = net.netlink.plug(veth, &port).unwrap_err().to_string();
        assert!(net.netlink.link(&format!("{}v{tag}", net.bridge)).unwrap().is_none());
        error
    };
    let taken = add_vlan(&mut net.netlink, "pctbr88n.7", 6).unwrap();
    net.netlink.set_master(&taken, Some(&vlan)).unwrap();
    let says = "network link 'pctbr88n.7.6' is a port of another bridge than 'pctbr88v6': it is not touched";
    assert_eq!(plug(&mut net, 6), says);
    let parent = net.netlink.existing_link("pctbr88n").unwrap();
    net.netlink.create("make a VLAN", new_vlan(&"pctbr88n.7.8".parse().unwrap(), &parent, 9)).unwrap();
    let says = "network link 'pctbr88n.7.8' is not the VLAN 8 of 'pctbr88n.7': it is not touched";
    assert_eq!(plug(&mut net, 8), says);
}
