//! TODO

use super::super::Env;
use crate::{
    config::{NetIf, Section, Vmid},
    error::Error,
};

pub(super) struct Network<'a> {
    env: &'a Env,
    vmid: Vmid,
}

impl<'a> Network<'a> {
    pub(super) fn new(env: &'a Env, vmid: Vmid) -> Self {
        Self { env, vmid }
    }

    pub(super) fn restore(self) -> Vec<String> {
        Vec::new()
    }

    pub(super) fn change(
        &mut self,
        index: u16,
        old: Option<&NetIf>,
        new: Option<&NetIf>,
        section: &Section,
    ) -> Result<(), Error> {
        todo!()
    }
}
