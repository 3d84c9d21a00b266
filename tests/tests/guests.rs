//! Real distributions boot, and see from inside that they are who and where their config says: `make test-guests`. To make
//! their templates takes half a minute each, so that `.ci/run` runs only some.

#![cfg(test)]

use std::{path::Path, time::Duration};

use pct_tests::{
    Bridge, Ct, Host, archive::Compression, busybox, debian, dnsmasq::Dnsmasq, require_root, wait,
};

/// Only the server of names on the bridge knows this.
const PROBE: &str = "192.0.2.77";

/// Boots a guest with fixed addresses, then again with others, another name, and a second interface that leases one.
fn comes_up(template: &Path) {
    let host = Host::new();
    let ct = host.ct();
    let bridge = Bridge::new(ct.vmid);
    let probe = format!("--address=/probe.example.net/{PROBE}");
    let gateway = bridge.host4();
    // A lease has no gateway. Its resolver is the one that is configured: clients write their own `resolv.conf`.
    let _server = Dnsmasq::on(&host, &bridge, &[&probe, "--dhcp-option=3", "--domain=example.net"]);
    let net0 = |n: u8| {
        format!(
            "name=eth0,bridge={},ip={}/24,gw={gateway},ip6={}/64,gw6={}",
            bridge.name,
            bridge.addr4(n),
            bridge.addr6(n),
            bridge.host6()
        )
    };
    let net1 = format!("name=eth1,bridge={},ip=dhcp", bridge.name);
    let options =
        ["--rootfs", "local:0", "--unprivileged", "1", "--features", "nesting=1", "--memory", "512"];
    let names = ["--hostname", "web7.example.net", "--searchdomain", "example.net", "--nameserver", &gateway];
    ct.create(template, &[&options[..], &names, &["--net0", &net0(7)]].concat()).ok();
    ct.start();
    is_there(&ct, &bridge, "web7", 7);
    ct.stop();

    ct.pct("set", &["--hostname", "web8.example.net", "--net0", &net0(8), "--net1", &net1]).ok();
    ct.start();
    is_there(&ct, &bridge, "web8", 8);
    assert!(!addresses(&ct, "eth0").contains(&bridge.addr4(7)), "the old address stays");
    wait::until_true("eth1 has a lease", || {
        addresses(&ct, "eth1").contains(&format!("inet {}", bridge.addr4(5)))
    });
    ct.stop();
}

#[track_caller]
fn is_there(ct: &Ct<'_>, bridge: &Bridge, name: &str, n: u8) {
    let (v4, v6) = (bridge.addr4(n), bridge.addr6(n));
    wait::until("eth0 has its addresses", Duration::from_secs(90), || {
        let seen = addresses(ct, "eth0");
        (seen.contains(&format!("inet {v4}/24 ")) && seen.contains(&format!("inet6 {v6}/64 "))).then_some(())
    });
    bridge.ping(&v4);
    bridge.ping(&v6);
    // What has been set may be set again by a boot that goes on.
    for (script, expected) in [
        ("hostname", name),
        ("ip -4 route show default", &*format!("default via {} dev eth0", bridge.host4())),
        ("ip -6 route show default", &format!("default via {} dev eth0", bridge.host6())),
        ("cat /etc/hosts", &format!("{v4} {name}.example.net {name}")),
    ] {
        let run = || ct.exec(&["/bin/sh", "-c", script]).output().both();
        wait::until_true(&format!("{script}: {expected}"), || run().contains(expected));
    }
    // The domain is searched, and the server is asked.
    let ask = "getent ahostsv4 probe || nslookup probe.example.net";
    wait::until_true("the resolver answers", || {
        ct.exec(&["/bin/sh", "-c", ask]).output().both().contains(PROBE)
    });
}

fn addresses(ct: &Ct<'_>, interface: &str) -> String {
    let show = format!("ip addr show dev {interface} scope global");
    ct.exec(&["/bin/sh", "-c", &show]).output().both()
}

/// A guest of Debian: its name here, its release, and what is installed otherwise than usual.
macro_rules! debian {
    ($($name:ident: $suite:literal $packages:expr;)*) => {
        $(#[test]
        fn $name() {
            require_root!("ip", "dnsmasq", "mmdebstrap", "ssh-keygen");
            comes_up(&debian::release($suite, &$packages));
        })*
    };
}

/// The usual DHCP client is no longer in newer releases.
const NEW_CLIENT: [&str; 2] = ["-isc-dhcp-client", "dhcpcd-base"];

debian! {
    debian_12_with_ifupdown: "bookworm" [];
    debian_12_with_networkd: "bookworm" ["-ifupdown", "-isc-dhcp-client"];
    debian_12_with_netplan: "bookworm" ["-ifupdown", "-isc-dhcp-client", "netplan.io"];
    debian_12_with_sysvinit: "bookworm" ["-systemd-sysv", "-dbus", "sysvinit-core"];
    debian_13_with_ifupdown: "trixie" NEW_CLIENT;
    debian_13_with_networkd: "trixie" ["-ifupdown", "-isc-dhcp-client", "systemd-resolved"];
    debian_13_with_netplan: "trixie" ["-ifupdown", "-isc-dhcp-client", "netplan.io"];
    debian_sid_with_ifupdown: "sid" NEW_CLIENT;
    debian_sid_with_networkd: "sid" ["-ifupdown", "-isc-dhcp-client"];
    debian_sid_with_netplan: "sid" ["-ifupdown", "-isc-dhcp-client", "netplan.io"];
}

#[test]
fn busybox_as_alpine() {
    require_root!("ip", "dnsmasq", "ssh-keygen");
    comes_up(&busybox::template(Compression::Zstd));
}
