//! `repair`: what a killed operation has left. `tests/kill.rs` kills operations everywhere and repairs what is left; here is
//! what can be seen of it.

use std::fs::{self, File};

use pct_tests::{Ct, Host, Run, Running, require_root, wait};
use rustix::process::Signal;

/// A host with a second storage.
fn host() -> Host {
    let host = Host::new();
    let other = host.root().join("var/other");
    host.storages(&format!("dir: other\n\tpath {}\n\tcontent rootdir\n", other.display()));
    host
}

fn conf(ct: &Ct<'_>) -> String {
    fs::read_to_string(ct.conf()).unwrap()
}

fn volumes(host: &Host, ct: &Ct<'_>) -> Vec<String> {
    let folders = [host.storage(), host.root().join("var/other")].map(|at| at.join("images").join(&ct.id));
    let entries = folders.iter().flat_map(|folder| fs::read_dir(folder).into_iter().flatten());
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    names.sort();
    names.iter().map(|path| path.strip_prefix(host.root()).unwrap().display().to_string()).collect()
}

/// A container with something in its mount point that takes a while to copy, as slowly as is asked.
fn slow<'h>(host: &'h Host) -> Ct<'h> {
    let ct = host.busybox(&["--mp0", "local:0,mp=/data"]);
    let data = host.storage().join(format!("images/{0}/subvol-{0}-disk-1.subvol/big", ct.id));
    fs::write(data, vec![7; 4 << 20]).unwrap();
    ct
}

/// Kills an operation once it is in the middle, after it was seen to be left alone there.
fn kill(running: Running, ct: &Ct<'_>, is_in_the_middle: impl Fn() -> bool) {
    wait::until_true("the operation is in the middle", is_in_the_middle);
    let before = conf(ct);
    for extra in [&["--dryrun"][..], &[]] {
        ct.pct("repair", extra).output().fails().says("is at work on CT");
    }
    assert_eq!(conf(ct), before);
    running.signal(Signal::KILL);
    assert_ne!(running.finish().status, 0);
}

#[track_caller]
fn assert_whole(ct: &Ct<'_>) {
    let said = ct.pct("repair", &[]).ok().out();
    assert_eq!(said, format!("{}: nothing is left of an operation that broke off\n", ct.id));
}

#[test]
fn a_move_that_was_killed_is_taken_back() {
    require_root!();
    let host = host();
    let ct = slow(&host);
    assert_whole(&ct);
    let (before, volumes_before) = (conf(&ct), volumes(&host, &ct));
    let running = ct.pct("move-volume", &["mp0", "other", "--bwlimit", "10"]).start();
    kill(running, &ct, || conf(&ct).contains("unused0: other:") && volumes(&host, &ct).len() == 3);

    // First it is only told.
    let locked = conf(&ct);
    assert!(locked.contains("lock: disk\n"), "{locked}");
    let told = ct.pct("repair", &["--dryrun"]).output().status(1).out();
    let copy = format!("other:{0}/subvol-{0}-disk-0.subvol", ct.id);
    assert!(told.starts_with(&format!("{}: 'move-volume' (process ", ct.id)), "{told}");
    assert!(told.contains(&format!("to do: remove volume '{copy}', which it has not finished")), "{told}");
    let json = ct.pct("repair", &["--dryrun", "--output-format", "json"]).output().status(1).out();
    assert!(json.contains(r#""kind":"lock""#) && json.contains(r#""outcome":"found""#), "{json}");
    assert_eq!(conf(&ct), locked);

    let done = ct.pct("repair", &[]).ok().out();
    assert!(done.contains("    done: remove volume"), "{done}");
    assert_eq!((conf(&ct), volumes(&host, &ct)), (before, volumes_before));
    assert_whole(&ct);
    ct.start();
    assert_eq!(ct.sh("wc -c < /data/big"), format!("{}\n", 4 << 20));
    ct.stop();
}

#[test]
fn of_a_clone_that_was_killed_nothing_is_left() {
    require_root!();
    let host = host();
    let ct = slow(&host);
    let before = conf(&ct);
    let clone = host.ct();
    let running = ct.pct("clone", &[&clone.id, "--full", "--bwlimit", "10"]).start();
    kill(running, &ct, || !volumes(&host, &clone).is_empty());
    let done = clone.pct("repair", &[]).ok().out();
    assert!(done.contains("[container]\n    done: remove it with 'local:"), "{done}");
    assert!(!clone.conf().exists() && volumes(&host, &clone).is_empty());
    ct.pct("repair", &[]).ok();
    assert_eq!(conf(&ct), before);
}

#[test]
fn a_container_that_was_not_made_to_its_end_is_removed_but_not_what_was_there() {
    require_root!();
    let host = host();
    let ct = host.ct();
    let old = host.pct(&["storage", "alloc", "local", &ct.id, "", "4M"]).ok().out();
    let volume = format!("local:{0}/vm-{0}-disk-0.raw", ct.id);
    assert!(old.contains(&volume), "{old}");
    // A pipe into which nobody writes: the template cannot be read to its end.
    let template = host.scratch().join("endless.tar");
    Run::new("/usr/bin/mkfifo").args([&template]).ok();
    let _open = File::options().read(true).write(true).open(&template).unwrap();
    let words = [template.to_str().unwrap(), "--rootfs", "local:0", "--mp0", &format!("{volume},mp=/data")];
    let running = ct.pct("create", &words).start();
    wait::until_true("the volume is noted", || ct.conf().exists() && conf(&ct).contains("rootfs:"));
    assert!(conf(&ct).contains("lock: create\n") && !conf(&ct).contains("mp0"), "{}", conf(&ct));
    running.signal(Signal::KILL);
    running.finish();
    let done = ct.pct("repair", &[]).ok().out();
    assert!(done.contains("'create' (process "), "{done}");
    assert!(!ct.conf().exists());
    assert_eq!(volumes(&host, &ct), [format!("var/lib/pct/storage/images/{0}/vm-{0}-disk-0.raw", ct.id)]);
    host.pct(&["storage", "free", &volume]).ok();
}

#[test]
fn a_lock_that_nobody_has_left_a_record_of_stays() {
    require_root!();
    let host = host();
    let ct = host.busybox(&[]);
    ct.pct("set", &["--lock", "backup"]).ok();
    let before = conf(&ct);
    let said = ct.pct("repair", &[]).output().status(1).out();
    assert!(said.contains("it is locked (backup), and no record says by whom [lock]"), "{said}");
    assert!(
        said.contains(&format!("help: if nothing is at work on it any more: pct unlock {}", ct.id)),
        "{said}"
    );
    assert_eq!(conf(&ct), before);
    ct.pct("unlock", &[]).ok();
    assert_whole(&ct);
}

#[test]
fn mounts_on_the_host_and_their_lock_go_together() {
    require_root!();
    let host = host();
    let ct = host.busybox(&["--mp0", "local:0,mp=/data"]);
    let rootfs = host.lxcpath().join(&ct.id).join("rootfs");
    ct.pct("mount", &[]).ok();
    assert_whole(&ct);
    assert!(rootfs.join("data").exists(), "what is mounted stays mounted");

    // As after a reboot, and as after a crash in the middle.
    Run::new("/bin/umount").args([rootfs.join("data")]).ok();
    let done = ct.pct("repair", &[]).ok().out();
    assert!(done.contains("1 of its 2 volumes are mounted on"), "{done}");
    assert!(!conf(&ct).contains("lock:"));
    assert!(host.state().only(&["mount"]).found.is_empty());

    ct.pct("mount", &[]).ok();
    ct.pct("unlock", &[]).ok();
    let done = ct.pct("repair", &[]).ok().out();
    assert!(done.contains("and no lock says so [mount]\n    done: unmount them"), "{done}");
    assert!(host.state().only(&["mount"]).found.is_empty());
    assert_whole(&ct);
}

#[test]
fn what_stands_nowhere_is_noted_and_what_is_not_whole_is_removed() {
    require_root!();
    let host = Host::new();
    let path = host.btrfs(256 << 20);
    let ct = host.busybox(&["--rootfs", "fast:0"]);
    ct.pct("snapshot", &["half"]).ok();
    let subvolume = format!("images/{0}/subvol-{0}-disk-0.subvol", ct.id);
    Run::new("/bin/btrfs")
        .args(["subvolume", "snapshot"])
        .args([path.join(&subvolume), path.join(format!("{subvolume}.tmp.17"))])
        .ok();
    ct.edit_conf("[half]\n", "[half]\nsnapstate: delete\n");
    host.pct(&["storage", "alloc", "fast", &ct.id, "", "4M"]).ok();
    fs::write(ct.conf().with_extension("conf.tmp"), "arch: amd64\n").unwrap();
    ct.start();

    let done = ct.pct("repair", &[]).ok().out();
    assert_eq!(done.matches("    done: ").count(), 4, "{done}");
    let config = conf(&ct);
    assert!(!config.contains('[') && config.contains(&format!("unused0: fast:{0}/vm-{0}-disk-1.raw", ct.id)));
    assert!(!path.join(format!("{subvolume}.tmp.17")).exists());
    assert!(!path.join(format!("{subvolume}@half")).exists());
    assert!(!ct.conf().with_extension("conf.tmp").exists());
    assert_eq!(ct.status(), "running");
    assert_whole(&ct);
}

#[test]
fn a_rollback_that_was_killed_is_brought_to_its_end() {
    require_root!();
    let host = Host::new();
    let path = host.btrfs(256 << 20);
    let ct = host.busybox(&["--rootfs", "fast:0", "--mp0", "fast:0,mp=/data", "--memory", "64"]);
    ct.pct("snapshot", &["one"]).ok();
    ct.pct("set", &["--memory", "96"]).ok();
    let volume = |number: u32| path.join(format!("images/{0}/subvol-{0}-disk-{number}.subvol", ct.id));
    for number in [0, 1] {
        fs::write(volume(number).join("new"), "").unwrap();
    }
    // Of the second volume the snapshot has gone somewhere else meanwhile.
    let snapshot = volume(1).with_extension("subvol@one");
    let away = volume(1).with_extension("subvol@two");
    fs::rename(&snapshot, &away).unwrap();
    ct.pct("rollback", &["one"]).output().fails();
    assert!(!conf(&ct).contains("lock:"), "it was noticed before");
    fs::rename(&away, &snapshot).unwrap();

    let locked = format!("lock: rollback\n{}", conf(&ct));
    fs::write(ct.conf(), &locked).unwrap();
    let record = host.root().join("var/lib/pct/work").join(&ct.id);
    let says = r#"{"operation":"rollback","lock":"rollback","process":17,"snapshot":"one"}"#;
    fs::write(record, says).unwrap();
    ct.pct("start", &[]).output().fails().says("CT is locked (rollback)");
    let done = ct.pct("repair", &[]).ok().out();
    assert!(
        done.contains("'rollback' (process 17) broke off [lock]\n    done: go back to snapshot 'one'"),
        "{done}"
    );
    let config = ct.pct("config", &[]).ok().out();
    assert!(config.contains("memory: 64\n") && !config.contains("lock:"), "{config}");
    assert!(!volume(0).join("new").exists() && !volume(1).join("new").exists());
    assert_whole(&ct);
}

#[test]
fn a_storage_that_cannot_be_used_is_told_and_keeps_what_is_on_it() {
    require_root!();
    let host = Host::new();
    let gone = host.root().join("gone");
    let storage = |options| {
        host.storages(&format!("dir: gone\n\tpath {}\n\tcontent rootdir\n{options}", gone.display()));
    };
    storage("\tis_mountpoint 1\n");
    let (ct, other) = (host.busybox(&[]), host.busybox(&[]));
    let volume = |ct: &Ct<'_>| format!("gone:{0}/vm-{0}-disk-7.raw", ct.id);
    ct.append_conf(&format!("unused0: {}\nlock: disk", volume(&ct)));
    other.append_conf(&format!("mp0: {},mp=/data", volume(&other)));
    let record = host.root().join("var/lib/pct/work").join(&ct.id);
    fs::create_dir_all(record.parent().unwrap()).unwrap();
    let says = format!(
        r#"{{"operation":"move-volume","lock":"disk","process":17,"unfinished":["{}"]}}"#,
        volume(&ct)
    );
    fs::write(record, says).unwrap();
    let before = (conf(&ct), conf(&other));

    // What is not there because of that does not count as removed.
    for words in [&["--dryrun"][..], &[]] {
        let said = ct.pct("repair", words).output().status(1);
        assert!(said.both().contains("storage 'gone' was not searched for volumes: "), "{}", said.both());
        let failed = said.out().contains("failed: remove volume") && said.out().contains("is not mounted");
        assert_eq!(failed, words.is_empty(), "{}", said.both());
    }
    let said = ct.pct("repair", &["--output-format", "json"]).output().status(1);
    assert!(said.out().starts_with('[') && said.out().contains(r#""outcome":"failed""#), "{}", said.both());
    assert!(
        said.err().contains("was not searched") && said.err().contains("remove volume"),
        "{}",
        said.both()
    );
    other.pct("destroy", &[]).output().fails().says("it is expected to be a mount point but is not mounted");
    assert_eq!((conf(&ct), conf(&other)), before);
    assert!(!gone.exists());

    storage("");
    let image = gone.join(format!("images/{0}/vm-{0}-disk-7.raw", ct.id));
    fs::create_dir_all(image.parent().unwrap()).unwrap();
    fs::write(&image, "").unwrap();
    ct.pct("repair", &[]).ok().quiet();
    assert!(!image.exists() && !conf(&ct).contains("unused0") && !conf(&ct).contains("lock"));
    assert_whole(&ct);
    other.pct("destroy", &[]).ok();
}
