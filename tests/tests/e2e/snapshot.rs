//! Snapshots on btrfs, of stopped and of running containers.

use std::fs;

use pct_tests::archive::Compression;
use pct_tests::{Ct, Host, busybox, require_root};

/// A host whose storage `fast` is a btrfs.
fn host() -> Host {
    let host = Host::new();
    host.btrfs(512 << 20);
    host
}

fn container<'h>(host: &'h Host, extra: &[&str]) -> Ct<'h> {
    let ct = host.ct();
    let mut args = vec!["--storage", "fast"];
    args.extend(extra);
    ct.create(&busybox::template(Compression::Zstd), &args).ok();
    ct
}

fn config(ct: &Ct<'_>) -> String {
    fs::read_to_string(ct.conf()).unwrap()
}

#[test]
fn a_container_goes_back_to_what_it_was() {
    require_root!();
    let host = host();
    // A subvolume, and an image in one.
    for size in ["fast:0", "fast:0.125"] {
        let ct = container(&host, &["--rootfs", size, "--mp0", "fast:0,mp=/data", "--memory", "64"]);
        ct.start();
        ct.sh("echo one > /root/file; echo one > /data/file");
        ct.pct("snapshot", &["first", "--description", "before all"]).ok();
        assert_eq!(ct.status(), "running");
        assert!(!config(&ct).contains("lock:") && !config(&ct).contains("snapstate"), "{}", config(&ct));
        ct.sh("echo two > /root/file; echo two > /data/file");
        ct.pct("set", &["--memory", "96", "--mp1", "fast:0,mp=/more"]).ok();
        ct.pct("snapshot", &["second"]).ok();
        let tree = ct.pct("listsnapshot", &[]).ok().out();
        let lines: Vec<_> =
            tree.lines().map(|line| line.split_whitespace().nth(1).unwrap_or_default()).collect();
        assert_eq!(lines, ["first", "second", "current"], "{tree}");

        ct.pct("rollback", &["first"]).ok();
        assert_eq!(ct.status(), "stopped", "a running container is stopped");
        let now = ct.pct("config", &[]).ok().out();
        assert!(now.contains("memory: 64\n") && now.contains("parent: first\n"), "{now}");
        assert!(!now.contains("mp1:") && now.contains("unused0: fast:"), "what was added stays known: {now}");
        ct.start();
        assert_eq!(ct.sh("cat /root/file /data/file"), "one\none\n");
        ct.pct("rollback", &["second", "--start"]).ok();
        assert_eq!(ct.sh("cat /root/file /data/file; test -d /more && echo more"), "two\ntwo\nmore\n");

        ct.pct("delsnapshot", &["first"]).ok();
        ct.pct("delsnapshot", &["second"]).ok();
        assert!(!config(&ct).contains('['), "{}", config(&ct));
        ct.pct("destroy", &["--force"]).ok();
        let left: Vec<_> = fs::read_dir(host.root().join("fast/images")).unwrap().collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

/// What a guest has written a moment before is there, and its processes go on as if nothing had been.
#[test]
fn a_snapshot_of_a_running_container_is_whole() {
    require_root!();
    let host = host();
    let ct = container(&host, &["--rootfs", "fast:0.125"]);
    ct.start();
    ct.sh("i=0; while [ $i -lt 50 ]; do echo $i > /root/$i; i=$((i+1)); done");
    ct.sh("(while :; do date +%s%N > /root/clock; done) >/dev/null 2>&1 &");
    ct.pct("snapshot", &["live"]).ok();
    let first = ct.sh("cat /root/clock");
    pct_tests::wait::until_true("the guest to go on", || ct.sh("cat /root/clock") != first);
    // The image of the snapshot has a clean journal: it can be read without being written to.
    let clone = host.ct();
    ct.pct("clone", &[&clone.id, "--snapname", "live"]).ok();
    let tree = host.ct();
    ct.pct("clone", &[&tree.id, "--snapname", "live", "--full", "0"]).ok();
    for clone in [&clone, &tree] {
        clone.start();
        assert_eq!(clone.sh("ls /root | grep -c '^[0-9]'"), "50\n");
        assert_eq!(clone.sh("cat /root/49"), "49\n");
        clone.stop();
    }
}

#[test]
fn what_cannot_be_snapshotted_is_said_and_changes_nothing() {
    require_root!();
    let host = host();
    let ct = container(&host, &["--rootfs", "fast:0"]);
    ct.pct("snapshot", &["current"])
        .output()
        .fails()
        .says("unable to use snapshot name 'current' (reserved name)");
    ct.pct("snapshot", &["1st"]).output().fails().says("invalid configuration ID '1st'");
    ct.pct("snapshot", &["one"]).ok();
    let before = config(&ct);
    ct.pct("snapshot", &["one"]).output().fails().says("snapshot name 'one' already used");
    ct.pct("delsnapshot", &["two"]).output().fails().says("snapshot 'two' does not exist");
    ct.pct("rollback", &["two"]).output().fails().says("snapshot 'two' does not exist");
    assert_eq!(config(&ct), before);
    ct.pct("delsnapshot", &["one"]).ok();

    let plain = host.busybox(&[]);
    let before = config(&plain);
    plain.pct("snapshot", &["one"]).output().fails().says("snapshot feature is not available");
    assert_eq!(config(&plain), before);
}

#[test]
fn a_linked_clone_shares_what_its_template_has() {
    require_root!();
    let host = host();
    for size in ["fast:0", "fast:0.125"] {
        let ct = container(&host, &["--rootfs", size]);
        ct.start();
        ct.sh("echo base > /root/file");
        ct.stop();
        ct.pct("template", &[]).ok();
        let clone = host.ct();
        ct.pct("clone", &[&clone.id]).ok();
        clone.start();
        assert_eq!(clone.sh("cat /root/file; echo own > /root/file; cat /root/file"), "base\nown\n");
        clone.stop();
        ct.pct("destroy", &[]).ok();
        clone.start();
        assert_eq!(clone.sh("cat /root/file"), "own\n");
        clone.stop();
        clone.pct("destroy", &[]).ok();
    }
}

/// A snapshot that vanished from the storage: nothing that is left is lost by it.
#[test]
fn a_removal_that_fails_can_be_forced() {
    require_root!();
    let host = host();
    let ct = container(&host, &["--rootfs", "fast:0"]);
    ct.pct("snapshot", &["one"]).ok();
    let before = config(&ct);
    // The storage is not what it was.
    let good = fs::read_to_string(host.root().join("etc/pct/storage.cfg")).unwrap();
    host.storages("");
    ct.pct("delsnapshot", &["one"]).output().fails().says("storage 'fast' does not exist");
    assert_eq!(config(&ct), before, "nothing had been removed");
    ct.pct("delsnapshot", &["one", "--force"]).ok();
    assert!(!config(&ct).contains("[one]"));
    host.storages(&good);
    ct.start();
    ct.stop();
}

#[test]
fn a_half_taken_snapshot_can_only_be_removed() {
    require_root!();
    let host = host();
    let ct = container(&host, &["--rootfs", "fast:0"]);
    ct.pct("snapshot", &["half"]).ok();
    ct.edit_conf("[half]\n", "[half]\nsnapstate: prepare\n");
    fs::write(ct.conf(), format!("lock: snapshot\n{}", config(&ct))).unwrap();
    for verb in ["rollback", "delsnapshot"] {
        ct.pct(verb, &["half"]).output().fails();
    }
    ct.pct("start", &[]).output().fails().says("CT is locked (snapshot)");
    ct.pct("unlock", &[]).ok();
    ct.pct("rollback", &["half"])
        .output()
        .fails()
        .says("unable to rollback to incomplete snapshot (snapstate = prepare)");
    ct.pct("delsnapshot", &["half", "--force"]).ok();
    ct.start();
}
