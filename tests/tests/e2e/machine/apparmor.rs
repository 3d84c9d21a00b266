//! The profile that liblxc generates, and what the features change in it.

use std::fs;
use std::path::Path;

use pct_tests::state::processes;
use pct_tests::{Ct, Host, debian, require_root, root, wait};

fn here() -> bool {
    let enabled = fs::read_to_string("/sys/module/apparmor/parameters/enabled");
    root::can(enabled.is_ok_and(|text| text.trim() == "Y"), "AppArmor")
}

/// What confines a process of the container, as the host sees it.
fn label(ct: &Ct<'_>) -> String {
    fs::read_to_string(format!("/proc/{}/attr/current", ct.init_pid())).unwrap().trim_end().to_owned()
}

/// Whether a script succeeds inside; if not, it is for want of a right.
#[track_caller]
fn may(ct: &Ct<'_>, script: &str) -> bool {
    let out = ct.exec(&["sh", "-c", script]).output();
    assert!(out.status == 0 || out.err().contains("denied"), "{}", out.both());
    out.status == 0
}

#[test]
fn every_container_has_a_profile_of_its_own() {
    require_root!();
    if !here() {
        return;
    }
    let host = Host::new();
    for options in [["0", "nesting=0"], ["0", "nesting=1"], ["1", "nesting=0"], ["1", "nesting=1"]] {
        let ct = host.running(&["--unprivileged", options[0], "--features", options[1]]);
        let label = label(&ct);
        assert!(label.starts_with(&format!("lxc-{}_<", ct.id)) && label.ends_with("(enforce)"), "{label}");
        // A command from outside gets no more rights than the guest has.
        let from_outside = ct.exec(&["sleep", "3000"]).start();
        let sleeper = wait::until("the command runs", wait::LIMIT, || {
            processes(Path::new("/nonexistent"), &[ct.vmid]).into_iter().find(|pid| {
                fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| line == b"sleep\x003000\0")
            })
        });
        assert_eq!(fs::read_to_string(format!("/proc/{sleeper}/attr/current")).unwrap().trim_end(), label);
        drop(from_outside);
        ct.stop();
        let own = format!("lxc-{}_<", ct.id);
        wait::until_true("the profile of a stopped container is gone", || {
            !fs::read_to_string("/sys/kernel/security/apparmor/profiles").unwrap().contains(&own)
        });
    }
}

#[test]
fn without_nesting_there_is_no_proc_anew() {
    require_root!();
    if !here() {
        return;
    }
    let host = Host::new();
    // Of root, whom nothing else would keep from it.
    let anew = "mount -t proc proc /proc";
    for (nesting, allowed) in [("nesting=0", false), ("nesting=1", true)] {
        let ct = host.running(&["--unprivileged", "0", "--features", nesting]);
        assert_eq!(may(&ct, anew), allowed, "{nesting}");
    }
}

#[test]
fn a_file_system_is_mounted_only_by_the_feature() {
    require_root!();
    if !here() {
        return;
    }
    let host = Host::new();
    let ramfs = "mount -t ramfs none /mnt && umount /mnt";
    for (features, allowed) in
        [("nesting=0", false), ("mount=ramfs;ext4", true), ("nesting=1,mount=ramfs", true)]
    {
        let ct = host.running(&["--unprivileged", "0", "--features", features]);
        assert_eq!(may(&ct, ramfs), allowed, "{features}");
    }
}

#[test]
fn fuse_is_mounted_by_an_unprivileged_guest_that_has_the_feature() {
    require_root!();
    if !here() || !root::can(fs::exists("/dev/fuse").unwrap(), "FUSE") {
        return;
    }
    let host = Host::new();
    let ct = host.running(&["--unprivileged", "1", "--features", "fuse=1"]);
    // The kernel does not wait for the server that the descriptor stands for.
    let mount = "exec 3<>/dev/fuse && mount -t fuse -o fd=3,rootmode=40000,user_id=0,group_id=0 test /mnt && \
                 grep ' /mnt fuse' /proc/mounts && umount -l /mnt";
    assert!(ct.sh(mount).starts_with("test /mnt fuse "));

    let without = host.running(&["--unprivileged", "1"]);
    without.exec(&["test", "-e", "/dev/fuse"]).output().status(1);
}

#[test]
fn debian_boots_under_its_profile() {
    require_root!();
    if !here() {
        return;
    }
    let host = Host::new();
    let ct = host.ct();
    let memory = ["--memory", "512", "--rootfs", "local:1", "--unprivileged", "1", "--features", "nesting=1"];
    ct.create(&debian::template(), &memory).ok();
    ct.pct("start", &["--wait", "systemd", "--timeout", "600"]).limit(pct_tests::wait::LIMIT).ok();
    assert_eq!(ct.sh("systemctl is-active systemd-journald").trim(), "active");
    ct.pct("shutdown", &["--timeout", "300"]).limit(pct_tests::wait::LIMIT).ok();
    assert_eq!(ct.status(), "stopped");
}
