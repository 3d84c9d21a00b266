//! On the real kernel, as root.

mod guest;
mod plug;
mod rate;
mod vlan;

use std::{
    fs::File,
    io,
    net::{Ipv4Addr, TcpStream},
    os::fd::AsFd,
    thread::{self, JoinHandle},
    time::Duration,
};

use netlink_packet_core::NetlinkSerializable;
use netlink_packet_route::{RouteNetlinkMessage, link::LinkAttribute};
use rustix::thread::{ThreadNameSpaceType, UnshareFlags, move_into_thread_name_spaces};

use super::{name::OwnLink, *};
use crate::config::{Port, Vmid};
use crate::sys::{
    process,
    testing::{needs_root, patience},
};

/// The bytes of a question after its header, as strace(1) shows those of iproute2.
pub(super) fn hex(message: &RouteNetlinkMessage) -> String {
    let mut bytes = vec![0; message.buffer_len()];
    message.serialize(&mut bytes);
    let line =
        |line: &[u8]| line.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ") + "\n";
    bytes.chunks(16).map(line).collect()
}

/// A bridge and a container's number of a test's own; all links that are named after them go with it.
struct Net {
    netlink: Netlink,
    bridge: LinkName,
    vmid: Vmid,
}

impl Net {
    fn new(number: u32) -> Self {
        let bridge: LinkName = format!("pctbr{number}").parse().unwrap();
        let mut net =
            Self { netlink: Netlink::open().unwrap(), bridge, vmid: Vmid::new(9900 + number).unwrap() };
        net.clear();
        net.netlink.create_bridge(&net.bridge).unwrap();
        // One that was not given an address has that of a port.
        let bridge = net.netlink.existing_link(net.bridge.as_str()).unwrap();
        net.netlink.set("name it", &bridge, LinkAttribute::Address(vec![2, 0, 0, 0, 1, 1])).unwrap();
        net
    }

    fn clear(&mut self) {
        for link in self.netlink.links("").unwrap() {
            if self.owns(&link.name) {
                self.netlink.delete(&link).unwrap();
            }
        }
    }

    /// Other tests work at the same time, and their numbers can begin like these.
    fn owns(&self, name: &str) -> bool {
        let vmid = OwnLink::of_name(name.trim_end_matches('p')).map(|own| own.nic.vmid());
        let rest = name.strip_prefix(self.bridge.as_str());
        vmid == Some(self.vmid) || rest.is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_digit()))
    }

    fn veth(&self, index: u8) -> VethName {
        VethName::new(self.vmid, index).unwrap()
    }

    fn create(&mut self, index: u8) -> VethName {
        let (name, peer) = (self.veth(index), self.veth(index).peer());
        self.netlink.create_veth(name, &peer, Some(1400), Some([2, 0, 0, 0, 0, 7 + index])).unwrap();
        name
    }
}

impl Drop for Net {
    fn drop(&mut self) {
        self.clear();
    }
}

#[test]
fn a_bridge_is_made_looked_up_and_deleted() {
    if !needs_root() {
        return;
    }
    let mut net = Net::new(90);
    let name = net.bridge.clone();
    let link = net.netlink.existing_link(name.as_str()).unwrap();
    assert!(link.is_bridge() && !link.is_up() && link.mtu == 1500 && link.master.is_none(), "{link:?}");
    assert_eq!(net.netlink.bridge_mtu(name.as_str()).unwrap(), 1500);
    assert_eq!(net.netlink.bridge(name.as_str()).unwrap(), link);

    let error = net.netlink.create_bridge(&name).unwrap_err();
    assert!(
        matches!(&error, Error::Kernel { source, .. } if source.raw_os_error() == Some(libc::EEXIST)),
        "{error}"
    );
    assert_eq!(error.to_string(), "cannot create bridge 'pctbr90'");
    assert!(net.netlink.delete_bridge(&name).unwrap());
    assert!(!net.netlink.delete_bridge(&name).unwrap());
    let error = net.netlink.bridge_mtu(name.as_str()).unwrap_err();
    assert_eq!(error.to_string(), "bridge 'pctbr90' does not exist");
}

#[test]
fn a_nic_is_plugged_and_goes_with_its_peer() {
    if !needs_root() {
        return;
    }
    let mut net = Net::new(91);
    let bridge_name = net.bridge.to_string();
    let (veth, peer) = (net.create(0), net.veth(0).peer());
    let bridge = net.netlink.existing_link(&bridge_name).unwrap();
    net.netlink.set_mtu(&bridge, 1300).unwrap();
    net.netlink.set_up(&bridge, true).unwrap();

    let link = net.netlink.existing_link(&veth.to_string()).unwrap();
    assert_eq!((link.kind.as_str(), link.mtu, link.is_up()), ("veth", 1400, false));
    let guest = net.netlink.existing_link(peer.as_str()).unwrap();
    assert_eq!((guest.mtu, guest.address.as_slice()), (1400, &[2u8, 0, 0, 0, 0, 7][..]));

    net.netlink.plug(veth, &Port::plain(&bridge_name)).unwrap();
    let link = net.netlink.existing_link(&veth.to_string()).unwrap();
    assert_eq!((link.mtu, link.master, link.is_up()), (1300, Some(bridge.index), true));
    let ipv6 = std::fs::read_to_string(format!("/proc/sys/net/ipv6/conf/{veth}/disable_ipv6"));
    assert!(ipv6.is_err() || ipv6.unwrap() == "1\n");
    net.netlink.unplug(veth).unwrap();
    let link = net.netlink.existing_link(&veth.to_string()).unwrap();
    assert_eq!((link.master, link.is_up()), (None, false));

    assert!(net.netlink.delete_veth(veth).unwrap());
    assert!(net.netlink.link(peer.as_str()).unwrap().is_none());
    assert!(!net.netlink.delete_veth(veth).unwrap());
}

#[test]
fn all_of_a_container_and_nothing_else_is_deleted() {
    if !needs_root() {
        return;
    }
    let mut net = Net::new(92);
    let (first, tenth) = (net.create(0), net.create(10));
    // Its name begins like ours: the peer of `first` is `veth9992i0p`.
    let names: Vec<_> = net.netlink.veths_of(net.vmid).unwrap().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, [first, tenth]);
    // Another kind of link under a name of ours.
    let foreign: LinkName = net.veth(3).to_string().parse().unwrap();
    net.netlink.create_bridge(&foreign).unwrap();
    let error = net.netlink.delete_veth(net.veth(3)).unwrap_err();
    let text = "network link 'veth9992i3' is of kind 'bridge', not veth: it is not touched";
    assert_eq!(error.to_string(), text);
    assert_eq!(net.netlink.delete_all_of(net.vmid).unwrap(), [first, tenth]);
    assert_eq!(net.netlink.links("veth9992i").unwrap().len(), 1);
    assert!(net.netlink.delete_bridge(&foreign).unwrap());
}

#[test]
fn what_is_not_there_or_no_bridge_is_said() {
    if !needs_root() {
        return;
    }
    let mut net = Net::new(93);
    let veth = net.create(0);
    let error = net.netlink.plug(veth, &Port::plain("pctbrnone")).unwrap_err();
    assert_eq!(error.to_string(), "bridge 'pctbrnone' does not exist");
    let error = net.netlink.plug(veth, &Port::plain("lo")).unwrap_err();
    assert_eq!(error.to_string(), "bridge 'lo' is neither a linux nor an OVS bridge!");
    let bridge = net.bridge.to_string();
    let error = net.netlink.plug(net.veth(9), &Port::plain(&bridge)).unwrap_err();
    assert_eq!(error.to_string(), "network link 'veth9993i9' does not exist");
    for name in ["", "a name that is much too long", "a/b"] {
        assert!(net.netlink.link(name).unwrap().is_none());
    }
    let link = net.netlink.existing_link(&veth.to_string()).unwrap();
    let error = net.netlink.set_mtu(&link, 7).unwrap_err();
    // The kernel says it in words, too.
    assert!(
        error.to_string().starts_with("cannot set the MTU of network link 'veth9993i0' to 7 ("),
        "{error}"
    );
}

#[test]
fn anyone_may_look() {
    let mut netlink = Netlink::open().unwrap();
    let links = netlink.links("").unwrap();
    let lo = links.iter().find(|link| link.name == "lo").unwrap();
    assert_eq!(lo.index, netlink.existing_link("lo").unwrap().index);
    assert!(lo.kind.is_empty());
    assert_eq!(netlink.links("lo").unwrap().len(), links.iter().filter(|l| l.name.starts_with("lo")).count());
}

/// A network namespace of its own: a descriptor of it, and a socket that speaks with its kernel.
struct Space {
    file: File,
    netlink: Netlink,
}

impl Space {
    fn new() -> Self {
        let make = || {
            process::unshare(UnshareFlags::NEWNET).unwrap();
            Self { file: File::open("/proc/thread-self/ns/net").unwrap(), netlink: Netlink::open().unwrap() }
        };
        thread::spawn(make).join().unwrap()
    }

    /// With the other end of a new NIC as `eth0`, up.
    fn with_nic(net: &mut Net, index: u8) -> (Self, VethName) {
        let (veth, mut space) = (net.create(index), Self::new());
        let peer = net.netlink.existing_link(veth.peer().as_str()).unwrap();
        net.netlink.move_to_namespace(&peer, space.file.as_fd(), &"eth0".parse().unwrap()).unwrap();
        let eth0 = space.netlink.existing_link("eth0").unwrap();
        space.netlink.set_up(&eth0, true).unwrap();
        (space, veth)
    }

    fn add_address(&mut self, link: &str, address: Ipv4Addr) {
        let link = self.netlink.existing_link(link).unwrap();
        assert!(self.netlink.add_address(&link, address.into(), 24).unwrap());
    }

    /// Runs something in it.
    fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
        let space = self.file.try_clone().unwrap();
        thread::spawn(move || {
            move_into_thread_name_spaces(space.as_fd(), ThreadNameSpaceType::NETWORK).unwrap();
            work()
        })
    }

    /// Whether an address answers.
    fn reaches(&self, address: Ipv4Addr) -> bool {
        let limit = Duration::from_millis(1500) * patience();
        let connect = move || TcpStream::connect_timeout(&(address, 9).into(), limit);
        // Nobody listens there.
        let error = self.run(connect).join().unwrap().unwrap_err();
        error.kind() == io::ErrorKind::ConnectionRefused
    }
}
