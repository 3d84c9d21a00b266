//! `pct::lxc` on real containers: a busybox each, in a temporary lxcpath.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

use std::fs;
use std::io::Read;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use pct::lxc::{CommandSocket, Container, Error, State, command};

const PROBE: &str = env!("CARGO_BIN_EXE_lxc-probe");
const LIMIT: Duration = Duration::from_secs(20);

/// A container that is stopped and removed at the end of its test.
struct Guest {
    folder: tempfile::TempDir,
    lxcpath: PathBuf,
    name: String,
    monitor: Option<Child>,
}

impl Guest {
    /// `None` where containers cannot be run.
    fn new(name: &str, config: &str) -> Option<Self> {
        Self::below(name, Path::new(""), config)
    }

    fn below(name: &str, folder: &Path, config: &str) -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            assert_ne!(std::env::var("PCT_E2E").as_deref(), Ok("require"), "containers need root");
            eprintln!("skipped: needs root");
            return None;
        }
        let temporary = tempfile::tempdir().unwrap();
        let lxcpath = temporary.path().join(folder);
        let rootfs = temporary.path().join("rootfs");
        for folder in ["bin", "sbin", "etc", "proc", "sys", "dev", "tmp", "run", "root"] {
            fs::create_dir_all(rootfs.join(folder)).unwrap();
        }
        fs::copy("/bin/busybox", rootfs.join("bin/busybox")).unwrap();
        for applet in ["sh", "sleep", "cat", "id", "env", "pwd", "kill", "true", "ls"] {
            std::os::unix::fs::symlink("busybox", rootfs.join("bin").join(applet)).unwrap();
        }
        std::os::unix::fs::symlink("/bin/busybox", rootfs.join("sbin/init")).unwrap();
        fs::write(rootfs.join("etc/inittab"), "::respawn:/bin/sleep 100000\n").unwrap();
        fs::write(rootfs.join("etc/data"), "no program\n").unwrap();
        fs::create_dir_all(lxcpath.join(name)).unwrap();
        let base = format!(
            "lxc.include = /usr/share/lxc/config/common.conf\nlxc.rootfs.path = dir:{}\nlxc.uts.name = guest\n\
             lxc.net.0.type = empty\nlxc.signal.halt = SIGUSR2\nlxc.signal.reboot = SIGTERM\n{config}",
            rootfs.display()
        );
        fs::write(lxcpath.join(name).join("config"), base).unwrap();
        Some(Self { folder: temporary, lxcpath, name: name.to_owned(), monitor: None })
    }

    fn probe(&self, verb: &str) -> Command {
        let mut command = Command::new(PROBE);
        command.arg(verb).arg(&self.lxcpath).arg(&self.name).env("OF_THE_CALLER", "yes");
        command
    }

    /// Starts the monitor and waits until it answers.
    fn start(&mut self) -> CommandSocket {
        self.spawn();
        let socket = self.wait_for_socket();
        assert_eq!(socket.wait_state(&[State::Running], Some(LIMIT)).unwrap(), State::Running);
        wait_for_init(&socket);
        socket
    }

    fn spawn(&mut self) {
        let log = self.folder.path().join("log");
        let mut command = self.probe("start");
        command.arg(log).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        self.monitor = Some(command.spawn().unwrap());
    }

    fn wait_for_socket(&self) -> CommandSocket {
        let end = Instant::now() + LIMIT;
        loop {
            if let Some(socket) = CommandSocket::connect(&self.lxcpath, &self.name).unwrap() {
                return socket;
            }
            assert!(Instant::now() < end, "no monitor: {}", self.log());
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    fn monitor_pid(&self) -> u32 {
        self.monitor.as_ref().unwrap().id()
    }

    /// What the monitor printed, after its end.
    fn outcome(&mut self) -> String {
        let mut monitor = self.monitor.take().unwrap();
        let mut text = String::new();
        monitor.stdout.take().unwrap().read_to_string(&mut text).unwrap();
        monitor.wait().unwrap();
        text
    }

    fn container(&self) -> Container {
        Container::open(&self.name, &self.lxcpath).unwrap()
    }

    fn attach(&self, settings: &[&str], command: &[&str]) -> (String, String) {
        let output = self.probe("attach").args(settings).arg("--").args(command).output().unwrap();
        texts(&output)
    }

    /// Adds a hook that runs this shell text.
    fn add_hook(&self, kind: &str, text: &str) {
        let hook = self.folder.path().join(kind);
        fs::write(&hook, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let config = self.lxcpath.join(&self.name).join("config");
        let text = fs::read_to_string(&config).unwrap() + &format!("lxc.hook.{kind} = {}\n", hook.display());
        fs::write(&config, text).unwrap();
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        if let Some(mut monitor) = self.monitor.take() {
            if let Ok(Some(socket)) = CommandSocket::connect(&self.lxcpath, &self.name) {
                let _ = socket.stop(Some(LIMIT));
            }
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
fn until(mut done: impl FnMut() -> bool) {
    let end = Instant::now() + LIMIT;
    while !done() {
        assert!(Instant::now() < end, "it did not come to that");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Waits until init has started the program of its inittab, and so takes signals: as it is pid 1 there,
/// those that come before are lost.
fn wait_for_init(socket: &CommandSocket) {
    let init = socket.init_pid().unwrap().as_raw_nonzero();
    until(|| !fs::read_to_string(format!("/proc/{init}/task/{init}/children")).unwrap().is_empty());
}

fn texts(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

#[test]
fn a_container_is_started_watched_and_stopped() {
    let Some(mut guest) = Guest::new("9020", "") else { return };
    assert!(!command::is_running(&guest.lxcpath, &guest.name).unwrap());
    let socket = guest.start();
    assert!(command::is_running(&guest.lxcpath, &guest.name).unwrap());
    let names = command::running_names(&guest.lxcpath, ["9020", "9021", "902"]).unwrap();
    assert_eq!(Vec::from_iter(names), ["9020"]);
    assert_eq!(socket.state().unwrap(), State::Running);
    assert_eq!(socket.monitor_pid().unwrap().as_raw_nonzero().get().cast_unsigned(), guest.monitor_pid());
    socket.monitor_pidfd().unwrap();
    let init = socket.init_pid().unwrap();
    assert_eq!(fs::read_to_string(format!("/proc/{}/comm", init.as_raw_nonzero())).unwrap(), "init\n");
    assert_eq!(socket.config_item("lxc.uts.name").unwrap(), "guest");
    assert!(matches!(socket.config_item("lxc.no.such"), Err(Error::System { .. })));
    assert!(!socket.is_closed().unwrap());
    assert!(!socket.wait_closed(Some(Duration::from_millis(20))).unwrap());
    let waited = socket.wait_state(&[State::Frozen], Some(Duration::from_millis(20)));
    assert!(matches!(waited, Err(Error::Timeout { .. })), "{waited:?}");
    socket.stop(Some(LIMIT)).unwrap();
    assert!(socket.is_closed().unwrap());
    assert!(matches!(socket.monitor_pidfd(), Err(Error::NotRunning { .. })));
    assert_eq!(socket.state().unwrap(), State::Stopped);
    assert!(CommandSocket::connect(&guest.lxcpath, &guest.name).unwrap().is_none());
    assert_eq!(guest.outcome().trim(), "outcome: Ended(Signaled(9))");
}

#[test]
fn the_safe_handle_agrees_with_the_command_socket() {
    let Some(mut guest) = Guest::new("9021", "lxc.tty.max = 2\n") else { return };
    let socket = guest.start();
    let container = guest.container();
    assert_eq!(container.state().unwrap(), State::Running);
    assert!(container.is_running().unwrap() && container.may_control().unwrap());
    assert_eq!(container.init_pid().unwrap(), Some(socket.init_pid().unwrap()));
    assert_eq!(container.running_config_item("lxc.uts.name").unwrap().as_deref(), Some("guest"));
    // Both pidfds are of init, and both descriptors are close-on-exec.
    for fd in [container.init_pidfd().unwrap(), socket.init_pidfd().unwrap(), container.devpts_fd().unwrap()]
    {
        assert!(rustix::io::fcntl_getfd(fd.as_fd()).unwrap().contains(rustix::io::FdFlags::CLOEXEC));
    }
    // The lease of a terminal keeps it from others until it is dropped.
    let first = container.lease_tty(Some(1)).unwrap();
    assert_eq!(first.number(), 1);
    let second = socket.lease_tty(None).unwrap();
    assert_eq!(second.number(), 2);
    assert!(socket.lease_tty(Some(1)).is_err() && container.lease_tty(Some(1)).is_err());
    assert!(rustix::termios::isatty(first.ptx()) && rustix::termios::isatty(second.ptx()));
    drop(first);
    until(|| socket.lease_tty(Some(1)).is_ok());
    let cgroup = socket.cgroup(Some("memory"), false);
    let limit = socket.cgroup(None, true);
    assert!(cgroup.is_ok() || limit.is_ok(), "{cgroup:?} {limit:?}");
}

#[test]
fn unfreeze_unfreezes() {
    let Some(mut guest) = Guest::new("9022", "") else { return };
    let socket = guest.start();
    let mut container = guest.container();
    container.freeze().unwrap();
    assert_eq!(socket.state().unwrap(), State::Frozen);
    assert!(container.wait(&[State::Running, State::Frozen], Some(LIMIT)).unwrap());
    container.unfreeze().unwrap();
    assert_eq!(socket.state().unwrap(), State::Running);
    // A frozen container can be stopped.
    container.freeze().unwrap();
    container.stop().unwrap();
    assert!(socket.wait_closed(Some(LIMIT)).unwrap());
}

#[test]
fn a_halt_and_a_reboot_from_inside_are_told_apart() {
    let Some(mut guest) = Guest::new("9023", "lxc.hook.post-stop = /bin/false\n") else { return };
    let socket = guest.start();
    socket.halt().unwrap();
    assert_eq!(guest.outcome().lines().next(), Some("outcome: Ended(Signaled(2))"));
    assert!(socket.is_closed().unwrap());
    let socket = guest.start();
    socket.signal_init("reboot", libc::SIGTERM).unwrap();
    assert_eq!(guest.outcome().lines().next(), Some("outcome: Ended(Signaled(1))"));
}

#[test]
fn without_a_failing_hook_a_reboot_is_done_in_place() {
    let Some(mut guest) = Guest::new("9024", "") else { return };
    let socket = guest.start();
    let before = socket.init_pid().unwrap();
    guest.container().reboot(Some(LIMIT)).unwrap();
    assert_ne!(socket.init_pid().unwrap(), before);
    wait_for_init(&socket);
    assert_eq!(socket.monitor_pid().unwrap().as_raw_nonzero().get().cast_unsigned(), guest.monitor_pid());
    guest.container().shutdown(Some(LIMIT)).unwrap();
    assert!(socket.wait_closed(Some(LIMIT)).unwrap());
    assert_eq!(guest.outcome().trim(), "outcome: Ended(Signaled(2))");
}

#[test]
fn a_failed_start_says_why() {
    let Some(mut guest) = Guest::new("9025", "lxc.hook.pre-start = /bin/false\n") else { return };
    guest.spawn();
    let outcome = guest.outcome();
    assert_eq!(outcome.lines().next(), Some("outcome: Failed"), "{outcome}");
    assert!(outcome.contains("cause: ") && outcome.contains("pre-start"), "{outcome}");
    assert!(!outcome.contains(".c:"), "{outcome}");
    let init = guest.folder.path().join("rootfs/sbin/init");
    fs::remove_file(init).unwrap();
    let config = guest.lxcpath.join("9025/config");
    let text = fs::read_to_string(&config).unwrap().replace("lxc.hook.pre-start = /bin/false\n", "");
    fs::write(&config, text).unwrap();
    guest.spawn();
    let outcome = guest.outcome();
    assert!(!outcome.starts_with("outcome: Ended(Exited(0))"), "{outcome}");
    assert!(outcome.contains("/sbin/init"), "{outcome}");
}

#[test]
fn a_long_lxcpath_has_a_hashed_socket() {
    let folder = PathBuf::from("x".repeat(60)).join("y".repeat(60));
    let Some(mut guest) = Guest::below("9026", &folder, "") else { return };
    let socket = guest.start();
    assert_eq!(socket.state().unwrap(), State::Running);
    assert!(command::is_running(&guest.lxcpath, "9026").unwrap());
    socket.stop(Some(LIMIT)).unwrap();
    guest.outcome();
    assert!(!command::is_running(&guest.lxcpath, "9026").unwrap());
}

#[test]
fn the_connection_ends_after_the_post_stop_hook() {
    let Some(mut guest) = Guest::new("9027", "") else { return };
    let (began, go) = (guest.folder.path().join("began"), guest.folder.path().join("go"));
    let wait = format!(": > {}\nuntil [ -e {} ]; do sleep 0.01; done", began.display(), go.display());
    guest.add_hook("post-stop", &wait);

    let socket = guest.start();
    let client = CommandSocket::connect(&guest.lxcpath, "9027").unwrap().unwrap();
    let waiter = std::thread::spawn(move || client.wait_state(&[State::Stopped], Some(LIMIT)));
    let stopped = socket.stop(Some(Duration::from_millis(300)));
    assert!(matches!(stopped, Err(Error::Timeout { .. })), "{stopped:?}");
    until(|| began.exists());
    assert!(!socket.is_listening().unwrap() && !socket.is_closed().unwrap());
    assert_eq!(socket.state().unwrap(), State::Stopped);
    fs::write(&go, "").unwrap();
    assert!(socket.wait_closed(Some(LIMIT)).unwrap());
    assert_eq!(waiter.join().unwrap().unwrap(), State::Stopped);
    guest.outcome();
}

#[test]
fn a_monitor_that_does_not_answer_hangs_nobody() {
    let Some(mut guest) = Guest::new("9033", "") else { return };
    let go = guest.folder.path().join("go");
    guest.add_hook("pre-start", &format!("until [ -e {} ]; do sleep 0.01; done", go.display()));
    guest.spawn();
    let socket = guest.wait_for_socket().with_timeout(Duration::from_millis(50));
    assert!(command::is_running(&guest.lxcpath, "9033").unwrap());
    assert!(matches!(socket.state(), Err(Error::Timeout { .. })));
    let waited = socket.wait_state(&[State::Running], Some(Duration::from_millis(50)));
    assert!(matches!(waited, Err(Error::Timeout { .. })), "{waited:?}");
    fs::write(&go, "").unwrap();
    assert_eq!(socket.wait_state(&[State::Running], Some(LIMIT)).unwrap(), State::Running);
}

#[test]
fn init_dies_with_a_killed_monitor() {
    let unprivileged = "lxc.idmap = u 0 100000 65536\nlxc.idmap = g 0 100000 65536\n\
                        lxc.rootfs.options = idmap=container\n";
    for (name, config) in [("9028", ""), ("9029", unprivileged)] {
        let Some(mut guest) = Guest::new(name, config) else { return };
        open_to_all(guest.folder.path());
        let socket = guest.start();
        let init = socket.init_pidfd().unwrap();
        guest.monitor.as_mut().unwrap().kill().unwrap();
        assert!(socket.wait_closed(Some(LIMIT)).unwrap());
        let mut dead = [rustix::event::PollFd::new(&init, rustix::event::PollFlags::IN)];
        let limit = rustix::time::Timespec { tv_sec: 20, tv_nsec: 0 };
        assert_eq!(rustix::event::poll(&mut dead, Some(&limit)).unwrap(), 1, "init of {name} lives on");
        guest.outcome();
    }
}

/// Root in a user namespace must be able to enter the folder of the lxcpath.
fn open_to_all(folder: &Path) {
    fs::set_permissions(folder, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
}

#[test]
fn programs_are_run_inside_as_they_were_told() {
    let Some(mut guest) = Guest::new("9030", "") else { return };
    let socket = guest.start();
    let (out, _) = guest.attach(&["cwd=/etc"], &["pwd"]);
    assert_eq!(out.lines().collect::<Vec<_>>(), ["/etc", "exit: Code(0)", "signals kept: true"]);
    let (out, _) = guest.attach(&["uid=7", "gid=8", "groups=9,10"], &["id"]);
    assert!(out.starts_with("uid=7 gid=8 groups=8,9,10\n") || out.contains("groups=9,10"), "{out}");
    let (out, _) = guest.attach(&["env=A=b c", "env=TERM=dumb"], &["env"]);
    let mut lines: Vec<_> = out.lines().filter(|line| line.contains('=')).collect();
    lines.sort_unstable();
    assert!(
        lines.contains(&"A=b c") && lines.contains(&"TERM=dumb") && lines.contains(&"container=lxc"),
        "{out}"
    );
    assert!(!out.contains("OF_THE_CALLER"), "{out}");
    let (out, _) = guest.attach(&["keep=OF_THE_CALLER"], &["env"]);
    assert!(out.contains("OF_THE_CALLER=yes"), "{out}");
    let (out, _) = guest.attach(&["keep=all"], &["env"]);
    assert!(out.contains("OF_THE_CALLER=yes"), "{out}");
    let (out, err) = guest.attach(&["stdout=stderr"], &["sh", "-c", "echo here"]);
    assert!(!out.contains("here") && err.contains("here"), "{out} {err}");
    let (out, _) = guest.attach(&["nnp=1"], &["cat", "/proc/self/status"]);
    assert!(out.contains("NoNewPrivs:\t1"), "{out}");
    // The program has no descriptor but its stdio (3 is the folder that ls reads).
    let (out, _) = guest.attach(&[], &["ls", "/proc/self/fd"]);
    let open: Vec<_> = out.lines().take_while(|line| !line.starts_with("exit")).collect();
    assert_eq!(open, ["0", "1", "2", "3"]);
    // Neither has init.
    let mut open: Vec<_> = fs::read_dir(format!("/proc/{}/fd", socket.init_pid().unwrap().as_raw_nonzero()))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    open.sort_unstable();
    assert_eq!(open, ["0", "1", "2"]);
}

#[test]
fn how_a_program_ended_is_told_exactly() {
    let Some(mut guest) = Guest::new("9031", "") else { return };
    let (out, _) = guest.attach(&[], &["true"]);
    assert!(out.starts_with("error: liblxc cannot attach to container 9031"), "{out}");
    let _socket = guest.start();
    let exit = |settings: &[&str], command: &[&str]| {
        let (out, err) = guest.attach(settings, command);
        (out.lines().next().unwrap_or_default().to_owned(), err)
    };
    // 255 is a status like any other, not a failure of attach.
    assert_eq!(exit(&[], &["sh", "-c", "exit 255"]).0, "exit: Code(255)");
    assert_eq!(exit(&[], &["sh", "-c", "kill -9 $$"]).0, "exit: Signal(9)");
    let (code, message) = exit(&["prefix=pct: "], &["no-such-program"]);
    assert_eq!(
        (code.as_str(), message.as_str()),
        ("exit: Code(127)", "pct: no-such-program: No such file or directory\n")
    );
    let (code, message) = exit(&["prefix=pct: "], &["/etc/data"]);
    assert_eq!((code.as_str(), message.as_str()), ("exit: Code(126)", "pct: /etc/data: Permission denied\n"));
    assert_eq!(exit(&[], &["/bin/none"]), ("exit: Code(127)".to_owned(), String::new()));
}

#[test]
fn interfaces_are_listed_and_freed() {
    let Some(mut guest) = Guest::new("9032", "") else { return };
    let _socket = guest.start();
    let (out, err) = texts(&guest.probe("look").output().unwrap());
    assert_eq!(out.lines().next(), Some("interfaces: [\"lo\"]"), "{out} {err}");
}
