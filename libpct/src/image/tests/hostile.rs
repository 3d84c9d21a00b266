//! Archives made to harm (spec: users, parts 3.3 to 3.5). In each test something beside the root must
//! stay as it is; [`Arena::unpack`] looks at that every time.

use std::os::unix::fs::{FileTypeExt, MetadataExt};

use super::*;

fn refused(arena: &Arena, tar: Tar, entry: &str) -> Error {
    let error = arena.unpack(&tar.end(), &Options::default()).unwrap_err();
    assert!(error.concerns_one_member(), "{error:?}");
    assert!(error.to_string().contains(entry), "{error} does not name {entry}");
    error
}

#[test]
fn names_that_point_upwards_are_refused() {
    if !needs_root() {
        return;
    }
    let arena = Arena::new();
    for name in ["../x", "./../canary/secret", "a/../../canary/x", "..", "a/b/..", "/../x"] {
        refused(&arena, Tar::default().file(name, b"x"), name);
        refused(&arena, Tar::default().dir(name, "0000777"), name);
        refused(&arena, Tar::default().file("there", b"x").hard_link("h", name), "'h'");
        refused(&arena, Tar::default().pax(&[("path", name.as_bytes())]).file("good", b"x"), name);
        refused(&arena, Tar::default().long_name(name).file("good", b"x"), name);
        arena.reset();
    }
    refused(&arena, Tar::default().file("", b"x"), "''");
    refused(&arena, Tar::default().pax(&[("path", b"a\0b")]).file("good", b"x"), "a\\u{0}b");
    refused(&arena, Tar::default().pax(&[("path", &[b'x'; 4096])]).file("good", b"x"), "xxx");
    refused(&arena, Tar::default().file(".", b"x"), "'.'");
    refused(&arena, Tar::default().symlink(".", "canary"), "'.'");
}

#[test]
fn absolute_names_are_below_the_root() {
    let arena = Arena::new();
    if !needs_root() {
        return;
    }
    let name = format!("{}/secret", arena.canary());
    assert!(name.len() < 100);
    arena.unpack(&Tar::default().file(&name, b"mine").end(), &Options::default()).unwrap();
    assert_eq!(fs::read(format!("{}{name}", arena.root().display())).unwrap(), b"mine");
}

#[test]
fn links_that_lead_out_are_not_followed() {
    if !needs_root() {
        return;
    }
    let arena = Arena::new();
    let canary = arena.canary();
    for target in [
        "../canary",
        &canary,
        "/",
        "../../../../..",
        "/proc/self/root",
        "/proc/self/cwd",
        "a/../../canary",
        "l",
    ] {
        let link = || Tar::default().symlink("l", target);
        refused(&arena, link().file("l/secret", b"x"), "l/secret");
        refused(&arena, link().dir("l/new", "0000777"), "l/new");
        refused(&arena, link().file("l/sub/x", b"x"), "l/sub/x");
        refused(&arena, link().symlink("l/s", "x"), "l/s");
        refused(&arena, link().hard_link("h", "l/secret"), "'h'");
        refused(&arena, link().file("there", b"x").hard_link("l/h", "there"), "l/h");
        refused(&arena, link().add(&Head::new(b'6', "l/fifo"), b""), "l/fifo");
        // RUSTSEC-2026-0067: the mode of a directory entry was set through the link before it.
        arena.unpack(&link().dir("l", "0000777").dir("l/", "0007777").end(), &Options::default()).unwrap();
        assert!(fs::symlink_metadata(arena.root().join("l")).unwrap().is_symlink());
        // A chain of links, and a link to the link.
        refused(&arena, link().symlink("m", "l").file("m/x", b"x"), "m/x");
        arena.unpack(&link().hard_link("n", "l").dir("n", "0000777").end(), &Options::default()).unwrap();
        assert!(fs::symlink_metadata(arena.root().join("n")).unwrap().is_symlink());
        refused(&arena, Tar::default().file("n/x", b"x"), "n/x");
        // A file where the link is: the link stays, nothing is written through it.
        arena.unpack(&link().file("l", b"x").file("m", b"x").end(), &Options::default()).unwrap();
        arena.reset();
    }
    let link = Tar::default().symlink("dangling", "../canary/new").file("dangling", b"x");
    arena.unpack(&link.end(), &Options::default()).unwrap();
    refused(&arena, Tar::default().symlink("here", "nothing").file("here/x", b"x"), "here/x");
    let error = refused(&arena, Tar::default().symlink("out", "../canary").file("out/x", b"x"), "out/x");
    assert!(error.to_string().contains("leads out of the root"), "{error}");
}

#[test]
fn links_that_stay_inside_are_followed() {
    if !needs_root() {
        return;
    }
    let arena = Arena::new();
    let tar = Tar::default()
        .dir("usr/lib", "0000755")
        .symlink("lib", "usr/lib")
        .symlink("usr/up", "../usr/./lib")
        .file("lib/a", b"a")
        .file("usr/up/b", b"b")
        .dir("lib/sub", "0000711")
        .hard_link("c", "lib/a");
    arena.unpack(&tar.end(), &Options::default()).unwrap();
    let map = manifest(&arena.root());
    assert!(map["usr/lib/a"].contains("nlink 2 first c "), "{}", map["usr/lib/a"]);
    assert!(map["usr/lib/sub"].starts_with("40711 ") && map.contains_key("usr/lib/b"));
}

#[test]
fn of_two_members_of_one_name_the_first_wins() {
    if !needs_root() {
        return;
    }
    let arena = Arena::new();
    type Add = fn(Tar) -> Tar;
    let kinds: [(&str, Add); 6] = [
        ("file", |t| t.file("x", b"file")),
        ("dir", |t| t.dir("x", "0000700")),
        ("link in", |t| t.symlink("x", "other")),
        ("link out", |t| t.symlink("x", "../canary")),
        ("hard link", |t| t.hard_link("x", "other")),
        ("fifo", |t| t.add(&Head::new(b'6', "x"), b"")),
    ];
    for (first, add_first) in kinds {
        for (second, add_second) in kinds {
            arena.reset();
            let tar = add_first(Tar::default().file("other", b"other"));
            arena.unpack(&tar.clone().end(), &Options::default()).unwrap();
            let alone = manifest(&arena.root());
            arena.reset();
            arena.unpack(&add_second(tar.clone()).end(), &Options::default()).unwrap();
            assert_same(&format!("{first}, then {second}"), &manifest(&arena.root()), &alone);
            // Then something in it: only a directory takes it.
            let inside = add_second(tar).file("x/in", b"in").end();
            assert_eq!(
                arena.unpack(&inside, &Options::default()).is_ok(),
                first == "dir",
                "{first}, {second}"
            );
        }
    }
}

#[test]
fn hard_links_reach_only_files_of_the_root() {
    if !needs_root() {
        return;
    }
    let arena = Arena::new();
    for target in ["missing", "./missing/x", "dir"] {
        refused(&arena, Tar::default().dir("dir", "0000755").hard_link("h", target), "'h'");
    }
    refused(&arena, Tar::default().hard_link("h", ""), "'h'");
    refused(&arena, Tar::default().hard_link("h", "/"), "'h'");
    let absolute = format!("{}/secret", arena.canary());
    refused(&arena, Tar::default().hard_link("h", &absolute), "'h'");
    // A link to a link is a link, and not what it points to.
    arena
        .unpack(
            &Tar::default().symlink("s", "../canary/secret").hard_link("h", "s").end(),
            &Options::default(),
        )
        .unwrap();
    assert!(fs::symlink_metadata(arena.root().join("h")).unwrap().is_symlink());
    let skipped = Tar::default().hard_link("etc/null", "./dev/null").end();
    assert_eq!(arena.unpack(&skipped, &Options::default()).unwrap().warnings.len(), 1);
}

#[test]
fn sizes_in_extended_headers_count_and_hide_nothing() {
    if !needs_root() {
        return;
    }
    let arena = Arena::new();
    let smuggled = Head::new(b'0', "smuggled").block(0);
    // RUSTSEC-2026-0068: the size is the extended header's, the block behind is data.
    for said in [0, 512, 1 << 40] {
        let tar = Tar::default()
            .pax(&[("size", b"512")])
            .add(&Head::new(b'0', "a").size(said), &smuggled)
            .file("b", b"b");
        arena.unpack(&tar.end(), &Options::default()).unwrap();
        assert_eq!(manifest(&arena.root()).into_keys().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(fs::read(arena.root().join("a")).unwrap(), smuggled);
        arena.reset();
    }
    // The other way round: no data by the extended header, so what follows is a member.
    let tar = Tar::default().pax(&[("size", b"0")]).add(&Head::new(b'0', "a").size(512), &smuggled);
    arena.unpack(&tar.end(), &Options::default()).unwrap();
    assert_eq!(manifest(&arena.root()).into_keys().collect::<Vec<_>>(), ["a", "smuggled"]);
    arena.reset();

    // A size before a GNU long name belongs to the member behind it.
    let long = "l".repeat(300 - 100);
    for order in [true, false] {
        let tar = if order {
            Tar::default().pax(&[("size", b"512")]).long_name(&long)
        } else {
            Tar::default().long_name(&long).pax(&[("size", b"512")])
        };
        let tar = tar.add(&Head::new(b'0', "short").size(0), &smuggled).file("b", b"b");
        arena.unpack(&tar.end(), &Options::default()).unwrap();
        assert_eq!(manifest(&arena.root()).into_keys().collect::<Vec<_>>(), ["b", &long]);
        arena.reset();
    }
    // Of two long names the extended header's wins; neither is left for the next member.
    let tar = Tar::default().pax(&[("path", b"pax")]).long_name("gnu").file("x", b"").file("y", b"");
    arena.unpack(&tar.end(), &Options::default()).unwrap();
    assert_eq!(manifest(&arena.root()).into_keys().collect::<Vec<_>>(), ["pax", "y"]);

    // Links have no data, whatever the header says.
    arena.reset();
    for kind in [b'1', b'2', b'5', b'6'] {
        let tar = Tar::default()
            .file("f", b"x")
            .add(&Head::new(kind, format!("k{kind}")).link("f").size(512), b"")
            .file("after", b"x");
        arena.unpack(&tar.end(), &Options::default()).unwrap();
        assert!(arena.root().join("after").exists());
        arena.reset();
    }
}

#[test]
fn headers_of_absurd_size_are_refused_before_memory_is_spent() {
    let arena = Arena::new();
    for kind in [b'x', b'g', b'L', b'K'] {
        for size in [1 << 33, u64::MAX >> 1, (1 << 20) + 1] {
            let error = arena
                .unpack(&Tar::default().add(&Head::new(kind, "x").size(size), b"").0, &Options::default());
            assert!(matches!(error, Err(Error::Malformed { offset: 0, .. })), "{error:?}");
        }
    }
    // Not at once, but in many parts.
    let mut tar = Tar::default();
    for _ in 0..40 {
        tar = tar.pax(&[("comment", &[b'x'; 30_000])]);
    }
    assert!(matches!(
        arena.unpack(&tar.file("x", b"").end(), &Options::default()),
        Err(Error::Malformed { .. })
    ));
    let error =
        arena.unpack(&Tar::default().long_name(&"x".repeat(5000)).file("x", b"").end(), &Options::default());
    assert!(matches!(error, Err(Error::Malformed { .. })), "{error:?}");
    for size in [u64::MAX, 1 << 63] {
        let error =
            arena.unpack(&Tar::default().add(&Head::new(b'0', "x").size(size), b"").0, &Options::default());
        assert!(matches!(error, Err(Error::Malformed { .. })), "{error:?}");
    }
    // As much as a file may have, but it is not there.
    if needs_root() {
        let huge = Tar::default().add(&Head::new(b'0', "x").size(i64::MAX as u64), b"").end();
        assert!(matches!(arena.unpack(&huge, &Options::default()), Err(Error::UnexpectedEnd { .. })));
    }
    // A global header that hides names or sizes of others.
    let global = Tar::default().add(&Head::new(b'g', "g"), &record("path", b"all")).file("x", b"");
    assert!(matches!(arena.unpack(&global.end(), &Options::default()), Err(Error::Malformed { .. })));
}

#[test]
fn sparse_maps_are_believed_only_as_far_as_they_make_sense() {
    if !needs_root() {
        return;
    }
    let arena = Arena::new();
    let sparse = |size: &str, map: &str, data: &[u8]| {
        Tar::default()
            .pax(&[
                ("GNU.sparse.size", size.as_bytes()),
                ("GNU.sparse.map", map.as_bytes()),
                ("GNU.sparse.name", b"s"),
            ])
            .add(&Head::new(b'0', "GNUSparseFile.0/s"), data)
            .end()
    };
    for (size, map, data) in [
        ("2000", "0,512,500,10", 522),
        ("2000", "600,512,0,10", 522),
        ("2000", "0,10,600,10", 20),
        ("100", "95,10", 10),
        ("100", "0,10", 20),
        ("100", "0,20", 10),
        ("18446744073709551615", "0,1", 1),
        ("9223372036854775807", "9223372036854775807,1", 1),
        ("100", "18446744073709551615,1", 1),
        ("100", "0,18446744073709551615", 1),
    ] {
        let error = arena.unpack(&sparse(size, map, &vec![b'x'; data]), &Options::default()).unwrap_err();
        assert!(matches!(error, Error::Malformed { offset: 1024, .. }), "{size} {map}: {error:?}");
    }
    // Larger than a file can be: the kernel's error names the member.
    let error = arena.unpack(&sparse("9223372036854775807", "0,1", b"x"), &Options::default()).unwrap_err();
    assert!(matches!(&error, Error::Member { step: Step::Write, .. }), "{error:?}");
    arena.reset();
    // A terabyte of nothing costs nothing.
    arena.unpack(&sparse("1099511627776", "1099511627775,1", b"x"), &Options::default()).unwrap();
    let stat = fs::metadata(arena.root().join("s")).unwrap();
    assert!(stat.size() == 1 << 40 && stat.blocks() < 64);
    arena.reset();

    let map = |text: &[u8], real: &[u8]| {
        let mut data = text.to_vec();
        data.resize(512, 0);
        Tar::default()
            .pax(&[("GNU.sparse.major", b"1"), ("GNU.sparse.minor", b"0"), ("GNU.sparse.realsize", real)])
            .add(&Head::new(b'0', "s"), &data)
            .end()
    };
    for text in
        [&b"18446744073709551615\n"[..], b"1\n0\n", b"2\n0\n5\n", b"-1\n", b"", b"1\n5\n5\n", b"1048577\n"]
    {
        let error = arena.unpack(&map(text, b"100"), &Options::default()).unwrap_err();
        assert!(matches!(error, Error::Malformed { .. }), "{}: {error:?}", text.escape_ascii());
    }
    arena.unpack(&map(b"0\n", b"100"), &Options::default()).unwrap();
    assert_eq!(fs::read(arena.root().join("s")).unwrap(), [0; 100]);

    // Old GNU: descriptors that go on and on.
    let mut block = Head::new(b'S', "old").size(0).block(0);
    for slot in block[386..482].chunks_exact_mut(24) {
        slot.copy_from_slice(b"00000000000\x0000000000000\0");
    }
    block[482] = 1;
    block[483..495].copy_from_slice(b"00000000144\0");
    sign(&mut block);
    let mut endless = block.to_vec();
    let mut more = [0_u8; 512];
    for slot in more[..504].chunks_exact_mut(24) {
        slot.copy_from_slice(b"00000000000\x0000000000000\0");
    }
    more[504] = 1;
    for _ in 0..60_000 {
        endless.extend(more);
    }
    let error = arena.unpack(&endless, &Options::default()).unwrap_err();
    assert!(matches!(error, Error::Malformed { offset: 0, .. }), "{error:?}");
}

#[test]
fn owners_that_are_none_are_refused() {
    if !needs_root() {
        return;
    }
    let arena = Arena::new();
    for uid in
        [&b"\x80\0\0\0\xff\xff\xff\xff"[..], b"\xff\xff\xff\xff\xff\xff\xff\xff", b"\x80\0\0\x01\0\0\0\0"]
    {
        let mut head = Head::new(b'0', "x");
        head.uid = uid.to_vec();
        refused(&arena, Tar::default().add(&head, b""), "'x'");
        assert!(!arena.root().join("x").exists());
    }
    refused(&arena, Tar::default().pax(&[("uid", b"4294967295")]).file("x", b""), "'x'");
    let largest = Tar::default().pax(&[("uid", b"4294967294"), ("gid", b"7")]).file("x", b"").end();
    arena.unpack(&largest, &Options::default()).unwrap();
    assert_eq!(fs::metadata(arena.root().join("x")).unwrap().uid(), 4_294_967_294);
}

#[test]
fn devices_are_made_on_request_only() {
    if !needs_root() {
        return;
    }
    let arena = Arena::new();
    let mut null = Head::new(b'3', "null").mode("0000666");
    null.device = (1, 3);
    let mut below = null.clone();
    below.name = b"./dev/null".to_vec();
    let mut large = null.clone();
    (large.device, large.name) = ((4096, 0), b"large".to_vec());
    let tar = Tar::default().add(&below, b"").add(&null, b"").file("x", b"");
    let summary = arena.unpack(&tar.clone().end(), &Options::default()).unwrap();
    assert_eq!((summary.entries, summary.skipped_devices), (3, 1));
    assert_eq!(manifest(&arena.root()).into_keys().collect::<Vec<_>>(), ["x"]);
    let options = Options { devices: true, skip_dev: false, ..Options::default() };
    arena.unpack(&tar.end(), &options).unwrap();
    let stat = fs::metadata(arena.root().join("dev/null")).unwrap();
    assert!(stat.file_type().is_char_device() && stat.rdev() == rustix::fs::makedev(1, 3));
    assert_eq!(stat.mode() & 0o7777, 0o666);
    assert!(arena.unpack(&Tar::default().add(&large, b"").end(), &options).is_err());
}
