//! What a running container is told at once (spec: config, part 8.3; runtime, part 9), with what it takes to take it
//! back.

mod devices;
mod guest;
mod limits;
mod mounts;
mod network;
mod rights;

use super::Env;
use crate::{
    cgroup::Layout,
    changes::{Limit, Running},
    config::{Device, MountPoint, NetIf, Section, Vmid},
    error::Error,
    facts::HostFacts,
    progress::Progress,
    storage::Storages,
    store::ConfigLock,
};
use devices::Devices;
use guest::Guest;
use limits::Enforced;
use mounts::Mounts;
use network::Network;

/// A running container.
pub(super) struct Live<'a> {
    limits: Enforced<'a>,
    network: Network<'a>,
    mounts: Mounts<'a>,
    devices: Devices<'a>,
}

impl<'a> Live<'a> {
    pub(super) fn new(
        env: &'a Env,
        vmid: Vmid,
        facts: &'a HostFacts,
        layout: &'a Layout,
        storages: &'a Storages,
        lock: &'a ConfigLock,
    ) -> Self {
        let guest = Guest::new(env, vmid, lock);
        Self {
            limits: Enforced::new(vmid, facts, layout),
            network: Network::new(env, vmid),
            mounts: Mounts::new(guest, storages),
            devices: Devices::new(guest, facts, layout),
        }
    }

    /// The change has failed: puts everything back, and returns what could not be.
    pub(super) fn restore(self) -> Vec<String> {
        let problems =
            [self.devices.restore(), self.mounts.restore(), self.network.restore(), self.limits.restore()];
        problems.into_iter().flatten().collect()
    }

    /// The change has succeeded, and `section` is in force: does what is left.
    pub(super) fn finish(self, section: &Section, progress: &mut dyn Progress) {
        self.network.finish(section, progress);
    }
}

impl Running for Live<'_> {
    fn enforce(&mut self, limit: Limit, section: &Section) -> Result<(), String> {
        self.limits.write(limit, section).map_err(text)
    }

    fn network(&mut self, index: u16, old: Option<&NetIf>, new: Option<&NetIf>) -> Result<(), String> {
        self.network.change(index, old, new).map_err(text)
    }

    fn mount(&mut self, index: u16, point: &MountPoint, section: &Section) -> Result<(), String> {
        self.mounts.add(index, point, section).map_err(text)
    }

    fn unmount(&mut self, index: u16, point: &MountPoint, section: &Section) -> Result<bool, String> {
        self.mounts.remove(index, point, section).map_err(text)
    }

    fn add_device(&mut self, index: u16, device: &Device, section: &Section) -> Result<(), String> {
        self.devices.add(index, device, section).map_err(text)
    }

    fn remove_device(&mut self, index: u16, device: &Device, section: &Section) -> Result<(), String> {
        self.devices.remove(index, device, section).map_err(text)
    }
}

fn text(error: Error) -> String {
    error.full_message()
}
