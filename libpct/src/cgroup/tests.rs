//! Groups of the real kernel, as root, and made-up trees for what this kernel has not got.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use super::group::Part;
use super::layout::Hierarchy;
use super::usage::CpuTime;
use super::*;
use crate::config::Vmid;
use crate::sys::testing::needs_root;

fn vmid(number: u32) -> Vmid {
    Vmid::new(number).unwrap()
}

/// A tree on disk that looks like a hierarchy.
fn made_up(dir: &Path, version: Version, controllers: &[&str]) -> Layout {
    let controllers = controllers.iter().map(|c| (*c).to_owned()).collect();
    let mode = if version == Version::V2 { Mode::Unified } else { Mode::Hybrid };
    Layout { mode, hierarchies: vec![Hierarchy { path: dir.to_owned(), version, controllers }] }
}

fn put(dir: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        let path = dir.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

/// Processes in groups of a made-up container in every hierarchy; all goes at the end.
struct Running {
    layout: Layout,
    vmid: Vmid,
    children: Vec<Child>,
}

impl Running {
    fn new(number: u32, names: &[&str]) -> Self {
        Self::of(number, names, Command::new("/bin/sleep").arg("600"))
    }

    fn of(number: u32, names: &[&str], program: &mut Command) -> Self {
        let mut running =
            Self { layout: Layout::detect().unwrap(), vmid: vmid(number), children: Vec::new() };
        running.clear();
        for name in names {
            let child = program.spawn().unwrap();
            for hierarchy in &running.layout.hierarchies {
                let folder = hierarchy.path.join(name);
                fs::create_dir_all(&folder).unwrap();
                // A new v1 cpuset has nothing to run on.
                for file in ["cpuset.cpus", "cpuset.mems"] {
                    if hierarchy.version == Version::V1 && folder.join(file).exists() {
                        inherit(&hierarchy.path, &folder, file);
                    }
                }
                // As liblxc does: a v2 group has only what those above it pass on.
                if hierarchy.version == Version::V2 && hierarchy.controllers.contains("memory") {
                    for above in [hierarchy.path.clone(), hierarchy.path.join("lxc")] {
                        fs::write(above.join("cgroup.subtree_control"), "+memory").unwrap();
                    }
                }
                fs::write(folder.join("cgroup.procs"), child.id().to_string()).unwrap();
            }
            running.children.push(child);
        }
        running
    }

    fn groups(&self) -> Groups<'_> {
        Groups::new(&self.layout, self.vmid)
    }

    fn pids(&self) -> BTreeSet<i32> {
        self.children.iter().map(|child| child.id() as i32).collect()
    }

    fn clear(&mut self) {
        for child in &mut self.children {
            let _ = child.kill();
            child.wait().unwrap();
        }
        self.children.clear();
        self.groups().remove_stale().unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.clear();
    }
}

/// Copies a setting down from the root to a group.
fn inherit(root: &Path, folder: &Path, file: &str) {
    let value = fs::read_to_string(root.join(file)).unwrap();
    let mut here = root.to_owned();
    for name in folder.strip_prefix(root).unwrap() {
        here.push(name);
        if fs::read_to_string(here.join(file)).unwrap().trim().is_empty() {
            fs::write(here.join(file), &value).unwrap();
        }
    }
}

#[test]
fn this_host_has_a_layout() {
    let layout = Layout::detect().unwrap();
    assert!(!layout.hierarchies.is_empty());
    for hierarchy in &layout.hierarchies {
        assert!(hierarchy.path.join("cgroup.procs").exists(), "{hierarchy:?}");
    }
    if let Some(set) = layout.effective_cpus().unwrap() {
        assert!(!set.is_empty());
    }
}

#[test]
fn members_are_found_and_killed_and_the_groups_removed() {
    if !needs_root() {
        return;
    }
    let mut running = Running::new(9950, &["lxc/9950/ns/deep/er", "lxc/9950-1", "lxc/99500"]);
    let foreign = running.children.pop().unwrap();
    let others = Running { layout: running.layout.clone(), vmid: vmid(99_500), children: vec![foreign] };
    assert_eq!(running.groups().members(Part::Container).unwrap(), running.pids());
    assert!(running.groups().members(Part::Monitor).unwrap().is_empty());
    let trees = running.layout.hierarchies.len();
    assert_eq!(running.groups().folders(Part::Container).len(), 2 * trees);

    let error = running.groups().remove_stale().unwrap_err();
    assert!(matches!(&error, Error::Busy { pids, .. } if pids.len() == 1), "{error}");

    // Someone must reap the killed, as a container's init or the host's would.
    std::thread::scope(|s| {
        let mut children: Vec<Child> = running.children.drain(..).collect();
        s.spawn(move || children.iter_mut().for_each(|child| assert!(!child.wait().unwrap().success())));
        running.groups().kill_all(Duration::from_secs(10)).unwrap();
    });
    assert!(running.groups().members(Part::Container).unwrap().is_empty());
    assert_eq!(running.groups().remove_stale().unwrap(), 2 * trees);
    assert_eq!(running.groups().remove_stale().unwrap(), 0);
    assert_eq!(others.groups().members(Part::Container).unwrap(), others.pids(), "the other one lives");
}

#[test]
fn a_frozen_container_is_killed() {
    if !needs_root() {
        return;
    }
    let mut running = Running::new(9951, &["lxc/9951/ns"]);
    let frozen = running.groups().limits("freezer").map(|folder| folder.join("ns/freezer.state"));
    let Some(frozen) = frozen.filter(|file| file.exists()) else { return };
    fs::write(&frozen, "FROZEN").unwrap();
    std::thread::scope(|s| {
        let mut children: Vec<Child> = running.children.drain(..).collect();
        s.spawn(move || children.iter_mut().for_each(|child| assert!(!child.wait().unwrap().success())));
        running.groups().kill_all(Duration::from_secs(10)).unwrap();
    });
}

#[test]
fn what_does_not_end_is_named_in_time() {
    if !needs_root() {
        return;
    }
    // Nobody reaps it; where a zombie counts as a member, it never goes.
    let dir = tempfile::tempdir().unwrap();
    let layout = made_up(dir.path(), Version::V2, &["memory"]);
    let own = Command::new("/bin/sleep").arg("600").spawn().unwrap();
    put(dir.path(), &[("lxc/9952/cgroup.procs", &format!("0\n{}\n", own.id()))]);
    let (mut own, start) = (own, Instant::now());
    let error = Groups::new(&layout, vmid(9952)).kill_all(Duration::from_millis(50)).unwrap_err();
    assert!(matches!(&error, Error::StillAlive { pids } if pids == &[own.id() as i32]), "{error}");
    assert!(start.elapsed() < Duration::from_secs(5));
    own.wait().unwrap();
}

#[test]
fn usage_of_a_real_container() {
    if !needs_root() {
        return;
    }
    let running = Running::new(9953, &["lxc/9953"]);
    let usage = Usage::read(&running.layout, running.vmid);
    if running.layout.version_of("memory").is_some() {
        assert!(usage.memory.is_some_and(|bytes| bytes < 1 << 30), "{usage:?}");
    }
    assert!(usage.cpu.is_some_and(|time| time.user + time.system < 10_000_000), "{usage:?}");
    assert_eq!(Usage::read(&running.layout, vmid(9954)), Usage::default());
    if let Some(cpus) = running.groups().effective_cpus().unwrap() {
        assert!(!cpus.is_empty());
    }
}

#[test]
fn usage_in_version_2() {
    let dir = tempfile::tempdir().unwrap();
    let layout = made_up(dir.path(), Version::V2, &["memory", "cpu", "cpuset"]);
    put(
        &dir.path().join("lxc/100"),
        &[
            ("memory.current", "1000000\n"),
            ("memory.stat", "anon 5\nfile_mapped 7\nfile 300000\n"),
            ("memory.swap.current", "4096\n"),
            ("cpu.stat", "usage_usec 30\nuser_usec 20\nsystem_usec 10\n"),
            ("cpuset.cpus.effective", "0-1\n"),
        ],
    );
    let expected = Usage {
        memory: Some(700_000),
        swap: Some(4096),
        cpu: Some(CpuTime { user: 20, system: 10 }),
        disk: None,
    };
    assert_eq!(Usage::read(&layout, vmid(100)), expected);
    let cpus = Groups::new(&layout, vmid(100)).effective_cpus().unwrap().unwrap();
    assert_eq!(cpus.to_string(), "0-1");
}

#[test]
fn usage_in_version_1() {
    let dir = tempfile::tempdir().unwrap();
    let layout = made_up(dir.path(), Version::V1, &["memory", "cpuacct"]);
    let folder = dir.path().join("lxc/100");
    put(
        &folder,
        &[
            ("memory.usage_in_bytes", "1000000\n"),
            ("memory.memsw.usage_in_bytes", "1004096\n"),
            ("memory.stat", "cache 1\ntotal_cache 300000\ntotal_swap 9\n"),
            ("cpuacct.usage_user", "20999\n"),
            ("cpuacct.usage_sys", "10000\n"),
        ],
    );
    let mut expected = Usage {
        memory: Some(700_000),
        swap: Some(4096),
        cpu: Some(CpuTime { user: 20, system: 10 }),
        disk: None,
    };
    assert_eq!(Usage::read(&layout, vmid(100)), expected);
    fs::remove_file(folder.join("memory.memsw.usage_in_bytes")).unwrap();
    expected.swap = Some(9);
    assert_eq!(Usage::read(&layout, vmid(100)), expected);
}

#[test]
fn the_processors_of_containers_or_else_of_the_host() {
    let dir = tempfile::tempdir().unwrap();
    let layout = made_up(dir.path(), Version::V2, &["cpuset"]);
    assert_eq!(layout.effective_cpus().unwrap(), None);
    put(dir.path(), &[("cpuset.cpus.effective", "0-3\n"), ("lxc/cpuset.cpus.effective", "\n")]);
    assert_eq!(layout.effective_cpus().unwrap().unwrap().to_string(), "0-3");
    put(dir.path(), &[("lxc/cpuset.effective_cpus", "1,3\n")]);
    assert_eq!(layout.effective_cpus().unwrap().unwrap().to_string(), "1,3");
    put(dir.path(), &[("lxc/cpuset.effective_cpus", "x\n")]);
    assert!(matches!(layout.effective_cpus(), Err(Error::CpuSet { .. })));
}

#[test]
fn removing_follows_no_symlink() {
    let (dir, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let layout = made_up(dir.path(), Version::V2, &["memory"]);
    fs::create_dir(outside.path().join("sub")).unwrap();
    fs::create_dir_all(dir.path().join("lxc/9955/ns")).unwrap();
    fs::create_dir_all(dir.path().join("lxc/9955-x")).unwrap();
    std::os::unix::fs::symlink(outside.path(), dir.path().join("lxc/9955-1")).unwrap();
    let groups = Groups::new(&layout, vmid(9955));
    assert_eq!(groups.remove_stale().unwrap(), 1);
    assert!(outside.path().join("sub").exists() && dir.path().join("lxc/9955-x").exists());
    fs::create_dir_all(dir.path().join("lxc.monitor/9955")).unwrap();
    std::os::unix::fs::symlink(outside.path(), dir.path().join("lxc.monitor/9955/link")).unwrap();
    assert!(groups.remove_stale().is_err());
    assert!(outside.path().join("sub").exists());
}

#[test]
fn what_criu_has_misnamed_goes_unless_something_is_in_it() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};
    let dir = tempfile::tempdir().unwrap();
    let layout = made_up(dir.path(), Version::V1, &["pids"]);
    let at = |name: &[u8]| dir.path().join("lxc").join(OsStr::from_bytes(name));
    for name in [&b"9956/ns"[..], b"9956XjU/ns", b"9956\xbe\xdaU/ns", b"9956)3V", b"99561", b"9955x"] {
        fs::create_dir_all(at(name)).unwrap();
    }
    put(dir.path(), &[("lxc/9956used/ns/cgroup.procs", "1\n")]);
    Groups::new(&layout, vmid(9956)).remove_strays();
    let mut left: Vec<_> =
        fs::read_dir(dir.path().join("lxc")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["9955x", "9956", "99561", "9956used"]);
}

#[test]
fn limits_are_written_and_put_back() {
    let temp = tempfile::tempdir().unwrap();
    put(temp.path(), &[("lxc/9001/memory.max", "1024\n"), ("lxc/9001/memory.high", "1000\n")]);
    let layout = made_up(temp.path(), Version::V2, &["memory"]);
    let file = |name: &str| fs::read_to_string(temp.path().join("lxc/9001").join(name)).unwrap();
    let mut limits = Limits::new(&layout, vmid(9001));
    assert_eq!(limits.read("memory.max").unwrap().as_deref(), Some("1024"));
    assert_eq!((limits.read("memory.no").unwrap(), limits.read("cpu.max").unwrap()), (None, None));
    limits.write("memory.max", "2048").unwrap();
    limits.write("memory.max", "4096").unwrap();
    limits.write("memory.high", "1000").unwrap();
    limits.write("cpu.max", "max").unwrap();
    assert_eq!(file("memory.max"), "4096\n");
    assert!(limits.write("memory.no", "1").is_err(), "a group has the files that it has");
    assert!(limits.restore().is_empty());
    assert_eq!((file("memory.max").as_str(), file("memory.high").as_str()), ("1024\n", "1000\n"));
}

#[test]
fn processors_change_in_every_group_of_version_1() {
    let temp = tempfile::tempdir().unwrap();
    let groups = ["lxc/9001", "lxc/9001/ns", "lxc/9001/ns/inner"].map(|group| format!("{group}/cpuset.cpus"));
    for group in &groups {
        put(temp.path(), &[(group, "0-1\n")]);
    }
    let layout = made_up(temp.path(), Version::V1, &["cpuset"]);
    let mut limits = Limits::new(&layout, vmid(9001));
    limits.set_cpus(&"2-3".parse().unwrap()).unwrap();
    let all = |value: &str| {
        for group in &groups {
            assert_eq!(fs::read_to_string(temp.path().join(group)).unwrap(), value, "{group}");
        }
    };
    all("2-3\n");
    assert!(limits.restore().is_empty());
    all("0-1\n");
}

#[test]
fn device_rules_reach_the_groups_that_the_guest_has_not_restricted() {
    let dir = tempfile::tempdir().unwrap();
    let layout = made_up(dir.path(), Version::V1, &["devices"]);
    let group = |name: &str| dir.path().join("lxc/9001").join(name);
    for (name, list) in [("", "c 1:3 rwm\n"), ("ns", "c 1:3 rwm\n"), ("ns/own.service", "c 1:5 r\n")] {
        put(&group(name), &[("devices.list", list), ("devices.allow", ""), ("devices.deny", "")]);
    }
    let groups = Groups::new(&layout, vmid(9001));
    groups.write_device_rule("devices.allow", "c 10:200 rw").unwrap();
    groups.write_device_rule("devices.deny", "c 10:200 w").unwrap();
    let written = |name: &str, file: &str| fs::read_to_string(group(name).join(file)).unwrap();
    for name in ["", "ns"] {
        assert_eq!(written(name, "devices.allow"), "c 10:200 rw", "{name}");
    }
    assert_eq!(written("ns/own.service", "devices.allow"), "");
    assert_eq!(written("", "devices.deny"), "c 10:200 w");
    assert_eq!(written("ns", "devices.deny"), "", "the kernel passes it on");
    // Without the controller there is nothing to tell.
    let none = made_up(dir.path(), Version::V1, &["memory"]);
    Groups::new(&none, vmid(9001)).write_device_rule("devices.allow", "a").unwrap();
    fs::remove_file(group("ns/own.service").join("devices.list")).unwrap();
    groups.write_device_rule("devices.allow", "c 1:9 r").unwrap();
}

#[test]
fn a_frozen_container_stands_still_until_it_is_thawed() {
    if !needs_root() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    // Without children, who would not be killed with it.
    let script = "while echo >>steps; do :; done";
    let busy = &mut Command::new("/bin/sh");
    let running = Running::of(9952, &["lxc/9952/ns"], busy.args(["-c", script]).current_dir(dir.path()));
    let steps = || fs::metadata(dir.path().join("steps")).map_or(0, |found| found.len());
    let walk = || {
        let (from, start) = (steps(), Instant::now());
        while steps() == from {
            assert!(start.elapsed() < Duration::from_secs(30), "it does not go on");
            std::thread::sleep(Duration::from_millis(1));
        }
    };
    walk();
    let Some(freezer) = running.groups().freezer() else { return };
    freezer.freeze(Duration::from_secs(10)).unwrap();
    let frozen = steps();
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(steps(), frozen);
    freezer.thaw().unwrap();
    freezer.thaw().unwrap();
    walk();
}
