//! A tree of every kind, from and to every file system.

use std::os::unix::fs::{PermissionsExt, symlink};

use rustix::fs::{FileType as Kind, Mode, XattrFlags, lsetxattr, makedev, mknodat};

use super::*;

const OWNER: u32 = 100_000;

/// An access control list in the kernel's form: tags are user 2, group 8, mask 16 and so on.
fn acl(entries: &[(u16, u16, u32)]) -> Vec<u8> {
    let mut value = 2_u32.to_le_bytes().to_vec();
    for (tag, permissions, id) in entries {
        value.extend(tag.to_le_bytes());
        value.extend(permissions.to_le_bytes());
        value.extend(id.to_le_bytes());
    }
    value
}

fn some_acl(id: u32) -> Vec<u8> {
    const NONE: u32 = u32::MAX;
    acl(&[(1, 7, NONE), (2, 5, id), (4, 4, NONE), (8, 6, OWNER + 7), (16, 7, NONE), (32, 0, NONE)])
}

/// `cap_net_raw+ep`, for the host (version 2) or for the user namespace of a root (version 3).
fn capability(root: Option<u32>) -> Vec<u8> {
    let version: u32 = if root.is_some() { 0x0300_0001 } else { 0x0200_0001 };
    let words = [version, 1 << 13, 0, 0, 0].into_iter().chain(root);
    words.flat_map(u32::to_le_bytes).collect()
}

fn set(path: &Path, name: &str, value: &[u8]) {
    lsetxattr(path, name, value, XattrFlags::empty()).unwrap_or_else(|e| panic!("{path:?} {name}: {e}"));
}

fn own(path: &Path, mode: u32) {
    std::os::unix::fs::lchown(path, Some(OWNER + 1), Some(OWNER + 2)).unwrap();
    if !path.is_symlink() {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }
}

/// Fills a directory. Before Linux 6.6 a tmpfs takes no attributes of `user`.
fn fill(root: &Path, user_xattrs: bool) {
    for (folder, mode) in [("a", 0o755), ("a/b", 0o2750), ("tmp", 0o1777), ("a/secret", 0), ("empty", 0o711)]
    {
        fs::create_dir(root.join(folder)).unwrap();
        own(&root.join(folder), mode);
    }
    let data = noise((3 << 20) + 123);
    for (file, mode, content) in [
        ("a/none", 0o644, &b""[..]),
        ("a/small", 0o4755, b"hello"),
        ("a/b/large", 0o640, &data),
        ("a/b/zeros", 0o6777, &[0; 1 << 20]),
        ("a/b/nobody", 0, b"x"),
        ("a/caps", 0o755, b"#!"),
        ("a/caps3", 0o755, b"#!"),
        ("a/b/many", 0o600, b"three names"),
    ] {
        fs::write(root.join(file), content).unwrap();
        own(&root.join(file), mode);
    }
    let sparse = fs::File::create(root.join("a/sparse")).unwrap();
    rustix::io::pwrite(&sparse, &data[..10_000], (8 << 20) + 17).unwrap();
    sparse.set_len(24 << 20).unwrap();
    for (file, kind, device) in [
        ("a/fifo", Kind::Fifo, 0),
        ("a/socket", Kind::Socket, 0),
        ("a/null", Kind::CharacterDevice, makedev(1, 3)),
        ("a/disk", Kind::BlockDevice, makedev(259, 70_000)),
    ] {
        mknodat(CWD, root.join(file), kind, Mode::from_raw_mode(0o600), device).unwrap();
        own(&root.join(file), 0o4664);
    }
    for (file, text) in [("a/link", "small"), ("dangling", "/nowhere/at all"), ("a/b/folder", "../../tmp")] {
        symlink(text, root.join(file)).unwrap();
        own(&root.join(file), 0);
    }
    for (new, old) in [
        ("many", "a/b/many"),
        ("a/b/many too", "a/b/many"),
        ("a/b/link", "a/link"),
        ("fifo", "a/fifo"),
        ("tmp/large", "a/b/large"),
    ] {
        rustix::fs::linkat(CWD, root.join(old), CWD, root.join(new), AtFlags::empty()).unwrap();
    }
    for odd in [&b"new\nline"[..], b"\xff\xfe", b"-rf", b" ", b"*", b"...", &[b'n'; 255]] {
        fs::write(root.join(name(odd)), odd).unwrap();
    }
    fs::create_dir(root.join(name(b"dir\xff\n"))).unwrap();
    fs::write(root.join(name(b"dir\xff\n")).join("x"), "x").unwrap();

    if user_xattrs {
        set(&root.join("a/small"), "user.note", b"a note");
        set(&root.join("a/b/nobody"), "user.empty", b"");
        set(&root.join("a/secret"), "user.note", &[7; 900]);
    }
    for path in ["a/small", "a/b", "a/fifo", "a/null", "dangling", "."] {
        set(&root.join(path), "trusted.pct", path.as_bytes());
    }
    set(&root.join("a/small"), "security.pct", b"x");
    set(&root.join("a/caps"), "security.capability", &capability(None));
    set(&root.join("a/caps3"), "security.capability", &capability(Some(OWNER)));
    set(&root.join("a/b/large"), "system.posix_acl_access", &some_acl(OWNER + 3));
    set(&root.join("a/fifo"), "system.posix_acl_access", &some_acl(5));
    set(&root.join("a/b"), "system.posix_acl_access", &some_acl(OWNER + 4));
    set(&root.join("a/b"), "system.posix_acl_default", &some_acl(OWNER + 5));
    set(&root.join("."), "system.posix_acl_default", &some_acl(OWNER + 6));
    own(&root.join("."), 0o751);

    // The deepest first, the root last; one is older than time.
    let mut paths: Vec<PathBuf> = manifest(root).into_keys().collect();
    paths.sort_by_key(|path| std::cmp::Reverse(path.components().count()));
    for (n, path) in (0..).zip(paths) {
        set_mtime(&root.join(".").join(path), 1_000_000_000 * n / 10 - 5, 123_456_789 + n);
    }
}

fn same(source: &Path, target: &Path) {
    let (source, mut target) = (manifest(source), manifest(target));
    // What mkfs makes.
    if !source.contains_key(Path::new("lost+found")) {
        target.remove(Path::new("lost+found"));
    }
    assert_eq!(source.keys().collect::<Vec<_>>(), target.keys().collect::<Vec<_>>());
    for (path, facts) in &source {
        assert!(*facts == target[path], "{path:?}: {:?}", brief(facts, &target[path]));
    }
}

/// Two that differ, without their bytes.
fn brief(a: &Facts, b: &Facts) -> [String; 2] {
    [a, b].map(|f| {
        let Facts { kind, numbers, mtime, content, xattrs, first } = f;
        format!("{kind} {numbers:?} {mtime:?} {} {xattrs:?} {first:?}", content.len())
    })
}

/// Fills the root of one file system and copies it to another.
fn from_to(from: &str, to: &str) {
    if !needs_root() {
        return;
    }
    let (source, target) = (Volume::new(from), Volume::new(to));
    fill(&source.path(), from != "tmpfs" && to != "tmpfs");
    let before = manifest(&source.path());
    let copied = copy_tree(source.mount.as_fd(), target.mount.as_fd()).unwrap();
    assert_eq!(before, manifest(&source.path()), "the source has changed");
    same(&source.path(), &target.path());
    let entries = before.len() as u64 - 1;
    let zeros = 1 << 20;
    assert_eq!((copied.entries, copied.vanished, copied.mount_points), (entries, 0, 0));
    assert!((zeros + (3 << 20)..8 << 20).contains(&copied.bytes), "{copied:?}");
    for (path, at_most) in [("a/sparse", 1 << 20), ("a/b/zeros", zeros)] {
        let meta = target.path().join(path).metadata().unwrap();
        assert!(meta.blocks() * 512 <= at_most, "{path} takes {} blocks", meta.blocks());
    }
}

#[test]
fn from_tmpfs_to_tmpfs() {
    from_to("tmpfs", "tmpfs");
}

#[test]
fn from_ext4_to_ext4() {
    from_to("ext4", "ext4");
}

#[test]
fn from_ext4_to_xfs() {
    from_to("ext4", "xfs");
}

#[test]
fn from_xfs_to_btrfs() {
    from_to("xfs", "btrfs");
}

#[test]
fn from_btrfs_to_ext4() {
    from_to("btrfs", "ext4");
}

#[test]
fn from_tmpfs_to_btrfs() {
    from_to("tmpfs", "btrfs");
}

#[test]
fn within_a_file_system_data_is_shared_where_it_can_be() {
    if !needs_root() {
        return;
    }
    for (fstype, shares) in [("btrfs", true), ("xfs", true), ("ext4", false)] {
        let volume = Volume::new(fstype);
        let (source, source_path) = volume.folder("source");
        let (target, target_path) = volume.folder("target");
        fill(&source_path, true);
        fs::write(source_path.join("big"), noise(8 << 20)).unwrap();
        let before = volume.used();
        copy_tree(source.as_fd(), target.as_fd()).unwrap();
        same(&source_path, &target_path);
        let more = volume.used().saturating_sub(before);
        assert_eq!(more < 4 << 20, shares, "{fstype}: {more} bytes more");
    }
}

#[test]
fn what_the_target_has_is_filled_or_refused() {
    if !needs_root() {
        return;
    }
    let volume = Volume::new("ext4");
    let (source, source_path) = volume.folder("source");
    fs::create_dir(source_path.join("lost+found")).unwrap();
    fs::write(source_path.join("lost+found/#12"), "x").unwrap();
    let target = Volume::new("ext4");
    copy_tree(source.as_fd(), target.mount.as_fd()).unwrap();
    same(&source_path, &target.path());
    let error = copy_tree(source.as_fd(), target.mount.as_fd()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot create the copy of '/lost+found/#12' (the target is expected to be empty)"
    );

    // A default list of the target is not inherited by what the source has.
    let (bare, bare_path) = volume.folder("bare");
    let (heir, heir_path) = volume.folder("heir");
    fs::create_dir(bare_path.join("d")).unwrap();
    fs::write(bare_path.join("d/f"), "x").unwrap();
    set(&heir_path, "system.posix_acl_default", &some_acl(5));
    set(&heir_path, "system.posix_acl_access", &some_acl(5));
    copy_tree(bare.as_fd(), heir.as_fd()).unwrap();
    same(&bare_path, &heir_path);
}

#[test]
fn attributes_that_the_target_cannot_hold_are_an_error() {
    if !needs_root() {
        return;
    }
    let (source, target) = (Volume::new("xfs"), Volume::new("ext4"));
    fs::write(source.path().join("file"), "x").unwrap();
    set(&source.path().join("file"), "user.large", &[1; 60_000]);
    let error = copy_tree(source.mount.as_fd(), target.mount.as_fd()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot set the extended attributes of the copy of '/file' (can the target's file system hold them?)"
    );
}

#[test]
fn a_full_target_is_an_error_that_says_what_to_do() {
    if !needs_root() {
        return;
    }
    let (source, target) = (Volume::new("tmpfs"), Volume::small());
    fs::create_dir(source.path().join("d")).unwrap();
    for n in 0..3 {
        fs::write(source.path().join(format!("d/{n}")), noise(500_000)).unwrap();
    }
    let error = copy_tree(source.mount.as_fd(), target.mount.as_fd()).unwrap_err().to_string();
    assert!(error.contains("the copy of '/d/"), "{error}");
    assert!(error.ends_with("(make the target volume larger)"), "{error}");
}

#[test]
fn progress_is_told_and_can_stop_it() {
    if !needs_root() {
        return;
    }
    let (source, target) = (Volume::new("tmpfs"), Volume::new("tmpfs"));
    fs::write(source.path().join("file"), noise(1 << 20)).unwrap();
    let mut told = Vec::new();
    let total = used(source.mount.as_fd()).unwrap();
    assert!((1 << 20..2 << 20).contains(&total), "{total}");
    let options = Options { bandwidth: std::num::NonZeroU64::new(2048), total: Some(total) };
    let mut watch = |done, total| {
        told.push((done, total));
        ControlFlow::Continue(())
    };
    let begin = std::time::Instant::now();
    let copied = tree(source.mount.as_fd(), target.mount.as_fd(), &options, &mut watch).unwrap();
    // Half a second, less what may come at once; nothing can make it shorter.
    assert!(begin.elapsed() >= std::time::Duration::from_millis(350));
    assert_eq!(copied.bytes, 1 << 20);
    assert!(told.is_sorted() && told.len() > 2, "{told:?}");
    assert_eq!(told.last(), Some(&(1 << 20, Some(total))));

    let target = Volume::new("tmpfs");
    let mut watch = |_, _| ControlFlow::Break(());
    let options = Options { bandwidth: std::num::NonZeroU64::new(1), total: None };
    let stopped = tree(source.mount.as_fd(), target.mount.as_fd(), &options, &mut watch);
    assert!(matches!(stopped, Err(Error::Cancelled)), "{stopped:?}");
}
