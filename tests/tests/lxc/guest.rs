//! A container of a test.

use std::ffi::OsStr;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use pct::lxc::{CommandSocket, Container, State};
use pct_tests::lease::Lease;

const PROBE: &str = env!("CARGO_BIN_EXE_lxc-probe");
/// Verbs that valgrind does not get along with: the mounts of a monitor, the pidfds and the clone of an attach. They are
/// left to AddressSanitizer.
const NOT_WATCHED: [&str; 4] = ["start", "daemonize", "restore", "attach"];
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

/// A container that is stopped and removed at the end of its test.
pub(crate) struct Guest {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) lxcpath: PathBuf,
    pub(crate) name: String,
    pub(crate) monitor: Option<Child>,
    _lease: Lease,
}

impl Guest {
    /// `None` where containers cannot be run.
    pub(crate) fn new(config: &str) -> Option<Self> {
        Self::below(Path::new(""), config)
    }

    pub(crate) fn below(folder: &Path, config: &str) -> Option<Self> {
        if !pct_tests::root::have_root() {
            return None;
        }
        let lease = pct_tests::lease::lease();
        let name = lease.vmid.to_string();
        let temporary = tempfile::tempdir().unwrap();
        let lxcpath = temporary.path().join(folder);
        // liblxc copies only what lies in a folder of the container's name.
        let rootfs = lxcpath.join(&name).join("rootfs");
        for folder in ["bin", "sbin", "etc", "proc", "sys", "dev", "tmp", "run", "root", "mnt"] {
            fs::create_dir_all(rootfs.join(folder)).unwrap();
        }
        fs::copy("/bin/busybox", rootfs.join("bin/busybox")).unwrap();
        for applet in ["sh", "sleep", "cat", "id", "env", "pwd", "kill", "true", "ls", "mkdir", "mknod"] {
            std::os::unix::fs::symlink("busybox", rootfs.join("bin").join(applet)).unwrap();
        }
        std::os::unix::fs::symlink("/bin/busybox", rootfs.join("sbin/init")).unwrap();
        fs::write(rootfs.join("etc/inittab"), "::respawn:/bin/sleep 100000\n").unwrap();
        fs::write(rootfs.join("etc/data"), "no program\n").unwrap();
        let base = format!(
            "lxc.include = /usr/share/lxc/config/common.conf\nlxc.rootfs.path = dir:{}\nlxc.uts.name = guest\n\
             lxc.net.0.type = empty\nlxc.signal.halt = SIGUSR2\nlxc.signal.reboot = SIGTERM\n{config}",
            rootfs.display()
        );
        fs::write(lxcpath.join(&name).join("config"), base).unwrap();
        Some(Self { folder: temporary, lxcpath, name, monitor: None, _lease: lease })
    }

    /// A call of the wrapper in a process of its own, that watches the memory where the environment says so.
    pub(crate) fn probe(&self, verb: &str) -> Command {
        let watcher = std::env::var_os("PCT_WATCHER").filter(|_| !NOT_WATCHED.contains(&verb));
        let mut command = Command::new(watcher.as_deref().unwrap_or(OsStr::new(PROBE)));
        command.args(watcher.is_some().then_some(PROBE));
        if verb == "rename" {
            // What liblxc loses there (tests/memory/liblxc.supp) is seen by AddressSanitizer without the names of functions.
            command.env("ASAN_OPTIONS", "detect_leaks=0");
        }
        command.arg(verb).arg(&self.lxcpath).arg(&self.name).env("OF_THE_CALLER", "yes");
        command
    }

    /// Such a call that succeeds: what it printed.
    #[track_caller]
    pub(crate) fn call(&self, verb: &str, options: &[&str]) -> String {
        let output = self.probe(verb).args(options).output().unwrap();
        let (out, err) = texts(&output);
        assert!(output.status.success(), "{verb} {options:?}: {}\n{out}{err}", output.status);
        out
    }

    /// Such a call that fails: what it printed.
    #[track_caller]
    pub(crate) fn refused(&self, verb: &str, options: &[&str]) -> String {
        let output = self.probe(verb).args(options).output().unwrap();
        let (out, err) = texts(&output);
        assert_eq!(output.status.code(), Some(1), "{verb} {options:?}: {out}{err}");
        out
    }

    pub(crate) fn rootfs(&self) -> PathBuf {
        self.path().join("rootfs")
    }

    /// The folder of the container.
    pub(crate) fn path(&self) -> PathBuf {
        self.lxcpath.join(&self.name)
    }

    /// Starts the monitor and waits until it answers.
    pub(crate) fn start(&mut self) -> CommandSocket {
        self.spawn();
        let socket = self.wait_for_socket();
        let state = socket.wait_state(&[State::Running], Some(LIMIT)).unwrap();
        assert_eq!(state, State::Running, "{}", self.log());
        wait_for_init(&socket);
        socket
    }

    pub(crate) fn spawn(&mut self) {
        let log = self.folder.path().join("log");
        let mut command = self.probe("start");
        command
            .arg(format!("log={}", log.display()))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        self.monitor = Some(command.spawn().unwrap());
    }

    pub(crate) fn wait_for_socket(&self) -> CommandSocket {
        let end = Instant::now() + LIMIT;
        loop {
            if let Some(socket) = CommandSocket::connect(&self.lxcpath, &self.name).unwrap() {
                return socket;
            }
            assert!(Instant::now() < end, "no monitor: {}", self.log());
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    pub(crate) fn monitor_pid(&self) -> u32 {
        self.monitor.as_ref().unwrap().id()
    }

    /// What the monitor printed, after its end.
    pub(crate) fn outcome(&mut self) -> String {
        let mut monitor = self.monitor.take().unwrap();
        let mut text = String::new();
        monitor.stdout.take().unwrap().read_to_string(&mut text).unwrap();
        monitor.wait().unwrap();
        text
    }

    pub(crate) fn container(&self) -> Container {
        Container::open(&self.name, &self.lxcpath).unwrap()
    }

    pub(crate) fn attach(&self, settings: &[&str], command: &[&str]) -> (String, String) {
        let output = self.probe("attach").args(settings).arg("--").args(command).output().unwrap();
        texts(&output)
    }

    /// Adds a hook that runs this shell text.
    pub(crate) fn add_hook(&self, kind: &str, text: &str) {
        let hook = self.folder.path().join(kind);
        fs::write(&hook, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        self.configure(&format!("lxc.hook.{kind} = {}\n", hook.display()));
    }

    /// Adds lines to the config.
    pub(crate) fn configure(&self, lines: &str) {
        let config = self.path().join("config");
        fs::write(&config, fs::read_to_string(&config).unwrap() + lines).unwrap();
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        // One that is daemonized, too.
        if let Ok(Some(socket)) = CommandSocket::connect(&self.lxcpath, &self.name) {
            let _ = socket.stop(Some(LIMIT));
        }
        if let Some(mut monitor) = self.monitor.take() {
            let _ = monitor.kill();
            let _ = monitor.wait();
        }
        let locks = Path::new("/run/lxc/lock").join(self.folder.path().strip_prefix("/").unwrap());
        let _ = fs::remove_dir_all(locks);
        // A monitor that was killed leaves its cgroups.
        for hierarchy in fs::read_dir("/sys/fs/cgroup").into_iter().flatten().flatten() {
            for kind in ["lxc.payload", "lxc.monitor"] {
                let _ = fs::remove_dir(hierarchy.path().join(format!("{kind}.{}", self.name)));
            }
        }
    }
}

/// Tries until it is so.
pub(crate) fn until(mut done: impl FnMut() -> bool) {
    let end = Instant::now() + LIMIT;
    while !done() {
        assert!(Instant::now() < end, "it did not come to that");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Waits until init has started the program of its inittab, and so takes signals: as it is pid 1 there,
/// those that come before are lost.
pub(crate) fn wait_for_init(socket: &CommandSocket) {
    let init = socket.init_pid().unwrap().as_raw_nonzero();
    until(|| !fs::read_to_string(format!("/proc/{init}/task/{init}/children")).unwrap().is_empty());
}

pub(crate) fn texts(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

/// Root in a user namespace must be able to enter the folder of the lxcpath.
pub(crate) fn open_to_all(folder: &Path) {
    fs::set_permissions(folder, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
}
