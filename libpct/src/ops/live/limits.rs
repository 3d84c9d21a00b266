//! The limits of a running container (spec: runtime, part 7).

use crate::{
    cgroup::{Layout, Limits, Version},
    changes::Limit,
    config::{Section, Vmid},
    error::Error,
    facts::HostFacts,
    translate,
};

/// The limits of a running container, with what it takes to put them back.
pub(super) struct Enforced<'a> {
    vmid: Vmid,
    facts: &'a HostFacts,
    layout: &'a Layout,
    limits: Limits<'a>,
}

impl<'a> Enforced<'a> {
    pub(super) fn new(vmid: Vmid, facts: &'a HostFacts, layout: &'a Layout) -> Self {
        Self { vmid, facts, layout, limits: Limits::new(layout, vmid) }
    }

    /// The change has failed: puts everything back, and returns what could not be.
    pub(super) fn restore(self) -> Vec<String> {
        self.limits.restore().into_iter().map(|error| Error::from(error).full_message()).collect()
    }

    /// The files of a limit with the values that a start would write, in an order that the kernel takes. A raw line
    /// outdoes ours at a start, so it does here.
    fn files(&self, limit: Limit, section: &Section) -> Result<Vec<(String, String)>, Error> {
        let lines = translate::limits(self.vmid, section, self.facts)?;
        let mut files: Vec<(String, String)> = Vec::new();
        for (key, value) in lines.into_iter().filter(|(key, _)| !section.has_raw(key)) {
            let file = key.strip_prefix("lxc.cgroup2.").or_else(|| key.strip_prefix("lxc.cgroup."));
            files.extend(file.filter(|file| belongs(limit, file)).map(|file| (file.to_owned(), value)));
        }
        if limit == Limit::Memory {
            // From the last line to the first: of version 2 the hard limit comes last. Of version 1 the sum with swap,
            // which must never be the smaller one, comes first, unless the limit shrinks.
            files.reverse();
            if let [(_, _), (file, value)] = &files[..]
                && file == "memory.limit_in_bytes"
                && is_less(value, self.limits.read(file)?.as_deref())
            {
                files.reverse();
            }
        }
        Ok(files)
    }

    pub(super) fn write(&mut self, limit: Limit, section: &Section) -> Result<(), Error> {
        let files = self.files(limit, section)?;
        if files.is_empty() {
            return self.lift(limit, section);
        }
        for (file, value) in files {
            match limit {
                Limit::Cores => {
                    let cpus = value.parse().map_err(|_| Error::invalid("cores", "set of processors"))?;
                    self.limits.set_cpus(&cpus)?;
                }
                _ => self.limits.write(&file, &value)?,
            }
        }
        Ok(())
    }

    /// What a container has that was started without the limit.
    fn lift(&mut self, limit: Limit, section: &Section) -> Result<(), Error> {
        let (v2, v1) = match limit {
            Limit::CpuLimit => (("cpu.max", "max"), ("cpu.cfs_quota_us", "-1")),
            Limit::CpuUnits => (("cpu.weight", "100"), ("cpu.shares", "1024")),
            Limit::Cores => (("cpuset.cpus", ""), ("cpuset.cpus", "")),
            // There is always one.
            Limit::Memory => return Ok(()),
        };
        let ((file, value), raw) = match self.limits.version_of(v2.0) {
            Some(Version::V2) => (v2, format!("lxc.cgroup2.{}", v2.0)),
            Some(Version::V1) => (v1, format!("lxc.cgroup.{}", v1.0)),
            None => return Ok(()),
        };
        // A container of a liblxc that knows no version 1 has no such file.
        if section.has_raw(&raw) || self.limits.read(file)?.is_none() {
            return Ok(());
        }
        if limit == Limit::Cores && self.limits.version_of(file) == Some(Version::V1) {
            // There an empty set is none.
            let all = self.layout.effective_cpus()?;
            return Ok(all.map_or(Ok(()), |all| self.limits.set_cpus(&all))?);
        }
        Ok(self.limits.write(file, value)?)
    }
}

fn belongs(limit: Limit, file: &str) -> bool {
    match limit {
        Limit::Cores => file == "cpuset.cpus",
        Limit::CpuLimit => file == "cpu.max" || file.starts_with("cpu.cfs_"),
        Limit::CpuUnits => file == "cpu.weight" || file == "cpu.shares",
        Limit::Memory => file.starts_with("memory."),
    }
}

/// Whether a limit in bytes is below the present one.
fn is_less(new: &str, now: Option<&str>) -> bool {
    let number = |text: &str| text.parse::<u64>().ok();
    matches!((number(new), now.and_then(number)), (Some(new), Some(now)) if new < now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        cgroup::Mode,
        config::Config,
        facts::{CgroupLayout, HomeKind, Version as LxcVersion},
    };

    fn files(limit: Limit, config: &str, layout: CgroupLayout) -> Vec<String> {
        let vmid = Vmid::new(9001).unwrap();
        let mut facts = HostFacts::new(HomeKind::Standalone, LxcVersion(6, 0), layout);
        let controllers = ["cpu", "memory", "cpuset"].map(str::to_owned).to_vec();
        match layout {
            CgroupLayout::V2 => facts.controllers = controllers,
            _ => facts.controllers_v1 = controllers,
        }
        facts.cpus = "0".to_owned();
        // No group is there: nothing shrinks.
        let layout = Layout { mode: Mode::Unified, hierarchies: Vec::new() };
        let config = Config::parse(config.as_bytes(), vmid).config;
        let files = Enforced::new(vmid, &facts, &layout).files(limit, config.main()).unwrap();
        files.into_iter().map(|(file, value)| format!("{file}={value}")).collect()
    }

    #[test]
    fn files_come_in_an_order_that_the_kernel_takes() {
        let memory = "memory: 1024\nswap: 0\ncpulimit: 2\n";
        assert_eq!(
            files(Limit::Memory, memory, CgroupLayout::V2),
            ["memory.swap.max=0", "memory.high=1065353216", "memory.max=1073741824"]
        );
        assert_eq!(
            files(Limit::Memory, memory, CgroupLayout::V1),
            ["memory.memsw.limit_in_bytes=1073741824", "memory.limit_in_bytes=1073741824"]
        );
        assert_eq!(files(Limit::CpuLimit, memory, CgroupLayout::V2), ["cpu.max=200000 100000"]);
        assert_eq!(
            files(Limit::CpuLimit, memory, CgroupLayout::Hybrid),
            ["cpu.cfs_period_us=100000", "cpu.cfs_quota_us=200000"]
        );
        assert_eq!(files(Limit::CpuUnits, "cpuunits: 0\n", CgroupLayout::V2), ["cpu.weight=1"]);
        assert_eq!(files(Limit::Cores, "cores: 1\n", CgroupLayout::V2), ["cpuset.cpus=0"]);
    }

    #[test]
    fn a_raw_line_outdoes_a_key() {
        let config = "cpulimit: 2\nlxc.cgroup2.cpu.max: 5000 10000\n";
        assert!(files(Limit::CpuLimit, config, CgroupLayout::V2).is_empty());
    }
}
