//! NICs that come, change and go while a container runs.

use std::fs;
use std::path::Path;

use pct_tests::{Bridge, Ct, Host, Output, Run, debian, require_root, wait};

/// Two bridges of a test's own.
fn bridges(host: &Host) -> (Bridge, Bridge) {
    (Bridge::new(host.ct().vmid), Bridge::new(host.ct().vmid))
}

/// `pct set`, which must succeed without a word.
#[track_caller]
fn set(ct: &Ct<'_>, words: &[&str]) {
    let out = ct.pct("set", words).ok();
    assert!(out.stdout.is_empty() && out.stderr.is_empty(), "{}", out.both());
}

#[track_caller]
fn refused(ct: &Ct<'_>, words: &[&str]) -> Output {
    ct.pct("set", words).output().fails()
}

fn conf(ct: &Ct<'_>) -> String {
    fs::read_to_string(ct.conf()).unwrap()
}

/// Everything about the network that a test compares, as the guest sees it.
#[track_caller]
fn inside(ct: &Ct<'_>) -> String {
    ct.sh("cd /sys/class/net; for name in *; do
            echo \"$name $(cat $name/address) mtu $(cat $name/mtu)\"
            ip link show dev $name | grep -o '[<,]UP[,>]'
            ip addr show dev $name | grep ' scope global' | grep -o 'inet6* [^ ]*'
        done
        { ip -4 route; ip -6 route | grep -v 'fe80::/\\|ff00::/'; } | sort")
}

/// Waits for the second in which a new IPv6 address is tentative.
#[track_caller]
fn settled(ct: &Ct<'_>) -> String {
    wait::until_true("no address is tentative", || !ct.sh("ip -6 addr show").contains("tentative"));
    inside(ct)
}

fn port(bridge: &Bridge, ct: &Ct<'_>, index: u8) -> bool {
    Path::new(&format!("/sys/class/net/{}/brif/veth{}i{index}", bridge.name, ct.id)).exists()
}

fn exists(ct: &Ct<'_>, index: u8) -> bool {
    Path::new(&format!("/sys/class/net/veth{}i{index}", ct.id)).exists()
}

/// A reboot must find what was made by `set`.
#[track_caller]
fn survives_a_reboot(ct: &Ct<'_>) {
    let before = settled(ct);
    ct.sh("rm -f /run/booted");
    ct.pct("reboot", &[]).ok();
    ct.wait_booted();
    assert_eq!(settled(ct), before);
}

/// What the guest's own files say.
fn interfaces(ct: &Ct<'_>) -> String {
    ct.sh("cat /etc/network/interfaces 2> /dev/null || true")
}

#[test]
fn nics_are_added_with_all_they_are_to_have() {
    require_root!("ip");
    for unprivileged in ["0", "1"] {
        let host = Host::new();
        let (a, b) = bridges(&host);
        let ct = host.running(&["--unprivileged", unprivileged]);
        ct.wait_booted();
        let net1 = format!(
            "name=eth1,bridge={},hwaddr=BC:24:11:00:00:01,ip={}/24,gw={},ip6={}/64,gw6={},type=veth",
            a.name,
            a.addr4(2),
            a.host4(),
            a.addr6(2),
            a.host6()
        );
        let net12 =
            format!("name=side0,bridge={},hwaddr=BC:24:11:00:00:0C,ip={}/24,mtu=1400", b.name, b.addr4(2));
        set(&ct, &["--net1", &net1, "--net12", &net12]);
        assert!(port(&a, &ct, 1) && port(&b, &ct, 12));
        let seen = settled(&ct);
        for expected in [
            "eth1 bc:24:11:00:00:01 mtu 1500\n,UP,\n",
            "side0 bc:24:11:00:00:0c mtu 1400\n,UP,\n",
            &format!("inet {}/24\n", a.addr4(2)),
            &format!("inet6 {}/64\n", a.addr6(2)),
            &format!("inet {}/24\n", b.addr4(2)),
            &format!("default via {} dev eth1", a.host4()),
            &format!("default via {} dev eth1", a.host6()),
        ] {
            assert!(seen.contains(expected), "no {expected:?} in\n{seen}");
        }
        for address in [a.host4(), b.host4()] {
            ct.exec(&["ping", "-c1", "-W2", &address]).ok();
        }
        ct.exec(&["ping6", "-c1", "-W2", &a.host6()]).ok();
        a.ping(&a.addr4(2));
        a.ping(&a.addr6(2));
        b.ping(&b.addr4(2));
        // The host's side has its bridge's, the host no address on it.
        let outside = fs::read_to_string(format!("/sys/class/net/veth{}i12/mtu", ct.id)).unwrap();
        assert_eq!(outside, "1500\n");
        assert!(conf(&ct).contains("\nnet1: name=eth1,") && conf(&ct).contains("\nnet12: name=side0,"));
        assert!(!conf(&ct).contains("[pve:pending]"), "{}", conf(&ct));
        let files = interfaces(&ct);
        assert!(files.contains("auto eth1\niface eth1 inet static\n"), "{files}");
        assert!(files.contains("iface side0 inet static\n"), "{files}");
        survives_a_reboot(&ct);
    }
}

#[test]
fn addresses_and_gateways_change_without_the_link_being_touched() {
    require_root!("ip");
    let host = Host::new();
    let (a, _b) = bridges(&host);
    let ct = host.running(&["--unprivileged", "1"]);
    ct.wait_booted();
    let net = |rest: &str| format!("name=eth0,bridge={},hwaddr=BC:24:11:00:00:01{rest}", a.name);
    let change = |rest: &str| {
        set(&ct, &["--net0", &net(rest)]);
        settled(&ct)
    };
    change(&format!(",ip={}/24,gw={}", a.addr4(2), a.host4()));
    let number = || ct.sh("cat /sys/class/net/eth0/ifindex");
    let before = number();

    // Within the network: the gateway stays. What the guest has added itself stays, too.
    ct.sh(&format!("ip addr add {}/24 dev eth0; ip addr add 192.0.2.9/32 dev eth0", a.addr4(77)));
    let seen = change(&format!(",ip={}/24,gw={}", a.addr4(3), a.host4()));
    assert!(!seen.contains(&format!("{}/24", a.addr4(2))), "{seen}");
    for mine in [a.addr4(3), a.addr4(77), "192.0.2.9".to_owned()] {
        assert!(seen.contains(&format!("inet {mine}/")), "{seen}");
    }
    assert!(seen.contains(&format!("default via {} dev eth0", a.host4())), "{seen}");
    a.ping(&a.addr4(3));
    ct.sh(&format!("ip addr del {}/24 dev eth0; ip addr del 192.0.2.9/32 dev eth0", a.addr4(77)));

    // A longer prefix puts the gateway off the link, and a shorter one back on it.
    let seen = change(&format!(",ip={}/32,gw={}", a.addr4(3), a.host4()));
    assert!(seen.contains(&format!("\n{} dev eth0", a.host4())), "{seen}");
    assert!(seen.contains(&format!("default via {} dev eth0", a.host4())), "{seen}");
    a.ping(&a.addr4(3));
    assert_eq!(number(), before);
    survives_a_reboot(&ct);
    let before = number();
    let seen = change(&format!(",ip={}/24,gw={}", a.addr4(3), a.host4()));
    assert!(!seen.contains(&format!("\n{} dev eth0", a.host4())), "{seen}");
    assert!(seen.contains(&format!("default via {} dev eth0", a.host4())), "{seen}");

    // Another gateway, none, and IPv6 beside and instead of it.
    let seen = change(&format!(",ip={}/24,gw={}", a.addr4(3), a.addr4(9)));
    assert!(seen.contains(&format!("default via {} dev eth0", a.addr4(9))), "{seen}");
    let seen = change(&format!(",ip={}/24,ip6={}/64,gw6={}", a.addr4(3), a.addr6(2), a.host6()));
    assert!(!seen.contains("default via 10."), "{seen}");
    assert!(seen.contains(&format!("default via {} dev eth0", a.host6())), "{seen}");
    let seen = change(&format!(",ip6={}/112,gw6=fe80::1", a.addr6(2)));
    assert!(!seen.contains("inet ") && seen.contains(&format!("inet6 {}/112", a.addr6(2))), "{seen}");
    assert!(seen.contains("default via fe80::1 dev eth0"), "{seen}");
    a.ping(&a.addr6(2));
    let seen = change("");
    assert!(!seen.contains("inet") && !seen.contains("default"), "{seen}");
    assert!(!interfaces(&ct).contains("eth0"), "{}", interfaces(&ct));
    assert_eq!(number(), before);
}

#[test]
fn bridge_rate_mtu_and_connection_change_and_the_guest_keeps_its_link() {
    require_root!("ip", "tc");
    let host = Host::new();
    let (a, b) = bridges(&host);
    let ct = host.running(&["--unprivileged", "1"]);
    ct.wait_booted();
    let net = |bridge: &Bridge, rest: &str| {
        format!("name=eth0,bridge={},hwaddr=BC:24:11:00:00:01,ip={}/24{rest}", bridge.name, a.addr4(2))
    };
    set(&ct, &["--net0", &net(&a, "")]);
    a.ping(&a.addr4(2));
    let number = || ct.sh("cat /sys/class/net/eth0/ifindex");
    let before = number();

    set(&ct, &["--net0", &net(&b, "")]);
    assert!(port(&b, &ct, 0) && !port(&a, &ct, 0));
    set(&ct, &["--net0", &net(&a, ",link_down=1")]);
    assert!(!port(&b, &ct, 0) && !port(&a, &ct, 0));
    assert!(ct.sh("ip link show dev eth0").contains("NO-CARRIER"));
    assert_eq!(number(), before);
    survives_a_reboot(&ct);
    assert!(!port(&a, &ct, 0));
    set(&ct, &["--net0", &net(&a, "")]);
    a.ping(&a.addr4(2));

    let limits =
        || Run::new("/sbin/tc").args(["qdisc", "show", "dev", &format!("veth{}i0", ct.id)]).ok().out();
    let unlimited = limits();
    set(&ct, &["--net0", &net(&a, ",rate=1")]);
    let limited = limits();
    assert_ne!(limited, unlimited);
    a.ping(&a.addr4(2));
    survives_a_reboot(&ct);
    assert_eq!(limits(), limited);
    let before = number();
    set(&ct, &["--net0", &net(&a, "")]);
    assert_eq!(limits(), unlimited);

    let mtu = || ct.sh("cat /sys/class/net/eth0/mtu");
    set(&ct, &["--net0", &net(&a, ",mtu=1300")]);
    assert_eq!(mtu(), "1300\n");
    assert_eq!(number(), before);
    survives_a_reboot(&ct);
    set(&ct, &["--net0", &net(&a, "")]);
    assert_eq!(mtu(), "1500\n");
}

#[test]
fn another_name_or_address_is_another_link() {
    require_root!("ip");
    let host = Host::new();
    let (a, _b) = bridges(&host);
    let net = |name: &str, mac: &str| {
        format!(
            "name={name},bridge={},hwaddr=BC:24:11:00:00:{mac},ip={}/24,gw={}",
            a.name,
            a.addr4(2),
            a.host4()
        )
    };
    let ct = host.running(&["--unprivileged", "1", "--net0", &net("eth0", "01")]);
    ct.wait_booted();
    set(&ct, &["--net0", &net("eth0", "02")]);
    assert!(settled(&ct).contains("eth0 bc:24:11:00:00:02"));
    a.ping(&a.addr4(2));
    set(&ct, &["--net0", &net("lan0", "02")]);
    let seen = settled(&ct);
    assert!(seen.contains("lan0 bc:24:11:00:00:02") && !seen.contains("eth0"), "{seen}");
    assert!(seen.contains(&format!("default via {} dev lan0", a.host4())), "{seen}");
    a.ping(&a.addr4(2));
    let files = interfaces(&ct);
    assert!(files.contains("iface lan0 inet static\n") && !files.contains("eth0"), "{files}");
    survives_a_reboot(&ct);

    // A guest that has removed its end gets another one.
    ct.sh("ip link del lan0");
    assert!(!exists(&ct, 0));
    set(&ct, &["--net0", &net("lan0", "03")]);
    a.ping(&a.addr4(2));
    // One that has renamed it is served by the link, not by its name.
    ct.sh(
        "ip link set lan0 down; ip link set lan0 name odd0; ip link set odd0 up; ip link add lan0 type bridge",
    );
    set(&ct, &["--net0", &format!("{},ip6={}/64", net("lan0", "03"), a.addr6(2))]);
    assert!(ct.sh("ip addr show dev odd0").contains(&a.addr6(2)));
    assert!(!ct.sh("ip addr show dev lan0").contains(&a.addr6(2)));
}

#[test]
fn removed_nics_are_gone_whatever_their_number() {
    require_root!("ip");
    let host = Host::new();
    let (a, b) = bridges(&host);
    let ct = host.running(&[
        "--net0",
        &format!("name=eth0,bridge={},ip={}/24", a.name, a.addr4(2)),
        "--net12",
        &format!("name=eth12,bridge={},ip={}/24", b.name, b.addr4(2)),
    ]);
    ct.wait_booted();
    let before = interfaces(&ct);
    assert!(before.contains("iface eth12"), "{before}");
    set(&ct, &["--delete", "net12"]);
    assert!(!exists(&ct, 12) && exists(&ct, 0));
    assert!(!settled(&ct).contains("eth12"));
    assert!(!interfaces(&ct).contains("eth12") && !conf(&ct).contains("net12"));
    a.ping(&a.addr4(2));
    survives_a_reboot(&ct);
    // What takes its name at the same time may have it.
    set(&ct, &["--delete", "net0", "--net3", &format!("name=eth0,bridge={},ip={}/24", b.name, b.addr4(2))]);
    b.ping(&b.addr4(2));
    assert!(!exists(&ct, 0) && exists(&ct, 3));
    survives_a_reboot(&ct);
    set(&ct, &["--delete", "net3"]);
    assert!(!interfaces(&ct).contains("eth0"));
    survives_a_reboot(&ct);
}

#[test]
fn a_change_that_fails_leaves_every_nic_as_it_was() {
    require_root!("ip", "strace");
    let host = Host::new();
    let (a, b) = bridges(&host);
    let other = host.running(&["--net0", &format!("name=eth0,bridge={},ip=manual", a.name)]);
    let net = |index: u8, name: &str, bridge: &str, n: u8| {
        format!("name={name},bridge={bridge},hwaddr=BC:24:11:00:01:0{index},ip={}/24", a.addr4(n))
    };
    for unprivileged in ["0", "1"] {
        let ct = host.running(&[
            "--unprivileged",
            unprivileged,
            "--net0",
            &format!("{},gw={}", net(0, "eth0", &a.name, 2), a.host4()),
            "--net1",
            &net(1, "eth1", &a.name, 3),
            "--net2",
            &net(2, "eth2", &a.name, 4),
        ]);
        ct.wait_booted();
        let ports = || (0..4).map(|n| (port(&a, &ct, n), port(&b, &ct, n))).collect::<Vec<_>>();
        let all =
            || (settled(&ct), interfaces(&ct), conf(&ct), ports(), host.state().only(&["link", "file"]));
        let before = all();
        // Another address, another bridge, another link, one more and one less.
        let good = [
            ["--net0", &net(0, "eth0", &b.name, 5)],
            ["--net1", &net(1, "lan1", &a.name, 6)],
            ["--net3", &net(3, "eth3", &a.name, 7)],
            ["--delete", "net2"],
        ];
        let good = good.as_flattened();
        let foreign = format!("veth{}i0", other.id);
        for (bad, reason) in [
            (net(9, "eth9", "pctbrnone", 8), "bridge 'pctbrnone' does not exist"),
            (net(9, "eth9", &foreign, 8), "is neither a linux nor an OVS bridge"),
            (net(9, "lo", &a.name, 8), "has an interface 'lo' already"),
        ] {
            let out = refused(&ct, &[good, &["--net9", &bad]].concat());
            assert!(out.err().contains("net9: unable to hotplug net9: "), "{}", out.both());
            assert!(out.err().contains(reason), "{}", out.both());
            assert_eq!(all(), before);
            a.ping(&a.addr4(2));
            assert!(port(&a, &other, 0));
        }
        // The config cannot be written.
        let trace = ["-o", "/dev/null", "-e", "trace=/^rename", "-e", "inject=/^rename:error=EIO"];
        let pct = pct_tests::bins::pct();
        let run = Run::new("/usr/bin/strace").args(trace).args([pct.to_str().unwrap(), "set", &ct.id]);
        run.args(good).env("PCT_ROOT", host.root()).output().fails().says("cannot write");
        assert_eq!(all(), before);
        // And without what fails it is done.
        set(&ct, good);
        let seen = settled(&ct);
        for there in ["lan1 bc:", "eth3 bc:", &a.addr4(5)] {
            assert!(seen.contains(there), "{seen}");
        }
        assert!(!seen.contains("eth1 ") && !seen.contains("eth2 "), "{seen}");
        ct.stop();
    }
}

#[test]
fn a_debian_guest_knows_its_new_nic() {
    require_root!("ip", "mmdebstrap");
    let host = Host::new();
    let (a, b) = bridges(&host);
    let ct = host.ct();
    let net0 = format!("name=eth0,bridge={},ip={}/24", a.name, a.addr4(2));
    let words = ["--rootfs", "local:0", "--unprivileged", "1", "--memory", "512", "--net0", &net0];
    ct.create(&debian::template(), &words).ok();
    let start =
        |verb: &str, extra: &[&str]| ct.pct(verb, extra).limit(std::time::Duration::from_secs(100)).ok();
    start("start", &["--wait", "systemd", "--timeout", "90"]);
    let before = interfaces(&ct);
    let net1 = format!("name=eth1,bridge={},ip={}/24,gw={}", b.name, b.addr4(2), b.host4());
    set(&ct, &["--net1", &net1]);
    let files = interfaces(&ct);
    let stanza = format!(
        "auto eth1\niface eth1 inet static\n\taddress {}/24\n\tgateway {}\n\n",
        b.addr4(2),
        b.host4()
    );
    assert_eq!(files, format!("{before}{stanza}"));
    assert_eq!(ct.sh("stat -c '%u %g %a' /etc/network/interfaces"), "0 0 644\n");
    let seen =
        |ct: &Ct<'_>| ct.sh("ip -br addr show dev eth1 | grep -o '[0-9.]*/24'; ip -4 route show dev eth1");
    let live = seen(&ct);
    b.ping(&b.addr4(2));
    start("reboot", &[]);
    ct.pct("wait", &["systemd", "--timeout", "90"]).limit(std::time::Duration::from_secs(100)).ok();
    assert_eq!(seen(&ct).replace(" onlink", ""), live.replace(" onlink", ""));
    b.ping(&b.addr4(2));
    set(&ct, &["--delete", "net1"]);
    assert_eq!(interfaces(&ct), before);
}

#[test]
fn an_address_that_the_guest_prevents_is_a_warning_and_there_at_its_next_start() {
    require_root!("ip");
    let host = Host::new();
    let (a, _b) = bridges(&host);
    let ct = host.running(&["--unprivileged", "1", "--net0", &format!("name=eth0,bridge={}", a.name)]);
    ct.wait_booted();
    ct.sh("ip link set eth0 down");
    let mac = ct.sh("cat /sys/class/net/eth0/address").to_uppercase();
    let net = format!("name=eth0,bridge={},hwaddr={},ip={}/24", a.name, mac.trim(), a.addr4(2));
    let out = ct.pct("set", &["--net0", &format!("{net},gw={}", a.host4())]).ok();
    let told = format!("cannot make {} the default gateway, through 'eth0'", a.host4());
    assert!(out.both().contains(&told), "{}", out.both());
    assert!(!inside(&ct).contains("inet "), "{}", inside(&ct));
    ct.sh("rm -f /run/booted");
    ct.pct("reboot", &[]).ok();
    ct.wait_booted();
    assert!(inside(&ct).contains(&format!("default via {} dev eth0", a.host4())));
    a.ping(&a.addr4(2));
}

#[test]
fn an_end_that_the_guest_has_moved_away_is_not_looked_for() {
    require_root!("ip");
    let host = Host::new();
    let (a, _b) = bridges(&host);
    let net = |n| format!("name=eth0,bridge={},hwaddr=BC:24:11:00:00:01,ip={}/24", a.name, a.addr4(n));
    let ct = host.running(&["--unprivileged", "1", "--net0", &net(2)]);
    ct.wait_booted();
    ct.sh("unshare -n sleep 100 > /dev/null 2>&1 & sleep 0.3; ip link set eth0 netns $!");
    let before = conf(&ct);
    refused(&ct, &["--net0", &net(3)]).says("a process inside has moved it away");
    assert_eq!(conf(&ct), before);
    // It can still be removed.
    set(&ct, &["--delete", "net0"]);
    assert!(!exists(&ct, 0));
}

#[test]
fn a_container_in_the_network_of_the_host_gets_no_nic() {
    require_root!("ip");
    let host = Host::new();
    let (a, _b) = bridges(&host);
    let ct = host.busybox(&["--unprivileged", "0"]);
    ct.append_conf("lxc.net.0.type: none");
    ct.start();
    let out = refused(&ct, &["--net1", &format!("name=pctnic{},bridge={}", ct.id, a.name)]);
    out.says("the container has no network of its own");
    assert!(!exists(&ct, 1) && !conf(&ct).contains("net1"));
}

#[test]
fn a_firewall_bridge_comes_and_goes_with_its_nic() {
    require_root!("ip");
    let host = Host::new();
    let (a, _b) = bridges(&host);
    let ct = host.running(&[]);
    ct.wait_booted();
    let net = |rest: &str| {
        format!("name=eth0,bridge={},hwaddr=BC:24:11:00:00:01,ip={}/24{rest}", a.name, a.addr4(2))
    };
    let between = || Path::new(&format!("/sys/class/net/fwbr{}i0", ct.id)).exists();
    set(&ct, &["--net0", &net(",firewall=1")]);
    assert!(between() && !port(&a, &ct, 0));
    a.ping(&a.addr4(2));
    set(&ct, &["--net0", &net("")]);
    assert!(!between() && port(&a, &ct, 0));
    set(&ct, &["--net0", &net(",firewall=1")]);
    set(&ct, &["--delete", "net0"]);
    assert!(!between() && host.state().only(&["link"]).found.is_empty());
}
