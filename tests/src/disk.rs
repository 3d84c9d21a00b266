//! File systems of a test's own, in a file.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::run::Run;

/// A file system that is mounted for as long as this lives.
pub struct Disk {
    path: PathBuf,
}

impl Disk {
    /// Makes one with `mkfs.<kind>` in a file in `folder`, and mounts it on `path`.
    pub fn new(folder: &Path, path: &Path, kind: &str, bytes: u64) -> Self {
        let image = folder.join(format!("{}.{kind}", path.file_name().expect("a name").to_string_lossy()));
        File::create(&image).and_then(|file| file.set_len(bytes)).expect("an image");
        Run::new(format!("/sbin/mkfs.{kind}")).args(["-q"]).args([&image]).ok();
        fs::create_dir_all(path).expect("a mount point");
        Run::new("/bin/mount").args(["-o", "loop"]).args([image.as_path(), path]).ok();
        Self { path: path.to_owned() }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // What a failed test has left in it must not keep the machine from being cleaned.
        let unmounted = rustix::mount::unmount(&self.path, rustix::mount::UnmountFlags::DETACH);
        if let Err(errno) = unmounted {
            eprintln!("cannot unmount {}: {errno}", self.path.display());
        }
    }
}
