//! TODO

use super::super::Env;
use crate::{
    config::{Device, Section, Vmid},
    error::Error,
    facts::HostFacts,
};

pub(super) struct Devices<'a> {
    env: &'a Env,
    vmid: Vmid,
}

impl<'a> Devices<'a> {
    pub(super) fn new(env: &'a Env, vmid: Vmid, facts: &'a HostFacts) -> Self {
        Self { env, vmid }
    }

    pub(super) fn restore(self) -> Vec<String> {
        Vec::new()
    }

    pub(super) fn add(&mut self, index: u16, device: &Device, section: &Section) -> Result<(), Error> {
        todo!()
    }
    pub(super) fn remove(&mut self, index: u16, device: &Device, section: &Section) -> Result<(), Error> {
        todo!()
    }
}
