//! Ubuntu: upstart, then systemd; ifupdown, then systemd-networkd.

use crate::{
    guest::{
        Message, Setup,
        actions::{getty, preset, securetty, snakeoil, upstart},
        error::{Error, Result},
        family::{Family, Probe, Trace, Version},
        text::lines,
        writers::{
            ifupdown::{self, Style},
            networkd,
        },
    },
    rootfs::Attributes,
};

const RELEASE: &str = "/etc/lsb-release";
const OLD_RELEASES: [Version; 6] = [
    Version::new(12, 4),
    Version::new(14, 4),
    Version::new(15, 4),
    Version::new(15, 10),
    Version::new(16, 4),
    Version::new(16, 10),
];
/// From here on all releases of April and October are known, up to those of the last year.
const FIRST_YEAR: u32 = 17;
const LAST_YEAR: u32 = 26;

const NETWORKD_SINCE: Version = Version::new(17, 10);
const PRESETS_SINCE: Version = Version::new(23, 4);
const GETTY_SINCE: Version = Version::new(16, 10);

pub(crate) static FAMILY: Family = Family {
    ostype: "ubuntu",
    ids: &["ubuntu"],
    traces: &[Trace::Line(RELEASE, "DISTRIB_ID=Ubuntu")],
    version,
    tty_dir: "",
    snakeoil: Some(snakeoil::replace_key),
    template_fixup: &[fix_template],
    init: &[init],
    network: &[network],
    ..Family::BASE
};

fn version(probe: &Probe<'_>, messages: &mut Vec<Message>) -> Result<Version> {
    let data = probe.root.read(RELEASE)?.ok_or(Error::NoVersion)?;
    let value = |key: &str| {
        let line = lines(&data).find_map(|line| line.strip_prefix(key.as_bytes()));
        line.map(|value| String::from_utf8_lossy(value.trim_ascii()).into_owned())
    };
    let id = value("DISTRIB_ID=").unwrap_or_default();
    if !id.eq_ignore_ascii_case("ubuntu") {
        return Err(Error::BadVersion { what: "got unknown DISTRIB_ID", version: id });
    }
    let text = value("DISTRIB_RELEASE=").ok_or(Error::NoVersion)?;
    let shape = text.len() == 5 && text.as_bytes()[2] == b'.';
    let version = Version::leading(&text).filter(|_| shape).ok_or(Error::NoVersion)?;
    let is_recent = (FIRST_YEAR..=LAST_YEAR).contains(&version.major) && matches!(version.minor, 4 | 10);
    if !is_recent && !OLD_RELEASES.contains(&version) {
        if version.major < FIRST_YEAR {
            return Err(Error::Unsupported { distribution: "ancient Ubuntu version", version: text });
        }
        messages.push(Message::Warning(format!(
            "The container's Ubuntu version '{text}' is not in the known version list. As it's newer than the \
             minimum supported version it's likely to work OK, but full compatibility cannot be guaranteed. \
             Please check for updates."
        )));
    }
    Ok(version)
}

fn fix_template(setup: &mut Setup<'_>) -> Result<()> {
    let root = setup.root;
    let version = setup.guest.version;
    if (NETWORKD_SINCE..PRESETS_SINCE).contains(&version) {
        // The second folder has that name in the original; systemd does not look at it.
        for (target, unit) in [("multi-user", "systemd-networkd.service"), ("socket", "systemd-networkd.socket")] {
            let wants = format!("/etc/systemd/system/{target}.target.wants");
            root.make_path(&wants, 0o755)?;
            root.symlink(&format!("/lib/systemd/system/{unit}"), &format!("{wants}/{unit}"))?;
        }
    }
    if version >= NETWORKD_SINCE {
        root.unlink("/etc/netplan/10-lxc.yaml")?;
    }
    match (version.major, version.minor) {
        (15, _) | (16, 4) => securetty::allow(setup, &["pts/0".to_owned()]),
        (12, 4) => quiet_udev(setup),
        _ => Ok(()),
    }
}

/// A word that the udev of that time does not understand in a container.
fn quiet_udev(setup: &mut Setup<'_>) -> Result<()> {
    const PATH: &str = "/etc/udev/udev.conf";
    const WORD: &[u8] = b"=\"err\"";
    if let Some(old) = setup.root.read(PATH)?
        && let Some(at) = old.windows(WORD.len()).position(|window| window == WORD)
    {
        let new = [&old[..at], b"=0", &old[at + WORD.len()..]].concat();
        setup.root.replace(PATH, &new, Attributes::CONFIG)?;
    }
    Ok(())
}

fn init(setup: &mut Setup<'_>) -> Result<()> {
    let version = setup.guest.version;
    if version.major < 15 {
        return upstart::ubuntu(setup);
    }
    if version >= PRESETS_SINCE {
        preset::with_networkd(setup)?;
    }
    if version >= GETTY_SINCE {
        getty::enable(setup)?;
    }
    Ok(())
}

fn network(setup: &mut Setup<'_>) -> Result<()> {
    if setup.guest.version >= NETWORKD_SINCE {
        networkd::write(setup)
    } else {
        ifupdown::write(setup, &setup.network.interfaces, Style::Netmask)
    }
}
