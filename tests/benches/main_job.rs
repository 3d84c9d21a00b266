//! The main job against liblxc's own tools, process against process.
//!
//!     make bench
//!
//! One container of ours and one of theirs, from the same template in plain
//! directories, with the liblxc configuration that `pct` generated. The calls
//! alternate, so that whatever the machine does meanwhile meets both alike.
//! `PCT_BENCH_ROUNDS` sets their number, 50 if it is not set.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use pct_tests::{Ct, Host, Run, bins, wait};

fn main() {
    // `cargo test` may run this too, without the flag that `cargo bench` gives.
    if !std::env::args().any(|a| a == "--bench") {
        return;
    }
    if !pct_tests::root::have_root() || !pct_tests::root::have_tool("lxc-start") {
        return;
    }
    let rounds = std::env::var("PCT_BENCH_ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(50);
    let host = Host::alone();
    let ours = host.busybox(&["--hostname", "bench"]);
    ours.start();
    let theirs = Theirs::copy_of(&ours);
    ours.stop();

    let mut table = [
        Row::new("start until RUNNING", "pct start", "lxc-start"),
        Row::new("exec of true", "pct exec -- true", "lxc-attach -- true"),
        Row::new("status", "pct status", "lxc-info -s"),
        Row::new("stop until all is cleaned", "pct stop", "lxc-stop -k"),
    ];
    // The first round fills caches and is not counted.
    for round in 0..=rounds {
        // Who comes second finds warmer caches, and the other's container at work: each does in turn.
        let pair = |a: &dyn Fn() -> Duration, b: &dyn Fn() -> Duration| {
            if round % 2 == 0 {
                let first = a();
                (first, b())
            } else {
                let first = b();
                (a(), first)
            }
        };
        let start = pair(&|| pct(&ours, "start", &[]), &|| theirs.run("lxc-start", &[]));
        // What boots inside is nobody's time.
        std::thread::sleep(BOOT);
        let times = [
            start,
            pair(&|| pct(&ours, "exec", &["--", "true"]), &|| theirs.run("lxc-attach", &["--", "true"])),
            pair(&|| pct(&ours, "status", &[]), &|| theirs.run("lxc-info", &["-s"])),
            pair(&|| until_clean(&host.lxcpath(), &ours.id, || pct(&ours, "stop", &[])), &|| {
                until_clean(&theirs.path, &theirs.name, || theirs.run("lxc-stop", &["-k"]))
            }),
        ];
        if round > 0 {
            for (row, (a, b)) in table.iter_mut().zip(times) {
                row.ours.push(a);
                row.theirs.push(b);
            }
        }
    }

    println!("\nmedians of {rounds}, milliseconds [fastest to slowest]; ratio = ours / theirs\n");
    println!("{:<27}{:<18}{:>25}   {:<20}{:>25}{:>8}", "", "ours", "", "liblxc's tools", "", "ratio");
    for row in &mut table {
        row.print();
    }
}

/// The busybox container has booted by then.
const BOOT: Duration = Duration::from_millis(300);

struct Row {
    what: &'static str,
    names: (&'static str, &'static str),
    ours: Vec<Duration>,
    theirs: Vec<Duration>,
}

impl Row {
    fn new(what: &'static str, ours: &'static str, theirs: &'static str) -> Self {
        Self { what, names: (ours, theirs), ours: Vec::new(), theirs: Vec::new() }
    }

    fn print(&mut self) {
        let ms = |d: Duration| d.as_secs_f64() * 1000.0;
        let text = |times: &mut Vec<Duration>| {
            times.sort();
            let (low, high) = (times[0], times[times.len() - 1]);
            let middle = times[times.len() / 2];
            (middle, format!("{:.1} [{:.1} to {:.1}]", ms(middle), ms(low), ms(high)))
        };
        let ((a, ours), (b, theirs)) = (text(&mut self.ours), text(&mut self.theirs));
        let ratio = a.as_secs_f64() / b.as_secs_f64();
        println!(
            "{:<27}{:<18}{ours:>25}   {:<20}{theirs:>25}{ratio:>8.2}",
            self.what, self.names.0, self.names.1
        );
    }
}

/// From spawn to exit of one program that must succeed. Without the pipes of the
/// test harness: a tool that leaves a daemon would keep them open.
fn time(command: &mut Command) -> Duration {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let start = Instant::now();
    let status = command.status().unwrap();
    let took = start.elapsed();
    assert!(status.success(), "{command:?} failed");
    took
}

fn pct(ct: &Ct<'_>, verb: &str, extra: &[&str]) -> Duration {
    time(Command::new(bins::pct()).arg(verb).arg(&ct.id).args(extra).env("PCT_ROOT", ct.host().root()))
}

/// The time of `stop` and of what the monitor still does after it: its command
/// socket and the container's cgroups are gone.
fn until_clean(lxcpath: &Path, name: &str, stop: impl FnOnce() -> Duration) -> Duration {
    let start = Instant::now();
    let took = stop();
    let socket = format!("{}/{name}/command", lxcpath.display());
    let vmid = name.parse().unwrap();
    let groups: Vec<PathBuf> =
        pct_tests::state::cgroups().into_iter().filter(|g| pct_tests::state::names(g, vmid)).collect();
    let listening = || fs::read_to_string("/proc/net/unix").unwrap().contains(&socket);
    if groups.is_empty() && !listening() {
        // Nothing was left to wait for; looking took time that is not theirs.
        return took;
    }
    while listening() || groups.iter().any(|g| g.exists()) {
        assert!(start.elapsed() < wait::LIMIT, "{name} is never cleaned up");
        std::thread::sleep(Duration::from_micros(200));
    }
    start.elapsed()
}

/// The same container for liblxc's tools.
struct Theirs {
    path: PathBuf,
    name: String,
}

impl Theirs {
    /// Copies the root file system and the generated configuration of a
    /// container that runs, under another number.
    fn copy_of(ours: &Ct<'_>) -> Self {
        let host = ours.host();
        let theirs = Self { path: host.scratch().join("lxc"), name: host.ct().id };
        let dir = theirs.path.join(&theirs.name);
        fs::create_dir_all(&dir).unwrap();
        Run::new("/bin/cp").args(["-a"]).args([ours.subvol(), dir.join("rootfs")]).ok();
        let from = host.lxcpath().join(&ours.id);
        let mut config = String::new();
        for line in fs::read_to_string(from.join("config")).unwrap().lines() {
            let (key, _) = line.split_once('=').unwrap_or((line, ""));
            match key.trim() {
                "lxc.rootfs.path" => {
                    config += &format!("lxc.rootfs.path = dir:{}\n", dir.join("rootfs").display())
                }
                // Hooks of ours would do our work in their time.
                key if key.starts_with("lxc.hook.") || key.contains(".script.") => {}
                _ => {
                    let line = line.replace(from.to_str().unwrap(), dir.to_str().unwrap());
                    config += &format!("{}\n", line.replace(&ours.id, &theirs.name));
                }
            }
        }
        fs::write(dir.join("config"), config).unwrap();
        if from.join("rules.seccomp").exists() {
            fs::copy(from.join("rules.seccomp"), dir.join("rules.seccomp")).unwrap();
        }
        theirs
    }

    fn run(&self, tool: &str, extra: &[&str]) -> Duration {
        time(
            Command::new(Path::new("/usr/bin").join(tool))
                .arg("-P")
                .arg(&self.path)
                .args(["-n", &self.name])
                .args(extra),
        )
    }
}
