//! start, stop, shutdown, reboot.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use pct_tests::archive::Member;
use pct_tests::busybox::Busybox;
use pct_tests::{Ct, Host, debian, require_root, wait};

/// An init that hears no signal.
fn deaf(host: &Host) -> Ct<'_> {
    let init = "#!/bin/sh\ntrap '' PWR INT TERM\n: > /run/booted\nwhile :; do sleep 1000; done\n";
    let init = Member::file("./sbin/init", init).mode(0o755);
    let template = host.scratch().join("deaf.tar");
    Busybox { without_init: true, extra: vec![init], ..Busybox::default() }.archive().write(&template);
    let ct = host.ct();
    ct.create(&template, &["--rootfs", "local:0"]).ok();
    ct.start();
    ct.wait_booted();
    ct
}

fn goes_up_and_down(unprivileged: &str) {
    let host = Host::new();
    let ct = host.busybox(&["--unprivileged", unprivileged]);
    let before = host.state().only(&["mount", "loop", "link", "cgroup", "process"]);
    for _ in 0..2 {
        assert_eq!(ct.status(), "stopped");
        ct.start().quiet();
        assert_eq!(ct.status(), "running");
        let uid_map = ct.sh("cat /proc/self/uid_map");
        let want = if unprivileged == "1" { "100000" } else { "0" };
        assert_eq!(uid_map.split_whitespace().nth(1), Some(want), "{uid_map}");
        ct.stop().quiet();
        assert_eq!(ct.status(), "stopped");
        before.assert_same(&host.state().only(&["mount", "loop", "link", "cgroup", "process"]), "after stop");
    }
}

#[test]
fn an_unprivileged_container_starts_and_stops() {
    require_root!();
    goes_up_and_down("1");
}

#[test]
fn a_privileged_container_starts_and_stops() {
    require_root!();
    goes_up_and_down("0");
}

#[test]
fn verbs_that_do_not_fit_the_state_say_so() {
    require_root!();
    let host = Host::new();
    let ct = host.busybox(&[]);
    for verb in ["stop", "shutdown"] {
        ct.pct(verb, &[]).output().fails().says(&format!("CT {} not running", ct.id));
    }
    ct.pct("reboot", &[]).output().fails().says(&format!("VM {} not running", ct.id));
    ct.start();
    ct.pct("start", &[]).output().fails().says(&format!("CT {} already running", ct.id));
}

#[test]
fn a_shutdown_lets_init_end_by_itself() {
    require_root!();
    let host = Host::new();
    let ct = host.busybox(&[]);
    let inittab = ct.subvol().join("etc/inittab");
    let lines = fs::read_to_string(&inittab).unwrap().replace("/bin/true", "/bin/touch /root/ended");
    fs::write(inittab, lines).unwrap();
    ct.start().ok();
    ct.wait_booted();
    ct.pct("shutdown", &["--timeout", "100"]).ok();
    assert_eq!(ct.status(), "stopped");
    assert!(ct.subvol().join("root/ended").exists(), "init was killed, not asked");
}

/// Longer than a monitor may take to answer.
#[test]
fn a_shutdown_waits_for_a_monitor_that_clears_up_and_does_not_answer() {
    require_root!();
    let host = Host::new();
    let ct = host.busybox(&[]);
    let hook = host.scratch().join("hook");
    fs::write(&hook, "#!/bin/sh\nsleep 8\n: > \"$0.ran\"\n").unwrap();
    fs::set_permissions(&hook, Permissions::from_mode(0o755)).unwrap();
    ct.append_conf(&format!("lxc.hook.stop: {}", hook.display()));
    ct.start().ok();
    ct.wait_booted();
    ct.pct("shutdown", &["--timeout", "100"]).ok().quiet();
    assert!(hook.with_extension("ran").exists());
    assert_eq!(ct.status(), "stopped");
}

#[test]
fn a_shutdown_of_a_deaf_init_fails_and_leaves_it_running() {
    require_root!();
    let host = Host::new();
    let ct = deaf(&host);
    ct.pct("shutdown", &["--timeout", "1"]).output().fails();
    assert_eq!(ct.status(), "running");
}

#[test]
fn a_forced_shutdown_of_a_deaf_init_kills_it() {
    require_root!();
    let host = Host::new();
    let ct = deaf(&host);
    ct.pct("shutdown", &["--timeout", "1", "--forceStop", "1"]).ok();
    assert_eq!(ct.status(), "stopped");
    assert!(host.state().only(&["mount", "loop", "link", "cgroup", "process"]).found.is_empty());
}

#[test]
fn a_reboot_gives_a_new_init() {
    require_root!();
    let host = Host::new();
    let ct = host.running(&[]);
    ct.wait_booted();
    let first = ct.init_pid();
    ct.pct("reboot", &[]).ok();
    assert_eq!(ct.status(), "running");
    assert_ne!(ct.init_pid(), first);
}

#[test]
fn a_reboot_from_inside_gives_a_new_init_and_a_fresh_configuration() {
    require_root!();
    let host = Host::new();
    let ct = host.running(&["--memory", "64"]);
    ct.wait_booted();
    let first = ct.init_pid();
    ct.edit_conf("memory: 64", "memory: 96");
    ct.exec(&["reboot", "-f"]).output();
    wait::until_true("a new init is there", || {
        ct.pct("exec", &["--", "true"]).output().status == 0 && ct.init_pid() != first
    });
    let status = ct.pct("status", &["--verbose"]).ok().out();
    assert!(status.contains(&format!("maxmem: {}\n", 96 << 20)), "{status}");
    ct.stop();
    assert!(host.state().only(&["mount", "loop", "link", "cgroup", "process"]).found.is_empty());
}

#[test]
fn a_guest_that_powers_off_is_cleaned_up_by_itself() {
    require_root!();
    let host = Host::new();
    let ct = host.busybox(&["--rootfs", "local:1"]);
    ct.start();
    ct.exec(&["poweroff", "-f"]).output();
    wait::until_true("the container is stopped", || ct.status() == "stopped");
    wait::until_true("everything of it is gone", || {
        host.state().only(&["mount", "loop", "link", "cgroup", "process"]).found.is_empty()
    });
}

#[test]
fn a_locked_container_does_not_start() {
    require_root!();
    let host = Host::new();
    let ct = host.busybox(&[]);
    ct.append_conf("lock: backup");
    ct.pct("start", &[]).output().fails().says("CT is locked (backup)");
    ct.pct("start", &["--skiplock"]).ok();
    ct.pct("stop", &[]).output().fails().says("CT is locked (backup)");
    ct.pct("stop", &["--skiplock", "1"]).ok();
    ct.edit_conf("lock: backup\n", "");
}

#[test]
fn a_template_does_not_start() {
    require_root!();
    let host = Host::new();
    let ct = host.busybox(&[]);
    ct.append_conf("template: 1");
    ct.pct("start", &[]).output().fails().says("you can't start a CT if it's a template");
}

#[test]
fn start_keeps_nothing_of_its_caller() {
    require_root!();
    let host = Host::new();
    let ct = host.busybox(&[]);
    // `output` itself would notice a monitor that holds the pipes open.
    ct.start();
    let monitor = ct.monitor_pid();
    for fd in 0..3 {
        let target = std::fs::read_link(format!("/proc/{monitor}/fd/{fd}")).unwrap_or_default();
        assert!(
            !target.to_string_lossy().starts_with("pipe:"),
            "the monitor's fd {fd} is {}",
            target.display()
        );
    }
    let session = |pid: u32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        stat.rsplit_once(") ").unwrap().1.split(' ').nth(3).unwrap().to_owned()
    };
    assert_ne!(session(monitor), session(std::process::id()), "a hang-up here would end the container");
}

#[test]
fn debian_boots_reboots_and_shuts_down() {
    require_root!("mmdebstrap");
    for unprivileged in ["1", "0"] {
        let host = Host::new();
        let ct = host.ct();
        ct.create(
            &debian::template(),
            &[
                "--rootfs",
                "local:2",
                "--unprivileged",
                unprivileged,
                "--features",
                "nesting=1",
                "--hostname",
                "deb",
            ],
        )
        .ok();
        ct.start();
        let up = || {
            wait::until("systemd is up", Duration::from_secs(90), || {
                let out = ct.exec(&["systemctl", "is-system-running"]).output().out();
                matches!(out.trim(), "running" | "degraded").then_some(())
            });
        };
        up();
        assert_eq!(ct.sh("hostname"), "deb\n");
        assert_eq!(ct.sh("cat /proc/1/comm"), "systemd\n");
        let init = ct.init_pid();
        ct.pct("reboot", &[]).ok();
        up();
        assert_ne!(ct.init_pid(), init);
        let took = ct.pct("shutdown", &["--timeout", "50"]).ok().took;
        assert!(took < Duration::from_secs(45), "systemd did not hear the shutdown: {took:?}");
        assert_eq!(ct.status(), "stopped");
        assert!(host.state().only(&["mount", "loop", "link", "cgroup", "process"]).found.is_empty());
    }
}
