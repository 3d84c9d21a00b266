//! lxcfs and systemd as services of the host.

use std::path::Path;

use pct_tests::{Host, Run, bins, require_root, root};

#[test]
fn a_guest_sees_its_limits_through_lxcfs() {
    require_root!();
    if !root::can(Path::new("/var/lib/lxcfs/proc/meminfo").exists(), "lxcfs") {
        return;
    }
    let host = Host::new();
    for unprivileged in ["0", "1"] {
        let ct = host.running(&["--memory", "64", "--cores", "1", "--unprivileged", unprivileged]);
        let total = || ct.sh("grep MemTotal /proc/meminfo").split_whitespace().nth(1).unwrap().to_owned();
        assert_eq!(total(), "65536");
        ct.pct("set", &["--memory", "96"]).ok().quiet();
        assert_eq!(total(), "98304");
        assert_eq!(ct.sh("grep -c ^processor /proc/cpuinfo"), "1\n");
        // It counts from the start of the container.
        let uptime = ct.sh("cut -d. -f1 /proc/uptime").trim().parse::<u64>().unwrap();
        let host = std::fs::read_to_string("/proc/uptime").unwrap();
        assert!(uptime < host.split('.').next().unwrap().parse().unwrap());
    }
}

/// systemd ends what is left of a service or a session; a container is not of it.
#[test]
fn a_container_outlives_the_service_that_started_it() {
    require_root!();
    if !root::can(Path::new("/run/systemd/system").exists(), "systemd as PID 1") {
        return;
    }
    let host = Host::new();
    let ct = host.busybox(&[]);
    Run::new(bins::tool("systemd-run").unwrap())
        .args(["--quiet", "--wait", "--collect", "--property=KillMode=control-group"])
        .args([format!("--setenv=PCT_ROOT={}", host.root().display())])
        .args([bins::pct().to_str().unwrap(), "start", &ct.id])
        .limit(pct_tests::wait::LIMIT)
        .ok();
    assert_eq!(ct.status(), "running");
    ct.wait_booted();
    ct.stop();
}
