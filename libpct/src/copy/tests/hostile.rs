//! Sources that do not want to be copied, and those that change meanwhile.

use std::{
    os::unix::{ffi::OsStrExt, fs::symlink},
    sync::atomic::{AtomicBool, Ordering},
};

use rustix::fs::{FileType as Kind, Mode, RenameFlags, mknodat, openat, renameat_with};

use super::*;
use crate::sys::{process, testing::in_child};

/// Does something again and again while a tree is copied a few times.
fn meanwhile(work: impl Fn() + Send + Sync, copy: impl Fn()) {
    let end = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !end.load(Ordering::Relaxed) {
                work();
            }
        });
        // Also when it fails, or the other would never end.
        let copied = std::panic::catch_unwind(std::panic::AssertUnwindSafe(copy));
        end.store(true, Ordering::Relaxed);
        if let Err(cause) = copied {
            std::panic::resume_unwind(cause);
        }
    });
}

#[test]
fn a_tree_deeper_than_files_can_be_open_is_copied() {
    if !needs_root() {
        return;
    }
    let (source, target) = (Volume::new("tmpfs"), Volume::new("tmpfs"));
    let mut dir = open(&source.path());
    // Longer than a path may be, with something on both sides of the way down.
    let long = [b'd'; 200];
    for n in 0..5000 {
        for folder in [&long[..], b"a", b"z"] {
            rustix::fs::mkdirat(&dir, folder, Mode::RWXU).unwrap();
        }
        if n % 1000 == 0 {
            // Its other name is at the very end.
            let flags = OFlags::CREATE | OFlags::WRONLY;
            openat(&dir, format!("file{n}"), flags, Mode::from_raw_mode(0o640)).unwrap();
        }
        dir = openat(&dir, &long[..], OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty()).unwrap();
    }
    rustix::fs::linkat(&source.mount, "file0", &dir, "last", AtFlags::empty()).unwrap();
    set_mtime(&PathBuf::from(format!("/proc/self/fd/{}/.", dir.as_raw_fd())), 1234, 5678);
    let copied = copy_tree(source.mount.as_fd(), target.mount.as_fd()).unwrap();
    assert_eq!(copied.entries, 5000 * 3 + 6);

    let mut dir = open(&target.path());
    for _ in 0..5000 {
        for folder in ["a", "z"] {
            rustix::fs::statat(&dir, folder, AtFlags::SYMLINK_NOFOLLOW).unwrap();
        }
        dir = openat(&dir, &long[..], OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty()).unwrap();
    }
    let stat = rustix::fs::fstat(&dir).unwrap();
    assert_eq!((stat.st_mtime, stat.st_mtime_nsec), (1234, 5678));
    let last = rustix::fs::statat(&dir, "last", AtFlags::SYMLINK_NOFOLLOW).unwrap();
    let first = rustix::fs::statat(&target.mount, "file0", AtFlags::SYMLINK_NOFOLLOW).unwrap();
    assert_eq!((last.st_ino, last.st_nlink), (first.st_ino, 2));
}

#[test]
fn a_name_that_changes_between_file_and_link_leads_nowhere() {
    if !needs_root() {
        return;
    }
    let volume = Volume::new("tmpfs");
    let (source, source_path) = volume.folder("source");
    fs::write(volume.path().join("outside"), "secret").unwrap();
    for n in 0..50 {
        fs::write(source_path.join(format!("name{n}")), "harmless").unwrap();
        symlink("../outside", source_path.join(format!("swap{n}"))).unwrap();
        fs::create_dir_all(source_path.join(format!("dir{n}/x"))).unwrap();
        symlink("/etc", source_path.join(format!("swapdir{n}"))).unwrap();
    }
    let exchange = || {
        for n in 0..50 {
            for (a, b) in [("name", "swap"), ("dir", "swapdir")] {
                let [a, b] = [a, b].map(|name| format!("{name}{n}"));
                renameat_with(&source, a, &source, b, RenameFlags::EXCHANGE).unwrap();
            }
        }
    };
    meanwhile(exchange, || {
        for round in 0..50 {
            let (target, path) = volume.folder(&format!("target{round}"));
            let copied = copy_tree(source.as_fd(), target.as_fd()).unwrap();
            assert_eq!((copied.vanished, copied.bytes), (0, 8 * files(&path)));
        }
    });
}

/// How many regular files there are, none of which holds the secret.
fn files(path: &Path) -> u64 {
    let all = manifest(path);
    let files = all.iter().filter(|(_, facts)| facts.kind == "file");
    files.inspect(|(path, facts)| assert_eq!(facts.content, b"harmless", "{path:?}")).count() as u64
}

#[test]
fn a_name_that_comes_and_goes_is_passed_over() {
    if !needs_root() {
        return;
    }
    let volume = Volume::new("tmpfs");
    let (source, path) = volume.folder("source");
    for n in 0..200 {
        fs::write(path.join(format!("stays{n}")), "harmless").unwrap();
    }
    let come_and_go = || {
        for n in 0..200 {
            fs::write(path.join(format!("goes{n}")), "harmless").unwrap();
            fs::create_dir_all(path.join(format!("goes-too{n}/x"))).unwrap();
        }
        for n in 0..200 {
            fs::remove_file(path.join(format!("goes{n}"))).unwrap();
            fs::remove_dir_all(path.join(format!("goes-too{n}"))).unwrap();
        }
    };
    meanwhile(come_and_go, || {
        for round in 0..20 {
            let (target, path) = volume.folder(&format!("target{round}"));
            copy_tree(source.as_fd(), target.as_fd()).unwrap();
            for n in 0..200 {
                assert!(path.join(format!("stays{n}")).exists());
            }
        }
    });
}

#[test]
fn a_file_that_grows_and_shrinks_has_an_end() {
    if !needs_root() {
        return;
    }
    for (from, to) in [("tmpfs", "tmpfs"), ("ext4", "tmpfs"), ("btrfs", "btrfs")] {
        let source = Volume::new(from);
        let file = fs::File::create(source.path().join("log")).unwrap();
        let change = || {
            for n in 0..64 {
                rustix::io::pwrite(&file, &[b'x'; 65536], n * 65536).unwrap();
            }
            file.set_len(1000).unwrap();
        };
        meanwhile(change, || {
            for _ in 0..5 {
                let target = Volume::new(to);
                copy_tree(source.mount.as_fd(), target.mount.as_fd()).unwrap();
                let copy = fs::read(target.path().join("log")).unwrap();
                assert!(copy.len() <= 64 * 65536, "{}", copy.len());
                assert!(copy.iter().all(|&byte| byte == b'x' || byte == 0));
            }
        });
    }
}

#[test]
fn pipes_and_devices_are_copied_without_being_opened() {
    if !needs_root() {
        return;
    }
    let (source, target) = (Volume::new("tmpfs"), Volume::new("tmpfs"));
    // To open the pipe would block, the other fails: nothing has that number.
    mknodat(CWD, source.path().join("pipe"), Kind::Fifo, Mode::RWXU, 0).unwrap();
    let nothing = rustix::fs::makedev(4000, 1);
    mknodat(CWD, source.path().join("device"), Kind::CharacterDevice, Mode::RWXU, nothing).unwrap();
    copy_tree(source.mount.as_fd(), target.mount.as_fd()).unwrap();
    assert_eq!(target.path().join("device").symlink_metadata().unwrap().rdev(), nothing);
    assert!(target.path().join("pipe").symlink_metadata().unwrap().file_type().is_fifo());
}

#[test]
fn a_file_and_a_device_of_one_name_are_not_mistaken() {
    if !needs_root() {
        return;
    }
    let volume = Volume::new("tmpfs");
    let (source, path) = volume.folder("source");
    fs::write(path.join("name"), "harmless").unwrap();
    mknodat(CWD, path.join("swap"), Kind::Fifo, Mode::RWXU, 0).unwrap();
    let exchange = || {
        renameat_with(&source, "name", &source, "swap", RenameFlags::EXCHANGE).unwrap();
    };
    meanwhile(exchange, || {
        for round in 0..300 {
            let (target, path) = volume.folder(&format!("target{round}"));
            let copied = copy_tree(source.as_fd(), target.as_fd()).unwrap();
            assert_eq!(copied.bytes, 8 * files(&path));
        }
    });
}

#[test]
fn what_is_mounted_below_is_left_out_and_its_place_is_made() {
    if !needs_root() {
        return;
    }
    let temp = tempfile::tempdir().unwrap();
    let [source, target] = ["source", "target"].map(|name| temp.path().join(name));
    fs::create_dir_all(source.join("d/mnt/hidden")).unwrap();
    fs::write(source.join("d/file"), "x").unwrap();
    fs::create_dir(&target).unwrap();
    in_child(|| {
        use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_bind, mount_change};
        process::unshare(rustix::thread::UnshareFlags::NEWNS).unwrap();
        mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC).unwrap();
        let point = source.join("d/mnt");
        mount("pct-test", &point, "tmpfs", MountFlags::empty(), Some(c"mode=2710,uid=7")).unwrap();
        fs::write(point.join("elsewhere"), "x").unwrap();
        let copied = copy_tree(open(&source).as_fd(), open(&target).as_fd()).unwrap();
        assert_eq!((copied.entries, copied.mount_points), (3, 1));
        let copy = target.join("d/mnt");
        let meta = copy.metadata().unwrap();
        assert_eq!((meta.uid(), meta.mode() & 0o7777), (7, 0o2710));
        assert_eq!(fs::read_dir(copy).unwrap().count(), 0);

        mount_bind("/dev/null", source.join("d/file")).unwrap();
        fs::remove_dir_all(&target).unwrap();
        fs::create_dir(&target).unwrap();
        let error = copy_tree(open(&source).as_fd(), open(&target).as_fd()).unwrap_err();
        assert_eq!(error.to_string(), "cannot copy '/d/file': something is mounted on it (unmount it first)");
    });
}

#[test]
fn errors_name_the_path_for_a_terminal() {
    if !needs_root() {
        return;
    }
    let (source, target) = (Volume::new("tmpfs"), Volume::new("tmpfs"));
    let folder = source.path().join(name(b"\x1b[2J\xff"));
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("a\nb"), "x").unwrap();
    let there = target.path().join(folder.file_name().unwrap());
    fs::create_dir(&there).unwrap();
    symlink("/etc/passwd", there.join("a\nb")).unwrap();
    assert_eq!(there.file_name().unwrap().as_bytes(), b"\x1b[2J\xff");
    let error = copy_tree(source.mount.as_fd(), target.mount.as_fd()).unwrap_err();
    assert_eq!(
        error.to_string(),
        r"cannot create the copy of '/\u{1b}[2J\xff/a\nb' (the target is expected to be empty)"
    );
}
