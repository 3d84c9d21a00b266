//! What liblxc 5 to 7 makes of a line when it loads a file: which keys it knows, and which values they take.
//!
//! A file with one line that liblxc does not take is not loaded at all, and liblxc says little about why. So the
//! standalone home asks here first. What liblxc loads can still be refused by the kernel at the start.
//!
//! A line is what stands between two of CR, LF and NUL. Blanks around key and value are dropped, then one pair of
//! quotes around the value. A line whose first character is `#`, or that does not begin with `lxc.`, is a comment; there is
//! no way to go on in the next line. An empty value takes back what was set before.

mod net;
mod values;

use std::borrow::Cow;

use self::{
    net::Nets,
    values::{
        ANY, CGROUP, CGROUP_NAME, DROPPED, ENVIRONMENT, FOLDER_NAME, Form, HOST_NAME, ID_RANGE, INTEGER,
        KEPT, LIMIT, LOG_LEVEL, MOUNTS, NEEDED_PATH, NUMBER, NUMBERS, PATH, PROXY, ROOTFS, SIGNAL, SWITCH,
    },
};
use crate::facts::Version;

/// The oldest one that this file knows.
pub(super) const OLDEST: Version = Version(5, 0);

/// The first without control groups of version 1, and the first with the environments of hooks and init alone.
pub(super) const LIBLXC_7: Version = Version(7, 0);

/// Why a line is not taken.
pub(super) enum Refusal {
    /// There is no such key.
    Key,
    /// What is wrong with the value, as the end of a sentence.
    Value(String),
}

/// Keys that the translation or a config may have, and that all versions know.
static KEYS: &[(&str, Form)] = &[
    ("lxc.apparmor.allow_incomplete", SWITCH),
    ("lxc.apparmor.allow_nesting", SWITCH),
    ("lxc.apparmor.profile", ANY),
    ("lxc.apparmor.raw", ANY),
    ("lxc.autodev", SWITCH),
    ("lxc.cap.drop", DROPPED),
    ("lxc.cap.keep", KEPT),
    ("lxc.cgroup.dir", CGROUP),
    ("lxc.cgroup.dir.container", CGROUP),
    ("lxc.cgroup.dir.container.inner", CGROUP_NAME),
    ("lxc.cgroup.dir.monitor", CGROUP),
    ("lxc.cgroup.dir.monitor.pivot", CGROUP),
    ("lxc.cgroup.relative", SWITCH),
    ("lxc.console.logfile", PATH),
    ("lxc.console.path", PATH),
    ("lxc.environment", ENVIRONMENT),
    ("lxc.group", ANY),
    ("lxc.hook.autodev", ANY),
    ("lxc.hook.clone", ANY),
    ("lxc.hook.destroy", ANY),
    ("lxc.hook.mount", ANY),
    ("lxc.hook.post-stop", ANY),
    ("lxc.hook.pre-mount", ANY),
    ("lxc.hook.pre-start", ANY),
    ("lxc.hook.start", ANY),
    ("lxc.hook.start-host", ANY),
    ("lxc.hook.stop", ANY),
    ("lxc.hook.version", SWITCH),
    ("lxc.idmap", ID_RANGE),
    ("lxc.include", ANY),
    ("lxc.init.cmd", ANY),
    ("lxc.init.cwd", PATH),
    ("lxc.init.gid", NUMBER),
    ("lxc.init.groups", NUMBERS),
    ("lxc.init.uid", NUMBER),
    ("lxc.log.file", PATH),
    ("lxc.log.level", LOG_LEVEL),
    ("lxc.monitor.unshare", NUMBER),
    ("lxc.mount.auto", MOUNTS),
    ("lxc.mount.entry", ANY),
    ("lxc.mount.fstab", NEEDED_PATH),
    ("lxc.pty.max", NUMBER),
    ("lxc.rootfs.mount", PATH),
    ("lxc.rootfs.path", ROOTFS),
    ("lxc.seccomp.notify.cookie", ANY),
    ("lxc.seccomp.notify.proxy", PROXY),
    ("lxc.seccomp.profile", PATH),
    ("lxc.selinux.context", ANY),
    ("lxc.signal.halt", SIGNAL),
    ("lxc.signal.reboot", SIGNAL),
    ("lxc.signal.stop", SIGNAL),
    ("lxc.start.auto", SWITCH),
    ("lxc.start.delay", NUMBER),
    ("lxc.start.order", INTEGER),
    ("lxc.tty.dir", FOLDER_NAME),
    ("lxc.tty.max", NUMBER),
    ("lxc.uts.name", HOST_NAME),
];

/// Keys with a free end; none of these ends is empty.
static FAMILIES: &[(&str, Form)] = &[("lxc.cgroup2.", ANY), ("lxc.prlimit.", LIMIT), ("lxc.sysctl.", ANY)];

fn form(key: &str, version: Version) -> Option<Form> {
    if let Ok(at) = KEYS.binary_search_by_key(&key, |(name, _)| name) {
        return Some(KEYS[at].1);
    }
    let belongs = |family: &str| key.strip_prefix(family).is_some_and(|rest| !rest.is_empty());
    match key {
        "lxc.environment.runtime" | "lxc.environment.hooks" => (version >= LIBLXC_7).then_some(ENVIRONMENT),
        _ if belongs("lxc.cgroup.") => (version < LIBLXC_7).then_some(ANY),
        _ => FAMILIES.iter().find(|(family, _)| belongs(family)).map(|(_, form)| *form),
    }
}

/// Names of `lxc.arch`; the first liblxc that knows the ones below.
const ARCHITECTURES: [&str; 28] = [
    "arm",
    "armel",
    "armhf",
    "armv7l",
    "athlon",
    "i386",
    "i486",
    "i586",
    "i686",
    "linux32",
    "mips",
    "mipsel",
    "ppc",
    "powerpc",
    "x86",
    "aarch64",
    "amd64",
    "arm64",
    "linux64",
    "mips64",
    "mips64el",
    "ppc64",
    "ppc64el",
    "ppc64le",
    "powerpc64",
    "riscv64",
    "s390x",
    "x86_64",
];
const ARCHITECTURES_OF_6: [&str; 2] = ["x32", "loongarch64"];

/// The state of the capabilities. Dropping some and keeping some exclude each other.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Capabilities {
    /// None dropped, none kept.
    Free,
    Dropped,
    Kept,
}

/// Reads lines as liblxc does.
pub(super) struct Reader {
    version: Version,
    /// A file that we do not know has been included: what it says may be all that a later line needs.
    blind: bool,
    capabilities: Capabilities,
    nets: Nets,
}

impl Reader {
    /// After the includes: the general one drops capabilities, the one for unprivileged containers takes that back.
    pub(super) fn new(version: Version, unprivileged: bool) -> Self {
        let capabilities = if unprivileged { Capabilities::Free } else { Capabilities::Dropped };
        Self { version, blind: false, capabilities, nets: Nets::default() }
    }

    pub(super) fn version(&self) -> Version {
        self.version
    }

    /// Takes one line, or says why liblxc would not.
    pub(super) fn read(&mut self, key: &str, value: &str) -> Result<(), Refusal> {
        let value = as_read(value);
        if let Some(key) = key.strip_prefix("lxc.net.") {
            return self.nets.read(key, value, self.blind);
        }
        if key == "lxc.arch" {
            return self.architecture(value);
        }
        let form = form(key, self.version).ok_or(Refusal::Key)?;
        if !form.takes(value) {
            return Err(Refusal::Value(form.why.to_owned()));
        }
        match key {
            "lxc.cap.drop" => self.capabilities(Capabilities::Dropped, value),
            "lxc.cap.keep" => self.capabilities(Capabilities::Kept, value),
            _ => Ok(()),
        }
    }

    /// What follows comes behind an include that the config itself has asked for.
    pub(super) fn go_blind(&mut self) {
        self.blind = true;
    }

    fn architecture(&self, value: &str) -> Result<(), Refusal> {
        let known = ARCHITECTURES.contains(&value)
            || self.version >= Version(6, 0) && ARCHITECTURES_OF_6.contains(&value);
        let why = || format!("is no architecture that liblxc {} knows", self.version);
        if known { Ok(()) } else { Err(Refusal::Value(why())) }
    }

    fn capabilities(&mut self, wanted: Capabilities, value: &str) -> Result<(), Refusal> {
        use Capabilities::{Dropped, Free, Kept};
        let why = match (wanted, self.capabilities) {
            (Kept, Dropped) => {
                "can't be kept where others are dropped: write 'lxc.cap.drop:' in a line before it"
            }
            (Dropped, Kept) => {
                "can't be dropped where others are kept: write 'lxc.cap.keep:' in a line before it"
            }
            _ => "",
        };
        if !why.is_empty() && !value.is_empty() && !self.blind {
            return Err(Refusal::Value(why.to_owned()));
        }
        self.capabilities = if value.is_empty() { Free } else { wanted };
        Ok(())
    }
}

/// What is left of a value in a file when liblxc has read it.
pub(super) fn as_read(value: &str) -> &str {
    let value = value.trim_matches([' ', '\t']);
    let inside = |quote| value.strip_prefix(quote)?.strip_suffix(quote);
    inside('"').or_else(|| inside('\'')).unwrap_or(value)
}

/// A value in the way that liblxc reads it as it is: in quotes, where it would lose blanks or quotes of its own.
pub(super) fn quoted(value: &str) -> Cow<'_, str> {
    if as_read(value) == value { Cow::Borrowed(value) } else { Cow::Owned(format!("\"{value}\"")) }
}

/// A text that can be nothing else than a key.
pub(super) fn is_key(key: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    key.starts_with("lxc.") && key.bytes().all(plain)
}

#[cfg(test)]
mod tests;
