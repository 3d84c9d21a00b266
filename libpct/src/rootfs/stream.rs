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

    /// What it is is seen before it is opened: to open a device or a pipe may already do harm, or wait.
    fn reopen_regular(&self, path: &str, access: OFlags) -> io::Result<File> {
        let handle = self.resolve_open(path, OFlags::PATH)?;
        require_regular(&handle)?;
        Ok(reopen_with(&handle, access)?)
    }
}

fn require_regular(handle: &OwnedFd) -> io::Result<()> {
    match kind(&fs::fstat(handle)?) {
        FileType::RegularFile if is_of_the_kernel(handle)? => {
            Err(io::Error::other("it is a file of the kernel, not of a disk"))
        }
        FileType::RegularFile => Ok(()),
        FileType::Directory => Err(Errno::ISDIR.into()),
        _ => Err(io::Error::other("it is no regular file")),
    }
}
