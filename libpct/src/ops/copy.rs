//! What `push` and `pull` share: the host's side of a copy, the bytes, and the attributes of the file that is made
//! (spec: cli, part 5.22).

use std::{
    ffi::CStr,
    fs::{File, OpenOptions},
    io::{self, Read},
    os::{fd::BorrowedFd, unix::fs::OpenOptionsExt},
    path::Path,
};

use rustix::fs::{AtFlags, Gid, Mode, Uid, chownat, fchmod, fchown};
use serde::{Deserialize, Serialize};

use super::setters::setters;
use crate::{error::Error, progress::Progress};

/// The host's side of a copy.
#[derive(Clone, Copy, Debug)]
pub enum HostFile<'a> {
    /// A file by its path.
    Path(&'a Path),
    /// An open file, or a stream: read to its end, or written to from where it stands.
    Open(BorrowedFd<'a>),
}

/// Owner and mode of the file that a copy makes; without them a new file belongs to root and has the mode that the
/// umask gives, and one that was there keeps its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CopyOptions {
    /// A name or number of the side where the file is made.
    pub user: Option<String>,
    /// A name or number of the side where the file is made.
    pub group: Option<String>,
    /// Permission bits, at most 0o7777; the umask does not count.
    pub mode: Option<u32>,
    /// Copy a folder with all that is in it, into one that may be there already and then keeps owner and mode. Links are copied as links; what
    /// is no file, folder or link is left out with a warning. Of the mode the nine bits of reading, writing and
    /// executing are copied, less the umask.
    pub recursive: bool,
}

setters! { CopyOptions { mode: Option<u32>, recursive: bool } texts { user, group } }

/// How many bytes are copied between two reports.
const CHUNK: u64 = 8 << 20;

/// A failure of one step, with the file in its words.
pub(super) fn failed<E: Into<io::Error>>(attempt: impl Into<String>) -> impl FnOnce(E) -> Error {
    let attempt = attempt.into();
    move |source| Error::Copy { attempt, source: source.into() }
}

/// A path inside: a relative one begins at the root, too.
pub(super) fn inside(path: &str) -> String {
    if path.starts_with('/') { path.to_owned() } else { format!("/{path}") }
}

/// The size of a regular file, `None` of everything else.
pub(super) fn size_of(file: &File) -> Option<u64> {
    file.metadata().ok().filter(|data| data.is_file()).map(|data| data.len())
}

/// Makes the host's file, or empties the one that is there.
pub(super) fn create_on_host(path: &Path, mode: u32) -> io::Result<File> {
    let new = OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
    match new {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let flags = rustix::fs::OFlags::NOCTTY.bits().cast_signed();
            OpenOptions::new().write(true).truncate(true).custom_flags(flags).open(path)
        }
        other => other,
    }
}

/// Copies up to the end or up to `limit` bytes, within the kernel where it can; `total` is for the report only.
pub(super) fn copy(
    from: &File,
    to: &File,
    limit: u64,
    total: Option<u64>,
    progress: &mut dyn Progress,
) -> io::Result<()> {
    let mut to = to;
    let mut done = 0;
    while done < limit {
        let copied = io::copy(&mut from.take(CHUNK.min(limit - done)), &mut to)?;
        if copied == 0 {
            break;
        }
        done += copied;
        progress.bytes(done, total);
    }
    Ok(())
}

/// Who shall own a file, and its mode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Attributes {
    uid: Option<u32>,
    gid: Option<u32>,
    mode: Option<u32>,
}

/// Looks up the number of a user or group by its name.
pub(super) type Lookup<'a> = &'a dyn Fn(&str) -> Result<Option<u32>, Error>;

impl CopyOptions {
    /// Refuses what has no meaning for a stream, which has its owner already when it is `written` to, or for a folder.
    pub(super) fn check(&self, file: HostFile<'_>, written: bool) -> Result<(), Error> {
        let mut faults = Vec::new();
        let mut refuse = |name: &str, given: bool, file: &str| {
            if given {
                faults.push((name.to_owned(), format!("cannot be used with a {file}")));
            }
        };
        if matches!(file, HostFile::Open(_)) {
            refuse("recursive", self.recursive, "stream");
            refuse("user", written && self.user.is_some(), "stream");
            refuse("group", written && self.group.is_some(), "stream");
            refuse("perms", written && self.mode.is_some(), "stream");
        } else {
            refuse("perms", self.recursive && self.mode.is_some(), "whole folder");
        }
        if faults.is_empty() { Ok(()) } else { Err(Error::Parameters(faults)) }
    }

    /// Looks the names up on the side where the file will be.
    pub(super) fn attributes(&self, uid_of: Lookup<'_>, gid_of: Lookup<'_>) -> Result<Attributes, Error> {
        Ok(Attributes {
            uid: self.user.as_deref().map(|name| id("uid", name, uid_of)).transpose()?,
            gid: self.group.as_deref().map(|name| id("gid", name, gid_of)).transpose()?,
            mode: self.mode,
        })
    }
}

fn id(what: &'static str, name: &str, lookup: Lookup<'_>) -> Result<u32, Error> {
    let unknown = || Error::NoAccount { what, name: name.to_owned() };
    if !name.is_empty() && name.bytes().all(|b| b.is_ascii_digit()) {
        // The highest number means 'none' in system calls.
        return name.parse().ok().filter(|id| *id != u32::MAX).ok_or_else(unknown);
    }
    lookup(name)?.ok_or_else(unknown)
}

impl Attributes {
    /// The mode that a new file is made with. One that will get a mode of its own is closed to all until then.
    pub(super) fn initial_mode(self) -> u32 {
        if self.mode.is_some() { 0 } else { 0o666 }
    }

    /// Sets them on a file that is written: writing to it would take bits of the mode away, and so would a new owner.
    pub(super) fn apply(self, file: BorrowedFd<'_>) -> Result<(), Error> {
        if let Some((uid, gid)) = self.owner() {
            fchown(file, uid, gid).map_err(failed("failed to change file owner"))?;
        }
        if let Some(mode) = self.mode {
            fchmod(file, Mode::from_raw_mode(mode)).map_err(failed("failed to change file mode"))?;
        }
        Ok(())
    }

    /// The same for a symbolic link, which has no mode.
    pub(super) fn apply_to_link(self, folder: BorrowedFd<'_>, name: &CStr) -> Result<(), Error> {
        let Some((uid, gid)) = self.owner() else { return Ok(()) };
        chownat(folder, name, uid, gid, AtFlags::SYMLINK_NOFOLLOW)
            .map_err(failed("failed to change file owner"))
    }

    fn owner(self) -> Option<(Option<Uid>, Option<Gid>)> {
        let owner = (self.uid.map(Uid::from_raw), self.gid.map(Gid::from_raw));
        (owner != (None, None)).then_some(owner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_an_id_and_a_name_is_looked_up() {
        let lookup = |name: &str| Ok((name == "www").then_some(33));
        let of = |user: &str| {
            let options = CopyOptions { user: Some(user.into()), ..CopyOptions::default() };
            options.attributes(&lookup, &lookup).map(|found| found.uid)
        };
        assert_eq!(of("0").unwrap(), Some(0));
        assert_eq!(of("1000").unwrap(), Some(1000));
        assert_eq!(of("www").unwrap(), Some(33));
        for unknown in ["nobody-here", "", "-1", "4294967295", "99999999999"] {
            let error = of(unknown).unwrap_err();
            assert_eq!(error.to_string(), format!("failed to get uid for: {unknown}"));
        }
    }

    #[test]
    fn no_more_than_the_limit_is_copied() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("from"), "0123456789").unwrap();
        let copied = |limit| {
            let from = File::open(dir.path().join("from")).unwrap();
            let to = create_on_host(&dir.path().join("to"), 0o600).unwrap();
            copy(&from, &to, limit, None, &mut crate::progress::Silent).unwrap();
            std::fs::read_to_string(dir.path().join("to")).unwrap()
        };
        assert_eq!(copied(u64::MAX), "0123456789");
        assert_eq!(copied(4), "0123");
        assert_eq!(copied(0), "");
    }
}
