//! What GNU tar packs, we unpack as GNU tar does.

use std::{
    fs::{self, File},
    io::Write,
    os::unix::{
        ffi::OsStrExt,
        fs::{FileExt, symlink},
    },
};

use rustix::fs::{CWD, FileType, Mode, Timespec, Timestamps};

use super::*;

/// One of everything.
fn make_tree(root: &Path) {
    let write = |name: &str, data: &[u8]| {
        fs::create_dir_all(root.join(name).parent().unwrap()).unwrap();
        fs::write(root.join(name), data).unwrap();
    };
    write("etc/passwd", b"root:x:0:0::/root:/bin/sh\n");
    write("empty", b"");
    write("block", &[7; 512]);
    write("block-and-one", &[7; 513]);
    write("large", &(0..100_000_u32).flat_map(u32::to_le_bytes).collect::<Vec<_>>()[..300_001]);
    let name_100 = "n".repeat(100);
    let name_250 = "m".repeat(250);
    write(&format!("long/{name_100}"), b"100");
    write(&format!("long/{name_250}"), b"250");
    write(&format!("long/{name_250}/{name_250}x/{name_100}").replacen(&name_250, "dir", 1), b"deep");
    symlink(format!("{name_250}/{name_250}"), root.join("long/symlink")).unwrap();
    fs::hard_link(root.join(format!("long/{name_250}")), root.join(format!("long/{}", "h".repeat(200))))
        .unwrap();
    write(&format!("deep/{}x", "d/".repeat(120)), b"bottom");
    fs::write(root.join(std::ffi::OsStr::from_bytes(b"latin1-caf\xe9\n=%")), b"x").unwrap();
    write("zeros", &vec![0; 100_000]);

    let sparse = |name: &str, chunks: &[u64], size: u64| {
        let file = File::create(root.join(name)).unwrap();
        for offset in chunks {
            file.write_all_at(&[b'S'; 8192], *offset).unwrap();
        }
        file.set_len(size).unwrap();
        file.sync_all().unwrap();
    };
    sparse("sparse-end", &[0], 2 << 20);
    sparse("sparse-begin", &[1 << 20], (1 << 20) + 8192);
    sparse("sparse-all", &[], 1 << 20);
    sparse("sparse-many", &(0..200).map(|n| n * 16384).collect::<Vec<_>>(), 4 << 20);
    sparse("sparse-huge", &[1 << 35], (1 << 35) + 100_000);

    fs::hard_link(root.join("empty"), root.join("empty-too")).unwrap();
    fs::hard_link(root.join("large"), root.join("deep/large-too")).unwrap();
    symlink("etc/passwd", root.join("link")).unwrap();
    symlink("/etc/nowhere", root.join("absolute")).unwrap();
    symlink("../../..", root.join("upwards")).unwrap();
    fs::hard_link(root.join("link"), root.join("link-too")).unwrap();

    let node = |name: &str, kind, dev| {
        fs::create_dir_all(root.join(name).parent().unwrap()).unwrap();
        rustix::fs::mknodat(CWD, root.join(name), kind, Mode::from_raw_mode(0o640), dev).unwrap();
    };
    node("fifo", FileType::Fifo, 0);
    node("var/null", FileType::CharacterDevice, rustix::fs::makedev(1, 3));
    node("var/disk", FileType::BlockDevice, rustix::fs::makedev(259, 70_000));
    node("dev/null", FileType::CharacterDevice, rustix::fs::makedev(1, 3));
    write("dev/sub/file", b"left out");

    let chmod = |name: &str, mode: u32| {
        rustix::fs::chmod(root.join(name), Mode::from_raw_mode(mode)).unwrap();
    };
    let chown =
        |name: &str, id: u32| std::os::unix::fs::lchown(root.join(name), Some(id), Some(id + 1)).unwrap();
    for (name, mode) in [("suid", 0o4755), ("sgid", 0o2711), ("none", 0), ("all", 0o7777)] {
        write(name, b"x");
        chown(name, 1000);
        chmod(name, mode);
    }
    write("dirs/readonly/file", b"x");
    write("dirs/sticky/file", b"x");
    write("dirs/closed/file", b"x");
    for (name, mode) in
        [("dirs/readonly", 0o555), ("dirs/sticky", 0o1777), ("dirs/closed", 0), ("dirs", 0o2750)]
    {
        chown(name, 65534);
        chmod(name, mode);
    }
    chown("link", 1234);
    chown("fifo", 1_999_999);
    chmod("fifo", 0o622);

    run("setfattr", &["-n", "user.note", "-v", "some text", "etc/passwd"], root);
    run("setfattr", &["-n", "user.a=b%3D", "-v", "0sAAECAwo=", "suid"], root);
    run("setfattr", &["-n", "user.dir", "-v", "", "dirs/sticky"], root);
    run("setfattr", &["-n", "trusted.no", "-v", "x", "etc/passwd"], root);
    run("setcap", &["cap_net_raw+ep", "all"], root);
    // Ids that have no name here: tar 1.34 writes names, even when told to write numbers.
    run("setfacl", &["-m", "u:51000:rw,g:50004:r,m:rw", "etc/passwd"], root);
    run("setfacl", &["-m", "u:50007:rwx,d:u:50008:rx,d:g::rwx", "dirs/sticky"], root);
    run("setfacl", &["-d", "-m", "u:50009:rwx", "etc"], root);

    let times = |name: &str, seconds: i64, nanos: i64| {
        let t = Timespec { tv_sec: seconds, tv_nsec: nanos };
        let times = Timestamps { last_access: t, last_modification: t };
        rustix::fs::utimensat(CWD, root.join(name), &times, rustix::fs::AtFlags::SYMLINK_NOFOLLOW).unwrap();
    };
    times("etc/passwd", 1_000_000_000, 123_456_789);
    times("link", 5, 5);
    times("absolute", 1_500_000_000, 0);
    times("large", 5_000_000_000, 0);
    times("suid", -1_000, 250_000_000);
    times("fifo", 77, 0);
    times("dirs/readonly", 1_234_567_890, 1);
    times("dirs/sticky", 1, 0);
    times("etc", 1_111_111_111, 0);
    times("long", 3, 0);
}

const UNPACK: [&str; 10] = [
    "--numeric-owner",
    "--sparse",
    "--acls",
    "--xattrs",
    "--xattrs-include=user.*",
    "--xattrs-include=security.capability",
    "--skip-old-files",
    "--anchored",
    "--exclude",
    "./dev/*",
];

fn compare(name: &str, archive: &Path, scratch: &Path) -> Summary {
    let theirs = scratch.join("theirs");
    let ours = scratch.join("ours");
    for dir in [&theirs, &ours] {
        let _ = fs::remove_dir_all(dir);
        fs::create_dir(dir).unwrap();
        // Something old, that stays.
        fs::create_dir(dir.join("etc")).unwrap();
        fs::write(dir.join("block"), "old").unwrap();
        for old in ["block", "etc"] {
            let t = Timespec { tv_sec: 42, tv_nsec: 42 };
            let times = Timestamps { last_access: t, last_modification: t };
            rustix::fs::utimensat(CWD, dir.join(old), &times, rustix::fs::AtFlags::empty()).unwrap();
        }
    }
    let args = [&["-xpf", archive.to_str().unwrap(), "-C", theirs.to_str().unwrap()][..], &UNPACK].concat();
    run("tar", &args, scratch);
    let data = fs::read(archive).unwrap();
    let compression = Compression::from_name(archive.to_str().unwrap()).unwrap();
    let options = Options { devices: true, ..Options::default() };
    let summary = unpack_bytes(&data, compression, &ours, &options).unwrap();
    assert_eq!(summary.warnings, [""; 0], "{name}");
    let mut ours = manifest(&ours);
    let mut theirs = manifest(&theirs);
    // The time of what was there before is when something was put into it: now.
    for map in [&mut ours, &mut theirs] {
        let etc = map.remove("etc").unwrap();
        assert!(etc.starts_with("40755 0:0 ") && !etc.contains("acl"), "{etc}");
        assert!(map["block"].contains("size 3 "));
        assert!(map.contains_key("dev") && !map.keys().any(|k| k.starts_with("dev/")), "{name}");
    }
    assert!(ours.len() > 60, "{name}: {}", ours.len());
    assert_same(name, &ours, &theirs);
    summary
}

#[test]
fn every_format_unpacks_as_gnu_tar_does_it() {
    if !needs_root() {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let scratch = scratch.path();
    let tree = scratch.join("tree");
    fs::create_dir(&tree).unwrap();
    make_tree(&tree);
    let posix = ["--format=posix", "--acls", "--xattrs", "--sparse"];
    let formats: [(&str, Vec<&str>); 8] = [
        ("gnu", vec!["--format=gnu", "--sparse"]),
        ("oldgnu", vec!["--format=oldgnu", "--sparse"]),
        ("posix", posix.to_vec()),
        ("posix-0.0", [&posix[..], &["--sparse-version=0.0"]].concat()),
        ("posix-0.1", [&posix[..], &["--sparse-version=0.1"]].concat()),
        // These can't hold names, sizes and owners of any size: tar complains and leaves them out.
        ("ustar", vec!["--format=ustar"]),
        ("v7", vec!["--format=v7"]),
        ("posix-plain", vec!["--format=posix", "--no-recursion", "--null", "-T", "../list"]),
    ];
    // Files before their directories.
    let mut list = Vec::new();
    for name in manifest(&tree).keys().rev().filter(|name| !name.contains('\\')) {
        list.extend([b"./", name.as_bytes(), b"\0"].concat());
    }
    fs::write(scratch.join("list"), list).unwrap();
    for (name, options) in formats {
        // 32 GiB of holes are only packed where they are not written out.
        let huge = options.contains(&"--sparse");
        let archive = scratch.join(format!("{name}.tar"));
        let mut tar = Command::new("tar");
        tar.current_dir(&tree).arg("-cf").arg(&archive).arg("--numeric-owner");
        if !huge {
            tar.arg("--exclude=./sparse-huge");
        }
        tar.args(&options);
        if name != "posix-plain" {
            tar.arg(".");
        }
        let output = tar.output().unwrap();
        let complete = output.status.success();
        assert!(
            complete || matches!(name, "ustar" | "v7"),
            "{name}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        if name == "posix-plain" {
            reversed(&archive, &tree, scratch);
            continue;
        }
        let summary = compare(name, &archive, scratch);
        assert_eq!(summary.skipped_devices, 0);
        assert!(summary.bytes > 400_000, "{name}");
        fs::remove_file(&archive).unwrap();
    }
}

/// Children before parents: here we are better than GNU tar with `--skip-old-files`, which leaves such
/// directories with a made-up owner and mode. The result is the tree itself.
fn reversed(archive: &Path, tree: &Path, scratch: &Path) {
    let ours = scratch.join("reversed");
    fs::create_dir(&ours).unwrap();
    let options = Options { devices: true, skip_dev: false, ..Options::default() };
    unpack_bytes(&fs::read(archive).unwrap(), Compression::None, &ours, &options).unwrap();
    let without_extras = |root: &Path| {
        let mut map = manifest(root);
        map.retain(|name, _| !name.contains('\\') && !name.contains("sparse"));
        for line in map.values_mut() {
            // Not packed this time: extended attributes, and with them the lists.
            let extra =
                [" user.", " system.", " security.", " trusted."].iter().filter_map(|x| line.find(x)).min();
            line.truncate(extra.unwrap_or(line.len()));
            // Which of several links was packed first.
            *line = line.replace(" first ", " ");
        }
        map
    };
    let (ours, tree) = (without_extras(&ours), without_extras(tree));
    let directories = |map: &BTreeMap<String, String>| -> BTreeMap<String, String> {
        map.iter().filter(|(_, line)| line.starts_with('4')).map(|(k, v)| (k.clone(), v.clone())).collect()
    };
    assert!(directories(&tree).len() > 120);
    assert_same("reversed", &directories(&ours), &directories(&tree));
    assert_eq!(ours.keys().collect::<Vec<_>>(), tree.keys().collect::<Vec<_>>());
}

#[test]
fn every_compression_is_undone() {
    if !needs_root() {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let tree = scratch.path().join("tree");
    fs::create_dir(&tree).unwrap();
    let mut want = Vec::new();
    for n in 0..400_000_u32 {
        want.extend(n.wrapping_mul(2_654_435_761).to_le_bytes());
    }
    File::create(tree.join("file")).unwrap().write_all(&want).unwrap();
    for (name, flag) in
        [("a.tar", "-c"), ("a.tar.gz", "-cz"), ("a.tar.xz", "-cJ"), ("a.tar.bz2", "-cj"), ("a.tar.zst", "-c")]
    {
        let archive = scratch.path().join(name);
        let mut args = vec![flag, "-f", archive.to_str().unwrap(), "."];
        if name.ends_with("zst") {
            args.push("--zstd");
        }
        run("tar", &args, &tree);
        let root = scratch.path().join(format!("{name}-root"));
        fs::create_dir(&root).unwrap();
        let data = fs::read(&archive).unwrap();
        let compression = Compression::from_name(name).unwrap();
        let summary = unpack_bytes(&data, compression, &root, &Options::default()).unwrap();
        assert_eq!((summary.entries, summary.bytes), (2, want.len() as u64), "{name}");
        assert!(fs::read(root.join("file")).unwrap() == want, "{name}");

        // Cut anywhere, it is an error; changed anywhere in its middle, too (save the plain one).
        for part in [0, 1, 20, data.len() / 2, data.len() - 600] {
            if compression == Compression::None && part > want.len() {
                continue; // the end marker is followed by padding
            }
            fs::remove_file(root.join("file")).unwrap_or_default();
            let error = unpack_bytes(&data[..part], compression, &root, &Options::default()).unwrap_err();
            assert!(
                matches!(error, Error::UnexpectedEnd { .. } | Error::Read { .. }),
                "{name} {part}: {error:?}"
            );
        }
        if compression != Compression::None {
            let mut damaged = data.clone();
            damaged[data.len() / 2] ^= 0x10;
            fs::remove_file(root.join("file")).unwrap_or_default();
            let error = unpack_bytes(&damaged, compression, &root, &Options::default()).unwrap_err();
            assert!(
                matches!(error, Error::Read { .. } | Error::Checksum { .. } | Error::UnexpectedEnd { .. }),
                "{name}: {error:?}"
            );
            // The stream's checksum behind the end of the archive is looked at as well.
            let mut damaged = data.clone();
            let tail = damaged.len() - 6;
            damaged[tail] ^= 0x10;
            fs::remove_file(root.join("file")).unwrap_or_default();
            if compression == Compression::Zstd {
                continue; // its four bytes at the end are the last of all
            }
            assert!(unpack_bytes(&damaged, compression, &root, &Options::default()).is_err(), "{name}");
        }
    }
}

#[test]
fn an_archive_of_another_kind_is_an_error() {
    let arena = Arena::new();
    for (data, compression) in [
        (&b""[..], Compression::None),
        (b"hello", Compression::None),
        (&[b'x'; 4096], Compression::None),
        (b"", Compression::Gzip),
        (b"no gzip file, really none", Compression::Gzip),
        (b"no xz file, really none", Compression::Xz),
        (b"no zstd file, really none", Compression::Zstd),
        (b"no bzip2 file, really none", Compression::Bzip2),
    ] {
        let error = unpack_bytes(data, compression, &arena.root(), &Options::default()).unwrap_err();
        assert!(!error.concerns_one_member(), "{error:?}");
    }
    let error = arena.unpack(&[b'x'; 4096], &Options::default()).unwrap_err();
    assert!(
        error.to_string().contains("at byte 0") && error.to_string().contains("no tar archive"),
        "{error}"
    );
}
