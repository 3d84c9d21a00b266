//! TODO

use super::super::Env;
use crate::{
    config::{MountPoint, Section, Vmid},
    error::Error,
    storage::Storages,
};

pub(super) struct Mounts<'a> {
    env: &'a Env,
    vmid: Vmid,
}

impl<'a> Mounts<'a> {
    pub(super) fn new(env: &'a Env, vmid: Vmid, storages: &'a Storages) -> Self {
        Self { env, vmid }
    }

    pub(super) fn restore(self) -> Vec<String> {
        Vec::new()
    }

    pub(super) fn add(&mut self, index: u16, point: &MountPoint, section: &Section) -> Result<(), Error> {
        todo!()
    }
    pub(super) fn remove(
        &mut self,
        index: u16,
        point: &MountPoint,
        section: &Section,
    ) -> Result<bool, Error> {
        todo!()
    }
}
