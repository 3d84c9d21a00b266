//! What the host looks like, as a plain value.
//!
//! The translation and the guest set-up take everything that is not in the config from here, so
//! that both can be tested for any host on any machine. The JSON form is the format of the
//! `--host` option and of the `host.json` files of the conformance cases; only `home`, `liblxc`,
//! and `cgroup` must be there.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    str::FromStr,
};

use serde::{Deserialize, Serialize};
use sha1::{Digest, Sha1};

use crate::config::{MacAddr, Vmid};

/// Which of the two homes the program lives in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HomeKind {
    /// A Proxmox VE host: its units and hooks do their work, the generated
    /// config is what the original generates.
    Pve,
    /// Any Linux host with liblxc.
    Standalone,
}

/// How the control groups are mounted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CgroupLayout {
    /// Only the unified hierarchy, mounted at `/sys/fs/cgroup`.
    #[serde(alias = "unified")]
    V2,
    /// Version 1 controllers, and a unified hierarchy beside them.
    Hybrid,
    /// Version 1 controllers only.
    #[serde(alias = "legacy")]
    V1,
}

/// The first two numbers of a version; the rest is ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Version(pub u32, pub u32);

/// A text that does not start with two numbers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no version")]
pub struct InvalidVersion(String);

impl FromStr for Version {
    type Err = InvalidVersion;

    fn from_str(text: &str) -> Result<Self, InvalidVersion> {
        let mut parts = text.splitn(2, '.');
        let mut number = || {
            let part = parts.next()?;
            let end = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
            part[..end].parse().ok()
        };
        match (number(), number()) {
            (Some(major), Some(minor)) => Ok(Self(major, minor)),
            _ => Err(InvalidVersion(text.to_owned())),
        }
    }
}

impl TryFrom<String> for Version {
    type Error = InvalidVersion;

    fn try_from(text: String) -> Result<Self, InvalidVersion> {
        text.parse()
    }
}

impl From<Version> for String {
    fn from(version: Version) -> Self {
        version.to_string()
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

/// The kind of a file below `/dev`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeviceKind {
    /// A character device.
    #[serde(rename = "c")]
    Char,
    /// A block device.
    #[serde(rename = "b")]
    Block,
    /// Something else.
    #[serde(other, rename = "-")]
    Other,
}

/// A file below `/dev`, links followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceNode {
    /// What it is.
    #[serde(rename = "type")]
    pub kind: DeviceKind,
    /// Major number.
    #[serde(default)]
    pub major: u32,
    /// Minor number.
    #[serde(default)]
    pub minor: u32,
}

/// A block device with a file system whose quotas a container manages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuotaDevice {
    /// Its path below `/dev`: `loop0`, `dm-3`, `mapper/vg-lv`.
    pub name: String,
    /// Major number.
    pub major: u32,
    /// Minor number.
    pub minor: u32,
}

/// The host's resolver.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolver {
    /// The `search` line.
    #[serde(default)]
    pub search: String,
    /// The `nameserver` lines.
    #[serde(default)]
    pub nameservers: Vec<String>,
}

/// Everything about a host that a pure function may want to know.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HostFacts {
    /// Which home.
    pub home: HomeKind,
    /// Name of the node, without domain.
    #[serde(default)]
    pub node: String,
    /// Version of liblxc.
    pub liblxc: Version,
    /// Version of the kernel.
    #[serde(default = "some_kernel")]
    pub kernel: Version,
    /// How the control groups are mounted.
    pub cgroup: CgroupLayout,
    /// Controllers of the unified hierarchy.
    #[serde(default)]
    pub controllers: Vec<String>,
    /// Controllers of version 1.
    #[serde(default)]
    pub controllers_v1: Vec<String>,
    /// Whether swap can be limited; on version 1 it often can't. Only asked in the standalone home.
    #[serde(default = "yes")]
    pub swap_limit: bool,
    /// The CPUs that containers may use, for instance `0-3,8`.
    #[serde(default)]
    pub cpus: String,
    /// MTUs of the bridges by name; a bridge that is not here does not exist.
    #[serde(default)]
    pub bridges: BTreeMap<String, u32>,
    /// Those of the bridges that tell VLANs apart. Only asked in the standalone home.
    #[serde(default)]
    pub vlan_aware: BTreeSet<String>,
    /// Files below `/dev` by path; one that is not here does not exist.
    #[serde(default)]
    pub devices: BTreeMap<String, DeviceNode>,
    /// The block devices of those mounted volumes whose quotas the container manages, by each of their names; only asked
    /// in the standalone home.
    #[serde(default)]
    pub quota_devices: Vec<QuotaDevice>,
    /// Whether the kernel has AppArmor switched on; when unknown, only a Proxmox VE host has.
    #[serde(default)]
    pub apparmor: Option<bool>,
    /// The newest rules that AppArmor's parser understands, by the number of their ABI (`apparmor.d(5)`); all when unknown.
    #[serde(default)]
    pub apparmor_abi: Option<Version>,
    /// Whether the kernel has SELinux switched on; only asked in the standalone home, and not looked at when unknown.
    #[serde(default)]
    pub selinux: Option<bool>,
    /// Which includes exist of those that raw lines of the config ask for; only asked in the standalone home, and not
    /// looked at when unknown.
    #[serde(default)]
    pub raw_includes: Option<Vec<String>>,
    /// Names of the files in [`lxc_config_dir`](Self::lxc_config_dir).
    #[serde(default)]
    pub lxc_includes: Vec<String>,
    /// Where liblxc's include files are; `/usr/share/lxc/config` when `None`.
    #[serde(default)]
    pub lxc_config_dir: Option<String>,
    /// Text of `common.seccomp` there; `None` when it is missing.
    #[serde(default)]
    pub common_seccomp: Option<String>,
    /// liblxc's state folder; the home's usual one when `None`.
    #[serde(default)]
    pub lxc_path: Option<String>,
    /// Path of `pct-helper`, for the hooks of the standalone home.
    #[serde(default)]
    pub helper: Option<String>,
    /// Socket of the daemon that makes device nodes for the feature `mknod`.
    #[serde(default)]
    pub syscalld_socket: Option<String>,
    /// The MAC for an interface without one; a random one of the seed when `None`.
    #[serde(default)]
    pub default_mac: Option<MacAddr>,
    /// What generated MACs start with; `BC:24:11` when `None`.
    #[serde(default)]
    pub mac_prefix: Option<String>,
    /// Source of all random choices: equal seeds, equal results.
    #[serde(default)]
    pub seed: u64,
    /// The storages by id, each as its entry of `storage.cfg`.
    #[serde(default)]
    pub storages: BTreeMap<String, serde_json::Value>,
    /// Name of the host's time zone.
    #[serde(default)]
    pub timezone: Option<String>,
    /// Target of the host's `/etc/localtime`.
    #[serde(default)]
    pub localtime: Option<String>,
    /// The host's resolver.
    #[serde(default)]
    pub resolv: Resolver,
    /// The clock, seconds since 1970; the real one when `None`.
    #[serde(default)]
    pub now: Option<i64>,
    /// A fresh UUID for whoever needs one.
    #[serde(default)]
    pub uuid: Option<String>,
}

fn some_kernel() -> Version {
    Version(5, 3)
}

fn yes() -> bool {
    true
}

impl HostFacts {
    /// A host of which only the least is known.
    #[must_use]
    pub fn new(home: HomeKind, liblxc: Version, cgroup: CgroupLayout) -> Self {
        Self {
            home,
            node: String::new(),
            liblxc,
            kernel: some_kernel(),
            cgroup,
            controllers: Vec::new(),
            controllers_v1: Vec::new(),
            swap_limit: true,
            cpus: String::new(),
            bridges: BTreeMap::new(),
            vlan_aware: BTreeSet::new(),
            devices: BTreeMap::new(),
            quota_devices: Vec::new(),
            apparmor: None,
            apparmor_abi: None,
            selinux: None,
            raw_includes: None,
            lxc_includes: Vec::new(),
            lxc_config_dir: None,
            common_seccomp: None,
            lxc_path: None,
            helper: None,
            syscalld_socket: None,
            default_mac: None,
            mac_prefix: None,
            seed: 0,
            storages: BTreeMap::new(),
            timezone: None,
            localtime: None,
            resolv: Resolver::default(),
            now: None,
            uuid: None,
        }
    }

    /// liblxc's state folder, without a slash at the end.
    #[must_use]
    pub fn lxc_path(&self) -> &str {
        let usual = match self.home {
            HomeKind::Pve => "/var/lib/lxc",
            HomeKind::Standalone => "/var/lib/pct/lxc",
        };
        self.lxc_path.as_deref().unwrap_or(usual)
    }

    /// The folder of liblxc's include files.
    #[must_use]
    pub fn lxc_config_dir(&self) -> &str {
        self.lxc_config_dir.as_deref().unwrap_or("/usr/share/lxc/config")
    }

    /// Whether liblxc can confine a container by AppArmor here.
    #[must_use]
    pub fn has_apparmor(&self) -> bool {
        self.apparmor.unwrap_or(self.home == HomeKind::Pve)
    }

    /// Whether AppArmor's parser understands the rules of this ABI.
    #[must_use]
    pub fn has_apparmor_abi(&self, abi: Version) -> bool {
        self.apparmor_abi.is_none_or(|newest| newest >= abi)
    }

    /// A controller of the unified hierarchy. One that both versions have counts here.
    #[must_use]
    pub fn has_v2(&self, controller: &str) -> bool {
        self.controllers.iter().any(|name| name == controller)
    }

    /// A controller that only version 1 has.
    #[must_use]
    pub fn has_v1(&self, controller: &str) -> bool {
        self.controllers_v1.iter().any(|name| name == controller) && !self.has_v2(controller)
    }

    /// Whether there is a unified hierarchy, with or without controllers.
    #[must_use]
    pub fn has_unified(&self) -> bool {
        self.cgroup != CgroupLayout::V1
    }

    /// The MAC for an interface of a container that has none of its own: unicast, with
    /// the host's prefix (spec: config, part 7.1).
    #[must_use]
    pub fn mac_for(&self, vmid: Vmid, interface: &str) -> Option<MacAddr> {
        if let Some(mac) = &self.default_mac {
            return Some(mac.clone());
        }
        let hash = Sha1::digest(format!("{} {vmid} {interface}", self.seed));
        let mut bytes: Vec<_> = hash.iter().take(6).copied().collect();
        // Unicast and locally administered.
        if let Some(first) = bytes.first_mut() {
            *first = *first & !1 | 2;
        }
        let random = bytes.iter().map(|b| format!("{b:02X}")).collect::<Vec<_>>().join(":");
        let prefix = self.mac_prefix.as_deref().unwrap_or("BC:24:11").to_ascii_uppercase();
        format!("{prefix}{}", random.get(prefix.len()..).unwrap_or_default()).parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_their_first_two_numbers() {
        assert_eq!("6.14.0-2-pve".parse(), Ok(Version(6, 14)));
        assert_eq!("7.0".parse(), Ok(Version(7, 0)));
        assert_eq!("6.0~rc1".parse(), Ok(Version(6, 0)));
        for bad in ["", "6", "x.1", "6."] {
            assert!(bad.parse::<Version>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn three_facts_are_enough() {
        let facts: HostFacts =
            serde_json::from_str(r#"{"home":"standalone","liblxc":"6.0.4","cgroup":"hybrid"}"#).unwrap();
        assert_eq!(facts, HostFacts::new(HomeKind::Standalone, Version(6, 0), CgroupLayout::Hybrid));
        assert_eq!(facts.lxc_path(), "/var/lib/pct/lxc");
        assert!(!facts.has_apparmor());
    }

    #[test]
    fn generated_macs_have_the_prefix_and_follow_the_seed() {
        let mut facts = HostFacts::new(HomeKind::Pve, Version(6, 0), CgroupLayout::V2);
        let vmid = Vmid::new(100).unwrap();
        let first = facts.mac_for(vmid, "net0").unwrap();
        assert!(first.as_str().starts_with("BC:24:11:"));
        assert_eq!(facts.mac_for(vmid, "net0"), Some(first.clone()));
        assert_ne!(facts.mac_for(vmid, "net1"), Some(first));
        facts.mac_prefix = Some("bc:24:11:0".into());
        assert!(facts.mac_for(vmid, "net0").unwrap().as_str().starts_with("BC:24:11:0"));
    }
}
