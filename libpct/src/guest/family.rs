//! What a distribution is to us: data, and the few functions that differ.

use std::fmt;

use crate::rootfs::Rootfs;

use super::{
    Message, Setup, actions,
    error::{Error, Result},
    os_release::OsRelease,
    text::{first_line, split_digits},
};

/// One thing done to a guest.
pub(crate) type Step = fn(&mut Setup<'_>) -> Result<()>;

/// A distribution and its relatives that are set up in the same way. A new one is a file in `families/` and a
/// line in the table there (spec: guest set-up, part 9).
pub(crate) struct Family {
    /// The name in the config.
    pub ostype: &'static str,
    /// The `ID`s in os-release that mean it.
    pub ids: &'static [&'static str],
    /// What betrays it when os-release does not.
    pub traces: &'static [Trace],
    /// Finds the version, and refuses what is too old or too new.
    pub version: fn(&Probe<'_>, &mut Vec<Message>) -> Result<Version>,
    /// Which program tells the architecture.
    pub shell: Shell,
    /// Whether anything is written at all.
    pub managed: bool,
    /// Where the terminals are in a privileged container, below `/dev`.
    pub tty_dir: &'static str,
    /// At create only, before all else.
    pub snakeoil: Option<Step>,
    /// At create and restore.
    pub template_fixup: &'static [Step],
    /// At create and each start: terminals and power.
    pub init: &'static [Step],
    /// The network files.
    pub network: &'static [Step],
    /// The name of the machine.
    pub hostname: Step,
    /// The time zone.
    pub timezone: Option<Step>,
    /// Whether any init of it works on a host with cgroup v2 only.
    pub any_init_on_cgroup_v2: bool,
}

impl Family {
    /// What most distributions share.
    pub(crate) const BASE: Self = Self {
        ostype: "",
        ids: &[],
        traces: &[],
        version: |_, _| Ok(Version::default()),
        shell: Shell::BinSh,
        managed: true,
        tty_dir: "lxc/",
        snakeoil: None,
        template_fixup: &[],
        init: &[],
        network: &[],
        hostname: actions::hostname::set_short,
        timezone: Some(actions::timezone::set),
        any_init_on_cgroup_v2: false,
    };
}

impl fmt::Debug for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Family").field(&self.ostype).finish()
    }
}

/// Something that only one distribution has.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Trace {
    /// A regular file.
    File(&'static str),
    /// A folder.
    Folder(&'static str),
    /// A line in a file, in any case.
    Line(&'static str, &'static str),
}

/// The program whose ELF header tells the architecture.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shell {
    /// `/bin/sh`.
    BinSh,
    /// The interpreter in the first line of `/sbin/init`.
    InitInterpreter,
    /// None: the architecture is not looked for.
    Unknown,
}

/// A release: `major.minor`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// Before the dot.
    pub major: u32,
    /// After it; 0 if there is nothing.
    pub minor: u32,
}

impl Version {
    pub(crate) const fn new(major: u32, minor: u32) -> Self {
        Self { major, minor }
    }

    /// The number at the start of a text: digits, and digits after a dot.
    pub(crate) fn leading(text: &str) -> Option<Self> {
        let (major, rest) = split_digits(text.as_bytes());
        let minor = rest.strip_prefix(b".").map(|rest| split_digits(rest).0).unwrap_or_default();
        let number = |digits: &[u8]| std::str::from_utf8(digits).ok()?.parse().ok();
        Some(Self::new(number(major)?, number(minor).unwrap_or(0)))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// What the version is read from.
pub(crate) struct Probe<'a> {
    pub root: &'a Rootfs,
    pub os_release: &'a OsRelease,
}

impl Probe<'_> {
    /// The first line of a file that has to be there.
    pub(crate) fn first_line(&self, path: &str) -> Result<String> {
        Ok(first_line(&self.root.read(path)?.ok_or(Error::NoVersion)?))
    }

    /// `VERSION_ID`, which has to be there.
    pub(crate) fn version_id(&self) -> Result<&str> {
        self.os_release.version_id.as_deref().ok_or(Error::NoVersion)
    }
}
