//! Which controllers the host has, in which version, and where.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::cpuset::CpuSet;
use super::{Error, Result};

const ROOT: &str = "/sys/fs/cgroup";

/// How `/sys/fs/cgroup` is mounted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Version 2 alone.
    Unified,
    /// Version 1, maybe with version 2 beside it in `unified`.
    Hybrid,
}

/// The version of a hierarchy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    /// cgroup v1
    V1,
    /// cgroup v2
    V2,
}

/// One tree of groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hierarchy {
    /// Where its root group is.
    pub path: PathBuf,
    /// Which version it is.
    pub version: Version,
    /// Its controllers; a named one without controllers has `name=<x>`.
    pub controllers: BTreeSet<String>,
}

/// All trees of the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    /// How the root is mounted.
    pub mode: Mode,
    /// The trees, version 2 first.
    pub hierarchies: Vec<Hierarchy>,
}

impl Layout {
    /// Looks at the host.
    pub(crate) fn detect() -> Result<Self> {
        let read = |path: &str| fs::read_to_string(path).map_err(|e| Error::io("read", Path::new(path), e));
        let v2 = [ROOT.to_owned(), format!("{ROOT}/unified")].into_iter().find_map(|base| {
            let text = fs::read_to_string(format!("{base}/cgroup.controllers")).ok()?;
            Some((PathBuf::from(base), text))
        });
        let mut layout = Self::from_facts(&read("/proc/mounts")?, &read("/proc/self/cgroup")?, v2);
        // Controllers mounted together have one folder and a symlink for each.
        for hierarchy in &mut layout.hierarchies {
            if let Ok(real) = fs::canonicalize(&hierarchy.path) {
                hierarchy.path = real;
            }
        }
        layout.hierarchies.retain(|hierarchy| hierarchy.path.is_dir());
        Ok(layout)
    }

    /// From `/proc/mounts`, `/proc/self/cgroup`, and the place and text of `cgroup.controllers`.
    #[must_use]
    pub(crate) fn from_facts(mounts: &str, own_groups: &str, v2: Option<(PathBuf, String)>) -> Self {
        // Mounted over each other, the last one counts.
        let root_type = mounts.lines().rev().find_map(|line| {
            let mut words = line.split(' ').skip(1);
            (words.next() == Some(ROOT)).then(|| words.next()).flatten()
        });
        let mode = if root_type == Some("cgroup2") { Mode::Unified } else { Mode::Hybrid };
        let mut hierarchies: Vec<Hierarchy> = v2
            .into_iter()
            .map(|(path, text)| Hierarchy {
                path,
                version: Version::V2,
                controllers: text.split_whitespace().map(str::to_owned).collect(),
            })
            .collect();
        for line in own_groups.lines() {
            let names = line.split(':').nth(1).unwrap_or_default();
            let controllers: BTreeSet<String> =
                names.split(',').filter(|n| !n.is_empty()).map(str::to_owned).collect();
            // The folder has the name of any of them.
            if let Some(first) = names.split(',').next().filter(|n| !n.is_empty()) {
                let folder = first.strip_prefix("name=").unwrap_or(first);
                let path = Path::new(ROOT).join(folder);
                hierarchies.push(Hierarchy { path, version: Version::V1, controllers });
            }
        }
        Self { mode, hierarchies }
    }

    /// The tree that has a controller. One that is in both versions counts as version 2.
    #[must_use]
    pub(crate) fn hierarchy_of(&self, controller: &str) -> Option<&Hierarchy> {
        self.hierarchies.iter().find(|hierarchy| hierarchy.controllers.contains(controller))
    }

    /// The version a controller is used in; `None` if the host has not got it.
    #[must_use]
    pub(crate) fn version_of(&self, controller: &str) -> Option<Version> {
        self.hierarchy_of(controller).map(|hierarchy| hierarchy.version)
    }

    /// The names of all controllers of one version.
    #[must_use]
    pub(crate) fn controllers(&self, version: Version) -> BTreeSet<String> {
        let of_version = self.hierarchies.iter().filter(|h| h.version == version);
        of_version.flat_map(|h| h.controllers.iter().cloned()).collect()
    }

    /// The version-2 tree.
    #[must_use]
    pub(crate) fn unified(&self) -> Option<&Hierarchy> {
        self.hierarchies.iter().find(|hierarchy| hierarchy.version == Version::V2)
    }

    /// The processors that containers may use now: of the group `lxc`, else of the whole host. `None` without
    /// the controller (spec: config, part 5.7).
    pub(crate) fn effective_cpus(&self) -> Result<Option<CpuSet>> {
        let Some(hierarchy) = self.hierarchy_of("cpuset") else { return Ok(None) };
        for folder in [hierarchy.path.join("lxc"), hierarchy.path.clone()] {
            // A group that has none of its own yet says nothing about what there is.
            if let Some(set) = effective_cpus_of(&folder)?.filter(|set| !set.is_empty()) {
                return Ok(Some(set));
            }
        }
        Ok(None)
    }
}

/// The effective processors of one group; `None` if it has no such file.
pub(super) fn effective_cpus_of(folder: &Path) -> Result<Option<CpuSet>> {
    for name in ["cpuset.effective_cpus", "cpuset.cpus.effective"] {
        let path = folder.join(name);
        if let Ok(text) = fs::read_to_string(&path) {
            return text.parse().map(Some).map_err(|source| Error::CpuSet { path, source });
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HYBRID_GROUPS: &str = "13:pids:/\n9:cpu,cpuacct:/user\n2:memory:/\n1:name=systemd:/x\n0::/\n";

    fn words(version: Version, layout: &Layout) -> String {
        layout.controllers(version).into_iter().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_pure_version_2_host() {
        let v2 = Some((ROOT.into(), "cpuset cpu io memory pids\n".to_owned()));
        let layout = Layout::from_facts("cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n", "0::/init.scope\n", v2);
        assert_eq!(layout.mode, Mode::Unified);
        assert_eq!(words(Version::V2, &layout), "cpu cpuset io memory pids");
        assert_eq!(words(Version::V1, &layout), "");
        assert_eq!(layout.hierarchy_of("memory").unwrap().path, Path::new(ROOT));
        assert_eq!(layout.version_of("devices"), None);
    }

    #[test]
    fn a_hybrid_host() {
        let v2 = Some((format!("{ROOT}/unified").into(), "hugetlb memory\n".to_owned()));
        let mounts = "tmpfs /sys/fs/cgroup tmpfs ro 0 0\ncgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n";
        let layout = Layout::from_facts(mounts, HYBRID_GROUPS, v2);
        assert_eq!(layout.mode, Mode::Hybrid);
        assert_eq!(words(Version::V1, &layout), "cpu cpuacct memory name=systemd pids");
        assert_eq!(layout.version_of("memory"), Some(Version::V2), "in both: version 2");
        assert_eq!(layout.hierarchy_of("cpuacct").unwrap().path, Path::new(ROOT).join("cpu"));
        assert_eq!(layout.hierarchy_of("name=systemd").unwrap().path, Path::new(ROOT).join("systemd"));
        assert_eq!(layout.unified().unwrap().path, Path::new(ROOT).join("unified"));
    }

    #[test]
    fn a_version_1_host() {
        let layout = Layout::from_facts("tmpfs /sys/fs/cgroup tmpfs ro 0 0\n", HYBRID_GROUPS, None);
        assert_eq!((layout.mode, layout.unified()), (Mode::Hybrid, None));
        assert_eq!(layout.version_of("memory"), Some(Version::V1));
    }
}
