//! The way through the tree: a directory's files first, then its directories, and its own attributes when nothing more is
//! put into it.

use std::{
    ffi::CString,
    mem::{self, MaybeUninit},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    rc::Rc,
};

use rustix::{
    fs::{self, FileType, OFlags, RawDir, Stat},
    io::Errno,
};

use super::{
    Copied, Error, Step,
    attributes::{Handle, clear_lists},
    content::Contents,
    entry::{Entries, Open, make_directory},
    error::shown,
    place::{DIRECTORY, Place, open_inside},
};

/// So many directories at the end of the way are kept open: a tree may be deeper than a process may have files open. Going back
/// further, they are opened anew, half as many at once.
const MOST_OPEN: usize = 64;

/// Room for names, as the kernel lists them.
const NAMES: usize = 32 << 10;

/// A directory on the way. An own stack, not recursion: how deep the tree is was the container's choice.
struct Level {
    place: Rc<Place>,
    open: Option<Open>,
    /// As it was when it was entered.
    stat: Stat,
    /// Names of directories in it that are still to be copied.
    below: Vec<CString>,
}

pub(super) struct Walk<'a> {
    source: BorrowedFd<'a>,
    target: BorrowedFd<'a>,
    entries: Entries<'a>,
    stack: Vec<Level>,
    names: Box<[MaybeUninit<u8>]>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(
        source: BorrowedFd<'a>,
        target: BorrowedFd<'a>,
        contents: Contents<'a>,
    ) -> Result<Self, Error> {
        let entries = Entries::new(contents, target)?;
        let names = vec![MaybeUninit::uninit(); NAMES].into();
        Ok(Self { source, target, entries, stack: Vec::new(), names })
    }

    pub(super) fn run(mut self) -> Result<Copied, Error> {
        let place = Rc::new(Place::default());
        let failed = |step| move |errno| Error::io(step, b"/", errno);
        let open = Open {
            source: open_inside(self.source, c".", DIRECTORY).map_err(failed(Step::Open))?,
            target: self.open_target().map_err(failed(Step::Create))?,
        };
        // What it would give to all that is made in it, or have beside what the source has.
        clear_lists(open.target.as_fd()).map_err(failed(Step::Xattr))?;
        self.enter(place, open)?;
        while let Some(level) = self.stack.last_mut() {
            if level.open.is_none() {
                self.open_again()?;
            } else if let Some(name) = level.below.pop() {
                self.directory(name)?;
            } else {
                self.leave()?;
            }
        }
        self.open_target().and_then(fs::syncfs).map_err(failed(Step::Sync))?;
        let Entries { contents, mut copied, .. } = self.entries;
        copied.bytes = contents.pace.end();
        Ok(copied)
    }

    /// What the caller has may only stand for it, as the descriptor of a mount does.
    fn open_target(&self) -> Result<OwnedFd, Errno> {
        open_inside(self.target, c".", OFlags::RDONLY | OFlags::DIRECTORY)
    }

    /// Copies a directory of the one at the end of the way: makes it, and goes there.
    fn directory(&mut self, name: CString) -> Result<(), Error> {
        let Some(Level { place, open: Some(at), below, .. }) = self.stack.last_mut() else { return Ok(()) };
        let place = &*place;
        let failed = |step, errno| Error::io(step, &place.path(&name), errno);
        let source = match open_inside(at.source.as_fd(), &*name, DIRECTORY) {
            Ok(source) => source,
            Err(Errno::XDEV) => return self.entries.mount_point(at, place, &name),
            // It is gone, or something else by now.
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => {
                if !self.entries.copy(at, place, &name)? {
                    below.push(name);
                }
                return Ok(());
            }
            Err(errno) => return Err(failed(Step::Open, errno)),
        };
        let target = make_directory(at.target.as_fd(), &name).map_err(|e| failed(Step::Create, e))?;
        self.entries.copied.entries += 1;
        let place = Place::below(place, name);
        self.enter(place, Open { source, target })
    }

    /// Copies all in a directory but its directories, and notes those.
    fn enter(&mut self, place: Rc<Place>, open: Open) -> Result<(), Error> {
        let failed = |step, errno| Error::io(step, &place.path(c""), errno);
        let stat = fs::fstat(&open.source).map_err(|e| failed(Step::Open, e))?;
        let mut below = Vec::new();
        let mut names = mem::take(&mut self.names);
        let mut list = RawDir::new(&open.source, &mut names);
        while let Some(entry) = list.next() {
            let entry = match entry {
                // It was removed.
                Err(Errno::NOENT) => break,
                other => other.map_err(|e| failed(Step::List, e))?,
            };
            let name = entry.file_name();
            if name == c"." || name == c".." {
                continue;
            }
            let is_directory = entry.file_type() == FileType::Directory;
            if is_directory || !self.entries.copy(&open, &place, name)? {
                below.push(name.to_owned());
            }
        }
        self.names = names;
        self.stack.push(Level { place, open: Some(open), stat, below });
        // The root stays open.
        if let Some(far) = self.stack.len().checked_sub(MOST_OPEN + 1)
            && far > 0
        {
            self.stack[far].open = None;
        }
        Ok(())
    }

    /// Gives a directory that is complete its attributes, and goes back to the one above.
    fn leave(&mut self) -> Result<(), Error> {
        let Some(Level { place, open: Some(open), stat, .. }) = self.stack.pop() else { return Ok(()) };
        self.entries
            .attributes
            .copy(Handle::Open(open.source.as_fd()), Handle::Open(open.target.as_fd()), &stat)
            .map_err(|(step, errno)| Error::io(step, &place.path(c""), errno))
    }

    /// Opens directories at the end of the way that were closed.
    fn open_again(&mut self) -> Result<(), Error> {
        let first = self.stack.len().saturating_sub(MOST_OPEN / 2).max(1);
        let (done, again) = self.stack.split_at_mut(first);
        let mut above = done.last().filter(|_| first == 1).and_then(|level| level.open.as_ref());
        for level in again {
            let failed = |errno| match errno {
                Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::XDEV => moved(level),
                errno => Error::io(Step::Open, &level.place.path(c""), errno),
            };
            let again = |root, at: Option<BorrowedFd<'_>>| match at {
                Some(at) => open_inside(at, level.place.name(), DIRECTORY),
                None => level.place.open(root),
            };
            let source = again(self.source, above.map(|open| open.source.as_fd())).map_err(failed)?;
            let target = again(self.target, above.map(|open| open.target.as_fd())).map_err(failed)?;
            let stat = fs::fstat(&source).map_err(failed)?;
            if (stat.st_dev, stat.st_ino) != (level.stat.st_dev, level.stat.st_ino) {
                return Err(moved(level));
            }
            above = Some(level.open.insert(Open { source, target }));
        }
        Ok(())
    }
}

fn moved(level: &Level) -> Error {
    Error::Moved { path: shown(&level.place.path(c"")) }
}
