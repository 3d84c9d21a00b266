//! `/etc/securetty`: on which terminals root may log in (spec: guest set-up, part 7.12).

use crate::{
    guest::{
        Setup,
        error::Result,
        text::{lines, unlines},
    },
    rootfs::Attributes,
};

const PATH: &str = "/etc/securetty";

/// Allows the terminals that a container has.
pub(crate) fn allow_ttys(setup: &mut Setup<'_>) -> Result<()> {
    let prefix = setup.tty_dir();
    allow(setup, &["console", "tty1", "tty2", "tty3", "tty4"].map(|tty| format!("{prefix}{tty}")))
}

/// Adds the terminals that are missing. Without the file all are allowed.
pub(crate) fn allow(setup: &mut Setup<'_>, ttys: &[String]) -> Result<()> {
    if let Some(old) = setup.root.read(PATH)? {
        setup.root.replace(PATH, &extended(&old, ttys), Attributes::CONFIG)?;
    }
    Ok(())
}

fn extended(old: &[u8], ttys: &[String]) -> Vec<u8> {
    let mut all: Vec<&[u8]> = lines(old).collect();
    for tty in ttys {
        if !all.iter().any(|line| line.trim_ascii_end() == tty.as_bytes()) {
            all.push(tty.as_bytes());
        }
    }
    unlines(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_terminals_are_appended() {
        let ttys = ["console", "tty1", "tty2"].map(str::to_owned);
        assert_eq!(
            extended(b"console \ntty1\n# more\nttyS0", &ttys),
            b"console \ntty1\n# more\nttyS0\ntty2\n"
        );
        assert_eq!(extended(b"", &ttys[..1]), b"console\n");
    }
}
