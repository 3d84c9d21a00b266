//! What remains after crashes and failures: nothing, at the latest after the
//! next verb.

use std::time::Duration;

use pct_tests::archive::Compression;
use pct_tests::run::signal_pid;
use pct_tests::{Bridge, Host, busybox, require_root, wait};
use rustix::process::Signal;

const KINDS: [&str; 5] = ["mount", "loop", "link", "cgroup", "process"];

#[test]
fn a_killed_monitor_takes_mounts_loop_devices_and_links_with_it() {
    require_root!("ip");
    let host = Host::new();
    let bridge = Bridge::new(host.ct().vmid);
    for unprivileged in ["1", "0"] {
        let net = format!("name=eth0,bridge={},ip=manual", bridge.name);
        let ct = host.busybox(&["--rootfs", "local:1", "--unprivileged", unprivileged, "--net0", &net]);
        ct.start();
        let now = host.state();
        assert_eq!(now.only(&["loop", "link"]).found.len(), 2, "{:?}", now.only(&["loop", "link"]));
        signal_pid(ct.monitor_pid(), Signal::KILL);
        wait::until_true("the kernel has cleared up", || {
            host.state().only(&["mount", "loop", "link", "process"]).found.is_empty()
        });
        assert_eq!(ct.status(), "stopped");
        // The next verb on it clears the rest, and works.
        ct.start();
        ct.sh("true");
        signal_pid(ct.monitor_pid(), Signal::KILL);
        wait::until_true("it is stopped again", || ct.status() == "stopped");
        ct.pct("destroy", &[]).ok();
        // The killed init may wait a moment for PID 1 to reap it.
        wait::until_true("nothing of it is left", || host.state().only(&KINDS).found.is_empty());
        assert!(!host.lxcpath().join(&ct.id).exists());
    }
}

#[test]
fn a_firewalls_bridge_outlives_a_killed_monitor_until_the_next_verb() {
    require_root!("ip");
    let host = Host::new();
    let bridge = Bridge::new(host.ct().vmid);
    let net = format!("name=eth0,bridge={},ip=manual,rate=1,firewall=1", bridge.name);
    let ct = host.running(&["--net0", &net]);
    let links = || host.state().only(&["link"]).found;
    assert!(links().len() >= 4, "{:?}", links());
    signal_pid(ct.monitor_pid(), Signal::KILL);
    wait::until_true("it is stopped", || ct.status() == "stopped");
    ct.start();
    assert!(links().contains(&format!("link fwbr{}i0", ct.id)), "{:?}", links());
    signal_pid(ct.monitor_pid(), Signal::KILL);
    wait::until_true("it is stopped again", || ct.status() == "stopped");
    ct.pct("destroy", &[]).ok();
    assert!(links().is_empty(), "{:?}", links());
}

#[test]
fn a_killed_init_is_a_stop() {
    require_root!();
    let host = Host::new();
    let ct = host.busybox(&["--rootfs", "local:1"]);
    ct.start();
    signal_pid(ct.init_pid(), Signal::KILL);
    wait::until_true("all is cleared", || host.state().only(&KINDS).found.is_empty());
    assert_eq!(ct.status(), "stopped");
    ct.start();
}

#[test]
fn a_killed_start_leaves_nothing_that_the_next_verb_does_not_clear() {
    require_root!();
    let host = Host::new();
    let ct = host.busybox(&["--rootfs", "local:1"]);
    for delay in [1, 3, 7, 15, 30, 60] {
        let mut start = ct.pct("start", &[]).start();
        std::thread::sleep(Duration::from_millis(delay));
        start.child.kill().unwrap();
        start.child.wait().unwrap();
        ct.pct("destroy", &["--force"]).ok();
        let left = host.state().only(&KINDS);
        assert!(left.found.is_empty(), "after {delay} ms: {left:?}");
        ct.create(&busybox::template(Compression::Zstd), &["--rootfs", "local:1"]).ok();
    }
}

#[test]
fn a_killed_create_mounts_nothing_on_the_host() {
    require_root!();
    let host = Host::new();
    for delay in [5, 20, 50, 100] {
        let ct = host.ct();
        let template = busybox::template(Compression::Xz);
        let mut create = ct.pct("create", &[template.to_str().unwrap(), "--rootfs", "local:1"]).start();
        std::thread::sleep(Duration::from_millis(delay));
        create.child.kill().unwrap();
        create.child.wait().unwrap();
        wait::until_true("nothing of it goes on", || host.state().only(&KINDS).found.is_empty());
    }
}

#[test]
fn an_interrupted_create_takes_everything_back() {
    require_root!();
    let host = Host::new();
    let ct = host.busybox(&[]);
    ct.pct("destroy", &[]).ok();
    let before = host.state();
    for (signal, delay) in [(Signal::INT, 20), (Signal::TERM, 50), (Signal::TERM, 5)] {
        let template = busybox::template(Compression::Xz);
        let create = ct.pct("create", &[template.to_str().unwrap(), "--rootfs", "local:1"]).start();
        std::thread::sleep(Duration::from_millis(delay));
        create.signal(signal);
        let out = create.finish();
        if out.status == 0 {
            ct.pct("destroy", &[]).ok();
        }
        before.assert_same(&host.state(), &format!("after {signal:?} at {delay} ms\n{}", out.both()));
    }
}

#[test]
fn a_failed_start_leaves_the_files_as_they_were() {
    require_root!();
    let host = Host::new();
    let ct = host.busybox(&["--rootfs", "local:1", "--net0", "name=eth0,bridge=pctbrnone,ip=manual"]);
    // The first failure may make the container's folders.
    ct.pct("start", &[]).output().fails();
    let before = host.state();
    ct.pct("start", &[]).output().fails();
    before.assert_same(&host.state(), "after a second failed start");
}

#[test]
fn cgroups_left_by_a_crash_do_not_change_the_name_of_the_next() {
    require_root!();
    let host = Host::new();
    let ct = host.running(&[]);
    let cgroups =
        |ct: &pct_tests::Ct<'_>| std::fs::read_to_string(format!("/proc/{}/cgroup", ct.init_pid())).unwrap();
    let first = cgroups(&ct);
    for _ in 0..3 {
        signal_pid(ct.monitor_pid(), Signal::KILL);
        wait::until_true("it is stopped", || ct.status() == "stopped");
        ct.start();
        assert_eq!(cgroups(&ct), first, "names collect suffixes");
    }
}
