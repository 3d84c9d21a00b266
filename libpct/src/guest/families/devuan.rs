//! Devuan: Debian without systemd.

use crate::guest::{
    Setup,
    actions::snakeoil,
    error::{Error, Result},
    families::debian,
    family::{Family, Trace, Version},
    writers::ifupdown::{self, Style},
};

const RELEASE: &str = "/etc/devuan_version";
const NAMES: [(&str, u32); 6] =
    [("jessie", 8), ("ascii", 9), ("beowulf", 10), ("chimaera", 11), ("daedalus", 12), ("excalibur", 13)];

pub(crate) static FAMILY: Family = Family {
    ostype: "devuan",
    ids: &["devuan"],
    traces: &[Trace::File(RELEASE)],
    version: |probe, _| {
        let text = probe.first_line(RELEASE)?.to_lowercase();
        let name = text.strip_suffix("/ceres").filter(|name| *name != "jessie").unwrap_or(&text);
        let known = NAMES.iter().find(|(known, _)| *known == name);
        let unsupported = || Error::Unsupported { distribution: "Devuan version", version: text.clone() };
        known.map(|(_, major)| Version::new(*major, 0)).ok_or_else(unsupported)
    },
    tty_dir: "",
    snakeoil: Some(snakeoil::replace_key),
    init: &[debian::init],
    network: &[network],
    any_init_on_cgroup_v2: true,
    ..Family::BASE
};

fn network(setup: &mut Setup<'_>) -> Result<()> {
    ifupdown::write(setup, &setup.network.interfaces, Style::Netmask)
}
