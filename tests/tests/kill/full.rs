//! A file system that is full: nothing is lost then, nothing is left that no config names, and there is an error that says why.

use std::{
    fs::{self, File},
    io::Write,
    path::Path,
};

use pct_tests::{Ct, Host, Run, require_root};

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
