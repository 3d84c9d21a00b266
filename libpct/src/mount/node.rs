//! Device nodes that are mounted on a file of the container's `/dev` (spec: runtime, parts 2.4, 4.6 and 9.3).
//!
//! In an unprivileged container nobody can make a node, so that ours lie in a file system of the host's, in memory,
//! and what comes into the container is a mount of one of them.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::{
    fs::{AtFlags, FileType, Gid, Mode, OFlags, Uid},
    io::Errno,
    mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, MoveMountFlags, OpenTreeFlags, UnmountFlags},
};
use serde::{Deserialize, Serialize};

use super::{
    Error, Identity, Result, Unmounted, is_point,
    live::{mounted_at, park},
    namespace::{MountInfo, parse_table},
    place::{components, folder_below, remove_made, walk_below},
    unmount_at,
};
use crate::facts::{DeviceKind, DeviceNode};

/// By this the tables of mounts show whose they are.
const SOURCE: &str = "pct-devices";

/// A device node for a container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Node {
    pub(crate) device: DeviceNode,
    /// Permission bits.
    pub(crate) mode: u32,
    /// Host (uid, gid).
    pub(crate) owner: (u32, u32),
}

/// An empty file system for nodes, detached. It lives for as long as it, or a node in it, is mounted.
pub(crate) fn node_folder() -> Result<OwnedFd> {
    let failed = |e| Error::os("make a file system for device nodes", e);
    let context = rustix::mount::fsopen("tmpfs", FsOpenFlags::FSOPEN_CLOEXEC).map_err(failed)?;
    // The user namespaces of all containers must be able to pass.
    for (key, value) in [("source", SOURCE), ("size", "8k"), ("mode", "755")] {
        rustix::mount::fsconfig_set_string(&context, key, value).map_err(failed)?;
    }
    rustix::mount::fsconfig_create(&context).map_err(failed)?;
    rustix::mount::fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::empty()).map_err(failed)
}

/// Makes a node in a folder that is nobody else's.
pub(crate) fn make_node(folder: BorrowedFd<'_>, name: &str, node: &Node) -> Result<()> {
    let DeviceNode { kind, major, minor } = node.device;
    let kind = match kind {
        DeviceKind::Char => FileType::CharacterDevice,
        DeviceKind::Block => FileType::BlockDevice,
        DeviceKind::Other => return Err(Error::os(format!("make device node '{name}'"), Errno::INVAL)),
    };
    let mode = Mode::from_raw_mode(node.mode);
    let owner = (Uid::from_raw(node.owner.0), Gid::from_raw(node.owner.1));
    rustix::fs::mknodat(folder, name, kind, mode, rustix::fs::makedev(major, minor))
        // The mode again, because the umask had a say.
        .and_then(|()| rustix::fs::chmodat(folder, name, mode, AtFlags::empty()))
        .and_then(|()| rustix::fs::chownat(folder, name, Some(owner.0), Some(owner.1), AtFlags::empty()))
        .map_err(|e| Error::os(format!("make device node '{name}'"), e))
}

/// A node as a detached mount. This single-threaded process leaves its mount namespace for it.
pub(crate) fn open_node(node: &Node) -> Result<OwnedFd> {
    const NAME: &str = "node";
    let folder = node_folder()?;
    make_node(folder.as_fd(), NAME, node)?;
    // Before Linux 6.15 only what is attached can be cloned.
    park(folder.as_fd())?;
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    rustix::mount::open_tree(&folder, NAME, flags).map_err(|e| Error::os("mount a device node", e))
}

/// Attaches a detached mount of a file at `path` below `root`, a directory whose content is not to be trusted. Missing
/// directories, and an empty file without any permission, are made.
pub(crate) fn insert_node(
    root: BorrowedFd<'_>,
    path: &str,
    mount: BorrowedFd<'_>,
    owner: (u32, u32),
) -> Result<()> {
    let names = components(path)?;
    let Some((name, above)) = names.split_last() else {
        return Err(Error::BadPath { path: path.to_owned() });
    };
    let above = above.join("/");
    let (folder, made) = walk_below(root, &above, owner)?;
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    let attached = make_file(folder.as_fd(), name, path).and_then(|()| {
        let target = open_file(folder.as_fd(), name, path)?;
        rustix::mount::move_mount(mount, "", &target, "", flags)
            .map_err(|e| Error::os(format!("attach a device node at '{path}'"), e))
    });
    attached.inspect_err(|_| {
        remove_file(folder.as_fd(), name);
        remove_made(root, &above, made);
    })
}

/// The node of ours that a running container has at `path`, by the table that `/proc/<init>/mountinfo` shows and the root
/// that its init has.
pub(crate) fn node_at(
    table: &[u8],
    root: BorrowedFd<'_>,
    path: &str,
) -> Result<Option<(Identity, DeviceNode)>> {
    let node = folder_below(root, path)?.and_then(|(folder, name)| mounted_at(folder.as_fd(), name));
    let Some((identity, stat)) = node else { return Ok(None) };
    let is_ours = |mount: &MountInfo| {
        mount.source == SOURCE && mount.device == identity.device() && is_point(&mount.point, path)
    };
    let kind = match FileType::from_raw_mode(stat.stx_mode.into()) {
        FileType::CharacterDevice => DeviceKind::Char,
        FileType::BlockDevice => DeviceKind::Block,
        _ => DeviceKind::Other,
    };
    let device = DeviceNode { kind, major: stat.stx_rdev_major, minor: stat.stx_rdev_minor };
    Ok(parse_table(table).iter().any(is_ours).then_some((identity, device)))
}

/// Takes a node away again that is mounted at `path`, in use or not, and the file below it if that was made for it.
pub(crate) fn remove_node(root: BorrowedFd<'_>, path: &str, node: Identity) -> Result<Unmounted> {
    let unmounted = unmount_at(root, path, node, UnmountFlags::DETACH)?;
    if let (Unmounted::Done, Some((folder, name))) = (unmounted, folder_below(root, path)?) {
        remove_file(folder.as_fd(), name);
    }
    Ok(unmounted)
}

fn make_file(folder: BorrowedFd<'_>, name: &str, path: &str) -> Result<()> {
    match rustix::fs::mknodat(folder, name, FileType::RegularFile, Mode::empty(), 0) {
        // What it is, is looked at next.
        Ok(()) | Err(Errno::EXIST) => Ok(()),
        Err(e) => Err(Error::os(format!("create file '{path}'"), e)),
    }
}

/// A file to mount on: anything but a directory or a link.
fn open_file(folder: BorrowedFd<'_>, name: &str, path: &str) -> Result<OwnedFd> {
    let failed = |e| Error::os(format!("open '{path}'"), e);
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = rustix::fs::openat(folder, name, flags, Mode::empty()).map_err(failed)?;
    match FileType::from_raw_mode(rustix::fs::fstat(&file).map_err(failed)?.st_mode) {
        FileType::Symlink => Err(Error::Symlink { path: path.to_owned() }),
        FileType::Directory => Err(failed(Errno::ISDIR)),
        _ => Ok(file),
    }
}

/// Removes a file that looks as liblxc and [`make_file`] make them. That it stays is no harm.
fn remove_file(folder: BorrowedFd<'_>, name: &str) {
    let is_ours = rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW).is_ok_and(|stat| {
        let is_file = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
        is_file && stat.st_size == 0 && stat.st_mode & 0o7777 == 0
    });
    if is_ours {
        let _ = rustix::fs::unlinkat(folder, name, AtFlags::empty());
    }
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        os::unix::fs::{MetadataExt, PermissionsExt, symlink},
        path::Path,
    };

    use rustix::{fs::CWD, mount::MountFlags};

    use super::*;
    use crate::{
        mount::{enter_namespace, enter_private_namespace},
        sys::testing::{in_child, needs_root},
    };

    const NULL: DeviceNode = DeviceNode { kind: DeviceKind::Char, major: 1, minor: 3 };

    /// In a namespace with a file system of its own; with a node.
    fn in_guest(body: impl FnOnce(&Path, OwnedFd, OwnedFd)) {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().canonicalize().unwrap();
        in_child(|| {
            enter_private_namespace().unwrap();
            rustix::mount::mount("pct-test", &path, "tmpfs", MountFlags::empty(), None).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
            std::os::unix::fs::chown(&path, Some(100_000), Some(100_000)).unwrap();
            let flags = OFlags::RDONLY | OFlags::CLOEXEC;
            let mounts = rustix::fs::open("/proc/self/ns/mnt", flags, Mode::empty()).unwrap();
            let root = rustix::fs::open(&path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).unwrap();
            let node = Node { device: NULL, mode: 0o640, owner: (100_033, 100_044) };
            let node = open_node(&node).unwrap();
            enter_namespace(mounts.as_fd()).unwrap();
            body(&path, root, node);
        });
    }

    #[test]
    fn a_node_is_mounted_on_a_file_that_goes_with_it() {
        if !needs_root() {
            return;
        }
        in_guest(|path, root, node| {
            let owner = (100_000, 100_000);
            insert_node(root.as_fd(), "/dev/net/null", node.as_fd(), owner).unwrap();
            let at = path.join("dev/net/null");
            let made = fs::metadata(&at).unwrap();
            assert_eq!((made.uid(), made.gid(), made.mode() & 0o7777), (100_033, 100_044, 0o640));
            fs::write(&at, "gone").unwrap();
            assert_eq!(fs::metadata(path.join("dev/net")).unwrap().uid(), 100_000);
            // Paths in the table begin at the root of this process.
            let table = fs::read("/proc/self/mountinfo").unwrap();
            let shown = String::from_utf8(table).unwrap().replace(&format!(" {}/", path.display()), " /");
            let found = node_at(shown.as_bytes(), root.as_fd(), "/dev/net/null").unwrap();
            let (what, device) = found.unwrap();
            assert_eq!(device, NULL);
            assert_eq!(node_at(b"", root.as_fd(), "/dev/net/null").unwrap(), None);
            assert_eq!(remove_node(root.as_fd(), "/dev/net/null", what).unwrap(), Unmounted::Done);
            assert!(!at.exists() && path.join("dev/net").exists());
            assert_eq!(remove_node(root.as_fd(), "/dev/net/null", what).unwrap(), Unmounted::Other);
        });
    }

    #[test]
    fn what_was_there_before_stays() {
        if !needs_root() {
            return;
        }
        in_guest(|path, root, node| {
            fs::write(path.join("file"), "kept").unwrap();
            fs::create_dir(path.join("folder")).unwrap();
            symlink("file", path.join("link")).unwrap();
            symlink("/etc", path.join("etc")).unwrap();
            for (at, why) in
                [("link", "symlink encountered at: link"), ("etc/x", "symlink encountered at: /etc")]
            {
                let error = insert_node(root.as_fd(), at, node.as_fd(), (0, 0)).unwrap_err();
                assert_eq!(error.to_string(), why);
            }
            assert!(insert_node(root.as_fd(), "folder", node.as_fd(), (0, 0)).is_err());
            assert!(insert_node(root.as_fd(), "/", node.as_fd(), (0, 0)).is_err());
            // No folder can be mounted on a file, and what was made for it goes again.
            let unfit = node_folder().unwrap();
            assert!(insert_node(root.as_fd(), "new/er/x", unfit.as_fd(), (0, 0)).is_err());
            assert!(!path.join("new").exists());
            insert_node(root.as_fd(), "file", node.as_fd(), (0, 0)).unwrap();
            let flags = OFlags::PATH | OFlags::CLOEXEC;
            let there = rustix::fs::openat(CWD, path.join("file"), flags, Mode::empty()).unwrap();
            let what = Identity::of(there.as_fd()).unwrap();
            assert_eq!(remove_node(root.as_fd(), "file", what).unwrap(), Unmounted::Done);
            assert_eq!(fs::read_to_string(path.join("file")).unwrap(), "kept");
        });
    }
}
