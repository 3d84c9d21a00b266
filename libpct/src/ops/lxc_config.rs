//! `lxc-config`: what a start would tell liblxc, without a start.

use std::{borrow::Cow, fs, io};

use super::{Env, facts, helper, setters::setters};
use crate::{
    config::{Section, Vmid, text},
    error::Error,
    facts::HostFacts,
    home::HomeKind,
    progress::Progress,
    store::{Loaded, write_generated},
    sys::folder,
    translate::{LxcConfig, translate},
};

/// What [`Container::lxc_config`](crate::Container::lxc_config) translates, and for which host.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct LxcConfigOptions {
    /// The bytes of a config file; those of the container's own where none are given.
    pub config: Option<Vec<u8>>,
    /// The host; this one where none is given.
    pub host: Option<HostFacts>,
}

setters! { LxcConfigOptions { config: Option<Vec<u8>>, host: Option<HostFacts> } }

/// After a change of the config: checks that it can be translated, and on a Proxmox VE host, where the container's
/// unit reads it, writes the result. Elsewhere a start does.
pub(super) fn refresh(env: &Env, vmid: Vmid, section: &Section, facts: &HostFacts) -> Result<(), Error> {
    let config = translate(vmid, section, facts)?;
    if env.home.kind() != HomeKind::Pve {
        return Ok(());
    }
    let folder = env.home.rootfs(vmid);
    folder::make(&folder, 0o755).map_err(|e| Error::io("cannot make", &folder, e))?;
    write(env, vmid, &config)
}

/// The same behind an operation that is done: that liblxc could not be told is another matter, and every start tells it
/// anew.
pub(super) fn refresh_after(env: &Env, vmid: Vmid, section: &Section, progress: &mut dyn Progress) {
    let told = helper::liblxc(env)
        .and_then(|liblxc| facts::gather(env, section, liblxc))
        .and_then(|facts| refresh(env, vmid, section, &facts));
    if let Err(error) = told {
        progress.warning(&error.full_message());
    }
}

/// Writes the files that liblxc reads; for a template there must be none.
pub(super) fn write(env: &Env, vmid: Vmid, config: &LxcConfig) -> Result<(), Error> {
    let folder = env.home.container_dir(vmid);
    let file = folder.join("config");
    if config.removed {
        return match fs::remove_file(&file) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(Error::io("cannot remove", file, source))
            }
            _ => Ok(()),
        };
    }
    if let Some(rules) = &config.seccomp {
        write_generated(&folder.join("rules.seccomp"), &text::to_bytes(rules))?;
    }
    Ok(write_generated(&file, &config.to_bytes())?)
}

/// Takes no lock and makes no file: a start may go on meanwhile.
pub(crate) fn lxc_config(
    env: &Env,
    vmid: Vmid,
    options: &LxcConfigOptions,
    progress: &mut dyn Progress,
) -> Result<LxcConfig, Error> {
    let loaded = match &options.config {
        Some(bytes) => {
            let loaded = Loaded::of(bytes.clone(), vmid);
            loaded.tell(progress);
            loaded
        }
        None => env.store().load_telling(vmid, progress)?,
    };
    let section = loaded.config.main();
    let facts = match &options.host {
        Some(facts) => Cow::Borrowed(facts),
        None => Cow::Owned(facts::gather(env, section, helper::liblxc(env)?)?),
    };
    let config = translate(vmid, section, &facts)?;
    config.warnings.iter().for_each(|warning| progress.warning(warning));
    Ok(config)
}
