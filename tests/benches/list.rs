//! `pct list` against `cat` of the same files: how much more than reading them it takes.
//!
//!     make bench-list
//!
//! Whole processes, the files in the page cache, all containers stopped. `PCT_BENCH_ROUNDS` sets the number
//! of rounds, 50 if it is not set.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../../libpct/benches/config/files.rs"]
mod files;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use pct_tests::bench::{self, Row};
use pct_tests::bins;

fn main() {
    let Some(rounds) = bench::rounds() else { return };
    let mut table = Vec::new();
    for (count, what) in [(1_000, "1,000 containers"), (10_000, "10,000 containers")] {
        let root = tempfile::tempdir().unwrap();
        let paths = configs(root.path(), count);
        let pct = || pct_list(root.path());
        let listed = String::from_utf8(pct().output().unwrap().stdout).unwrap();
        assert_eq!(listed.lines().count(), paths.len() + 1, "a line for each, and one above");
        let mut row = Row::new(what, "pct list", "cat *.conf");
        for round in 0..=rounds {
            let cat = || bench::time(Command::new("cat").args(&paths));
            row.take(round, bench::in_turn(round, || bench::time(&mut pct()), cat));
        }
        table.push(row);
    }
    bench::print(rounds, "only reading", &table);
}

fn pct_list(root: &Path) -> Command {
    let mut command = Command::new(bins::pct());
    command.arg("list").env("PCT_ROOT", root);
    command
}

/// Writes the configs of a host and gives their paths.
fn configs(root: &Path, count: u32) -> Vec<PathBuf> {
    let folder = root.join("etc/pct/lxc");
    fs::create_dir_all(&folder).unwrap();
    let write = |n| {
        let path = folder.join(format!("{}.conf", files::vmid(n)));
        fs::write(&path, files::file(n)).unwrap();
        path
    };
    (0..count).map(write).collect()
}
