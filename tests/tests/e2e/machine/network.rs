//! VLANs and the action `police`, which a kernel can lack.

use std::time::Instant;

use pct_tests::{Bridge, Ct, Host, Run, bins, require_root, root};

/// Whether the host can.
fn ip(words: &str) -> bool {
    Run::new(bins::tool("ip").unwrap()).args(words.split(' ')).output().status == 0
}

fn nic(bridge: &Bridge, n: u8, more: &str) -> String {
    format!("name=eth0,bridge={},ip={}/24{more}", bridge.name, bridge.addr4(n))
}

fn reaches(ct: &Ct<'_>, address: &str) -> bool {
    ct.exec(&["ping", "-c", "2", "-W", "2", address]).output().status == 0
}

#[test]
fn vlans_of_one_bridge_do_not_meet() {
    require_root!("ip");
    let host = Host::new();
    let bridge = Bridge::new(host.ct().vmid);
    if !root::can(
        ip(&format!("link set {} type bridge vlan_filtering 1", bridge.name)),
        "bridges that tell VLANs apart",
    ) {
        return;
    }
    let of = |n: u8, more: &str| host.running(&["--net0", &nic(&bridge, n, more)]);
    let (five, also_five, six) = (of(5, ",tag=5"), of(6, ",tag=5"), of(7, ",tag=6"));
    // Behind a firewall's bridge, too.
    let trunk = of(8, ",trunks=5;6,firewall=1");
    for ct in [&five, &also_five, &six, &trunk] {
        ct.wait_booted();
    }
    assert!(reaches(&five, &bridge.addr4(6)));
    assert!(!reaches(&six, &bridge.addr4(5)));
    // Without a tag is the host's.
    assert!(reaches(&trunk, &bridge.host4()) && !reaches(&five, &bridge.host4()));

    let tagged = |tag: u8| {
        trunk.sh(&format!(
            "ip link add link eth0 name eth0.{tag} type vlan id {tag} && ip addr flush dev eth0 &&
             ip addr add {}/24 dev eth0.{tag} && ip link set eth0.{tag} up",
            bridge.addr4(10 + tag)
        ));
    };
    tagged(6);
    assert!(reaches(&trunk, &bridge.addr4(7)) && !reaches(&trunk, &bridge.addr4(5)));

    // While it runs.
    six.pct("set", &["--net0", &nic(&bridge, 7, ",tag=5")]).ok();
    assert!(reaches(&six, &bridge.addr4(5)) && !reaches(&trunk, &bridge.addr4(7)));
}

#[test]
fn what_a_guest_sends_beyond_its_rate_is_dropped() {
    require_root!("ip", "tc");
    let host = Host::new();
    let bridge = Bridge::new(host.ct().vmid);
    let tc = |words: &str| Run::new(bins::tool("tc").unwrap()).args(words.split(' ')).output();
    tc(&format!("qdisc add dev {} clsact", bridge.name)).ok();
    let polices =
        tc(&format!("filter add dev {} ingress matchall action police rate 1mbit burst 10k", bridge.name));
    if !root::can(polices.status == 0, "the action 'police'") {
        return;
    }
    tc(&format!("qdisc del dev {} clsact", bridge.name)).ok();

    let ct = host.running(&["--net0", &nic(&bridge, 2, ",rate=1")]);
    ct.wait_booted();
    let filter = tc(&format!("filter show dev veth{}i0 parent ffff:", ct.id)).ok().out();
    assert!(filter.contains("police"), "{filter}");
    let receiver = std::net::TcpListener::bind((bridge.host4(), 0)).unwrap();
    let port = receiver.local_addr().unwrap().port();
    let reader = std::thread::spawn(move || {
        let (mut stream, _) = receiver.accept().unwrap();
        std::io::copy(&mut stream, &mut std::io::sink()).unwrap()
    });
    let started = Instant::now();
    ct.sh(&format!("dd if=/dev/zero bs=64k count=64 | nc {} {port}", bridge.host4()));
    assert_eq!(reader.join().unwrap(), 4 << 20);
    // A megabyte passes at once, the others in a second each.
    assert!(started.elapsed().as_secs_f64() > 2.0, "{:?}", started.elapsed());
}
