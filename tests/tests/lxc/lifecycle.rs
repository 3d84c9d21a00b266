//! Start, stop, halt, reboot, freeze, and how a start fails.

use std::fs;

use pct::lxc::State;

use super::guest::{Guest, LIMIT, wait_for_init};

#[test]
fn unfreeze_unfreezes() {
    let Some(mut guest) = Guest::new("") else { return };
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
    let Some(mut guest) = Guest::new("lxc.hook.post-stop = /bin/false\n") else { return };
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
    let Some(mut guest) = Guest::new("") else { return };
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
    let Some(mut guest) = Guest::new("lxc.hook.pre-start = /bin/false\n") else { return };
    guest.spawn();
    let outcome = guest.outcome();
    assert_eq!(outcome.lines().next(), Some("outcome: Failed"), "{outcome}");
    assert!(outcome.contains("cause: ") && outcome.contains("pre-start"), "{outcome}");
    assert!(!outcome.contains(".c:"), "{outcome}");
    let init = guest.rootfs().join("sbin/init");
    fs::remove_file(init).unwrap();
    let config = guest.path().join("config");
    let text = fs::read_to_string(&config).unwrap().replace("lxc.hook.pre-start = /bin/false\n", "");
    fs::write(&config, text).unwrap();
    guest.spawn();
    let outcome = guest.outcome();
    assert!(!outcome.starts_with("outcome: Ended(Exited(0))"), "{outcome}");
    assert!(outcome.contains("/sbin/init"), "{outcome}");
}

#[test]
fn a_daemonized_start_returns_when_the_container_runs() {
    let Some(guest) = Guest::new("") else { return };
    guest.call("daemonize", &[]);
    let socket = guest.wait_for_socket();
    assert_eq!(socket.state().unwrap(), State::Running);
    wait_for_init(&socket);
    // The monitor has none of the descriptors of the process that made it, but that of the log.
    let init = socket.init_pid().unwrap().as_raw_nonzero();
    let status = fs::read_to_string(format!("/proc/{init}/status")).unwrap();
    let monitor = status.lines().find_map(|line| line.strip_prefix("PPid:\t")).unwrap();
    let open = fs::read_dir(format!("/proc/{monitor}/fd")).unwrap().flatten();
    let open: Vec<_> = open.filter_map(|entry| fs::read_link(entry.path()).ok()).collect();
    assert!(!open.iter().any(|file| file.to_string_lossy().starts_with("pipe:")), "{open:?}");
    socket.stop(Some(LIMIT)).unwrap();
    let refused = guest.refused("daemonize", &["--", "/no/such/init"]);
    assert!(refused.contains("liblxc cannot start") && refused.contains("/no/such/init"), "{refused}");
}

#[test]
fn a_program_is_started_in_place_of_init() {
    let Some(mut guest) = Guest::new("") else { return };
    let start = |guest: &mut Guest, options: &[&str]| {
        let mut command = guest.probe("start");
        command.args(options).stdin(std::process::Stdio::null()).stdout(std::process::Stdio::piped());
        guest.monitor = Some(command.spawn().unwrap());
        guest.outcome()
    };
    let out = start(&mut guest, &["--", "/bin/sh", "-c", "exit 7"]);
    assert_eq!(out.lines().next(), Some("outcome: Ended(Exited(7))"), "{out}");
    // Under a small init of liblxc's own.
    let out = start(&mut guest, &["own-init", "--", "/bin/sh", "-c", "[ $$ != 1 ] && exit 9"]);
    assert_eq!(out.lines().next(), Some("outcome: Ended(Exited(9))"), "{out}");
}
