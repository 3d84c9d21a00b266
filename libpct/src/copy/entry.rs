//! One name of a directory that leads to no directory.

use std::{
    ffi::CStr,
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
    rc::Rc,
};

use rustix::{
    fs::{self, AtFlags, FileType, Mode, OFlags, Stat},
    io::Errno,
};

use super::{
    Copied, Error, Step,
    attributes::{Attributes, Handle},
    content::{Contents, Stopped},
    error::shown,
    links::Links,
    place::{Place, open_inside},
};

/// For nobody else until owner and mode are right.
const PRIVATE: Mode = Mode::from_raw_mode(0o600);

/// A directory that is being copied.
pub(super) struct Open {
    pub(super) source: OwnedFd,
    pub(super) target: OwnedFd,
}

/// What is needed to copy a name.
pub(super) struct Entries<'a> {
    pub(super) contents: Contents<'a>,
    pub(super) attributes: Attributes,
    pub(super) copied: Copied,
    target: BorrowedFd<'a>,
    links: Links,
    /// `/proc/self/fd`: through it an inode that has been looked at is opened, and no other.
    descriptors: OwnedFd,
}

impl<'a> Entries<'a> {
    pub(super) fn new(contents: Contents<'a>, target: BorrowedFd<'a>) -> Result<Self, Error> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let path = c"/proc/self/fd";
        let descriptors = fs::open(path, flags, Mode::empty())
            .map_err(|errno| Error::io(Step::Open, path.to_bytes(), errno))?;
        let (attributes, copied, links) = (Attributes::new(), Copied::default(), Links::default());
        Ok(Self { contents, attributes, copied, target, links, descriptors })
    }

    /// Copies a name, whatever it leads to; `false` if it is a directory, of which nothing is done yet.
    pub(super) fn copy(&mut self, at: &Open, place: &Rc<Place>, name: &CStr) -> Result<bool, Error> {
        let failed = |(step, errno)| Error::io(step, &place.path(name), errno);
        let object = match open_inside(at.source.as_fd(), name, OFlags::PATH) {
            Ok(object) => object,
            Err(Errno::NOENT) => {
                self.copied.vanished += 1;
                return Ok(true);
            }
            Err(Errno::XDEV) => return self.mount_point(at, place, name).map(|()| true),
            Err(errno) => return Err(failed((Step::Open, errno))),
        };
        let stat = fs::fstat(&object).map_err(|e| failed((Step::Open, e)))?;
        if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
            return Ok(false);
        }
        if !self.link(at, place, name, &stat)? {
            self.make(at, name, &object, &stat).map_err(|stopped| match stopped {
                Stopped::Cancelled => Error::Cancelled,
                Stopped::Failed(step, errno) => failed((step, errno)),
            })?;
            self.links.note(&stat, place, name.to_owned());
        }
        self.copied.entries += 1;
        self.contents.pace.look().map_err(|_| Error::Cancelled)?;
        Ok(true)
    }

    /// Makes a further name for what was copied under another.
    fn link(&mut self, at: &Open, place: &Rc<Place>, name: &CStr, stat: &Stat) -> Result<bool, Error> {
        let Some((first_place, first_name)) = self.links.find(stat) else { return Ok(false) };
        let linked = if Rc::ptr_eq(&first_place, place) {
            fs::linkat(&at.target, &*first_name, &at.target, name, AtFlags::empty())
        } else {
            first_place
                .open(self.target)
                .and_then(|dir| fs::linkat(&dir, &*first_name, &at.target, name, AtFlags::empty()))
        };
        linked.map(|()| true).map_err(|errno| Error::io(Step::Link, &place.path(name), errno))
    }

    fn make(&mut self, at: &Open, name: &CStr, object: &OwnedFd, stat: &Stat) -> Result<(), Stopped> {
        let step = |step| move |errno| Stopped::Failed(step, errno);
        let kind = FileType::from_raw_mode(stat.st_mode);
        match kind {
            FileType::RegularFile => return self.regular(at, name, object, stat),
            FileType::Symlink => {
                let text = fs::readlinkat(object, c"", Vec::new()).map_err(step(Step::Read))?;
                fs::symlinkat(&*text, &at.target, name).map_err(step(Step::Create))?;
            }
            _ => fs::mknodat(&at.target, name, kind, PRIVATE, stat.st_rdev).map_err(step(Step::Create))?,
        }
        let made = open_inside(at.target.as_fd(), name, OFlags::PATH).map_err(step(Step::Create))?;
        self.attributes
            .copy(Handle::Named(object.as_fd()), Handle::Named(made.as_fd()), stat)
            .map_err(|(step, errno)| Stopped::Failed(step, errno))
    }

    fn regular(&mut self, at: &Open, name: &CStr, object: &OwnedFd, stat: &Stat) -> Result<(), Stopped> {
        let step = |step| move |errno| Stopped::Failed(step, errno);
        let read = OFlags::RDONLY | OFlags::NOATIME | OFlags::CLOEXEC;
        let number = object.as_raw_fd().to_string();
        let from = fs::openat(&self.descriptors, number, read, Mode::empty()).map_err(step(Step::Open))?;
        let new = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let to = fs::openat(&at.target, name, new, PRIVATE).map_err(step(Step::Create))?;
        self.contents.copy(from.as_fd(), to.as_fd(), stat)?;
        self.attributes
            .copy(Handle::Open(from.as_fd()), Handle::Open(to.as_fd()), stat)
            .map_err(|(step, errno)| Stopped::Failed(step, errno))
    }

    /// Makes the directory that something is mounted on. Its own attributes are hidden: it gets those of what hides it.
    pub(super) fn mount_point(&mut self, at: &Open, place: &Rc<Place>, name: &CStr) -> Result<(), Error> {
        let failed = |step| move |errno| Error::io(step, &place.path(name), errno);
        let stat = fs::statat(&at.source, name, AtFlags::SYMLINK_NOFOLLOW).map_err(failed(Step::Open))?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::Directory {
            return Err(Error::MountedOver { path: shown(&place.path(name)) });
        }
        let made = make_directory(at.target.as_fd(), name).map_err(failed(Step::Create))?;
        let made = Handle::Open(made.as_fd());
        made.set_ids_and_times(&stat).map_err(|(step, errno)| failed(step)(errno))?;
        self.copied.entries += 1;
        self.copied.mount_points += 1;
        Ok(())
    }
}

/// Makes a directory, or takes the one that is there, and opens it.
pub(super) fn make_directory(at: BorrowedFd<'_>, name: &CStr) -> Result<OwnedFd, Errno> {
    match fs::mkdirat(at, name, Mode::RWXU) {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(errno) => return Err(errno),
    }
    match open_inside(at, name, OFlags::RDONLY | OFlags::DIRECTORY) {
        Err(Errno::NOTDIR | Errno::LOOP) => Err(Errno::EXIST),
        other => other,
    }
}
