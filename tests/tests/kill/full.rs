//! A file system that is full: nothing is lost then, nothing is left that no config names, and there is an error that says why.

use std::{
    fs::{self, File},
    io::Write,
    path::Path,
};

use pct_tests::{Ct, Host, Run, require_root, state, wait};

use crate::{
    scene,
    seen::{Seen, look},
};

/// What is left free, in KiB, from nothing to more than any of the operations takes.
const FREE: [u64; 5] = [0, 4, 12, 40, 4000];

/// Takes all the room of a file system but so many KiB.
fn fill(disk: &Path, free: u64) {
    let mut file = File::create(disk.join("filling")).unwrap();
    let mut taken = 0;
    // What it says is free is not what can be had, and what it keeps back while it writes can be had later.
    loop {
        while file.write_all(&[1; 1024]).is_ok() {}
        file.sync_all().unwrap();
        let now = file.metadata().unwrap().len();
        if std::mem::replace(&mut taken, now) == now {
            break;
        }
    }
    file.set_len(taken.saturating_sub(free << 10)).unwrap();
    file.sync_all().unwrap();
}

/// Tries an operation with more and more room on one of the disks, `tiny` or `etc`.
fn with_little_room(disk: &str, set_up: &[&str], words: &str) {
    let host = Host::new();
    let path = host.disk(disk, "ext4", 12 << 20);
    let tiny = host.root().join("tiny");
    host.storages(&format!("dir: tiny\n\tpath {}\n\tcontent rootdir\n", tiny.display()));
    let template = scene::template(&host);
    let (mut failed, mut done) = (0, 0);
    for free in FREE {
        let (ct, new) = (host.ct(), host.ct());
        let pct = |words: &str| -> Run {
            let word = |word| match word {
                "ID" => &ct.id,
                "NEW" => &new.id,
                "TEMPLATE" => template.to_str().unwrap(),
                word => word,
            };
            host.pct(&words.split(' ').map(word).collect::<Vec<_>>())
        };
        set_up.iter().for_each(|words| drop(pct(words).ok()));
        let cts = [&ct, &new];
        let before = look(&host, &cts);
        fill(&path, free);
        let out = pct(words).output();
        fs::remove_file(path.join("filling")).unwrap();
        let seen = look(&host, &cts);
        let when = format!("'{words}' with {free} KiB free on {disk}: {}\n{seen:?}", out.both());
        assert!(seen.orphans().is_empty(), "{when}");
        if out.status == 0 {
            done += 1;
        } else {
            failed += 1;
            // Of mkfs the text is its own.
            let why = ["No space left on device", "command 'mkfs.ext4", "is its storage full?"];
            assert!(why.iter().any(|why| out.both().contains(why)), "{when}");
            home(&host, &cts, &before, &seen, &when);
            pct(words).ok();
        }
        for ct in cts.iter().rev().filter(|ct| ct.conf().exists()) {
            ct.pct("destroy", &[]).ok();
        }
        assert_eq!(look(&host, &cts), Seen::default(), "{when}");
    }
    assert!(failed > 0 && done > 0, "'{words}' failed {failed} times, {done} times it did not");
}

/// After a failure all is as before, once a lock is taken away that could not be for lack of room; what has the lock of a
/// container that is being made is removed.
fn home(host: &Host, cts: &[&Ct<'_>], before: &Seen, seen: &Seen, when: &str) {
    for (id, lock) in seen.locks() {
        let ct = cts.iter().find(|ct| ct.id == id).unwrap();
        ct.pct("unlock", &[]).ok();
        if lock == "create" {
            ct.pct("destroy", &[]).ok();
        }
    }
    let now = look(host, cts);
    assert_eq!(now.configs, before.configs, "{when}");
    assert_eq!(now.volumes, before.volumes, "{when}");
}

const ON_TINY: &str = "create ID TEMPLATE --rootfs tiny:0 --mp0 local:0.004,mp=/data";
const ON_LOCAL: &str = "create ID TEMPLATE --rootfs local:0 --mp0 local:0.004,mp=/data";

#[test]
fn a_storage_without_room_takes_no_new_container() {
    require_root!();
    with_little_room("tiny", &[], ON_TINY);
}

/// What the kernel has taken for an image it writes later.
#[test]
fn an_image_without_room_is_no_container() {
    require_root!();
    with_little_room("tiny", &[], "create ID TEMPLATE --rootfs tiny:0.004");
}

#[test]
fn a_storage_without_room_takes_no_clone() {
    require_root!();
    with_little_room("tiny", &[ON_LOCAL], "clone ID NEW --storage tiny");
}

#[test]
fn a_storage_without_room_takes_no_volume() {
    require_root!();
    with_little_room("tiny", &[ON_LOCAL], "move-volume ID mp0 tiny --delete 1");
    with_little_room("tiny", &[ON_LOCAL], "set ID --mp1 tiny:0.004,mp=/more --memory 300");
}

#[test]
fn without_room_for_configs_all_stays_as_it_was() {
    require_root!();
    for words in [
        "clone ID NEW",
        "move-volume ID mp0 tiny",
        "set ID --mp1 local:0.004,mp=/more --memory 300",
        "template ID",
    ] {
        with_little_room("etc", &[ON_LOCAL], words);
    }
    with_little_room("etc", &[], ON_LOCAL);
}

/// Makes a volume of 4 MiB on `tiny` larger, to so many MiB, with more and more room on one of the disks, `tiny` or `etc`. It has
/// the old size or the new one then, as the config says; what is in it stays; and what could not be done is told.
fn grown_with_little_room(disk: &str, preallocation: &str, mib: u64) {
    let host = Host::new();
    let full = host.disk(disk, "ext4", 12 << 20);
    let tiny = host.root().join("tiny");
    host.storages(&format!(
        "dir: tiny\n\tpath {}\n\tcontent rootdir\n\tpreallocation {preallocation}\n",
        tiny.display()
    ));
    let ct = host.ct();
    let words = ["--rootfs", "local:0", "--mp0", "tiny:0.00390625,mp=/data"];
    ct.create(&scene::template(&host), &words).ok();
    let image = tiny.join(format!("images/{0}/vm-{0}-disk-0.raw", ct.id));
    scene::take_mmp_off(&image);
    let file = host.lxcpath().join(&ct.id).join("rootfs/data/file");
    let unmount = || {
        ct.pct("unmount", &[]).ok();
        // A process that is on its way out may have it mounted still, in a namespace of its own.
        let shown = image.display().to_string();
        let is_attached = || state::loops().into_iter().any(|(_, file)| file.starts_with(&shown));
        wait::until_true("the image to be free", || !is_attached());
    };
    ct.pct("mount", &[]).ok();
    fs::write(&file, [7; 100_000]).unwrap();
    unmount();
    let (before, config) = (look(&host, &[&ct]), fs::read(ct.conf()).unwrap());
    let kept = host.scratch().join("kept.raw");
    let copy = |from: &Path, to: &Path| drop(Run::new("/bin/cp").args([from, to]).ok());
    copy(&image, &kept);

    let volume = format!("tiny:{0}/vm-{0}-disk-0.raw", ct.id);
    let (old, new) = (before.sizes[&volume], (mib << 20, mib << 20));
    assert_eq!(old, (4 << 20, 4 << 20));
    let (mut failed, mut done) = (0, 0);
    for free in FREE {
        fill(&full, free);
        let out = ct.pct("resize", &["mp0", &format!("{mib}M")]).output();
        fs::remove_file(full.join("filling")).unwrap();
        let seen = look(&host, &[&ct]);
        let when = format!("{free} KiB free on {disk}: {}\n{seen:?}", out.both());
        let (size, ext4) = seen.sizes[&volume];
        assert!((size, ext4) == old || (size, ext4) == new || (size, ext4) == (new.0, old.1), "{when}");
        let is_done = out.status == 0 && ext4 == new.1;
        if out.status == 0 {
            let value = format!("{volume},mp=/data,size={}M\n", size >> 20);
            assert!(seen.configs[&ct.id].contains(&value), "{when}");
        } else {
            assert_eq!(seen.configs, before.configs, "{when}");
        }
        if is_done {
            done += 1;
            assert!(!out.both().contains("WARN"), "{when}");
        } else {
            failed += 1;
            assert!(out.both().contains("No space left on device"), "{when}");
        }
        ct.pct("mount", &[]).ok();
        assert!(fs::read(&file).unwrap() == [7; 100_000], "{when}");
        unmount();

        // With room the same call does what is left; where only the file system is, one that goes further does.
        if !is_done {
            let mib = if out.status == 0 { mib + 1 } else { mib };
            ct.pct("resize", &["mp0", &format!("{mib}M")]).ok();
            let seen = look(&host, &[&ct]);
            assert_eq!(seen.sizes[&volume], (mib << 20, mib << 20), "{when}");
            assert!(seen.configs[&ct.id].contains(&format!(",size={mib}M\n")), "{when}");
        }
        fs::remove_file(&image).unwrap();
        copy(&kept, &image);
        fs::write(ct.conf(), &config).unwrap();
    }
    assert!(failed > 0 && done > 0, "it failed {failed} times, {done} times it did not");
}

#[test]
fn a_storage_without_room_takes_no_larger_volume() {
    require_root!();
    grown_with_little_room("tiny", "full", 6);
}

/// There is room for the volume, but not for what its file system has to write.
#[test]
fn a_file_system_without_room_to_grow_stays_as_it_was() {
    require_root!();
    grown_with_little_room("tiny", "off", 40);
}

#[test]
fn a_volume_whose_config_has_no_room_for_its_size_is_done_by_another_call() {
    require_root!();
    grown_with_little_room("etc", "off", 40);
}
