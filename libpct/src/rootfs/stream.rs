//! Files of any length, to be copied out of a container and into it.

use std::{fs::File, io, os::fd::OwnedFd};

use rustix::{
    fs::{self, FileType, Mode, OFlags},
    io::Errno,
};

use super::{
    Rootfs,
    read::{is_of_the_kernel, kind, reopen_with},
};

impl Rootfs {
    /// A regular file to read from, links followed.
    ///
    /// # Errors
    /// Also when the path leads to a folder, a pipe, a device, or a file of the kernel as in `/proc`.
    pub fn open_to_read(&self, path: &str) -> io::Result<File> {
        self.reopen_regular(path, OFlags::RDONLY)
    }

    /// A regular file to write to: a new one with `mode` less the umask, or the one that is there, emptied; links
    /// are followed, but not to what does not exist.
    ///
    /// # Errors
    /// As [`Rootfs::open_to_read`].
    pub fn open_to_write(&self, path: &str, mode: u32) -> io::Result<File> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL;
        match self.resolve_create(path, flags, Mode::from_raw_mode(mode)) {
            Ok(file) => Ok(file.into()),
            Err(Errno::EXIST) => self.reopen_regular(path, OFlags::WRONLY | OFlags::TRUNC),
            Err(errno) => Err(errno.into()),
        }
    }

    /// A folder to read from, links followed.
    ///
    /// # Errors
    /// Also when the path leads to something else, or to a folder of the kernel.
    pub fn open_folder(&self, path: &str) -> io::Result<OwnedFd> {
        let folder = self.resolve_open(path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NONBLOCK)?;
        if is_of_the_kernel(&folder)? { Err(of_the_kernel()) } else { Ok(folder) }
    }

    /// A folder to write into, and whether it is new: the one that is there, links followed, or one that is made with
    /// `mode` less the umask.
    ///
    /// # Errors
    /// As [`Rootfs::open_folder`], and when the folder above does not exist.
    pub fn make_folder(&self, path: &str, mode: u32) -> io::Result<(OwnedFd, bool)> {
        match self.open_folder(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            other => return other.map(|folder| (folder, false)),
        }
        let (above, name) = self.parent(path).map_err(io::Error::other)?.ok_or(Errno::NOENT)?;
        fs::mkdirat(&above, name, Mode::from_raw_mode(mode))?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok((fs::openat(&above, name, flags, Mode::empty())?, true))
    }

    /// What it is is seen before it is opened: to open a device or a pipe may already do harm, or wait.
    fn reopen_regular(&self, path: &str, access: OFlags) -> io::Result<File> {
        let handle = self.resolve_open(path, OFlags::PATH)?;
        require_regular(&handle)?;
        Ok(reopen_with(&handle, access)?)
    }
}

fn of_the_kernel() -> io::Error {
    io::Error::other("it is of the kernel, not of a disk")
}

fn require_regular(handle: &OwnedFd) -> io::Result<()> {
    match kind(&fs::fstat(handle)?) {
        FileType::RegularFile if is_of_the_kernel(handle)? => Err(of_the_kernel()),
        FileType::RegularFile => Ok(()),
        FileType::Directory => Err(Errno::ISDIR.into()),
        _ => Err(io::Error::other("it is no regular file")),
    }
}
