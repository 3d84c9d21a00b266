use std::{
    fs::File,
    io::Write,
    os::fd::{AsFd, OwnedFd},
};

use rustix::{
    fs::{self, AtFlags, Gid, Mode, OFlags, Stat, Uid},
    io::Errno,
    rand::{GetRandomFlags, getrandom},
};

use super::{
    Error, Result, Rootfs, is_absent,
    read::{is_regular, read_limited, reopen},
};

/// The permission bits of a file that is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permissions {
    /// Those of the file that is replaced; these, if there is none (a link counts as none).
    Keep(u32),
    /// Exactly these.
    Exact(u32),
}

/// The owner of a file that is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The container's root.
    Root,
    /// That of the file that is replaced, links followed; the container's root, if there is none.
    Keep,
}

/// Permissions and owner of a file that is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attributes {
    /// Permission bits.
    pub permissions: Permissions,
    /// User and group.
    pub owner: Owner,
}

impl Attributes {
    /// A configuration file: keeps its mode, 0644 when it is new, belongs to root.
    pub const CONFIG: Self = Self { permissions: Permissions::Keep(0o644), owner: Owner::Root };
    /// A file of which neither owner nor mode may change, like the password files; 0600 when it is new.
    pub const UNCHANGED: Self = Self { permissions: Permissions::Keep(0o600), owner: Owner::Keep };

    /// A file of root with exactly this mode.
    #[must_use]
    pub const fn exact(mode: u32) -> Self {
        Self { permissions: Permissions::Exact(mode), owner: Owner::Root }
    }

    /// A configuration file with this mode when it is new.
    #[must_use]
    pub const fn new_file(mode: u32) -> Self {
        Self { permissions: Permissions::Keep(mode), owner: Owner::Root }
    }
}

/// What a file has to look like when we are done.
struct Wanted {
    mode: u32,
    owner: (u32, u32),
}

impl Rootfs {
    /// Makes `path` a regular file with this content, by a new file renamed over the old: a link there is
    /// replaced, never followed. A file that is right already is not touched. Nothing happens when it is
    /// [opted out](Rootfs::is_ignored). Returns whether the file was written.
    ///
    /// # Errors
    /// Among others when the folder does not exist, or a folder stands in the place of the file.
    pub fn replace(&self, path: &str, data: &[u8], attributes: Attributes) -> Result<bool> {
        if self.is_ignored(path)? {
            return Ok(false);
        }
        let (dir, name) = self.parent(path)?.ok_or_else(|| Error::io("write", path)(Errno::NOENT))?;
        let old = self.old_file(&dir, name, path)?;
        let wanted = self.wanted(path, old.as_ref().map(|(_, stat)| stat), attributes)?;
        if let Some((handle, stat)) = &old
            && stat.st_mode & 0o7777 == wanted.mode
            && (stat.st_uid, stat.st_gid) == wanted.owner
            && u64::try_from(stat.st_size).is_ok_and(|size| size == data.len() as u64)
            && data.len() as u64 <= Self::READ_LIMIT
            && read_limited(reopen(handle, path)?, path)? == data
        {
            return Ok(false);
        }
        let (file, temporary) = self.temporary(&dir, name, path)?;
        let written = fill(file, data, &wanted, path)
            .and_then(|()| fs::renameat(&dir, &*temporary, &dir, name).map_err(Error::io("replace", path)));
        if written.is_err() {
            // The first error is the one that matters.
            let _ = fs::unlinkat(&dir, &*temporary, AtFlags::empty());
        }
        written.map(|()| true)
    }

    /// Makes a symbolic link where its folder exists and the name is free; else, and when the name is opted
    /// out, nothing happens. Returns whether the link was made.
    pub fn symlink(&self, target: &str, path: &str) -> Result<bool> {
        if self.is_ignored(path)? {
            return Ok(false);
        }
        let Some((dir, name)) = self.parent(path)? else {
            return Ok(false);
        };
        match fs::symlinkat(target, &dir, name) {
            Ok(()) => self.chown_at(&dir, name, path).map(|()| true),
            Err(Errno::EXIST) => Ok(false),
            Err(errno) => Err(Error::io("make the link", path)(errno)),
        }
    }

    /// Makes `path` a symbolic link to `target`, whatever stood there before, in one step. Returns whether
    /// something was changed.
    pub fn replace_with_link(&self, target: &str, path: &str) -> Result<bool> {
        if self.is_ignored(path)? || self.readlink(path)?.as_deref() == Some(target) {
            return Ok(false);
        }
        let Some((dir, name)) = self.parent(path)? else {
            return Ok(false);
        };
        let temporary = free_name(&dir, name, path, |temporary| fs::symlinkat(target, &dir, temporary))?.1;
        let made = self
            .chown_at(&dir, &temporary, path)
            .and_then(|()| fs::renameat(&dir, &*temporary, &dir, name).map_err(Error::io("replace", path)));
        if made.is_err() {
            let _ = fs::unlinkat(&dir, &*temporary, AtFlags::empty());
        }
        made.map(|()| true)
    }

    /// Removes a name that is no folder. Returns whether there was one.
    pub fn unlink(&self, path: &str) -> Result<bool> {
        if self.is_ignored(path)? {
            return Ok(false);
        }
        let Some((dir, name)) = self.parent(path)? else {
            return Ok(false);
        };
        match fs::unlinkat(&dir, name, AtFlags::empty()) {
            Ok(()) => Ok(true),
            Err(errno) if is_absent(errno) => Ok(false),
            // On a read-only file system the kernel says so before it looks whether there is anything.
            Err(Errno::ROFS) if fs::statat(&dir, name, AtFlags::SYMLINK_NOFOLLOW).is_err() => Ok(false),
            Err(errno) => Err(Error::io("remove", path)(errno)),
        }
    }

    /// Makes a folder and those above it; those that are made get `mode` and belong to root.
    pub fn make_path(&self, path: &str, mode: u32) -> Result<()> {
        if self.is_dir(path)? {
            return Ok(());
        }
        let failed = || Error::io("make the folder", path);
        let ends = path.char_indices().filter(|(at, c)| *c == '/' && *at > 0).map(|(at, _)| at);
        for end in ends.chain([path.len()]) {
            let part = &path[..end];
            if part.ends_with('/') || self.is_dir(part)? {
                continue;
            }
            let (dir, name) = self.parent(part)?.ok_or_else(|| failed()(Errno::NOENT))?;
            match fs::mkdirat(&dir, name, Mode::from_raw_mode(0o700)) {
                Ok(()) => {}
                Err(Errno::EXIST) if self.is_dir(part)? => continue,
                Err(errno) => return Err(failed()(errno)),
            }
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let made = fs::openat(&dir, name, flags, Mode::empty()).map_err(failed())?;
            let (uid, gid) = ids(self.owner);
            fs::fchown(&made, Some(uid), Some(gid)).map_err(failed())?;
            fs::fchmod(&made, Mode::from_raw_mode(mode)).map_err(failed())?;
        }
        Ok(())
    }

    /// Gives a name to the container's root; a link itself, not what it points to.
    pub fn chown(&self, path: &str) -> Result<()> {
        if self.is_ignored(path)? {
            return Ok(());
        }
        let (dir, name) =
            self.parent(path)?.ok_or_else(|| Error::io("change the owner of", path)(Errno::NOENT))?;
        self.chown_at(&dir, name, path)
    }

    fn chown_at(&self, dir: &OwnedFd, name: &str, path: &str) -> Result<()> {
        let (uid, gid) = ids(self.owner);
        fs::chownat(dir, name, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW)
            .map_err(Error::io("change the owner of", path))
    }

    /// The regular file of that very name, if there is one.
    fn old_file(&self, dir: &OwnedFd, name: &str, path: &str) -> Result<Option<(OwnedFd, Stat)>> {
        match self.resolve_at(dir, name, OFlags::PATH | OFlags::NOFOLLOW, Mode::empty()) {
            Ok(handle) => {
                let stat = fs::fstat(&handle).map_err(Error::io("look at", path))?;
                Ok(is_regular(&stat).then_some((handle, stat)))
            }
            Err(errno) if is_absent(errno) => Ok(None),
            Err(errno) => Err(Error::io("open", path)(errno)),
        }
    }

    fn wanted(&self, path: &str, old: Option<&Stat>, attributes: Attributes) -> Result<Wanted> {
        let followed = match attributes.owner {
            Owner::Root => None,
            Owner::Keep => self.look(path)?.map(|(_, stat)| stat).filter(is_regular),
        };
        let mode = match (attributes.permissions, followed.as_ref().or(old)) {
            (Permissions::Keep(_), Some(stat)) => stat.st_mode & 0o777,
            (Permissions::Keep(mode) | Permissions::Exact(mode), _) => mode,
        };
        let owner = followed.map_or(self.owner, |stat| (stat.st_uid, stat.st_gid));
        Ok(Wanted { mode, owner })
    }

    fn temporary(&self, dir: &OwnedFd, name: &str, path: &str) -> Result<(File, String)> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let (fd, temporary) = free_name(dir, name, path, |temporary| {
            fs::openat(dir, temporary, flags, Mode::from_raw_mode(0o600))
        })?;
        Ok((File::from(fd), temporary))
    }
}

/// Makes something under a temporary name. The first name tried is always the same one, so that what a killed
/// run left is cleared by the next; then random ones, in case the guest sits on that name.
fn free_name<T>(
    dir: &OwnedFd,
    name: &str,
    path: &str,
    mut make: impl FnMut(&str) -> rustix::io::Result<T>,
) -> Result<(T, String)> {
    let mut temporary = format!(".{name}.pct-new");
    let _ = fs::unlinkat(dir, &*temporary, AtFlags::empty());
    for _ in 0..3 {
        match make(&temporary) {
            Err(Errno::EXIST) => temporary = format!(".{name}.pct-{:016x}", random(path)?),
            other => return other.map(|made| (made, temporary)).map_err(Error::io("write", path)),
        }
    }
    Err(Error::io("write", path)(Errno::EXIST))
}

fn random(path: &str) -> Result<u64> {
    let mut bytes = [0; 8];
    getrandom(&mut bytes, GetRandomFlags::empty()).map_err(Error::io("write", path))?;
    Ok(u64::from_ne_bytes(bytes))
}

fn fill(mut file: File, data: &[u8], wanted: &Wanted, path: &str) -> Result<()> {
    file.write_all(data).map_err(|source| Error::Io { action: "write", path: path.to_owned(), source })?;
    let (uid, gid) = ids(wanted.owner);
    let failed = || Error::io("write", path);
    // The owner first: changing it clears bits of the mode.
    fs::fchown(file.as_fd(), Some(uid), Some(gid)).map_err(failed())?;
    fs::fchmod(file.as_fd(), Mode::from_raw_mode(wanted.mode)).map_err(failed())
}

fn ids((uid, gid): (u32, u32)) -> (Uid, Gid) {
    (Uid::from_raw(uid), Gid::from_raw(gid))
}
