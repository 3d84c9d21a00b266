//! openSUSE Leap, Tumbleweed, Slowroll, and SLES.

use crate::guest::{
    Message, Setup,
    actions::{getty, locale, lxc_name, securetty},
    error::{Error, Result},
    family::{Family, Probe, Trace, Version},
    writers::{networkd, suse},
};

pub(crate) static FAMILY: Family = Family {
    ostype: "opensuse",
    ids: &["opensuse", "opensuse-leap", "opensuse-tumbleweed", "opensuse-slowroll", "sles"],
    traces: &[Trace::File("/etc/SuSE-brand"), Trace::File("/etc/SuSE-release")],
    version,
    template_fixup: &[securetty::allow_ttys, locale::set_default, default_timezone, lxc_name::remove],
    init: &[getty::fix_old, getty::enable],
    network: &[network],
    ..Family::BASE
};

/// `N.M`, or the day of a rolling release.
fn version(probe: &Probe<'_>, _: &mut Vec<Message>) -> Result<Version> {
    let text = probe.version_id()?;
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let unsupported = |distribution| Error::Unsupported { distribution, version: text.to_owned() };
    if text.len() == 8 && is_digits(text) {
        let number = |part: &str| part.parse::<u32>().unwrap_or(0);
        let (year, month, day) = (number(&text[..4]), number(&text[4..6]), number(&text[6..]));
        if year < 2017 || month > 12 || day > 31 {
            return Err(unsupported("suse tumbleweed release"));
        }
        return Ok(Version::new(number(text), 0));
    }
    let shape = text.split_once('.').is_some_and(|(major, minor)| is_digits(major) && is_digits(minor));
    let version = Version::leading(text).filter(|_| shape);
    let version =
        version.ok_or_else(|| Error::BadVersion { what: "unrecognized suse release", version: text.to_owned() })?;
    let is_sles = probe.os_release.id.as_deref() == Some("sles");
    match (version.major, version.minor) {
        (42.., _) | (13, 0..=2) | (15 | 16, _) => Ok(version),
        (12, _) if is_sles => Ok(version),
        _ => Err(unsupported("suse release")),
    }
}

fn default_timezone(setup: &mut Setup<'_>) -> Result<()> {
    setup.root.symlink("/usr/share/zoneinfo/UTC", "/etc/localtime")?;
    Ok(())
}

fn network(setup: &mut Setup<'_>) -> Result<()> {
    suse::write(setup)?;
    if setup.root.exists("/usr/lib/systemd/systemd-networkd")? { networkd::write(setup) } else { Ok(()) }
}
