//! `lxc-config`: what a start would tell liblxc, without a start.

use std::borrow::Cow;

use super::{Env, facts, helper};
use crate::{
    config::Vmid,
    error::Error,
    facts::HostFacts,
    progress::Progress,
    store::Loaded,
    translate::{LxcConfig, translate},
};

/// What [`Container::lxc_config`](crate::Container::lxc_config) translates, and for which host.
#[derive(Clone, Debug, Default)]
pub struct LxcConfigOptions {
    /// The bytes of a config file; those of the container's own where none are given.
    pub config: Option<Vec<u8>>,
    /// The host; this one where none is given.
    pub host: Option<HostFacts>,
}

/// Takes no lock and makes no file: a start may go on meanwhile.
pub(crate) fn lxc_config(
    env: &Env,
    vmid: Vmid,
    options: &LxcConfigOptions,
    progress: &mut dyn Progress,
) -> Result<LxcConfig, Error> {
    let loaded = match &options.config {
        Some(bytes) => Loaded::of(bytes, vmid),
        None => env.store().load(vmid)?,
    };
    for diagnostic in &loaded.diagnostics {
        progress.warning(&diagnostic.to_string());
    }
    let section = loaded.config.main();
    let facts = match &options.host {
        Some(facts) => Cow::Borrowed(facts),
        None => Cow::Owned(facts::gather(env, section, helper::liblxc(env)?)?),
    };
    let config = translate(vmid, section, &facts)?;
    config.warnings.iter().for_each(|warning| progress.warning(warning));
    Ok(config)
}
