//! On commands only.

use super::*;
use crate::storage::backend::testing::{based, cloned, made, renamed};
use crate::storage::{cfg, tools::script};

const LIST: &str = "zfs list -o name,volsize,origin,type,refquota -t volume,filesystem -d1 -Hp tank/ct";
const SNAPSHOTS: &str = "zfs list -t snapshot -o name -s creation -d1 -Hp tank/ct/subvol-9001-disk-0";
const DATASETS: &str = "tank/ct\t-\t-\tfilesystem\t0\n\
                        tank/ct/subvol-9001-disk-0\t-\t-\tfilesystem\t1048576\n\
                        tank/ct/basevol-9002-disk-0\t-\t-\tfilesystem\t0\n\
                        tank/ct/subvol-9003-disk-0\t-\ttank/ct/basevol-9002-disk-0@__base__\tfilesystem\t0\n\
                        tank/ct/vm-9004-disk-0\t2097152\ttank/ct/other@x\tvolume\t-\n\
                        tank/ct/other\t-\t-\tfilesystem\t0\n";
const NAME: &str = "subvol-9001-disk-0";

fn storage(more: &str) -> ZfsPoolStorage {
    let section = cfg::section(&format!("zfspool: some\n\tpool tank/ct\n{more}"));
    ZfsPoolStorage { pause: Duration::ZERO, ..ZfsPoolStorage::from_section(&section).unwrap() }
}

fn vmid(id: u32) -> Vmid {
    Vmid::new(id).unwrap()
}

#[test]
fn a_pool_that_is_not_there_is_imported() {
    script::fail("zpool list", "cannot open 'tank': no such pool");
    storage("").activate().unwrap();
    let import = "zpool import -d /dev/disk/by-id/ -o cachefile=none tank";
    assert_eq!(script::take(), ["zpool list -o name -H tank", import, "zfs mount -a"]);
    script::answer("zpool list", "tank\n");
    storage("").activate().unwrap();
    assert_eq!(script::take(), ["zpool list -o name -H tank", "zfs mount -a"]);
    assert!(storage("").check().is_err());
    script::take();
    script::answer("zfs get", "700\n300\n");
    assert_eq!(storage("").space().unwrap(), Space { total: 1000, used: 300, available: 700 });
    assert_eq!(script::take(), ["zfs get -o value -Hp available,used tank/ct"]);
    for bad in ["a//b", "a@b", "/a", "a b"] {
        let section = cfg::section(&format!("zfspool: some\n\tpool {bad}\n"));
        assert!(ZfsPoolStorage::from_section(&section).is_err(), "{bad}");
    }
}

#[test]
fn volumes_of_containers_are_datasets_with_a_limit() {
    for (size, limit) in [(8 << 20, "8192k"), (0, "none")] {
        script::answer("zfs list", DATASETS);
        let made = made(&storage(""), vmid(9001), Format::Subvol, Size::from_bytes(size)).unwrap();
        assert_eq!(made, "subvol-9001-disk-1");
        let create = format!("zfs create -o acltype=posixacl -o xattr=sa -o refquota={limit} tank/ct/{made}");
        assert_eq!(script::take(), [LIST, &create]);
    }
    script::answer("zfs list", DATASETS);
    let sparse = storage("\tsparse\n\tblocksize 8k\n");
    made(&sparse, vmid(9004), Format::Raw, Size::from_bytes((1 << 20) + 1)).unwrap();
    assert_eq!(script::take(), [LIST, "zfs create -s -b 8k -V 2048k tank/ct/vm-9004-disk-1"]);
    assert_eq!(sparse.format_for(Size::from_bytes(1)), Format::Subvol);
}

#[test]
fn a_dataset_that_somebody_else_mounts_first_is_made_all_the_same() {
    let zfs = storage("");
    script::fail(
        "zfs create",
        "cannot mount: dataset is busy\nfilesystem successfully created, but not mounted",
    );
    zfs.allocate(NAME, Size::default()).unwrap();
    script::answer("zfs get", "no\n");
    script::fail("zfs mount", "filesystem already mounted");
    zfs.open(NAME, None).unwrap();
    script::take();
    script::fail("zfs create", "dataset already exists");
    assert!(zfs.allocate(NAME, Size::default()).is_err());
    script::take();
}

#[test]
fn volumes_are_listed_with_their_bases() {
    script::answer("zfs list", DATASETS);
    let listed = storage("").list(None).unwrap();
    let shown: Vec<_> = listed.iter().map(|l| (l.name.as_str(), l.size.bytes())).collect();
    assert_eq!(
        shown,
        [
            ("basevol-9002-disk-0", 0),
            ("basevol-9002-disk-0/subvol-9003-disk-0", 0),
            (NAME, 1 << 20),
            ("vm-9004-disk-0", 2 << 20)
        ]
    );
    assert_eq!(listed[1].parent.as_deref(), Some("basevol-9002-disk-0"));
    script::answer("zfs list", DATASETS);
    assert_eq!(storage("").list(Some(vmid(9003))).unwrap().len(), 1);
    let described = storage("").describe("basevol-9002-disk-0/subvol-9003-disk-0").unwrap();
    assert_eq!(described.base.as_deref(), Some("basevol-9002-disk-0"));
    script::take();
}

#[test]
fn a_dataset_is_mounted_measured_grown_and_destroyed() {
    let temp = tempfile::tempdir().unwrap();
    let storage = storage(&format!("\tmountpoint {}\n", temp.path().display()));
    script::answer("zfs get", "no\n");
    storage.open(NAME, None).unwrap();
    let mounted = "zfs get -o value -Hp mounted tank/ct/subvol-9001-disk-0";
    assert_eq!(script::take(), [mounted, "zfs mount tank/ct/subvol-9001-disk-0"]);
    script::answer("zfs get", "yes\n");
    storage.open(NAME, None).unwrap();
    assert_eq!(script::take(), [mounted]);
    assert!(storage.locate(NAME, None).is_err());
    std::fs::create_dir(temp.path().join(NAME)).unwrap();
    assert_eq!(storage.locate(NAME, None).unwrap(), Location::Directory(temp.path().join(NAME)));
    assert!(storage.locate(NAME, Some("../../x")).is_err());
    script::answer("zfs get", "1048576\n4096\n");
    assert_eq!(storage.size(NAME).unwrap().bytes(), 1 << 20);
    assert_eq!(script::take(), ["zfs get -o value -Hp refquota,usedbydataset tank/ct/subvol-9001-disk-0"]);
    storage.resize(NAME, Size::from_bytes(4 << 20)).unwrap();
    storage.resize("vm-9004-disk-0", Size::from_bytes((4 << 20) - 1024)).unwrap();
    assert_eq!(
        script::take(),
        ["zfs set refquota=4096k tank/ct/subvol-9001-disk-0", "zfs set volsize=4096k tank/ct/vm-9004-disk-0"]
    );
    let destroy = "zfs destroy -r tank/ct/subvol-9001-disk-0";
    script::fail("zfs destroy", "cannot destroy: dataset is busy");
    script::fail("zfs destroy", "cannot open: dataset does not exist");
    storage.free(NAME).unwrap();
    assert_eq!(script::take(), [destroy, destroy]);
    for _ in 0..6 {
        script::fail("zfs destroy", "dataset is busy");
    }
    assert!(storage.free(NAME).is_err());
    assert_eq!(script::take(), [destroy; 6]);
}

#[test]
fn a_snapshot_remembers_the_limit() {
    let storage = storage("");
    let frozen = "tank/ct/subvol-9001-disk-0@s1";
    script::answer("zfs get", "1048576\n");
    storage.snapshot(NAME, "s1").unwrap();
    assert_eq!(
        script::take(),
        [
            "zfs get -o value -Hp refquota tank/ct/subvol-9001-disk-0",
            &format!("zfs snapshot {frozen}"),
            &format!("zfs set pve-storage:refquota=1048576 {frozen}")
        ]
    );
    storage.snapshot("vm-9004-disk-0", "s1").unwrap();
    assert_eq!(script::take(), ["zfs snapshot tank/ct/vm-9004-disk-0@s1"]);
    for (saved, restored) in
        [("1048576", Some("refquota=1048576")), ("0", Some("refquota=none")), ("-", None)]
    {
        script::answer("zfs get", saved);
        script::fail("zfs unmount", "not currently mounted");
        storage.rollback(NAME, "s1").unwrap();
        let mut expected = vec![
            format!("zfs rollback {frozen}"),
            format!("zfs get -o value -Hp pve-storage:refquota {frozen}"),
        ];
        expected.extend(restored.map(|limit| format!("zfs set {limit} tank/ct/subvol-9001-disk-0")));
        expected.push("zfs unmount tank/ct/subvol-9001-disk-0".to_owned());
        assert_eq!(script::take(), expected);
    }
    script::fail("zfs destroy", "could not find any snapshots to destroy; check snapshot names.");
    storage.delete_snapshot(NAME, "s1").unwrap();
    assert_eq!(script::take(), [format!("zfs destroy {frozen}")]);
}

#[test]
fn only_the_newest_snapshot_can_be_gone_back_to() {
    let storage = storage("");
    let all = "tank/ct/subvol-9001-disk-0@s1\ntank/ct/subvol-9001-disk-0@s2\n";
    script::answer("zfs list", all);
    storage.check_rollback(NAME, "s2").unwrap();
    script::answer("zfs list", all);
    let refused = storage.check_rollback(NAME, "s1").unwrap_err().to_string();
    assert!(refused.starts_with("can't rollback, 's1' is not most recent snapshot on 'subvol-9001-disk-0'"));
    assert!(refused.contains("s2"), "{refused}");
    script::answer("zfs list", all);
    assert!(matches!(storage.check_rollback(NAME, "s3"), Err(StorageError::MissingVolume { .. })));
    assert_eq!(script::take(), [SNAPSHOTS; 3]);
}

#[test]
fn bases_and_their_clones() {
    let storage = storage("");
    assert_eq!(based(&storage, NAME).unwrap(), "basevol-9001-disk-0");
    assert_eq!(
        script::take(),
        [
            "zfs rename tank/ct/subvol-9001-disk-0 tank/ct/basevol-9001-disk-0",
            "zfs snapshot tank/ct/basevol-9001-disk-0@__base__"
        ]
    );
    script::fail("zfs snapshot", "cannot create snapshot 'tank/ct/x@__base__': dataset already exists");
    let linked = based(&storage, "basevol-9002-disk-0/subvol-9003-disk-0").unwrap();
    assert_eq!(linked, "basevol-9002-disk-0/basevol-9003-disk-0");
    script::take();
    script::answer("zfs list", DATASETS);
    script::answer("zfs get", "1048576");
    let clone = cloned(&storage, "basevol-9002-disk-0", None, vmid(9001)).unwrap();
    assert_eq!(clone, "basevol-9002-disk-0/subvol-9001-disk-1");
    assert_eq!(
        script::take(),
        [
            LIST,
            "zfs get -o value -Hp refquota tank/ct/basevol-9002-disk-0",
            "zfs clone -o refquota=1048576 tank/ct/basevol-9002-disk-0@__base__ tank/ct/subvol-9001-disk-1"
        ]
    );
    assert!(cloned(&storage, NAME, None, vmid(9001)).is_err());
    script::take();
    script::answer("zfs list", DATASETS);
    assert_eq!(renamed(&storage, NAME, vmid(9003)).unwrap(), "subvol-9003-disk-1");
    assert_eq!(script::take(), [LIST, "zfs rename tank/ct/subvol-9001-disk-0 tank/ct/subvol-9003-disk-1"]);
    assert!(storage.has_feature(Feature::Snapshot, NAME, None));
    assert!(!storage.has_feature(Feature::Snapshot, "basevol-9002-disk-0", None));
}

#[test]
fn snapshots_go_to_another_pool_as_streams() {
    let zfs = storage("");
    let of = |last, base, all| Span { last, base, all };
    let mut all = Vec::new();
    script::answer("zfs send", "stream");
    zfs.send(NAME, &of("s1", None, false), &mut |bytes| {
        all.extend_from_slice(bytes);
        Ok(())
    })
    .unwrap();
    assert_eq!(all, b"stream");
    for span in [of("s3", Some("s1"), false), of("s3", None, true), of("s3", Some("s1"), true)] {
        zfs.send(NAME, &span, &mut |_| Ok(())).unwrap();
    }
    let dataset = "tank/ct/subvol-9001-disk-0";
    assert_eq!(
        script::take(),
        [
            format!("zfs send -p -- {dataset}@s1"),
            format!("zfs send -p -i {dataset}@s1 -- {dataset}@s3"),
            format!("zfs send -Rp -- {dataset}@s3"),
            format!("zfs send -Rp -I {dataset}@s1 -- {dataset}@s3"),
        ]
    );
    assert!(zfs.send(NAME, &of("-x", None, false), &mut |_| Ok(())).is_err());

    let stream = || tempfile::tempfile().unwrap().into();
    let sort = format!("zfs get -o value -Hp type {dataset}");
    script::answer("zfs get", "filesystem\n");
    zfs.receive(NAME, &Arrival::default(), stream()).unwrap();
    let options = "-u -x encryption -x mountpoint -x canmount -x sharenfs -x sharesmb";
    assert_eq!(script::take(), [format!("zfs recv {options} -- {dataset}"), sort]);
    let device = "tank/ct/vm-9001-disk-1";
    script::answer("zfs get", "volume\n");
    zfs.receive("vm-9001-disk-1", &Arrival::default(), stream()).unwrap();
    let received =
        [format!("zfs recv -u -x encryption -- {device}"), format!("zfs get -o value -Hp type {device}")];
    assert_eq!(script::take(), received);
    // A tree by the name of a device does not stay.
    script::answer("zfs get", "filesystem\n");
    assert!(zfs.receive("vm-9001-disk-1", &Arrival::default(), stream()).is_err());
    assert_eq!(script::take()[2..], [format!("zfs destroy -r {device}")]);
    let further = Arrival { current: None, base: Some("s1") };
    script::answer("zfs list", &format!("{dataset}@s0\n{dataset}@s1\n"));
    zfs.receive(NAME, &further, stream()).unwrap();
    assert_eq!(script::take(), [SNAPSHOTS, &format!("zfs recv -F {options} -- {dataset}")]);
    // It would lose what was frozen later.
    script::answer("zfs list", &format!("{dataset}@s1\n{dataset}@s2\n"));
    assert!(matches!(zfs.receive(NAME, &further, stream()), Err(StorageError::NotNewest { .. })));
    assert_eq!(script::take(), [SNAPSHOTS]);
}
