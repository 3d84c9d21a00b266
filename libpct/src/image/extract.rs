//! Makes the members of an archive below a root.

use std::{
    fs::File,
    io::Write,
    os::{
        fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
        unix::fs::FileExt,
    },
};

use rustix::{
    fs::{self, AtFlags, CWD, FileType, Gid, Mode, OFlags, Uid, XattrFlags},
    io::Errno,
};

use super::{
    Error, Options, Summary, acl,
    error::{Step, shown},
    member::{Kind, Member},
    names::{below_dev, clean, split},
    pax::Moment,
    reader::Reader,
    tree::{Tree, Unfinished, open_made, timestamps},
};

/// How many warnings are kept.
const MOST_WARNINGS: usize = 100;
const ACL_ACCESS: &str = "system.posix_acl_access";
const ACL_DEFAULT: &str = "system.posix_acl_default";

/// Whether a refused attribute or list means that unpacking can't go on well. The others (the file
/// system has none, the value is not valid here) cost no more than the attribute.
pub(super) fn is_serious(errno: Errno) -> bool {
    matches!(errno, Errno::NOSPC | Errno::DQUOT | Errno::IO | Errno::ROFS)
}

/// One unpacking.
pub(super) struct Unpacker<'a> {
    reader: Reader<'a>,
    tree: Tree<'a>,
    /// What the root gets at the end.
    root: Option<Unfinished>,
    options: &'a Options,
    notes: Notes,
}

/// What the caller is told.
#[derive(Default)]
struct Notes {
    summary: Summary,
    more: u64,
}

impl Notes {
    fn warn(&mut self, text: impl FnOnce() -> String) {
        if self.summary.warnings.len() < MOST_WARNINGS {
            self.summary.warnings.push(text());
        } else {
            self.more += 1;
        }
    }

    /// An error that is passed over: the whole chain in one line.
    fn tolerate(&mut self, error: &Error) {
        self.warn(|| match std::error::Error::source(error) {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        });
    }
}

impl<'a> Unpacker<'a> {
    pub(super) fn new(reader: Reader<'a>, root: BorrowedFd<'a>, options: &'a Options) -> Self {
        Self { reader, tree: Tree::new(root), root: None, options, notes: Notes::default() }
    }

    /// Unpacks everything.
    pub(super) fn run(mut self) -> Result<Summary, Error> {
        let ignore = self.options.ignore_errors;
        loop {
            let outcome = match self.reader.next() {
                Ok(None) => break,
                Ok(Some(member)) => {
                    self.notes.summary.entries += 1;
                    self.member(&member)
                }
                Err(e) => Err(e),
            };
            match outcome {
                Err(e) if ignore => {
                    self.notes.tolerate(&e);
                    if !e.concerns_one_member() {
                        break;
                    }
                }
                other => other?,
            }
            if self.tree.is_full() {
                self.finish()?;
            }
        }
        self.finish()?;
        if let Some(root) = self.root.take() {
            self.tree.finish_one(b"", &root).map_err(|(step, source)| Error::member(b".", step, source))?;
        }
        if let Some(oddity) = self.reader.oddity() {
            self.notes.warn(|| oddity);
        }
        let Notes { mut summary, more } = self.notes;
        if more > 0 {
            summary.warnings.push(format!("{more} more warnings are left out"));
        }
        Ok(summary)
    }

    fn finish(&mut self) -> Result<(), Error> {
        let (notes, ignore) = (&mut self.notes, self.options.ignore_errors);
        self.tree.finish(|e| {
            if !ignore {
                return Err(e);
            }
            notes.tolerate(&e);
            Ok(())
        })
    }

    fn member(&mut self, member: &Member) -> Result<(), Error> {
        let raw = member.path.as_slice();
        if member.kind == Kind::Nothing {
            return Ok(());
        }
        let path = clean(raw).map_err(|why| Error::refused(raw, why))?;
        if path.is_empty() {
            return match member.kind {
                Kind::Directory if self.options.with_root => self.root(member),
                // The root exists, and what exists is left as it is.
                Kind::Directory => Ok(()),
                _ => Err(Error::refused(raw, "it has the name of the root but is no directory")),
            };
        }
        if self.options.skip_dev && below_dev(&path) {
            return Ok(());
        }
        if member.unknown_type {
            self.notes.warn(|| format!("{}: unknown type, made a regular file", shown(raw)));
        }
        let owner = Owner::of(member)?;
        match member.kind {
            Kind::File => self.file(member, &path, owner),
            Kind::Directory => self.directory(member, &path, owner),
            Kind::Symlink => self.symlink(member, &path, owner),
            Kind::HardLink => self.hard_link(member, &path),
            Kind::Fifo => self.node(member, &path, owner, FileType::Fifo),
            Kind::CharDevice => self.node(member, &path, owner, FileType::CharacterDevice),
            Kind::BlockDevice => self.node(member, &path, owner, FileType::BlockDevice),
            Kind::Nothing => Ok(()),
        }
    }

    fn file(&mut self, member: &Member, path: &[u8], owner: Owner) -> Result<(), Error> {
        let dir = self.tree.parent(path)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        // For nobody else until owner and mode are right.
        let fd = match fs::openat(dir, split(path).1, flags, Mode::from_raw_mode(0o600)) {
            Err(Errno::EXIST) => return Ok(()),
            other => other.map_err(|e| Error::member(path, Step::Create, e))?,
        };
        let mut file = File::from(fd);
        match &member.sparse {
            None => self.contents(&mut file, path)?,
            Some(map) => {
                for chunk in map {
                    self.chunk(&file, path, chunk.offset, chunk.len)?;
                }
                file.set_len(member.size).map_err(|e| Error::member(path, Step::Write, e))?;
            }
        }
        // Writing and a new owner take away set-id bits and capabilities: this order matters.
        owner.set(&file, path)?;
        let mode = Mode::from_raw_mode(member.mode.into());
        fs::fchmod(&file, mode).map_err(|e| Error::member(path, Step::Mode, e))?;
        self.xattrs(member, &file, path)?;
        for (name, value) in self.acls(member, path) {
            self.attribute(&file, path, name, &value, Step::Acl)?;
        }
        fs::futimens(&file, &timestamps(member.mtime)).map_err(|e| Error::member(path, Step::Times, e))
    }

    fn contents(&mut self, file: &mut File, path: &[u8]) -> Result<(), Error> {
        loop {
            let piece = self.reader.peek(u64::MAX)?;
            if piece.is_empty() {
                return Ok(());
            }
            file.write_all(piece).map_err(|e| Error::member(path, Step::Write, e))?;
            let n = piece.len();
            self.reader.consume(n);
            self.notes.summary.bytes += n as u64;
        }
    }

    fn chunk(&mut self, file: &File, path: &[u8], mut offset: u64, mut len: u64) -> Result<(), Error> {
        while len > 0 {
            let piece = self.reader.peek(len)?;
            let n = piece.len();
            if n == 0 {
                // The map was checked against the data: this can't be, but must not be endless either.
                return Err(Error::refused(path, "its sparse map does not fit its data"));
            }
            file.write_all_at(piece, offset).map_err(|e| Error::member(path, Step::Write, e))?;
            self.reader.consume(n);
            self.notes.summary.bytes += n as u64;
            offset += n as u64;
            len -= n as u64;
        }
        Ok(())
    }

    fn directory(&mut self, member: &Member, path: &[u8], owner: Owner) -> Result<(), Error> {
        let failed = |e| Error::member(path, Step::Create, e);
        let name = split(path).1;
        let made = match fs::mkdirat(self.tree.parent(path)?, name, Mode::from_raw_mode(0o700)) {
            Ok(()) => true,
            Err(Errno::EXIST) => false,
            Err(e) => return Err(failed(e)),
        };
        let implicit = self.tree.implicit(path);
        if !made && implicit.is_none() {
            return Ok(());
        }
        let fd = open_made(self.tree.parent(path)?, name).map_err(failed)?;
        let stat = fs::fstat(&fd).map_err(failed)?;
        let id = (stat.st_dev, stat.st_ino);
        if !made && implicit != Some(id) {
            return Ok(());
        }
        let acls = self.acls(member, path);
        let outcome = owner.set(&fd, path).and_then(|()| self.xattrs(member, &fd, path));
        let (mode, mtime) = (Some(member.mode), Some(member.mtime));
        self.tree.enter(path, fd, Unfinished { id, mode, mtime, acls, implicit: false });
        outcome
    }

    fn root(&mut self, member: &Member) -> Result<(), Error> {
        let failed = |e| Error::member(b".", Step::Reach, e);
        let fd = self.tree.open(b"", OFlags::RDONLY).map_err(failed)?;
        let stat = fs::fstat(&fd).map_err(failed)?;
        Owner::of(member)?.set(&fd, b".")?;
        self.xattrs(member, &fd, b".")?;
        let (mode, mtime) = (Some(member.mode), Some(member.mtime));
        let acls = self.acls(member, b".");
        self.root = Some(Unfinished { id: (stat.st_dev, stat.st_ino), mode, mtime, acls, implicit: false });
        Ok(())
    }

    fn symlink(&mut self, member: &Member, path: &[u8], owner: Owner) -> Result<(), Error> {
        if member.link.contains(&0) {
            return Err(Error::refused(path, "the target of the link contains a NUL byte"));
        }
        let dir = self.tree.parent(path)?;
        let name = split(path).1;
        match fs::symlinkat(member.link.as_slice(), dir, name) {
            Err(Errno::EXIST) => return Ok(()),
            other => other.map_err(|e| Error::member(path, Step::Create, e))?,
        }
        owner.set_at(dir, name, AtFlags::SYMLINK_NOFOLLOW, path)?;
        times_at(dir, name, AtFlags::SYMLINK_NOFOLLOW, member.mtime, path)
    }

    /// `linkat` without flags links what the last component is, a symbolic link too, and never follows it.
    /// (Linking an open descriptor instead needs a capability in the initial user namespace before
    /// Linux 6.10, which a container's helper does not have.)
    fn hard_link(&mut self, member: &Member, path: &[u8]) -> Result<(), Error> {
        let target = clean(&member.link)
            .map_err(|_| Error::refused(path, "the target of the hard link is no name below the root"))?;
        if target.is_empty() {
            return Err(Error::refused(path, "it is a hard link to the root"));
        }
        if self.options.skip_dev && below_dev(&target) {
            self.notes.warn(|| format!("{}: hard link to a member that is left out", shown(path)));
            return Ok(());
        }
        let holder = self.tree.holder(&target).map_err(|e| Error::member(path, Step::ReachTarget, e))?;
        let dir = self.tree.parent(path)?;
        match fs::linkat(&holder, split(&target).1, dir, split(path).1, AtFlags::empty()) {
            Ok(()) | Err(Errno::EXIST) => Ok(()),
            Err(Errno::NOENT) if self.notes.summary.skipped_devices > 0 => {
                self.notes.warn(|| format!("{}: hard link to nothing, perhaps to a device", shown(path)));
                Ok(())
            }
            Err(e) => Err(Error::member(path, Step::Create, e)),
        }
    }

    fn node(&mut self, member: &Member, path: &[u8], owner: Owner, kind: FileType) -> Result<(), Error> {
        let (major, minor) = member.device;
        if kind != FileType::Fifo {
            if !self.options.devices {
                self.notes.summary.skipped_devices += 1;
                return Ok(());
            }
            // What the kernel's own form of device numbers can hold.
            if major >= 1 << 12 || minor >= 1 << 20 {
                return Err(Error::refused(path, "its device number is too large"));
            }
        }
        let dir = self.tree.parent(path)?;
        let name = split(path).1;
        let private = Mode::from_raw_mode(0o600);
        match fs::mknodat(dir, name, kind, private, fs::makedev(major, minor)) {
            Err(Errno::EXIST) => return Ok(()),
            other => other.map_err(|e| Error::member(path, Step::Create, e))?,
        }
        // To open a device or a fifo properly would wake it up; O_PATH does not.
        let fd = fs::openat(dir, name, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())
            .map_err(|e| Error::member(path, Step::Create, e))?;
        owner.set_at(fd.as_fd(), b"", AtFlags::EMPTY_PATH, path)?;
        chmod_opened(&fd, member.mode).map_err(|e| Error::member(path, Step::Mode, e))?;
        if !member.xattrs.is_empty() || member.acl_access.is_some() {
            self.notes.warn(|| format!("{}: attributes of a fifo or device are left out", shown(path)));
        }
        times_at(fd.as_fd(), b"", AtFlags::EMPTY_PATH, member.mtime, path)
    }

    fn xattrs(&mut self, member: &Member, fd: impl AsFd, path: &[u8]) -> Result<(), Error> {
        for (name, value) in &member.xattrs {
            self.attribute(fd.as_fd(), path, name, value, Step::Xattr)?;
        }
        Ok(())
    }

    fn attribute(
        &mut self,
        fd: impl AsFd,
        path: &[u8],
        name: impl AsRef<[u8]>,
        value: &[u8],
        step: Step,
    ) -> Result<(), Error> {
        let name = name.as_ref();
        match fs::fsetxattr(fd, name, value, XattrFlags::empty()) {
            Ok(()) => Ok(()),
            Err(e) if is_serious(e) => Err(Error::member(path, step, e)),
            Err(e) => {
                self.notes.warn(|| format!("{}: cannot set {}: {e}", shown(path), shown(name)));
                Ok(())
            }
        }
    }

    /// The access control lists in the kernel's form.
    fn acls(&mut self, member: &Member, path: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
        let access = member.acl_access.as_deref().map(|text| (ACL_ACCESS, text));
        let default = member.acl_default.as_deref().map(|text| (ACL_DEFAULT, text));
        let default = default.filter(|_| member.kind == Kind::Directory);
        let mut lists = Vec::new();
        for (name, text) in access.into_iter().chain(default) {
            let Some(list) = acl::parse(text) else {
                self.notes.warn(|| format!("{}: malformed access control list", shown(path)));
                continue;
            };
            if list.unresolved > 0 {
                self.notes.warn(|| {
                    let n = list.unresolved;
                    format!("{}: {n} access control entries have no numeric id and are left out", shown(path))
                });
            }
            lists.extend(list.value.map(|value| (name, value)));
        }
        lists
    }
}

/// Numeric owner, as it stands in the archive.
#[derive(Clone, Copy)]
struct Owner(Uid, Gid);

impl Owner {
    fn of(member: &Member) -> Result<Self, Error> {
        // 2^32-1 would mean 'leave it as it is'.
        let id = |id: i64| u32::try_from(id).ok().filter(|&id| id != u32::MAX);
        match (id(member.uid), id(member.gid)) {
            (Some(uid), Some(gid)) => Ok(Self(Uid::from_raw(uid), Gid::from_raw(gid))),
            _ => Err(Error::refused(&member.path, "its owner is no valid id")),
        }
    }

    fn set(self, fd: impl AsFd, path: &[u8]) -> Result<(), Error> {
        fs::fchown(fd, Some(self.0), Some(self.1)).map_err(|e| Error::member(path, Step::Owner, e))
    }

    fn set_at(self, dir: BorrowedFd<'_>, name: &[u8], flags: AtFlags, path: &[u8]) -> Result<(), Error> {
        fs::chownat(dir, name, Some(self.0), Some(self.1), flags)
            .map_err(|e| Error::member(path, Step::Owner, e))
    }
}

fn times_at(
    dir: BorrowedFd<'_>,
    name: &[u8],
    flags: AtFlags,
    mtime: Moment,
    path: &[u8],
) -> Result<(), Error> {
    fs::utimensat(dir, name, &timestamps(mtime), flags).map_err(|e| Error::member(path, Step::Times, e))
}

/// Sets the mode of what an `O_PATH` descriptor stands for; `fchmod` refuses those. The magic link leads
/// to that very file; if it were a symbolic link the kernel refuses and follows no further.
fn chmod_opened(fd: &OwnedFd, mode: u16) -> Result<(), Errno> {
    let link = format!("/proc/self/fd/{}", fd.as_raw_fd());
    fs::chmodat(CWD, link, Mode::from_raw_mode(mode.into()), AtFlags::empty())
}
