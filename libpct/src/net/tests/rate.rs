//! Limits, measured.

use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    thread,
    time::{Duration, Instant},
};

use super::{Net, Space};
use crate::{config::Port, net::Link, sys::testing::needs_root};

const HOST: Ipv4Addr = Ipv4Addr::new(10, 99, 86, 1);
const GUEST: Ipv4Addr = Ipv4Addr::new(10, 99, 86, 2);
/// The first one of these passes at once.
const MEGABYTES: usize = 4;

fn receive(listener: &TcpListener) {
    let (mut stream, _) = listener.accept().unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    assert_eq!(bytes.len(), MEGABYTES << 20);
    stream.write_all(b"!").unwrap();
}

/// How long it takes to send, until the other end has all of it.
fn send(to: SocketAddr) -> Duration {
    let mut stream = TcpStream::connect_timeout(&to, Duration::from_secs(10)).unwrap();
    let begin = Instant::now();
    stream.write_all(&vec![7; MEGABYTES << 20]).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    io::copy(&mut stream, &mut io::sink()).unwrap();
    begin.elapsed()
}

/// The times from host to guest and from guest to host.
fn measure(space: &Space) -> [Duration; 2] {
    let listener = space.run(|| TcpListener::bind((GUEST, 0)).unwrap()).join().unwrap();
    let to = listener.local_addr().unwrap();
    let receiver = thread::spawn(move || receive(&listener));
    let received = send(to);
    receiver.join().unwrap();

    let listener = TcpListener::bind((HOST, 0)).unwrap();
    let to = listener.local_addr().unwrap();
    let sender = space.run(move || send(to));
    receive(&listener);
    [received, sender.join().unwrap()]
}

#[test]
fn a_rate_limits_both_directions_through_a_firewalls_bridge() {
    if !needs_root() {
        return;
    }
    let mut net = Net::new(86);
    let (mut space, veth) = Space::with_nic(&mut net, 0);
    space.add_address("eth0", GUEST);
    let bridge = net.netlink.existing_link(net.bridge.as_str()).unwrap();
    net.netlink.add_address(&bridge, HOST.into(), 24).unwrap();
    net.netlink.set_up(&bridge, true).unwrap();

    let shapers = |net: &mut Net| net.netlink.links("ifb9986").unwrap();
    // Two megabytes a second.
    net.netlink.plug(veth, &format!("{},rate=2097152,firewall", net.bridge).parse().unwrap()).unwrap();
    let shaped: Vec<Link> = shapers(&mut net);
    let limited = measure(&space);
    for time in limited {
        assert!(time > Duration::from_millis(1200) && time < Duration::from_secs(20), "{limited:?}");
    }
    // A higher rate takes the place of the first one.
    net.netlink.set_rate(veth, "b,rate=8388608".parse::<Port>().unwrap().rate).unwrap();
    let faster = measure(&space);
    assert_eq!(shapers(&mut net).len(), shaped.len());
    for time in faster {
        assert!(time > Duration::from_millis(250) && time < limited[0].min(limited[1]), "{faster:?}");
    }
    net.netlink.set_rate(veth, None).unwrap();
    net.netlink.set_rate(veth, None).unwrap();
    let free = measure(&space);
    assert!(free.iter().all(|time| *time < limited[0].min(limited[1])), "{free:?}");
    assert_eq!(shapers(&mut net), []);
}
