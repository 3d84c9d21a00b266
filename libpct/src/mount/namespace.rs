//! A mount namespace of one's own, and clearing what is mounted below a path.

use std::fs;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

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
        process::require_single_thread("enter a mount namespace")?;
        move_into_link_name_space(self.0.as_fd(), Some(LinkNameSpaceType::Mount))
            .map_err(|e| Error::os("return to the host's mount namespace", e))
    }
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

/// A line of `/proc/self/mountinfo` (proc(5)).
#[derive(Debug, PartialEq, Eq)]
pub(super) struct MountInfo {
    id: u32,
    parent: u32,
    point: std::path::PathBuf,
}

/// The mounts at and below a real path, in the kernel's order.
pub(super) fn mounts_below(path: &Path) -> Result<Vec<MountInfo>> {
    let table = "/proc/self/mountinfo";
    let text = fs::read(table).map_err(|e| Error::os(format!("read '{table}'"), e))?;
    let mut mounts: Vec<_> = text.split(|b| *b == b'\n').filter_map(parse).collect();
    mounts.retain(|mount| mount.point.starts_with(path));
    Ok(mounts)
}

fn parse(line: &[u8]) -> Option<MountInfo> {
    use std::os::unix::ffi::OsStringExt;
    let mut words = line.split(|b| *b == b' ');
    let mut number = || std::str::from_utf8(words.next()?).ok()?.parse().ok();
    let (id, parent) = (number()?, number()?);
    let point = unescape(words.nth(2)?);
    Some(MountInfo { id, parent, point: std::ffi::OsString::from_vec(point).into() })
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
        let expected = MountInfo { id: 36, parent: 35, point: r"/a b\c".into() };
        assert_eq!(parse(line), Some(expected));
        assert_eq!(parse(b""), None);
        assert_eq!(unescape(br"\09\"), br"\09\");
    }
}
