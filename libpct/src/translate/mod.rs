//! The way from a config to the file that liblxc reads: a pure function of the
//! config's current state and of what the host looks like (spec: config, part 5).
//!
//! One file per group of lines; the order of the groups is the order of the
//! calls in [`translate`]. What the standalone home does differently is in
//! `standalone`, and for raw lines in `raw`, and nowhere else.

mod apparmor;
mod cgroup;
mod cpuset;
mod devices;
mod error;
mod head;
mod liblxc;
mod lines;
mod network;
mod number;
mod raw;
mod seccomp;
mod standalone;

use std::fmt;

use crate::{
    config::{Features, Section, Vmid},
    facts::{HomeKind, HostFacts},
};

pub(crate) use devices::{Passed, name as device_name, nodes, passed, rules};
pub use error::TranslateError;
use lines::Lines;
pub(crate) use raw::includes as raw_includes;
pub(crate) use standalone::devices_on_v1;

/// What liblxc is to be told about a container.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LxcConfig {
    /// Keys and values in the order of the file.
    pub lines: Vec<(String, String)>,
    /// Text of the container's own seccomp profile, if it has one.
    pub seccomp: Option<String>,
    /// What the user should know, in words.
    pub warnings: Vec<String>,
    /// The container is a template: there must be no file.
    pub removed: bool,
}

impl LxcConfig {
    /// The file; bytes that are no UTF-8 come out as they went in.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        crate::config::text::to_bytes(&self.to_string()).into_owned()
    }

    /// All values of one key, in order.
    pub fn values<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        self.lines.iter().filter(move |(k, _)| k == key).map(|(_, value)| value.as_str())
    }
}

impl fmt::Display for LxcConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines.iter().try_for_each(|(key, value)| writeln!(f, "{key} = {value}"))
    }
}

/// What the groups of lines need to know.
struct Input<'a> {
    vmid: Vmid,
    section: &'a Section,
    facts: &'a HostFacts,
    features: Features,
    /// The container has an id map.
    unprivileged: bool,
}

impl Input<'_> {
    fn is_standalone(&self) -> bool {
        self.facts.home == HomeKind::Standalone
    }

    /// Folder of the container in liblxc's state folder.
    fn folder(&self) -> String {
        format!("{}/{}", self.facts.lxc_path(), self.vmid)
    }

    /// The text of a key; an empty one counts as absent.
    fn text(&self, key: &str) -> Option<&str> {
        self.section.get(key).filter(|text| !text.is_empty())
    }
}

/// Translates the current state of a container.
///
/// # Errors
/// A key that is needed and missing, a property string that does not parse, a
/// bridge or device that the host does not have, a value that would become a
/// line of its own, a line that liblxc would not load (the latter in the
/// standalone home only).
///
/// ```
/// use pct::{config::{Config, Vmid}, facts::HostFacts, translate::translate};
///
/// // Of any host, not of this one.
/// let host: HostFacts = serde_json::from_value(serde_json::json!({
///     "home": "standalone", "liblxc": "6.0.4", "cgroup": "v2",
///     "lxc_includes": ["common.conf", "userns.conf"], "common_seccomp": "2\ndenylist\n",
/// }))?;
/// let vmid = Vmid::new(101)?;
/// let file = b"arch: amd64\nostype: unmanaged\nhostname: web1\nrootfs: local:101/vm-101-disk-0.raw\nunprivileged: 1\n";
/// let lxc = translate(vmid, Config::parse(file, vmid).config.main(), &host)?;
/// assert_eq!(lxc.values("lxc.uts.name").collect::<Vec<_>>(), ["web1"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn translate(vmid: Vmid, section: &Section, facts: &HostFacts) -> Result<LxcConfig, TranslateError> {
    if section.is_template() {
        return Ok(LxcConfig { removed: true, ..LxcConfig::default() });
    }
    let input = Input {
        vmid,
        section,
        facts,
        features: section.features()?,
        unprivileged: section.is_unprivileged(),
    };
    let mut lines = Lines::new(&input);
    if input.is_standalone() {
        standalone::check(facts)?;
    }
    head::namespaces(&input, &mut lines)?;
    if input.is_standalone() {
        standalone::clear_hooks(&input, &mut lines)?;
    }
    let seccomp = seccomp::lines(&input, &mut lines)?;
    apparmor::lines(&input, &mut lines)?;
    head::mounts(&input, &mut lines)?;
    devices::lines(&input, &mut lines)?;
    if input.is_standalone() {
        devices::mounts(&input, &mut lines)?;
    }
    head::monitor(&input, &mut lines)?;
    devices::console(&input, &mut lines)?;
    head::names(&input, &mut lines)?;
    cgroup::lines(&input, &mut lines)?;
    head::root(&input, &mut lines)?;
    network::lines(&input, &mut lines)?;
    if !standalone::environment_is_late(&input) {
        head::environment(&input, &mut lines)?;
    }
    raw::lines(&input, &mut lines)?;
    if standalone::environment_is_late(&input) {
        head::environment(&input, &mut lines)?;
    }
    cpuset::lines(&input, &mut lines)?;
    if input.is_standalone() {
        standalone::hooks(&input, &mut lines)?;
    }
    let (lines, warnings) = lines.finish();
    Ok(LxcConfig { lines, seccomp, warnings, removed: false })
}

/// The generated lines that limit memory and CPU: what a running container can be told anew.
///
/// # Errors
/// A value that liblxc would not load (in the standalone home only).
pub(crate) fn limits(
    vmid: Vmid,
    section: &Section,
    facts: &HostFacts,
) -> Result<Vec<(String, String)>, TranslateError> {
    let unprivileged = section.is_unprivileged();
    let input = Input { vmid, section, facts, features: Features::default(), unprivileged };
    let mut lines = Lines::new(&input);
    cgroup::lines(&input, &mut lines)?;
    cpuset::lines(&input, &mut lines)?;
    Ok(lines.finish().0)
}

#[cfg(test)]
mod smuggling;
#[cfg(test)]
mod tests;
