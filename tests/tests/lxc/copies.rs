//! Containers that liblxc makes, copies, keeps as snapshots and removes.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::guest::Guest;

/// Text of a file below the folder of the containers.
fn read(guest: &Guest, path: &str) -> String {
    fs::read_to_string(guest.lxcpath.join(path)).unwrap()
}

#[test]
fn a_container_is_created_by_a_template_and_destroyed() {
    let Some(guest) = Guest::new("") else { return };
    fs::remove_dir_all(guest.path()).unwrap();
    let template = guest.folder.path().join("template");
    // liblxc gives where to, and adds the arguments of its own.
    let script = "#!/bin/sh\nset -e\nfor word; do case $word in --rootfs=*) to=${word#*=} ;; esac; done\n\
                  [ ! -d \"$to/refuse\" ]; mkdir -p \"$to\"; printf '%s\\n' \"$@\" > \"$to/arguments\"\n\
                  echo printed\n";
    fs::write(&template, script).unwrap();
    fs::set_permissions(&template, fs::Permissions::from_mode(0o755)).unwrap();
    let template = format!("template={}", template.display());
    let create = |options: &[&str], arguments: &[&str]| {
        let options = [&[template.as_str()], options, &["--"], arguments].concat();
        guest.call("create", &options)
    };

    let out = create(&["lxc.uts.name=made"], &["--own", "a b"]);
    assert!(out.starts_with("printed\n"), "{out}");
    let rootfs = guest.path().join("rootfs");
    let arguments = read(&guest, &format!("{}/rootfs/arguments", guest.name));
    let mut arguments: Vec<_> = arguments.lines().collect();
    assert_eq!(arguments.split_off(arguments.len() - 2), ["--own", "a b"]);
    assert!(arguments.contains(&format!("--rootfs={}", rootfs.display()).as_str()), "{arguments:?}");
    assert!(out.contains(rootfs.to_str().unwrap()), "{out}");
    assert!(read(&guest, &format!("{}/config", guest.name)).contains("lxc.uts.name = made\n"));
    assert!(!guest.path().join("partial").exists());
    let exists = guest.refused("create", &[&template]);
    assert!(exists.contains(&format!("container {} exists already", guest.name)), "{exists}");
    guest.call("destroy", &[]);
    assert!(!guest.path().exists());
    assert!(guest.refused("destroy", &[]).contains("liblxc cannot destroy"));

    // Elsewhere, and quietly.
    let elsewhere = guest.folder.path().join("elsewhere");
    let dir = format!("dir={}", elsewhere.display());
    let out = create(&["quiet", "kind=dir", &dir], &[]);
    assert!(!out.contains("printed") && out.contains(elsewhere.to_str().unwrap()), "{out}");
    assert!(elsewhere.join("arguments").exists());
    guest.call("destroy", &[]);

    // What fails leaves nothing, and says why.
    assert!(guest.refused("create", &["template=/bin/false"]).contains("cause: "));
    // No name but the absence of one means that there is none.
    for name in ["no-such-template", "n", "none", ""] {
        let refused = guest.refused("create", &[&format!("template={name}")]);
        assert!(refused.contains("liblxc cannot create"), "{name:?}: {refused}");
    }
    assert!(!guest.path().exists());
    let rootfs = format!("lxc.rootfs.path=dir:{}", elsewhere.display());
    fs::create_dir(&elsewhere).unwrap();
    guest.call("create", &[&rootfs]);
    assert!(read(&guest, &format!("{}/config", guest.name)).contains("lxc.rootfs.path"));
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);
}

#[test]
fn the_storage_is_made_as_it_was_told() {
    let Some(guest) = Guest::new("") else { return };
    fs::remove_dir_all(guest.path()).unwrap();
    let size = format!("fs-size={}", 24 << 20);
    let loop_file = ["template=/bin/true", "kind=loop", "fs-type=ext4", &size];
    guest.call("create", &loop_file);
    let image = guest.path().join("rootdev");
    // liblxc makes it a byte longer.
    assert_eq!(fs::metadata(&image).unwrap().len() >> 20, 24);
    let magic = &fs::read(&image).unwrap()[0x438..0x43a];
    assert_eq!(magic, [0x53, 0xef], "an ext4");
    guest.call("destroy", &[]);
    assert!(!image.exists());
    // What the others are told gets as far as the programs that would make the volumes.
    let programs = guest.folder.path().join("programs");
    fs::create_dir(&programs).unwrap();
    let heard = programs.join("heard");
    for name in ["lvcreate", "zfs", "rbd"] {
        let program = programs.join(name);
        fs::write(&program, format!("#!/bin/sh\necho \"$@\" >> {}; exit 1\n", heard.display())).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    for (options, expected) in [
        (["kind=lvm", "vg=a-group", "lv=a-volume", "thinpool=a-pool"], &["a-group", "a-volume"][..]),
        (["kind=zfs", "zfs-root=a-tank/set", "", ""], &["a-tank/set"]),
        (["kind=rbd", "rbd-name=an-image", "rbd-pool=a-pool", "rbd-user=a-user"], &["an-image", "a-pool"]),
    ] {
        let mut create = guest.probe("create");
        let output = create.arg("template=/bin/true").args(options).env("PATH", &path).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let heard = fs::read_to_string(&heard).unwrap();
        assert!(expected.iter().all(|word| heard.contains(word)), "{options:?}: {heard}");
    }
    assert!(!guest.path().join("config").exists());
}

#[test]
fn a_copy_has_what_was_asked_for() {
    let config = "lxc.net.1.type = veth\nlxc.net.1.hwaddr = 02:00:00:00:00:01\n";
    let Some(guest) = Guest::new(config) else { return };
    let hook = "echo \"$@\" > $LXC_ROOTFS_PATH/../of-the-hook 2>/dev/null || echo \"$@\" > \
                ${LXC_ROOTFS_MOUNT}/of-the-hook";
    guest.add_hook("clone", hook);
    fs::write(guest.rootfs().join("etc/hostname"), "guest").unwrap();
    let other = guest.folder.path().join("other");
    fs::create_dir(&other).unwrap();
    let lxcpath = format!("lxcpath={}", other.display());

    let out = guest.call("copy", &["name=copy", &lxcpath, "--", "for", "the hook"]);
    let rootfs = other.join("copy/rootfs");
    let mut lines = out.lines();
    assert_eq!(lines.next(), Some("copy"));
    assert!(lines.next().unwrap().ends_with(rootfs.to_str().unwrap()), "{out}");
    assert_eq!(fs::read_to_string(rootfs.join("etc/hostname")).unwrap(), "copy");
    assert_eq!(fs::read_to_string(rootfs.join("etc/data")).unwrap(), "no program\n");
    let heard = ["of-the-hook", "../of-the-hook"].map(|file| fs::read_to_string(rootfs.join(file)));
    let heard = heard.into_iter().flatten().next().expect("the hook ran");
    assert!(heard.ends_with("for the hook\n"), "{heard}");
    let new = fs::read_to_string(other.join("copy/config")).unwrap();
    assert!(!new.contains("02:00:00:00:00:01"), "{new}");

    let out = guest.call("copy", &["name=same", "keep-hostname", "keep-mac", "keep-storage"]);
    assert_eq!(out.lines().next(), Some("guest"));
    assert!(read(&guest, "same/config").contains("02:00:00:00:00:01"));
    // An overlay on the original.
    let out = guest.call("copy", &["name=thin", "snapshot", "storage=overlay"]);
    assert!(out.contains("overlay:") || out.contains("overlayfs:"), "{out}");
    assert!(guest.path().join("lxc_snapshots").exists());
    assert!(guest.refused("destroy", &[]).contains("liblxc cannot destroy"));

    assert!(guest.refused("copy", &["name=same"]).contains("liblxc cannot copy"));
    assert!(guest.refused("copy", &["name=../out"]).contains("is no container name"));
}

#[test]
fn a_running_container_is_copied_only_when_told_so() {
    let Some(mut guest) = Guest::new("") else { return };
    guest.start();
    assert!(guest.refused("copy", &["name=copy"]).contains("liblxc cannot copy"));
    guest.call("copy", &["name=copy", "allow-running", "maybe-snapshot"]);
    assert!(guest.lxcpath.join("copy/rootfs/bin/busybox").exists());
    assert!(guest.refused("destroy", &[]).contains("liblxc cannot destroy"));
    assert!(guest.path().join("config").exists());
}

#[test]
fn a_renamed_container_is_the_same() {
    let Some(guest) = Guest::new("") else { return };
    assert!(guest.refused("rename", &["name=a/b"]).contains("is no container name"));
    let out = guest.call("rename", &["name=renamed"]);
    assert_eq!(out, "renamed Some(\"renamed\")\n");
    assert!(!guest.path().exists());
    assert!(guest.lxcpath.join("renamed/rootfs/bin/busybox").exists());
}

#[test]
fn snapshots_are_made_listed_restored_and_removed() {
    let Some(guest) = Guest::new("") else { return };
    let data = guest.rootfs().join("etc/data");
    let comment = guest.folder.path().join("comment");
    fs::write(&comment, "before the change\n").unwrap();
    assert_eq!(guest.call("snapshot", &[&format!("comment={}", comment.display())]), "snap0\n");
    fs::write(&data, "changed\n").unwrap();
    assert_eq!(guest.call("snapshot", &[]), "snap1\n");

    let mut snapshots = guest.container().snapshots().unwrap();
    snapshots.sort_by(|a, b| a.name.cmp(&b.name));
    assert_eq!(snapshots.iter().map(|s| s.name.as_str()).collect::<Vec<_>>(), ["snap0", "snap1"]);
    let first = &snapshots[0];
    assert_eq!(first.lxcpath.as_deref(), Some(guest.path().join("snaps").as_path()));
    let kept = first.comment_file.as_deref().unwrap();
    assert_eq!(fs::read_to_string(kept).unwrap(), "before the change\n");
    assert_eq!(first.timestamp.as_ref().map(|time| time.len()), Some("2026:01:02 03:04:05".len()));

    guest.call("restore-snapshot", &["snapshot=snap0", "name=old"]);
    assert_eq!(read(&guest, "old/rootfs/etc/data"), "no program\n");
    assert!(guest.refused("restore-snapshot", &["snapshot=snap7", "name=x"]).contains("restore a snapshot"));
    // liblxc would make paths of these.
    for verb in ["restore-snapshot", "destroy-snapshot"] {
        assert!(guest.refused(verb, &["snapshot=../../x"]).contains("is no container name"));
    }
    assert!(guest.lxcpath.join("old").exists());

    assert!(guest.refused("destroy", &[]).contains("has snapshots"));
    guest.call("destroy-snapshot", &["snapshot=snap1"]);
    assert_eq!(guest.container().snapshots().unwrap().len(), 1);
    guest.call("destroy-snapshot", &[]);
    assert_eq!(guest.container().snapshots().unwrap(), []);
    assert!(guest.refused("destroy-snapshot", &["snapshot=snap0"]).contains("remove a snapshot"));
}

#[test]
fn a_container_is_restored_in_place_and_destroyed_with_its_snapshots() {
    let Some(mut guest) = Guest::new("") else { return };
    guest.call("snapshot", &[]);
    let data = guest.rootfs().join("etc/data");
    fs::write(&data, "changed\n").unwrap();
    guest.call("restore-snapshot", &["snapshot=snap0"]);
    assert_eq!(fs::read_to_string(&data).unwrap(), "no program\n");
    guest.start();
    guest.container().stop().unwrap();
    guest.outcome();
    guest.call("destroy", &["snapshots"]);
    assert!(!guest.path().exists());
    // Without any, too, which liblxc alone would not do.
    let Some(guest) = Guest::new("") else { return };
    guest.call("destroy", &["snapshots"]);
    assert!(!guest.path().exists());
}
