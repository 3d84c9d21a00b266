//! Memory, swap and processors, as the kernel has them.

use std::path::Path;

use pct_tests::{
    Host,
    limits::{is_v2, limit},
    require_root,
};

#[test]
fn memory_and_swap_are_limited() {
    require_root!();
    let host = Host::new();
    for unprivileged in ["1", "0"] {
        let ct = host.running(&["--memory", "64", "--swap", "32", "--unprivileged", unprivileged]);
        assert_eq!(limit(&ct, "memory/memory.limit_in_bytes", "memory.max"), (64 << 20).to_string());
        let swap = if is_v2("memory") { 32 << 20 } else { 96 << 20 };
        if is_v2("memory") || Path::new("/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes").exists() {
            assert_eq!(limit(&ct, "memory/memory.memsw.limit_in_bytes", "memory.swap.max"), swap.to_string());
        }
        // Not only written down: who takes more is killed.
        ct.exec(&["dd", "if=/dev/zero", "of=/dev/null", "bs=300M", "count=1"]).output().status(128 + 9);
        ct.exec(&["dd", "if=/dev/zero", "of=/dev/null", "bs=8M", "count=1"]).ok();
        ct.stop();
    }
}

#[test]
fn processors_are_limited() {
    require_root!();
    let host = Host::new();
    let ct = host.running(&["--cores", "1", "--cpulimit", "0.5", "--cpuunits", "512"]);
    let status = ct.sh("grep Cpus_allowed_list /proc/self/status");
    let list = status.split_whitespace().nth(1).unwrap();
    assert!(list.parse::<u32>().is_ok(), "more than one processor: {list}");
    assert_eq!(ct.sh("nproc"), "1\n");
    if is_v2("cpu") {
        assert_eq!(limit(&ct, "cpu/-", "cpu.max"), "50000 100000");
        assert_eq!(limit(&ct, "cpu/-", "cpu.weight"), "512");
    } else {
        assert_eq!(limit(&ct, "cpu/cpu.cfs_quota_us", "-"), "50000");
        assert_eq!(limit(&ct, "cpu/cpu.cfs_period_us", "-"), "100000");
        assert_eq!(limit(&ct, "cpu/cpu.shares", "-"), "512");
    }
}

#[test]
fn without_options_only_memory_is_limited() {
    require_root!();
    let host = Host::new();
    let ct = host.running(&[]);
    assert_eq!(limit(&ct, "memory/memory.limit_in_bytes", "memory.max"), (512 << 20).to_string());
    if is_v2("cpu") {
        assert_eq!(limit(&ct, "cpu/-", "cpu.max"), "max 100000");
    } else {
        assert_eq!(limit(&ct, "cpu/cpu.cfs_quota_us", "-"), "-1");
    }
    let all = std::thread::available_parallelism().unwrap().to_string();
    assert_eq!(ct.sh("nproc").trim(), all);
}
