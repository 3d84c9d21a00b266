//! A mount namespace of one's own, and clearing what is mounted below a path.

use std::ffi::OsString;
use std::fs;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;
use rustix::mount::{MountPropagationFlags, UnmountFlags};
use rustix::thread::{LinkNameSpaceType, UnshareFlags, move_into_link_name_space};

use super::{Error, Result};
use crate::sys::process;

/// Moves this single-threaded process into a mount namespace of its own.
///
/// What the host mounts later still appears in it; nothing that is mounted in it appears outside. When the last
/// process in it has ended, the kernel unmounts everything.
pub(crate) fn enter_private_namespace() -> Result<()> {
    process::require_single_thread("enter a mount namespace")?;
    process::unshare(UnshareFlags::NEWNS)?;
    let propagation = MountPropagationFlags::DOWNSTREAM | MountPropagationFlags::REC;
    rustix::mount::mount_change("/", propagation)
        .map_err(|e| Error::os("keep mounts from leaving the namespace", e))
}

/// The mount namespace of a process that goes into one of its own, for the way back.
pub(crate) struct OuterNamespace(OwnedFd);

impl OuterNamespace {
    /// The one that this process is in now.
    pub(crate) fn current() -> Result<Self> {
        let path = "/proc/self/ns/mnt";
        let open = rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty());
        open.map(Self).map_err(|e| Error::os(format!("open '{path}'"), e))
    }

    /// Moves this single-threaded process there.
    pub(crate) fn enter(&self) -> Result<()> {
        enter_namespace(self.0.as_fd())
    }
}

/// Moves this single-threaded process into a mount namespace.
pub(crate) fn enter_namespace(of: BorrowedFd<'_>) -> Result<()> {
    process::require_single_thread("enter a mount namespace")?;
    move_into_link_name_space(of, Some(LinkNameSpaceType::Mount))
        .map_err(|e| Error::os("enter a mount namespace", e))
}

/// Unmounts everything at and below a directory, in this namespace; returns how many mounts that were.
///
/// Not lazily: a busy mount is an error. The path itself must not be under somebody else's control.
pub(crate) fn unmount_tree(path: &Path) -> Result<usize> {
    // The table has real paths.
    let real = match rustix::fs::readlinkat(CWD, path, Vec::new()) {
        Ok(_) => return Err(Error::Symlink { path: path.display().to_string() }),
        Err(Errno::NOENT) => return Ok(0),
        Err(_) => fs::canonicalize(path).map_err(|e| Error::os(format!("find '{}'", path.display()), e))?,
    };
    let mut count = 0;
    loop {
        let mounts = mounts_below(&real)?;
        if mounts.is_empty() {
            return Ok(count);
        }
        // A mount can go when no other is on it. One that another covers cannot be reached by its path: its
        // turn comes after that one.
        let leaves = mounts.iter().rev().filter(|m| mounts.iter().all(|other| other.parent != m.id));
        let mut refused = None;
        let mut progress = false;
        for mount in leaves {
            match rustix::mount::unmount(mount.point.as_path(), UnmountFlags::NOFOLLOW) {
                Ok(()) => (count, progress) = (count + 1, true),
                Err(e) => refused = refused.or(Some((mount.point.clone(), e))),
            }
        }
        if let (Some((point, e)), false) = (refused, progress) {
            return Err(Error::os(format!("unmount '{}'", point.display()), e));
        }
    }
}

/// A line of `/proc/<pid>/mountinfo` (proc(5)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct MountInfo {
    id: u32,
    parent: u32,
    /// (major, minor)
    pub(super) device: (u32, u32),
    /// What of the file system is mounted.
    pub(super) root: PathBuf,
    pub(super) point: PathBuf,
    pub(super) fstype: String,
    pub(super) source: String,
}

/// The mounts at and below a real path, in the kernel's order.
pub(super) fn mounts_below(path: &Path) -> Result<Vec<MountInfo>> {
    let table = "/proc/self/mountinfo";
    let text = fs::read(table).map_err(|e| Error::os(format!("read '{table}'"), e))?;
    let mut mounts = parse_table(&text);
    mounts.retain(|mount| mount.point.starts_with(path));
    Ok(mounts)
}

pub(super) fn parse_table(text: &[u8]) -> Vec<MountInfo> {
    text.split(|b| *b == b'\n').filter_map(parse).collect()
}

fn parse(line: &[u8]) -> Option<MountInfo> {
    let mut words = line.split(|b| *b == b' ');
    let mut text = || std::str::from_utf8(words.next()?).ok();
    let (id, parent) = (text()?.parse().ok()?, text()?.parse().ok()?);
    let (major, minor) = text()?.split_once(':')?;
    let device = (major.parse().ok()?, minor.parse().ok()?);
    let mut path = || Some(OsString::from_vec(unescape(words.next()?)).into());
    let (root, point) = (path()?, path()?);
    // Behind fields of which there can be any number.
    let mut words = words.skip_while(|word| *word != b"-").skip(1);
    let mut text = || words.next().map(|word| String::from_utf8_lossy(word).into_owned());
    Some(MountInfo { id, parent, device, root, point, fstype: text()?, source: text()? })
}

/// The kernel writes blanks, tabs, line ends and backslashes as `\` and three octal digits.
fn unescape(word: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(word.len());
    let mut rest = word;
    while let Some((&first, tail)) = rest.split_first() {
        if first == b'\\'
            && let Some(digits @ [b'0'..=b'3', b'0'..=b'7', b'0'..=b'7']) = tail.get(..3)
        {
            plain.push(digits.iter().fold(0u8, |n, d| n.wrapping_mul(8).wrapping_add(d - b'0')));
            rest = tail.get(3..).unwrap_or_default();
        } else {
            plain.push(first);
            rest = tail;
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_mount_table() {
        let line = br"36 35 98:0 /mnt1 /a\040b\134c rw,noatime master:1 - ext3 /dev/root rw,errors=continue";
        let mut expected = MountInfo {
            id: 36,
            parent: 35,
            device: (98, 0),
            root: "/mnt1".into(),
            point: r"/a b\c".into(),
            fstype: "ext3".to_owned(),
            source: "/dev/root".to_owned(),
        };
        assert_eq!(parse(line), Some(expected.clone()));
        // Two fields before the dash, and none.
        (expected.root, expected.point) = ("/".into(), "/".into());
        for fields in ["shared:1 master:2 ", ""] {
            let line = format!("36 35 98:0 / / rw {fields}- ext3 /dev/root rw");
            assert_eq!(parse(line.as_bytes()), Some(expected.clone()));
        }
        assert_eq!(parse(b""), None);
        assert_eq!(unescape(br"\09\"), br"\09\");
    }
}
