//! What a running container uses (spec: runtime, part 7).

use std::fs;
use std::path::Path;

use super::group::Groups;
use super::layout::{Layout, Version};
use crate::config::Vmid;

/// Processor time used since the container's start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct CpuTime {
    /// In the programs, in microseconds.
    pub user: u64,
    /// In the kernel, in microseconds.
    pub system: u64,
}

/// What a container uses now; what the host does not tell is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    /// Memory in bytes, without the cache of files.
    pub memory: Option<u64>,
    /// Swap in bytes.
    pub swap: Option<u64>,
    /// Processor time.
    pub cpu: Option<CpuTime>,
    /// Transfers with block devices.
    pub disk: Option<Transfers>,
}

/// Bytes read from and written to block devices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Transfers {
    /// From the devices.
    pub read: u64,
    /// To the devices.
    pub written: u64,
}

impl Usage {
    /// Asks the kernel. A container that is not running uses nothing that it would know of.
    #[must_use]
    pub(crate) fn read(layout: &Layout, vmid: Vmid) -> Self {
        let groups = Groups::new(layout, vmid);
        let folder = |controller: &str| {
            let version = layout.version_of(controller)?;
            groups.limits(controller).filter(|folder| folder.is_dir()).map(|folder| (version, folder))
        };
        let memory = folder("memory");
        // In version 2 every group accounts processor time, without any controller. In version 1 the
        // controller for it is another than the one for limits.
        let unified = layout.unified().map(|h| (Version::V2, h.path.join("lxc").join(vmid.to_string())));
        let cpu = folder("cpuacct").or_else(|| folder("cpu")).or(unified);
        let mut usage = Self::default();
        if let Some((version, folder)) = memory {
            (usage.memory, usage.swap) = match version {
                Version::V2 => memory_v2(&folder),
                Version::V1 => memory_v1(&folder),
            };
        }
        usage.cpu = cpu.and_then(|(version, folder)| match version {
            Version::V2 => cpu_v2(&folder),
            Version::V1 => cpu_v1(&folder),
        });
        usage.disk = folder("io").or_else(|| folder("blkio")).and_then(|(version, folder)| match version {
            Version::V2 => Some(disk_v2(&fs::read_to_string(folder.join("io.stat")).ok()?)),
            Version::V1 => {
                let table = folder.join("blkio.throttle.io_service_bytes_recursive");
                Some(disk_v1(&fs::read_to_string(table).ok()?))
            }
        });
        usage
    }
}

fn memory_v2(folder: &Path) -> (Option<u64>, Option<u64>) {
    let cache = key(folder, "memory.stat", "file").unwrap_or_default();
    let memory = number(folder, "memory.current").map(|all| all.saturating_sub(cache));
    (memory, number(folder, "memory.swap.current"))
}

fn memory_v1(folder: &Path) -> (Option<u64>, Option<u64>) {
    let all = number(folder, "memory.usage_in_bytes");
    let cache = key(folder, "memory.stat", "total_cache").unwrap_or_default();
    let with_swap = number(folder, "memory.memsw.usage_in_bytes");
    // Without accounting of swap by the first file, the second may still tell.
    let swap = with_swap.zip(all).map(|(both, memory)| both.saturating_sub(memory));
    (all.map(|all| all.saturating_sub(cache)), swap.or_else(|| key(folder, "memory.stat", "total_swap")))
}

fn cpu_v2(folder: &Path) -> Option<CpuTime> {
    let time = |name| key(folder, "cpu.stat", name);
    Some(CpuTime { user: time("user_usec")?, system: time("system_usec")? })
}

/// Nanoseconds (since Linux 4.7).
fn cpu_v1(folder: &Path) -> Option<CpuTime> {
    let time = |name| number(folder, name).map(|nanoseconds| nanoseconds / 1000);
    Some(CpuTime { user: time("cpuacct.usage_user")?, system: time("cpuacct.usage_sys")? })
}

/// Lines `<major>:<minor> rbytes=<n> wbytes=<n> ...` (kernel: cgroup-v2.rst, io.stat).
fn disk_v2(table: &str) -> Transfers {
    let sum = |name: &str| {
        let words = table.split_whitespace().filter_map(|word| word.strip_prefix(name)?.strip_prefix('='));
        words.filter_map(|number| number.parse::<u64>().ok()).sum()
    };
    Transfers { read: sum("rbytes"), written: sum("wbytes") }
}

/// Lines `<major>:<minor> <operation> <n>` (kernel: cgroup-v1/blkio-controller.rst).
fn disk_v1(table: &str) -> Transfers {
    let sum = |operation: &str| {
        let lines = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        let numbers = lines.filter(|words| words.get(1) == Some(&operation));
        numbers.filter_map(|words| words.get(2)?.parse::<u64>().ok()).sum()
    };
    Transfers { read: sum("Read"), written: sum("Write") }
}

fn number(folder: &Path, file: &str) -> Option<u64> {
    fs::read_to_string(folder.join(file)).ok()?.trim().parse().ok()
}

/// The value of a line `<key> <value>`.
fn key(folder: &Path, file: &str, key: &str) -> Option<u64> {
    let text = fs::read_to_string(folder.join(file)).ok()?;
    let mut lines = text.lines().filter_map(|line| line.split_once(' '));
    lines.find(|(name, _)| *name == key)?.1.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transfers_of_all_devices_are_added() {
        let v2 =
            "8:0 rbytes=10 wbytes=1 rios=3 wios=4 dbytes=0 dios=0\n8:16 rbytes=5 wbytes=2 rios=1 wios=1\n";
        assert_eq!(disk_v2(v2), Transfers { read: 15, written: 3 });
        let v1 = "8:0 Read 7\n8:0 Write 8\n8:0 Total 15\n8:16 Read 1\nTotal 16\n";
        assert_eq!(disk_v1(v1), Transfers { read: 8, written: 8 });
    }
}
