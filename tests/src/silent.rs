//! A file system whose server never answers.

use std::ffi::CString;
use std::fs::{File, OpenOptions};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

use rustix::mount::{MountFlags, UnmountFlags};

/// One that is mounted for as long as this lives. Who looks at it waits until then, or until a signal kills it.
pub struct Silent {
    path: PathBuf,
    /// The end that would have to answer; to close it ends all waiting.
    _server: File,
}

impl Silent {
    /// Mounts one on a folder that is there.
    pub fn new(path: &Path) -> Self {
        let server = OpenOptions::new().read(true).write(true).open("/dev/fuse").expect("FUSE");
        let data = format!("fd={},rootmode=40000,user_id=0,group_id=0", server.as_raw_fd());
        let data = CString::new(data).expect("no NUL");
        rustix::mount::mount("silent", path, "fuse.silent", MountFlags::empty(), &*data).expect("a mount");
        Self { path: path.to_owned(), _server: server }
    }
}

impl Drop for Silent {
    fn drop(&mut self) {
        if let Err(errno) = rustix::mount::unmount(&self.path, UnmountFlags::DETACH) {
            eprintln!("cannot unmount {}: {errno}", self.path.display());
        }
    }
}
