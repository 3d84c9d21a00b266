//! Volumes that leave a storage as a stream, and arrive on another.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, chown, symlink};
use std::path::Path;

use pct_tests::send_stream::SendStream;
use pct_tests::wait::until_true;
use pct_tests::{Host, Run, require_root};
use rustix::fs::{CWD, Mode, XattrFlags};
use rustix::process::Signal;

/// `pct storage` with these words.
fn storage(host: &Host, words: &[&str]) -> Run {
    host.pct(&[&["storage"], words].concat())
}

#[test]
fn an_image_arrives_with_its_bytes_and_its_holes() {
    require_root!();
    let host = Host::new();
    let ct = host.running(&["--rootfs", "local:0", "--mp0", "local:0.0625,mp=/data"]);
    ct.sh("echo here > /data/file; sync");
    ct.stop();
    let volume = format!("local:{0}/vm-{0}-disk-1.raw", ct.id);
    let stream = storage(&host, &["export", &volume, "raw+size", "-"]).ok();
    assert_eq!(stream.stdout.len(), 8 + (64 << 20));
    assert_eq!(stream.stdout[..8], (64u64 << 20).to_le_bytes());
    assert!(stream.stderr.is_empty(), "{stream:?}");

    let other = host.busybox(&[]);
    let wanted = format!("local:{0}/vm-{0}-disk-7.raw", other.id);
    let import = |words: &[&str]| {
        storage(&host, &[&["import", &wanted, "raw+size", "-"], words].concat()).stdin(stream.stdout.clone())
    };
    assert_eq!(import(&[]).ok().out(), format!("successfully imported '{wanted}'\n"));
    let image = host.storage().join(format!("images/{0}/vm-{0}-disk-7.raw", other.id));
    assert!(fs::read(&image).unwrap() == stream.stdout[8..]);
    let used = fs::metadata(&image).unwrap().blocks() * 512;
    assert!(used < 16 << 20, "{used} bytes are used");
    // The name is taken now.
    import(&[]).output().fails().says("vm-").says("already exists");
    let second = format!("local:{0}/vm-{0}-disk-1.raw", other.id);
    assert_eq!(import(&["--allow-rename", "1"]).ok().out(), format!("successfully imported '{second}'\n"));
    storage(&host, &["free", &second]).ok();

    other.pct("set", &["--mp0", &format!("{wanted},mp=/data")]).ok();
    other.start();
    assert_eq!(other.sh("cat /data/file"), "here\n");
}

#[test]
fn a_tree_arrives_with_all_that_belongs_to_it() {
    require_root!();
    let host = Host::new();
    let ct = host.busybox(&["--unprivileged", "0"]);
    chown(ct.subvol(), Some(100_000), Some(100_001)).unwrap();
    fs::set_permissions(ct.subvol(), fs::Permissions::from_mode(0o711)).unwrap();
    let top = ct.subvol().join("root");
    fs::write(top.join("file"), "text").unwrap();
    chown(top.join("file"), Some(100_033), Some(33)).unwrap();
    fs::set_permissions(top.join("file"), fs::Permissions::from_mode(0o6751)).unwrap();
    fs::hard_link(top.join("file"), top.join("second")).unwrap();
    symlink("/etc/passwd", top.join("link")).unwrap();
    rustix::fs::mkfifoat(CWD, top.join("pipe"), Mode::RUSR).unwrap();
    let null = rustix::fs::makedev(1, 3);
    rustix::fs::mknodat(CWD, top.join("null"), rustix::fs::FileType::CharacterDevice, Mode::RUSR, null)
        .unwrap();
    rustix::fs::setxattr(top.join("file"), "user.pct", b"value", XattrFlags::empty()).unwrap();
    // cap_net_raw=ep
    let capability = [1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    fs::write(top.join("ping"), "").unwrap();
    rustix::fs::setxattr(top.join("ping"), "security.capability", &capability, XattrFlags::empty()).unwrap();
    let sparse = File::create(top.join("sparse")).unwrap();
    sparse.set_len(64 << 20).unwrap();
    fs::create_dir(ct.subvol().join("dev/shm2")).unwrap();

    let file = host.scratch().join("tree");
    let file = file.to_str().unwrap();
    let volume = format!("local:{0}/subvol-{0}-disk-0.subvol", ct.id);
    storage(&host, &["export", &volume, "tar+size", file]).ok().quiet();
    assert_eq!(fs::metadata(file).unwrap().mode() & 0o7777, 0o600);
    let other = host.ct();
    let arrived = format!("local:{0}/subvol-{0}-disk-3.subvol", other.id);
    storage(&host, &["import", &arrived, "tar+size", file]).ok();

    let tree = host.storage().join(format!("images/{0}/subvol-{0}-disk-3.subvol", other.id));
    let lines = |tree: &Path| {
        let find = Run::new("/usr/bin/find").dir(tree);
        let told = find.args([".", "-printf", "%p %y %m %U:%G %n %s %T@ %l\n"]).ok().out();
        let mut lines: Vec<_> = told.lines().map(str::to_owned).collect();
        lines.sort_unstable();
        lines
    };
    for (ours, theirs) in lines(&tree).iter().zip(lines(&ct.subvol())) {
        assert_eq!(*ours, theirs);
    }
    assert_eq!(lines(&tree).len(), lines(&ct.subvol()).len());
    let top = tree.join("root");
    assert_eq!(fs::metadata(top.join("null")).unwrap().rdev(), null);
    assert!(fs::metadata(top.join("null")).unwrap().file_type().is_char_device());
    assert_eq!(
        fs::metadata(top.join("file")).unwrap().ino(),
        fs::metadata(top.join("second")).unwrap().ino()
    );
    let mut value = [0; 64];
    for (file, name, expected) in
        [("file", "user.pct", &b"value"[..]), ("ping", "security.capability", &capability)]
    {
        let length = rustix::fs::getxattr(top.join(file), name, &mut value).unwrap();
        assert_eq!(&value[..length], expected);
    }
    assert!(fs::metadata(top.join("sparse")).unwrap().blocks() < 1000);
    storage(&host, &["free", &arrived]).ok();
}

#[test]
fn snapshots_go_from_one_btrfs_to_another() {
    require_root!();
    let host = Host::new();
    let mut text = String::new();
    for name in ["one", "two"] {
        let path = host.disk(name, "btrfs", 512 << 20);
        text += &format!("btrfs: {name}\n\tpath {}\n\tcontent rootdir\n\n", path.display());
    }
    host.storages(&text);
    let ct = host.running(&["--rootfs", "one:0", "--mp0", "one:0.0625,mp=/data"]);
    for snapshot in ["s1", "s2"] {
        ct.sh(&format!("echo {snapshot} > /root/state; echo {snapshot} > /data/state; sync"));
        ct.pct("snapshot", &[snapshot]).ok();
    }
    ct.stop();
    let file = host.scratch().join("stream");
    let file = file.to_str().unwrap();
    let other = host.busybox(&[]);
    for (number, end) in [(0, "subvol"), (1, "raw")] {
        let prefix = if end == "raw" { "vm" } else { "subvol" };
        let volume = format!("one:{0}/{prefix}-{0}-disk-{number}.{end}", ct.id);
        let arrived = format!("two:{0}/{prefix}-{0}-disk-{number}.{end}", other.id);
        let export = |words: &[&str]| storage(&host, &[&["export", &volume, "btrfs", file], words].concat());
        export(&[]).output().fails().says("only a snapshot can be written in this format");
        assert!(!Path::new(file).exists(), "what has failed is not left");
        export(&["--snapshot", "s1"]).ok().quiet();
        storage(&host, &["import", &arrived, "btrfs", file]).ok();
        export(&["--snapshot", "s2", "--base", "s1"]).ok().quiet();
        assert!(fs::metadata(file).unwrap().len() < 8 << 20, "only what has changed");
        let import = ["import", &arrived, "btrfs", file, "--base", "s1", "--delete-snapshot", "s1"];
        storage(&host, &import).ok();
        let path = host.root().join(format!("two/images/{}", other.id));
        let mut names: Vec<_> =
            fs::read_dir(&path).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.retain(|name| name.starts_with(prefix));
        names.sort_unstable();
        let entry = arrived.rsplit('/').next().unwrap();
        let entry = entry.strip_suffix(".raw").unwrap_or(entry);
        assert_eq!(names, [entry.to_owned(), format!("{entry}@s2")]);
        fs::remove_file(file).unwrap();
        other.pct("set", &[&format!("--mp{number}"), &format!("{arrived},mp=/mnt/{prefix}")]).ok();
    }
    other.start();
    assert_eq!(
        other.sh("cat /mnt/subvol/root/state /mnt/vm/state; echo new > /mnt/subvol/root/state"),
        "s2\ns2\n"
    );
    // A snapshot's image needs no btrfs.
    let volume = format!("one:{0}/vm-{0}-disk-1.raw", ct.id);
    let image = storage(&host, &["export", &volume, "raw+size", "-", "--snapshot", "s1"]).ok();
    assert_eq!(image.stdout.len(), 8 + (64 << 20));
}

/// `btrfs receive` opens the paths of a stream as root.
#[test]
fn a_stream_of_snapshots_leads_to_nothing_else() {
    require_root!();
    let host = Host::new();
    let path = host.btrfs(512 << 20);
    let ct = host.ct();
    let (tree, raw) = ("subvol-{}-disk-0.subvol", "vm-{}-disk-0.raw");
    let volume = |name: &str| format!("fast:{}/{}", ct.id, name.replace("{}", &ct.id));
    let import = |name: &str, stream: SendStream, words: &[&str]| {
        storage(&host, &[&["import", &volume(name), "btrfs", "-"], words].concat()).stdin(stream.end())
    };
    let images = path.join(format!("images/{}", ct.id));
    let outside = host.scratch().join("outside");
    fs::create_dir(&outside).unwrap();
    let is_untouched = || fs::read_dir(&outside).unwrap().next().is_none() && !path.join("evil").exists();

    let stream = || SendStream::new("v@s");
    let linked = |entry| stream().symlink("door", &outside).file(entry, "evil");
    let rows = [
        (tree, linked("door/evil"), "door/evil"),
        (tree, stream().file("../../../../evil", "evil"), "'evil'"),
        (tree, stream().symlink("../v@t", &outside), "@t': Not a directory"),
        (raw, stream().symlink("disk.raw", &outside.join("evil")), "is no image"),
    ];
    for (name, stream, reason) in rows {
        import(name, stream, &["--snapshot", "s"]).output().fails().says(reason);
        assert!(is_untouched() && !images.exists(), "{reason}");
    }
    import(tree, stream().file("file", "text"), &[]).ok();
    assert_eq!(fs::read_to_string(images.join(tree.replace("{}", &ct.id)).join("file")).unwrap(), "text");

    // Nor by a volume that is there already.
    import(raw, stream().file("disk.raw", "image"), &[]).ok();
    let link = SendStream::new("v@t").symlink("disk.raw", &outside.join("evil"));
    import(raw, link, &["--base", "s"]).output().fails().says("is no image");
    let image = images.join(raw.replace("{}", &ct.id).replace(".raw", "")).join("disk.raw");
    assert_eq!(fs::read_to_string(image).unwrap(), "image");
    assert!(is_untouched());
    for name in [tree, raw] {
        storage(&host, &["free", &volume(name)]).ok();
    }
}

#[test]
fn what_does_not_arrive_as_a_whole_is_not_there() {
    require_root!();
    let host = Host::new();
    let ct = host.ct();
    let raw = format!("local:{0}/vm-{0}-disk-0.raw", ct.id);
    let tree = format!("local:{0}/subvol-{0}-disk-0.subvol", ct.id);
    let size = (1u64 << 20).to_le_bytes();
    let stream = |bytes: usize| [&size[..], &vec![7; bytes]].concat();
    let rows = [
        (&raw, "raw+size", stream(1000), "it ends after 1000 of 1048576 bytes"),
        (&raw, "raw+size", stream((1 << 20) + 1), "it goes on behind the 1048576 bytes that it should have"),
        (&raw, "raw+size", vec![0; 8], "does not begin with the size of an image"),
        (&raw, "raw+size", vec![1; 7], "cannot read the size at the beginning of the stream"),
        (&raw, "tar+size", stream(0), "no stream of the format tar+size, but raw+size"),
        (&raw, "zfs", stream(0), "no stream of the format zfs"),
        (&raw, "qcow2+size", stream(0), "'qcow2+size' is not one of raw+size, tar+size, btrfs, zfs"),
        (&tree, "tar+size", [&[0; 8][..], &[7; 5000]].concat(), "archive"),
        (&tree, "tar+size", vec![0; 8], "archive"),
    ];
    for (volume, format, bytes, reason) in rows {
        storage(&host, &["import", volume, format, "-"]).stdin(bytes).output().fails().says(reason);
        assert!(!host.storage().join(format!("images/{}", ct.id)).exists(), "{reason}");
    }
    let base = ["import", &raw, "raw+size", "-", "--base", "s1"];
    storage(&host, &base).output().fails().says("base: only with the formats btrfs and zfs");

    // Whoever does not want to wait for the rest.
    let fifo = host.scratch().join("fifo");
    rustix::fs::mkfifoat(CWD, &fifo, Mode::RUSR | Mode::WUSR).unwrap();
    let image = host.storage().join(format!("images/{0}/vm-{0}-disk-0.raw", ct.id));
    let waiting = |signal| {
        let import = storage(&host, &["import", &raw, "raw+size", fifo.to_str().unwrap()]).start();
        let mut sender = OpenOptions::new().write(true).open(&fifo).unwrap();
        sender.write_all(&stream(100_000)).unwrap();
        until_true("the image is made", || image.exists());
        import.signal(signal);
        assert_ne!(import.finish().status, 0);
    };
    waiting(Signal::TERM);
    assert!(!image.exists());
    // Who is killed leaves a volume that the storage lists.
    waiting(Signal::KILL);
    let listed = storage(&host, &["list", "local", "--vmid", &ct.id]).ok().out();
    assert!(listed.contains(&raw), "{listed}");
    storage(&host, &["free", &raw]).ok();
}
