//! Where there is nothing but cgroup v2: devices are filtered by BPF there, which no file shows.

use std::fs;
use std::path::Path;

use pct_tests::limits::is_v2;
use pct_tests::{Ct, Host, Run, require_root, root};

fn here() -> bool {
    root::can(
        is_v2("devices") && Path::new("/sys/fs/cgroup/cgroup.controllers").exists(),
        "a host with cgroup v2 only",
    )
}

/// A disk of the host's: its path and numbers.
fn disk() -> Option<(String, String)> {
    let names =
        fs::read_dir("/sys/block").unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let name = names.into_iter().find(|name| name.starts_with("vd") || name.starts_with("sd"))?;
    let numbers = fs::read_to_string(format!("/sys/block/{name}/dev")).unwrap();
    Some((format!("/dev/{name}"), numbers.trim().replace(':', " ")))
}

fn reads(ct: &Ct<'_>, path: &str) -> bool {
    ct.exec(&["dd", &format!("if={path}"), "of=/dev/null", "bs=512", "count=1"]).output().status == 0
}

#[test]
fn a_disk_of_the_host_is_read_only_by_permission() {
    require_root!();
    let disk = disk();
    if !here() || !root::can(disk.is_some(), "a disk") {
        return;
    }
    let (path, numbers) = disk.unwrap();
    let host = Host::new();
    // The guest has come to a node, and is root of the host: the filter alone is between them.
    let ct = host.running(&["--unprivileged", "0"]);
    let node = ct.subvol().join("root/disk");
    Run::new("/bin/mknod").args([node.to_str().unwrap(), "b"]).args(numbers.split(' ')).ok();
    assert!(!reads(&ct, "/root/disk"));
    ct.pct("set", &["--dev0", &format!("{path},mode=0600")]).ok().quiet();
    assert!(reads(&ct, &path) && reads(&ct, "/root/disk"));
    ct.pct("set", &["--delete", "dev0"]).ok().quiet();
    assert!(!reads(&ct, "/root/disk"));
    ct.exec(&["test", "-e", &path]).output().status(1);

    // The same from the start on.
    ct.pct("set", &["--dev0", &path]).ok();
    ct.stop();
    ct.start();
    assert!(reads(&ct, &path));
}

#[test]
fn what_is_in_force_is_what_the_hierarchy_shows() {
    require_root!();
    if !here() {
        return;
    }
    let host = Host::new();
    let ct = host.running(&["--memory", "64", "--swap", "32", "--cpulimit", "0.5", "--cpuunits", "50"]);
    let group = format!("/sys/fs/cgroup/lxc/{}", ct.id);
    let read = |file: &str| fs::read_to_string(format!("{group}/{file}")).unwrap().trim().to_owned();
    assert_eq!(read("memory.max"), (64 << 20).to_string());
    assert_eq!(read("memory.swap.max"), (32 << 20).to_string());
    assert_eq!((read("cpu.max"), read("cpu.weight")), ("50000 100000".into(), "50".into()));
    ct.pct("set", &["--memory", "96", "--swap", "0", "--cpulimit", "0", "--cpuunits", "200"]).ok().quiet();
    assert_eq!(read("memory.max"), (96 << 20).to_string());
    assert_eq!(read("memory.swap.max"), "0");
    assert_eq!((read("cpu.max"), read("cpu.weight")), ("max 100000".into(), "200".into()));
    // The guest sees a hierarchy of its own, and cannot lift its limits in it.
    assert_eq!(ct.sh("cat /proc/self/cgroup | cut -d: -f3 | head -c 1"), "/");
    ct.exec(&["sh", "-c", "echo max > /sys/fs/cgroup/memory.max"]).output().fails();
    assert_eq!(read("memory.max"), (96 << 20).to_string());
}
