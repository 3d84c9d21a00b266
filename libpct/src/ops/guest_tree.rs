//! Guest set-up of a directory tree that need not belong to a container.

use std::path::Path;

use super::{guest_setup, host_keys::SshKeygen, setters::setters};
use crate::{
    config::Vmid, error::Error, facts::HostFacts, guest, progress::Progress, rootfs::Rootfs, store::Loaded,
};

/// Where keys are made: only root can write there.
const RUN_DIR: &str = "/run";

/// What happens to the tree that [`set_up_guest`](crate::set_up_guest) is given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GuestEvent {
    /// It was just unpacked from a template.
    #[default]
    Create,
    /// It was just unpacked from a backup.
    Restore,
    /// It is the copy of another one.
    Clone,
    /// It is about to start.
    Start,
    /// The network has changed while it runs.
    Net,
}

impl GuestEvent {
    /// All of them by the words of `pct guest-setup`.
    pub const NAMED: [(&str, Self); 5] = [
        ("create", Self::Create),
        ("restore", Self::Restore),
        ("clone", Self::Clone),
        ("start", Self::Start),
        ("net", Self::Net),
    ];

    /// What such a word stands for.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        Self::NAMED.iter().find(|(name, _)| *name == word).map(|(_, event)| *event)
    }
}

/// What [`set_up_guest`](crate::set_up_guest) does.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct GuestSetupOptions {
    /// The bytes of the container's config file.
    pub config: Vec<u8>,
    /// What happens to the tree.
    pub event: GuestEvent,
    /// For [`GuestEvent::Create`]: the password of root, or its hash; without one root cannot log in by password.
    pub password: Option<String>,
    /// For [`GuestEvent::Create`]: lines for root's `authorized_keys`.
    pub ssh_public_keys: Option<String>,
    /// The host; this one where none is given.
    pub host: Option<HostFacts>,
}

setters! { GuestSetupOptions { config: Vec<u8>, event: GuestEvent, host: Option<HostFacts> } texts { password, ssh_public_keys } }

impl std::fmt::Debug for GuestSetupOptions {
    /// Without the password: options end up in logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GuestSetupOptions")
            .field("config", &String::from_utf8_lossy(&self.config))
            .field("event", &self.event)
            .field("password", &self.password.as_ref().map(|_| "..."))
            .finish_non_exhaustive()
    }
}

/// What [`set_up_guest`](crate::set_up_guest) has found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GuestSetup {
    /// The family of the distribution, as `ostype` of the config names it.
    pub ostype: String,
    /// `arch` of the config; what was detected, if it has none.
    pub arch: String,
}

pub(crate) fn set_up_guest(
    path: &Path,
    vmid: Vmid,
    options: &GuestSetupOptions,
    progress: &mut dyn Progress,
) -> Result<GuestSetup, Error> {
    check(options)?;
    let loaded = Loaded::of(options.config.clone(), vmid);
    loaded.tell(progress);
    let section = loaded.config.main();
    let root = Rootfs::open(path, section.id_map()?.root()).map_err(guest::Error::from)?;
    warn_of_other_ids(&root, path, progress)?;
    let settings = guest_setup::settings(section)?;
    let detected = guest_setup::detect(&root, &settings, progress)?;
    let keygen = SshKeygen::new(Path::new(RUN_DIR), vmid);
    let event = match options.event {
        GuestEvent::Create => guest::Event::Create(guest::Create {
            password: options.password.as_deref(),
            ssh_public_keys: options.ssh_public_keys.as_deref(),
            host_keys: Some(&keygen),
        }),
        GuestEvent::Restore => guest::Event::Restore,
        GuestEvent::Clone => guest::Event::Clone,
        GuestEvent::Start => guest::Event::Start,
        GuestEvent::Net => guest::Event::Net,
    };
    let host = options.host.as_ref().map_or_else(guest_setup::host, guest_setup::described);
    guest::run(&root, &detected, &settings, &host, event, &mut guest_setup::report(progress))?;
    let arch = detected.arch.or(section.arch()).unwrap_or_default();
    Ok(GuestSetup { ostype: detected.ostype.to_owned(), arch: arch.to_owned() })
}

/// What is written belongs to the ids of the config; a tree with others would be a mixture.
fn warn_of_other_ids(root: &Rootfs, path: &Path, progress: &mut dyn Progress) -> Result<(), Error> {
    let stat = rustix::fs::fstat(root).map_err(|e| Error::io("cannot look at", path, e))?;
    let (found, wanted) = ((stat.st_uid, stat.st_gid), root.owner());
    if found != wanted {
        progress.warning(&format!(
            "'{}' belongs to {}:{}, but what is written to {}:{}, which by the config is root of the container",
            path.display(),
            found.0,
            found.1,
            wanted.0,
            wanted.1
        ));
    }
    Ok(())
}

/// Who gives a password means it to be set.
fn check(options: &GuestSetupOptions) -> Result<(), Error> {
    if options.event == GuestEvent::Create {
        return Ok(());
    }
    let given =
        [("password", options.password.is_some()), ("ssh-public-keys", options.ssh_public_keys.is_some())];
    let fault = |name: &str| (name.to_owned(), "is only set when a container is created".to_owned());
    let faults: Vec<_> =
        given.iter().filter(|(_, is_given)| *is_given).map(|(name, _)| fault(name)).collect();
    if faults.is_empty() { Ok(()) } else { Err(Error::Parameters(faults)) }
}
