//! The console: its log, and a connection by liblxc itself.

use std::io::Write;
use std::num::NonZeroU64;
use std::process::Stdio;

use pct::lxc::Error;

use super::guest::{Guest, texts, until};

#[test]
fn the_log_of_the_console_is_read_bit_by_bit_and_cleared() {
    let Some(mut guest) = Guest::new("lxc.console.buffer.size = auto\n") else { return };
    let rootfs = guest.rootfs();
    std::fs::write(rootfs.join("etc/inittab"), "::once:/bin/sh -c 'printf 0123456789 >/dev/console'\n")
        .unwrap();
    guest.spawn();
    guest.wait_for_socket();
    let mut container = guest.container();
    let four = NonZeroU64::new(4);
    let mut first = Vec::new();
    until(|| {
        first = container.console_log(four, false).unwrap();
        !first.is_empty()
    });
    assert_eq!(first, b"0123");
    assert_eq!(container.console_log(None, false).unwrap(), b"456789");
    assert_eq!(container.console_log(None, false).unwrap(), b"");
    container.clear_console_log().unwrap();
    assert_eq!(container.console_log(None, true).unwrap(), b"");
}

#[test]
fn without_a_log_the_error_says_what_to_do() {
    let Some(mut guest) = Guest::new("") else { return };
    let stopped = guest.container().console_log(None, false);
    assert!(matches!(stopped, Err(Error::NotRunning { .. })), "{stopped:?}");
    guest.start();
    let none = guest.container().console_log(None, false);
    assert!(matches!(none, Err(Error::NoConsoleLog { .. })), "{none:?}");
}

#[test]
fn a_console_is_connected_until_the_escape() {
    let Some(mut guest) = Guest::new("lxc.tty.max = 1\n") else { return };
    let rootfs = guest.rootfs();
    let inittab = "::respawn:/bin/sleep 100000\ntty1::respawn:/bin/sh -c 'read line; echo \"heard $line\"'\n";
    std::fs::write(rootfs.join("etc/inittab"), inittab).unwrap();
    guest.start();
    let mut command = guest.probe("console");
    command.arg("escape=b").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut probe = command.spawn().unwrap();
    let mut stdin = probe.stdin.take().unwrap();
    stdin.write_all(b"hello\r").unwrap();
    let mut stdout = probe.stdout.take().unwrap();
    let mut seen = String::new();
    while !seen.contains("heard hello") {
        let mut bytes = [0; 256];
        let count = std::io::Read::read(&mut stdout, &mut bytes).unwrap();
        assert!(count > 0, "{seen}");
        seen.push_str(&String::from_utf8_lossy(&bytes[..count]));
    }
    stdin.write_all(b"\x02q").unwrap();
    let output = probe.wait_with_output().unwrap();
    assert!(output.status.success(), "{:?}", texts(&output));
    assert!(texts(&output).1.contains("Ctrl+b q"), "{:?}", texts(&output));
}
