//! Logins on the terminals of a guest with `/etc/inittab` (spec: guest set-up, part 9.2).

use crate::{
    guest::{
        Setup,
        error::Result,
        family::Version,
        text::{contains, lines, split_digits, unlines},
    },
    rootfs::Attributes,
};

const PATH: &str = "/etc/inittab";
/// No login was ever put on this one.
const SKIPPED_TTY: u32 = 7;

/// The dialects of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dialect {
    Debian { getty_option: &'static str },
    Busybox,
    Gentoo,
}

/// sysvinit as Debian and Devuan have it.
pub(crate) fn debian(setup: &mut Setup<'_>) -> Result<()> {
    let old = setup.guest.version < Version::new(7, 0);
    edit(setup, Dialect::Debian { getty_option: if old { "-L" } else { "--noclear" } })
}

/// busybox init.
pub(crate) fn busybox(setup: &mut Setup<'_>) -> Result<()> {
    edit(setup, Dialect::Busybox)
}

/// sysvinit as Gentoo has it.
pub(crate) fn gentoo(setup: &mut Setup<'_>) -> Result<()> {
    edit(setup, Dialect::Gentoo)
}

fn edit(setup: &mut Setup<'_>, dialect: Dialect) -> Result<()> {
    if let Some(old) = setup.root.read(PATH)? {
        setup.root.replace(PATH, &edited(&old, dialect, setup.settings.tty_count), Attributes::CONFIG)?;
    }
    Ok(())
}

fn edited(old: &[u8], dialect: Dialect, tty_count: u32) -> Vec<u8> {
    let mut out = unlines(lines(old).filter(|line| !is_replaced(line, dialect)));
    let mut add = |line: String| {
        out.extend_from_slice(line.as_bytes());
        out.push(b'\n');
    };
    if matches!(dialect, Dialect::Debian { .. }) {
        add("p0::powerfail:/sbin/init 0".to_owned());
    }
    for tty in (1..=tty_count).filter(|tty| *tty != SKIPPED_TTY) {
        add(match dialect {
            Dialect::Debian { getty_option } => {
                let runlevels = if tty == 1 { "2345" } else { "23" };
                format!("{tty}:{runlevels}:respawn:/sbin/getty {getty_option} 38400 tty{tty}")
            }
            Dialect::Busybox => format!("tty{tty}::respawn:/sbin/getty 38400 tty{tty}"),
            Dialect::Gentoo => format!("{tty}::respawn:/sbin/agetty 38400 tty{tty}"),
        });
    }
    out
}

/// Whether a line is one of those that we write, in any wording: a login on a numbered terminal, or what to
/// do when the power fails.
fn is_replaced(line: &[u8], dialect: Dialect) -> bool {
    let mut fields = line.trim_ascii_start().splitn(4, |b| *b == b':');
    let id = fields.next().unwrap_or_default();
    let runlevels = fields.next();
    if matches!(dialect, Dialect::Debian { .. })
        && runlevels.is_some()
        && matches!(id, b"pf" | b"pn" | b"po" | b"p0")
    {
        return true;
    }
    let number = match dialect {
        Dialect::Debian { .. } => Some(id),
        Dialect::Busybox => id.strip_prefix(b"tty"),
        Dialect::Gentoo => Some(id.strip_prefix(b"c").unwrap_or(id)),
    };
    let is_number = |text: &[u8]| split_digits(text).1.is_empty();
    number.is_some_and(|number| !number.is_empty() && is_number(number))
        && runlevels.is_some_and(is_number)
        && fields.next().is_some()
        && fields.next().is_some_and(|process| contains(process, b"getty"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEBIAN: Dialect = Dialect::Debian { getty_option: "--noclear" };

    #[test]
    fn debians_terminals_and_power_lines() {
        let old = b"id:2:initdefault:\n 1:2345:respawn:/sbin/getty 38400 tty1\npf::powerwait:x\npn::x\npo::x\np0::x\n\
                    #T0:23:respawn:/sbin/getty -L ttyS0\nT1:23:respawn:/sbin/getty x\n9:2:off:/bin/x";
        let new = b"id:2:initdefault:\n#T0:23:respawn:/sbin/getty -L ttyS0\nT1:23:respawn:/sbin/getty x\n9:2:off:/bin/x\n\
                    p0::powerfail:/sbin/init 0\n1:2345:respawn:/sbin/getty --noclear 38400 tty1\n\
                    2:23:respawn:/sbin/getty --noclear 38400 tty2\n";
        assert_eq!(edited(old, DEBIAN, 2), new);
        assert_eq!(edited(new, DEBIAN, 2), new);
    }

    #[test]
    fn busybox_terminals() {
        let old = b"::sysinit:/sbin/openrc sysinit\ntty1::respawn:/sbin/getty 38400 tty1\n::ctrlaltdel:/sbin/reboot\n";
        let new = "::sysinit:/sbin/openrc sysinit\n::ctrlaltdel:/sbin/reboot\ntty1::respawn:/sbin/getty 38400 tty1\n";
        assert_eq!(String::from_utf8(edited(old, Dialect::Busybox, 1)).unwrap(), new);
        assert_eq!(
            edited(old, Dialect::Busybox, 0),
            b"::sysinit:/sbin/openrc sysinit\n::ctrlaltdel:/sbin/reboot\n"
        );
    }

    #[test]
    fn gentoos_terminals() {
        let old = b"c1:12345:respawn:/sbin/agetty 38400 tty1 linux\nx1:12345:respawn:/sbin/agetty s0\n";
        let new = "x1:12345:respawn:/sbin/agetty s0\n1::respawn:/sbin/agetty 38400 tty1\n";
        assert_eq!(String::from_utf8(edited(old, Dialect::Gentoo, 1)).unwrap(), new);
    }

    #[test]
    fn there_is_no_seventh_terminal() {
        let new = String::from_utf8(edited(b"", Dialect::Busybox, 8)).unwrap();
        assert_eq!(new.lines().count(), 7);
        assert!(!new.contains("tty7") && new.contains("tty8"));
    }
}
