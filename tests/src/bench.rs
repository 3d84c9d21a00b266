//! Whole processes against whole processes: what the benches share.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How often to measure: `PCT_BENCH_ROUNDS`, else 50. `None` when this is no bench: `cargo test` may run the
/// program too, without the flag that `cargo bench` gives.
pub fn rounds() -> Option<usize> {
    let wanted = || std::env::var("PCT_BENCH_ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(50);
    std::env::args().any(|arg| arg == "--bench").then(wanted)
}

/// From spawn to exit of one program that must succeed. Without the pipes of the
/// test harness: a tool that leaves a daemon would keep them open.
pub fn time(command: &mut Command) -> Duration {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let start = Instant::now();
    let status = command.status().unwrap();
    let took = start.elapsed();
    assert!(status.success(), "{command:?} failed");
    took
}

/// Who comes second finds warmer caches, and what the other one left at work: each does in turn.
pub fn in_turn(
    round: usize,
    ours: impl FnOnce() -> Duration,
    theirs: impl FnOnce() -> Duration,
) -> (Duration, Duration) {
    if round.is_multiple_of(2) {
        let first = ours();
        (first, theirs())
    } else {
        let first = theirs();
        (ours(), first)
    }
}

/// One job done by us and by others.
pub struct Row {
    what: &'static str,
    names: (&'static str, &'static str),
    times: Vec<(Duration, Duration)>,
}

impl Row {
    /// A job, our command, the others' command.
    pub fn new(what: &'static str, ours: &'static str, theirs: &'static str) -> Self {
        Self { what, names: (ours, theirs), times: Vec::new() }
    }

    /// Takes the times of a round; the first round fills caches and does not count.
    pub fn take(&mut self, round: usize, times: (Duration, Duration)) {
        if round > 0 {
            self.times.push(times);
        }
    }

    /// Our median in relation to theirs.
    pub fn ratio(&self) -> f64 {
        let [ours, theirs] = self.sides().map(|times| median(&times));
        ours.as_secs_f64() / theirs.as_secs_f64()
    }

    /// Our times and theirs, ascending.
    fn sides(&self) -> [Vec<Duration>; 2] {
        let (mut ours, mut theirs): (Vec<_>, Vec<_>) = self.times.iter().copied().unzip();
        ours.sort();
        theirs.sort();
        [ours, theirs]
    }
}

/// Prints the medians, and how far the times spread.
pub fn print(rounds: usize, others: &str, table: &[Row]) {
    println!("\nmedians of {rounds}, milliseconds [fastest to slowest]; ratio = ours / theirs\n");
    println!("{:<27}{:<18}{:>25}   {others:<20}{:>25}{:>8}", "", "ours", "", "", "ratio");
    for row in table {
        let [ours, theirs] = row.sides().map(|times| summary(&times));
        let Row { what, names, .. } = row;
        println!("{what:<27}{:<18}{ours:>25}   {:<20}{theirs:>25}{:>8.2}", names.0, names.1, row.ratio());
    }
}

fn median(sorted: &[Duration]) -> Duration {
    sorted[sorted.len() / 2]
}

fn summary(sorted: &[Duration]) -> String {
    let ms = |time: Duration| time.as_secs_f64() * 1000.0;
    format!("{:.1} [{:.1} to {:.1}]", ms(median(sorted)), ms(sorted[0]), ms(sorted[sorted.len() - 1]))
}
