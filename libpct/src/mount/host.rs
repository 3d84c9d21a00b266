//! What of a container is mounted in the host's own mount namespace, where everybody sees it (`pct mount`), and how the
//! namespaces of monitors keep out of that.

use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;
use rustix::mount::{MountPropagationFlags, UnmountFlags};

use super::live::mounted_at;
use super::namespace::{OuterNamespace, enter_private_namespace, mounts_below, unmount_tree};
use super::options::Options;
use super::place::{attach, folder_below};
use super::volume::clone_tree;
use super::{Error, Result};

/// Unmounts what is mounted at `path` below `root`, or at `root` itself for `/`, where something is. Changes nothing of
/// this process: it may have threads.
pub(crate) fn unmount_point(root: &Path, path: &str) -> Result<()> {
    let Some(point) = Point::find(root, path)? else { return Ok(()) };
    // The folder is of the mount below: its descriptor does not make this one busy.
    let there = format!("/proc/self/fd/{}/{}", point.folder.as_raw_fd(), point.name);
    rustix::mount::unmount(there, UnmountFlags::NOFOLLOW)
        .map_err(|e| Error::os(format!("unmount '{}'", point.shown.display()), e))
}

/// Whether something is mounted there.
pub(crate) fn is_mounted(root: &Path, path: &str) -> Result<bool> {
    Ok(Point::find(root, path)?.is_some())
}

/// Where the host has mounted something.
struct Point<'a> {
    folder: OwnedFd,
    /// In the folder.
    name: &'a str,
    shown: PathBuf,
}

impl<'a> Point<'a> {
    fn find(root: &'a Path, path: &'a str) -> Result<Option<Self>> {
        let is_root = path.split('/').all(|name| matches!(name, "" | "."));
        let (folder, below) = match (is_root, root.parent(), root.file_name().and_then(|name| name.to_str()))
        {
            (true, Some(folder), Some(name)) => (folder, name),
            _ => (root, path),
        };
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = match rustix::fs::open(folder, flags, Mode::empty()) {
            Ok(folder) => folder,
            Err(Errno::NOENT) => return Ok(None),
            Err(e) => return Err(Error::os(format!("open '{}'", folder.display()), e)),
        };
        let Some((folder, name)) = folder_below(folder.as_fd(), below)? else { return Ok(None) };
        if mounted_at(folder.as_fd(), name).is_none() {
            return Ok(None);
        }
        let shown = if is_root { root.to_owned() } else { root.join(path.trim_start_matches('/')) };
        Ok(Some(Self { folder, name, shown }))
    }
}

/// Where something is mounted at a directory and below it, in the kernel's order.
pub(crate) fn points_below(path: &Path) -> Result<Vec<PathBuf>> {
    let Ok(real) = path.canonicalize() else { return Ok(Vec::new()) };
    Ok(mounts_below(&real)?.into_iter().map(|mount| mount.point).collect())
}

/// A mount namespace of this process's own in which a folder is a mount by itself, for as long as this lives.
///
/// The kernel unmounts in every namespace that follows the host's what is mounted *at the same place* as what the host
/// unmounts, whoever has mounted it. Below the folder nothing follows: not the host's mounts, nor its unmounting.
pub(crate) struct FolderApart {
    folder: PathBuf,
    /// Kept open: namespaces that are copied from it receive what happens in it.
    _namespace: OuterNamespace,
}

impl FolderApart {
    /// Moves this single-threaded process there. What the host has mounted at `forgotten` and below is not there: it would
    /// stay in use as long as the namespace lives.
    pub(crate) fn enter(folder: &Path, forgotten: &[PathBuf]) -> Result<Self> {
        enter_private_namespace()?;
        for path in forgotten {
            // What cannot be reached stays in use, no more than that.
            let _ = unmount_tree(path);
        }
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let open = rustix::fs::openat(CWD, folder, flags, Mode::empty());
        let open = open.map_err(|e| Error::os(format!("open '{}'", folder.display()), e))?;
        attach(clone_tree(open.as_fd(), Options::default())?.as_fd(), folder)?;
        let made = Self { folder: folder.to_owned(), _namespace: OuterNamespace::current()? };
        rustix::mount::mount_change(folder, MountPropagationFlags::PRIVATE)
            .map_err(|e| Error::os(format!("keep mounts away from '{}'", folder.display()), e))?;
        Ok(made)
    }
}

impl Drop for FolderApart {
    /// Unmounts it with everything below, in the namespace in which the process is then: its own, or a copy.
    fn drop(&mut self) {
        let _ = rustix::mount::unmount(&self.folder, UnmountFlags::DETACH | UnmountFlags::NOFOLLOW);
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use rustix::mount::MountFlags;

    use super::*;
    use crate::sys::testing::{in_child, needs_root};

    #[test]
    fn what_is_mounted_is_unmounted_and_nothing_else() {
        if !needs_root() {
            return;
        }
        let temp = tempfile::tempdir().unwrap();
        let root = temp.path().canonicalize().unwrap().join("rootfs");
        unmount_point(&root, "/").unwrap();
        unmount_point(&root.join("none"), "/a").unwrap();
        in_child(|| {
            enter_private_namespace().unwrap();
            let mount = |at: &Path| {
                fs::create_dir_all(at).unwrap();
                rustix::mount::mount("pct-test", at, "tmpfs", MountFlags::empty(), None).unwrap();
            };
            mount(&root);
            mount(&root.join("a"));
            mount(&root.join("a/b"));
            symlink("a", root.join("link")).unwrap();
            let points = || points_below(&root).unwrap().len();
            for other in ["/none", "/link", "/link/b", "/none/b"] {
                unmount_point(&root, other).unwrap();
            }
            assert_eq!(points(), 3);
            let error = unmount_point(&root, "/a").unwrap_err().to_string();
            assert_eq!(error, format!("cannot unmount '{}'", root.join("a").display()));
            assert!(matches!(unmount_point(&root, "/a/../a"), Err(Error::BadPath { .. })));
            unmount_point(&root, "//a/b/").unwrap();
            unmount_point(&root, "a").unwrap();
            assert_eq!(points(), 1);
            unmount_point(&root, "/a").unwrap();
            unmount_point(&root, "/").unwrap();
            assert_eq!(points(), 0);
        });
    }

    #[test]
    fn a_folder_apart_goes_with_all_that_is_mounted_below() {
        if !needs_root() {
            return;
        }
        let temp = tempfile::tempdir().unwrap();
        let folder = temp.path().canonicalize().unwrap();
        let [own, other] = ["own/rootfs", "other/rootfs"].map(|name| folder.join(name));
        in_child(|| {
            enter_private_namespace().unwrap();
            for path in [&own, &other] {
                fs::create_dir_all(path).unwrap();
                rustix::mount::mount("of-host", path, "tmpfs", MountFlags::empty(), None).unwrap();
            }
            fs::write(own.join("of-host"), "").unwrap();
            let apart = FolderApart::enter(&folder.join("own"), &[own.clone(), other.clone()]).unwrap();
            assert_eq!(points_below(&folder).unwrap(), [folder.join("own")]);
            rustix::mount::mount("ours", &own, "tmpfs", MountFlags::empty(), None).unwrap();
            assert!(!own.join("of-host").exists());
            drop(apart);
            assert!(points_below(&folder).unwrap().is_empty());
        });
    }
}
