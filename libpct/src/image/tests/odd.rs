//! Archives that are odd without meaning harm.

use std::{
    io::{self, Read},
    os::unix::fs::MetadataExt,
};

use super::*;

#[test]
fn what_follows_the_end_marker_is_ignored() {
    if !needs_root() {
        return;
    }
    let arena = Arena::new();
    let mut data = Tar::default().file("a", b"a").end();
    data.extend([0; 512 * 7]);
    data.extend(b"rubbish");
    assert_eq!(arena.unpack(&data, &Options::default()).unwrap().warnings, [""; 0]);
    // A lone block of zeros ends it too, as for GNU tar, and is told.
    let mut data = Tar::default().file("b", b"b").0;
    data.extend([0; 512]);
    data.extend(Tar::default().file("c", b"c").end());
    let warnings = arena.unpack(&data, &Options::default()).unwrap().warnings;
    assert_eq!(warnings, ["the archive has a lone zero block at byte 1024"]);
    assert_eq!(manifest(&arena.root()).into_keys().collect::<Vec<_>>(), ["a", "b"]);
}

#[test]
fn a_missing_end_marker_is_believed_when_the_stream_was_whole() {
    if !needs_root() {
        return;
    }
    let arena = Arena::new();
    let data = zstd::stream::encode_all(&Tar::default().file("a", b"a").0[..], 1).unwrap();
    let summary = unpack_bytes(&data, Compression::Zstd, &arena.root(), &Options::default()).unwrap();
    assert_eq!(summary.warnings, ["the archive has no end marker"]);
}

#[test]
fn a_wrong_checksum_says_where() {
    if !needs_root() {
        return;
    }
    let arena = Arena::new();
    let mut data = Tar::default().file("a", b"a").file("b", b"b").end();
    data[1024 + 20] ^= 1;
    let error = arena.unpack(&data, &Options::default()).unwrap_err();
    assert!(matches!(error, Error::Checksum { offset: 1024 }), "{error:?}");
    assert!(error.to_string().contains("at byte 1024"));
}

#[test]
fn with_ignored_errors_the_rest_is_unpacked() {
    if !needs_root() {
        return;
    }
    let arena = Arena::new();
    let tar = Tar::default()
        .dir("d", "0000711")
        .file("../x", b"skip this")
        .symlink("out", "../canary")
        .file("out/y", b"and this")
        .file("d/z", b"z");
    let options = Options { ignore_errors: true, ..Options::default() };
    let summary = arena.unpack(&tar.end(), &options).unwrap();
    assert_eq!(summary.entries, 5);
    assert_eq!(summary.warnings.len(), 2);
    assert!(summary.warnings[0].contains("'../x'") && summary.warnings[1].contains("out/y"), "{summary:?}");
    assert_eq!(fs::read(arena.root().join("d/z")).unwrap(), b"z");
    assert_eq!(fs::metadata(arena.root().join("d")).unwrap().mode() & 0o7777, 0o711);

    // Many of them do not fill the memory.
    let mut tar = Tar::default();
    for n in 0..500 {
        tar = tar.file(&format!("../{n}"), b"");
    }
    let warnings = arena.unpack(&tar.end(), &options).unwrap().warnings;
    assert_eq!(warnings.len(), 101);
    assert_eq!(warnings[100], "400 more warnings are left out");
}

#[test]
fn what_is_there_stays_as_it_is() {
    if !needs_root() {
        return;
    }
    let arena = Arena::new();
    fs::create_dir_all(arena.root().join("d")).unwrap();
    fs::write(arena.root().join("d/old"), "old").unwrap();
    std::os::unix::fs::chown(arena.root().join("d"), Some(5), Some(6)).unwrap();
    let mut d = Head::new(b'5', "d/").mode("0000700");
    d.uid = b"0001750".to_vec();
    let tar = Tar::default().dir("./", "0000700").add(&d, b"").file("d/old", b"new").file("d/new", b"new");
    let before = fs::metadata(arena.root()).unwrap().mode();
    arena.unpack(&tar.end(), &Options::default()).unwrap();
    let stat = fs::metadata(arena.root().join("d")).unwrap();
    assert_eq!((stat.uid(), stat.gid(), stat.mode() & 0o7777), (5, 6, 0o755));
    assert_eq!(fs::read(arena.root().join("d/old")).unwrap(), b"old");
    assert_eq!(fs::read(arena.root().join("d/new")).unwrap(), b"new");
    assert_eq!(fs::metadata(arena.root()).unwrap().mode(), before);
}

#[test]
fn directories_get_what_the_archive_says_even_when_it_comes_late() {
    if !needs_root() {
        return;
    }
    let arena = Arena::new();
    let acl = b"user::rwx,user:77:r-x,group::r-x,mask::r-x,other::---";
    let tar = Tar::default()
        .file("a/b/c", b"c")
        .pax(&[
            ("uid", b"9"),
            ("mtime", b"33.25"),
            ("SCHILY.acl.default", acl),
            ("SCHILY.xattr.user.k", b"v"),
        ])
        .dir("a/b", "0000555")
        .dir("a/b", "0000777")
        .file("a/b/d", b"d")
        .dir("a/b/e", "0000700");
    arena.unpack(&tar.end(), &Options::default()).unwrap();
    let map = manifest(&arena.root());
    assert!(map["a/b"].starts_with("40555 9:0 mtime 33.250000000 "), "{}", map["a/b"]);
    assert!(map["a/b"].contains("posix_acl_default=") && map["a/b"].contains(" user.k=v"), "{}", map["a/b"]);
    assert!(map["a"].starts_with("40755 0:0 "), "{}", map["a"]);
    // The default list is set last: nothing that was unpacked has inherited it.
    for name in ["a/b/c", "a/b/d", "a/b/e"] {
        assert!(!map[name].contains("acl"), "{name}: {}", map[name]);
    }
}

#[test]
fn deep_trees_are_made() {
    if !needs_root() {
        return;
    }
    let arena = Arena::new();
    let deep = "d/".repeat(2000);
    let tar = Tar::default()
        .pax(&[("path", format!("{deep}bottom").as_bytes())])
        .file("x", b"x")
        .pax(&[("path", deep.as_bytes())])
        .dir("x", "0000711")
        .pax(&[("path", format!("{}{}", "e/".repeat(5), "f".repeat(256)).as_bytes())])
        .file("x", b"x");
    let options = Options { ignore_errors: true, ..Options::default() };
    let summary = unpack_bytes(&tar.end(), Compression::None, &arena.root(), &options).unwrap();
    assert_eq!(summary.warnings.len(), 1, "{summary:?}");
    assert!(summary.warnings[0].contains("too long"), "{summary:?}");
    assert_eq!(fs::metadata(arena.root().join(deep)).unwrap().mode() & 0o7777, 0o711);
    assert!(arena.root().join("e/e/e/e/e").is_dir());
}

#[test]
fn attributes_that_can_not_be_set_are_warnings() {
    if !needs_root() {
        return;
    }
    let arena = Arena::new();
    let tar = Tar::default()
        .pax(&[
            ("SCHILY.xattr.security.capability", b"no capability"),
            ("SCHILY.xattr.user.good", b"1"),
            ("SCHILY.xattr.trusted.x", b"1"),
            ("SCHILY.xattr.security.selinux", b"1"),
            ("SCHILY.xattr.system.posix_acl_access", b"1"),
            ("SCHILY.acl.access", b"user::rw-,user:joe:rwx,user:5:r--,group::r--,mask::r--,other::r--"),
        ])
        .file("x", b"x")
        .add(&Head::new(b'A', "unknown"), b"x");
    let summary = arena.unpack(&tar.end(), &Options::default()).unwrap();
    assert_eq!(summary.warnings.len(), 3, "{summary:?}");
    let map = manifest(&arena.root());
    assert!(map["x"].contains(" user.good=1") && !map["x"].contains("trusted"), "{}", map["x"]);
    assert!(map["x"].contains("posix_acl_access=\\x02\\x00"), "{}", map["x"]);
    assert!(map["unknown"].starts_with("100644 "));
}

#[test]
fn global_headers_are_defaults() {
    if !needs_root() {
        return;
    }
    let arena = Arena::new();
    let tar = Tar::default()
        .add(&Head::new(b'g', "g"), &[record("uid", b"7"), record("comment", b"c")].concat())
        .file("a", b"")
        .pax(&[("uid", b"8")])
        .file("b", b"")
        .file("c", b"");
    arena.unpack(&tar.end(), &Options::default()).unwrap();
    let owners = ["a", "b", "c"].map(|n| fs::metadata(arena.root().join(n)).unwrap().uid());
    assert_eq!(owners, [7, 8, 7]);
}

/// Gives one byte at a time, with interruptions, then fails.
struct Slow<'a>(&'a [u8], bool);

impl Read for Slow<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.1 = !self.1;
        match self.0.split_first() {
            _ if self.1 => Err(io::ErrorKind::Interrupted.into()),
            None => Err(io::Error::from_raw_os_error(5)),
            Some((&byte, rest)) => {
                (buf[0], self.0) = (byte, rest);
                Ok(1)
            }
        }
    }
}

#[test]
fn slow_and_failing_readers_are_borne() {
    if !needs_root() {
        return;
    }
    let arena = Arena::new();
    let data = Tar::default().file("a", &[1; 3000]).end();
    for (data, compression) in [
        (data.clone(), Compression::None),
        (zstd::stream::encode_all(&data[..], 1).unwrap(), Compression::Zstd),
    ] {
        let root = fs::File::open(arena.root()).unwrap();
        let result = unpack(Slow(&data, false), compression, root.as_fd(), &Options::default(), &mut |_| {});
        let error = result.unwrap_err();
        assert!(
            matches!(&error, Error::Read { source, .. } if source.raw_os_error() == Some(5)),
            "{error:?}"
        );
        // It failed at the very end: all of it is there.
        assert_eq!(fs::read(arena.root().join("a")).unwrap_or_default().len() % 3000, 0);
        arena.reset();
    }
}
