//! `pct rescan`: what the storages have of a container, noted down in its configuration.

use std::fs;

use pct_tests::{Host, require_root};

/// What is printed, without the first line.
fn news(out: &str) -> Vec<String> {
    let mut lines = out.lines().map(str::to_owned);
    assert_eq!(lines.next().as_deref(), Some("rescan volumes..."), "{out}");
    lines.collect()
}

#[test]
fn unknown_volumes_become_unused_ones_and_sizes_are_corrected() {
    require_root!();
    let host = Host::new();
    let ct = host.busybox(&["--rootfs", "local:1", "--mp0", "local:0,mp=/data"]);
    let id = &ct.id;
    let folder = host.storage().join(format!("images/{id}"));
    let image = fs::File::options().write(true).open(ct.image()).unwrap();
    image.set_len(3 << 29).unwrap();
    fs::write(folder.join(format!("vm-{id}-disk-7.raw")), "").unwrap();
    fs::create_dir(folder.join(format!("subvol-{id}-Extra.subvol"))).unwrap();
    // Of another container, of no container, of a form that containers have not.
    for other in ["vm-9-disk-0.raw", "notes.txt", &format!("vm-{id}-disk-8.qcow2")] {
        fs::write(folder.join(other), "").unwrap();
    }
    let before = fs::read_to_string(ct.conf()).unwrap();

    let expected = [
        format!(
            "CT {id}: add unreferenced volume 'local:{id}/subvol-{id}-Extra.subvol' as 'unused0' to config."
        ),
        format!("CT {id}: add unreferenced volume 'local:{id}/vm-{id}-disk-7.raw' as 'unused1' to config."),
        format!("CT {id}: updated volume size of 'local:{id}/vm-{id}-disk-0.raw' in config."),
    ];
    let out = host.pct(&["rescan", "--vmid", id, "--dryrun"]).ok().quiet().out();
    let note = "NOTE: running in dry-run mode, won't write changes out!\n";
    assert_eq!(news(out.strip_prefix(note).unwrap()), expected);
    assert_eq!(fs::read_to_string(ct.conf()).unwrap(), before);

    ct.start();
    assert_eq!(news(&host.pct(&["rescan", "--vmid", id]).ok().quiet().out()), expected);
    let after = fs::read_to_string(ct.conf()).unwrap();
    let lines: Vec<_> = after.lines().filter(|line| !before.contains(line)).collect();
    assert_eq!(
        lines,
        [
            format!("rootfs: local:{id}/vm-{id}-disk-0.raw,size=1536M"),
            format!("unused0: local:{id}/subvol-{id}-Extra.subvol"),
            format!("unused1: local:{id}/vm-{id}-disk-7.raw"),
        ]
    );
    let written = fs::metadata(ct.conf()).unwrap().modified().unwrap();
    assert!(news(&host.pct(&["rescan"]).ok().quiet().out()).is_empty());
    assert_eq!(fs::metadata(ct.conf()).unwrap().modified().unwrap(), written, "nothing new, nothing written");
}

#[test]
fn a_volume_in_use_is_no_unused_one_whatever_it_is_called() {
    require_root!();
    let host = Host::new();
    let ct = host.busybox(&["--rootfs", "local:1"]);
    let id = &ct.id;
    // The same folder under another id, through a link, and bound into the container by its path.
    let link = host.scratch().join("link");
    std::os::unix::fs::symlink(host.storage(), &link).unwrap();
    let cfg = format!("dir: alias\n\tpath {}\n\tcontent rootdir\n", link.display());
    fs::write(host.root().join("etc/pct/storage.cfg"), cfg).unwrap();
    let bound = host.storage().join(format!("images/{id}/subvol-{id}-disk-1.subvol"));
    fs::create_dir(&bound).unwrap();
    ct.append_conf(&format!("mp0: {},mp=/srv", bound.display()));
    assert!(news(&host.pct(&["rescan"]).ok().quiet().out()).is_empty());

    ct.append_conf(&format!("unused3: local:{id}/vm-{id}-disk-0.raw"));
    let told =
        format!("CT {id}: removed 'unused3' from config, volume 'local:{id}/vm-{id}-disk-0.raw' is in use.");
    assert_eq!(news(&host.pct(&["rescan"]).ok().out()), [told]);
    assert!(!fs::read_to_string(ct.conf()).unwrap().contains("unused"));
}

#[test]
fn a_locked_container_is_told_and_the_others_are_looked_at() {
    require_root!();
    let host = Host::new();
    let (locked, other) = (host.busybox(&[]), host.busybox(&[]));
    locked.append_conf("lock: backup");
    for ct in [&locked, &other] {
        fs::create_dir(host.storage().join(format!("images/{0}/subvol-{0}-disk-5.subvol", ct.id))).unwrap();
    }
    let text = fs::read_to_string(locked.conf()).unwrap();
    let out = host.pct(&["rescan"]).output().fails();
    assert_eq!(out.err(), format!("CT {}: CT is locked (backup)\n", locked.id));
    assert_eq!(news(&out.out()).len(), 1);
    assert_eq!(fs::read_to_string(locked.conf()).unwrap(), text);
    assert!(fs::read_to_string(other.conf()).unwrap().contains("unused0: "));
    let out = host.pct(&["rescan", "--vmid", &locked.id]).output().status(255);
    assert_eq!(out.err(), "CT is locked (backup)\n");
}

#[test]
fn a_storage_that_is_not_there_leaves_its_volumes_as_they_are() {
    require_root!();
    let host = Host::new();
    let ct = host.busybox(&[]);
    let disk = host.root().join("disk");
    let cfg = format!("dir: disk\n\tpath {}\n\tcontent rootdir\n\tis_mountpoint 1\n", disk.display());
    fs::write(host.root().join("etc/pct/storage.cfg"), cfg).unwrap();
    ct.append_conf(&format!("mp0: disk:{0}/vm-{0}-disk-0.raw,mp=/data,size=8G", ct.id));
    let text = fs::read_to_string(ct.conf()).unwrap();
    for dry in [&["rescan"][..], &["rescan", "--dryrun"]] {
        let out = host.pct(dry).ok();
        let said = out.err();
        let lines: Vec<_> = said.lines().collect();
        assert!(lines[0].starts_with("storage 'disk' was not searched for volumes: "), "{said}");
        let size = format!("CT {0}: the size of volume 'disk:{0}/vm-{0}-disk-0.raw' is not known: ", ct.id);
        assert!(lines[1].starts_with(&size) && lines.len() == 2, "{said}");
        assert_eq!(fs::read_to_string(ct.conf()).unwrap(), text);
        assert!(!disk.exists());
    }
}

#[test]
fn what_cannot_be_meant_is_refused() {
    require_root!();
    let host = Host::new();
    let none = host.ct();
    host.pct(&["rescan", "--vmid", &none.id]).output().status(2).says("does not exist");
    host.pct(&["rescan", "--vmid", "99"]).output().status(255).says("400 Parameter verification failed.");
    host.pct(&["rescan", &none.id]).output().status(255).says("400 too many arguments");

    let ct = host.busybox(&[]);
    let full: String = (0..256).map(|n| format!("unused{n}: local:{0}/vm-{0}-u-{n}.raw\n", ct.id)).collect();
    ct.append_conf(&full);
    fs::create_dir(host.storage().join(format!("images/{0}/subvol-{0}-disk-5.subvol", ct.id))).unwrap();
    let text = fs::read_to_string(ct.conf()).unwrap();
    host.pct(&["rescan"]).output().fails().says("Too many unused volumes - please delete them first.");
    assert_eq!(fs::read_to_string(ct.conf()).unwrap(), text);
}
