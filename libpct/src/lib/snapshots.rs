//! What is made of the state of a container: snapshots, clones, templates, and volumes in other places.

use crate::{
    CloneOptions, Container, DeleteSnapshotOptions, MoveVolumeOptions, ReassignOptions, RollbackOptions,
    SnapshotOptions, Vmid, error::Error, ops, progress::Progress,
};

impl Container<'_> {
    /// Freezes the present state under a name: the config, and the content of every volume. A running container stands
    /// still meanwhile, and what its processes have written is in the snapshot; what they keep in memory is not.
    ///
    /// A snapshot is taken of all volumes or of none.
    ///
    /// # Errors
    /// [`Error::Snapshot`] when the name is taken, or a volume cannot be snapshotted; when the container is locked or a
    /// storage fails.
    pub fn snapshot(
        &self,
        name: &str,
        options: &SnapshotOptions,
        progress: &mut dyn Progress,
    ) -> Result<(), Error> {
        ops::snapshot(self.env, self.vmid, name, options, progress)
    }

    /// Removes a snapshot. Volumes that only it has named become unused ones of the container.
    ///
    /// # Errors
    /// [`Error::NoSnapshot`]; when the container is locked or a storage fails: if a part was removed already, the config
    /// keeps its lock `snapshot-delete`, and the removal goes on where it broke off once that is taken away.
    pub fn delete_snapshot(
        &self,
        name: &str,
        options: &DeleteSnapshotOptions,
        progress: &mut dyn Progress,
    ) -> Result<(), Error> {
        ops::delete_snapshot(self.env, self.vmid, name, options, progress)
    }

    /// Goes back to a snapshot, config and content. A running container is killed first. What was written since is lost;
    /// volumes that were added since become unused ones.
    ///
    /// # Errors
    /// [`Error::NoSnapshot`]; [`Error::Snapshot`] for one that is not whole; when a volume cannot go back to it, and when
    /// the container is locked. If only a part of the volumes is back, the config keeps its lock `rollback`.
    pub fn rollback(
        &self,
        name: &str,
        options: &RollbackOptions,
        progress: &mut dyn Progress,
    ) -> Result<(), Error> {
        ops::rollback(self.env, self.vmid, name, options, progress)
    }

    /// Makes a new container that is as this one: with copies of its volumes, or with volumes that share their content. Its
    /// interfaces get hardware addresses of their own, its machine id is new; all else is the same, also its addresses.
    ///
    /// The container has the lock `disk` meanwhile, the clone `create`.
    ///
    /// # Errors
    /// [`Error::NoClone`] when it cannot be cloned as asked for, [`Error::NoSnapshot`]; when `clone` is taken or this container
    /// locked: nothing was done. [`Error::Clone`] when it failed on the way: nothing of the clone is left.
    pub fn clone_to(
        &self,
        clone: Vmid,
        options: &CloneOptions,
        progress: &mut dyn Progress,
    ) -> Result<(), Error> {
        ops::clone_to(self.env, self.vmid, clone, options, progress)
    }

    /// Makes it a template for linked clones: its volumes can't be written to any more, and it can't be started. There is no
    /// way back.
    ///
    /// # Errors
    /// [`Error::Transfer`] when it runs, has snapshots or is on a storage without templates; when it is locked.
    pub fn template(&self, progress: &mut dyn Progress) -> Result<(), Error> {
        ops::template(self.env, self.vmid, progress)
    }

    /// Moves the volume of `rootfs` or `mp<n>` to another storage. The container must be stopped.
    ///
    /// # Errors
    /// [`Error::Transfer`] when it cannot be moved; when the container is locked or a storage fails: the volume is where it was.
    pub fn move_volume(
        &self,
        key: &str,
        storage: &str,
        options: &MoveVolumeOptions,
        progress: &mut dyn Progress,
    ) -> Result<(), Error> {
        ops::move_volume(self.env, self.vmid, key, storage, options, progress)
    }

    /// Gives the volume of `mp<n>` or `unused<n>` to another container of this host, or another key in this one.
    ///
    /// # Errors
    /// [`Error::Transfer`] when it cannot be moved; when one of the containers is locked. That it could not be mounted there is
    /// a warning: then it is an unused volume of that container.
    pub fn reassign_volume(
        &self,
        key: &str,
        target: Vmid,
        options: &ReassignOptions,
        progress: &mut dyn Progress,
    ) -> Result<(), Error> {
        ops::reassign_volume(self.env, self.vmid, key, target, options, progress)
    }
}
