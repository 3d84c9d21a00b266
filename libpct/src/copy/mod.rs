//! Copies the content of volumes: an image file, or everything in a directory tree that a container has filled.
//!
//! Nothing is trusted that comes from the source. Every step is relative to an open directory and goes one name down;
//! no link is followed, no pipe or device is opened, and no mount is entered. Where two file systems can share data or move
//! it by themselves they do. What cannot be copied is an error that names the path; only what disappears meanwhile is
//! passed over, and counted.
//!
//! From the outside in: `walk` (the tree), `entry` (one name of it), `attributes`, `content` (bytes), `fill` (bytes of a stream), `pace`
//! (how fast, and who is told).

mod attributes;
mod content;
mod entry;
mod error;
mod fill;
mod links;
mod pace;
mod place;
mod walk;

#[cfg(test)]
mod tests;

use std::{num::NonZeroU64, ops::ControlFlow, os::fd::BorrowedFd, path::Path};

use rustix::fs::{self, FileType};

use content::{Contents, Stopped};
pub use error::{Error, Step};
pub use fill::fill;
pub(crate) use pace::Limited;
use pace::Pace;
use walk::Walk;

use crate::sys::filesystem;

/// Is told how many bytes are copied, and of how many where that is known; holes are none. May ask to stop. Called
/// some twenty times a second, and at the end.
pub type Watch<'a> = &'a mut dyn FnMut(u64, Option<u64>) -> ControlFlow<()>;

/// How to copy a tree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// At most so many KiB a second; `None` is as fast as it goes. Data that is shared and not moved does not count.
    pub bandwidth: Option<NonZeroU64>,
    /// What to tell as the number of all bytes. Nobody knows it before the end; [`used`] is close where the tree has a
    /// file system to itself.
    pub total: Option<u64>,
}

/// What was copied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Copied {
    /// Names, the root not counted.
    pub entries: u64,
    /// Bytes in files; holes do not count.
    pub bytes: u64,
    /// Names that were removed while they were read, and so are missing in the copy.
    pub vanished: u64,
    /// Directories on which something else is mounted: they are there, and empty.
    pub mount_points: u64,
}

/// Copies a file, such as a raw image, and makes sure that it is on the disk. Holes stay holes.
///
/// What the target holds is lost; its length stays if it is the greater one. The position of `source` changes. `name` is how an error
/// calls the file.
///
/// # Errors
/// When one of them is no regular file, the kernel refuses, or `watch` asks to stop. The target then holds a part.
pub fn file(
    source: BorrowedFd<'_>,
    target: BorrowedFd<'_>,
    name: &Path,
    bandwidth: Option<NonZeroU64>,
    watch: Watch<'_>,
) -> Result<u64, Error> {
    use std::os::unix::ffi::OsStrExt;
    let failed = |step| move |errno| Error::io(step, name.as_os_str().as_bytes(), errno);
    let from = fs::fstat(source).map_err(failed(Step::Open))?;
    let to = fs::fstat(target).map_err(failed(Step::Open))?;
    for stat in [&from, &to] {
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(Error::NotRegular { path: error::shown(name.as_os_str().as_bytes()) });
        }
    }
    // Where nothing will be written there must be zeros.
    fs::ftruncate(target, 0).map_err(failed(Step::Write))?;
    let mut contents = Contents::new(Pace::new(bandwidth, content::allocated(&from), watch));
    contents.copy(source, target, &from).map_err(|stopped| match stopped {
        Stopped::Cancelled => Error::Cancelled,
        Stopped::Failed(step, errno) => failed(step)(errno),
    })?;
    let length = |stat: &fs::Stat| u64::try_from(stat.st_size).unwrap_or(0);
    if length(&to) > length(&from) {
        fs::ftruncate(target, length(&to)).map_err(failed(Step::Write))?;
    }
    fs::fsync(target).map_err(failed(Step::Sync))?;
    Ok(contents.pace.end())
}

/// Copies everything below the directory `source` to the directory `target`, which is expected to be empty, and its own
/// attributes; then makes sure that all is on the disk.
///
/// Kept are owners and modes as numbers, all times but those that the kernel sets by itself, hard and symbolic links, pipes, sockets,
/// device nodes, holes, the extended attributes of `user`, `security` and `trusted`, and access control lists. A
/// directory that the target already has, such as `lost+found`, is filled; all else that it has already is an error.
///
/// # Errors
/// At the first name that cannot be copied, or when `watch` asks to stop. What was copied until then stays.
pub fn tree(
    source: BorrowedFd<'_>,
    target: BorrowedFd<'_>,
    options: &Options,
    watch: Watch<'_>,
) -> Result<Copied, Error> {
    let pace = Pace::new(options.bandwidth, options.total, watch);
    Walk::new(source, target, Contents::new(pace))?.run()
}

/// How many bytes are in use on the file system that holds this: what is about to be copied, when nothing else is on it.
///
/// # Errors
/// When the kernel refuses.
pub fn used(of: BorrowedFd<'_>) -> std::io::Result<u64> {
    Ok(filesystem::space(of)?.used)
}
