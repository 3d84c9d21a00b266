//! All of a file but its name and its bytes.

use std::{
    ffi::{CStr, CString},
    os::fd::{AsRawFd, BorrowedFd},
};

use rustix::{
    fs::{self, AtFlags, CWD, FileType, Gid, Mode, Stat, Timespec, Timestamps, Uid, XattrFlags},
    io::Errno,
};

use super::Step;

/// The kernel's limits for the list of names and for a value.
const LIST_MAX: usize = 64 << 10;
const VALUE_MAX: usize = 64 << 10;

const ACL_ACCESS: &CStr = c"system.posix_acl_access";
const ACL_DEFAULT: &CStr = c"system.posix_acl_default";

/// An open file, or one that only stands for it (`O_PATH`) because to open it would do something.
#[derive(Clone, Copy)]
pub(super) enum Handle<'a> {
    Open(BorrowedFd<'a>),
    Named(BorrowedFd<'a>),
}

/// Copies attributes; keeps the room that it needs for it.
pub(super) struct Attributes {
    names: Box<[u8]>,
    value: Box<[u8]>,
}

impl Attributes {
    pub(super) fn new() -> Self {
        Self { names: vec![0; LIST_MAX].into(), value: vec![0; VALUE_MAX].into() }
    }

    /// Gives the target, which has none of its own, the source's attributes. The order matters: a new owner takes away set-id
    /// bits and capabilities, a list changes the mode, and everything but the times changes a time.
    pub(super) fn copy(
        &mut self,
        source: Handle<'_>,
        target: Handle<'_>,
        stat: &Stat,
    ) -> Result<(), (Step, Errno)> {
        target.set_owner_and_mode(stat)?;
        self.copy_xattrs(source, target)?;
        target.set_times(stat).map_err(|e| (Step::Times, e))
    }

    fn copy_xattrs(&mut self, source: Handle<'_>, target: Handle<'_>) -> Result<(), (Step, Errno)> {
        let read = |e| (Step::ReadXattr, e);
        let length = match source.list(&mut self.names) {
            // The file system has none, not even for this kind of file.
            Err(Errno::OPNOTSUPP) => return Ok(()),
            other => other.map_err(read)?,
        };
        // Lists last: what is called `security` may depend on the mode that they change.
        for lists in [false, true] {
            for name in self.names[..length].split_inclusive(|&byte| byte == 0) {
                let Ok(name) = CStr::from_bytes_with_nul(name) else { continue };
                if !is_copied(name) || is_list(name) != lists {
                    continue;
                }
                let value = match source.get(name, &mut self.value) {
                    // Taken away meanwhile.
                    Err(Errno::NODATA) => continue,
                    other => &self.value[..other.map_err(read)?],
                };
                target.set(name, value).map_err(|e| (Step::Xattr, e))?;
            }
        }
        Ok(())
    }
}

/// Takes from a directory the lists that its storage gave it.
pub(super) fn clear_lists(directory: BorrowedFd<'_>) -> Result<(), Errno> {
    for name in [ACL_ACCESS, ACL_DEFAULT] {
        match fs::fremovexattr(directory, name) {
            Ok(()) | Err(Errno::NODATA | Errno::OPNOTSUPP) => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

fn is_list(name: &CStr) -> bool {
    name == ACL_ACCESS || name == ACL_DEFAULT
}

/// What else there is (`btrfs.compression`, `system.nfs4_acl`) is how a file system names what it does itself. XFS
/// names lists a second time, in a form of its own.
fn is_copied(name: &CStr) -> bool {
    if name.to_bytes().starts_with(b"trusted.SGI_ACL_") {
        return false;
    }
    let spaces: [&[u8]; 3] = [b"user.", b"security.", b"trusted."];
    spaces.iter().any(|space| name.to_bytes().starts_with(space)) || is_list(name)
}

impl Handle<'_> {
    /// What is to be had without looking at the source.
    pub(super) fn set_ids_and_times(self, stat: &Stat) -> Result<(), (Step, Errno)> {
        self.set_owner_and_mode(stat)?;
        self.set_times(stat).map_err(|e| (Step::Times, e))
    }

    fn set_owner_and_mode(self, stat: &Stat) -> Result<(), (Step, Errno)> {
        self.set_owner(stat).map_err(|e| (Step::Owner, e))?;
        // A link has no mode of its own.
        if FileType::from_raw_mode(stat.st_mode) == FileType::Symlink {
            return Ok(());
        }
        self.set_mode(stat).map_err(|e| (Step::Mode, e))
    }

    fn set_owner(self, stat: &Stat) -> Result<(), Errno> {
        let (uid, gid) = (Some(Uid::from_raw(stat.st_uid)), Some(Gid::from_raw(stat.st_gid)));
        match self {
            Self::Open(fd) => fs::fchown(fd, uid, gid),
            Self::Named(fd) => fs::chownat(fd, c"", uid, gid, AtFlags::EMPTY_PATH),
        }
    }

    fn set_mode(self, stat: &Stat) -> Result<(), Errno> {
        let mode = Mode::from_raw_mode(stat.st_mode);
        match self {
            Self::Open(fd) => fs::fchmod(fd, mode),
            Self::Named(fd) => fs::chmodat(CWD, proc_link(fd), mode, AtFlags::empty()),
        }
    }

    fn set_times(self, stat: &Stat) -> Result<(), Errno> {
        let time = |seconds, nanos| Timespec { tv_sec: seconds, tv_nsec: i64::try_from(nanos).unwrap_or(0) };
        let times = Timestamps {
            last_access: time(stat.st_atime, stat.st_atime_nsec),
            last_modification: time(stat.st_mtime, stat.st_mtime_nsec),
        };
        match self {
            Self::Open(fd) => fs::futimens(fd, &times),
            Self::Named(fd) => fs::utimensat(fd, c"", &times, AtFlags::EMPTY_PATH),
        }
    }

    fn list(self, names: &mut [u8]) -> Result<usize, Errno> {
        match self {
            Self::Open(fd) => fs::flistxattr(fd, names),
            Self::Named(fd) => fs::listxattr(proc_link(fd), names),
        }
    }

    fn get(self, name: &CStr, value: &mut [u8]) -> Result<usize, Errno> {
        match self {
            Self::Open(fd) => fs::fgetxattr(fd, name, value),
            Self::Named(fd) => fs::getxattr(proc_link(fd), name, value),
        }
    }

    fn set(self, name: &CStr, value: &[u8]) -> Result<(), Errno> {
        match self {
            Self::Open(fd) => fs::fsetxattr(fd, name, value, XattrFlags::empty()),
            Self::Named(fd) => fs::setxattr(proc_link(fd), name, value, XattrFlags::empty()),
        }
    }
}

/// The kernel's own link to what a descriptor stands for. It leads to that very file; if that is a symbolic link, to the
/// link itself and no further.
fn proc_link(fd: BorrowedFd<'_>) -> CString {
    CString::new(format!("/proc/self/fd/{}", fd.as_raw_fd())).unwrap_or_default()
}
