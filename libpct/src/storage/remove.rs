//! Removes a directory tree that a container has filled: never through a symbolic link, never into a
//! mount, and without a path being resolved twice.

use std::{
    ffi::CStr,
    os::fd::{AsFd, OwnedFd},
    path::Path,
};

use rustix::{
    fs::{AtFlags, Dir, FileType, Mode, OFlags, ResolveFlags, openat2, unlinkat},
    io::Errno,
};

use super::StorageError;

const DIRECTORY: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
const INSIDE: ResolveFlags = ResolveFlags::BENEATH
    .union(ResolveFlags::NO_SYMLINKS)
    .union(ResolveFlags::NO_XDEV)
    .union(ResolveFlags::NO_MAGICLINKS);

/// Removes `name` below `parent`, a file or a whole tree. What is not there counts as removed.
pub(crate) fn remove_tree(parent: impl AsFd, name: &CStr, shown: &Path) -> Result<(), StorageError> {
    let parent = parent.as_fd();
    match unlinkat(parent, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => return Ok(()),
        Err(Errno::ISDIR | Errno::PERM) => {}
        Err(errno) => return Err(failed(shown, errno)),
    }
    let top = open_inside(parent, name, shown)?;
    empty(top, shown)?;
    match unlinkat(parent, name, AtFlags::REMOVEDIR) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(errno) => Err(failed(shown, errno)),
    }
}

/// One level of the walk. An own stack, not recursion: how deep the tree is was the container's choice.
struct Level {
    dir: Dir,
    fd: OwnedFd,
    /// Its name in the level above.
    name: std::ffi::CString,
}

/// Deeper than this, a folder is first moved up: a tree may be deeper than a process may have files open.
const MAX_DEPTH: usize = 64;

fn empty(top: OwnedFd, shown: &Path) -> Result<(), StorageError> {
    let mut moved_up: u32 = 0;
    let mut seen = 0;
    let top_again = top.try_clone().map_err(|e| StorageError::io("cannot remove", shown, e))?;
    let mut stack = vec![level(top, c"".to_owned(), shown)?];
    loop {
        let depth = stack.len();
        let Some(current) = stack.last_mut() else { return Ok(()) };
        let Some(entry) = current.dir.read() else {
            if depth == 1 && seen != moved_up {
                // A stream that was open before need not show what was moved up since.
                seen = moved_up;
                current.dir.rewind();
                continue;
            }
            let done = stack.pop();
            if let (Some(done), Some(above)) = (done, stack.last()) {
                unlinkat(&above.fd, &done.name, AtFlags::REMOVEDIR).map_err(|e| failed(shown, e))?;
            }
            continue;
        };
        let entry = entry.map_err(|e| failed(shown, e))?;
        let name = entry.file_name();
        if name == c"." || name == c".." {
            continue;
        }
        if entry.file_type() != FileType::Directory {
            match unlinkat(&current.fd, name, AtFlags::empty()) {
                Ok(()) | Err(Errno::NOENT) => continue,
                Err(Errno::ISDIR) => {}
                Err(errno) => return Err(failed(shown, errno)),
            }
        }
        let fd = open_inside(current.fd.as_fd(), name, shown)?;
        if depth >= MAX_DEPTH {
            moved_up += 1;
            let unique = format!(".pct-removing-{}-{moved_up}", std::process::id());
            rustix::fs::renameat(&current.fd, name, &top_again, unique).map_err(|e| failed(shown, e))?;
            continue;
        }
        let name = name.to_owned();
        stack.push(level(fd, name, shown)?);
    }
}

fn level(fd: OwnedFd, name: std::ffi::CString, shown: &Path) -> Result<Level, StorageError> {
    let dir = Dir::read_from(&fd).map_err(|e| failed(shown, e))?;
    Ok(Level { dir, fd, name })
}

fn open_inside(parent: impl AsFd, name: &CStr, shown: &Path) -> Result<OwnedFd, StorageError> {
    openat2(parent, name, DIRECTORY, Mode::empty(), INSIDE).map_err(|errno| match errno {
        Errno::XDEV => StorageError::MountInside { path: shown.join(name.to_string_lossy().as_ref()) },
        errno => failed(shown, errno),
    })
}

fn failed(path: &Path, errno: Errno) -> StorageError {
    StorageError::io("cannot remove", path, errno)
}

#[cfg(test)]
mod tests {
    use std::{ffi::CString, fs, os::unix::ffi::OsStrExt, os::unix::fs::symlink};

    use super::*;

    fn remove(dir: &Path, name: &str) -> Result<(), StorageError> {
        let parent = fs::File::open(dir).unwrap();
        let c_name = CString::new(std::ffi::OsStr::new(name).as_bytes()).unwrap();
        remove_tree(&parent, &c_name, &dir.join(name))
    }

    #[test]
    fn a_tree_goes_and_what_its_links_point_to_stays() {
        let temp = tempfile::tempdir().unwrap();
        let outside = temp.path().join("outside");
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("precious"), "x").unwrap();
        let tree = temp.path().join("tree");
        fs::create_dir_all(tree.join("a/b/c")).unwrap();
        fs::write(tree.join("a/b/file"), "y").unwrap();
        symlink(&outside, tree.join("a/link")).unwrap();
        symlink("/", tree.join("root")).unwrap();
        remove(temp.path(), "tree").unwrap();
        assert!(!tree.exists());
        assert!(outside.join("precious").exists());
        remove(temp.path(), "tree").unwrap();
    }

    #[test]
    fn a_tree_deeper_than_files_can_be_open_is_removed() {
        let temp = tempfile::tempdir().unwrap();
        let mut dir: OwnedFd = fs::File::open(temp.path()).unwrap().into();
        for _ in 0..5000 {
            rustix::fs::mkdirat(&dir, "d", Mode::RWXU).unwrap();
            dir = openat2(&dir, c"d", DIRECTORY, Mode::empty(), INSIDE).unwrap();
        }
        drop(dir);
        remove(temp.path(), "d").unwrap();
        assert!(!temp.path().join("d").exists());
    }
}
