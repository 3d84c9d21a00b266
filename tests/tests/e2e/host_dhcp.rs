//! Addresses that the host leases for a container (`host-managed=1`).

use std::fs;

use pct_tests::dnsmasq::Dnsmasq;
use pct_tests::run::signal_pid;
use pct_tests::state::processes;
use pct_tests::{Bridge, Ct, Host, Run, require_root, wait};
use rustix::process::Signal;

fn server(host: &Host, bridge: &Bridge) -> Dnsmasq {
    Dnsmasq::on(host, bridge, &["--port=0"])
}

/// A container whose own files know of no network.
fn container<'h>(host: &'h Host, words: &[&str]) -> Ct<'h> {
    host.busybox(&[&["--ostype", "unmanaged", "--unprivileged", "1"], words].concat())
}

fn net(bridge: &Bridge, name: &str, rest: &str) -> String {
    format!("name={name},bridge={},hwaddr=BC:24:11:00:02:0{},{rest}", bridge.name, name.len())
}

fn addresses(ct: &Ct<'_>, name: &str) -> String {
    ct.sh(&format!("ip addr show dev {name} | grep ' scope global' | grep -o 'inet6* [^ ]*'; true"))
}

/// The clients of a container: process numbers and command lines.
fn clients(host: &Host, ct: &Ct<'_>) -> Vec<(u32, String)> {
    let line = |pid: u32| fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let of = |pid: u32| (pid, String::from_utf8_lossy(&line(pid)).replace('\0', " "));
    let folder = host.lxcpath().join(&ct.id).join("hook").display().to_string();
    let all = pct_tests::state::pids().into_iter().map(of);
    all.filter(|(_, line)| line.starts_with("dhclient ") && line.contains(&folder)).collect()
}

#[test]
fn a_start_and_a_reboot_lease_addresses_and_a_stop_ends_the_clients() {
    require_root!("ip", "dnsmasq", "dhclient");
    let host = Host::new();
    let bridge = Bridge::new(host.ct().vmid);
    let _server = server(&host, &bridge);
    let ct = container(&host, &["--net0", &net(&bridge, "eth0", "ip=dhcp,ip6=dhcp,host-managed=1")]);
    let leased = || {
        ct.pct("wait", &["ipv4"]).ok();
        ct.pct("wait", &["ipv6"]).ok();
        let seen = addresses(&ct, "eth0");
        let (v4, v6) = (bridge.addr4(5), bridge.addr6(5));
        assert!(seen.contains(&format!("inet {v4}")) && seen.contains("/24\n"), "{seen}");
        assert!(seen.contains(&format!("inet6 {v6}")) && seen.contains("/128\n"), "{seen}");
        assert!(ct.sh("ip route").contains(&format!("default via {} dev eth0", bridge.host4())));
        bridge.ping(seen.split([' ', '/']).nth(1).unwrap());
        clients(&host, &ct)
    };
    for _ in 0..2 {
        ct.start();
        let first = leased();
        assert_eq!(first.len(), 2, "{first:?}");
        // They belong to the monitor: whoever ends it ends them.
        assert!(first.iter().all(|(pid, _)| processes(host.root(), &[ct.vmid]).contains(pid)));
        let init = ct.init_pid();
        drop(ct.exec(&["reboot", "-f"]).output());
        wait::until_true("it has another init", || ct.status() == "running" && ct.init_pid() != init);
        let second = leased();
        assert_eq!(second.len(), 2, "{second:?}");
        assert!(first.iter().all(|client| !second.contains(client)));
        ct.stop();
        assert!(clients(&host, &ct).is_empty());
        assert!(!host.lxcpath().join(&ct.id).join("hook").exists());
    }
    ct.pct("destroy", &[]).ok();
    assert!(host.state().only(&["link", "cgroup", "process"]).found.is_empty());
}

#[test]
fn a_running_container_gets_and_loses_leases() {
    require_root!("ip", "dnsmasq", "dhclient");
    let host = Host::new();
    let (a, b) = (Bridge::new(host.ct().vmid), Bridge::new(host.ct().vmid));
    let _servers = (server(&host, &a), server(&host, &b));
    let ct = container(&host, &[]);
    ct.start();
    ct.wait_booted();
    let set = |rest: &str, bridge: &Bridge| {
        ct.pct("set", &["--net1", &net(bridge, "eth1", rest)]).ok().quiet();
    };
    let has = |address: &str| {
        wait::until_true(&format!("{address} is there"), || addresses(&ct, "eth1").contains(address));
    };
    set("ip=dhcp,host-managed=1", &a);
    has(&a.addr4(5));
    assert_eq!(clients(&host, &ct).len(), 1);
    assert!(clients(&host, &ct).iter().all(|(pid, _)| processes(host.root(), &[ct.vmid]).contains(pid)));
    // Of another network it is another lease.
    set("ip=dhcp,host-managed=1", &b);
    has(&b.addr4(5));
    assert!(!addresses(&ct, "eth1").contains(&a.addr4(5)));
    set(&format!("ip={}/24,ip6=dhcp,host-managed=1", b.addr4(2)), &b);
    has(&b.addr6(5));
    let seen = addresses(&ct, "eth1");
    assert!(seen.contains(&b.addr4(2)) && !seen.contains(&b.addr4(5)), "{seen}");
    // Disconnected it has none.
    set("ip=dhcp,host-managed=1,link_down=1", &b);
    assert_eq!(addresses(&ct, "eth1"), "");
    assert!(clients(&host, &ct).is_empty());
    set("ip=dhcp,host-managed=1", &b);
    has(&b.addr4(5));
    ct.pct("set", &["--delete", "net1"]).ok().quiet();
    assert!(clients(&host, &ct).is_empty());
    ct.stop();
    assert!(host.state().only(&["link", "cgroup", "process"]).found.is_empty());
}

#[test]
fn a_monitor_that_is_killed_leaves_a_client_that_the_next_verb_ends() {
    require_root!("ip", "dnsmasq", "dhclient");
    let host = Host::new();
    let bridge = Bridge::new(host.ct().vmid);
    let _server = server(&host, &bridge);
    let words = ["--rootfs", "local:1", "--net0", &net(&bridge, "eth0", "ip=dhcp,host-managed=1")];
    let ct = container(&host, &words);
    ct.start();
    ct.pct("wait", &["ipv4"]).ok();
    signal_pid(ct.monitor_pid(), Signal::KILL);
    wait::until_true("the kernel has let the disk go", || {
        host.state().only(&["mount", "loop"]).found.is_empty()
    });
    let left = clients(&host, &ct);
    assert_eq!(left.len(), 1, "{left:?}");
    ct.start();
    ct.pct("wait", &["ipv4"]).ok();
    let new = clients(&host, &ct);
    assert!(new.len() == 1 && new != left, "{left:?} {new:?}");
    ct.stop();
    assert!(host.state().only(&["mount", "loop", "link", "cgroup", "process"]).found.is_empty());
}

#[test]
fn a_number_that_is_another_process_s_by_now_is_not_killed() {
    require_root!("ip");
    let host = Host::new();
    let bridge = Bridge::new(host.ct().vmid);
    let ct = container(&host, &["--net0", &net(&bridge, "eth0", "ip=manual")]);
    ct.start();
    let folder = host.lxcpath().join(&ct.id).join("hook");
    fs::create_dir_all(&folder).unwrap();
    let mut stranger = Run::new("/bin/sleep").args(["60"]).start();
    fs::write(folder.join("dhclient4-eth0.pid"), format!("{}\n", stranger.child.id())).unwrap();
    ct.stop();
    assert!(!folder.exists());
    assert!(stranger.child.try_wait().unwrap().is_none(), "it was killed");
    stranger.child.kill().unwrap();
    stranger.child.wait().unwrap();
}

#[test]
fn without_dhclient_a_start_warns_and_a_change_is_refused() {
    require_root!("ip", "unshare");
    let host = Host::new();
    let bridge = Bridge::new(host.ct().vmid);
    let net = net(&bridge, "eth0", "ip=dhcp,host-managed=1");
    let ct = container(&host, &[]);
    // A mount namespace in which no program of this name is found.
    let without = |words: &[&str]| {
        let hide = "for f in /usr/sbin/dhclient /sbin/dhclient; do [ ! -e $f ] || mount --bind /dev/null $f; done; exec \"$@\"";
        let pct = pct_tests::bins::pct();
        let run = Run::new("/usr/bin/unshare").args(["-m", "sh", "-c", hide, "sh", pct.to_str().unwrap()]);
        run.args([words[0], &ct.id]).args(&words[1..]).env("PCT_ROOT", host.root())
    };
    let missing = "program 'dhclient' is not installed: install package isc-dhcp-client";
    ct.start();
    ct.wait_booted();
    let before = (fs::read(ct.conf()).unwrap(), host.state().only(&["link"]));
    without(&["set", "--net0", &net]).output().fails().says(missing);
    assert_eq!((fs::read(ct.conf()).unwrap(), host.state().only(&["link"])), before);
    ct.stop();
    ct.pct("set", &["--net0", &net]).ok();
    let told = without(&["start"]).ok().both();
    assert!(told.contains(&format!("DHCP failed - {missing}")), "{told}");
    assert_eq!(ct.status(), "running");
    let log = fs::read_to_string(host.run_dir().join(format!("{}.log", ct.id))).unwrap();
    assert!(log.contains("DHCP failed - ") && log.contains(missing), "{log}");
}
