//! On real file systems, as root. Volumes are mounted detached, in no namespace: they and their loop devices go with the
//! descriptor.

mod files;
mod hostile;
mod trees;

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs,
    os::{
        fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
        unix::{
            ffi::OsStringExt,
            fs::{FileTypeExt, MetadataExt},
        },
    },
    path::{Path, PathBuf},
    process::Command,
};

use rustix::{
    fs::{AtFlags, CWD, OFlags, Timespec, Timestamps},
    mount::{FsMountFlags, FsOpenFlags, MountAttrFlags},
};

use super::*;
use crate::sys::{loopdev, testing::needs_root};

/// A mounted file system.
struct Volume {
    mount: OwnedFd,
    _image: Option<tempfile::NamedTempFile>,
}

impl Volume {
    fn new(fstype: &str) -> Self {
        if fstype == "tmpfs" {
            return Self { mount: mount(fstype, "tmpfs"), _image: None };
        }
        let image = tempfile::NamedTempFile::new().unwrap();
        // The least that makes an XFS.
        image.as_file().set_len(320 << 20).unwrap();
        let quiet = if fstype == "ext4" { "-F" } else { "-f" };
        let made = Command::new(format!("/usr/sbin/mkfs.{fstype}"))
            .args(["-q", quiet])
            .arg(image.path())
            .output()
            .unwrap_or_else(|error| panic!("mkfs.{fstype} (see tests/demo/deps.sh): {error}"));
        assert!(made.status.success(), "{made:?}");
        let device = loopdev::attach(image.as_fd(), image.path(), false).unwrap();
        Self { mount: mount(fstype, device.path().to_str().unwrap()), _image: Some(image) }
    }

    /// One that is full soon.
    fn small() -> Self {
        let context = rustix::mount::fsopen("tmpfs", FsOpenFlags::FSOPEN_CLOEXEC).unwrap();
        rustix::mount::fsconfig_set_string(context.as_fd(), "size", "1m").unwrap();
        Self { mount: mount_of(context), _image: None }
    }

    /// A path that leads into it.
    fn path(&self) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}", self.mount.as_raw_fd()))
    }

    /// How much of it is in use, when all is written.
    fn used(&self) -> u64 {
        rustix::fs::syncfs(open(&self.path())).unwrap();
        used(self.mount.as_fd()).unwrap()
    }

    fn folder(&self, name: &str) -> (OwnedFd, PathBuf) {
        let path = self.path().join(name);
        fs::create_dir(&path).unwrap();
        (open(&path), path)
    }
}

fn mount(fstype: &str, source: &str) -> OwnedFd {
    let context = rustix::mount::fsopen(fstype, FsOpenFlags::FSOPEN_CLOEXEC).unwrap();
    rustix::mount::fsconfig_set_string(context.as_fd(), "source", source).unwrap();
    mount_of(context)
}

fn mount_of(context: OwnedFd) -> OwnedFd {
    rustix::mount::fsconfig_create(context.as_fd()).unwrap();
    rustix::mount::fsmount(context.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::empty()).unwrap()
}

fn open(path: &Path) -> OwnedFd {
    rustix::fs::open(path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, rustix::fs::Mode::empty())
        .unwrap()
}

fn copy_tree(source: BorrowedFd<'_>, target: BorrowedFd<'_>) -> Result<Copied, Error> {
    tree(source, target, &Options::default(), &mut |_, _| ControlFlow::Continue(()))
}

fn copy_file(source: &fs::File, target: &fs::File) -> Result<u64, Error> {
    file(source.as_fd(), target.as_fd(), Path::new("disk.raw"), None, &mut |_, _| ControlFlow::Continue(()))
}

/// Bytes that no file system can make smaller.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut step = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    (0..length.div_ceil(8)).flat_map(|_| step()).take(length).collect()
}

fn name(bytes: &[u8]) -> OsString {
    OsString::from_vec(bytes.to_vec())
}

fn set_mtime(path: &Path, seconds: i64, nanos: i64) {
    let time = Timespec { tv_sec: seconds, tv_nsec: nanos };
    let times = Timestamps { last_access: time, last_modification: time };
    rustix::fs::utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW).unwrap();
}

/// All that a copy must keep.
#[derive(Debug, PartialEq, Eq)]
struct Facts {
    kind: &'static str,
    /// Owner, group, type and mode, number of a device, hard links.
    numbers: (u32, u32, u32, u64, u64),
    mtime: (i64, i64),
    content: Vec<u8>,
    xattrs: BTreeMap<String, Vec<u8>>,
    /// The first name of this file.
    first: PathBuf,
}

/// What is below a directory, and itself.
fn manifest(root: &Path) -> BTreeMap<PathBuf, Facts> {
    let mut all = BTreeMap::new();
    let mut first = BTreeMap::new();
    let mut paths = vec![root.to_owned()];
    while let Some(path) = paths.pop() {
        // The path of the root goes through a link.
        let path = if path == root { root.join(".") } else { path };
        let meta = path.symlink_metadata().unwrap();
        let shown = path.strip_prefix(root).unwrap().to_owned();
        let mut names: Vec<PathBuf> = Vec::new();
        let (kind, content) = match meta.file_type() {
            t if t.is_dir() => {
                names = fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()).collect();
                ("directory", Vec::new())
            }
            t if t.is_symlink() => ("link", fs::read_link(&path).unwrap().into_os_string().into_vec()),
            t if t.is_file() => ("file", fs::read(&path).unwrap()),
            t if t.is_fifo() => ("fifo", Vec::new()),
            t if t.is_socket() => ("socket", Vec::new()),
            t if t.is_char_device() => ("char", Vec::new()),
            _ => ("block", Vec::new()),
        };
        names.sort();
        paths.extend(names.into_iter().rev());
        let first = first.entry(meta.ino()).or_insert_with(|| shown.clone()).clone();
        // How a file system counts the names of a directory is its own business.
        let links = if kind == "directory" { 0 } else { meta.nlink() };
        let numbers = (meta.uid(), meta.gid(), meta.mode(), meta.rdev(), links);
        let mtime = (meta.mtime(), meta.mtime_nsec());
        all.insert(shown, Facts { kind, numbers, mtime, content, xattrs: xattrs(&path), first });
    }
    all
}

fn xattrs(path: &Path) -> BTreeMap<String, Vec<u8>> {
    let (mut names, mut value) = (vec![0; 65536], vec![0; 65536]);
    let length = rustix::fs::llistxattr(path, &mut *names).unwrap();
    let names = str::from_utf8(&names[..length]).unwrap();
    let read = |name: &str| {
        let length = rustix::fs::lgetxattr(path, name, &mut *value).unwrap();
        (name.to_owned(), value[..length].to_vec())
    };
    // XFS names lists twice.
    names.split_terminator('\0').filter(|name| !name.starts_with("trusted.SGI_ACL_")).map(read).collect()
}
