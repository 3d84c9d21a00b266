//! Containers on the storages of whole machines: LVM, its thin pools, NFS, ZFS.

use std::fs;

use pct_tests::archive::Compression;
use pct_tests::{Backing, Ct, Host, Kind, busybox, require_root, wait};

const MIB: u64 = 1 << 20;

/// The name of a volume in a config.
fn volume(kind: Kind, id: &str, number: u32) -> String {
    match kind {
        Kind::Lvm | Kind::LvmThin => format!("store:vm-{id}-disk-{number}"),
        Kind::Nfs => format!("store:{id}/vm-{id}-disk-{number}.raw"),
        Kind::Zfs => format!("store:subvol-{id}-disk-{number}"),
    }
}

/// The same as the storage has it.
fn stored(kind: Kind, id: &str, number: u32) -> String {
    volume(kind, id, number).trim_start_matches("store:").to_owned()
}

fn host(backing: &Backing) -> Host {
    let host = Host::new();
    host.storages(&backing.section());
    host
}

/// A container with a root and `/data` on the storage.
fn container<'h>(host: &'h Host, extra: &[&str]) -> Ct<'h> {
    let ct = host.ct();
    let volumes = ["--rootfs", "store:0.125", "--mp0", "store:0.125,mp=/data"];
    ct.create(&busybox::template(Compression::Zstd), &[&volumes, extra].concat()).ok();
    ct
}

fn value(ct: &Ct<'_>, key: &str) -> String {
    let config = ct.pct("config", &[]).ok().out();
    let found = config.lines().find_map(|line| line.strip_prefix(&format!("{key}: ")));
    found.unwrap_or_else(|| panic!("no {key} in:\n{config}")).to_owned()
}

/// The size that the guest sees, in MiB.
fn size_inside(ct: &Ct<'_>, path: &str) -> u64 {
    let size = ct.sh(&format!("df -P -m {path} | tail -1 | awk '{{print $2}}'"));
    size.trim().parse().unwrap()
}

/// Nothing of a container is left, and no volume is in use.
#[track_caller]
fn assert_nothing(host: &Host, backing: &Backing) {
    assert_eq!(backing.volumes(), [""; 0]);
    wait::until_true("no device is active", || backing.devices().is_empty());
    let state = host.state().only(&["mount", "loop", "process"]);
    assert!(state.found.is_empty(), "{:?}", state.found);
}

fn a_container_lives(kind: Kind) {
    require_root!();
    let Some(backing) = Backing::new(kind) else { return };
    let host = host(&backing);
    let ct = container(&host, &[]);
    let id = &ct.id;
    assert_eq!(value(&ct, "rootfs"), format!("{},size=128M", volume(kind, id, 0)));
    assert_eq!(value(&ct, "mp0"), format!("{},mp=/data,size=128M", volume(kind, id, 1)));
    assert_eq!(backing.volumes(), [stored(kind, id, 0), stored(kind, id, 1)]);
    match kind {
        Kind::Lvm => {
            let tags = backing.properties("lv_tags,lv_autoactivation,lv_size", &stored(kind, id, 0));
            assert_eq!(tags, [&format!("pve-vm-{id}"), "", "128.00m"]);
        }
        Kind::LvmThin => {
            let tags = backing.properties("lv_tags,lv_autoactivation,pool_lv", &stored(kind, id, 0));
            assert_eq!(tags, ["", "", "pool"]);
        }
        Kind::Zfs => {
            let set = backing.properties("refquota,acltype,xattr", &stored(kind, id, 0));
            assert_eq!(set[..2], [(128 * MIB).to_string(), "posix".to_owned()]);
            // From ZFS 2.3 on it is what `on` means.
            assert!(["sa", "on"].contains(&set[2].as_str()), "{set:?}");
        }
        Kind::Nfs => {}
    }
    // A thin volume stays active, as the original leaves it.
    let assert_let_go =
        || assert!(kind != Kind::Lvm || backing.devices().is_empty(), "{:?}", backing.devices());
    assert_let_go();
    ct.start();
    assert!((100..=128).contains(&size_inside(&ct, "/")) && (100..=128).contains(&size_inside(&ct, "/data")));
    ct.sh("echo root > /root/file; echo data > /data/file; chown 33:33 /data/file; dd if=/dev/zero of=/data/large bs=1M count=20; sync; rm /data/large; sync");
    let df = ct.pct("df", &[]).ok().quiet().out();
    assert!(df.contains(&volume(kind, id, 0)) && df.contains(&volume(kind, id, 1)), "{df}");
    let trimmed = ct.pct("fstrim", &[]).ok().quiet().out();
    let lines = if kind == Kind::Zfs { 0 } else { 2 };
    assert_eq!(trimmed.lines().count(), lines, "{trimmed}");
    for (disk, path) in [("rootfs", "/"), ("mp0", "/data")] {
        ct.pct("resize", &[disk, "+64M"]).ok().quiet();
        assert!((160..=192).contains(&size_inside(&ct, path)), "{}", size_inside(&ct, path));
    }
    assert_eq!(value(&ct, "rootfs"), format!("{},size=192M", volume(kind, id, 0)));
    ct.stop();
    assert_let_go();
    ct.pct("resize", &["mp0", "256M"]).ok().quiet();
    if kind == Kind::Zfs {
        ct.pct("fsck", &[]).output().fails();
    } else {
        ct.pct("fsck", &["--force"]).ok();
    }
    ct.pct("df", &[]).ok().quiet();
    assert_let_go();
    host.pct(&["rescan", "--vmid", id]).ok();
    assert_let_go();
    // As after a reboot of the host: the storage is made usable by whoever needs it.
    backing.put_away();
    assert!(!backing.is_mounted());
    ct.start();
    assert_eq!(
        backing.is_mounted(),
        matches!(kind, Kind::Nfs | Kind::Zfs),
        "for everybody, not for the container alone"
    );
    assert_eq!(ct.sh("cat /root/file /data/file; stat -c %u:%g /data/file"), "root\ndata\n33:33\n");
    assert!((220..=256).contains(&size_inside(&ct, "/data")));
    ct.pct("set", &["--mp1", "store:0.125,mp=/more"]).ok();
    ct.sh("echo more > /more/file");
    ct.pct("shutdown", &["--timeout", "60"]).ok();
    ct.pct("destroy", &[]).ok();
    assert_nothing(&host, &backing);
}

/// Beside a container that was started while their volumes were mounted.
fn snapshots_come_and_go(kind: Kind) {
    require_root!();
    let Some(backing) = Backing::new(kind) else { return };
    let host = host(&backing);
    let ct = container(&host, &[]);
    let _neighbour = host.running(&["--memory", "32"]);
    let id = &ct.id;
    ct.start();
    if !matches!(kind, Kind::LvmThin | Kind::Zfs) {
        ct.pct("snapshot", &["one"]).output().fails().says("snapshot feature is not available");
        return;
    }
    let write = |word: &str| ct.sh(&format!("echo {word} > /root/file; echo {word} > /data/file"));
    let read = |ct: &Ct<'_>| ct.sh("cat /root/file /data/file");
    let frozen = |number: u32, snapshot: &str| match kind {
        Kind::Zfs => format!("{}@{snapshot}", stored(kind, id, number)),
        _ => format!("snap_{}_{snapshot}", stored(kind, id, number)),
    };
    let has = |snapshot: &str| {
        let volumes = backing.volumes();
        (0..2).all(|number| volumes.contains(&frozen(number, snapshot)))
    };
    write("one");
    ct.pct("snapshot", &["one", "--description", "first"]).ok();
    write("two");
    ct.pct("resize", &["mp0", "+64M"]).ok();
    ct.pct("snapshot", &["two"]).ok();
    assert!(has("one") && has("two"), "{:?}", backing.volumes());
    write("three");
    let tree = ct.pct("listsnapshot", &[]).ok().out();
    let names: Vec<_> = tree.lines().map(|line| line.split_whitespace().nth(1).unwrap_or_default()).collect();
    assert_eq!(names, ["one", "two", "current"], "{tree}");

    // A full clone of what was, and where that can be one that shares it.
    let clones = [("1", host.ct()), ("0", host.ct())];
    for (full, clone) in &clones {
        let made = ct.pct("clone", &[&clone.id, "--snapname", "one", "--full", full]).output();
        if kind == Kind::Zfs && *full == "0" {
            made.fails().says("Linked clone feature");
            continue;
        }
        made.ok();
        clone.start();
        assert_eq!(read(clone), "one\none\n");
        clone.sh("echo own > /data/file");
        clone.stop();
    }

    ct.pct("rollback", &["two"]).ok();
    assert_eq!(ct.status(), "stopped");
    ct.start();
    assert_eq!(read(&ct), "two\ntwo\n");
    if kind == Kind::Zfs {
        ct.pct("rollback", &["one"])
            .output()
            .fails()
            .says(&format!("can't rollback, 'one' is not most recent snapshot on '{}'", stored(kind, id, 0)));
        assert_eq!(ct.status(), "running", "what cannot be done stops nothing");
        ct.pct("delsnapshot", &["two"]).ok();
        assert!(!has("two"));
    }
    ct.pct("rollback", &["one", "--start"]).ok();
    assert_eq!(read(&ct), "one\none\n");
    assert!((100..=128).contains(&size_inside(&ct, "/data")), "the size, too: {}", size_inside(&ct, "/data"));
    assert_eq!(value(&ct, "mp0"), format!("{},mp=/data,size=128M", volume(kind, id, 1)));
    ct.pct("delsnapshot", &["one"]).ok();
    assert_eq!(read(&ct), "one\none\n");
    ct.stop();
    // With a snapshot that is left.
    ct.pct("snapshot", &["last"]).ok();
    ct.pct("destroy", &[]).ok();
    for (_, clone) in clones.iter().filter(|(_, clone)| clone.conf().exists()) {
        clone.start();
        assert_eq!(read(clone), "one\nown\n");
        clone.stop();
        clone.pct("destroy", &[]).ok();
    }
    assert_eq!(backing.volumes(), [""; 0]);
}

fn volumes_are_copied_moved_and_shared(kind: Kind) {
    require_root!();
    let Some(backing) = Backing::new(kind) else { return };
    let host = host(&backing);
    let ct = container(&host, &[]);
    let neighbour = host.running(&["--memory", "32"]);
    let id = &ct.id;
    ct.start();
    ct.sh("echo root > /root/file; echo data > /data/file; chown 33:33 /data/file");
    let read = |ct: &Ct<'_>| ct.sh("cat /root/file /data/file; stat -c %u:%g /data/file");
    ct.stop();

    let clone = host.ct();
    ct.pct("clone", &[&clone.id]).ok();
    assert_eq!(value(&clone, "mp0"), format!("{},mp=/data,size=128M", volume(kind, &clone.id, 1)));
    clone.start();
    assert_eq!(read(&clone), "root\ndata\n33:33\n");
    clone.stop();
    clone.pct("destroy", &[]).ok();
    assert_eq!(backing.volumes(), [stored(kind, id, 0), stored(kind, id, 1)]);

    for (storage, number) in [("local", 0), ("store", 1)] {
        ct.pct("move-volume", &["mp0", storage, "--delete"]).ok();
        let now = value(&ct, "mp0");
        let here = if storage == "store" { volume(kind, id, number) } else { format!("local:{id}/") };
        assert!(now.starts_with(&here) && now.ends_with(",mp=/data,size=128M"), "{now}");
    }
    // To another container and back.
    ct.pct("move-volume", &["mp0", "--target-vmid", &neighbour.id, "--target-volume", "unused0"]).ok();
    assert_eq!(value(&neighbour, "unused0"), volume(kind, &neighbour.id, 0));
    neighbour.pct("move-volume", &["unused0", "--target-vmid", id, "--target-volume", "unused0"]).ok();
    ct.pct("set", &["--mp0", &format!("{},mp=/data", volume(kind, id, 1))]).ok();
    ct.start();
    assert_eq!(read(&ct), "root\ndata\n33:33\n");
    ct.stop();

    let base = match kind {
        Kind::Lvm => {
            ct.pct("template", &[]).output().fails().says("Template feature is not available");
            return;
        }
        Kind::LvmThin => format!("base-{id}-disk-0"),
        Kind::Nfs => format!("{id}/base-{id}-disk-0.raw"),
        Kind::Zfs => format!("basevol-{id}-disk-0"),
    };
    ct.pct("template", &[]).ok();
    assert!(value(&ct, "rootfs").starts_with(&format!("store:{base},")));
    let full = host.ct();
    ct.pct("clone", &[&full.id, "--full"]).ok();
    let linked = host.ct();
    let made = ct.pct("clone", &[&linked.id]).output();
    let mut clones = vec![&full];
    match kind {
        Kind::LvmThin | Kind::Zfs => {
            made.ok();
            clones.push(&linked);
            let shared = match kind {
                Kind::Zfs => format!("store:{base}/subvol-{}-disk-0,size=128M", linked.id),
                _ => format!("store:vm-{}-disk-0,size=128M", linked.id),
            };
            assert_eq!(value(&linked, "rootfs"), shared);
        }
        _ => drop(made.fails().says("Linked clone feature")),
    }
    for clone in &clones {
        clone.start();
        assert_eq!(read(clone), "root\ndata\n33:33\n");
        clone.sh("echo own > /data/file");
        clone.stop();
    }
    if kind == Kind::Zfs {
        ct.pct("destroy", &[]).output().fails().says("is still in use by linked clones");
        linked.pct("destroy", &[]).ok();
        clones.pop();
    }
    ct.pct("destroy", &[]).ok();
    for clone in clones {
        clone.start();
        assert_eq!(clone.sh("cat /data/file"), "own\n");
        clone.stop();
        clone.pct("destroy", &[]).ok();
    }
    neighbour.stop();
    assert_nothing(&host, &backing);
}

fn single_volumes_are_made_and_removed(kind: Kind) {
    require_root!();
    let Some(backing) = Backing::new(kind) else { return };
    let host = host(&backing);
    let pct = |words: &[&str]| host.pct(&[&["storage"], words].concat());
    let id = host.ct().id;
    let made = volume(kind, &id, 0);
    let told = pct(&["alloc", "store", &id, "", "64M"]).ok().quiet().out();
    assert_eq!(told, format!("successfully created '{made}'\n"));
    let status = pct(&["status", "--storage", "store"]).ok().quiet().out();
    let row: Vec<_> = status.lines().nth(1).unwrap().split_whitespace().collect();
    let number = |at: usize| row[at].parse::<u64>().unwrap();
    assert!(row[2] == "active" && number(3) > 1 << 20 && number(4) + number(5) <= number(3), "{status}");
    let list = pct(&["list", "store"]).ok().quiet().out();
    let row: Vec<_> = list.lines().nth(1).unwrap().split_whitespace().collect();
    let format = if kind == Kind::Zfs { "subvol" } else { "raw" };
    assert_eq!(row, [made.as_str(), format, "images", &(64 * MIB).to_string(), &id], "{list}");
    let path = pct(&["path", &made]).ok().quiet().out();
    let path = path.trim_end();
    let expected = match kind {
        Kind::Lvm | Kind::LvmThin => format!("/dev/{}/{}", backing.name, stored(kind, &id, 0)),
        Kind::Zfs => format!("/{}/{}", backing.name, stored(kind, &id, 0)),
        Kind::Nfs => format!("{}/images/{}", backing.mount().display(), stored(kind, &id, 0)),
    };
    assert_eq!(path, expected);
    assert!(fs::exists(path).unwrap(), "{path}");
    assert_eq!(pct(&["free", &made]).ok().quiet().out(), format!("Removed volume '{made}'\n"));
    assert_nothing(&host, &backing);
}

fn volumes_leave_as_streams_and_arrive(kind: Kind) {
    require_root!();
    let Some(backing) = Backing::new(kind) else { return };
    let host = host(&backing);
    let ct = container(&host, &[]);
    let (id, neighbour) = (&ct.id, host.busybox(&["--memory", "32"]));
    let file = host.scratch().join("stream");
    let file = file.to_str().unwrap();
    let pct = |words: &[&str]| host.pct(&[&["storage"], words].concat());
    let data = volume(kind, id, 1);
    // One that was there before, full of what nobody wants to see again.
    pct(&["alloc", "store", &neighbour.id, "", "128M"]).ok();
    let there = volume(kind, &neighbour.id, 0);
    if matches!(kind, Kind::Lvm | Kind::LvmThin) {
        let path = pct(&["path", &there]).ok().out();
        fs::write(path.trim_end(), vec![0xff; 128 << 20]).unwrap();
    }
    pct(&["free", &there]).ok();

    ct.start();
    ct.sh("echo one > /data/file; chown 33:33 /data/file");
    let has_snapshots = matches!(kind, Kind::LvmThin | Kind::Zfs);
    if has_snapshots {
        ct.pct("snapshot", &["one"]).ok();
        ct.sh("echo two > /data/file");
        ct.pct("snapshot", &["two"]).ok();
    }
    ct.stop();
    let format = if kind == Kind::Zfs { "tar+size" } else { "raw+size" };
    pct(&["export", &data, format, file]).ok().quiet();
    let arrived = volume(kind, &neighbour.id, 5);
    pct(&["import", &arrived, format, file]).ok();
    let newest = if has_snapshots { "two" } else { "one" };
    let read = |key: &str, volume: &str| {
        neighbour.pct("set", &[&format!("--{key}"), &format!("{volume},mp=/mnt/{key}")]).ok();
        neighbour.start();
        let found = neighbour.sh(&format!("cat /mnt/{key}/file; stat -c %u:%g /mnt/{key}/file"));
        neighbour.stop();
        found
    };
    assert_eq!(read("mp0", &arrived), format!("{newest}\n33:33\n"));
    if kind == Kind::LvmThin {
        pct(&["export", &data, format, file, "--snapshot", "one"]).ok().quiet();
        let older = volume(kind, &neighbour.id, 6);
        pct(&["import", &older, format, file]).ok();
        assert_eq!(read("mp1", &older), "one\n33:33\n");
    }
    if kind == Kind::Zfs {
        let whole = volume(kind, &neighbour.id, 6);
        pct(&["export", &data, "zfs", file, "--snapshot", "one"]).ok().quiet();
        pct(&["import", &whole, "zfs", file]).ok();
        pct(&["import", &whole, "zfs", file]).output().fails().says("already exists");
        assert_eq!(read("mp1", &whole), "one\n33:33\n");
        pct(&["export", &data, "zfs", file, "--snapshot", "two", "--base", "one"]).ok().quiet();
        pct(&["import", &whole, "zfs", file, "--base", "one", "--delete-snapshot", "one"]).ok();
        assert_eq!(read("mp1", &whole), "two\n33:33\n");
        let limit = (128 * MIB).to_string();
        assert_eq!(backing.properties("refquota", &stored(kind, &neighbour.id, 6)), [limit.as_str()]);
        let all = volume(kind, &neighbour.id, 7);
        pct(&["export", &data, "zfs", file, "--snapshot", "two", "--with-snapshots"]).ok().quiet();
        pct(&["import", &all, "zfs", file]).ok();
        let mut names = backing.volumes();
        names
            .retain(|name| name.starts_with(&format!("subvol-{}-disk-", neighbour.id)) && name.contains('@'));
        names.sort_unstable();
        let of = |number, snapshot| format!("{}@{snapshot}", stored(kind, &neighbour.id, number));
        assert_eq!(names, [of(6, "two"), of(7, "one"), of(7, "two")]);
        pct(&["free", &all]).ok();

        // Where a dataset is mounted is its own host's choice.
        let stolen = format!("mountpoint={}", host.scratch().join("stolen").display());
        backing.zfs(&format!("set {stolen}"), &stored(kind, id, 1));
        pct(&["export", &data, "zfs", file, "--snapshot", "two"]).ok().quiet();
        backing.zfs("inherit mountpoint", &stored(kind, id, 1));
        pct(&["import", &all, "zfs", file]).ok();
        let arrived = stored(kind, &neighbour.id, 7);
        assert_eq!(backing.properties("mountpoint", &arrived), [format!("/{}/{arrived}", backing.name)]);

        // A block device stays one, and a tree becomes none.
        let device = |number| format!("store:vm-{}-disk-{number}", neighbour.id);
        pct(&["import", &device(9), "zfs", file]).output().fails().says("not what the name says");
        let made = pct(&["alloc", "store", &neighbour.id, "", "16M", "--format", "raw"]).ok().out();
        assert_eq!(made, format!("successfully created '{}'\n", device(0)));
        backing.zfs("snapshot", &format!("vm-{}-disk-0@s", neighbour.id));
        pct(&["export", &device(0), "zfs", file, "--snapshot", "s"]).ok().quiet();
        let mistaken = volume(kind, &neighbour.id, 10);
        pct(&["import", &mistaken, "zfs", file]).output().fails();
        assert!(!backing.volumes().iter().any(|name| name.ends_with("-9") || name.ends_with("-10")));
        pct(&["import", &device(9), "zfs", file]).ok().quiet();
        let image = pct(&["export", &device(9), "raw+size", "-"]).ok();
        assert_eq!(image.stdout.len() as u64, 8 + 16 * MIB);
        [device(0), device(9), all].iter().for_each(|volume| drop(pct(&["free", volume]).ok()));
    }
    neighbour.pct("destroy", &[]).ok();
    ct.pct("destroy", &[]).ok();
    assert_nothing(&host, &backing);
}

macro_rules! on {
    ($($name:ident: $kind:ident,)*) => {
        $(mod $name {
            use pct_tests::Kind::$kind;

            #[test]
            fn a_container_lives() {
                super::a_container_lives($kind);
            }

            #[test]
            fn snapshots_come_and_go() {
                super::snapshots_come_and_go($kind);
            }

            #[test]
            fn volumes_are_copied_moved_and_shared() {
                super::volumes_are_copied_moved_and_shared($kind);
            }

            #[test]
            fn single_volumes_are_made_and_removed() {
                super::single_volumes_are_made_and_removed($kind);
            }

            #[test]
            fn volumes_leave_as_streams_and_arrive() {
                super::volumes_leave_as_streams_and_arrive($kind);
            }
        })*
    };
}

on! { lvm: Lvm, lvmthin: LvmThin, nfs: Nfs, zfspool: Zfs, }
