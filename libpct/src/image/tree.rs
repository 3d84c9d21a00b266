//! The directories of the root: found and made without ever leaving it, finished at the very end.

use std::{
    collections::BTreeMap,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use rustix::{
    fs::{self, Mode, OFlags, ResolveFlags, Timespec, Timestamps, UTIME_OMIT, XattrFlags},
    io::Errno,
};

use super::{Error, error::Step, names::split, pax::Moment};

/// How many bytes of unfinished directories are held, about. When there are more, all are finished, and
/// from then on one that is written to again gets its time back at the end.
const MOST_HELD: usize = 32 << 20;
/// What an unfinished directory takes beside its name and lists.
const OVERHEAD: usize = 200;

/// What a directory gets when nothing more will be put into it: a mode that keeps others out, a default
/// list that would be inherited and a time that would be lost must wait until then.
#[derive(Debug)]
pub(super) struct Unfinished {
    /// Device and inode: nobody may slip another one under us.
    pub(super) id: (u64, u64),
    pub(super) mode: Option<u16>,
    pub(super) mtime: Option<Moment>,
    /// Attribute names and values.
    pub(super) acls: Vec<(&'static str, Vec<u8>)>,
    /// Made because something in it came first; a later member of the archive may still say more.
    pub(super) implicit: bool,
}

/// The root and what is known of the directories in it. Paths are as [`super::names::clean`] gives them.
pub(super) struct Tree<'a> {
    root: BorrowedFd<'a>,
    /// The directory used last: members of one directory mostly stand together.
    current: Option<(Vec<u8>, OwnedFd)>,
    unfinished: BTreeMap<Vec<u8>, Unfinished>,
    held: usize,
    most_held: usize,
    some_finished: bool,
}

impl<'a> Tree<'a> {
    pub(super) fn new(root: BorrowedFd<'a>) -> Self {
        let unfinished = BTreeMap::new();
        Self { root, current: None, unfinished, held: 0, most_held: MOST_HELD, some_finished: false }
    }

    /// Opens a directory of the root for use as a starting point. Symbolic links on the way are followed
    /// as long as they stay inside.
    pub(super) fn open(&self, path: &[u8], flags: OFlags) -> Result<OwnedFd, Errno> {
        let path = if path.is_empty() { b"." } else { path };
        let flags = flags | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
        for _ in 0..64 {
            // EAGAIN: something was renamed or mounted on this machine meanwhile.
            match fs::openat2(self.root, path, flags, Mode::empty(), resolve) {
                Err(Errno::AGAIN | Errno::INTR) => {}
                other => return other,
            }
        }
        Err(Errno::AGAIN)
    }

    /// The directory in which `path` is to be made, which is made itself if it is missing.
    pub(super) fn parent(&mut self, path: &[u8]) -> Result<BorrowedFd<'_>, Error> {
        let (parent, _) = split(path);
        if parent.is_empty() {
            return Ok(self.root);
        }
        if self.current.as_ref().is_none_or(|(at, _)| at != parent) {
            self.current = None;
            let fd = match self.open(parent, OFlags::PATH) {
                Err(Errno::NOENT) => self.make(parent, path)?,
                other => other.map_err(|e| Error::member(path, Step::Reach, e))?,
            };
            if self.some_finished && !self.unfinished.contains_key(parent) {
                let stat = fs::fstat(&fd).map_err(|e| Error::member(path, Step::Reach, e))?;
                let mtime = Some((stat.st_mtime, u32::try_from(stat.st_mtime_nsec).unwrap_or(0)));
                let id = (stat.st_dev, stat.st_ino);
                self.note(parent, Unfinished { id, mode: None, mtime, acls: Vec::new(), implicit: false });
            }
            self.current = Some((parent.to_vec(), fd));
        }
        match &self.current {
            Some((_, fd)) => Ok(fd.as_fd()),
            None => Ok(self.root),
        }
    }

    /// The directory that holds an existing `path`, such as the target of a hard link.
    pub(super) fn holder(&self, path: &[u8]) -> Result<OwnedFd, Errno> {
        match split(path).0 {
            b"" => self.root.try_clone_to_owned().map_err(|e| Errno::from_io_error(&e).unwrap_or(Errno::IO)),
            parent => self.open(parent, OFlags::PATH),
        }
    }

    /// Makes a directory with those above it that are missing, for the sake of member `entry`.
    fn make(&mut self, path: &[u8], entry: &[u8]) -> Result<OwnedFd, Error> {
        let failed = |e| Error::member(entry, Step::MakeParent, e);
        // The lowest one that exists: from there on everything is ours, and no link is in the way.
        let mut there = path.len();
        let mut fd = loop {
            there = split(&path[..there]).0.len();
            if there == 0 {
                break None;
            }
            match self.open(&path[..there], OFlags::PATH) {
                Err(Errno::NOENT) => {}
                other => break Some(other.map_err(|e| Error::member(entry, Step::Reach, e))?),
            }
        };
        while there < path.len() {
            let start = if there == 0 { 0 } else { there + 1 };
            let end = path[start..].iter().position(|&b| b == b'/').map_or(path.len(), |n| start + n);
            let name = &path[start..end];
            let at = fd.as_ref().map_or(self.root, AsFd::as_fd);
            fs::mkdirat(at, name, Mode::from_raw_mode(0o755)).map_err(failed)?;
            let made = open_made(at, name).map_err(failed)?;
            let stat = fs::fstat(&made).map_err(failed)?;
            let id = (stat.st_dev, stat.st_ino);
            self.note(
                &path[..end],
                Unfinished { id, mode: Some(0o755), mtime: None, acls: Vec::new(), implicit: true },
            );
            fd = Some(made);
            there = end;
        }
        match fd {
            Some(fd) => Ok(fd),
            None => Err(failed(Errno::NOENT)),
        }
    }

    /// The id of the directory at `path`, if it was only made because it was needed.
    pub(super) fn implicit(&self, path: &[u8]) -> Option<(u64, u64)> {
        self.unfinished.get(path).filter(|d| d.implicit).map(|d| d.id)
    }

    fn note(&mut self, path: &[u8], directory: Unfinished) {
        self.held += path.len() + directory.acls.iter().map(|a| a.1.len()).sum::<usize>() + OVERHEAD;
        self.unfinished.insert(path.to_vec(), directory);
    }

    /// Remembers a directory that was just made, and expects that it is filled next.
    pub(super) fn enter(&mut self, path: &[u8], fd: OwnedFd, directory: Unfinished) {
        self.note(path, directory);
        self.current = Some((path.to_vec(), fd));
    }

    /// Whether it is time to call [`Tree::finish`] to save memory.
    pub(super) fn is_full(&self) -> bool {
        self.held > self.most_held
    }

    /// Gives all directories, the deepest first, their mode, lists and time.
    pub(super) fn finish(&mut self, mut failed: impl FnMut(Error) -> Result<(), Error>) -> Result<(), Error> {
        self.current = None;
        self.held = 0;
        self.some_finished = true;
        while let Some((path, directory)) = self.unfinished.pop_last() {
            if let Err((step, source)) = self.finish_one(&path, &directory) {
                failed(Error::member(&path, step, source))?;
            }
        }
        Ok(())
    }

    /// Gives one directory its mode, lists and time.
    pub(super) fn finish_one(&self, path: &[u8], directory: &Unfinished) -> Result<(), (Step, Errno)> {
        let at = |step| move |e| (step, e);
        let fd = self.open(path, OFlags::RDONLY | OFlags::NOFOLLOW).map_err(at(Step::Reach))?;
        let stat = fs::fstat(&fd).map_err(at(Step::Reach))?;
        if (stat.st_dev, stat.st_ino) != directory.id {
            return Err((Step::Reach, Errno::STALE));
        }
        if let Some(mode) = directory.mode {
            fs::fchmod(&fd, Mode::from_raw_mode(mode.into())).map_err(at(Step::Mode))?;
        }
        for (name, value) in &directory.acls {
            match fs::fsetxattr(&fd, *name, value, XattrFlags::empty()) {
                // As for files: not every file system has them.
                Err(e) if !super::extract::is_serious(e) => {}
                other => other.map_err(at(Step::Acl))?,
            }
        }
        if let Some(mtime) = directory.mtime {
            fs::futimens(&fd, &timestamps(mtime)).map_err(at(Step::Times))?;
        }
        Ok(())
    }
}

/// Opens a directory that was just made.
pub(super) fn open_made(at: BorrowedFd<'_>, name: &[u8]) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    fs::openat(at, name, flags, Mode::empty())
}

/// The modification time; the access time stays what it is.
pub(super) fn timestamps((seconds, nanos): Moment) -> Timestamps {
    Timestamps {
        last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
        last_modification: Timespec { tv_sec: seconds, tv_nsec: nanos.into() },
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt, symlink};

    use super::*;

    #[test]
    fn directories_finished_early_keep_their_time() {
        let dir = tempfile::tempdir().unwrap();
        let root = std::fs::File::open(dir.path()).unwrap();
        let mut tree = Tree::new(root.as_fd());
        tree.most_held = 1;
        let fd = tree.parent(b"a/b/x").unwrap().try_clone_to_owned().unwrap();
        assert!(tree.is_full());
        let stat = fs::fstat(&fd).unwrap();
        let id = tree.implicit(b"a/b").unwrap();
        assert_eq!(id, (stat.st_dev, stat.st_ino));
        let acls = Vec::new();
        tree.enter(
            b"a/b",
            fd,
            Unfinished { id, mode: Some(0o711), mtime: Some((5, 7)), acls, implicit: false },
        );
        tree.finish(Err).unwrap();
        let stat = || std::fs::metadata(dir.path().join("a/b")).unwrap();
        assert_eq!((stat().mode() & 0o7777, stat().mtime(), stat().mtime_nsec()), (0o711, 5, 7));

        let fd = tree.parent(b"a/b/late").unwrap();
        fs::mkdirat(fd, "late", Mode::from_raw_mode(0o700)).unwrap();
        assert_ne!(stat().mtime(), 5);
        tree.finish(Err).unwrap();
        assert_eq!((stat().mtime(), stat().mtime_nsec()), (5, 7));
        assert_eq!(std::fs::metadata(dir.path().join("a")).unwrap().mode() & 0o7777, 0o755);
    }

    #[test]
    fn an_exchanged_directory_is_not_touched() {
        let dir = tempfile::tempdir().unwrap();
        let root = std::fs::File::open(dir.path()).unwrap();
        let mut tree = Tree::new(root.as_fd());
        tree.parent(b"a/x").unwrap();
        std::fs::rename(dir.path().join("a"), dir.path().join("b")).unwrap();
        std::fs::create_dir(dir.path().join("a")).unwrap();
        assert!(tree.finish(Err).is_err());
        tree.parent(b"c/x").unwrap();
        std::fs::rename(dir.path().join("c"), dir.path().join("d")).unwrap();
        symlink("d", dir.path().join("c")).unwrap();
        assert!(tree.finish(Err).is_err());
    }
}
