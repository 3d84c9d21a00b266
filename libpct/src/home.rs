//! Where things are: the two homes and their paths.
//!
//! On a Proxmox VE host the files, locks and volumes are the original's; on any other host a
//! directory tree of the same shape is used, and `PCT_ROOT` prefixes all of it.

use std::{
    io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::config::Vmid;
pub use crate::facts::HomeKind;

/// Why no home could be chosen.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HomeError {
    /// Falling back silently would split the host's containers into two worlds.
    #[error(
        "Proxmox VE is installed, but its cluster file system is not mounted on '/etc/pve': \
         start it with 'systemctl start pve-cluster'"
    )]
    ClusterNotMounted,
    /// The kernel could not say.
    #[error("cannot look at '{path}'")]
    Probe {
        /// What was looked at.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// The prefix must be an absolute path of plain characters: it becomes part of lines that liblxc parses.
    #[error("the root prefix '{0}' is not an absolute path without blanks and control characters")]
    BadPrefix(PathBuf),
}

/// The chosen home: every path that the library uses comes from here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Home {
    kind: HomeKind,
    /// Empty, or the absolute prefix of a standalone home.
    prefix: PathBuf,
    node: String,
}

/// The environment's word for the prefix.
pub(crate) const ROOT_VARIABLE: &str = "PCT_ROOT";

/// There where Proxmox VE is installed.
const PMXCFS: &str = "/usr/bin/pmxcfs";

/// `statfs` type of a FUSE mount, which pmxcfs is (statfs(2)).
const FUSE_SUPER_MAGIC: u64 = 0x6573_5546;

impl Home {
    /// Chooses the home of this host; with `prefix` always the standalone one below it.
    ///
    /// # Errors
    /// When Proxmox VE is installed without its cluster file system being mounted.
    pub fn detect(prefix: Option<&Path>) -> Result<Self, HomeError> {
        let node = node_name();
        if let Some(prefix) = prefix.filter(|p| !p.as_os_str().is_empty()) {
            let plain = prefix.to_str().is_some_and(|p| p.bytes().all(|b| b.is_ascii_graphic()));
            if !prefix.is_absolute() || !plain {
                return Err(HomeError::BadPrefix(prefix.to_owned()));
            }
            return Ok(Self { kind: HomeKind::Standalone, prefix: prefix.components().collect(), node });
        }
        let kind = if !Path::new(PMXCFS).exists() {
            HomeKind::Standalone
        } else if is_fuse(Path::new("/etc/pve"))? {
            HomeKind::Pve
        } else {
            return Err(HomeError::ClusterNotMounted);
        };
        Ok(Self { kind, prefix: PathBuf::new(), node })
    }

    /// Which home this is.
    #[must_use]
    pub fn kind(&self) -> HomeKind {
        self.kind
    }

    /// The first label of the host's name.
    #[must_use]
    pub fn node(&self) -> &str {
        &self.node
    }

    /// The prefix that was given, if any.
    pub(crate) fn prefix(&self) -> Option<&Path> {
        (!self.prefix.as_os_str().is_empty()).then_some(&*self.prefix)
    }

    fn choose(&self, pve: &str, standalone: &str) -> PathBuf {
        match self.kind {
            HomeKind::Pve => PathBuf::from(pve),
            HomeKind::Standalone => self.under_prefix(standalone),
        }
    }

    fn under_prefix(&self, absolute: &str) -> PathBuf {
        match self.prefix() {
            Some(prefix) => prefix.join(absolute.trim_start_matches('/')),
            None => PathBuf::from(absolute),
        }
    }

    /// The folder of the config files.
    #[must_use]
    pub fn config_dir(&self) -> PathBuf {
        self.choose("/etc/pve/lxc", "/etc/pct/lxc")
    }

    /// A container's config file.
    #[must_use]
    pub fn config_file(&self, vmid: Vmid) -> PathBuf {
        self.config_dir().join(format!("{vmid}.conf"))
    }

    /// The rules of a container's firewall.
    pub(crate) fn firewall_file(&self, vmid: Vmid) -> PathBuf {
        self.choose("/etc/pve/firewall", "/etc/pct/firewall").join(format!("{vmid}.fw"))
    }

    /// The list of storages.
    #[must_use]
    pub fn storage_cfg(&self) -> PathBuf {
        self.choose("/etc/pve/storage.cfg", "/etc/pct/storage.cfg")
    }

    /// The directory of the storage `local` where no storage.cfg says otherwise.
    pub(crate) fn local_storage(&self) -> PathBuf {
        self.choose("/var/lib/vz", "/var/lib/pct/storage")
    }

    /// liblxc's folder of containers.
    #[must_use]
    pub fn lxcpath(&self) -> PathBuf {
        self.choose("/var/lib/lxc", "/var/lib/pct/lxc")
    }

    /// A container's folder in [`Home::lxcpath`].
    pub(crate) fn container_dir(&self, vmid: Vmid) -> PathBuf {
        self.lxcpath().join(vmid.to_string())
    }

    /// Where a container's root file system is mounted.
    pub(crate) fn rootfs(&self, vmid: Vmid) -> PathBuf {
        self.container_dir(vmid).join("rootfs")
    }

    /// The state of a suspended container: images of CRIU, with all that its memory held. Ours in both homes: the folder
    /// that the original has for it is that of its backups.
    pub(crate) fn checkpoint_dir(&self, vmid: Vmid) -> PathBuf {
        self.under_prefix("/var/lib/pct/checkpoint").join(vmid.to_string())
    }

    /// Where the device nodes of a container are mounted.
    pub(crate) fn nodes(&self, vmid: Vmid) -> PathBuf {
        self.container_dir(vmid).join("devices")
    }

    /// The lock file of a container's config (spec: cli, part 4.1).
    pub(crate) fn config_lock(&self, vmid: Vmid) -> PathBuf {
        self.choose("/run/lock/lxc", "/run/pct/lock").join(format!("pve-config-{vmid}.lock"))
    }

    /// The lock file of what must not meet a migration; it is taken before the config's (spec: cli, part 4.1).
    pub(crate) fn migration_lock(&self, vmid: Vmid) -> PathBuf {
        self.choose("/var/lock/pve-manager", "/run/pct/lock").join(format!("pve-migrate-{vmid}"))
    }

    /// The lock file of a storage that is not shared (spec: runtime, part 10.5).
    pub(crate) fn storage_lock(&self, storage: &str) -> PathBuf {
        self.choose("/var/lock/pve-manager", "/run/pct/lock").join(format!("pve-storage-{storage}"))
    }

    /// Short-lived files of ours.
    pub(crate) fn run_dir(&self) -> PathBuf {
        self.choose("/run/pct", "/run/pct")
    }

    /// What is being done to a container, or was when it broke off. On disk, as a crash of the host is what most often ends
    /// a long operation.
    pub(crate) fn work_file(&self, vmid: Vmid) -> PathBuf {
        self.under_prefix("/var/lib/pct/work").join(vmid.to_string())
    }

    /// Held locked by the monitor of a container for as long as it lives.
    pub(crate) fn monitor_file(&self, vmid: Vmid) -> PathBuf {
        self.run_dir().join(format!("{vmid}.monitor"))
    }

    /// CRIU's log of the latest attempt that failed.
    pub(crate) fn criu_log(&self, vmid: Vmid) -> PathBuf {
        self.run_dir().join(format!("{vmid}.criu.log"))
    }

    /// liblxc's log of the latest start.
    pub(crate) fn start_log(&self, vmid: Vmid) -> PathBuf {
        self.run_dir().join(format!("{vmid}.log"))
    }
}

/// The lock of all that shares the host's bridges (spec: runtime, part 6.3). Links are the machine's, whatever the home:
/// no prefix moves it, and where Proxmox VE is installed it is the original's.
pub(crate) fn network_lock() -> PathBuf {
    let original = Path::new(PMXCFS).exists();
    PathBuf::from(if original { "/var/lock/pve-network.lck" } else { "/run/pct/lock/network" })
}

fn is_fuse(path: &Path) -> Result<bool, HomeError> {
    match rustix::fs::statfs(path) {
        Ok(stat) => Ok(u64::try_from(stat.f_type) == Ok(FUSE_SUPER_MAGIC)),
        Err(rustix::io::Errno::NOENT) => Ok(false),
        Err(errno) => Err(HomeError::Probe { path: path.to_owned(), source: errno.into() }),
    }
}

fn node_name() -> String {
    let uname = rustix::system::uname();
    let name = uname.nodename().to_string_lossy();
    name.split('.').next().unwrap_or("localhost").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_moves_every_path_of_a_standalone_home() {
        let home = Home::detect(Some(Path::new("/x/y/"))).unwrap();
        let vmid = Vmid::new(9001).unwrap();
        assert_eq!(home.kind(), HomeKind::Standalone);
        assert_eq!(home.config_file(vmid), Path::new("/x/y/etc/pct/lxc/9001.conf"));
        assert_eq!(home.firewall_file(vmid), Path::new("/x/y/etc/pct/firewall/9001.fw"));
        assert_eq!(home.rootfs(vmid), Path::new("/x/y/var/lib/pct/lxc/9001/rootfs"));
        assert_eq!(home.config_lock(vmid), Path::new("/x/y/run/pct/lock/pve-config-9001.lock"));
        assert_eq!(home.monitor_file(vmid), Path::new("/x/y/run/pct/9001.monitor"));
    }

    #[test]
    fn the_files_of_proxmox_ve_are_used_where_it_is() {
        let home = Home { kind: HomeKind::Pve, prefix: PathBuf::new(), node: "n1".to_owned() };
        let vmid = Vmid::new(9001).unwrap();
        assert_eq!(home.firewall_file(vmid), Path::new("/etc/pve/firewall/9001.fw"));
        assert_eq!(home.config_file(vmid), Path::new("/etc/pve/lxc/9001.conf"));
        assert_eq!(home.storage_cfg(), Path::new("/etc/pve/storage.cfg"));
    }

    #[test]
    fn a_prefix_that_could_change_a_config_line_is_refused() {
        for bad in ["relative", "/a b", "/a\nlxc.init.cmd = /x", "/a\tb"] {
            assert!(matches!(Home::detect(Some(Path::new(bad))), Err(HomeError::BadPrefix(_))), "{bad:?}");
        }
    }
}
