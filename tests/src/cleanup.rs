//! Taking away what a failed test left, without the help of the product.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::mount::{UnmountFlags, unmount};
use rustix::process::Signal;

use crate::run::{Run, signal_pid};
use crate::state;

/// Kills, unmounts, detaches and removes everything that belongs to these
/// containers or lies below `root`. Returns what it found, for a message.
pub fn sweep(root: &Path, vmids: &[u32]) -> String {
    let mut found = String::new();
    // A monitor restarts a container that reboots; a few rounds end that.
    for _ in 0..5 {
        let pids = state::processes(root, vmids);
        if pids.is_empty() {
            break;
        }
        for pid in &pids {
            found += &format!("process {}", state::describe(*pid));
            signal_pid(*pid, Signal::KILL);
        }
        let end = Instant::now() + Duration::from_secs(5);
        while Instant::now() < end && pids.iter().any(|pid| state::processes(root, vmids).contains(pid)) {
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    let mut points: Vec<String> =
        state::mounts().filter_map(|m| m.split(' ').next().map(str::to_owned)).collect();
    points.retain(|point| Path::new(point).starts_with(root));
    for point in points.iter().rev() {
        found += &format!("mount {point}\n");
        let _ = unmount(point, UnmountFlags::DETACH);
    }
    for (device, file) in state::loops().into_iter().filter(|(_, f)| Path::new(f).starts_with(root)) {
        found += &format!("loop {device} {file}\n");
        drop(Run::new("/sbin/losetup").args(["-d", &device]).output());
    }
    for link in state::links().into_iter().filter(|l| vmids.iter().any(|id| state::link_of(l, *id))) {
        found += &format!("link {link}\n");
        drop(Run::new("/sbin/ip").args(["link", "delete", "dev", &link]).output());
    }
    // The volumes of templates are immutable; where there are none it complains.
    drop(Run::new("/usr/bin/chattr").args(["-R", "-f", "-i"]).args([root]).output());
    // Deepest first: the list is in that order.
    for dir in state::cgroups().into_iter().filter(|c| vmids.iter().any(|id| state::names(c, *id))) {
        found += &format!("cgroup {}\n", dir.display());
        drop(fs::remove_dir(&dir));
    }
    found
}
