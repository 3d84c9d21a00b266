//! On a real btrfs in a file.

use std::{
    fs,
    os::unix::fs::{MetadataExt, symlink},
    process::Command,
};

use super::*;
use crate::{
    storage::{
        backend::testing::{based, cloned, made, renamed},
        cfg,
        tools::script,
    },
    sys::testing::{is_required, needs_root},
};

/// A btrfs on a loop device that goes with the mount.
struct Disk {
    temp: tempfile::TempDir,
}

impl Disk {
    /// None, said by name, where it cannot be made.
    fn new() -> Option<Self> {
        if !needs_root() {
            return None;
        }
        let temp = tempfile::tempdir_in("/var/tmp").unwrap();
        let image = temp.path().join("image");
        fs::File::create(&image).unwrap().set_len(256 << 20).unwrap();
        let Ok(made) = Command::new("mkfs.btrfs").arg("-q").arg(&image).output() else {
            assert!(!is_required(), "mkfs.btrfs is missing");
            eprintln!("skipped: needs mkfs.btrfs");
            return None;
        };
        assert!(made.status.success());
        let disk = Self { temp };
        fs::create_dir(disk.path()).unwrap();
        let mounted = Command::new("mount").args(["-o", "loop"]).arg(&image).arg(disk.path()).status();
        assert!(mounted.unwrap().success());
        Some(disk)
    }

    fn path(&self) -> PathBuf {
        self.temp.path().join("mnt")
    }

    fn storage(&self, more: &str) -> BtrfsStorage {
        storage(&self.path(), more)
    }

    fn images(&self, id: u32) -> PathBuf {
        self.path().join(format!("images/{id}"))
    }

    /// All names in the folder of a container.
    fn names(&self, id: u32) -> Vec<String> {
        let mut names = folders::names(&self.images(id)).unwrap();
        names.sort_unstable();
        names
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = rustix::mount::unmount(self.path(), rustix::mount::UnmountFlags::DETACH);
    }
}

fn storage(path: &Path, more: &str) -> BtrfsStorage {
    let text = format!("btrfs: some\n\tpath {}\n{more}", path.display());
    BtrfsStorage::from_section(&cfg::section(&text)).unwrap()
}

fn vmid(id: u32) -> Vmid {
    Vmid::new(id).unwrap()
}

fn mib(size: u64) -> Size {
    Size::from_bytes(size << 20)
}

fn tree(storage: &BtrfsStorage, id: u32) -> String {
    made(storage, vmid(id), Format::Subvol, mib(0)).unwrap()
}

fn raw(storage: &BtrfsStorage, id: u32) -> String {
    made(storage, vmid(id), Format::Raw, mib(1)).unwrap()
}

/// Makes a subvolume as a container can.
fn nest(path: &Path) {
    let folder = fs::File::open(path.parent().unwrap()).unwrap();
    let name = CString::new(path.file_name().unwrap().as_encoded_bytes()).unwrap();
    crate::sys::btrfs::create(folder, &name).unwrap();
}

#[test]
fn volumes_are_subvolumes_and_go_again() {
    let Some(disk) = Disk::new() else { return };
    let storage = disk.storage("\tnocow\n");
    storage.activate().unwrap();
    let (raw, tree) = (raw(&storage, 9001), tree(&storage, 9001));
    assert_eq!((raw.as_str(), tree.as_str()), ("9001/vm-9001-disk-0.raw", "9001/subvol-9001-disk-1.subvol"));
    let file = disk.images(9001).join("vm-9001-disk-0/disk.raw");
    assert_eq!(storage.locate(&raw, None).unwrap(), Location::Image(file.clone()));
    let flags = rustix::fs::ioctl_getflags(fs::File::open(&file).unwrap()).unwrap();
    assert!(flags.contains(rustix::fs::IFlags::NOCOW));
    let top = disk.images(9001).join("subvol-9001-disk-1.subvol");
    assert_eq!(storage.locate(&tree, None).unwrap(), Location::Directory(top.clone()));
    assert_eq!(fs::metadata(&top).unwrap().mode() & 0o7777, 0o755);
    assert!(crate::sys::btrfs::is_subvolume(fs::File::open(&top).unwrap()).unwrap());
    let listed: Vec<_> = storage.list(None).unwrap().into_iter().map(|l| (l.name, l.size)).collect();
    assert_eq!(listed, [(tree.clone(), mib(0)), (raw.clone(), mib(1))]);
    storage.resize(&raw, mib(2)).unwrap();
    assert_eq!(storage.size(&raw).unwrap(), mib(2));
    assert!(storage.resize(&raw, mib(1)).is_err() && storage.resize(&tree, mib(1)).is_err());
    assert!(made(&storage, vmid(9001), Format::Subvol, mib(1)).is_err());
    let space = storage.space().unwrap();
    assert!(space.total > 0 && space.available < space.total);
    for name in [&raw, &tree, &tree] {
        storage.free(name).unwrap();
    }
    assert!(!disk.images(9001).exists());
}

#[test]
fn a_rollback_brings_back_what_a_snapshot_froze() {
    let Some(disk) = Disk::new() else { return };
    let storage = disk.storage("");
    for name in [tree(&storage, 9001), raw(&storage, 9001)] {
        let place = storage.locate(&name, None).unwrap().path().to_owned();
        let file = |place: &Path| if place.is_dir() { place.join("file") } else { place.to_owned() };
        fs::write(file(&place), "old").unwrap();
        storage.snapshot(&name, "s1").unwrap();
        assert!(storage.snapshot(&name, "s1").is_err(), "the name is taken");
        fs::write(file(&place), "new").unwrap();
        let frozen = storage.locate(&name, Some("s1")).unwrap();
        assert_eq!(fs::read(file(frozen.path())).unwrap(), b"old");
        assert!(fs::write(file(frozen.path()), "x").is_err(), "it is read-only");
        storage.check_rollback(&name, "s1").unwrap();
        storage.rollback(&name, "s1").unwrap();
        storage.rollback(&name, "s1").unwrap();
        assert_eq!(fs::read(file(&place)).unwrap(), b"old");
        fs::write(file(&place), "newer").unwrap();
        storage.delete_snapshot(&name, "s1").unwrap();
        storage.delete_snapshot(&name, "s1").unwrap();
        assert!(storage.check_rollback(&name, "s1").is_err());
        storage.snapshot(&name, "s2").unwrap();
        assert_eq!(storage.list(Some(vmid(9001))).unwrap().iter().filter(|l| l.name == name).count(), 1);
    }
    assert_eq!(disk.names(9001).len(), 4);
    for listed in storage.list(None).unwrap() {
        storage.free(&listed.name).unwrap();
    }
    assert!(!disk.images(9001).exists(), "snapshots go with the volume");
}

#[test]
fn what_a_killed_rollback_left_is_cleared() {
    let Some(disk) = Disk::new() else { return };
    let storage = disk.storage("");
    let name = tree(&storage, 9001);
    storage.snapshot(&name, "s1").unwrap();
    let top = disk.images(9001).join("subvol-9001-disk-0.subvol");
    let left = disk.images(9001).join("subvol-9001-disk-0.subvol.tmp.1");
    for killed in ["before the exchange", "behind it"] {
        nest(&left);
        nest(&left.join("nested"));
        assert_eq!(storage.list(None).unwrap().len(), 1, "{killed}");
        assert!(storage.locate("9001/subvol-9001-disk-0.subvol.tmp.1.subvol", None).is_err());
        storage.rollback(&name, "s1").unwrap();
        assert!(!left.exists() && top.exists(), "{killed}");
    }
    nest(&left);
    storage.free(&name).unwrap();
    assert!(!disk.images(9001).exists());
}

#[test]
fn what_a_guest_has_nested_goes_with_the_volume_but_is_not_rolled_away() {
    let Some(disk) = Disk::new() else { return };
    let storage = disk.storage("");
    let name = tree(&storage, 9001);
    let top = disk.images(9001).join("subvol-9001-disk-0.subvol");
    let deep = top.join("var/lib");
    fs::create_dir_all(&deep).unwrap();
    nest(&deep.join("machines"));
    storage.snapshot(&name, "s1").unwrap();
    // An empty one, as systemd makes them, is no loss.
    storage.rollback(&name, "s1").unwrap();
    assert!(deep.join("machines").is_dir());
    // In a snapshot it is an empty folder, in which nothing can be nested.
    fs::remove_dir(deep.join("machines")).unwrap();
    nest(&deep.join("data"));
    nest(&deep.join("data/inner"));
    fs::write(deep.join("data/precious"), "x").unwrap();
    let refused = storage.rollback(&name, "s1").unwrap_err();
    assert!(refused.to_string().contains("'var/lib/data'"), "{refused}");
    assert!(storage.check_rollback(&name, "s1").is_err());
    assert!(deep.join("data/precious").exists());
    let base = tree(&storage, 9002);
    nest(&disk.images(9002).join("subvol-9002-disk-0.subvol/inner"));
    based(&storage, &base).unwrap();
    for name in [&name, &base] {
        storage.free(name).unwrap();
    }
    assert!(!disk.images(9001).exists() && !disk.images(9002).exists());
}

#[test]
fn a_path_too_long_to_be_told_does_not_keep_a_volume() {
    let Some(disk) = Disk::new() else { return };
    let storage = disk.storage("");
    let name = tree(&storage, 9001);
    let mut dir: OwnedFd =
        fs::File::open(disk.images(9001).join("subvol-9001-disk-0.subvol")).unwrap().into();
    let long = "x".repeat(200);
    for _ in 0..30 {
        rustix::fs::mkdirat(&dir, long.as_str(), Mode::RWXU).unwrap();
        dir = openat(&dir, long.as_str(), FOLDER, Mode::empty()).unwrap();
    }
    for _ in 0..2 {
        crate::sys::btrfs::create(&dir, c"far").unwrap();
        dir = openat(&dir, "far", FOLDER, Mode::empty()).unwrap();
        rustix::fs::mkdirat(&dir, long.as_str(), Mode::RWXU).unwrap();
        dir = openat(&dir, long.as_str(), FOLDER, Mode::empty()).unwrap();
    }
    drop(dir);
    storage.snapshot(&name, "s1").unwrap();
    assert!(storage.check_rollback(&name, "s1").is_err());
    storage.free(&name).unwrap();
    assert!(!disk.images(9001).exists());
}

#[test]
fn bases_are_read_only_and_have_linked_clones() {
    let Some(disk) = Disk::new() else { return };
    let storage = disk.storage("");
    let (image, folder) = (raw(&storage, 9001), tree(&storage, 9001));
    assert!(storage.has_feature(Feature::LinkedClone, &image, None));
    assert!(!storage.has_feature(Feature::LinkedClone, &folder, None), "it is no base");
    fs::write(storage.locate(&folder, None).unwrap().path().join("file"), "x").unwrap();
    storage.snapshot(&image, "s1").unwrap();
    assert!(based(&storage, &image).is_err(), "it has a snapshot");
    assert!(renamed(&storage, &image, vmid(9003)).is_err());
    assert!(storage.has_feature(Feature::LinkedClone, &image, Some("s1")));
    assert_eq!(cloned(&storage, &image, Some("s1"), vmid(9003)).unwrap(), "9003/vm-9003-disk-0.raw");
    storage.delete_snapshot(&image, "s1").unwrap();
    let (base, base_tree) = (based(&storage, &image).unwrap(), based(&storage, &folder).unwrap());
    assert_eq!((base.as_str(), &base_tree), ("9001/base-9001-disk-0.raw", &folder));
    for name in [&base, &base_tree] {
        assert!(storage.has_feature(Feature::LinkedClone, name, None));
    }
    assert!(!storage.has_feature(Feature::Template, &base, None));
    for name in [&image, &folder] {
        based(&storage, name)
            .unwrap_or_else(|e| panic!("as if the first call had broken off at its end: {e}"));
    }
    assert!(storage.describe(&base).unwrap().is_base);
    let clones = [cloned(&storage, &base, None, vmid(9002)), cloned(&storage, &base_tree, None, vmid(9002))];
    let clones = clones.map(Result::unwrap);
    assert_eq!(clones, ["9002/vm-9002-disk-0.raw", "9002/subvol-9002-disk-1.subvol"]);
    let inside = storage.locate(&clones[1], None).unwrap().path().join("file");
    fs::write(&inside, "changed").unwrap();
    for name in [&base, &base_tree] {
        storage.free(name).unwrap();
    }
    assert!(!disk.images(9001).exists());
    assert_eq!(fs::read(inside).unwrap(), b"changed", "a clone does not need its base");
}

#[test]
fn a_file_system_in_a_file_can_be_given_away() {
    let Some(disk) = Disk::new() else { return };
    let storage = disk.storage("");
    let (image, folder) = (raw(&storage, 9001), tree(&storage, 9001));
    raw(&storage, 9002);
    assert_eq!(renamed(&storage, &image, vmid(9002)).unwrap(), "9002/vm-9002-disk-1.raw");
    assert!(renamed(&storage, &folder, vmid(9002)).is_err());
    assert_eq!(disk.names(9001), ["subvol-9001-disk-0.subvol", "subvol-9001-disk-1.subvol"][1..]);
}

#[test]
fn what_is_no_subvolume_is_not_taken_for_one() {
    let Some(disk) = Disk::new() else { return };
    let storage = disk.storage("");
    let elsewhere = disk.path().join("elsewhere");
    nest(&elsewhere);
    fs::create_dir_all(disk.images(9001).join("vm-9001-disk-0/sub")).unwrap();
    symlink(&elsewhere, disk.images(9001).join("subvol-9001-disk-1.subvol")).unwrap();
    assert!(storage.list(None).unwrap().is_empty());
    for name in ["9001/vm-9001-disk-0.raw", "9001/subvol-9001-disk-1.subvol"] {
        assert!(storage.snapshot(name, "s1").is_err(), "{name}");
        assert!(storage.snapshot(name, "../x").is_err(), "{name}");
        storage.free(name).unwrap();
    }
    assert!(elsewhere.exists() && !disk.images(9001).exists());
}

#[test]
fn another_file_system_is_refused() {
    let temp = tempfile::tempdir().unwrap();
    if crate::sys::btrfs::is_btrfs(fs::File::open(temp.path()).unwrap()).unwrap() {
        return;
    }
    let refused = storage(temp.path(), "").activate();
    assert!(matches!(refused, Err(StorageError::Unusable { .. })));
}

/// What is written of snapshots, in a file to read from.
fn sent(storage: &BtrfsStorage, name: &str, span: &Span<'_>) -> OwnedFd {
    let mut file = tempfile::tempfile().unwrap();
    storage.send(name, span, &mut |bytes| io::Write::write_all(&mut file, bytes)).unwrap();
    io::Seek::rewind(&mut file).unwrap();
    file.into()
}

fn length(stream: &OwnedFd) -> u64 {
    rustix::fs::fstat(stream).unwrap().st_size.cast_unsigned()
}

#[test]
fn snapshots_go_to_another_volume_and_further_ones_follow() {
    script::real();
    let (Some(disk), Some(other)) = (Disk::new(), Disk::new()) else { return };
    let (storage, target) = (disk.storage(""), other.storage(""));
    target.activate().unwrap();
    let name = tree(&storage, 9001);
    let top = disk.images(9001).join("subvol-9001-disk-0.subvol");
    fs::write(top.join("big"), vec![7; 4 << 20]).unwrap();
    for snapshot in ["z1", "a2", "m3"] {
        fs::write(top.join("state"), snapshot).unwrap();
        storage.snapshot(&name, snapshot).unwrap();
    }
    fs::write(top.join("state"), "not in a snapshot").unwrap();
    let span = |last, base, all| Span { last, base, all };

    // One alone, then two that go on from it, though the newer one has the lesser name.
    let first = sent(&storage, &name, &span("z1", None, false));
    assert!(length(&first) > 4 << 20);
    let rest = sent(&storage, &name, &span("m3", Some("z1"), true));
    assert!(length(&rest) < 1 << 20, "{}", length(&rest));
    let arrived = "9002/subvol-9002-disk-5.subvol";
    target.receive(arrived, &Arrival::default(), first).unwrap();
    let there = other.images(9002).join("subvol-9002-disk-5.subvol");
    let state = |entry: &str| fs::read_to_string(other.images(9002).join(entry).join("state")).unwrap();
    assert_eq!(state("subvol-9002-disk-5.subvol"), "z1");
    fs::write(there.join("state"), "changed, and lost").unwrap();
    let arrival = Arrival { current: Some("m3"), base: Some("z1") };
    target.receive(arrived, &arrival, rest).unwrap();
    let entry = "subvol-9002-disk-5.subvol";
    let snapshots = ["a2", "m3", "z1"].map(|snapshot| format!("{entry}@{snapshot}"));
    assert_eq!(other.names(9002), [&[entry.to_owned()][..], &snapshots[..]].concat());
    assert_eq!(state(entry), "m3");
    for (at, snapshot) in snapshots.iter().zip(["a2", "m3", "z1"]) {
        assert_eq!(state(at), snapshot);
        assert!(fs::write(other.images(9002).join(at).join("x"), "").is_err(), "it can be written to");
    }
    fs::write(there.join("x"), "").unwrap();

    // All at once, each but as far as it differs.
    let all = sent(&storage, &name, &span("m3", None, true));
    assert!(length(&all) < 6 << 20, "{}", length(&all));
    let whole = "9003/subvol-9003-disk-0.subvol";
    let unclear = target.receive(whole, &Arrival::default(), all.try_clone().unwrap()).unwrap_err();
    assert!(unclear.to_string().starts_with("say which of the snapshots"), "{unclear}");
    assert!(!other.images(9003).exists());
    rustix::fs::seek(&all, rustix::fs::SeekFrom::Start(0)).unwrap();
    target.receive(whole, &Arrival { current: Some("m3"), base: None }, all).unwrap();
    assert_eq!(other.names(9003).len(), 4);
    target.free(whole).unwrap();
    target.free(arrived).unwrap();
    assert_eq!(folders::names(&other.path().join("images")).unwrap(), [""; 0]);
}

#[test]
fn what_does_not_arrive_leaves_nothing_and_harms_nobody() {
    script::real();
    let Some(disk) = Disk::new() else { return };
    let storage = disk.storage("");
    let (raw, tree) = (raw(&storage, 9001), tree(&storage, 9001));
    for name in [&raw, &tree] {
        storage.snapshot(name, "s").unwrap();
    }
    let span = Span { last: "s", base: None, all: false };
    let before = disk.names(9001);
    let stream = sent(&storage, &raw, &span);
    let half = tempfile::tempfile().unwrap();
    io::copy(&mut io::Read::take(fs::File::from(stream), 300), &mut &half).unwrap();
    rustix::fs::seek(&half, rustix::fs::SeekFrom::Start(0)).unwrap();
    assert!(storage.receive("9002/vm-9002-disk-0.raw", &Arrival::default(), half.into()).is_err());
    let refused = [
        // It is no image; somebody has the name; there is no such base.
        ("9002/vm-9002-disk-0.raw", Arrival::default(), &tree),
        (&*tree, Arrival::default(), &tree),
        (&*tree, Arrival { current: None, base: Some("none") }, &tree),
        (&*tree, Arrival { current: None, base: Some("s") }, &tree),
    ];
    for (name, arrival, of) in refused {
        assert!(storage.receive(name, &arrival, sent(&storage, of, &span)).is_err(), "{name} {arrival:?}");
    }
    assert_eq!((disk.names(9001), disk.images(9002).exists()), (before, false));

    // Whoever takes no more is not sent the rest.
    fs::write(disk.images(9001).join("subvol-9001-disk-1.subvol/big"), vec![7; 8 << 20]).unwrap();
    storage.snapshot(&tree, "t").unwrap();
    let mut taken = 0;
    let stopped = storage.send(&tree, &Span { last: "t", base: None, all: false }, &mut |bytes| {
        taken += bytes.len();
        if taken > 1 << 20 { Err(io::ErrorKind::BrokenPipe.into()) } else { Ok(()) }
    });
    assert!(stopped.unwrap_err().to_string().starts_with("cannot send '"));
    assert!(taken < 4 << 20, "{taken}");
    for missing in [("none", None), ("s", Some("none"))] {
        let span = Span { last: missing.0, base: missing.1, all: false };
        assert!(storage.send(&tree, &span, &mut |_| Ok(())).is_err());
    }
}

#[test]
fn an_inbox_that_nobody_waits_for_is_found_and_goes() {
    let Some(disk) = Disk::new() else { return };
    let storage = disk.storage("");
    let name = tree(&storage, 9001);
    let inbox = disk.images(9001).join("recv.9001.4711.tmp");
    fs::create_dir(&inbox).unwrap();
    nest(&inbox.join("subvol-9001-disk-0.subvol@s"));
    let waiting = folders::open(&inbox).unwrap().unwrap();
    rustix::fs::flock(&waiting, rustix::fs::FlockOperation::LockExclusive).unwrap();
    assert_eq!(storage.leftovers(vmid(9001)).unwrap(), [""; 0]);
    assert!(storage.remove_leftover(vmid(9001), "recv.9001.4711.tmp").is_err());
    drop(waiting);
    assert_eq!(storage.leftovers(vmid(9001)).unwrap(), ["recv.9001.4711.tmp"]);
    storage.remove_leftover(vmid(9001), "recv.9001.4711.tmp").unwrap();
    assert!(!inbox.exists());
    storage.free(&name).unwrap();
    assert!(!disk.images(9001).exists());
}
