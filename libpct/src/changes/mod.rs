//! Changes of a config, as `pct set` makes them (spec: config, parts 3.1 and 8).
//!
//! Pure: a config, what is asked for, and a described host go in; the new config, warnings or errors come out. What
//! has to happen beside the config (volumes that are made and freed, limits that a running container is told) is asked
//! of the caller by two traits, [`Volumes`] and [`Running`].
//!
//! 1. [`Changes::check`]: the values against the key table.
//! 2. [`Changes::check_digest`]: nobody else was faster.
//! 3. [`stage`]: the changes become pending, each checked by the rules beyond the table.
//! 4. [`apply_stopped`] or [`apply_running`]: what can be done now moves into the current state.

mod apply;
pub(crate) mod clone;
mod error;
mod pending;
mod running;
pub(crate) mod snapshot;
mod stage;
#[cfg(test)]
mod tests;
pub(crate) mod transfer;
mod values;

use crate::config::{Device, MountPoint, NetIf, Section, Size, VolumeId};

pub(crate) use apply::add_unused;
pub use apply::{Applied, apply_stopped};
pub use clone::CloneError;
pub use error::ChangeError;
pub use running::{Limit, apply_running};
pub use snapshot::SnapshotError;
pub use stage::{Staged, stage};
pub use transfer::TransferError;
pub(crate) use values::mount_point;
/// For the values of a new container, which are in force at once.
pub(crate) use values::{accepted, check as check_values, stored};

/// What [`Container::set`](crate::Container::set) changes.
///
/// ```
/// use pct::changes::Changes;
///
/// let changes = Changes::default().set("memory", "2048").delete("swap");
/// changes.check()?;
/// assert!(Changes::default().set("memory", "much").check().is_err());
/// # Ok::<(), pct::changes::ChangeError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Changes {
    /// Keys and their new values, as they would be given to `pct set`; of a key that comes again the last one counts.
    pub set: Vec<(String, String)>,
    /// Keys to remove.
    pub delete: Vec<String>,
    /// Keys whose pending change is dropped.
    pub revert: Vec<String>,
    /// The digest that the config file must have, see [`config::digest`](crate::config::digest).
    pub digest: Option<String>,
}

impl Changes {
    /// One more key and its new value.
    #[must_use]
    pub fn set(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.set.push((key.into(), value.into()));
        self
    }

    /// One more key to remove.
    #[must_use]
    pub fn delete(mut self, key: impl Into<String>) -> Self {
        self.delete.push(key.into());
        self
    }

    /// One more key whose pending change is dropped.
    #[must_use]
    pub fn revert(mut self, key: impl Into<String>) -> Self {
        self.revert.push(key.into());
        self
    }

    /// Sets [`digest`](#structfield.digest).
    #[must_use]
    pub fn digest(mut self, digest: impl Into<String>) -> Self {
        self.digest = Some(digest.into());
        self
    }

    /// Checks that there is something to do and every value against the key table, all of them, so that one answer
    /// names every fault.
    ///
    /// # Errors
    /// [`ChangeError::Nothing`], or [`ChangeError::Parameters`] with the values that failed.
    pub fn check(&self) -> Result<(), ChangeError> {
        values::check(&self.set)?;
        let nothing = self.set.is_empty() && self.delete.is_empty() && self.revert.is_empty();
        if nothing { Err(ChangeError::Nothing) } else { Ok(()) }
    }

    /// Checks that the file is the one that the caller has seen.
    ///
    /// # Errors
    /// [`ChangeError::Modified`].
    pub fn check_digest(&self, found: &str) -> Result<(), ChangeError> {
        check_digest(self.digest.as_deref(), found)
    }
}

/// The same where nothing else is asked for.
pub(crate) fn check_digest(expected: Option<&str>, found: &str) -> Result<(), ChangeError> {
    let expected = expected.unwrap_or_default();
    if expected.is_empty() || expected == found { Ok(()) } else { Err(ChangeError::Modified) }
}

/// What a change asks of the host's storages. A refusal is the reason in words.
pub trait Volumes {
    /// Whether the content types of a storage allow volumes of containers.
    fn holds_containers(&mut self, storage: &str) -> Result<bool, String>;

    /// What is found where a hook script should be.
    fn script(&mut self, script: &VolumeId) -> Result<Script, String>;

    /// Makes the volume that a value asks for by `<storage>:<GiB>`, formatted; returns the value that names it. Taken
    /// back when the change fails.
    fn allocate(&mut self, point: &MountPoint) -> Result<MountPoint, String>;

    /// The real size of a volume.
    fn size(&mut self, volume: &VolumeId) -> Result<Size, String>;

    /// Removes a volume for good; `false` when it belongs to another container and is left alone.
    fn free(&mut self, volume: &VolumeId) -> Result<bool, String>;
}

/// What is found where a hook script should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Script {
    /// A file that can be executed.
    Executable,
    /// A file that cannot.
    NotExecutable,
    /// Nothing.
    Missing,
    /// The volume is of another content type than snippets.
    NoSnippet,
}

/// What a change asks of a running container. `section` is the current state to be. A refusal is the reason in words;
/// whoever implements this takes back what it did when the change fails as a whole.
pub trait Running {
    /// Enforces one limit as the section has it.
    fn enforce(&mut self, limit: Limit, section: &Section) -> Result<(), String>;

    /// Makes the NIC `net<index>` what `new` says, from what `old` says; `None` is no NIC.
    fn network(&mut self, index: u16, old: Option<&NetIf>, new: Option<&NetIf>) -> Result<(), String>;

    /// Mounts the new mount point `mp<index>`, whose volume exists.
    fn mount(&mut self, index: u16, point: &MountPoint, section: &Section) -> Result<(), String>;

    /// Unmounts `mp<index>`; `false` when something inside uses it.
    fn unmount(&mut self, index: u16, point: &MountPoint, section: &Section) -> Result<bool, String>;

    /// Makes the node of the new device `dev<index>`.
    fn add_device(&mut self, index: u16, device: &Device, section: &Section) -> Result<(), String>;

    /// Takes the node of `dev<index>` away, and with it the right to use the device.
    fn remove_device(&mut self, index: u16, device: &Device, section: &Section) -> Result<(), String>;
}
