//! Interfaces: names, addresses, bridges.

use std::fs;
use std::path::Path;

use pct_tests::{Bridge, Host, Run, require_root, wait};

#[test]
fn static_addresses_answer_from_the_host() {
    require_root!("ip");
    let host = Host::new();
    let bridge = Bridge::new(host.ct().vmid);
    for unprivileged in ["1", "0"] {
        let (v4, v6) = (bridge.addr4(2), bridge.addr6(2));
        let net = format!(
            "name=eth0,bridge={},hwaddr=BC:24:11:00:00:01,ip={v4}/24,gw={},ip6={v6}/64,gw6={}",
            bridge.name,
            bridge.host4(),
            bridge.host6()
        );
        let ct = host.running(&["--net0", &net, "--unprivileged", unprivileged]);
        let veth = format!("veth{}i0", ct.id);
        assert!(Path::new("/sys/class/net").join(&bridge.name).join("brif").join(&veth).exists());
        assert_eq!(ct.sh("cat /sys/class/net/eth0/address"), "bc:24:11:00:00:01\n");
        ct.wait_booted();
        bridge.ping(&v4);
        bridge.ping(&v6);
        let route = ct.sh("ip route");
        assert!(route.contains(&format!("default via {}", bridge.host4())), "{route}");
        ct.stop();
        assert!(!Path::new("/sys/class/net").join(&veth).exists(), "{veth} stays");
        ct.pct("destroy", &[]).ok();
    }
}

#[test]
fn an_interface_without_an_address_gets_a_generated_one() {
    require_root!("ip");
    let host = Host::new();
    let bridge = Bridge::new(host.ct().vmid);
    let ct = host.running(&["--net0", &format!("name=lan0,bridge={},ip=manual", bridge.name)]);
    let config = ct.pct("config", &[]).ok().out();
    let mac = config
        .split("hwaddr=")
        .nth(1)
        .unwrap_or_else(|| panic!("no hwaddr in\n{config}"))
        .split([',', '\n'])
        .next()
        .unwrap();
    let mac = mac.trim().to_lowercase();
    assert_eq!(ct.sh("cat /sys/class/net/lan0/address").trim(), mac);
    let first = u8::from_str_radix(&mac[..2], 16).unwrap();
    assert_eq!(first & 1, 0, "{mac} is a group address");
    // manual: guest set-up names the interface and leaves it alone.
    ct.wait_booted();
    assert!(!ct.sh("ip -4 addr show dev lan0").contains("inet "));
    let interfaces = fs::read_to_string(ct.subvol().join("etc/network/interfaces")).unwrap();
    assert!(interfaces.contains("iface lan0 inet manual"), "{interfaces}");
}

#[test]
fn several_interfaces_keep_their_numbers_and_names() {
    require_root!("ip");
    let host = Host::new();
    let (a, b) = (Bridge::new(host.ct().vmid), Bridge::new(host.ct().vmid));
    let ct = host.running(&[
        "--net0",
        &format!("name=eth0,bridge={},ip={}/24", a.name, a.addr4(2)),
        "--net7",
        &format!("name=side,bridge={},ip={}/24", b.name, b.addr4(2)),
    ]);
    for (bridge, n) in [(&a, 0), (&b, 7)] {
        let port = format!("/sys/class/net/{}/brif/veth{}i{n}", bridge.name, ct.id);
        assert!(Path::new(&port).exists(), "{port}");
    }
    ct.wait_booted();
    a.ping(&a.addr4(2));
    b.ping(&b.addr4(2));
}

#[test]
fn the_mtu_is_the_bridge_s_unless_given_smaller() {
    require_root!("ip");
    let host = Host::new();
    let bridge = Bridge::with_mtu(host.ct().vmid, 1400);
    let mtu = |extra: &str| {
        let ct = host.running(&["--net0", &format!("name=eth0,bridge={},ip=manual{extra}", bridge.name)]);
        let inside = ct.sh("cat /sys/class/net/eth0/mtu").trim().to_owned();
        let outside =
            fs::read_to_string(format!("/sys/class/net/veth{}i0/mtu", ct.id)).unwrap().trim().to_owned();
        ct.stop();
        (inside, outside)
    };
    assert_eq!(mtu(""), ("1400".into(), "1400".into()));
    assert_eq!(mtu(",mtu=1300"), ("1300".into(), "1400".into()));
}

/// Links and their kinds are looked at with the programs that people have for it.
fn links_of(vmid: u32) -> Vec<String> {
    let names = fs::read_dir("/sys/class/net").unwrap();
    let mut names: Vec<_> = names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| pct_tests::state::link_of(name, vmid));
    names.sort();
    names
}

#[test]
fn a_limited_interface_behind_a_firewalls_bridge_works_and_leaves_nothing() {
    require_root!("ip", "tc");
    let host = Host::new();
    let bridge = Bridge::new(host.ct().vmid);
    let net = format!("name=eth0,bridge={},ip={}/24,rate=2,firewall=1", bridge.name, bridge.addr4(2));
    let ct = host.busybox(&["--net0", &net]);
    for stop in ["stop", "shutdown"] {
        let said = ct.start();
        assert!(!said.both().contains("WARN"), "{}", said.both());
        ct.wait_booted();
        bridge.ping(&bridge.addr4(2));
        let master = |link: &str| {
            let path = fs::canonicalize(format!("/sys/class/net/{link}/master")).unwrap();
            path.file_name().unwrap().to_str().unwrap().to_owned()
        };
        let id = &ct.id;
        assert_eq!(master(&format!("veth{id}i0")), format!("fwbr{id}i0"));
        assert_eq!(master(&format!("fwln{id}i0")), format!("fwbr{id}i0"));
        assert_eq!(master(&format!("fwpr{id}p0")), bridge.name);
        let tc =
            |words: &str| Run::new(pct_tests::bins::tool("tc").unwrap()).args(words.split(' ')).ok().out();
        let queue = tc(&format!("qdisc show dev veth{id}i0"));
        assert!(queue.contains("tbf") && queue.contains("rate 16777Kbit"), "{queue}");
        assert!(queue.contains("ingress"), "{queue}");
        let filter = tc(&format!("filter show dev veth{id}i0 parent ffff:"));
        assert!(filter.contains("police") || filter.contains(&format!("ifb{id}i0")), "{filter}");
        ct.pct(stop, &[]).ok();
        assert_eq!(links_of(ct.vmid), [] as [String; 0]);
    }
}

#[test]
fn a_pulled_cable_is_seen_inside() {
    require_root!("ip");
    let host = Host::new();
    let bridge = Bridge::new(host.ct().vmid);
    let ct = host.running(&["--net0", &format!("name=eth0,bridge={},ip=manual,link_down=1", bridge.name)]);
    ct.sh("ip link set eth0 up");
    assert_eq!(ct.sh("cat /sys/class/net/eth0/carrier"), "0\n");
    assert!(!Path::new(&format!("/sys/class/net/veth{}i0/master", ct.id)).exists());
}

#[test]
fn an_mtu_above_the_bridge_s_is_refused() {
    require_root!("ip");
    let host = Host::new();
    let bridge = Bridge::with_mtu(host.ct().vmid, 1400);
    let ct = host.ct();
    let template = pct_tests::busybox::template(pct_tests::archive::Compression::Zstd);
    let net = format!("name=eth0,bridge={},ip=manual,mtu=1500", bridge.name);
    let out = ct.create(&template, &["--rootfs", "local:0", "--net0", &net]);
    let out = if out.status == 0 { ct.pct("start", &[]).output() } else { out };
    out.fails().says("MTU size '1500' is bigger than bridge MTU '1400'");
}

#[test]
fn dhcp_leases_an_address() {
    require_root!("ip", "dnsmasq");
    let host = Host::new();
    let bridge = Bridge::new(host.ct().vmid);
    let range = format!("--dhcp-range={},{},255.255.255.0,1h", bridge.addr4(50), bridge.addr4(59));
    let leases = host.scratch().join("leases");
    let mut server = Run::new(pct_tests::bins::tool("dnsmasq").unwrap())
        .args([
            "--keep-in-foreground",
            "--conf-file=/dev/null",
            "--port=0",
            "--bind-interfaces",
            "--user=root",
            "--pid-file=",
        ])
        .args([&format!("--interface={}", bridge.name), "--except-interface=lo", &range])
        .args([format!("--dhcp-leasefile={}", leases.display())])
        .start();
    let ct = host.running(&["--net0", &format!("name=eth0,bridge={},ip=dhcp", bridge.name)]);
    let prefix = bridge.addr4(5);
    wait::until_true("an address is leased", || {
        ct.sh("ip -4 addr show dev eth0").contains(&format!("inet {prefix}"))
    });
    let lease = fs::read_to_string(&leases).unwrap();
    bridge.ping(lease.split(' ').nth(2).unwrap());
    server.child.kill().unwrap();
    server.child.wait().unwrap();
}
