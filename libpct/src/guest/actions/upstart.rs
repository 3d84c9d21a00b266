//! Jobs of upstart, the init of CentOS 6 and of Ubuntu up to 14.10 (spec: guest set-up, parts 9.3 and 9.7).
//! Only their effect is given, the wording is ours.

use crate::{
    guest::{
        Setup,
        error::Result,
        text::{contains, lines, unlines},
    },
    rootfs::Attributes,
};

const FOLDER: &str = "/etc/init";
const MINGETTY: &[u8] = b"exec /sbin/mingetty";
const TTY: &str = "\
# A login on the terminal $TTY
stop on runlevel [S016]
respawn
instance $TTY
exec /sbin/mingetty --nohangup $TTY
usage 'tty TTY=/dev/ttyN'
";
const START_TTYS: &str = "\
# Starts a login on each terminal
start on stopped rc RUNLEVEL=[2345]
env ACTIVE_CONSOLES=/dev/tty[1-6]
env X_TTY=/dev/tty1
task
script
    . /etc/sysconfig/init
    for tty in $(echo $ACTIVE_CONSOLES); do
        if [ \"$RUNLEVEL\" = 5 ] && [ \"$tty\" = \"$X_TTY\" ]; then continue; fi
        initctl start tty TTY=$tty
    done
end script
";
const POWER: &str = "\
# Shuts down when the host asks for it
start on power-status-changed
exec /sbin/shutdown -h now \"SIGPWR received\"
";
/// Terminals for which Ubuntu has jobs.
const UBUNTU_TTYS: std::ops::RangeInclusive<u32> = 1..=6;

/// CentOS: logins that do not hang up the terminal, shutdown on request, no udev.
pub(crate) fn centos(setup: &mut Setup<'_>) -> Result<()> {
    let root = setup.root;
    root.make_path(FOLDER, 0o755)?;
    let tty = format!("{FOLDER}/tty.conf");
    let content = root.read(&tty)?.map_or_else(|| TTY.as_bytes().to_vec(), |old| without_hangup(&old));
    root.replace(&tty, &content, Attributes::CONFIG)?;
    for (name, content) in [("start-ttys.conf", START_TTYS), ("power-status-changed.conf", POWER)] {
        let path = format!("{FOLDER}/{name}");
        if !root.exists(&path)? {
            root.replace(&path, content.as_bytes(), Attributes::CONFIG)?;
        }
    }
    let sysinit = "/etc/rc.d/rc.sysinit";
    if let Some(old) = root.read(sysinit)? {
        let is_udev = |line: &[u8]| line.starts_with(b"/sbin/start_udev");
        let new = unlines(
            lines(&old).map(|line| if is_udev(line) { [b"#", line].concat() } else { line.to_vec() }),
        );
        root.replace(sysinit, &new, Attributes::CONFIG)?;
    }
    Ok(())
}

fn without_hangup(old: &[u8]) -> Vec<u8> {
    unlines(lines(old).map(|line| {
        let at =
            line.windows(MINGETTY.len()).position(|window| window == MINGETTY).map(|at| at + MINGETTY.len());
        match at {
            Some(at) if !contains(line, b"--nohangup") => [&line[..at], b" --nohangup", &line[at..]].concat(),
            _ => line.to_vec(),
        }
    }))
}

/// Ubuntu: a login on as many terminals as configured.
pub(crate) fn ubuntu(setup: &mut Setup<'_>) -> Result<()> {
    for tty in UBUNTU_TTYS {
        let path = format!("{FOLDER}/tty{tty}.conf");
        if tty > setup.settings.tty_count {
            setup.root.unlink(&path)?;
            continue;
        }
        let job = format!(
            "# A login on tty{tty}\n\
             start on stopped rc RUNLEVEL=[2345] and (not-container or container CONTAINER=lxc or \
             container CONTAINER=lxc-libvirt)\n\
             stop on runlevel [!2345]\n\
             respawn\n\
             exec /sbin/getty -8 38400 tty{tty}\n"
        );
        setup.root.make_path(FOLDER, 0o755)?;
        setup.root.replace(&path, job.as_bytes(), Attributes::CONFIG)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_option_is_added_once() {
        let once = without_hangup(b"respawn\nexec /sbin/mingetty $TTY\n");
        assert_eq!(once, b"respawn\nexec /sbin/mingetty --nohangup $TTY\n");
        assert_eq!(without_hangup(&once), once);
    }
}
