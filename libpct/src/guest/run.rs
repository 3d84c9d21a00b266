//! What is done when (spec: guest set-up, parts 1 and 10).

use crate::rootfs::{Attributes, Rootfs};

use super::{
    Message, Setup,
    actions::{
        authorized_keys, crontab, dns,
        host_keys::{self, HostKeys},
        machine_id, password,
    },
    detect::Detected,
    error::{Error, Result},
    family::Step,
    host::Host,
    network::Network,
    settings::Settings,
    systemd::Init,
    text::is_word,
};

/// What happens to a container.
pub enum Event<'a> {
    /// It was just unpacked from a template.
    Create(Create<'a>),
    /// It was just unpacked from a backup.
    Restore,
    /// It is the copy of another one.
    Clone,
    /// It is about to start.
    Start,
    /// An address of an interface was changed while it runs.
    Net,
}

/// What a new container is given.
#[derive(Default)]
pub struct Create<'a> {
    /// The password of root, plain or as a crypt(5) hash; without one, root can not log in with a password.
    pub password: Option<&'a str>,
    /// Lines for root's `authorized_keys`.
    pub ssh_public_keys: Option<&'a str>,
    /// Makes SSH host keys. Without it the guest has none, for one that came with the template is not kept.
    pub host_keys: Option<&'a dyn HostKeys>,
}

/// Whether a container's init works on a host that has cgroup v2 only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CgroupV2 {
    /// It does.
    Supported,
    /// It is a systemd older than 232, or of unknown version: it will not start there.
    Unsupported,
}

/// Does what is due at an event, step by step, and tells about it.
///
/// # Errors
/// [`Error::Task`] with the step that failed. The steps before it have been done.
pub fn run(
    root: &Rootfs,
    guest: &Detected,
    settings: &Settings,
    host: &Host,
    event: Event<'_>,
    report: &mut dyn FnMut(Message),
) -> Result<()> {
    let network = checked(settings, host)?;
    let mut setup = Setup { root, guest, settings, host, network, report };
    let setup = &mut setup;
    let family = guest.family;
    if family.managed {
        match event {
            Event::Create(new) => create(setup, &new)?,
            Event::Restore => return all("template_fixup", setup, family.template_fixup),
            Event::Clone => task("clear_machine_id", setup, machine_id::renew)?,
            Event::Net => return all("setup_network", setup, family.network),
            Event::Start => {
                task("create_fastboot", setup, fastboot)?;
                each_time(setup)?;
            }
        }
    } else if matches!(event, Event::Net | Event::Restore) {
        return Ok(());
    }
    if let Some(hint) = nesting_hint(root, settings) {
        setup.warn(hint);
    }
    Ok(())
}

/// Whether the settings are such that a guest can be set up by them.
///
/// # Errors
/// [`Error::BadSetting`] with the one that would not survive being written into a file of the guest.
pub fn check(settings: &Settings, host: &Host) -> Result<()> {
    checked(settings, host).map(drop)
}

fn checked(settings: &Settings, host: &Host) -> Result<Network> {
    let network = Network::new(settings, host)?;
    if let Some(name) = settings.hostname.as_deref()
        && (!is_word(name) || name.contains(['/', '"', '\\', '$', '`']))
    {
        return Err(Error::BadSetting { what: "a host name", value: name.to_owned() });
    }
    Ok(network)
}

/// Whether the guest can run on a host that has cgroup v2 only. The start goes on in any case; the caller
/// tells the user.
#[must_use]
pub fn supports_cgroup_v2(root: &Rootfs, guest: &Detected) -> CgroupV2 {
    if guest.family.any_init_on_cgroup_v2 {
        return CgroupV2::Supported;
    }
    match Init::of(root) {
        Init::Systemd(version) if version.is_none_or(|version| version < 232) => CgroupV2::Unsupported,
        _ => CgroupV2::Supported,
    }
}

/// What to say about a guest without `nesting`: newer systemd isolates services with namespaces of its own.
#[must_use]
pub fn nesting_hint(root: &Rootfs, settings: &Settings) -> Option<String> {
    match Init::of(root) {
        Init::Systemd(Some(version)) if version > 241 && !settings.nesting => {
            Some(format!("Systemd {version} detected. You may need to enable nesting."))
        }
        _ => None,
    }
}

fn create(setup: &mut Setup<'_>, new: &Create<'_>) -> Result<()> {
    let family = setup.guest.family;
    task("clear_machine_id", setup, machine_id::clear)?;
    if let Some(snakeoil) = family.snakeoil {
        task("fixup_snakeoil", setup, snakeoil)?;
    }
    all("template_fixup", setup, family.template_fixup)?;
    task("randomize_crontab", setup, crontab::randomize)?;
    task("set_user_password", setup, |setup| password::set(setup, new.password))?;
    if let Some(keys) = new.ssh_public_keys {
        task("set_user_authorized_ssh_keys", setup, |setup| authorized_keys::set(setup, keys))?;
    }
    each_time(setup)?;
    task("rewrite_ssh_host_keys", setup, |setup| host_keys::renew(setup, new.host_keys))
}

/// What create and start share.
fn each_time(setup: &mut Setup<'_>) -> Result<()> {
    let family = setup.guest.family;
    all("setup_init", setup, family.init)?;
    all("setup_network", setup, family.network)?;
    task("set_hostname", setup, family.hostname)?;
    task("set_dns", setup, dns::set)?;
    family.timezone.map_or(Ok(()), |timezone| task("set_timezone", setup, timezone))
}

fn all(name: &'static str, setup: &mut Setup<'_>, steps: &[Step]) -> Result<()> {
    steps.iter().try_for_each(|step| task(name, setup, step))
}

fn task(
    name: &'static str,
    setup: &mut Setup<'_>,
    step: impl Fn(&mut Setup<'_>) -> Result<()>,
) -> Result<()> {
    step(setup).map_err(|error| Error::Task { task: name, source: Box::new(error) })
}

/// Old inits check the disks at boot unless this file is there; in a container there are none.
fn fastboot(setup: &mut Setup<'_>) -> Result<()> {
    setup.root.replace("/fastboot", b"", Attributes::CONFIG)?;
    Ok(())
}
