//! Logins on the terminals of a guest with systemd (spec: guest set-up, parts 7.13 and 7.14).

use crate::{
    guest::{
        Setup,
        error::Result,
        systemd,
        text::{lines, unlines},
    },
    rootfs::Attributes,
};

const WANTS: &str = "/etc/systemd/system/getty.target.wants";
/// Terminals that may have been enabled before.
const TTYS: std::ops::RangeInclusive<u32> = 1..=6;

/// Runs a login on as many terminals as configured.
pub(crate) fn enable(setup: &mut Setup<'_>) -> Result<()> {
    let root = setup.root;
    let template = format!("{}/container-getty@.service", systemd::unit_dir(root)?);
    let Some(old) = root.read(&template)? else {
        return Ok(());
    };
    let tty = format!("{}tty%I", setup.tty_dir());
    root.replace(&template, &on_terminal(&old, tty.as_bytes()), Attributes::CONFIG)?;
    for number in TTYS {
        root.unlink(&format!("{WANTS}/getty@tty{number}.service"))?;
        let link = format!("{WANTS}/container-getty@{number}.service");
        if number > setup.settings.tty_count {
            root.unlink(&link)?;
        } else if root.is_dir(WANTS)? {
            root.replace_with_link(&template, &link)?;
        }
    }
    root.unlink("/etc/systemd/system/getty.target")?;
    Ok(())
}

/// The unit with its terminal where we have it: some releases expect it in `pts/`, some in `lxc/`.
fn on_terminal(unit: &[u8], tty: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(unit.len());
    let mut rest = unit;
    while let Some(first) = rest.first() {
        let known = [&b"pts/%I"[..], b"lxc/tty%I"].into_iter().find_map(|known| rest.strip_prefix(known));
        if let Some(after) = known {
            out.extend_from_slice(tty);
            rest = after;
        } else {
            out.push(*first);
            rest = &rest[1..];
        }
    }
    out
}

/// Lets the login service of a host's terminals run in a container, where there is none for containers; and
/// takes it back where there is one.
pub(crate) fn fix_old(setup: &mut Setup<'_>) -> Result<()> {
    let root = setup.root;
    let units = systemd::unit_dir(root)?;
    let path = format!("{units}/getty@.service");
    let Some(old) = root.read(&path)? else {
        return Ok(());
    };
    let (host, container) = (&b"ConditionPathExists=/dev/tty0"[..], &b"ConditionPathExists=/dev/tty"[..]);
    let (from, to) = match root.exists(&format!("{units}/container-getty@.service"))? {
        false => (host, container),
        true => (container, host),
    };
    if lines(&old).any(|line| line == from) {
        let new = unlines(lines(&old).map(|line| if line == from { to } else { line }));
        root.replace(&path, &new, Attributes::CONFIG)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mention_of_the_terminal_is_moved() {
        let unit = b"ConditionPathExists=/dev/pts/%I\nTTYPath=/dev/lxc/tty%I\nX=pts/%i\n";
        assert_eq!(
            on_terminal(unit, b"tty%I"),
            b"ConditionPathExists=/dev/tty%I\nTTYPath=/dev/tty%I\nX=pts/%i\n"
        );
        let once = on_terminal(unit, b"lxc/tty%I");
        assert_eq!(on_terminal(&once, b"lxc/tty%I"), once);
    }
}
