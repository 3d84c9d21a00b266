//! Which units systemd enables at the first boot, and which never run (spec: guest set-up, part 7.15).

use std::collections::BTreeMap;

use crate::{
    guest::{Setup, error::Result},
    rootfs::Attributes,
};

const FOLDER: &str = "/etc/systemd/system-preset";
const DEFAULTS: [(&str, bool); 4] = [
    ("container-getty@.service", true),
    ("getty@.service", false),
    ("sys-kernel-config.mount", false),
    ("sys-kernel-debug.mount", false),
];
const STATIC_UNITS: [&str; 2] = ["sys-kernel-config.mount", "sys-kernel-debug.mount"];

/// The preset of a container.
pub(crate) fn plain(setup: &mut Setup<'_>) -> Result<()> {
    write(setup, &[])
}

/// The same, and the network is systemd-networkd's business.
pub(crate) fn with_networkd(setup: &mut Setup<'_>) -> Result<()> {
    write(setup, &[("systemd-networkd.service", true)])
}

/// The same, and the network is not systemd-networkd's business.
pub(crate) fn without_networkd(setup: &mut Setup<'_>) -> Result<()> {
    write(setup, &[("systemd-networkd.service", false)])
}

fn write(setup: &Setup<'_>, extra: &[(&str, bool)]) -> Result<()> {
    setup.root.make_path(FOLDER, 0o755)?;
    setup.root.replace(&format!("{FOLDER}/00-pve.preset"), rendered(extra).as_bytes(), Attributes::CONFIG)?;
    Ok(())
}

fn rendered(extra: &[(&str, bool)]) -> String {
    let units: BTreeMap<&str, bool> = DEFAULTS.iter().chain(extra).copied().collect();
    let mut out = "# Added by PVE at create-time for first-boot configuration.\n".to_owned();
    for (unit, enabled) in units {
        out.push_str(&format!("{} {unit}\n", if enabled { "enable" } else { "disable" }));
    }
    out
}

/// Masks units that no preset can switch off.
pub(crate) fn mask_static_units(setup: &mut Setup<'_>) -> Result<()> {
    mask(setup, &STATIC_UNITS)
}

/// Masks units, unless there is a file of the administrator in that place.
pub(crate) fn mask(setup: &mut Setup<'_>, units: &[&str]) -> Result<()> {
    for unit in units {
        setup.root.symlink("/dev/null", &format!("/etc/systemd/system/{unit}"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_sorted_by_name() {
        let expected = "# Added by PVE at create-time for first-boot configuration.\n\
                        enable container-getty@.service\n\
                        disable getty@.service\n\
                        disable sys-kernel-config.mount\n\
                        disable sys-kernel-debug.mount\n";
        assert_eq!(rendered(&[]), expected);
        let networkd = rendered(&[("systemd-networkd.service", true)]);
        assert_eq!(networkd, format!("{expected}enable systemd-networkd.service\n"));
        assert!(rendered(&[("getty@.service", true)]).contains("\nenable getty@.service\n"));
    }
}
