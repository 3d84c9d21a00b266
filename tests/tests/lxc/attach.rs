//! Programs inside.

use std::fs;

use super::guest::Guest;

#[test]
fn programs_are_run_inside_as_they_were_told() {
    let Some(mut guest) = Guest::new("") else { return };
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
    let Some(mut guest) = Guest::new("") else { return };
    let (out, _) = guest.attach(&[], &["true"]);
    assert!(out.starts_with(&format!("error: liblxc cannot attach to container {}", guest.name)), "{out}");
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
