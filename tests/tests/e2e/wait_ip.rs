//! wait, ip and cpusets.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use pct_tests::{Bridge, Ct, Host, Run, Running, debian, require_root, wait};
use serde_json::Value;

fn json(ct: &Ct<'_>, verb: &str) -> Value {
    serde_json::from_str(&ct.pct(verb, &["--output-format", "json"]).ok().quiet().out()).unwrap()
}

/// Panics when the program ends within a moment.
#[track_caller]
fn waits(running: &mut Running) {
    std::thread::sleep(Duration::from_millis(300));
    assert!(running.child.try_wait().unwrap().is_none(), "it does not wait");
}

/// The milliseconds of processor time that a process has used.
fn cpu_time(pid: u32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    10 * (fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap())
}

#[test]
fn running_and_stopped_are_waited_for_without_polling() {
    require_root!();
    let host = Host::new();
    let ct = host.busybox(&[]);
    ct.pct("wait", &["stopped"]).ok().quiet();
    let mut waiting = ct.pct("wait", &["running"]).start();
    waits(&mut waiting);
    assert!(cpu_time(waiting.child.id()) < 50);
    ct.start();
    let out = waiting.finish().ok().quiet();
    assert!(out.stdout.is_empty(), "{}", out.out());
    ct.pct("wait", &["running"]).ok().quiet();
    let mut waiting = ct.pct("wait", &["stopped"]).start();
    waits(&mut waiting);
    assert!(cpu_time(waiting.child.id()) < 50);
    ct.stop();
    waiting.finish().ok().quiet();
    assert_eq!(ct.status(), "stopped");
}

#[test]
fn a_reboot_from_inside_is_no_stop() {
    require_root!();
    let host = Host::new();
    let ct = host.running(&[]);
    ct.wait_booted();
    let before = ct.init_pid();
    let mut waiting = ct.pct("wait", &["stopped"]).start();
    let mut address = ct.pct("wait", &["ipv4"]).start();
    waits(&mut address);
    // It may be ended by the reboot itself.
    drop(ct.exec(&["reboot"]).output());
    wait::until_true("it has another init", || ct.status() == "running" && ct.init_pid() != before);
    waits(&mut waiting);
    waits(&mut address);
    ct.stop();
    waiting.finish().ok();
    address.finish().status(255).says(&format!("CT {} has stopped", ct.id));
}

#[test]
fn the_time_is_over_with_status_1_and_a_word_why() {
    require_root!();
    let host = Host::new();
    let ct = host.busybox(&[]);
    let timeout = |condition: &str, text: &str| {
        let start = Instant::now();
        let out = ct.pct("wait", &[condition, "--timeout", "1"]).output().status(1);
        assert_eq!(out.err(), format!("timeout: CT {} {text} after 1 s\n", ct.id));
        assert!(start.elapsed() >= Duration::from_secs(1));
    };
    timeout("running", "is not running");
    timeout("ipv6", "has no IPv6 address");
    ct.start();
    timeout("stopped", "is not stopped");
    timeout("ipv4", "has no IPv4 address");
    ct.pct("wait", &["stopped", "--timeout", "0"]).output().status(1);
    ct.pct("wait", &["running", "--timeout", "0"]).ok();
    ct.pct("wait", &["no-such-thing"]).output().status(255).says("condition: value 'no-such-thing'");
    host.pct(&["wait", "9999", "running"]).output().status(2).says("does not exist");
}

#[test]
fn a_container_that_is_removed_is_not_waited_for() {
    require_root!();
    let host = Host::new();
    let ct = host.busybox(&[]);
    let mut waiting = ct.pct("wait", &["running"]).start();
    waits(&mut waiting);
    ct.pct("destroy", &[]).ok();
    waiting.finish().status(2).says("does not exist");
}

#[test]
fn an_address_ends_the_waiting_and_is_shown() {
    require_root!();
    let host = Host::new();
    for unprivileged in ["0", "1"] {
        let ct = host.ct();
        let bridge = Bridge::new(ct.vmid);
        let net = format!("name=eth0,bridge={},hwaddr=BC:24:11:00:00:01", bridge.name);
        let template = pct_tests::busybox::template(pct_tests::archive::Compression::Zstd);
        ct.create(&template, &["--rootfs", "local:0", "--unprivileged", unprivileged, "--net0", &net]).ok();
        ct.pct("ip", &[]).output().status(255).says(&format!("CT {} not running", ct.id));
        assert_eq!(json(&ct, "ip"), Value::Null);
        let start = ct.pct("start", &["--wait", "ipv4", "--timeout", "50"]).start();
        ct.pct("wait", &["running"]).ok();
        ct.wait_booted();
        let mut ipv4 = ct.pct("wait", &["ipv4"]).start();
        let mut ipv6 = ct.pct("wait", &["ipv6"]).start();
        waits(&mut ipv4);
        // Neither an address of the link alone nor a loopback one is what others can reach.
        ct.sh("ip addr add 169.254.7.7/16 scope link dev eth0; ip link set lo up; ip link set eth0 up");
        waits(&mut ipv4);
        assert_eq!(ct.pct("ip", &[]).ok().out(), "");
        ct.sh(&format!("ip addr add {}/24 dev eth0", bridge.addr4(2)));
        ipv4.finish().ok().quiet();
        start.finish().ok().quiet();
        waits(&mut ipv6);
        assert_eq!(ct.pct("ip", &[]).ok().out(), format!("eth0 {}/24\n", bridge.addr4(2)));
        // It is tentative for a second, and then told of again.
        ct.sh(&format!("ip addr add {}/64 dev eth0", bridge.addr6(2)));
        ipv6.finish().ok().quiet();
        bridge.ping(&bridge.addr6(2));
        let want = format!("eth0 {}/24\neth0 {}/64\n", bridge.addr4(2), bridge.addr6(2));
        assert_eq!(ct.pct("ip", &[]).ok().quiet().out(), want);

        let all = json(&ct, "ip");
        let of = |name: &str| all.as_array().unwrap().iter().find(|i| i["name"] == name).unwrap();
        assert_eq!(of("lo")["inet"], "127.0.0.1/8");
        assert_eq!(of("lo")["hwaddr"], "00:00:00:00:00:00");
        let eth0 = of("eth0");
        assert_eq!(eth0["hwaddr"], "bc:24:11:00:00:01");
        assert_eq!(eth0["hardware-address"], eth0["hwaddr"]);
        assert_eq!(eth0["inet"], format!("{}/24", bridge.addr4(2)));
        assert!(eth0["inet6"].as_str().unwrap().ends_with("/64"));
        let address = serde_json::json!(
            { "ip-address": bridge.addr4(2), "ip-address-type": "inet", "prefix": 24 }
        );
        assert!(eth0["ip-addresses"].as_array().unwrap().contains(&address), "{eth0}");
        let list = || json(&ct, "list")[0].take();
        let ips = [format!("{}/24", bridge.addr4(2)), format!("{}/64", bridge.addr6(2))];
        assert_eq!(list()["ips"], serde_json::json!(ips));
        ct.stop();
        assert_eq!(list().get("ips"), None);
    }
}

#[test]
fn a_name_that_the_guest_gives_an_interface_is_no_command_to_the_terminal() {
    require_root!();
    let host = Host::new();
    let bridge = Bridge::new(host.ct().vmid);
    let ct = host.running(&["--net0", &format!("name=eth0,bridge={},ip=manual", bridge.name)]);
    ct.wait_booted();
    let script = "n=$(printf 'e\\033[31m'); ip link set eth0 down; ip link set eth0 name \"$n\"";
    ct.sh(&format!("{script}; ip addr add 10.9.9.9/32 dev \"$n\""));
    assert_eq!(ct.pct("ip", &[]).ok().out(), "e?[31m 10.9.9.9/32\n");
}

#[test]
fn what_asks_for_addresses_never_leaves_its_own_network() {
    require_root!("strace");
    let host = Host::new();
    let ct = host.running(&[]);
    let log = host.scratch().join("calls");
    let run = Run::new("/usr/bin/strace").args(["-e", "trace=setns", "-o"]).args([&log]);
    let run = run.args([pct_tests::bins::pct()]).args(["ip", &ct.id]).env("PCT_ROOT", host.root());
    run.ok();
    let calls = fs::read_to_string(&log).unwrap();
    assert!(!calls.contains("setns("), "{calls}");
}

#[test]
fn systemd_tells_when_the_boot_is_complete() {
    require_root!("mmdebstrap");
    let host = Host::new();
    let ct = host.ct();
    ct.create(&debian::template(), &["--rootfs", "local:0", "--unprivileged", "1", "--memory", "512"]).ok();
    ct.pct("start", &["--wait", "systemd", "--timeout", "60"]).limit(Duration::from_secs(100)).ok();
    let state = ct.exec(&["systemctl", "is-system-running"]).output().out();
    assert!(matches!(state.trim(), "running" | "degraded"), "{state}");
    ct.pct("wait", &["systemd"]).ok();
}

#[test]
fn a_guest_without_systemd_or_with_a_strange_one_is_told_apart_in_time() {
    require_root!();
    let host = Host::new();
    let ct = host.running(&[]);
    ct.pct("wait", &["systemd"]).output().status(255).says("no systemctl");
    let lie = |script: &str| {
        let program = format!("#!/bin/sh\n{script}\n");
        ct.pct("push", &["-", "/bin/systemctl", "--perms", "755"]).stdin(program).ok();
        ct.pct("wait", &["systemd", "--timeout", "2"]).limit(Duration::from_secs(20)).output()
    };
    lie("echo running").ok().quiet();
    lie("echo degraded; exit 1").ok().says("degraded");
    lie("echo maintenance; exit 1").status(255).says("rescue");
    lie("echo starting; exit 1").status(1).says("has not completed its boot");
    lie("trap '' TERM; while :; do :; done").status(1);
    lie("while :; do echo yes; done").status(1);
    lie("sleep 1000 & echo running").ok();
}

#[test]
fn processors_of_running_containers_are_shown_as_a_table_and_as_data() {
    require_root!();
    let host = Host::new();
    assert_eq!(host.pct(&["cpusets"]).ok().quiet().out(), "no running containers\n");
    let ct = host.running(&["--cores", "1"]);
    let stopped = host.busybox(&[]);
    let out = host.pct(&["cpusets"]).ok().quiet().out();
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines.len(), 3, "{out}");
    assert!(lines[1].starts_with(&format!("{}: ", ct.id)), "{out}");
    assert_eq!(lines[1].split_whitespace().count(), 2, "one processor: {out}");
    assert_eq!(lines[0], "-".repeat(lines[1].len()));
    assert_eq!(lines[0], lines[2]);
    assert!(!out.contains(&stopped.id));
    let data: Value =
        serde_json::from_str(&host.pct(&["cpusets", "--output-format", "json"]).ok().out()).unwrap();
    assert_eq!(data[0]["vmid"], ct.vmid);
    let cpu = data[0]["cpus"][0].as_u64().unwrap();
    assert_eq!(data[0]["cpus"].as_array().unwrap().len(), 1);
    assert_eq!(lines[1].split_whitespace().nth(1).unwrap(), cpu.to_string());
    assert!(Path::new(&format!("/sys/devices/system/cpu/cpu{cpu}")).exists());
}
