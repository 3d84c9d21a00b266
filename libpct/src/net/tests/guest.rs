//! What is configured inside a container.

use std::{net::IpAddr, os::fd::AsFd};

use super::{Net, Space};
use crate::{
    net::{LinkName, Netlink, guest::Family},
    sys::testing::needs_root,
};

#[test]
fn a_guests_end_is_moved_inside_and_gets_addresses_and_routes() {
    if !needs_root() {
        return;
    }
    let mut net = Net::new(94);
    let veth = net.create(0);
    let Space { file, netlink: mut inside } = Space::new();
    let peer = net.netlink.existing_link(veth.peer().as_str()).unwrap();
    let eth0: LinkName = "eth0".parse().unwrap();
    net.netlink.move_to_namespace(&peer, file.as_fd(), &eth0).unwrap();
    assert!(net.netlink.link(veth.peer().as_str()).unwrap().is_none());
    let link = inside.existing_link("eth0").unwrap();
    assert_eq!((link.mtu, link.is_up(), link.address[5]), (1400, false, 7));
    inside.set_up(&link, true).unwrap();

    let ip = |text: &str| text.parse::<IpAddr>().unwrap();
    let has = |inside: &mut Netlink, address| {
        inside.addresses().unwrap().iter().any(|a| a.address == ip(address) && a.prefix < 128)
    };
    for (first, second, gateway, far) in [
        ("10.9.4.2", "10.9.4.3", "10.9.4.1", "192.0.2.1"),
        ("fd09:4::2", "fd09:4::3", "fd09:4::1", "fd99::1"),
    ] {
        let family = Family::from(ip(first));
        assert!(inside.add_address(&link, ip(first), 24).unwrap());
        assert!(!inside.add_address(&link, ip(first), 24).unwrap());
        assert!(inside.add_address(&link, ip(second), 24).unwrap());
        inside.replace_default_route(&link, ip(gateway)).unwrap();
        // The second address of a network depends on the first one, and outlives it.
        assert!(inside.delete_address(&link, ip(first), 24).unwrap());
        assert!(!inside.delete_address(&link, ip(first), 24).unwrap());
        assert!(!has(&mut inside, first) && has(&mut inside, second));

        let unreachable = inside.replace_default_route(&link, ip(far)).unwrap_err();
        let says = format!("cannot make {far} the default gateway, through 'eth0'");
        assert!(unreachable.to_string().starts_with(&says), "{unreachable}");
        assert!(inside.add_route_to_gateway(&link, ip(far)).unwrap());
        assert!(!inside.add_route_to_gateway(&link, ip(far)).unwrap());
        inside.replace_default_route(&link, ip(far)).unwrap();
        assert!(inside.delete_default_route(&link, family).unwrap());
        assert!(!inside.delete_default_route(&link, family).unwrap());
        assert!(inside.delete_route_to(&link, ip(far)).unwrap());
        assert!(!inside.delete_route_to(&link, ip(far)).unwrap());
        inside.replace_default_route(&link, ip(far)).unwrap_err();
    }
    // With the host's end the guest's goes.
    assert!(net.netlink.delete_veth(veth).unwrap());
    assert!(inside.link("eth0").unwrap().is_none());
}

#[test]
fn a_name_that_is_taken_inside_is_refused() {
    if !needs_root() {
        return;
    }
    let mut net = Net::new(95);
    let veth = net.create(0);
    let space = Space::new();
    let peer = net.netlink.existing_link(veth.peer().as_str()).unwrap();
    let lo = "lo".parse().unwrap();
    let error = net.netlink.move_to_namespace(&peer, space.file.as_fd(), &lo).unwrap_err();
    let says = "cannot move network link 'veth9995i0p' into the container as 'lo'";
    assert!(error.to_string().starts_with(says), "{error}");
}
