//! CentOS and its relatives: RHEL, Rocky, Alma.

use crate::guest::{
    Message, Setup,
    actions::{getty, hostname, locale, lxc_name, preset, securetty, upstart},
    error::{Error, Result},
    family::{Family, Probe, Trace, Version},
    text::first_line,
    writers::{network_scripts, networkmanager},
};

const RELEASE: &str = "/etc/redhat-release";
const OLDEST: Version = Version::new(5, 0);
const TOO_NEW: Version = Version::new(11, 0);
const NETWORKMANAGER_SINCE: u32 = 10;
const SYSTEMD_SINCE: u32 = 7;
const PRESETS_SINCE: u32 = 8;

pub(crate) static FAMILY: Family = Family {
    ostype: "centos",
    ids: &["centos", "rocky", "almalinux"],
    traces: &[Trace::File("/etc/centos-release"), Trace::File(RELEASE)],
    version,
    template_fixup: &[
        upstart_jobs,
        locale::set_default,
        securetty::allow_ttys,
        lxc_name::remove,
        preset::mask_static_units,
    ],
    init: &[getty::fix_old, getty::enable, presets],
    network: &[network],
    hostname: hostname::set_full,
    ..Family::BASE
};

fn version(probe: &Probe<'_>, _: &mut Vec<Message>) -> Result<Version> {
    let line = probe.first_line(RELEASE)?;
    let (text, version) = release(&line)
        .ok_or_else(|| Error::BadVersion { what: "unable to parse centos version", version: line.clone() })?;
    if version < OLDEST || version >= TOO_NEW {
        return Err(Error::Unsupported { distribution: "centos version", version: text });
    }
    Ok(version)
}

/// The number behind the word `release`.
fn release(line: &str) -> Option<(String, Version)> {
    line.match_indices("release").find_map(|(at, word)| {
        let rest = &line[at + word.len()..];
        let number = rest.trim_start();
        let version = Version::leading(number).filter(|_| number.len() < rest.len())?;
        let dots = number.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect::<String>();
        Some((dots.split('.').take(2).collect::<Vec<_>>().join("."), version))
    })
}

fn upstart_jobs(setup: &mut Setup<'_>) -> Result<()> {
    if setup.guest.version.major < SYSTEMD_SINCE { upstart::centos(setup) } else { Ok(()) }
}

fn presets(setup: &mut Setup<'_>) -> Result<()> {
    if setup.guest.version.major >= PRESETS_SINCE { preset::plain(setup) } else { Ok(()) }
}

/// The network of all who have a `redhat-release`: by the number in that file, which need not be that of the
/// distribution. Without the file the distribution's own number counts.
pub(crate) fn network(setup: &mut Setup<'_>) -> Result<()> {
    let data = setup.root.read(RELEASE)?.unwrap_or_default();
    let version = release(&first_line(&data)).map_or(setup.guest.version, |(_, version)| version);
    if version.major >= NETWORKMANAGER_SINCE {
        networkmanager::write(setup)
    } else {
        network_scripts::write(setup)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_follows_the_word() {
        let found = |line: &str| release(line).map(|(text, version)| (text, version.major, version.minor));
        assert_eq!(found("CentOS Linux release 7.9.2009 (Core)"), Some(("7.9".to_owned(), 7, 9)));
        assert_eq!(found("CentOS Stream release 9"), Some(("9".to_owned(), 9, 0)));
        assert_eq!(found("released release 6.10 (Final)"), Some(("6.10".to_owned(), 6, 10)));
        assert_eq!(found("CentOS release9"), None);
        assert_eq!(found("CentOS"), None);
    }
}
