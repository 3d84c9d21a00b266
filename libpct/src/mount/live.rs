//! Mounts of a container that runs: in a namespace that is not ours, below a root that somebody uses meanwhile.

use std::{
    ffi::OsStr,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::ffi::OsStrExt,
    },
    path::{Path, PathBuf},
};

use rustix::{
    fs::{AtFlags, CWD, Mode, OFlags, ResolveFlags, Statx, StatxAttributes, StatxFlags, statx},
    io::Errno,
    mount::{MoveMountFlags, OpenTreeFlags, UnmountFlags},
    thread::UnshareFlags,
};
use serde::{Deserialize, Serialize};

use super::{
    Error, Result,
    namespace::{MountInfo, enter_private_namespace, parse_table},
    place::{components, folder_below},
};
use crate::sys::{process, userns};

/// What is mounted, wherever that is: the root of the mount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    device: (u32, u32),
    inode: u64,
}

impl Identity {
    /// Of a mount by a descriptor of its root.
    pub(crate) fn of(root: BorrowedFd<'_>) -> Result<Self> {
        look(root).map(|(identity, _)| identity).map_err(|e| Error::os("look at a mount", e))
    }

    /// (major, minor) of the file system's device.
    pub(crate) fn device(self) -> (u32, u32) {
        self.device
    }
}

/// What is there, without asking a server that the guest may have in its hands.
fn look(at: BorrowedFd<'_>) -> rustix::io::Result<(Identity, Statx)> {
    let flags = AtFlags::EMPTY_PATH | AtFlags::STATX_DONT_SYNC;
    let stat = statx(at, "", flags, StatxFlags::TYPE | StatxFlags::INO)?;
    let device = (stat.stx_dev_major, stat.stx_dev_minor);
    Ok((Identity { device, inode: stat.stx_ino }, stat))
}

/// Attaches a detached mount in a namespace that is left with this process, where no path leads to it.
pub(super) fn park(mount: BorrowedFd<'_>) -> Result<()> {
    enter_private_namespace()?;
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH;
    rustix::mount::move_mount(mount, "", CWD, "/", flags).map_err(|e| Error::os("attach a mount", e))
}

/// Makes this single-threaded process root of the user namespace, and gives the detached mount again as one whose
/// `ro`, `nodev`, `nosuid` and `noexec` nobody in there can take away.
///
/// The kernel locks them when a mount namespace is copied for a less privileged user namespace, as at a start, and
/// only then: what is moved into such a namespace can be mounted anew by its root without them.
pub(crate) fn seal(mount: &OwnedFd, user_namespace: OwnedFd) -> Result<OwnedFd> {
    let failed = |e| Error::os("lock the attributes of a mount", e);
    park(mount.as_fd())?;
    // The one descriptor that the kernel moves to the copy of its mount.
    rustix::process::fchdir(mount).map_err(failed)?;
    userns::enter(user_namespace)?;
    process::unshare(UnshareFlags::NEWNS)?;
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    rustix::mount::open_tree(CWD, ".", flags).map_err(failed)
}

/// What came of [`unmount_at`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unmounted {
    /// It is gone.
    Done,
    /// Something uses it, or it came with the namespace as part of a whole.
    Busy,
    /// Something else is there, or nothing.
    Other,
}

/// Unmounts what is mounted at `path` below `root`, which is in this process's mount namespace, if it is what is
/// expected. Changes the working directory.
pub(crate) fn unmount_at(
    root: BorrowedFd<'_>,
    path: &str,
    expected: Identity,
    flags: UnmountFlags,
) -> Result<Unmounted> {
    let Some((folder, name)) = folder_below(root, path)? else { return Ok(Unmounted::Other) };
    if mounted_at(folder.as_fd(), name).is_none_or(|(found, _)| found != expected) {
        return Ok(Unmounted::Other);
    }
    // The kernel takes a path, and a descriptor of the mount would make it busy. The name is no link, or nothing
    // happens; whoever mounts something on it at this moment loses that.
    let unmount = || {
        rustix::process::fchdir(&folder)?;
        rustix::mount::unmount(name, flags | UnmountFlags::NOFOLLOW)
    };
    match unmount() {
        Ok(()) => Ok(Unmounted::Done),
        Err(Errno::BUSY | Errno::INVAL) => Ok(Unmounted::Busy),
        Err(e) => Err(Error::os(format!("unmount '{path}'"), e)),
    }
}

/// The mount at a name in a folder.
pub(super) fn mounted_at(folder: BorrowedFd<'_>, name: &str) -> Option<(Identity, Statx)> {
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    let there = open_path(folder, OsStr::new(name), resolve)?;
    look(there.as_fd()).ok().filter(|(_, stat)| stat.stx_attributes.contains(StatxAttributes::MOUNT_ROOT))
}

fn open_path(folder: BorrowedFd<'_>, path: &OsStr, resolve: ResolveFlags) -> Option<OwnedFd> {
    rustix::fs::openat2(folder, path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty(), resolve).ok()
}

/// Everywhere that a running container has something mounted, or a part of it, by the table that `/proc/<init>/mountinfo`
/// shows and the root that its init has; as paths inside, one for each mount.
pub(crate) fn points_of(table: &[u8], root: BorrowedFd<'_>, what: Identity) -> Vec<PathBuf> {
    let mut mounts = parse_table(table);
    let points: Vec<_> = mounts.iter().map(|mount| mount.point.clone()).collect();
    // A subvolume of btrfs has another device than its mount. The root file system is never meant.
    mounts.retain(|mount| mount.device == what.device || mount.fstype == "btrfs");
    mounts.retain(|mount| mount.point != Path::new("/"));
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    let shows = |mount: &&MountInfo| {
        // What is covered cannot be seen; of the same device it counts as the same.
        let is_covered = points.iter().filter(|point| **point == mount.point).count() > 1;
        let there = open_path(root, mount.point.as_os_str(), resolve);
        is_covered || there.and_then(|fd| look(fd.as_fd()).ok()).is_some_and(|(found, _)| found == what)
    };
    let found: Vec<_> = mounts.iter().filter(shows).map(|mount| (mount.device, mount.root.clone())).collect();
    let is_part = |mount: &&MountInfo| {
        let mut all = found.iter();
        all.any(|(device, root)| *device == mount.device && mount.root.starts_with(root))
    };
    mounts.iter().filter(is_part).map(|mount| mount.point.clone()).collect()
}

/// Whether a path of [`points_of`] is the one that a mount point names.
pub(crate) fn is_point(point: &Path, path: &str) -> bool {
    let names = point.as_os_str().as_bytes().split(|b| *b == b'/').filter(|name| !name.is_empty());
    components(path).is_ok_and(|wanted| names.eq(wanted.iter().map(|name| name.as_bytes())))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use rustix::mount::{MountAttrFlags, MountFlags};

    use super::*;
    use crate::{
        config::IdMap,
        mount::{Insert, Options, bind, insert},
        sys::{
            mount_attr,
            testing::{in_child, needs_root},
        },
    };

    const MADE: Insert = Insert { owner: (0, 0), keep_attributes: false };

    fn open_dir(path: &Path) -> OwnedFd {
        rustix::fs::open(path, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).unwrap()
    }

    /// A folder to mount on, in a namespace of one's own, and one to mount.
    fn prepare(dir: &Path) -> (OwnedFd, OwnedFd) {
        enter_private_namespace().unwrap();
        rustix::mount::mount("pct-test", dir, "tmpfs", MountFlags::empty(), None).unwrap();
        fs::create_dir(dir.join("source")).unwrap();
        let source = bind(dir.join("source").to_str().unwrap(), Options::default()).unwrap();
        (open_dir(dir), source)
    }

    #[test]
    fn what_is_sealed_cannot_be_made_writable_inside() {
        if !needs_root() {
            return;
        }
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().canonicalize().unwrap();
        let namespace = userns::create(&IdMap::unprivileged_default()).unwrap();
        in_child(|| {
            let options = Options { read_only: true, nodev: true, ..Options::default() };
            let sealed = seal(&bind(path.to_str().unwrap(), options).unwrap(), namespace).unwrap();
            let clear =
                |clear| mount_attr::apply(sealed.as_fd(), mount_attr::Change { clear, ..Default::default() });
            for kept in [MountAttrFlags::MOUNT_ATTR_RDONLY, MountAttrFlags::MOUNT_ATTR_NODEV] {
                assert_eq!(clear(kept).unwrap_err().raw_os_error(), Some(libc::EPERM));
            }
            let set = MountAttrFlags::MOUNT_ATTR_NOEXEC;
            mount_attr::apply(sealed.as_fd(), mount_attr::Change { set, ..Default::default() }).unwrap();
        });
    }

    #[test]
    fn only_what_is_expected_and_idle_is_unmounted() {
        if !needs_root() {
            return;
        }
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().canonicalize().unwrap();
        in_child(|| {
            let (root, source) = prepare(&path);
            let what = Identity::of(source.as_fd()).unwrap();
            let unmount = |at: &str| unmount_at(root.as_fd(), at, what, UnmountFlags::empty()).unwrap();
            assert_eq!(insert(root.as_fd(), "a/b", source.as_fd(), MADE).unwrap(), 2);
            drop(source);
            std::os::unix::fs::symlink("a", path.join("link")).unwrap();
            for elsewhere in ["a", "link/b", "none/b", "source", "/", ""] {
                assert_eq!(unmount(elsewhere), Unmounted::Other, "{elsewhere}");
            }
            let inside = open_dir(&path.join("a/b"));
            assert_eq!(unmount("a/b"), Unmounted::Busy);
            drop(inside);
            rustix::mount::mount("other", path.join("a/b"), "tmpfs", MountFlags::empty(), None).unwrap();
            assert_eq!(unmount("a/b"), Unmounted::Other);
            rustix::mount::unmount(path.join("a/b"), UnmountFlags::empty()).unwrap();
            assert_eq!(unmount("/a/./b/"), Unmounted::Done);
            assert_eq!(unmount("a/b"), Unmounted::Other);
        });
    }

    #[test]
    fn every_place_of_a_mount_is_found() {
        if !needs_root() {
            return;
        }
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().canonicalize().unwrap();
        in_child(|| {
            let (root, source) = prepare(&path);
            let what = Identity::of(source.as_fd()).unwrap();
            let places = || {
                let table = fs::read("/proc/self/mountinfo").unwrap();
                let points = points_of(&table, open_dir("/".as_ref()).as_fd(), what);
                points
                    .into_iter()
                    .map(|point| point.strip_prefix(&path).unwrap().to_owned())
                    .collect::<Vec<_>>()
            };
            assert!(places().is_empty());
            insert(root.as_fd(), "a b", source.as_fd(), MADE).unwrap();
            rustix::mount::mount_bind(path.join("a b"), path.join("source")).unwrap();
            assert_eq!(places(), [Path::new("a b"), Path::new("source")]);
            // A part of it; and another folder of the same file system.
            for (from, to) in [("source/part", "part"), ("other", "other")] {
                fs::create_dir(path.join(from)).unwrap();
                fs::create_dir_all(path.join(to)).unwrap();
                rustix::mount::mount_bind(path.join(from), path.join(to)).unwrap();
            }
            assert_eq!(places(), [Path::new("a b"), Path::new("source"), Path::new("part")]);
        });
        for same in ["/a b", "a b/", "//./a b"] {
            assert!(is_point("/a b".as_ref(), same), "{same}");
        }
        assert!(!is_point("/a b/c".as_ref(), "/a b") && !is_point("/a".as_ref(), "/a/.."));
    }
}
