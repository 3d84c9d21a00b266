//! enter and console: a person at a terminal.

use std::time::Duration;

use pct_tests::{Host, debian, require_root, wait};
use rustix::process::Signal;

/// Ctrl-a q leaves a console.
const LEAVE: &str = "\x01q";

#[test]
fn enter_gives_a_shell_that_follows_the_window() {
    require_root!();
    let host = Host::new();
    let ct = host.running(&["--hostname", "inside"]);
    let mut pty = host.pty(&["enter", &ct.id]);
    pty.prompt();
    pty.type_("hostname; echo si''ze; stty size\n");
    pty.expect("inside");
    pty.expect("size");
    pty.expect("24 80");
    pty.resize(40, 101);
    wait::until_true("the new size has arrived", || {
        pty.type_("stty size\n");
        std::thread::sleep(Duration::from_millis(50));
        pty.screen().contains("40 101")
    });
    pty.type_("exit 3\n");
    assert_eq!(pty.finish(), 3);
    assert!(pty.is_restored());
}

#[test]
fn enter_restores_the_terminal_when_a_signal_ends_it() {
    require_root!();
    let host = Host::new();
    let ct = host.running(&[]);
    for signal in [Signal::TERM, Signal::HUP] {
        let mut pty = host.pty(&["enter", &ct.id]);
        pty.prompt();
        pty.type_("echo re''ady\n");
        pty.expect("ready");
        assert!(!pty.is_restored(), "while the shell runs the terminal is in raw mode");
        pty.signal(signal);
        // An interactive shell may shrug a TERM off: then it is still ours to end.
        std::thread::sleep(Duration::from_millis(200));
        pty.type_("\nexit 0\n");
        pty.finish();
        assert!(pty.is_restored(), "after {signal:?}");
    }
}

#[test]
fn enter_restores_the_terminal_when_the_container_ends() {
    require_root!();
    let host = Host::new();
    let ct = host.running(&[]);
    let mut pty = host.pty(&["enter", &ct.id]);
    pty.prompt();
    pty.type_("echo re''ady\n");
    pty.expect("ready");
    ct.stop();
    assert_eq!(pty.finish(), 128 + 9);
    assert!(pty.is_restored());
}

#[test]
fn the_terminal_of_enter_is_one_of_the_container() {
    require_root!();
    let host = Host::new();
    let ct = host.running(&[]);
    let mut pty = host.pty(&["enter", &ct.id]);
    pty.prompt();
    pty.type_("tty; echo $(stat -c %t $(tty)) en''d\n");
    pty.expect("/dev/pts/");
    pty.expect("end");
    pty.prompt();
    // Job control works: the shell has a controlling terminal.
    pty.type_("cat\n");
    std::thread::sleep(Duration::from_millis(200));
    pty.type_("\x03");
    pty.prompt();
    pty.type_("echo ba''ck\n");
    pty.expect("back");
    pty.type_("exit\n");
    pty.finish();
}

#[test]
fn console_offers_a_login_on_a_tty_and_leaves_by_its_escape() {
    require_root!();
    let host = Host::new();
    let ct = host.running(&["--password", "sesame-1"]);
    ct.wait_booted();
    // Twice: the tty must be given back.
    for _ in 0..2 {
        let mut pty = host.pty(&["console", &ct.id]);
        pty.wake("login:", wait::LIMIT);
        pty.type_("root\n");
        pty.expect("assword:");
        pty.type_("sesame-1\n");
        pty.prompt();
        pty.type_("echo log''ged in on $(tty)\n");
        pty.expect("logged in on /dev/");
        pty.type_("exit\n");
        pty.expect("login:");
        pty.type_(LEAVE);
        assert_eq!(pty.finish(), 0);
        assert!(pty.is_restored());
    }
}

#[test]
fn console_takes_another_escape() {
    require_root!();
    let host = Host::new();
    let ct = host.running(&[]);
    ct.wait_booted();
    for escape in ["^b", "b"] {
        let mut pty = host.pty(&["console", &ct.id, "--escape", escape]);
        pty.wake("login:", wait::LIMIT);
        // Ctrl-a q is now nothing but input: a name to log in by.
        pty.type_(LEAVE);
        pty.wake("assword:", wait::LIMIT);
        pty.type_("\x02q");
        assert_eq!(pty.finish(), 0);
        assert!(pty.is_restored());
    }
}

#[test]
fn console_mode_console_is_the_container_s_console() {
    require_root!();
    let host = Host::new();
    let ct = host.running(&["--cmode", "console"]);
    ct.wait_booted();
    let mut pty = host.pty(&["console", &ct.id]);
    pty.wake("# ", wait::LIMIT);
    pty.type_("echo con''sole; stty size\n");
    pty.expect("console");
    pty.expect("24 80");
    pty.type_(LEAVE);
    assert_eq!(pty.finish(), 0);
    assert!(pty.is_restored());
    assert_eq!(ct.status(), "running");
}

#[test]
fn console_mode_shell_is_a_shell() {
    require_root!();
    let host = Host::new();
    let ct = host.running(&["--cmode", "shell"]);
    let mut pty = host.pty(&["console", &ct.id]);
    pty.prompt();
    pty.type_("echo sh''ell $(id -u)\n");
    pty.expect("shell 0");
    pty.type_("exit 4\n");
    assert_eq!(pty.finish(), 4);
    assert!(pty.is_restored());
}

#[test]
fn console_restores_the_terminal_when_a_signal_or_the_container_ends_it() {
    require_root!();
    let host = Host::new();
    let ct = host.running(&["--cmode", "console"]);
    ct.wait_booted();
    for end in ["TERM", "HUP", "stop"] {
        let mut pty = host.pty(&["console", &ct.id]);
        pty.wake("# ", wait::LIMIT);
        pty.type_("echo re''ady\n");
        pty.expect("ready");
        match end {
            "TERM" => pty.signal(Signal::TERM),
            "HUP" => pty.signal(Signal::HUP),
            _ => drop(ct.stop()),
        }
        pty.finish();
        assert!(pty.is_restored(), "after {end}");
    }
}

#[test]
fn debian_offers_a_login_on_its_console() {
    require_root!("mmdebstrap");
    let host = Host::new();
    let ct = host.ct();
    let options =
        ["--rootfs", "local:0", "--features", "nesting=1", "--password", "sesame-2", "--hostname", "deb"];
    ct.create(&debian::template(), &options).ok();
    ct.start();
    let mut pty = host.pty(&["console", &ct.id]);
    let limit = Duration::from_secs(90);
    pty.wake("deb login:", limit);
    pty.type_("root\n");
    pty.expect_in("assword:", limit);
    pty.type_("sesame-2\n");
    pty.expect_in("root@deb", limit);
    pty.type_(LEAVE);
    assert_eq!(pty.finish(), 0);
    assert!(pty.is_restored());
}
