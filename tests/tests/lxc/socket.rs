//! The command socket, beside the handle of liblxc.

use std::fs;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::time::Duration;

use pct::lxc::{CommandSocket, Error, State, command};

use super::guest::{Guest, LIMIT, open_to_all, until};

#[test]
fn a_container_is_started_watched_and_stopped() {
    let Some(mut guest) = Guest::new("") else { return };
    assert!(!command::is_running(&guest.lxcpath, &guest.name).unwrap());
    let socket = guest.start();
    assert!(command::is_running(&guest.lxcpath, &guest.name).unwrap());
    let names =
        command::running_names(&guest.lxcpath, [guest.name.as_str(), "1000", &guest.name[..3]]).unwrap();
    assert_eq!(Vec::from_iter(names), [guest.name.as_str()]);
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
    let Some(mut guest) = Guest::new("lxc.tty.max = 2\n") else { return };
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
fn a_long_lxcpath_has_a_hashed_socket() {
    let folder = PathBuf::from("x".repeat(60)).join("y".repeat(60));
    let Some(mut guest) = Guest::below(&folder, "") else { return };
    let socket = guest.start();
    assert_eq!(socket.state().unwrap(), State::Running);
    assert!(command::is_running(&guest.lxcpath, &guest.name).unwrap());
    socket.stop(Some(LIMIT)).unwrap();
    guest.outcome();
    assert!(!command::is_running(&guest.lxcpath, &guest.name).unwrap());
}

#[test]
fn the_connection_ends_after_the_post_stop_hook() {
    let Some(mut guest) = Guest::new("") else { return };
    let (began, go) = (guest.folder.path().join("began"), guest.folder.path().join("go"));
    let wait = format!(": > {}\nuntil [ -e {} ]; do sleep 0.01; done", began.display(), go.display());
    guest.add_hook("post-stop", &wait);

    let socket = guest.start();
    let client = CommandSocket::connect(&guest.lxcpath, &guest.name).unwrap().unwrap();
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
    let Some(mut guest) = Guest::new("") else { return };
    let go = guest.folder.path().join("go");
    guest.add_hook("pre-start", &format!("until [ -e {} ]; do sleep 0.01; done", go.display()));
    guest.spawn();
    let socket = guest.wait_for_socket().with_timeout(Duration::from_millis(50));
    assert!(command::is_running(&guest.lxcpath, &guest.name).unwrap());
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
    for config in ["", unprivileged] {
        let Some(mut guest) = Guest::new(config) else { return };
        open_to_all(guest.folder.path());
        let socket = guest.start();
        let init = socket.init_pidfd().unwrap();
        guest.monitor.as_mut().unwrap().kill().unwrap();
        assert!(socket.wait_closed(Some(LIMIT)).unwrap());
        let mut dead = [rustix::event::PollFd::new(&init, rustix::event::PollFlags::IN)];
        let limit = rustix::time::Timespec { tv_sec: 20, tv_nsec: 0 };
        assert_eq!(rustix::event::poll(&mut dead, Some(&limit)).unwrap(), 1, "init lives on with {config:?}");
        guest.outcome();
    }
}
