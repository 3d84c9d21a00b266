//! What can be done to the volumes of a container.

use std::path::PathBuf;

use crate::{
    Container, FsckOptions, FstrimOptions, NewSize, ResizeOptions, VolumeUsage, error::Error, ops,
    progress::Progress,
};

impl Container<'_> {
    /// Mounts its volumes where the host sees them, and returns where that is. They can be used there until
    /// [`Container::unmount`], whether the container runs or not; meanwhile it can only be started and stopped.
    ///
    /// # Errors
    /// When it is locked, or a volume cannot be mounted: then none is.
    pub fn mount(&self, progress: &mut dyn Progress) -> Result<PathBuf, Error> {
        ops::mount(self.env, self.vmid, progress)
    }

    /// Unmounts what [`Container::mount`] has mounted.
    ///
    /// # Errors
    /// When something uses a volume, which ends it; when it was not mounted.
    pub fn unmount(&self, progress: &mut dyn Progress) -> Result<(), Error> {
        ops::unmount(self.env, self.vmid, progress)
    }

    /// How full its volumes are, whether it runs or not: the root file system, then the mount points by number. One
    /// that cannot be looked at is a warning, and left out.
    ///
    /// # Errors
    /// When there is no such container, or it is stopped and locked.
    pub fn df(&self, progress: &mut dyn Progress) -> Result<Vec<VolumeUsage>, Error> {
        ops::df(self.env, self.vmid, progress)
    }

    /// Checks the file system of a volume, and corrects what can be corrected without a question. `progress` hears what
    /// fsck(8) says.
    ///
    /// # Errors
    /// [`Error::Disk`] when the volume is in use or has no file system of its own; when fsck has found errors, also if
    /// it has corrected them.
    pub fn fsck(&self, options: &FsckOptions, progress: &mut dyn Progress) -> Result<(), Error> {
        ops::fsck(self.env, self.vmid, options, progress)
    }

    /// Has its volumes give back to their storages what they do not use; returns how many bytes that were. Directories of
    /// the host and what is mounted read-only are left alone. `progress` hears of each volume, and can cancel between two.
    ///
    /// # Errors
    /// When the container is locked. What cannot be trimmed is a warning.
    pub fn fstrim(&self, options: &FstrimOptions, progress: &mut dyn Progress) -> Result<u64, Error> {
        ops::fstrim(self.env, self.vmid, options, progress)
    }

    /// Makes a volume larger, and the file system on it, also while the container runs. `disk` is `rootfs` or `mp<n>`.
    ///
    /// # Errors
    /// [`Error::Disk`] when the volume would not grow, or is not the container's own. That the file system could not
    /// follow is a warning.
    pub fn resize(
        &self,
        disk: &str,
        size: NewSize,
        options: &ResizeOptions,
        progress: &mut dyn Progress,
    ) -> Result<(), Error> {
        ops::resize(self.env, self.vmid, disk, size, options, progress)
    }
}
