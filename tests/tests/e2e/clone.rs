//! Clones, templates, and volumes that move.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::time::{Duration, Instant};

use pct_tests::archive::Compression;
use pct_tests::{Ct, Host, Run, busybox, debian, require_root};

/// What stands behind a key of a config.
fn value(config: &str, key: &str) -> String {
    let prefix = format!("{key}: ");
    config.lines().find_map(|line| line.strip_prefix(&prefix)).unwrap_or_default().to_owned()
}

#[test]
fn a_full_clone_is_a_container_of_its_own() {
    require_root!();
    let host = Host::new();
    // An image becomes an image, a directory a directory.
    for size in ["1", "0"] {
        let ct = host.running(&[
            "--rootfs",
            &format!("local:{size}"),
            "--mp0",
            "local:0,mp=/data,ro=0",
            "--description",
            "the first",
        ]);
        ct.sh("echo origin > /root/file; chown 33:33 /root/file; echo data > /data/file; ln /data/file /data/second");
        let clone = host.ct();
        ct.pct("clone", &[&clone.id])
            .output()
            .fails()
            .says("Full clone of a running container is only possible from a snapshot");
        assert!(!clone.conf().exists());
        ct.stop();
        let before = ct.pct("config", &[]).ok().out();
        let told = ct.pct("clone", &[&clone.id, "--hostname", "second"]).ok();
        assert!(
            told.out().contains(&format!("creating a clone of container {} with ID {}", ct.id, clone.id))
        );
        assert_eq!(ct.pct("config", &[]).ok().out(), before, "the origin is as it was");

        let config = clone.pct("config", &[]).ok().out();
        assert_eq!(value(&config, "hostname"), "second");
        assert_eq!(value(&config, "description"), "the first%0A");
        assert!(value(&config, "rootfs").contains(&format!("local:{0}/", clone.id)), "{config}");
        assert!(value(&config, "mp0").ends_with(",mp=/data,ro=0,size=0T"), "{config}");
        assert!(!config.contains("lock:"), "{config}");

        ct.pct("destroy", &[]).ok();
        clone.start();
        assert_eq!(clone.sh("cat /root/file; stat -c %u:%g /root/file"), "origin\n33:33\n");
        assert_eq!(clone.sh("cat /data/second; stat -c %h /data/file"), "data\n2\n");
        clone.stop();
        clone.pct("destroy", &[]).ok();
        assert!(host.state().only(&["mount", "loop"]).found.is_empty());
    }
}

#[test]
fn a_clone_has_addresses_and_a_machine_id_of_its_own() {
    require_root!();
    let host = Host::new();
    let ct = host.ct();
    let nic = ["--rootfs", "local:0", "--net0", "name=eth0,ip=192.0.2.5/24"];
    ct.create(&debian::template(), &nic).ok();
    fs::write(ct.subvol().join("etc/machine-id"), "0123456789abcdef0123456789abcdef\n").unwrap();
    let clone = host.ct();
    ct.pct("clone", &[&clone.id]).ok();
    let id = fs::read_to_string(clone.subvol().join("etc/machine-id")).unwrap();
    assert!(!id.contains("0123456789abcdef"), "{id}");
    let address = |ct: &Ct<'_>| value(&ct.pct("config", &[]).ok().out(), "net0");
    let (old, new) = (address(&ct), address(&clone));
    assert!(old.contains("hwaddr=") && new.contains("hwaddr=") && old != new, "{old} {new}");
    assert!(new.contains("ip=192.0.2.5/24"), "{new}");
}

#[test]
fn a_clone_goes_to_another_storage_and_takes_its_form() {
    require_root!();
    let host = Host::new();
    host.storages(&format!(
        "dir: other\n\tpath {}\n\tcontent rootdir\n",
        host.root().join("other").display()
    ));
    let ct = host.running(&["--rootfs", "local:1"]);
    ct.sh("echo here > /root/file; dd if=/dev/zero of=/root/sparse bs=1 count=1 seek=100000000 2>/dev/null");
    ct.stop();
    let clone = host.ct();
    ct.pct("clone", &[&clone.id, "--storage", "other"]).ok();
    let image = host.root().join(format!("other/images/{0}/vm-{0}-disk-0.raw", clone.id));
    let image = fs::metadata(image).unwrap();
    assert_eq!(image.len(), 1 << 30);
    assert!(image.blocks() * 512 < 200 << 20, "holes stay holes: {} blocks", image.blocks());
    clone.start();
    assert_eq!(clone.sh("cat /root/file"), "here\n");
    let nowhere = host.ct();
    ct.pct("clone", &[&nowhere.id, "--storage", "nowhere"])
        .output()
        .fails()
        .says("storage 'nowhere' does not exist");
    assert!(!nowhere.conf().exists());
}

#[test]
fn what_cannot_be_cloned_is_said_before_anything_is_done() {
    require_root!();
    let host = Host::new();
    let shared = host.root().join("shared");
    fs::create_dir_all(&shared).unwrap();
    let ct = host.busybox(&["--mp0", &format!("{},mp=/shared", shared.display())]);
    let before = fs::read(ct.conf()).unwrap();
    let clone = host.ct();
    ct.pct("clone", &[&clone.id]).output().fails().says("unable to clone mountpoint 'mp0' (type bind)");
    ct.pct("set", &["--delete", "mp0"]).ok();
    for (args, why) in [
        (&["--full", "0"][..], "Linked clone feature for"),
        (&["--full", "0", "--storage", "local"], "parameter 'storage' not allowed for linked clones"),
        (&["--snapname", "nope"], "snapshot 'nope' does not exist"),
        (&["--pool", "p"], "pool"),
    ] {
        let mut words = vec![clone.id.as_str()];
        words.extend(args);
        ct.pct("clone", &words).output().fails().says(why);
    }
    ct.pct("clone", &[&ct.id]).output().fails().says("already exists");
    assert!(!clone.conf().exists());
    assert!(!String::from_utf8(before).unwrap().contains("lock"));
    assert!(!fs::read_to_string(ct.conf()).unwrap().contains("lock"));
    ct.pct("set", &["--description", "locked"]).ok();
    fs::write(ct.conf(), format!("lock: backup\n{}", fs::read_to_string(ct.conf()).unwrap())).unwrap();
    ct.pct("clone", &[&clone.id]).output().fails().says("CT is locked (backup)");
    ct.pct("unlock", &[]).ok();
}

/// The full disk is found in the middle of the copy.
#[test]
fn a_clone_that_fails_leaves_nothing() {
    require_root!();
    let host = Host::new();
    let full = host.disk("full", "ext4", 24 << 20);
    host.storages(&format!("dir: full\n\tpath {}\n\tcontent rootdir\n", full.display()));
    let ct = host.running(&["--rootfs", "local:1"]);
    ct.sh("dd if=/dev/urandom of=/root/large bs=1M count=64 2>/dev/null; sync");
    ct.stop();
    let before = fs::read(ct.conf()).unwrap();
    let clone = host.ct();
    ct.pct("clone", &[&clone.id, "--storage", "full"])
        .output()
        .fails()
        .says("clone failed: ")
        .says("No space left");
    assert!(!clone.conf().exists());
    assert_eq!(fs::read(ct.conf()).unwrap(), before);
    assert!(!full.join(format!("images/{}", clone.id)).exists());
    assert!(host.state().only(&["mount", "loop"]).found.iter().all(|found| found.contains("full")));
}

#[test]
fn a_volume_moves_to_another_storage() {
    require_root!();
    let host = Host::new();
    host.storages(&format!(
        "dir: other\n\tpath {}\n\tcontent rootdir\n",
        host.root().join("other").display()
    ));
    let ct = host.running(&["--rootfs", "local:1", "--mp0", "local:0,mp=/data"]);
    ct.pct("move-volume", &["rootfs", "other"])
        .output()
        .fails()
        .says("cannot move volumes of a running container");
    ct.sh("echo kept > /root/file; echo kept > /data/file");
    ct.stop();
    ct.pct("move-volume", &["rootfs", "other"]).ok();
    ct.pct("move_volume", &["mp0", "other", "--delete"]).ok();
    let config = ct.pct("config", &[]).ok().out();
    assert_eq!(value(&config, "rootfs"), format!("other:{0}/vm-{0}-disk-0.raw,size=1G", ct.id));
    assert!(
        value(&config, "mp0").starts_with(&format!("other:{0}/subvol-{0}-disk-1.subvol,", ct.id)),
        "{config}"
    );
    assert_eq!(value(&config, "unused0"), format!("local:{0}/vm-{0}-disk-0.raw", ct.id));
    assert!(!config.contains("unused1") && !config.contains("lock"), "{config}");
    assert!(!host.storage().join(format!("images/{0}/subvol-{0}-disk-1.subvol", ct.id)).exists());
    ct.start();
    assert_eq!(ct.sh("cat /root/file /data/file"), "kept\nkept\n");
    ct.stop();
    ct.pct("move-volume", &["unused0", "other"])
        .output()
        .fails()
        .says("only configured volumes can be moved");
    ct.pct("move-volume", &["rootfs", "local", "--target-vmid", "9999"])
        .output()
        .fails()
        .says("but not both");
    ct.pct("move-volume", &["rootfs"]).output().fails().says("both 'storage' and 'target-vmid' missing");
}

#[test]
fn the_rules_of_a_firewall_go_with_a_container() {
    require_root!();
    let host = Host::new();
    let rules = |ct: &Ct<'_>| host.root().join(format!("etc/pct/firewall/{}.fw", ct.id));
    let ct = host.busybox(&["--rootfs", "local:0"]);
    let (clone, plain, failed) = (host.ct(), host.ct(), host.ct());
    ct.pct("clone", &[&plain.id]).ok();
    assert!(!rules(&plain).exists());
    fs::create_dir_all(rules(&ct).parent().unwrap()).unwrap();
    fs::write(rules(&ct), "[OPTIONS]\nenable: 1\n").unwrap();
    ct.pct("clone", &[&clone.id]).ok();
    assert_eq!(fs::read(rules(&clone)).unwrap(), fs::read(rules(&ct)).unwrap());
    // Nothing of a clone stays that could not be made.
    fs::remove_dir_all(ct.subvol()).unwrap();
    ct.pct("clone", &[&failed.id]).output().fails().says("clone failed");
    assert!(!failed.conf().exists() && !rules(&failed).exists());
    ct.pct("destroy", &[]).ok();
    assert!(!rules(&ct).exists() && rules(&clone).exists());
}

#[test]
fn data_moves_no_faster_than_the_storages_allow() {
    require_root!();
    let host = Host::new();
    // No two file systems share data.
    let memory = tempfile::tempdir_in("/dev/shm").unwrap();
    fs::set_permissions(memory.path(), fs::Permissions::from_mode(0o711)).unwrap();
    host.storages(&format!(
        "dir: slow\n\tpath {}\n\tcontent rootdir\n\tbwlimit clone=2048,move=1024,restore=1024\n",
        memory.path().display()
    ));
    // At least as long as it takes at that many KiB a second, but for what may flow at once.
    let slow = |run: Run, kib: u64, rate: u64| {
        let start = Instant::now();
        run.ok();
        let (took, least) = (start.elapsed(), Duration::from_millis(kib * 1000 / rate - 100));
        assert!(took >= least, "{took:?}, expected {least:?}");
    };
    let (ct, clone) = (host.ct(), host.ct());
    let template = busybox::template(Compression::None);
    let size = fs::metadata(&template).unwrap().len() >> 10;
    let disks = ["--rootfs", "local:0", "--mp0", "slow:0,mp=/data"];
    slow(ct.pct("create", &[&[&*template.to_string_lossy()], &disks[..]].concat()), size, 1024);
    let file = ct.subvol().join("root/data");
    fs::write(&file, vec![7; 2 << 20]).unwrap();
    std::os::unix::fs::chown(&file, Some(100_000), Some(100_000)).unwrap();
    slow(ct.pct("clone", &[&clone.id, "--storage", "slow"]), 2048, 2048);
    slow(ct.pct("move-volume", &["rootfs", "slow", "--bwlimit", "4096"]), 2048, 4096);
    slow(ct.pct("move-volume", &["rootfs", "local", "--delete"]), 2048, 1024);
    clone.pct("destroy", &[]).ok();
}

#[test]
fn a_volume_goes_to_another_container() {
    require_root!();
    let host = Host::new();
    let ct = host.running(&["--rootfs", "local:1", "--mp0", "local:0.1,mp=/data"]);
    ct.sh("echo given > /data/file");
    let other = host.running(&["--rootfs", "local:1"]);
    let to = other.id.clone();
    let reassign = |args: &[&str]| {
        let mut words = vec!["mp0", "--target-vmid", to.as_str()];
        words.extend(args);
        ct.pct("move-volume", &words)
    };
    reassign(&[]).output().fails().says("Cannot move in-use volume while the source CT is running");
    ct.stop();
    reassign(&["--target-volume", "rootfs"]).output().fails().says("Cannot move to/from 'rootfs'");
    reassign(&["--target-digest", "0"]).output().fails().says("detected modified configuration");
    let told = reassign(&["--target-volume", "mp3"]).ok().out();
    assert!(told.contains(&format!("target container '{to}' updated with 'mp3'")), "{told}");
    let volume = format!("local:{0}/vm-{0}-disk-1.raw", other.id);
    assert!(value(&other.pct("config", &[]).ok().out(), "mp3").starts_with(&volume));
    assert!(!ct.pct("config", &[]).ok().out().contains("mp0"));
    // The other one runs.
    assert_eq!(other.sh("cat /data/file"), "given\n");
    other.stop();
    other.pct("move-volume", &["mp3", "--target-vmid", &to, "--target-volume", "unused4"]).ok();
    assert_eq!(value(&other.pct("config", &[]).ok().out(), "unused4"), volume);
    other
        .pct("move-volume", &["unused4", "--target-vmid", &ct.id, "--target-volume", "mp1"])
        .output()
        .fails()
        .says("Moving an unused volume to a used one is not possible");
}

#[test]
fn a_template_is_not_written_to_any_more() {
    require_root!();
    let host = Host::new();
    let ct = host.running(&["--rootfs", "local:1"]);
    ct.pct("template", &[]).output().fails().says("you can't convert a CT to template if the CT is running");
    ct.sh("echo base > /root/file");
    ct.stop();
    ct.pct("template", &[]).ok();
    let config = ct.pct("config", &[]).ok().out();
    assert_eq!(value(&config, "template"), "1");
    assert_eq!(value(&config, "rootfs"), format!("local:{0}/base-{0}-disk-0.raw,size=1G", ct.id));
    let image = host.storage().join(format!("images/{0}/base-{0}-disk-0.raw", ct.id));
    assert_eq!(fs::metadata(&image).unwrap().mode() & 0o777, 0o444);
    ct.pct("template", &[]).output().fails().says("you can't convert a template to a template");
    ct.pct("start", &[]).output().fails().says("you can't start a CT if it's a template");
    // A directory has no linked clones of containers.
    let clone = host.ct();
    ct.pct("clone", &[&clone.id]).output().fails().says("Linked clone feature for");
    ct.pct("clone", &[&clone.id, "--full"]).ok();
    clone.start();
    assert_eq!(clone.sh("cat /root/file; echo new > /root/file; cat /root/file"), "base\nnew\n");
    clone.stop();
    ct.pct("destroy", &[]).ok();
    assert!(!image.exists());
}

/// What a guest leaves in its volume must not lead a copy out of it.
#[test]
fn a_copy_follows_no_link_of_the_guest() {
    require_root!();
    let host = Host::new();
    let ct = host.busybox(&["--rootfs", "local:0"]);
    let outside = host.root().join("outside");
    fs::create_dir_all(&outside).unwrap();
    fs::write(outside.join("secret"), "secret").unwrap();
    symlink(&outside, ct.subvol().join("leak")).unwrap();
    symlink("/etc/shadow", ct.subvol().join("root/shadow")).unwrap();
    let clone = host.ct();
    ct.pct("clone", &[&clone.id]).ok();
    assert_eq!(fs::read_link(clone.subvol().join("leak")).unwrap(), outside);
    assert_eq!(fs::read_link(clone.subvol().join("root/shadow")).unwrap().to_str(), Some("/etc/shadow"));
}
