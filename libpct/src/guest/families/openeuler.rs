//! openEuler: a relative of CentOS with numbers of its own.

use crate::guest::{
    Message, Setup,
    actions::{getty, hostname, lxc_name, preset},
    error::{Error, Result},
    families::centos,
    family::{Family, Probe, Trace, Version},
};

const OLDEST: u32 = 24;

pub(crate) static FAMILY: Family = Family {
    ostype: "openeuler",
    ids: &["openeuler", "openEuler"],
    traces: &[Trace::File("/etc/openEuler-release")],
    version,
    template_fixup: &[lxc_name::remove, preset::mask_static_units, mask_mqueue],
    init: &[getty::enable, preset::plain],
    network: &[centos::network],
    hostname: hostname::set_full,
    ..Family::BASE
};

fn version(probe: &Probe<'_>, _: &mut Vec<Message>) -> Result<Version> {
    let text = probe.version_id()?;
    let version = Version::leading(text).filter(|version| version.major >= OLDEST);
    version.ok_or_else(|| Error::Unsupported { distribution: "openEuler release", version: text.to_owned() })
}

fn mask_mqueue(setup: &mut Setup<'_>) -> Result<()> {
    preset::mask(setup, &["dev-mqueue.mount"])
}
