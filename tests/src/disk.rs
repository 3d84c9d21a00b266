//! File systems of a test's own, in a file.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::run::Run;
use crate::{state, wait};

/// A file system that is mounted for as long as this lives.
pub struct Disk {
    path: PathBuf,
    image: PathBuf,
}

impl Disk {
    /// Makes one with `mkfs.<kind>` in a file in `folder`, and mounts it on `path`.
    pub fn new(folder: &Path, path: &Path, kind: &str, bytes: u64) -> Self {
        let image = folder.join(format!("{}.{kind}", path.file_name().expect("a name").to_string_lossy()));
        File::create(&image).and_then(|file| file.set_len(bytes)).expect("an image");
        Run::new(format!("/sbin/mkfs.{kind}")).args(["-q"]).args([&image]).ok();
        fs::create_dir_all(path).expect("a mount point");
        let disk = Self { path: path.to_owned(), image };
        disk.mount();
        disk
    }

    fn mount(&self) {
        Run::new("/bin/mount").args(["-o", "loop"]).args([&self.image, &self.path]).ok();
    }

    fn kept(&self) -> PathBuf {
        self.image.with_extension("kept")
    }

    fn unmounted(&self, from: &Path, to: &Path) {
        Run::new("/bin/umount").args([&self.path]).ok();
        // A process that is on its way out may have it mounted still, in a namespace of its own.
        let image = self.image.display().to_string();
        let is_attached = || state::loops().into_iter().any(|(_, file)| file.starts_with(&image));
        wait::until_true("the disk to be free", || !is_attached());
        Run::new("/bin/cp").args(["--sparse=always".as_ref(), from, to]).ok();
        self.mount();
    }

    /// Keeps what is on it now.
    pub fn keep(&self) {
        self.unmounted(&self.image, &self.kept());
    }

    /// Puts back what was kept.
    pub fn put_back(&self) {
        self.unmounted(&self.kept(), &self.image);
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
