//! One file per operation: it takes its lock, checks its preconditions in a written order, does its steps,
//! and takes back what it did if a step fails.

mod addresses;
mod all;
mod attach;
mod capture;
mod checkpoint;
mod clone;
mod copy;
mod cpusets;
mod create;
mod delete_snapshot;
mod destroy;
mod df;
mod dhcp;
mod diagnosis;
mod disks;
mod doctor;
mod events;
mod exec;
mod facts;
mod folders;
mod fsck;
mod fstrim;
mod guest_setup;
mod guest_tree;
mod hand_over;
mod helper;
mod hookscript;
mod host_keys;
mod host_mount;
mod hotplug;
mod inside;
mod interfaces;
mod leftovers;
mod live;
mod lxc_config;
mod mark;
mod monitor;
mod mounts;
mod move_volume;
mod nodes;
mod plug;
mod populate;
mod protocol;
mod pull;
mod push;
mod query;
mod reassign_volume;
mod repair;
mod rescan;
mod resize;
mod resume;
mod rollback;
mod session;
mod set;
mod setters;
mod snapshot;
mod start;
mod still;
mod stop;
mod storage;
mod suspend;
mod template;
mod terminal;
mod tree;
mod undo;
mod unlock;
mod volume_copy;
mod volume_stream;
mod wait;
mod work;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{
    config::{Config, Vmid},
    error::Error,
    home::Home,
    lxc::command,
    progress::{self, Progress},
    storage::{Places, Storages},
    store::{Listener, Store},
};

pub(crate) use self::storage::{
    add_storage, allocate_volume, content_word, remove_storage, remove_volume, set_storage, storage_contents,
    storage_ids, storage_status, volume_path,
};
pub use all::{StartAllOptions, StopAllOptions};
pub(crate) use all::{start_all, stop_all};
pub use attach::Attach;
pub(crate) use attach::{console, enter, lease_tty};
pub use clone::CloneOptions;
pub(crate) use clone::clone_to;
pub use copy::{CopyOptions, HostFile};
pub(crate) use cpusets::cpusets;
pub use create::CreateOptions;
pub(crate) use create::create;
pub use delete_snapshot::DeleteSnapshotOptions;
pub(crate) use delete_snapshot::delete_snapshot;
pub use destroy::DestroyOptions;
pub(crate) use destroy::destroy;
pub use df::VolumeUsage;
pub(crate) use df::df;
pub use doctor::{Checkup, Gravity, SYMPTOM_CODES, Symptom};
pub(crate) use doctor::{doctor, doctor_of};
pub(crate) use events::events;
pub use events::{ContainerState, Events, StateChange};
pub use exec::Exec;
pub use fsck::FsckOptions;
pub(crate) use fsck::fsck;
pub use fstrim::FstrimOptions;
pub(crate) use fstrim::fstrim;
pub(crate) use guest_tree::set_up_guest;
pub use guest_tree::{GuestEvent, GuestSetup, GuestSetupOptions};
pub(crate) use helper::serve;
pub(crate) use host_mount::{mount, unmount};
pub(crate) use inside::init_pidfd;
pub(crate) use interfaces::interfaces;
pub use interfaces::{Interface, InterfaceAddress};
pub use lxc_config::LxcConfigOptions;
pub(crate) use lxc_config::lxc_config;
pub use move_volume::MoveVolumeOptions;
pub(crate) use move_volume::move_volume;
pub(crate) use pull::pull;
pub(crate) use push::push;
pub use query::{ConfigState, ConfigView, Listing, Status, Usage};
pub(crate) use query::{
    config, free_vmid, list, list_of, load, snapshot_names, status, storages_with, templates, usage,
};
pub use reassign_volume::ReassignOptions;
pub(crate) use reassign_volume::reassign_volume;
pub(crate) use repair::repair;
pub use repair::{Leftover, LeftoverKind, RepairOptions, RepairOutcome};
pub use rescan::RescanOptions;
pub(crate) use rescan::{rescan, rescan_all};
pub(crate) use resize::resize;
pub use resize::{InvalidNewSize, NewSize, ResizeOptions};
pub(crate) use resume::resume;
pub use rollback::RollbackOptions;
pub(crate) use rollback::rollback;
pub(crate) use set::set;
pub use snapshot::SnapshotOptions;
pub(crate) use snapshot::snapshot;
pub use start::StartOptions;
pub(crate) use start::start;
pub use stop::{RebootOptions, ShutdownOptions, StopOptions};
pub(crate) use stop::{reboot, shutdown, stop};
pub(crate) use suspend::suspend;
pub(crate) use template::template;
pub(crate) use unlock::unlock;
pub use volume_stream::{ExportOptions, ImportOptions};
pub(crate) use volume_stream::{export_volume, import_volume};
pub use wait::WaitFor;
pub(crate) use wait::wait;

/// What every operation works on: a home, and the helper that does what must not be done in process.
#[derive(Clone, Debug)]
pub(crate) struct Env {
    pub(crate) home: Home,
    pub(crate) helper: PathBuf,
    pub(crate) listener: Option<Listener>,
}

impl Env {
    fn store(&self) -> Store<'_> {
        Store::new(&self.home, self.listener.as_ref())
    }

    fn storages(&self) -> Result<Storages, Error> {
        let places = Places {
            storage_cfg: &self.home.storage_cfg(),
            local: &self.home.local_storage(),
            node: self.home.node(),
            lock: &|id| self.home.storage_lock(id),
        };
        Ok(Storages::load(&places)?)
    }

    /// Changes a config, in one write under its lock file.
    fn rewrite<E: Into<Error>>(
        &self,
        vmid: Vmid,
        progress: &mut dyn Progress,
        change: impl FnOnce(&mut Config) -> Result<(), E>,
    ) -> Result<(), Error> {
        let lock = self.store().lock(vmid, progress)?;
        let mut config = self.store().load(vmid)?.config;
        change(&mut config).map_err(Into::into)?;
        Ok(self.store().write(&lock, &config)?)
    }

    pub(crate) fn is_running(&self, vmid: Vmid) -> Result<bool, Error> {
        Ok(command::is_running(&self.home.lxcpath(), &vmid.to_string())?)
    }

    /// liblxc's socket of a running container.
    fn connect(&self, vmid: Vmid) -> Result<Option<command::CommandSocket>, Error> {
        Ok(command::CommandSocket::connect(&self.home.lxcpath(), &vmid.to_string())?)
    }
}

/// Lets time pass, or only asks whether the caller has enough of it: then the operation is interrupted.
fn pause(progress: &dyn Progress, time: Duration) -> Result<(), Error> {
    if progress::pause(progress, time) { Ok(()) } else { Err(Error::Interrupted) }
}

/// Shows a path in a message.
fn shown(path: &Path) -> String {
    path.display().to_string()
}
