//! The main job against liblxc's own tools, process against process.
//!
//!     make bench
//!
//! One container of ours and one of theirs, from the same template in plain
//! directories, with the liblxc configuration that `pct` generated. The calls
//! alternate, so that whatever the machine does meanwhile meets both alike.
//! `PCT_BENCH_ROUNDS` sets their number, 50 if it is not set.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use pct_tests::bench::{self, Row, time};
use pct_tests::{Ct, Host, Run, bins, wait};

fn main() {
    let Some(rounds) = bench::rounds() else { return };
    if !pct_tests::root::have_root() || !pct_tests::root::have_tool("lxc-start") {
        return;
    }
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
    for round in 0..=rounds {
        let pair = |a: &dyn Fn() -> Duration, b: &dyn Fn() -> Duration| bench::in_turn(round, a, b);
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
        table.iter_mut().zip(times).for_each(|(row, times)| row.take(round, times));
    }
    bench::print(rounds, "liblxc's tools", &table);
}

/// The busybox container has booted by then.
const BOOT: Duration = Duration::from_millis(300);

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
