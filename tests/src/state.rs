//! What of a container is on this machine: mounts, loop devices, links, cgroups,
//! processes, files. Two such states are compared by [`State::diff`].

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// A set of things found, one line each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    /// `mount <point> <type> <source>`, `loop …`, `link …`, `cgroup …`, `process …`, `file …`
    pub found: BTreeSet<String>,
}

impl State {
    /// Everything that belongs to these containers or lies below `root`. Safe
    /// beside other tests.
    pub fn of(root: &Path, vmids: &[u32]) -> Self {
        let mut found = BTreeSet::new();
        let root_text = root.to_string_lossy().into_owned();
        found.extend(mounts().filter(|m| m.contains(&root_text)).map(|m| format!("mount {m}")));
        found.extend(
            loops().into_iter().filter(|(_, f)| f.contains(&root_text)).map(|(d, f)| format!("loop {d} {f}")),
        );
        found.extend(
            links()
                .into_iter()
                .filter(|l| vmids.iter().any(|id| link_of(l, *id)))
                .map(|l| format!("link {l}")),
        );
        found.extend(
            cgroups()
                .into_iter()
                .filter(|c| vmids.iter().any(|id| names(c, *id)))
                .map(|c| format!("cgroup {}", c.display())),
        );
        found.extend(processes(root, vmids).into_iter().map(named));
        found.extend(files(root).into_iter().map(|f| format!("file {f}")));
        Self { found }
    }

    /// The whole machine, and the files below `root`; only meaningful while
    /// nobody else works on it, see [`crate::lease::machine`].
    pub fn machine(root: &Path, vmids: &[u32]) -> Self {
        let mut found = Self::of(root, vmids).found;
        found.extend(mounts().map(|m| format!("mount {m}")));
        found.extend(loops().into_iter().map(|(d, f)| format!("loop {d} {f}")));
        found.extend(links().into_iter().map(|l| format!("link {l}")));
        found.extend(cgroups().into_iter().map(|c| format!("cgroup {}", c.display())));
        found.extend(strangers().into_iter().map(named));
        Self { found }
    }

    /// Only the lines of some kinds, such as `["mount", "loop"]`.
    pub fn only(&self, kinds: &[&str]) -> Self {
        let wanted = |line: &&String| kinds.iter().any(|k| line.split(' ').next() == Some(k));
        Self { found: self.found.iter().filter(wanted).cloned().collect() }
    }

    /// Lines that came (`+`) and went (`-`) between `self` and `later`.
    pub fn diff(&self, later: &Self) -> String {
        let gone = self.found.difference(&later.found).map(|l| format!("- {l}\n"));
        let new = later.found.difference(&self.found).map(|l| format!("+ {l}\n"));
        gone.chain(new).collect()
    }

    /// Panics with the difference unless `later` is the same.
    #[track_caller]
    pub fn assert_same(&self, later: &Self, when: &str) {
        let diff = self.diff(later);
        assert!(diff.is_empty(), "the host is not as it was, {when}:\n{diff}");
    }
}

/// Mounts of our own namespace: `<point> <type> <source> <options>`.
pub fn mounts() -> impl Iterator<Item = String> {
    let text = fs::read_to_string("/proc/self/mountinfo").expect("mountinfo");
    let rows: Vec<String> = text
        .lines()
        .map(|line| {
            let (left, right) = line.split_once(" - ").unwrap_or((line, ""));
            let left: Vec<&str> = left.split(' ').collect();
            format!("{} {} root={}", left.get(4).unwrap_or(&""), right, left.get(3).unwrap_or(&""))
        })
        .collect();
    rows.into_iter()
}

/// Loop devices in use and their backing files.
pub fn loops() -> Vec<(String, String)> {
    entries(Path::new("/sys/block"))
        .into_iter()
        .filter_map(|dev| {
            let file = fs::read_to_string(dev.join("loop/backing_file")).ok()?;
            Some((format!("/dev/{}", dev.file_name()?.to_string_lossy()), file.trim_end().to_owned()))
        })
        .collect()
}

/// Network links of our own namespace.
pub fn links() -> Vec<String> {
    entries(Path::new("/sys/class/net"))
        .iter()
        .filter_map(|p| Some(p.file_name()?.to_string_lossy().into_owned()))
        .collect()
}

/// Whether a link is one that a container's network makes.
pub fn link_of(link: &str, vmid: u32) -> bool {
    ["veth", "vetp", "fwbr", "fwln", "fwpr", "ifb"].iter().any(|kind| {
        let rest = link.strip_prefix(&format!("{kind}{vmid}")).unwrap_or_default();
        rest.starts_with(['i', 'p', 'o'])
    })
}

/// Every cgroup of every hierarchy, below the first level only where a name
/// speaks of a container: services of the host come and go.
pub fn cgroups() -> Vec<PathBuf> {
    fn walk(dir: &Path, found: &mut Vec<PathBuf>) {
        for path in entries(dir).into_iter().filter(|p| p.is_dir()) {
            walk(&path, found);
            found.push(path);
        }
    }
    let mut found = Vec::new();
    for text in fs::read_to_string("/proc/self/mountinfo").unwrap_or_default().lines() {
        let Some((left, right)) = text.split_once(" - ") else { continue };
        if right.starts_with("cgroup ") || right.starts_with("cgroup2 ") {
            walk(Path::new(left.split(' ').nth(4).unwrap_or("/nonexistent")), &mut found);
        }
    }
    found.retain(|p| p.to_string_lossy().contains("lxc"));
    found
}

/// Whether a component of a cgroup's path names this container: `9001`,
/// `lxc.payload.9001`, `lxc.monitor.9001-1`.
pub fn names(cgroup: &Path, vmid: u32) -> bool {
    let id = vmid.to_string();
    cgroup.iter().any(|part| {
        let part = part.to_string_lossy();
        part.split(['.', '-', '@']).any(|word| word == id)
    })
}

/// Processes that belong to a test: in a cgroup of its containers, or of the
/// product and with the test's folder in their environment or arguments.
pub fn processes(root: &Path, vmids: &[u32]) -> Vec<u32> {
    let root = root.as_os_str().as_bytes();
    pids()
        .into_iter()
        .filter(|pid| *pid != std::process::id() && !is_handed_over(*pid))
        .filter(|pid| {
            let read = |name: &str| fs::read(format!("/proc/{pid}/{name}")).unwrap_or_default();
            let ours = |name: &str| read(name).windows(root.len()).any(|w| w == root);
            let cgroups = String::from_utf8_lossy(&read("cgroup")).into_owned();
            let contained = cgroups.lines().any(|l| vmids.iter().any(|id| names(Path::new(l), *id)));
            // The environment only of the product's own: others are no concern of ours.
            contained || is_product(*pid) && (ours("environ") || ours("cmdline"))
        })
        .collect()
}

/// Processes that the product may have left: its own programs, and whatever lives
/// in another pid namespace than ours, as a container does.
fn strangers() -> Vec<u32> {
    let pid_ns = |pid: &str| fs::read_link(format!("/proc/{pid}/ns/pid")).ok();
    let ours = pid_ns("self");
    let moved = |pid: u32| pid_ns(&pid.to_string()).is_some_and(|ns| Some(ns) != ours);
    pids().into_iter().filter(|pid| !is_handed_over(*pid) && (is_product(*pid) || moved(*pid))).collect()
}

/// Whether a process runs one of the product's programs, from its file or from
/// the sealed copy in memory.
fn is_product(pid: u32) -> bool {
    let exe = fs::read_link(format!("/proc/{pid}/exe")).unwrap_or_default();
    let name = exe.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let name = name.strip_prefix("memfd:").unwrap_or(&name);
    name.split(' ').next().is_some_and(|n| n == "pct" || n.starts_with("pct-helper"))
}

/// All process ids.
pub fn pids() -> Vec<u32> {
    entries(Path::new("/proc")).iter().filter_map(|p| p.file_name()?.to_str()?.parse().ok()).collect()
}

fn state_letter(pid: u32) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}

/// Whether a process is dead and PID 1's to reap: nothing of it is left to clear.
fn is_handed_over(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let mut fields = stat.rsplit_once(") ").map_or("", |(_, rest)| rest).split(' ');
    fields.next() == Some("Z") && fields.next() == Some("1")
}

/// A process as a line of a [`State`]: what does not change while it lives.
fn named(pid: u32) -> String {
    format!(
        "process {pid} {}",
        fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default().trim_end()
    )
}

/// One line about a process of a test: id, state, what it waits for, arguments.
pub fn describe(pid: u32) -> String {
    let read = |name: &str| fs::read(format!("/proc/{pid}/{name}")).unwrap_or_default();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).replace('\0', " ").trim().to_owned();
    let (state, wchan) = (state_letter(pid).unwrap_or('?'), text(read("wchan")));
    format!("{pid} {} [{state} {wchan}] {}\n", text(read("comm")), text(read("cmdline")))
}

/// Files below `root`, without following links, folders too. Those that are
/// volumes of a running container's guest are no concern of the host's state,
/// so nothing below a `rootfs` mount point or a subvolume is listed.
fn files(root: &Path) -> Vec<String> {
    fn walk(dir: &Path, root: &Path, found: &mut Vec<String>) {
        for path in entries(dir) {
            let shown = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
            let opaque = shown.ends_with(".subvol") || shown.ends_with("/rootfs");
            found.push(shown);
            if !opaque && fs::symlink_metadata(&path).is_ok_and(|m| m.is_dir()) {
                walk(&path, root, found);
            }
        }
    }
    let mut found = Vec::new();
    walk(root, root, &mut found);
    found
}

pub(crate) fn entries(dir: &Path) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = fs::read_dir(dir).into_iter().flatten().flatten().map(|e| e.path()).collect();
    all.sort();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_belongs_to_one_container_only() {
        assert!(link_of("veth9001i0", 9001));
        assert!(link_of("veth9001i12p", 9001));
        assert!(link_of("fwpr9001p0", 9001));
        assert!(link_of("ifb9001i0", 9001));
        assert!(!link_of("veth9001i0", 900));
        assert!(!link_of("veth90010i0", 9001));
        assert!(!link_of("pctbr9001", 9001));
    }

    #[test]
    fn a_cgroup_is_known_by_a_whole_word() {
        assert!(names(Path::new("/sys/fs/cgroup/pids/lxc.payload.9001"), 9001));
        assert!(names(Path::new("/sys/fs/cgroup/pids/lxc/9001/ns"), 9001));
        assert!(names(Path::new("/sys/fs/cgroup/pids/lxc.monitor.9001-3"), 9001));
        assert!(!names(Path::new("/sys/fs/cgroup/pids/lxc/90011"), 9001));
    }

    #[test]
    fn the_difference_shows_what_came_and_what_went() {
        let state = |lines: &[&str]| State { found: lines.iter().map(|s| (*s).to_owned()).collect() };
        let (before, after) = (state(&["mount a", "link b"]), state(&["link b", "loop c"]));
        assert_eq!(before.diff(&after), "- mount a\n+ loop c\n");
        assert_eq!(before.only(&["link"]), state(&["link b"]));
    }
}
