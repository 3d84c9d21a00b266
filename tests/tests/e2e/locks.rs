//! Two calls on one container never interleave.

use std::fs::{self, File};
use std::path::PathBuf;
use std::time::Duration;

use pct_tests::archive::Compression;
use pct_tests::{Ct, Host, busybox, require_root};
use rustix::fs::{FlockOperation, flock};

/// The lock file of a container: made by its create, and kept.
fn lock_file(ct: &Ct<'_>) -> PathBuf {
    let files = ct.host().state().only(&["file"]).found;
    let is_lock = |f: &&str| f.ends_with(&format!("{}.lock", ct.id));
    let found: Vec<&str> = files.iter().filter_map(|l| l.strip_prefix("file ")).filter(is_lock).collect();
    assert_eq!(found.len(), 1, "one lock file of {}: {found:?}", ct.id);
    ct.host().root().join(found[0])
}

fn hold(ct: &Ct<'_>) -> File {
    let file = fs::OpenOptions::new().append(true).open(lock_file(ct)).unwrap();
    flock(&file, FlockOperation::NonBlockingLockExclusive).unwrap();
    file
}

#[test]
fn a_verb_waits_for_the_lock_and_says_so() {
    require_root!();
    let host = Host::new();
    let ct = host.busybox(&[]);
    let held = hold(&ct);
    let start = ct.pct("start", &[]).start();
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(ct.status(), "stopped", "start did not wait");
    drop(held);
    let out = start.finish().ok();
    // In a task everything it prints arrives on standard output.
    assert!(out.both().contains("trying to acquire lock... OK"), "{}", out.both());
    assert!(out.took > Duration::from_millis(900));
    assert_eq!(ct.status(), "running");
}

#[test]
fn a_lock_that_is_never_released_ends_the_wait_after_ten_seconds() {
    require_root!();
    let host = Host::new();
    let ct = host.busybox(&[]);
    let held = hold(&ct);
    let out = ct.pct("start", &[]).output().fails();
    assert!(out.both().contains("can't lock file"), "{}", out.both());
    assert!(out.both().contains("got timeout"), "{}", out.both());
    assert!((9..20).contains(&out.took.as_secs()), "{:?}", out.took);
    drop(held);
    ct.start();
}

#[test]
fn reading_verbs_do_not_wait_for_the_lock() {
    require_root!();
    let host = Host::new();
    let ct = host.running(&[]);
    let held = hold(&ct);
    for verb in ["status", "config"] {
        assert!(ct.pct(verb, &[]).ok().took < Duration::from_secs(2));
    }
    assert!(host.pct(&["list"]).ok().took < Duration::from_secs(2));
    assert!(ct.exec(&["true"]).ok().took < Duration::from_secs(2));
    drop(held);
}

#[test]
fn of_two_starts_at_once_one_wins() {
    require_root!();
    let host = Host::new();
    let ct = host.busybox(&["--rootfs", "local:1"]);
    for _ in 0..5 {
        let both = [ct.pct("start", &[]).start(), ct.pct("start", &[]).start()].map(|r| r.finish());
        let won = both.iter().filter(|o| o.status == 0).count();
        assert!(won >= 1, "{}\n{}", both[0].both(), both[1].both());
        for loser in both.iter().filter(|o| o.status != 0) {
            loser.clone().says("already running");
        }
        assert_eq!(host.state().only(&["loop"]).found.len(), 1);
        ct.stop();
    }
}

#[test]
fn of_two_creates_at_once_one_wins() {
    require_root!();
    let host = Host::new();
    let template = busybox::template(Compression::Xz);
    let template = template.to_str().unwrap();
    for _ in 0..3 {
        let ct = host.ct();
        let create =
            |name: &str| ct.pct("create", &[template, "--rootfs", "local:0", "--hostname", name]).start();
        let both = [create("one"), create("two")].map(|r| r.finish());
        let won = both.iter().filter(|o| o.status == 0).count();
        assert_eq!(won, 1, "{}\n{}", both[0].both(), both[1].both());
        let winner = if both[0].status == 0 { "one" } else { "two" };
        ct.start();
        assert_eq!(ct.sh("hostname").trim(), winner);
        ct.stop();
    }
}

#[test]
fn start_stop_and_destroy_in_any_mix_leave_a_whole_container_or_none() {
    require_root!();
    let host = Host::new();
    let ct = host.busybox(&["--rootfs", "local:1"]);
    let calls: Vec<_> =
        (0..4).flat_map(|_| ["start", "stop", "start", "reboot"]).map(|v| ct.pct(v, &[]).start()).collect();
    for call in calls {
        let out = call.finish();
        let expected = ["already running", "not running", "got timeout"];
        let known = out.status == 0 || expected.iter().any(|e| out.both().contains(e));
        assert!(known, "`{}`\n{}", out.shown, out.both());
    }
    let running = ct.status() == "running";
    assert_eq!(host.state().only(&["loop"]).found.len(), usize::from(running));
    if running {
        ct.sh("true");
        ct.stop();
    }
    ct.pct("destroy", &[]).ok();
    assert!(host.state().only(&["mount", "loop", "link", "cgroup", "process"]).found.is_empty());
}

#[test]
fn a_killed_holder_of_the_lock_is_no_obstacle() {
    require_root!();
    let host = Host::new();
    let ct = host.busybox(&[]);
    for delay in [2, 5, 10, 20, 40] {
        let mut start = ct.pct("start", &[]).start();
        std::thread::sleep(Duration::from_millis(delay));
        start.child.kill().unwrap();
        start.child.wait().unwrap();
        // Whatever was left, the next verbs bring it in order.
        let next = ct.pct("start", &[]).output();
        assert!(next.status == 0 || next.both().contains("already running"), "{}", next.both());
        ct.sh("true");
        ct.stop();
    }
}

#[test]
fn a_mark_in_the_configuration_is_taken_away_by_unlock_alone() {
    require_root!();
    let host = Host::new();
    let ct = host.busybox(&[]);
    let before = fs::read(ct.conf()).unwrap();
    ct.pct("unlock", &[]).output().fails().says("no lock found trying to remove any lock");
    ct.append_conf("lock: backup");
    ct.pct("start", &[]).output().fails().says("CT is locked (backup)");
    let out = ct.pct("unlock", &[]).ok().quiet();
    assert_eq!(out.out(), "");
    assert_eq!(fs::read(ct.conf()).unwrap(), before);
    ct.start();
    let missing = host.ct();
    let files = host.state().only(&["file"]);
    missing.pct("unlock", &[]).output().status(2).says("does not exist");
    files.assert_same(&host.state().only(&["file"]), "after unlock of no container");
}
