//! `pct clone` against what it takes to copy or share the bytes alone, process against process.
//!
//!     make bench-copy
//!
//! Ours makes a container: its config in six durable writes, a root directory, a machine id of its own. `cp` is followed by
//! `sync` of the file, as ours ends when all is on the disk. `PCT_BENCH_ROUNDS` sets the number of rounds.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{
    fs::{self, File},
    os::unix::fs::FileExt,
    path::PathBuf,
    process::Command,
};

use pct_tests::{
    Ct, Host,
    archive::Compression,
    bench::{self, Row, time},
    bins, busybox,
};

fn main() {
    let Some(rounds) = bench::rounds() else { return };
    if !pct_tests::root::have_root() || !pct_tests::root::have_tool("btrfs") {
        return;
    }
    let host = Host::alone();
    let mut cfg = String::new();
    for (name, kind, storage) in [("xfs", "xfs", "dir"), ("ext4", "ext4", "dir"), ("btrfs", "btrfs", "btrfs")]
    {
        let path = host.disk(name, kind, 6 << 30);
        cfg += &format!("{storage}: {name}\n\tpath {}\n\tcontent rootdir\n\n", path.display());
    }
    host.storages(&cfg);

    let (shared, sparse) = (with_data(&host, "xfs", 1 << 30), with_data(&host, "ext4", 64 << 20));
    let base = host.ct();
    base.create(&busybox::template(Compression::Zstd), &["--rootfs", "btrfs:0"]).ok();
    base.pct("template", &[]).ok();
    let subvolume = host.root().join(format!("btrfs/images/{0}/subvol-{0}-disk-0.subvol", base.id));

    let mut jobs = [
        Job::copy("1 GiB, full clone on XFS", "cp --reflink=auto", "--reflink=auto", &shared, &host),
        Job::copy("64 MiB of 1 GiB on ext4", "cp --sparse=always", "--sparse=always", &sparse, &host),
        Job {
            row: Row::new("linked clone on btrfs", "pct clone", "btrfs subvolume snapshot"),
            origin: &base,
            clone: host.ct(),
            theirs: vec!["btrfs", "subvolume", "snapshot"],
            from: subvolume,
            to: host.root().join("btrfs/snapshot"),
        },
    ];
    for round in 0..=rounds {
        jobs.iter_mut().for_each(|job| job.round(round));
    }
    bench::print(rounds, "the bytes alone", &jobs.map(|job| job.row));
}

struct Job<'h> {
    row: Row,
    origin: &'h Ct<'h>,
    clone: Ct<'h>,
    theirs: Vec<&'static str>,
    from: PathBuf,
    to: PathBuf,
}

impl<'h> Job<'h> {
    fn copy(
        what: &'static str,
        name: &'static str,
        option: &'static str,
        (origin, image): &'h (Ct<'h>, PathBuf),
        host: &'h Host,
    ) -> Self {
        let to = image.with_extension("copy");
        let theirs = vec!["cp", option];
        Self {
            row: Row::new(what, "pct clone", name),
            origin,
            clone: host.ct(),
            theirs,
            from: image.clone(),
            to,
        }
    }

    fn round(&mut self, round: usize) {
        let ours = || {
            rustix::fs::sync();
            let mut command = Command::new(bins::pct());
            command
                .args(["clone", &self.origin.id, &self.clone.id])
                .env("PCT_ROOT", self.origin.host().root());
            let took = time(&mut command);
            self.clone.pct("destroy", &[]).ok();
            took
        };
        let theirs = || {
            rustix::fs::sync();
            let mut command = Command::new(self.theirs[0]);
            let mut took = time(command.args(&self.theirs[1..]).arg(&self.from).arg(&self.to));
            if self.to.is_dir() {
                time(Command::new("btrfs").args(["subvolume", "delete"]).arg(&self.to));
            } else {
                took += time(Command::new("sync").arg(&self.to));
                fs::remove_file(&self.to).unwrap();
            }
            took
        };
        let times = bench::in_turn(round, ours, theirs);
        self.row.take(round, times);
    }
}

/// A container with an image of 1 GiB that holds so many bytes, in pieces of 4 MiB, and the image.
fn with_data<'h>(host: &'h Host, storage: &str, data: u64) -> (Ct<'h>, PathBuf) {
    const PIECE: usize = 4 << 20;
    let ct = host.ct();
    let mp = format!("{storage}:1,mp=/data");
    let rootfs = format!("{storage}:0");
    ct.create(&busybox::template(Compression::Zstd), &["--rootfs", &rootfs, "--mp0", &mp]).ok();
    let image = host.root().join(format!("{storage}/images/{0}/vm-{0}-disk-1.raw", ct.id));
    // Nobody mounts it any more.
    let file = File::options().write(true).open(&image).unwrap();
    let noise: Vec<u8> = (0..PIECE as u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let pieces = data / PIECE as u64;
    (0..pieces).for_each(|n| file.write_all_at(&noise, n * ((1 << 30) / pieces)).unwrap());
    (ct, image)
}
