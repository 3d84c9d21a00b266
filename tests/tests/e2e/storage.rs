//! Root volumes: images on loop devices, plain directories, other storages.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

use pct_tests::archive::Compression;
use pct_tests::{Host, Silent, busybox, require_root};

#[test]
fn an_image_is_sparse_ext4_on_a_loop_device_while_it_runs() {
    require_root!();
    let host = Host::new();
    for unprivileged in ["1", "0"] {
        let ct = host.busybox(&["--rootfs", "local:1", "--unprivileged", unprivileged]);
        let image = fs::metadata(ct.image()).unwrap();
        assert_eq!(image.len(), 1 << 30);
        assert!(image.blocks() * 512 < 200 << 20, "{} blocks", image.blocks());
        assert_eq!(fs::read(ct.image()).unwrap()[1080..1082], [0x53, 0xef], "the magic number of ext4");
        let config = ct.pct("config", &[]).ok().out();
        assert!(
            config.contains(&format!("rootfs: local:{0}/vm-{0}-disk-0.raw,size=1G\n", ct.id)),
            "{config}"
        );
        assert!(host.state().only(&["mount", "loop"]).found.is_empty(), "create leaves its mounts");

        ct.start();
        let now = host.state();
        assert_eq!(now.only(&["loop"]).found.len(), 1, "{:?}", now.only(&["loop"]));
        assert!(
            now.only(&["mount"]).found.is_empty(),
            "the host's namespace sees {:?}",
            now.only(&["mount"])
        );
        let mount = ct.sh("grep ' / ' /proc/mounts");
        assert!(mount.contains(" ext4 "), "{mount}");
        assert_eq!(ct.sh("stat -c %u:%g /"), "0:0\n");
        let size: u64 = ct.sh("df -k / | tail -1 | awk '{print $2}'").trim().parse().unwrap();
        assert!((900_000..1_050_000).contains(&size), "{size} KiB");

        ct.sh("echo kept > /root/kept; sync");
        ct.stop();
        assert!(host.state().only(&["mount", "loop"]).found.is_empty());
        ct.start();
        assert_eq!(ct.sh("cat /root/kept"), "kept\n");
        ct.stop();
        ct.pct("destroy", &[]).ok();
        assert!(!ct.image().exists());
    }
}

#[test]
fn a_directory_volume_needs_no_loop_device() {
    require_root!();
    let host = Host::new();
    let ct = host.running(&["--rootfs", "local:0"]);
    let now = host.state();
    assert!(now.only(&["loop", "mount"]).found.is_empty(), "{:?}", now.only(&["loop", "mount"]));
    ct.sh("echo here > /root/here");
    assert_eq!(fs::read_to_string(ct.subvol().join("root/here")).unwrap(), "here\n");
    assert_eq!(fs::metadata(ct.subvol().join("root/here")).unwrap().uid(), 100_000);
}

#[test]
fn storage_cfg_replaces_the_embedded_default() {
    require_root!();
    let host = Host::new();
    let disk = host.root().join("disk");
    let cfg = host.root().join("etc/pct/storage.cfg");
    fs::create_dir_all(cfg.parent().unwrap()).unwrap();
    fs::create_dir_all(&disk).unwrap();
    let text = format!(
        "dir: data\n\tpath {0}\n\tcontent rootdir,vztmpl\n\ndir: iso\n\tpath {0}-iso\n\tcontent iso\n\n\
         dir: off\n\tpath {0}-off\n\tcontent rootdir\n\tdisable\n",
        disk.display()
    );
    fs::write(&cfg, text).unwrap();
    let template = busybox::template(Compression::Zstd);
    let ct = host.ct();
    ct.create(&template, &["--storage", "data", "--rootfs", "1"]).ok();
    assert!(disk.join(format!("images/{0}/vm-{0}-disk-0.raw", ct.id)).is_file());
    ct.start();
    ct.stop();
    let none = host.ct();
    none.create(&template, &["--rootfs", "iso:1"])
        .fails()
        .says("storage 'iso' does not support container directories");
    none.create(&template, &["--rootfs", "nowhere:1"]).fails().says("nowhere");
    none.create(&template, &["--rootfs", "off:1"]).fails().says("off");
    assert!(!none.conf().exists());
}

#[test]
fn a_second_volume_is_mounted_where_it_belongs() {
    require_root!();
    let host = Host::new();
    let ct = host.running(&["--mp0", "local:0,mp=/data/deep"]);
    ct.sh("echo in-mp > /data/deep/file");
    let volume = host.storage().join(format!("images/{0}/subvol-{0}-disk-1.subvol", ct.id));
    assert_eq!(fs::read_to_string(volume.join("file")).unwrap(), "in-mp\n");
    ct.stop();
    ct.pct("destroy", &[]).ok();
    assert!(!volume.exists());
}

#[test]
fn a_server_that_does_not_answer_is_not_waited_for() {
    require_root!();
    let host = Host::new();
    let (dead, bound) = (host.scratch().join("dead"), host.scratch().join("bound"));
    fs::create_dir_all(&dead).unwrap();
    fs::create_dir_all(&bound).unwrap();
    host.storages(&format!("dir: dead\n\tpath {}\n\tcontent rootdir\n", dead.join("below").display()));
    let ct = host.busybox(&["--rootfs", "local:0", "--mp0", &format!("{},mp=/data", bound.display())]);
    let _silent = [Silent::new(&dead), Silent::new(&bound)];
    let patience = Duration::from_secs(30);
    host.pct(&["storage", "status"]).limit(patience).ok().says("storage 'dead' is not online");
    let silent = format!("the server that '{}' is on does not answer", bound.display());
    let told = ct.pct("df", &[]).limit(patience).ok().says(&silent);
    assert!(told.out().lines().any(|line| line.starts_with("rootfs ")), "{}", told.out());
}
