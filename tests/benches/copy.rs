//! Copying volumes against `cp` and `rsync`, process against process.
//!
//!     make bench-copy
//!
//! Ours is this program again, which calls `pct::copy`. It ends when all is on the disk; so the others are followed by `sync` of
//! the file or of its file system. The sources are in the page cache. `PCT_BENCH_ROUNDS` sets the number of rounds.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{
    fs::{self, File},
    ops::ControlFlow,
    os::{fd::AsFd, unix::fs::FileExt},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use pct::copy;
use pct_tests::bench::{self, Row, time};
use pct_tests::debian;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let [what, from, to] = &words[..] {
        return ours(what, Path::new(from), Path::new(to));
    }
    let Some(rounds) = bench::rounds() else { return };
    if !pct_tests::root::have_root() {
        return;
    }
    let folder = tempfile::tempdir_in("/var/tmp").unwrap();
    let [ext4, other, xfs, btrfs] = [("ext4", "ext4"), ("other", "ext4"), ("xfs", "xfs"), ("btrfs", "btrfs")]
        .map(|(name, fstype)| Volume::new(folder.path(), name, fstype));

    let full = image(&xfs, 1 << 30);
    let full_ext4 = image(&ext4, 1 << 30);
    let sparse = image(&ext4, 64 << 20);
    let (tree, tree_btrfs) = (debian(&ext4), debian(&btrfs));
    let cp = |options: &'static [&'static str]| move || with("cp", options);
    let rsync =
        || with("rsync", &["-aHAX", "--numeric-ids", "--sparse", "--whole-file", "--one-file-system"]);
    let mut jobs = vec![
        Job::file("1 GiB, XFS", "cp --reflink=auto", cp(&["--reflink=auto"]), &full, &xfs),
        Job::file("1 GiB, ext4", "cp --sparse=always", cp(&["--sparse=always"]), &full_ext4, &ext4),
        Job::file("64 MiB of 1 GiB, ext4", "cp --sparse=always", cp(&["--sparse=always"]), &sparse, &ext4),
        Job::tree("Debian, ext4 to ext4", "cp -a --sparse", cp(&["-aT", "--sparse=always"]), &tree, &other),
        Job::tree("Debian, on one btrfs", "cp -a", cp(&["-aT"]), &tree_btrfs, &btrfs),
    ];
    if pct_tests::root::have_tool("rsync") {
        jobs.push(Job::tree("Debian, ext4 to ext4", "rsync -aHAX", rsync, &tree, &other));
    }
    for round in 0..=rounds {
        jobs.iter_mut().for_each(|job| job.round(round));
    }
    bench::print(rounds, "cp and rsync, then sync", &jobs.into_iter().map(|job| job.row).collect::<Vec<_>>());
}

/// What this program does as the one that is measured.
fn ours(what: &str, from: &Path, to: &Path) {
    let mut watch = |_, _| ControlFlow::Continue(());
    let source = File::open(from).unwrap();
    if what == "file" {
        let target = File::create(to).unwrap();
        copy::file(source.as_fd(), target.as_fd(), from, None, &mut watch).unwrap();
    } else {
        fs::create_dir(to).unwrap();
        let target = File::open(to).unwrap();
        copy::tree(source.as_fd(), target.as_fd(), &copy::Options::default(), &mut watch).unwrap();
    }
}

struct Job {
    row: Row,
    is_tree: bool,
    theirs: Box<dyn Fn() -> Command>,
    source: PathBuf,
    target: PathBuf,
}

impl Job {
    fn new(
        is_tree: bool,
        row: Row,
        theirs: impl Fn() -> Command + 'static,
        from: &Path,
        to: &Volume,
    ) -> Self {
        Self { row, is_tree, theirs: Box::new(theirs), source: from.to_owned(), target: to.0.join("copy") }
    }

    fn file(
        what: &'static str,
        name: &'static str,
        theirs: impl Fn() -> Command + 'static,
        from: &Path,
        to: &Volume,
    ) -> Self {
        Self::new(false, Row::new(what, "copy::file", name), theirs, from, to)
    }

    fn tree(
        what: &'static str,
        name: &'static str,
        theirs: impl Fn() -> Command + 'static,
        from: &Path,
        to: &Volume,
    ) -> Self {
        Self::new(true, Row::new(what, "copy::tree", name), theirs, from, to)
    }

    fn round(&mut self, round: usize) {
        let ours = || {
            let mut command = Command::new(std::env::current_exe().unwrap());
            command.arg(if self.is_tree { "tree" } else { "file" }).arg(&self.source).arg(&self.target);
            self.fresh(|| time(&mut command))
        };
        let theirs = || {
            let mut command = (self.theirs)();
            // The content, not the folder.
            if self.is_tree {
                command.arg(self.source.join(""));
            } else {
                command.arg(&self.source);
            }
            let mut sync = Command::new("sync");
            sync.args(self.is_tree.then_some("-f")).arg(&self.target);
            self.fresh(|| time(command.arg(&self.target)) + time(&mut sync))
        };
        let times = bench::in_turn(round, ours, theirs);
        self.row.take(round, times);
    }

    /// Nothing of the copy before, and nothing that waits for the disk.
    fn fresh(&self, job: impl FnOnce() -> Duration) -> Duration {
        rustix::fs::sync();
        let took = job();
        if self.is_tree {
            fs::remove_dir_all(&self.target).unwrap();
        } else {
            fs::remove_file(&self.target).unwrap();
        }
        took
    }
}

fn with(program: &str, options: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(options);
    command
}

/// A new file system that is mounted for as long as it is needed.
struct Volume(PathBuf);

impl Volume {
    fn new(folder: &Path, name: &str, fstype: &str) -> Self {
        let (image, point) = (folder.join(format!("{name}.raw")), folder.join(name));
        File::create(&image).unwrap().set_len(6 << 30).unwrap();
        fs::create_dir(&point).unwrap();
        time(Command::new(format!("/usr/sbin/mkfs.{fstype}")).arg("-q").arg(&image));
        time(Command::new("mount").args(["-o", "loop"]).arg(&image).arg(&point));
        Self(point)
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        time(Command::new("umount").arg(&self.0));
    }
}

/// A file of 1 GiB with so many bytes of data, in pieces of 4 MiB.
fn image(volume: &Volume, data: u64) -> PathBuf {
    const PIECE: usize = 4 << 20;
    let path = volume.0.join(format!("image{data}"));
    let file = File::create(&path).unwrap();
    file.set_len(1 << 30).unwrap();
    let noise: Vec<u8> = (0..PIECE as u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let pieces = data / PIECE as u64;
    for n in 0..pieces {
        file.write_all_at(&noise, n * ((1 << 30) / pieces)).unwrap();
    }
    path
}

fn debian(volume: &Volume) -> PathBuf {
    let root = volume.0.join("debian");
    fs::create_dir(&root).unwrap();
    let template = File::open(debian::template()).unwrap();
    let mut archive = tar::Archive::new(zstd::Decoder::new(template).unwrap());
    archive.set_preserve_ownerships(true);
    archive.set_preserve_permissions(true);
    archive.set_unpack_xattrs(true);
    archive.unpack(&root).unwrap();
    root
}
