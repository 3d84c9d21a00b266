//! On the real kernel, as root. Everything that touches a mount table happens in a child with a namespace of
//! its own.

use std::fs::{self, File};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};

use super::*;
use crate::config::IdMap;
use crate::sys::loopdev::{self, FileId};
use crate::sys::testing::{in_child, needs_root};
use crate::sys::userns;

const OWNER: (u32, u32) = (100_000, 100_000);
const MADE: Insert = Insert { owner: OWNER, keep_attributes: false };

/// A formatted raw image in a directory of its own.
struct Image {
    dir: tempfile::TempDir,
}

impl Image {
    fn new() -> Self {
        let image = Self { dir: tempfile::tempdir().unwrap() };
        File::create(image.path()).unwrap().set_len(16 << 20).unwrap();
        let said = mkfs::format_ext4(&image.path(), OWNER).unwrap();
        assert!(said.stdout.iter().any(|line| line.starts_with("Creating filesystem")), "{said:?}");
        assert!(said.stdout.iter().any(|line| line.starts_with("Filesystem UUID")), "{said:?}");
        assert!(said.stderr.is_empty(), "{said:?}");
        image
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("vm-9000-disk-0.raw")
    }

    fn open(&self, options: Options) -> OwnedFd {
        open_raw_image(&self.path(), options).unwrap()
    }

    fn devices(&self) -> usize {
        devices(&self.path())
    }
}

/// How many loop devices show a file, when it has settled: another test may have forked just now and hold copies
/// of our descriptors for a moment.
fn devices(path: &Path) -> usize {
    let id = FileId::of(File::open(path).unwrap().as_fd()).unwrap();
    for _ in 0..500 {
        if loopdev::find(id).unwrap().is_empty() {
            return 0;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    loopdev::find(id).unwrap().len()
}

/// Reads and writes below a detached mount, which no path leads to.
fn create(mount: &OwnedFd, name: &str) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::CREATE | OFlags::WRONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    rustix::fs::openat(mount, name, flags, Mode::from_raw_mode(0o644))
}

fn owner(mount: &OwnedFd, name: &str) -> (u32, u32) {
    let stat = rustix::fs::statat(mount, name, rustix::fs::AtFlags::SYMLINK_NOFOLLOW).unwrap();
    (stat.st_uid, stat.st_gid)
}

fn open_dir(path: &Path) -> OwnedFd {
    rustix::fs::open(path, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).unwrap()
}

/// An empty tmpfs, in a namespace of one's own.
fn private_root(dir: &Path) -> OwnedFd {
    enter_private_namespace().unwrap();
    rustix::mount::mount("pct-test", dir, "tmpfs", rustix::mount::MountFlags::empty(), None).unwrap();
    open_dir(dir)
}

/// The words of the options of the mount at `path`: its own and its file system's.
fn shown_options(path: &Path) -> Vec<String> {
    let text = fs::read_to_string("/proc/self/mountinfo").unwrap();
    let line = text.lines().rfind(|l| l.split(' ').nth(4) == path.to_str()).unwrap();
    let words: Vec<&str> = line.split(' ').collect();
    let all = format!("{},{}", words[5], words.last().unwrap());
    all.split(',').map(str::to_owned).collect()
}

#[test]
fn a_raw_image_is_mounted_in_no_namespace_and_its_device_goes_with_it() {
    if !needs_root() {
        return;
    }
    let image = Image::new();
    let mount = image.open(Options::default());
    assert_eq!(owner(&mount, "."), OWNER);
    create(&mount, "file").unwrap();
    let id = FileId::of(File::open(image.path()).unwrap().as_fd()).unwrap();
    let devices = loopdev::find(id).unwrap();
    assert_eq!(devices.len(), 1);
    let table = fs::read_to_string("/proc/self/mountinfo").unwrap();
    assert!(!table.contains(&format!(" {} ", devices[0].path().display())), "{table}");
    drop(devices);

    // A second opening shares the device, since two would destroy the file system.
    let second = image.open(Options::default());
    assert_eq!(loopdev::find(id).unwrap().len(), 1);
    create(&second, "other").unwrap();
    assert_eq!(owner(&mount, "other"), (0, 0));
    drop((mount, second));
    assert_eq!(image.devices(), 0);
}

#[test]
fn many_images_at_once_and_one_image_by_many() {
    if !needs_root() {
        return;
    }
    let shared = Image::new();
    std::thread::scope(|s| {
        for _ in 0..6 {
            s.spawn(|| {
                let own = Image::new();
                let mounts = [own.open(Options::default()), shared.open(Options::default())];
                let id = FileId::of(File::open(shared.path()).unwrap().as_fd()).unwrap();
                assert_eq!(loopdev::find(id).unwrap().len(), 1);
                drop(mounts);
                assert_eq!(own.devices(), 0);
            });
        }
    });
    assert_eq!(shared.devices(), 0);
}

#[test]
fn options_are_there_before_the_mount_can_be_seen() {
    if !needs_root() {
        return;
    }
    let image = Image::new();
    let frozen = image.open(Options { frozen: true, ..Options::default() });
    assert_eq!(create(&frozen, "x").unwrap_err(), rustix::io::Errno::ROFS);
    drop(frozen);
    assert_eq!(image.devices(), 0);
    let dir = tempfile::tempdir().unwrap();
    in_child(|| {
        let root = private_root(dir.path());
        let all = Options {
            discard: true,
            lazytime: true,
            noatime: true,
            nodev: true,
            noexec: true,
            nosuid: true,
            acl: true,
            ..Options::default()
        };
        insert(root.as_fd(), "/mnt", image.open(all).as_fd(), MADE).unwrap();
        let shown = shown_options(&dir.path().join("mnt"));
        for option in ["rw", "noatime", "nodev", "noexec", "nosuid", "discard", "lazytime"] {
            assert!(shown.iter().any(|o| o == option), "{option} is not in {shown:?}");
        }
        let source = tempfile::tempdir_in(dir.path()).unwrap();
        let read_only = Options { read_only: true, nosuid: true, noatime: true, ..Options::default() };
        let bound = bind(source.path().to_str().unwrap(), read_only).unwrap();
        assert_eq!(create(&bound, "x").unwrap_err(), rustix::io::Errno::ROFS);
        insert(root.as_fd(), "ro", bound.as_fd(), MADE).unwrap();
        let shown = shown_options(&dir.path().join("ro"));
        assert!(shown.iter().any(|o| o == "ro") && shown.iter().any(|o| o == "nosuid"), "{shown:?}");
        assert!(!shown.iter().any(|o| o == "noatime"), "{shown:?}");
        fs::write(source.path().join("x"), "the source itself stays writable").unwrap();
        source.close().unwrap();
    });
    assert_eq!(image.devices(), 0, "all goes with the last process of the namespace");
}

#[test]
fn inserting_makes_directories_and_refuses_symlinks() {
    if !needs_root() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    in_child(|| {
        let root = private_root(dir.path());
        // A umask must not shut the guest out.
        rustix::process::umask(Mode::from_raw_mode(0o077));
        let source = tempfile::tempdir_in(dir.path()).unwrap();
        let volume = || clone_tree(open_dir(source.path()).as_fd(), Options::default()).unwrap();
        fs::write(source.path().join("here"), "").unwrap();
        insert(root.as_fd(), "//srv/./a//b/", volume().as_fd(), MADE).unwrap();
        assert!(dir.path().join("srv/a/b/here").exists());
        for made in ["srv", "srv/a"] {
            let stat = dir.path().join(made).metadata().unwrap();
            assert_eq!((stat.uid(), stat.gid(), stat.mode() & 0o7777), (OWNER.0, OWNER.1, 0o755), "{made}");
        }
        // Below another mount.
        insert(root.as_fd(), "srv/a/b/c", volume().as_fd(), MADE).unwrap();
        assert!(dir.path().join("srv/a/b/c/here").exists());

        for (target, link) in
            [(outside.path(), "out"), (Path::new("srv"), "in"), (Path::new("/proc/self/root"), "magic")]
        {
            symlink(target, dir.path().join(link)).unwrap();
            for path in [link.to_owned(), format!("{link}/x")] {
                let error = insert(root.as_fd(), &path, volume().as_fd(), MADE).unwrap_err();
                assert_eq!(error.to_string(), format!("symlink encountered at: /{link}"));
            }
        }
        fs::write(dir.path().join("file"), "").unwrap();
        let error = insert(root.as_fd(), "file/x", volume().as_fd(), MADE).unwrap_err();
        assert_eq!(error.to_string(), "symlink encountered at: /file");
        let error = insert(root.as_fd(), "srv/../../etc", volume().as_fd(), MADE).unwrap_err();
        assert!(matches!(error, Error::BadPath { .. }), "{error}");
        assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);

        let mounts = unmount_tree(&dir.path().join("srv")).unwrap();
        assert_eq!(mounts, 2);
        source.close().unwrap();
    });
}

#[test]
fn a_new_volume_takes_over_what_it_covers() {
    if !needs_root() {
        return;
    }
    let image = Image::new();
    let dir = tempfile::tempdir().unwrap();
    in_child(|| {
        let root = private_root(dir.path());
        let covered = dir.path().join("data");
        fs::create_dir(&covered).unwrap();
        std::os::unix::fs::chown(&covered, Some(100_033), Some(100_044)).unwrap();
        fs::set_permissions(&covered, fs::Permissions::from_mode(0o2770)).unwrap();
        let how = Insert { owner: OWNER, keep_attributes: true };
        insert(root.as_fd(), "data", image.open(Options::default()).as_fd(), how).unwrap();
        let stat = covered.metadata().unwrap();
        assert!(covered.join("lost+found").exists());
        assert_eq!((stat.uid(), stat.gid(), stat.mode() & 0o7777), (100_033, 100_044, 0o2770));
        unmount_tree(&covered).unwrap();
        // Read-only it has what it has.
        let read_only = Options { read_only: true, ..Options::default() };
        insert(root.as_fd(), "data", image.open(read_only).as_fd(), how).unwrap();
    });
    assert_eq!(image.devices(), 0);
}

#[test]
fn a_bind_source_is_walked_over_no_symlink() {
    if !needs_root() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let base = fs::canonicalize(dir.path()).unwrap();
    fs::create_dir_all(base.join("real/deep")).unwrap();
    symlink("real", base.join("link")).unwrap();
    let path = |name: &str| format!("{}/{name}", base.display());
    bind(&path("real/deep"), Options::default()).unwrap();
    for name in ["link", "link/deep"] {
        let error = bind(&path(name), Options::default()).unwrap_err();
        assert_eq!(error.to_string(), format!("symlink encountered at: {}", path("link")));
    }
    let error = bind(&path("real/none"), Options::default()).unwrap_err();
    assert_eq!(error.to_string(), format!("directory '{}' does not exist", path("real/none")));
    assert!(matches!(bind("etc", Options::default()), Err(Error::NoDirectory { .. })));
    assert!(bind("/proc/self/cwd", Options::default()).is_err());
}

#[test]
fn ids_of_a_mount_are_mapped() {
    if !needs_root() {
        return;
    }
    let image = Image::new();
    let dir = tempfile::tempdir().unwrap();
    let container = IdMap::unprivileged_default();
    // The disk has the container's own ids.
    let mount = image.open(Options::default());
    create(&mount, "roots").unwrap();
    rustix::fs::chownat(
        &mount,
        ".",
        Some(rustix::fs::Uid::ROOT),
        Some(rustix::fs::Gid::ROOT),
        rustix::fs::AtFlags::empty(),
    )
    .unwrap();
    let map = container.clone();
    let namespace = userns::create(&map).unwrap();
    idmapped(mount.as_fd(), namespace.as_fd(), "rootfs").unwrap();
    drop(namespace);
    assert_eq!(owner(&mount, "roots"), OWNER);
    in_child(|| {
        enter_private_namespace().unwrap();
        attach(mount.as_fd(), dir.path()).unwrap();
        // The host's root can make nothing here, yet mount points get made.
        assert_eq!(create(&mount, "x").unwrap_err(), rustix::io::Errno::OVERFLOW);
        let inner = clone_tree(open_dir(Path::new("/etc")).as_fd(), Options::default()).unwrap();
        insert(mount.as_fd(), "mnt/inner", inner.as_fd(), MADE).unwrap();
        assert!(dir.path().join("mnt/inner/hostname").exists());
        assert_eq!(owner(&mount, "mnt"), OWNER);
    });
    drop(mount);
    let plain = image.open(Options::default());
    assert_eq!(owner(&plain, "mnt"), (0, 0), "on disk");
    drop(plain);
    assert_eq!(image.devices(), 0);

    let proc = clone_tree(open_dir(Path::new("/proc")).as_fd(), Options::default()).unwrap();
    let namespace = userns::create(&container).unwrap();
    let error = idmapped(proc.as_fd(), namespace.as_fd(), "/proc").unwrap_err();
    assert!(matches!(error, Error::NoIdmapSupport { .. }), "{error}");
}

#[test]
fn what_cannot_be_mounted_says_why() {
    if !needs_root() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("empty.raw");
    File::create(&path).unwrap().set_len(1 << 20).unwrap();
    let text = open_raw_image(&path, Options::default()).unwrap_err().to_string();
    assert!(text.starts_with(&format!("no file system found on '{}'", path.display())), "{text}");
    let error = open_raw_image(dir.path(), Options { read_only: true, ..Options::default() }).unwrap_err();
    assert_eq!(error.to_string(), format!("'{}' is not a regular file", dir.path().display()));
    assert!(matches!(open_block_device(&path, Options::default()), Err(Error::WrongKind { .. })));
    assert!(matches!(open_raw_image(&dir.path().join("none"), Options::default()), Err(Error::Os { .. })));

    // The magic number and nothing else.
    rustix::io::pwrite(File::options().write(true).open(&path).unwrap(), &[0x53, 0xef], 0x438).unwrap();
    let error = open_raw_image(&path, Options::default()).unwrap_err();
    assert!(matches!(error, Error::Mount { fstype: "ext4", .. }), "{error}");
    assert_eq!(devices(&path), 0);
}

#[test]
fn block_devices_are_mounted_by_what_they_hold() {
    if !needs_root() {
        return;
    }
    let image = Image::new();
    let file = File::options().read(true).write(true).open(image.path()).unwrap();
    let device = loopdev::attach(file.as_fd(), &image.path(), false).unwrap();
    let link = image.dir.path().join("lv");
    symlink(device.path(), &link).unwrap();
    let mount = open_block_device(&link, Options::default()).unwrap();
    assert_eq!(owner(&mount, "."), OWNER);
    drop((device, mount));
    assert_eq!(image.devices(), 0);
}

#[test]
fn stacked_mounts_are_all_unmounted() {
    if !needs_root() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    in_child(|| {
        let base = fs::canonicalize(dir.path()).unwrap();
        let _root = private_root(&base);
        let top = base.join("a b");
        fs::create_dir(&top).unwrap();
        let tmpfs = |at: &Path| {
            rustix::mount::mount("pct-test", at, "tmpfs", rustix::mount::MountFlags::empty(), None).unwrap();
        };
        tmpfs(&top);
        fs::create_dir(top.join("sub")).unwrap();
        tmpfs(&top.join("sub"));
        // Now the one below is hidden.
        tmpfs(&top);
        assert_eq!(unmount_tree(&top).unwrap(), 3);
        assert_eq!(unmount_tree(&top).unwrap(), 0);
        assert_eq!(unmount_tree(&base.join("none")).unwrap(), 0);
        tmpfs(&top);
        let _busy = File::create(top.join("open")).unwrap();
        let error = unmount_tree(&top).unwrap_err();
        assert_eq!(error.to_string(), format!("cannot unmount '{}'", top.display()));
    });
}
