//! Where a directory is in the tree, without a path being kept for each.

use std::{
    ffi::{CStr, CString},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    rc::Rc,
};

use rustix::{
    fs::{Mode, OFlags, ResolveFlags, openat2},
    io::Errno,
};

const INSIDE: ResolveFlags = ResolveFlags::BENEATH
    .union(ResolveFlags::NO_SYMLINKS)
    .union(ResolveFlags::NO_XDEV)
    .union(ResolveFlags::NO_MAGICLINKS);

/// So much of a path the kernel takes at once, with room to spare.
const LONGEST: usize = 3800;

/// The name of a directory, and the directory that it is in; the root has neither.
#[derive(Debug, Default)]
pub(super) struct Place {
    above: Option<Rc<Place>>,
    name: CString,
}

impl Place {
    pub(super) fn below(above: &Rc<Self>, name: CString) -> Rc<Self> {
        Rc::new(Self { above: Some(Rc::clone(above)), name })
    }

    pub(super) fn name(&self) -> &CStr {
        &self.name
    }

    /// The path of something in this directory, or with an empty name of the directory itself, for errors.
    pub(super) fn path(&self, name: &CStr) -> Vec<u8> {
        let mut names: Vec<&CStr> = self.names();
        names.push(name);
        names.retain(|name| !name.is_empty());
        let path = names.iter().flat_map(|name| [&b"/"[..], name.to_bytes()]).flatten().copied();
        if names.is_empty() { b"/".to_vec() } else { path.collect() }
    }

    /// The names from the root down to this one.
    fn names(&self) -> Vec<&CStr> {
        let mut names = Vec::new();
        let mut place = self;
        while let Some(above) = &place.above {
            names.push(place.name.as_c_str());
            place = above;
        }
        names.reverse();
        names
    }

    /// Opens this directory from the root, without following a link or entering a mount.
    pub(super) fn open(&self, root: BorrowedFd<'_>) -> Result<OwnedFd, Errno> {
        let mut reached: Option<OwnedFd> = None;
        let mut path = b".".to_vec();
        for name in self.names() {
            if path.len() + name.count_bytes() > LONGEST {
                reached = Some(open_inside(reached.as_ref().map_or(root, AsFd::as_fd), &path, DIRECTORY)?);
                path = b".".to_vec();
            }
            path.push(b'/');
            path.extend(name.to_bytes());
        }
        open_inside(reached.as_ref().map_or(root, AsFd::as_fd), &path, DIRECTORY)
    }
}

/// A chain may be longer than the call stack is deep.
impl Drop for Place {
    fn drop(&mut self) {
        let mut above = self.above.take();
        while let Some(place) = above.and_then(Rc::into_inner) {
            // It has nothing above it any more when it is dropped here.
            let mut place = place;
            above = place.above.take();
        }
    }
}

/// How a directory is opened that is going to be read; looking at it does not change its time.
pub(super) const DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOATIME);

/// Opens what is below a directory: never through a link, never into a mount.
pub(super) fn open_inside(
    at: BorrowedFd<'_>,
    path: impl rustix::path::Arg + Copy,
    flags: OFlags,
) -> Result<OwnedFd, Errno> {
    let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    for _ in 0..64 {
        // EAGAIN: something was renamed or mounted on this machine meanwhile.
        match openat2(at, path, flags, Mode::empty(), INSIDE) {
            Err(Errno::AGAIN | Errno::INTR) => {}
            other => return other,
        }
    }
    Err(Errno::AGAIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_of_any_length_has_a_path_and_an_end() {
        let mut place = Rc::new(Place::default());
        assert_eq!(place.path(c""), b"/");
        assert_eq!(place.path(c"x"), b"/x");
        for _ in 0..1_000_000 {
            place = Place::below(&place, c"d".to_owned());
        }
        let path = place.path(c"x");
        assert_eq!(path.len(), 2_000_002);
        assert!(path.ends_with(b"/d/x"));
    }
}
