//! Storages and what is on them.

use std::{os::fd::AsFd, path::PathBuf};

use crate::{
    Content, Error, ExportOptions, ImportOptions, Pct, Progress, StorageStatus, StorageVolume, StreamFormat,
    Vmid, config, ops,
};

impl Pct {
    /// The ids of the storages that can be used on this node for a content, in the order of `storage.cfg`.
    ///
    /// # Errors
    /// When `storage.cfg` cannot be read.
    pub fn storages(&self, content: Content) -> Result<Vec<String>, Error> {
        ops::storages_with(&self.env, content)
    }

    /// The ids of all storages that are written down, also of those that cannot be used here, and `local`.
    ///
    /// # Errors
    /// When `storage.cfg` cannot be read.
    pub fn storage_ids(&self) -> Result<Vec<String>, Error> {
        ops::storage_ids(&self.env)
    }

    /// The storages of this node with their room, in the order of `storage.cfg`. Each is made ready: mounted or imported,
    /// where its type needs that. One that cannot be used says why.
    ///
    /// # Errors
    /// When `storage.cfg` cannot be read.
    pub fn storage_status(&self) -> Result<Vec<StorageStatus>, Error> {
        ops::storage_status(&self.env)
    }

    /// Writes a storage down in `storage.cfg`, with [options](crate::STORAGE_OPTIONS) of its [type](crate::storage_types), behind those that are there. Nothing is made or mounted by that.
    ///
    /// # Errors
    /// When there is one of that id, its type is not known, or an option is missing, not known or wrong; on a Proxmox VE
    /// host, where this is the business of its own tools.
    pub fn add_storage(&self, kind: &str, id: &str, options: &[(String, String)]) -> Result<(), Error> {
        ops::add_storage(&self.env, kind, id, options)
    }

    /// Sets and deletes options of a storage in `storage.cfg`. Comments stay, and other storages to the byte.
    ///
    /// # Errors
    /// As those of [`Pct::add_storage`], and when there is no such storage.
    pub fn set_storage(
        &self,
        id: &str,
        options: &[(String, String)],
        deleted: &[String],
    ) -> Result<(), Error> {
        ops::set_storage(&self.env, id, options, deleted)
    }

    /// Takes a storage out of `storage.cfg`. What is on it stays there.
    ///
    /// # Errors
    /// When there is no such storage, or on a Proxmox VE host.
    pub fn remove_storage(&self, id: &str) -> Result<(), Error> {
        ops::remove_storage(&self.env, id)
    }

    /// What is on a storage, sorted by id: all, or one sort of it, or the volumes of one container.
    ///
    /// # Errors
    /// When there is no such storage here, or it cannot be read.
    pub fn storage_contents(
        &self,
        storage: &str,
        content: Option<Content>,
        owner: Option<Vmid>,
    ) -> Result<Vec<StorageVolume>, Error> {
        ops::storage_contents(&self.env, storage, content, owner)
    }

    /// What something on a storage is, by the words of `storage.cfg`: `rootdir` when it belongs to a container of this node,
    /// `images` to another guest, or `vztmpl`.
    #[must_use]
    pub fn content_word(&self, volume: &StorageVolume) -> &'static str {
        ops::content_word(&self.env, volume)
    }

    /// Makes a new, empty volume of so many bytes, rounded up to whole KiB, under the next free name; 0 is a volume
    /// without a limit. Without a format (`raw`, `subvol`) it has that of a container's volume. No file system is made on it,
    /// and no configuration names it.
    ///
    /// # Errors
    /// When the storage cannot have it.
    pub fn allocate_volume(
        &self,
        storage: &str,
        owner: Vmid,
        size: u64,
        format: Option<&str>,
    ) -> Result<config::VolumeId, Error> {
        let size = config::Size::from_bytes(size.div_ceil(1024).saturating_mul(1024));
        ops::allocate_volume(&self.env, storage, owner, size, format)
    }

    /// Removes a volume and its snapshots, whether or not a configuration names it.
    ///
    /// # Errors
    /// When linked clones share its content, or the storage cannot remove it. A volume that is not there is no error.
    pub fn remove_volume(&self, volume: &config::VolumeId) -> Result<(), Error> {
        ops::remove_volume(&self.env, volume)
    }

    /// Writes a volume, or snapshots of it, as a stream, from which [`Pct::import_volume`] makes a volume on this or another host.
    /// What a running container has not written out yet is missing: stop it, or give a snapshot.
    ///
    /// # Errors
    /// When the volume has no stream of this format, or `to` takes no more. What was written until then is of no use.
    pub fn export_volume(
        &self,
        volume: &config::VolumeId,
        format: StreamFormat,
        to: impl AsFd,
        options: &ExportOptions,
        progress: &mut dyn Progress,
    ) -> Result<(), Error> {
        ops::export_volume(&self.env, volume, format, to.as_fd(), options, progress)
    }

    /// Makes a volume of a stream, with the name and on the storage that the id says, and returns its id. No configuration names
    /// it.
    ///
    /// # Errors
    /// When a volume has the name, the storage does not take this format, or the stream is not whole; then there is no such
    /// volume. When a snapshot that is to be removed at the end is not; then there is.
    pub fn import_volume(
        &self,
        volume: &config::VolumeId,
        format: StreamFormat,
        from: impl AsFd,
        options: &ImportOptions,
        progress: &mut dyn Progress,
    ) -> Result<config::VolumeId, Error> {
        ops::import_volume(&self.env, volume, format, from.as_fd(), options, progress)
    }

    /// Where the data of a volume or the file of a template is.
    ///
    /// # Errors
    /// When it is not there.
    pub fn volume_path(&self, volume: &config::VolumeId) -> Result<PathBuf, Error> {
        ops::volume_path(&self.env, volume)
    }

    /// The templates of a storage, sorted.
    ///
    /// # Errors
    /// When there is no such storage here, or it cannot be read.
    pub fn templates(&self, storage: &str) -> Result<Vec<config::VolumeId>, Error> {
        ops::templates(&self.env, storage)
    }
}
