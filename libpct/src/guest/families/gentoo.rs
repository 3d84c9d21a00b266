//! Gentoo: OpenRC and netifrc.

use crate::{
    guest::{
        Message, Setup,
        actions::{hostname, inittab, lxc_name, securetty},
        error::{Error, Result},
        family::{Family, Probe, Trace, Version},
        writers::netifrc,
    },
    rootfs::Attributes,
};

const RELEASE: &str = "/etc/gentoo-release";
const PREFIX: &str = "gentoo base system release ";

pub(crate) static FAMILY: Family = Family {
    ostype: "gentoo",
    ids: &["gentoo"],
    traces: &[Trace::File(RELEASE)],
    version,
    tty_dir: "",
    template_fixup: &[securetty::allow_ttys, lxc_name::remove],
    init: &[inittab::gentoo],
    network: &[netifrc::write],
    hostname: set_hostname,
    ..Family::BASE
};

fn version(probe: &Probe<'_>, _: &mut Vec<Message>) -> Result<Version> {
    let line = probe.first_line(RELEASE)?;
    match line.get(..PREFIX.len()) {
        Some(prefix) if prefix.eq_ignore_ascii_case(PREFIX) => {
            Ok(Version::leading(&line[PREFIX.len()..]).unwrap_or_default())
        }
        _ => Err(Error::BadVersion { what: "unrecognized gentoo version:", version: line }),
    }
}

fn set_hostname(setup: &mut Setup<'_>) -> Result<()> {
    hostname::update_hosts(setup)?;
    let line = format!("hostname=\"{}\"\n", setup.short_hostname());
    setup.root.make_path("/etc/conf.d", 0o755)?;
    setup.root.replace("/etc/conf.d/hostname", line.as_bytes(), Attributes::CONFIG)?;
    Ok(())
}
