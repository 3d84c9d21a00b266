//! Debian: systemd or sysvinit, ifupdown; systemd-networkd where there is no ifupdown.

use crate::guest::{
    Message, Setup,
    actions::{getty, inittab, preset, snakeoil},
    error::{Error, Result},
    family::{Family, Probe, Trace, Version},
    systemd,
    writers::{
        ifupdown::{self, Style},
        networkd,
    },
};

const RELEASE: &str = "/etc/debian_version";
const OLDEST: Version = Version::new(4, 0);
const NEWEST_TESTED: u32 = 14;

/// Where they are before and after the folders of the root became links into `/usr`.
const IFUP: [&str; 2] = ["/sbin/ifup", "/usr/sbin/ifup"];
const NETWORKD: [&str; 2] = ["/lib/systemd/systemd-networkd", "/usr/lib/systemd/systemd-networkd"];

/// What is not a number: releases in the making.
const NAMES: [(&str, Version); 8] = [
    ("stretch/sid", Version::new(9, 1)),
    ("buster/sid", Version::new(10, 0)),
    ("bullseye/sid", Version::new(11, 0)),
    ("bookworm/sid", Version::new(12, 0)),
    ("trixie/sid", Version::new(13, 0)),
    ("forky/sid", Version::new(14, 0)),
    ("duke/sid", Version::new(15, 0)),
    ("kali-rolling", Version::new(12, 0)),
];

pub(crate) static FAMILY: Family = Family {
    ostype: "debian",
    ids: &["debian"],
    traces: &[Trace::File(RELEASE)],
    version,
    tty_dir: "",
    snakeoil: Some(snakeoil::replace_key),
    init: &[init],
    network: &[network],
    ..Family::BASE
};

fn version(probe: &Probe<'_>, messages: &mut Vec<Message>) -> Result<Version> {
    let text = probe.first_line(RELEASE)?;
    let named = NAMES.iter().find(|(name, _)| *name == text).map(|(_, version)| *version);
    let version = named
        .or_else(|| Version::leading(&text))
        .ok_or_else(|| Error::BadVersion { what: "unable to parse version info", version: text.clone() })?;
    if version < OLDEST {
        return Err(Error::TooOld { distribution: "Debian", version: text });
    }
    if version.major > NEWEST_TESTED {
        messages.push(Message::Warning(format!(
            "The container's Debian version '{}' is newer than the tested version '{NEWEST_TESTED}'. \
             While everything may work fine, full compatibility cannot be guaranteed. \
             Please check for updates.",
            version.major
        )));
    }
    Ok(version)
}

/// Terminals: of systemd, and in any case of sysvinit, which may be installed beside it.
pub(crate) fn init(setup: &mut Setup<'_>) -> Result<()> {
    if systemd::is_init(setup.root)? {
        getty::enable(setup)?;
        if setup.guest.version.major >= 12 {
            let preset =
                if has_networkd_only(setup)? { preset::with_networkd } else { preset::without_networkd };
            preset(setup)?;
        }
    }
    inittab::debian(setup)
}

fn network(setup: &mut Setup<'_>) -> Result<()> {
    let style = if setup.guest.version.major >= 10 { Style::Cidr } else { Style::Netmask };
    ifupdown::write(setup, &setup.network.interfaces, style)?;
    // netplan, too, has its work done by it.
    if has_networkd_only(setup)? { networkd::write(setup) } else { Ok(()) }
}

/// Whether nobody but systemd-networkd can bring the network up, as in images for clouds.
fn has_networkd_only(setup: &Setup<'_>) -> Result<bool> {
    let root = setup.root;
    let has = |[old, new]: [&str; 2]| Ok::<_, Error>(root.exists(old)? || root.exists(new)?);
    Ok(has(NETWORKD)? && !has(IFUP)?)
}
