//! On commands only.

use super::*;
use crate::storage::backend::testing::{based, cloned, made, renamed};
use crate::storage::{cfg, tools::script};

const IMAGES: &str = r#"[{"image":"vm-9001-disk-0","size":1048576,"format":2},
    {"image":"vm-9001-disk-0","snapshot":"s1","size":1048576,"format":2,"protected":"true"},
    {"image":"base-9002-disk-0","size":2097152,"format":2},
    {"image":"vm-9003-disk-0","size":2097152,"parent":{"pool":"rbd","image":"base-9002-disk-0","snapshot":"__base__"}},
    {"image":"vm-9004-disk-0","size":2097152,"parent":{"pool":"rbd","image":"vm-9001-disk-0","snapshot":"s1"}},
    {"image":"other","size":1}]"#;
const SNAPSHOTS: &str =
    r#"[{"id":1,"name":"s1","size":1,"protected":"true"},{"id":2,"name":"s2","size":1,"protected":"false"}]"#;
const NAME: &str = "vm-9001-disk-0";

/// A storage whose cluster is reached without a key, and how its commands begin.
fn storage(more: &str) -> (RbdStorage, &'static str) {
    let section = cfg::section(&format!("rbd: some\n\tmonhost 10.0.0.1 10.0.0.2\n{more}"));
    let mut storage = RbdStorage::from_section(&section, Path::new("/nonexistent")).unwrap();
    storage.devices = PathBuf::from("/nonexistent");
    (storage, "-m 10.0.0.1,10.0.0.2 --auth_supported none -n client.admin")
}

fn vmid(id: u32) -> Vmid {
    Vmid::new(id).unwrap()
}

#[test]
fn images_are_made_grown_renamed_and_removed() {
    let (storage, login) = storage("\tpool p\n\tnamespace n\n\tdata-pool d\n");
    let rbd = |operation: &str| format!("rbd -p p --namespace n {login} {operation}");
    let ls = rbd("ls -l --format json");
    script::answer(&ls, IMAGES);
    assert_eq!(
        made(&storage, vmid(9001), Format::Raw, Size::from_bytes((1 << 20) + 1)).unwrap(),
        "vm-9001-disk-1"
    );
    assert_eq!(
        script::take(),
        [ls.clone(), rbd("create --image-format 2 --size 2 --data-pool d vm-9001-disk-1")]
    );
    storage.resize(NAME, Size::from_bytes((4 << 20) - 1)).unwrap();
    assert_eq!(script::take(), [rbd("resize --size 4 vm-9001-disk-0")]);
    script::answer(&ls, IMAGES);
    assert_eq!(renamed(&storage, NAME, vmid(9003)).unwrap(), "vm-9003-disk-1");
    assert_eq!(script::take(), [ls.clone(), rbd("rename vm-9001-disk-0 vm-9003-disk-1")]);
    script::answer(&ls, IMAGES);
    script::answer(&rbd("snap ls"), SNAPSHOTS);
    storage.free(NAME).unwrap();
    assert_eq!(
        script::take(),
        [
            ls.clone(),
            rbd("snap ls --format json vm-9001-disk-0"),
            rbd("snap unprotect --snap s1 vm-9001-disk-0"),
            rbd("snap purge vm-9001-disk-0"),
            rbd("rm vm-9001-disk-0")
        ]
    );
    script::answer(&ls, IMAGES);
    storage.free("vm-9009-disk-0").unwrap();
    assert_eq!(script::take(), [ls]);
    assert!(RbdStorage::from_section(&cfg::section("rbd: some\n\tpool a/b\n"), Path::new("/")).is_err());
}

#[test]
fn images_are_listed_with_their_bases_and_the_pool_with_its_room() {
    let (storage, login) = storage("");
    script::answer("rbd", IMAGES);
    let listed = storage.list(None).unwrap();
    let shown: Vec<_> = listed.iter().map(|l| (l.name.as_str(), l.parent.as_deref())).collect();
    assert_eq!(
        shown,
        [
            ("base-9002-disk-0", None),
            ("base-9002-disk-0/vm-9003-disk-0", Some("base-9002-disk-0")),
            (NAME, None),
            ("vm-9004-disk-0", None)
        ]
    );
    assert_eq!(script::take(), [format!("rbd -p rbd {login} ls -l --format json")]);
    script::answer("ceph", r#"{"pools":[{"name":"rbd","stats":{"stored":30,"max_avail":70}}]}"#);
    assert_eq!(storage.space().unwrap(), Space { total: 100, used: 30, available: 70 });
    assert_eq!(script::take(), [format!("ceph {login} df --format json")]);
    script::answer("rbd", "no json");
    assert!(matches!(storage.list(None), Err(StorageError::Unusable { .. })));
    script::take();
}

#[test]
fn a_mapped_image_is_found_by_what_the_kernel_says() {
    let (mut storage, login) = storage("");
    let temp = tempfile::tempdir().unwrap();
    storage.devices = temp.path().to_owned();
    let rbd = |operation: &str| format!("rbd -p rbd {login} {operation}");
    script::answer(
        "rbd",
        r#"{"name":"vm-9001-disk-0","size":1048576,"features":["layering","exclusive-lock"]}"#,
    );
    storage.open(NAME, None).unwrap();
    assert_eq!(
        script::take(),
        [
            rbd("info --format json vm-9001-disk-0"),
            rbd("feature enable vm-9001-disk-0 fast-diff,object-map"),
            rbd("map vm-9001-disk-0")
        ]
    );
    storage.open(NAME, Some("s1")).unwrap();
    assert_eq!(script::take(), [rbd("map vm-9001-disk-0@s1")]);
    for (number, pool, name, snapshot) in
        [(0, "rbd", "other", "-"), (1, "p", NAME, "-"), (2, "rbd", NAME, "s1"), (3, "rbd", NAME, "-")]
    {
        let folder = temp.path().join(number.to_string());
        fs::create_dir(&folder).unwrap();
        for (file, text) in [("pool", pool), ("name", name), ("current_snap", snapshot), ("pool_ns", "")] {
            fs::write(folder.join(file), format!("{text}\n")).unwrap();
        }
    }
    assert_eq!(storage.locate(NAME, None).unwrap(), Location::Block("/dev/rbd3".into()));
    assert_eq!(storage.locate(NAME, Some("s1")).unwrap(), Location::Block("/dev/rbd2".into()));
    storage.open(NAME, None).unwrap();
    assert!(script::take().is_empty());
    storage.close(NAME, None).unwrap();
    storage.close(NAME, Some("s9")).unwrap();
    assert_eq!(script::take(), [rbd("unmap /dev/rbd3")]);
    script::answer("rbd", SNAPSHOTS);
    storage.delete_snapshot(NAME, "s1").unwrap();
    assert_eq!(
        script::take(),
        [
            rbd("snap ls --format json vm-9001-disk-0"),
            rbd("unmap /dev/rbd2"),
            rbd("snap unprotect --snap s1 vm-9001-disk-0"),
            rbd("snap rm --snap s1 vm-9001-disk-0")
        ]
    );
}

#[test]
fn snapshots_bases_and_clones() {
    let (storage, login) = storage("\tdata-pool d\n");
    let rbd = |operation: &str| format!("rbd -p rbd {login} {operation}");
    storage.snapshot(NAME, "s3").unwrap();
    storage.rollback(NAME, "s1").unwrap();
    assert_eq!(
        script::take(),
        [rbd("snap create --snap s3 vm-9001-disk-0"), rbd("snap rollback --snap s1 vm-9001-disk-0")]
    );
    for (snapshot, there) in [("s2", true), ("s3", false)] {
        script::answer("rbd", SNAPSHOTS);
        assert_eq!(storage.check_rollback(NAME, snapshot).is_ok(), there);
    }
    script::take();
    let steps = [
        "rename vm-9001-disk-0 base-9001-disk-0",
        "snap ls --format json base-9001-disk-0",
        "snap create --snap __base__ base-9001-disk-0",
        "snap protect --snap __base__ base-9001-disk-0",
    ]
    .map(rbd);
    // As it is in general, and where a call has broken off after the one or the other.
    let taken = [
        ("[]", vec![0, 1, 2, 3]),
        (r#"[{"name":"__base__","protected":"false"}]"#, vec![0, 1, 3]),
        (r#"[{"name":"__base__","protected":"true"}]"#, vec![0, 1]),
    ];
    for (snapshots, expected) in taken {
        script::answer(&steps[1], snapshots);
        assert_eq!(based(&storage, NAME).unwrap(), "base-9001-disk-0");
        assert_eq!(script::take(), expected.into_iter().map(|step| steps[step].clone()).collect::<Vec<_>>());
    }
    let ls = rbd("ls -l --format json");
    script::answer(&ls, IMAGES);
    script::answer(&ls, IMAGES);
    let clone = cloned(&storage, "base-9002-disk-0", None, vmid(9001)).unwrap();
    assert_eq!(clone, "base-9002-disk-0/vm-9001-disk-1");
    let command = "clone rbd/base-9002-disk-0 --snap __base__ --data-pool d rbd/vm-9001-disk-1";
    assert_eq!(script::take(), [ls.clone(), ls.clone(), rbd(command)]);
    for (snapshot, protects) in [("s1", false), ("s2", true)] {
        script::answer(&ls, IMAGES);
        script::answer(&ls, IMAGES);
        script::answer(&rbd("snap ls"), SNAPSHOTS);
        assert_eq!(cloned(&storage, NAME, Some(snapshot), vmid(9005)).unwrap(), "vm-9005-disk-0");
        let mut expected = vec![ls.clone(), ls.clone(), rbd("snap ls --format json vm-9001-disk-0")];
        expected.extend(protects.then(|| rbd("snap protect --snap s2 vm-9001-disk-0")));
        expected.push(rbd(&format!(
            "clone rbd/vm-9001-disk-0 --snap {snapshot} --data-pool d rbd/vm-9005-disk-0"
        )));
        assert_eq!(script::take(), expected);
    }
    assert!(cloned(&storage, NAME, None, vmid(9005)).is_err());
    script::take();
    assert!(storage.needs_freeze() && storage.has_feature(Feature::Rename, NAME, None));
    for bad in ["subvol-9001-disk-0", "../x", "-x", "vm-9001-a@b"] {
        assert!(storage.free(bad).is_err() && storage.snapshot(bad, "s").is_err(), "{bad}");
    }
    assert!(script::take().is_empty());
}
