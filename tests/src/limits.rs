//! The limits of a running container, as the kernel has them.

use std::fs;
use std::path::{Path, PathBuf};

use crate::Ct;

/// The value of a cgroup file of the container, from the cgroup of init upwards
/// to the one that carries the limit. `v1` is `controller/file`.
pub fn limit(ct: &Ct<'_>, v1: &str, v2: &str) -> String {
    let (controller, file) = v1.split_once('/').unwrap();
    let groups = fs::read_to_string(format!("/proc/{}/cgroup", ct.init_pid())).unwrap();
    let of = |wanted: &str| {
        groups.lines().find_map(|line| {
            let mut parts = line.splitn(3, ':').skip(1);
            let controllers = parts.next()?;
            controllers.split(',').any(|c| c == wanted).then(|| parts.next().unwrap().to_owned())
        })
    };
    let v1_dir = Path::new("/sys/fs/cgroup").join(controller);
    let (top, path, file) = match of(controller) {
        Some(path) => (v1_dir, path, file),
        None => (PathBuf::from("/sys/fs/cgroup"), of("").expect("a unified hierarchy"), v2),
    };
    let mut dir = top.join(path.trim_start_matches('/'));
    loop {
        let name = dir.file_name().unwrap().to_string_lossy().into_owned();
        if name == ct.id || name.ends_with(&format!(".{}", ct.id)) || dir == top {
            break;
        }
        dir.pop();
    }
    fs::read_to_string(dir.join(file))
        .unwrap_or_else(|e| panic!("{}/{file}: {e}", dir.display()))
        .trim()
        .to_owned()
}

/// Whether the unified hierarchy has this controller.
pub fn is_v2(controller: &str) -> bool {
    !Path::new("/sys/fs/cgroup").join(controller).join("tasks").exists()
}

/// The limit of memory, in bytes.
pub fn memory(ct: &Ct<'_>) -> u64 {
    limit(ct, "memory/memory.limit_in_bytes", "memory.max").parse().unwrap()
}

/// The limit of memory and swap together.
pub fn with_swap(ct: &Ct<'_>) -> Option<u64> {
    if is_v2("memory") {
        return Some(memory(ct) + limit(ct, "-/-", "memory.swap.max").parse::<u64>().unwrap());
    }
    let counts = fs::exists("/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes").unwrap();
    counts.then(|| limit(ct, "memory/memory.memsw.limit_in_bytes", "-").parse().unwrap())
}

/// Microseconds of each tenth of a second; `-1` without a limit.
pub fn quota(ct: &Ct<'_>) -> String {
    let quota = limit(ct, "cpu/cpu.cfs_quota_us", "cpu.max");
    quota.split(' ').next().unwrap().replace("max", "-1")
}

/// The share of the processors.
pub fn units(ct: &Ct<'_>) -> String {
    limit(ct, "cpu/cpu.shares", "cpu.weight")
}
