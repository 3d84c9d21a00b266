use std::{
    fs,
    io::{Read, Write},
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    path::PathBuf,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use rustix::fs::{FileType, RenameFlags, mknodat, renameat_with};

use super::*;
use crate::sys::testing::needs_root;

/// A root, and beside it what must never be touched.
struct Scene {
    dir: tempfile::TempDir,
    root: Rootfs,
}

impl Scene {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("root/etc/network")).unwrap();
        fs::create_dir_all(dir.path().join("canary/network")).unwrap();
        fs::write(dir.path().join("canary/file"), "canary").unwrap();
        let owner = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
        let root = Rootfs::open(&dir.path().join("root"), owner).unwrap();
        Self { dir, root }
    }

    fn at(&self, path: &str) -> PathBuf {
        self.dir.path().join("root").join(path.trim_start_matches('/'))
    }

    fn text(&self, path: &str) -> String {
        fs::read_to_string(self.at(path)).unwrap()
    }

    /// Everything outside the root: names, contents, times.
    fn canary(&self) -> Vec<(PathBuf, Vec<u8>, i64, i64)> {
        let mut found = Vec::new();
        for folder in ["canary", "canary/network"] {
            let mut names: Vec<PathBuf> = fs::read_dir(self.dir.path().join(folder))
                .unwrap()
                .map(|entry| entry.unwrap().path())
                .collect();
            names.push(self.dir.path().join(folder));
            for path in names {
                let data = fs::symlink_metadata(&path).unwrap();
                let content = fs::read(&path).unwrap_or_default();
                found.push((path, content, data.mtime(), data.mtime_nsec()));
            }
        }
        found.sort();
        found
    }
}

#[test]
fn the_hosts_own_root_is_no_container() {
    for path in ["/", "", "/.", "/nonexistent", "/proc/self/root"] {
        assert!(matches!(Rootfs::open(Path::new(path), (0, 0)), Err(Error::NoRoot { .. })), "{path}");
    }
}

#[test]
fn only_paths_of_files_are_paths() {
    let scene = Scene::new();
    for bad in ["", "etc/hosts", "/", "//", "/etc/..", "/etc/.", "/etc/a\0b", ".."] {
        assert!(
            matches!(scene.root.replace(bad, b"", Attributes::CONFIG), Err(Error::BadPath { .. })),
            "{bad:?}"
        );
    }
    assert!(matches!(scene.root.read("etc/hosts"), Err(Error::BadPath { .. })));
}

#[test]
fn links_mean_what_they_mean_inside() {
    let scene = Scene::new();
    fs::write(scene.at("etc/real"), "inside").unwrap();
    let links =
        [("abs", "/etc/real"), ("up", "../../../../../etc/real"), ("chain", "abs"), ("dot", "./real")];
    for (name, target) in links {
        symlink(target, scene.at("etc").join(name)).unwrap();
        let path = format!("/etc/{name}");
        assert_eq!(scene.root.read(&path).unwrap().unwrap(), b"inside", "{name}");
        assert_eq!(scene.root.resolve(&path).unwrap(), "/etc/real", "{name}");
    }
    symlink("/etc", scene.at("folder")).unwrap();
    assert!(scene.root.replace("/folder/new", b"x", Attributes::CONFIG).unwrap());
    assert_eq!(scene.text("etc/new"), "x");
    let outside = scene.dir.path().join("canary/file");
    symlink(&outside, scene.at("etc/out")).unwrap();
    symlink("../../canary/file", scene.at("etc/climb")).unwrap();
    for path in ["/etc/out", "/etc/climb", "/../canary/file", "/etc/../../canary/file"] {
        assert_eq!(scene.root.read(path).unwrap(), None, "{path}");
        assert!(!scene.root.exists(path).unwrap());
    }
}

#[test]
fn link_chains_have_an_end() {
    let scene = Scene::new();
    symlink("b", scene.at("a")).unwrap();
    symlink("a", scene.at("b")).unwrap();
    assert_eq!(scene.root.read("/a").unwrap(), None);
    assert!(matches!(scene.root.resolve("/a"), Err(Error::LinkDepth { .. })));
    for number in 0..11 {
        symlink(format!("/c{}", number + 1), scene.at(&format!("c{number}"))).unwrap();
    }
    assert_eq!(scene.root.resolve("/c1").unwrap(), "/c11", "ten links");
    assert!(matches!(scene.root.resolve("/c0"), Err(Error::LinkDepth { .. })), "eleven links");
    symlink("c/c/c/c", scene.at("c")).unwrap();
    assert!(matches!(scene.root.resolve("/c/x"), Err(Error::LinkDepth { .. })), "an explosion");
}

#[test]
fn only_regular_files_of_reasonable_size_are_read() {
    let scene = Scene::new();
    for (name, kind) in
        [("fifo", FileType::Fifo), ("null", FileType::CharacterDevice), ("sock", FileType::Socket)]
    {
        let made = mknodat(CWD, scene.at(name), kind, Mode::from_raw_mode(0o666), rustix::fs::makedev(1, 3));
        if made.is_ok() {
            assert_eq!(scene.root.read(&format!("/{name}")).unwrap(), None, "{name}");
        }
    }
    assert_eq!(scene.root.read("/etc").unwrap(), None);
    assert_eq!(scene.root.read("/none/file").unwrap(), None);
    let huge = fs::File::create(scene.at("huge")).unwrap();
    huge.set_len(4 << 30).unwrap();
    assert!(matches!(scene.root.read("/huge"), Err(Error::TooLong { .. })));
    huge.set_len(Rootfs::READ_LIMIT).unwrap();
    assert_eq!(scene.root.read("/huge").unwrap().unwrap().len() as u64, Rootfs::READ_LIMIT);
}

#[test]
fn windows_into_the_kernel_are_no_files_of_a_guest() {
    let dir = fs::File::open("/").unwrap();
    let root = Rootfs::new(dir.into(), (0, 0));
    for path in ["/proc/version", "/proc/self/environ", "/sys/kernel/mm/transparent_hugepage/enabled"] {
        assert_eq!(root.read(path).unwrap(), None, "{path}");
    }
    assert_eq!(root.read("/proc/self/root/etc/passwd").unwrap(), None, "a magic link");
}

#[test]
fn a_file_is_replaced_not_written_through() {
    let scene = Scene::new();
    fs::write(scene.at("etc/target"), "old").unwrap();
    symlink("target", scene.at("etc/link")).unwrap();
    fs::hard_link(scene.at("etc/target"), scene.at("etc/hard")).unwrap();
    for path in ["/etc/link", "/etc/hard"] {
        assert!(scene.root.replace(path, b"new", Attributes::CONFIG).unwrap());
        assert_eq!(scene.text(path), "new");
        assert!(fs::symlink_metadata(scene.at(path)).unwrap().is_file());
    }
    assert_eq!(scene.text("etc/target"), "old");
}

#[test]
fn what_is_right_is_not_touched() {
    let scene = Scene::new();
    assert!(scene.root.replace("/etc/a", b"x", Attributes::CONFIG).unwrap());
    let before = fs::metadata(scene.at("etc/a")).unwrap();
    assert!(!scene.root.replace("/etc/a", b"x", Attributes::CONFIG).unwrap());
    let after = fs::metadata(scene.at("etc/a")).unwrap();
    assert_eq!((before.ino(), before.ctime_nsec()), (after.ino(), after.ctime_nsec()));
    assert!(scene.root.replace("/etc/a", b"y", Attributes::CONFIG).unwrap());
    assert_eq!(fs::read_dir(scene.at("etc")).unwrap().count(), 2, "no temporary file stays");
}

#[test]
fn modes_are_kept_or_set() {
    let scene = Scene::new();
    let mode = |path: &str| fs::metadata(scene.at(path)).unwrap().permissions().mode() & 0o7777;
    fs::write(scene.at("etc/a"), "").unwrap();
    fs::set_permissions(scene.at("etc/a"), fs::Permissions::from_mode(0o4640)).unwrap();
    scene.root.replace("/etc/a", b"x", Attributes::CONFIG).unwrap();
    assert_eq!(mode("etc/a"), 0o640, "kept, but for set-user-id");
    scene.root.replace("/etc/a", b"x", Attributes::exact(0o600)).unwrap();
    assert_eq!(mode("etc/a"), 0o600, "set, though the content was right");
    scene.root.replace("/etc/b", b"x", Attributes::CONFIG).unwrap();
    assert_eq!(mode("etc/b"), 0o644, "whatever the umask");
    scene.root.make_path("/var/lib/deep/", 0o700).unwrap();
    assert_eq!(mode("var/lib/deep"), 0o700);
}

#[test]
fn owners_are_the_containers_root_or_kept() {
    if !needs_root() {
        return;
    }
    let scene = Scene::new();
    let root = Rootfs::open(&scene.at(""), (100_000, 100_001)).unwrap();
    let owner = |path: &str| {
        let data = fs::symlink_metadata(scene.at(path)).unwrap();
        (data.uid(), data.gid())
    };
    fs::write(scene.at("etc/shadow"), "").unwrap();
    std::os::unix::fs::chown(scene.at("etc/shadow"), Some(7), Some(42)).unwrap();
    root.replace("/etc/shadow", b"x", Attributes::UNCHANGED).unwrap();
    assert_eq!(owner("etc/shadow"), (7, 42));
    root.replace("/etc/shadow", b"x", Attributes::CONFIG).unwrap();
    assert_eq!(owner("etc/shadow"), (100_000, 100_001), "though the content was right");
    root.make_path("/a/b", 0o755).unwrap();
    root.symlink("x", "/a/link").unwrap();
    root.replace_with_link("y", "/a/link").unwrap();
    for path in ["a", "a/b", "a/link"] {
        assert_eq!(owner(path), (100_000, 100_001), "{path}");
    }
    assert_eq!(owner("etc"), (0, 0), "what was there is left alone");
}

#[test]
fn opted_out_files_stay() {
    let scene = Scene::new();
    fs::write(scene.at("etc/.pve-ignore.hosts"), "").unwrap();
    fs::write(scene.at("etc/hosts"), "mine").unwrap();
    let root = &scene.root;
    assert!(!root.replace("/etc/hosts", b"x", Attributes::CONFIG).unwrap());
    assert!(!root.edit_section("/etc/hosts", "x", SectionOptions::default()).unwrap());
    assert!(!root.unlink("/etc/hosts").unwrap());
    assert!(!root.replace_with_link("x", "/etc/hosts").unwrap());
    root.chown("/etc/hosts").unwrap();
    assert_eq!(scene.text("etc/hosts"), "mine");
    fs::remove_file(scene.at("etc/.pve-ignore.hosts")).unwrap();
    fs::create_dir(scene.at("etc/.pve-ignore.hosts")).unwrap();
    assert!(root.replace("/etc/hosts", b"x", Attributes::CONFIG).unwrap(), "a folder opts nothing out");
}

#[test]
fn links_are_made_where_the_name_is_free() {
    let scene = Scene::new();
    let root = &scene.root;
    assert!(root.symlink("target", "/etc/link").unwrap());
    assert!(!root.symlink("other", "/etc/link").unwrap());
    assert!(!root.symlink("target", "/none/link").unwrap());
    assert_eq!(root.readlink("/etc/link").unwrap().as_deref(), Some("target"));
    assert!(root.replace_with_link("other", "/etc/link").unwrap());
    assert!(!root.replace_with_link("other", "/etc/link").unwrap());
    assert_eq!(root.readlink("/etc/link").unwrap().as_deref(), Some("other"));
    assert!(root.unlink("/etc/link").unwrap());
    assert!(!root.unlink("/etc/link").unwrap());
    assert_eq!(root.readlink("/etc").unwrap(), None);
}

#[test]
fn a_temporary_name_that_is_taken_does_not_stop_us() {
    let scene = Scene::new();
    fs::create_dir(scene.at("etc/.a.pct-new")).unwrap();
    assert!(scene.root.replace("/etc/a", b"x", Attributes::CONFIG).unwrap());
    fs::remove_dir(scene.at("etc/.a.pct-new")).unwrap();
    symlink(scene.dir.path().join("canary/file"), scene.at("etc/.a.pct-new")).unwrap();
    assert!(scene.root.replace("/etc/a", b"y", Attributes::CONFIG).unwrap());
    assert_eq!(fs::read_dir(scene.at("etc")).unwrap().count(), 2);
    assert_eq!(fs::read_to_string(scene.dir.path().join("canary/file")).unwrap(), "canary");
}

#[test]
fn a_folder_in_the_place_of_a_file_is_an_error() {
    let scene = Scene::new();
    fs::create_dir(scene.at("etc/hosts")).unwrap();
    let error = scene.root.replace("/etc/hosts", b"x", Attributes::CONFIG).unwrap_err();
    assert!(error.to_string().contains("/etc/hosts"), "{error}");
    assert_eq!(fs::read_dir(scene.at("etc")).unwrap().count(), 2, "no temporary file stays");
    assert!(scene.root.unlink("/etc/hosts").is_err());
}

/// The race that a check before use loses: a folder becomes a link out of the root and back, all the time.
#[test]
fn a_folder_that_turns_into_a_link_leads_nowhere_else() {
    let scene = Scene::new();
    symlink("../../canary/network", scene.at("etc/swap")).unwrap();
    let before = scene.canary();
    let stop = AtomicBool::new(false);
    let (mut written, mut refused) = (0, 0);
    let (network, swap) = (scene.at("etc/network"), scene.at("etc/swap"));
    thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                renameat_with(CWD, &network, CWD, &swap, RenameFlags::EXCHANGE).unwrap();
            }
        });
        for round in 0..3000 {
            let data = round.to_string();
            let results = [
                scene.root.replace("/etc/network/interfaces", data.as_bytes(), Attributes::CONFIG),
                scene.root.edit_section("/etc/network/section", &data, SectionOptions::default()),
                scene.root.symlink("x", "/etc/network/link"),
                scene.root.replace_with_link(&data, "/etc/network/link"),
                scene.root.unlink("/etc/network/link"),
                scene.root.make_path("/etc/network/deep/er", 0o755).map(|()| true),
                scene.root.read("/etc/network/interfaces").map(|found| found.is_some()),
            ];
            written += results.iter().filter(|result| matches!(result, Ok(true))).count();
            refused += results.iter().filter(|result| result.is_err()).count();
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert_eq!(scene.canary(), before);
    eprintln!("{written} written, {refused} refused");
    assert!(written > 0 && refused > 0, "both sides of the race were met: {written}, {refused}");
}

#[test]
fn only_regular_files_are_opened_to_be_copied_and_only_those_of_the_root() {
    let scene = Scene::new();
    let before = scene.canary();
    let read = |path: &str| {
        let mut text = String::new();
        scene.root.open_to_read(path).and_then(|mut file| file.read_to_string(&mut text)).map(|_| text)
    };
    let write =
        |path: &str| scene.root.open_to_write(path, 0o640).and_then(|mut file| file.write_all(b"new"));
    write("/etc/made").unwrap();
    assert_eq!(scene.text("/etc/made"), "new");
    fs::write(scene.at("/etc/old"), "old and long").unwrap();
    symlink("/etc/old", scene.at("/link")).unwrap();
    assert_eq!(read("/link").unwrap(), "old and long");
    write("/link").unwrap();
    assert_eq!(scene.text("/etc/old"), "new");
    symlink("/etc/nothing", scene.at("/dangling")).unwrap();
    symlink(scene.dir.path().join("canary/file"), scene.at("/out")).unwrap();
    symlink("../../../../../../canary/file", scene.at("/etc/up")).unwrap();
    mknodat(CWD, scene.at("/pipe"), FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
    for path in ["/etc", "/dangling", "/out", "/etc/up", "/pipe", "/none/file", "/etc/made/x"] {
        assert!(read(path).is_err(), "{path}");
        assert!(write(path).is_err(), "{path}");
    }
    let error = write("/pipe").unwrap_err();
    assert_eq!(error.to_string(), "it is no regular file");
    assert_eq!(scene.canary(), before);
}
