//! A private host: a `PCT_ROOT`, and containers that vanish with it.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use crate::disk::Disk;
use crate::lease::{Lease, lease};
use crate::pty::Pty;
use crate::run::{Output, Run};
use crate::state::State;
use crate::{bins, cleanup, wait};

/// A private `PCT_ROOT`.
pub struct Host {
    dir: tempfile::TempDir,
    root: PathBuf,
    leases: Mutex<Vec<Lease>>,
    disks: Mutex<Vec<Disk>>,
    // Last: the lock must outlive the clean-up in `drop`.
    _machine: File,
}

impl Host {
    /// A new, empty host.
    pub fn new() -> Self {
        Self::with(false)
    }

    /// A new host while no other test has one, for comparing the machine.
    pub fn alone() -> Self {
        Self::with(true)
    }

    fn with(alone: bool) -> Self {
        let machine = crate::lease::machine(alone);
        let dir =
            tempfile::Builder::new().prefix("pct-e2e.").tempdir_in(base()).expect("a folder for a host");
        // A container's root must be able to pass, as on a real host.
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o711)).expect("chmod");
        let root = dir.path().to_owned();
        Self { dir, root, leases: Mutex::default(), disks: Mutex::default(), _machine: machine }
    }

    /// `PCT_ROOT`.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A folder for the test's own files, outside of what `pct` knows.
    pub fn scratch(&self) -> PathBuf {
        let dir = self.root.join("scratch");
        fs::create_dir_all(&dir).expect("a scratch folder");
        dir
    }

    /// The folder of the configurations.
    pub fn conf_dir(&self) -> PathBuf {
        self.root.join("etc/pct/lxc")
    }

    /// The folder of storage `local`.
    pub fn storage(&self) -> PathBuf {
        self.root.join("var/lib/pct/storage")
    }

    /// liblxc's folder of containers.
    pub fn lxcpath(&self) -> PathBuf {
        self.root.join("var/lib/pct/lxc")
    }

    /// The folder of run files.
    pub fn run_dir(&self) -> PathBuf {
        self.root.join("run/pct")
    }

    /// Writes `storage.cfg`.
    pub fn storages(&self, text: &str) {
        let cfg = self.root.join("etc/pct/storage.cfg");
        fs::create_dir_all(cfg.parent().expect("a folder")).expect("a folder for storage.cfg");
        fs::write(cfg, text).expect("storage.cfg");
    }

    /// A folder with a file system of this kind and size to itself, until the host vanishes.
    pub fn disk(&self, name: &str, kind: &str, bytes: u64) -> PathBuf {
        let path = self.root.join(name);
        self.disks.lock().expect("no panic in between").push(Disk::new(&self.scratch(), &path, kind, bytes));
        path
    }

    /// The same with a btrfs, which is the storage `fast`.
    pub fn btrfs(&self, bytes: u64) -> PathBuf {
        let path = self.disk("fast", "btrfs", bytes);
        self.storages(&format!("btrfs: fast\n\tpath {}\n\tcontent rootdir,images\n", path.display()));
        path
    }

    /// `pct` with these arguments on this host.
    pub fn pct(&self, args: &[&str]) -> Run {
        Run::new(bins::pct()).args(args).env("PCT_ROOT", &self.root).env("LC_ALL", "C")
    }

    /// `pct` on a terminal.
    pub fn pty(&self, args: &[&str]) -> Pty {
        let root = self.root.to_str().expect("a plain path");
        Pty::spawn(&bins::pct(), args, &[("PCT_ROOT", root), ("LC_ALL", "C")])
    }

    /// A container id of our own, with nothing behind it yet.
    pub fn ct(&self) -> Ct<'_> {
        let lease = lease();
        let ct = Ct { host: self, vmid: lease.vmid, id: lease.vmid.to_string() };
        self.leases.lock().expect("no panic in between").push(lease);
        ct
    }

    /// A container from the busybox template in a plain directory.
    pub fn busybox(&self, extra: &[&str]) -> Ct<'_> {
        let ct = self.ct();
        let template = crate::busybox::template(crate::archive::Compression::Zstd);
        let mut args = vec!["--rootfs", "local:0"];
        args.extend(extra);
        if extra.contains(&"--rootfs") {
            args.drain(..2);
        }
        ct.create(&template, &args).ok();
        ct
    }

    /// As [`Host::busybox`], and started.
    pub fn running(&self, extra: &[&str]) -> Ct<'_> {
        let ct = self.busybox(extra);
        ct.start();
        ct
    }

    /// The ids taken so far.
    pub fn vmids(&self) -> Vec<u32> {
        self.leases.lock().expect("no panic in between").iter().map(|l| l.vmid).collect()
    }

    /// What of this host's containers is on the machine.
    pub fn state(&self) -> State {
        State::of(&self.root, &self.vmids())
    }

    /// The whole machine; only on a host made by [`Host::alone`].
    pub fn machine(&self) -> State {
        State::machine(&self.root, &self.vmids())
    }

    /// The text of every log file, for a failed test.
    fn logs(&self) -> String {
        let files = State::of(&self.root, &[]).only(&["file"]);
        let logs = files.found.iter().filter_map(|l| l.strip_prefix("file ")).filter(|l| l.ends_with(".log"));
        logs.map(|log| {
            let text = fs::read(self.root.join(log)).unwrap_or_default();
            let tail = &text[text.len().saturating_sub(4000)..];
            format!("--- {log}\n{}\n", String::from_utf8_lossy(tail))
        })
        .collect()
    }
}

impl Default for Host {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let failed = std::thread::panicking();
        if failed {
            eprintln!("{}", self.logs());
        }
        // Politely first, then by force: a test may have killed the helper, or
        // the product may not work at all.
        let short = Duration::from_secs(20);
        let destroy = |id: &str| {
            let run = self.pct(&["destroy", id, "--force", "--purge"]).limit(short);
            drop(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run.output())));
        };
        for vmid in self.vmids() {
            if !failed && self.conf_dir().join(format!("{vmid}.conf")).exists() {
                destroy(&vmid.to_string());
            }
        }
        self.disks.lock().expect("no panic in between").clear();
        let left = cleanup::sweep(&self.root, &self.vmids());
        if !left.is_empty() && !failed {
            eprintln!("left over after destroy, and now cleared:\n{left}");
        }
        // The folder itself goes with `dir`; say so if that fails.
        if let Err(err) = fs::remove_dir_all(self.dir.path()) {
            eprintln!("cannot remove {}: {err}", self.dir.path().display());
        }
    }
}

/// Where hosts live: a file system with extended attributes and device files,
/// at a short path that a container's root may pass.
fn base() -> PathBuf {
    let base = std::env::var_os("PCT_E2E_DIR").map_or_else(|| PathBuf::from("/var/tmp"), PathBuf::from);
    const TMPFS_MAGIC: i64 = 0x0102_1994;
    let kind = rustix::fs::statfs(&base).expect("statfs").f_type;
    assert!(kind != TMPFS_MAGIC, "{} is a tmpfs: set PCT_E2E_DIR to a folder on a disk", base.display());
    base
}

/// A container of a [`Host`].
pub struct Ct<'h> {
    host: &'h Host,
    /// Its number.
    pub vmid: u32,
    /// The same as text.
    pub id: String,
}

impl Ct<'_> {
    /// `pct VERB ID EXTRA…`
    pub fn pct(&self, verb: &str, extra: &[&str]) -> Run {
        let mut args = vec![verb, self.id.as_str()];
        args.extend(extra);
        self.host.pct(&args)
    }

    /// As [`Ct::pct`], in a mount namespace that a shell script has changed before: a host that lacks something, or has
    /// something else.
    pub fn pct_on(&self, change: &str, verb: &str, extra: &[&str]) -> Run {
        let script = format!("set -e; {change}; exec \"$@\"");
        Run::new("/usr/bin/unshare")
            .args(["-m", "/bin/sh", "-c", &script, "sh"])
            .args([bins::pct().to_str().expect("a plain path"), verb, &self.id])
            .args(extra)
            .env("PCT_ROOT", self.host.root())
            .env("LC_ALL", "C")
    }

    /// `pct create ID TEMPLATE EXTRA…`
    pub fn create(&self, template: &Path, extra: &[&str]) -> Output {
        let mut args = vec![template.to_str().expect("a plain path")];
        args.extend(extra);
        self.pct("create", &args).output()
    }

    /// `pct start ID`, which must succeed.
    #[track_caller]
    pub fn start(&self) -> Output {
        self.pct("start", &[]).ok()
    }

    /// `pct stop ID`, which must succeed.
    #[track_caller]
    pub fn stop(&self) -> Output {
        self.pct("stop", &[]).ok()
    }

    /// `pct exec ID -- COMMAND`
    pub fn exec(&self, command: &[&str]) -> Run {
        let mut args = vec!["--"];
        args.extend(command);
        self.pct("exec", &args)
    }

    /// The output of a shell script inside, which must succeed.
    #[track_caller]
    pub fn sh(&self, script: &str) -> String {
        self.exec(&["/bin/sh", "-c", script]).ok().out()
    }

    /// `running` or `stopped`.
    #[track_caller]
    pub fn status(&self) -> String {
        let out = self.pct("status", &[]).ok().out();
        out.trim_end().strip_prefix("status: ").unwrap_or_else(|| panic!("odd status: {out:?}")).to_owned()
    }

    /// Waits until the guest's init has done its start-up script.
    #[track_caller]
    pub fn wait_booted(&self) {
        wait::until_true("the guest has booted", || {
            self.exec(&["test", "-e", "/run/booted"]).output().status == 0
        });
    }

    /// The configuration file.
    pub fn conf(&self) -> PathBuf {
        self.host.conf_dir().join(format!("{}.conf", self.id))
    }

    /// Appends a line to the configuration, as scripts do with `>>`.
    pub fn append_conf(&self, line: &str) {
        let text = fs::read_to_string(self.conf()).expect("read a configuration");
        fs::write(self.conf(), format!("{text}{line}\n")).expect("write a configuration");
    }

    /// Replaces text in the configuration; it must be there.
    #[track_caller]
    pub fn edit_conf(&self, old: &str, new: &str) {
        let text = fs::read_to_string(self.conf()).expect("read a configuration");
        assert!(text.contains(old), "no {old:?} in the configuration:\n{text}");
        fs::write(self.conf(), text.replace(old, new)).expect("write a configuration");
    }

    /// The root file system, when it is a plain directory on storage `local`.
    pub fn subvol(&self) -> PathBuf {
        self.host.storage().join(format!("images/{}/subvol-{}-disk-0.subvol", self.id, self.id))
    }

    /// The image file, when the root file system is one.
    pub fn image(&self) -> PathBuf {
        self.host.storage().join(format!("images/{}/vm-{}-disk-0.raw", self.id, self.id))
    }

    /// The host's process id of the guest's init.
    #[track_caller]
    pub fn init_pid(&self) -> u32 {
        wait::until("the container has an init", wait::LIMIT, || {
            crate::state::processes(Path::new("/nonexistent"), &[self.vmid]).into_iter().find(|pid| {
                let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
                let nspid = status.lines().find_map(|l| l.strip_prefix("NSpid:")).unwrap_or_default();
                let depth = nspid.split_whitespace().count();
                // A dead one may wait for its parent still.
                let alive = !status.lines().any(|l| l.starts_with("State:") && l.contains('Z'));
                alive && depth >= 2 && nspid.split_whitespace().last() == Some("1")
            })
        })
    }

    /// The process id of the monitor: the parent of init.
    #[track_caller]
    pub fn monitor_pid(&self) -> u32 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.init_pid())).expect("init's status");
        let parent = status.lines().find_map(|l| l.strip_prefix("PPid:")).expect("init has a parent");
        parent.trim().parse().expect("a number")
    }

    /// The host this is on.
    pub fn host(&self) -> &Host {
        self.host
    }
}
