//! Fedora: systemd; systemd-networkd, and in old releases what CentOS has.

use crate::guest::{
    Message, Setup,
    actions::{getty, hostname, lxc_name, preset, securetty},
    error::{Error, Result},
    families::centos,
    family::{Family, Probe, Trace, Version},
    writers::networkd,
};

const OLDEST: u32 = 22;
const NETWORKD_SINCE: u32 = 25;
/// Up to here the old way still counts where its folder is.
const NETWORK_SCRIPTS_UNTIL: u32 = 27;
const PRESETS_SINCE: u32 = 37;

pub(crate) static FAMILY: Family = Family {
    ostype: "fedora",
    ids: &["fedora"],
    traces: &[Trace::File("/etc/fedora-release")],
    version,
    template_fixup: &[securetty::allow_ttys, drop_getty_override, lxc_name::remove],
    init: &[getty::enable, presets],
    network: &[network],
    hostname: hostname::set_full,
    ..Family::BASE
};

fn version(probe: &Probe<'_>, _: &mut Vec<Message>) -> Result<Version> {
    let text = probe.version_id()?;
    let version = Version::leading(text).filter(|version| version.major >= OLDEST);
    version.ok_or_else(|| Error::Unsupported { distribution: "Fedora release", version: text.to_owned() })
}

fn drop_getty_override(setup: &mut Setup<'_>) -> Result<()> {
    setup.root.unlink("/etc/systemd/system/getty@.service")?;
    Ok(())
}

fn presets(setup: &mut Setup<'_>) -> Result<()> {
    if setup.guest.version.major >= PRESETS_SINCE { preset::with_networkd(setup) } else { Ok(()) }
}

fn network(setup: &mut Setup<'_>) -> Result<()> {
    let release = setup.guest.version.major;
    let has_sysconfig = setup.root.exists("/etc/sysconfig/network")?;
    if release < NETWORKD_SINCE || (release <= NETWORK_SCRIPTS_UNTIL && has_sysconfig) {
        centos::network(setup)?;
    }
    if release >= NETWORKD_SINCE { networkd::write(setup) } else { Ok(()) }
}
