//! The one way to a container's files from outside.
//!
//! Everything below a container's root belongs to the container: links may point anywhere, names may change
//! between two looks, files may be pipes or devices. [`Rootfs`] holds the root directory open and resolves
//! every path with `openat2(2)` and `RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS`, so that a link means what it
//! means inside and nothing leads out, without `chroot` and without a process of its own. What changes a name
//! resolves the parent directory once and works on that directory from there on
//! (spec: guest set-up, parts 2 and 3).

mod error;
mod read;
mod section;
mod stream;
mod write;

#[cfg(test)]
mod tests;

use std::{
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::Path,
};

use rustix::{
    fs::{self, AtFlags, CWD, Mode, OFlags, ResolveFlags},
    io::Errno,
};

pub use error::Error;
pub(crate) use read::{is_of_the_kernel, reopen_with};
pub use section::{Place, SectionOptions};
pub use write::{Attributes, Owner, Permissions};

type Result<T> = std::result::Result<T, Error>;

/// The root directory of a container, and who is root in it.
#[derive(Debug)]
pub struct Rootfs {
    dir: OwnedFd,
    owner: (u32, u32),
    resolve: ResolveFlags,
}

/// `openat2` gives up with EAGAIN when something was renamed while it passed a `..`. A busy guest makes that
/// happen now and then, a hostile one all the time.
const RESOLVE_ATTEMPTS: usize = 64;

impl Rootfs {
    /// The longest file that [`Rootfs::read`] returns, in bytes.
    pub const READ_LIMIT: u64 = 1 << 20;

    /// The root behind `dir`, a directory (an `O_PATH` descriptor will do). New and changed files are given to
    /// `owner`: the host's uid and gid of the container's root.
    #[must_use]
    pub fn new(dir: OwnedFd, owner: (u32, u32)) -> Self {
        Self { dir, owner, resolve: ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS }
    }

    /// The same without what is mounted below it, which is an error then: in a guest that runs it can be a file system of
    /// the guest's own making, which never answers.
    #[must_use]
    pub fn without_mounts(mut self) -> Self {
        self.resolve |= ResolveFlags::NO_XDEV;
        self
    }

    /// The root at a path of the host. The host's own root is refused: setting up a guest there would
    /// reconfigure the host.
    pub fn open(path: &Path, owner: (u32, u32)) -> Result<Self> {
        let shown = path.display().to_string();
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let dir = match fs::openat(CWD, path, flags, Mode::empty()) {
            Ok(dir) => dir,
            Err(Errno::NOENT | Errno::NOTDIR) => return Err(Error::NoRoot { path: shown }),
            Err(errno) => return Err(Error::io("open", &shown)(errno)),
        };
        let host = fs::statat(CWD, "/", AtFlags::empty()).map_err(Error::io("look at", "/"))?;
        let root = fs::fstat(&dir).map_err(Error::io("look at", &shown))?;
        if (host.st_dev, host.st_ino) == (root.st_dev, root.st_ino) {
            return Err(Error::NoRoot { path: shown });
        }
        Ok(Self::new(dir, owner))
    }

    /// The host's uid and gid of the container's root.
    #[must_use]
    pub fn owner(&self) -> (u32, u32) {
        self.owner
    }

    /// Opens a path as the container would resolve it.
    fn resolve_open(&self, path: &str, flags: OFlags) -> rustix::io::Result<OwnedFd> {
        self.resolve_create(path, flags, Mode::empty())
    }

    /// The same with the mode of a file that is made.
    fn resolve_create(&self, path: &str, flags: OFlags, mode: Mode) -> rustix::io::Result<OwnedFd> {
        self.resolve_at(&self.dir, path, flags, mode)
    }

    /// The same below a folder in it, for one real name.
    fn resolve_at(
        &self,
        dir: &OwnedFd,
        path: &str,
        flags: OFlags,
        mode: Mode,
    ) -> rustix::io::Result<OwnedFd> {
        let mut attempts = 0;
        loop {
            attempts += 1;
            match fs::openat2(dir, path, flags | OFlags::CLOEXEC, mode, self.resolve) {
                Err(Errno::AGAIN | Errno::INTR) if attempts < RESOLVE_ATTEMPTS => {}
                other => return other,
            }
        }
    }

    /// The directory that holds the last name of `path`, and that name; `None` if there is no such directory.
    fn parent<'p>(&self, path: &'p str) -> Result<Option<(OwnedFd, &'p str)>> {
        let (dir, name) = split(path)?;
        match self.resolve_open(dir, OFlags::PATH | OFlags::DIRECTORY) {
            Ok(fd) => Ok(Some((fd, name))),
            Err(errno) if is_absent(errno) => Ok(None),
            Err(errno) => Err(Error::io("open the folder of", path)(errno)),
        }
    }
}

impl AsFd for Rootfs {
    /// The root directory.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.dir.as_fd()
    }
}

/// Cuts an absolute path before its last name. Only that last name is ever used with the plain `*at` calls,
/// so it must be one real name; what stands before it is resolved by the kernel.
fn split(path: &str) -> Result<(&str, &str)> {
    let bad = || Error::BadPath { path: path.to_owned() };
    let trimmed = path.trim_end_matches('/');
    let (dir, name) = trimmed.rsplit_once('/').ok_or_else(bad)?;
    if !path.starts_with('/') || path.contains('\0') || matches!(name, "" | "." | "..") {
        return Err(bad());
    }
    Ok((if dir.is_empty() { "/" } else { dir }, name))
}

/// Whether an error only says that there is nothing: a name, a folder on the way, or the end of a chain of
/// links does not exist (a magic link counts as nothing too: it comes as ELOOP).
fn is_absent(errno: Errno) -> bool {
    matches!(errno, Errno::NOENT | Errno::NOTDIR | Errno::LOOP)
}
