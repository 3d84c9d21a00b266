//! exec: streams, statuses, signals, terminals.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use pct::{Error, Pct};
use pct_tests::pty::Pty;
use pct_tests::{Host, Run, bins, require_root, wait};
use rustix::process::Signal;

#[test]
fn the_three_streams_are_apart_and_binary_clean() {
    require_root!();
    let host = Host::new();
    let ct = host.running(&[]);
    let bytes: Vec<u8> = (0..=255).cycle().take(256 * 1024 + 7).collect();
    let out = ct.exec(&["sh", "-c", "cat; printf 'err\\r\\n\\000' >&2"]).stdin(bytes.clone()).ok();
    assert!(out.stdout == bytes, "{} bytes came back, {} went in", out.stdout.len(), bytes.len());
    assert_eq!(out.stderr, b"err\r\n\0");
}

#[test]
fn end_of_file_is_forwarded_also_of_an_empty_stdin() {
    require_root!();
    let host = Host::new();
    let ct = host.running(&[]);
    assert_eq!(ct.exec(&["wc", "-c"]).stdin("abc").ok().quiet().out().trim(), "3");
    assert_eq!(ct.exec(&["wc", "-c"]).stdin("").ok().quiet().out().trim(), "0");
    assert_eq!(ct.exec(&["wc", "-c"]).ok().quiet().out().trim(), "0");
    ct.exec(&["sh", "-c", "cat > /root/empty"]).stdin("").ok();
    assert_eq!(fs::metadata(ct.subvol().join("root/empty")).unwrap().len(), 0);
}

#[test]
fn the_status_is_that_of_the_command_as_a_shell_has_it() {
    require_root!();
    let host = Host::new();
    let ct = host.running(&[]);
    for (script, want) in [("exit 0", 0), ("exit 1", 1), ("exit 42", 42), ("exit 255", 255)] {
        ct.exec(&["sh", "-c", script]).output().quiet().status(want);
    }
    ct.exec(&["sh", "-c", "kill -9 $$"]).output().status(128 + 9);
    ct.exec(&["sh", "-c", "kill -TERM $$"]).output().status(128 + 15);
    ct.exec(&["sh", "-c", "kill -SEGV $$"]).output().status(128 + 11);
    ct.exec(&["no-such-command"]).output().status(127).says("no-such-command");
    ct.exec(&["/no/such/command"]).output().status(127).says("/no/such/command");
    ct.exec(&["/etc/passwd"]).output().status(126).says("/etc/passwd");
    ct.exec(&["/etc"]).output().status(126).says("/etc");
}

#[test]
fn signals_reach_the_command() {
    require_root!();
    let host = Host::new();
    let ct = host.running(&[]);
    for (signal, name) in
        [(Signal::TERM, "TERM"), (Signal::INT, "INT"), (Signal::HUP, "HUP"), (Signal::USR1, "USR1")]
    {
        let script =
            format!("trap 'echo got {name}; exit 7' {name}; : > /tmp/{name}; while :; do sleep 0.05; done");
        let running = ct.exec(&["sh", "-c", &script]).start();
        wait::until_true("the command has set its trap", || ct.subvol().join("tmp").join(name).exists());
        running.signal(signal);
        assert_eq!(running.finish().status(7).out(), format!("got {name}\n"));
    }
}

#[test]
fn a_command_that_a_signal_kills_takes_exec_with_it() {
    require_root!();
    let host = Host::new();
    let ct = host.running(&[]);
    let running = ct.exec(&["sh", "-c", ": > /tmp/up; exec sleep 1000"]).start();
    wait::until_true("the command runs", || ct.subvol().join("tmp/up").exists());
    running.signal(Signal::TERM);
    running.finish().status(128 + 15);
}

#[test]
fn no_descriptor_but_the_first_three_is_inside() {
    require_root!();
    let host = Host::new();
    let ct = host.running(&[]);
    let list = "ls /proc/$$/fd; true";
    assert_eq!(ct.sh(list), "0\n1\n2\n");
    // Nor any that our caller holds.
    let pct = bins::pct();
    let script =
        format!("exec 7</etc/passwd 9>/dev/null; '{}' exec {} -- sh -c '{list}'", pct.display(), ct.id);
    let out = Run::new("/bin/sh").args(["-c", &script]).env("PCT_ROOT", host.root()).ok();
    assert_eq!(out.out(), "0\n1\n2\n");
}

#[test]
fn it_works_without_a_session_a_terminal_and_an_environment() {
    require_root!();
    let host = Host::new();
    let ct = host.running(&[]);
    // As cron and at run things.
    let run = Run::new("/usr/bin/setsid").args(["--wait"]).args([bins::pct()]);
    let run = run.args(["exec", &ct.id, "--", "sh", "-c", "echo $PATH; tty"]).env_clear();
    let out = run.env("PCT_ROOT", host.root()).dir("/").output().status(1);
    assert_eq!(out.out(), "/sbin:/bin:/usr/sbin:/usr/bin\nnot a tty\n");
}

#[test]
fn a_background_job_is_not_stopped_for_touching_the_terminal() {
    require_root!();
    let host = Host::new();
    let ct = host.running(&[]);
    let pct = bins::pct();
    let script = format!(
        "set -m; '{0}' exec {1} -- echo in-background </dev/null & wait $!; echo rc=$?; \
         '{0}' exec {1} -- sh -c 'exit 5' & wait $!; echo rc=$?",
        pct.display(),
        ct.id
    );
    let root = host.root().to_str().unwrap();
    let mut pty = Pty::spawn(Path::new("/bin/bash"), &["-c", &script], &[("PCT_ROOT", root)]);
    pty.expect("in-background");
    pty.expect("rc=0");
    pty.expect("rc=5");
    pty.finish();
    assert!(pty.is_restored());
}

#[test]
fn a_daemon_left_inside_does_not_hold_exec() {
    require_root!();
    let host = Host::new();
    let ct = host.running(&[]);
    assert_eq!(ct.sh("sleep 1000 >/dev/null 2>&1 </dev/null & echo left"), "left\n");
    // Also if it keeps the streams: the command has ended.
    let script = "sleep 3 & echo left";
    assert_eq!(ct.exec(&["sh", "-c", script]).ok().out(), "left\n");
}

#[test]
fn on_a_terminal_the_command_gets_one() {
    require_root!();
    let host = Host::new();
    let ct = host.running(&[]);
    let mut pty = host.pty(&[
        "exec",
        &ct.id,
        "--",
        "sh",
        "-c",
        "test -t 0 && test -t 1 && test -t 2 && stty size; exit 9",
    ]);
    pty.expect("24 80");
    assert_eq!(pty.finish(), 9);
    assert!(pty.is_restored());
}

#[test]
fn ctrl_c_on_a_terminal_interrupts_the_command_and_nothing_else() {
    require_root!();
    let host = Host::new();
    let ct = host.running(&[]);
    let script = "trap 'echo caught; exit 3' INT; echo ready; while :; do sleep 0.05; done";
    let mut pty = host.pty(&["exec", &ct.id, "--", "sh", "-c", script]);
    pty.expect("ready");
    pty.type_("\x03");
    pty.expect("caught");
    assert_eq!(pty.finish(), 3);
    assert!(pty.is_restored());
    assert_eq!(ct.status(), "running");
}

#[test]
fn the_environment_is_kept_or_cleared_as_asked() {
    require_root!();
    let host = Host::new();
    let ct = host.running(&[]);
    let show = ["--", "sh", "-c", "echo \"$SECRET|$SSL_CERT_FILE|$SSL_CERT_DIR\""];
    let run = |extra: &[&str]| {
        let run = ct.pct("exec", &[extra, &show].concat()).env("SECRET", "s3");
        run.env("SSL_CERT_FILE", "f").env("SSL_CERT_DIR", "d").ok().out()
    };
    assert_eq!(run(&[]), "s3||\n");
    assert_eq!(run(&["--keep-env", "1"]), "s3||\n");
    assert_eq!(run(&["--keep-env", "0"]), "||\n");
}

#[test]
fn arguments_arrive_as_they_were_given() {
    require_root!();
    let host = Host::new();
    let ct = host.running(&[]);
    let odd = ["a b", "", "$HOME", "x\ny", "'\"\\", "--", "-l", "é\u{1f600}", "*"];
    let mut command = vec!["printf", "<%s>"];
    command.extend(odd);
    let want: String = odd.iter().map(|a| format!("<{a}>")).collect();
    assert_eq!(ct.exec(&command).ok().out(), want);
    // Without `--`, as scripts have it, where the command has no options.
    assert_eq!(ct.pct("exec", &["echo", "a", "b"]).ok().out(), "a b\n");
    ct.pct("exec", &["ls", "-l"]).output().fails().says("Unknown option: l");
}

#[test]
fn what_cannot_be_run_is_explained() {
    require_root!();
    let host = Host::new();
    let ct = host.busybox(&[]);
    for verb in ["exec", "enter"] {
        let extra: &[&str] = if verb == "exec" { &["--", "true"] } else { &[] };
        ct.pct(verb, extra).output().fails().says(&format!("container '{}' not running!", ct.id));
    }
    ct.start();
    let out = ct.pct("exec", &[]).output().fails().says("missing command");
    assert!(!out.err().contains(".rs"), "{}", out.both());
}

#[test]
fn the_command_is_root_of_the_container_in_all_its_namespaces() {
    require_root!();
    let host = Host::new();
    let ct = host.running(&[]);
    assert_eq!(ct.sh("id -u; id -g"), "0\n0\n");
    let kinds = ["cgroup", "ipc", "mnt", "net", "pid", "user", "uts"];
    let script = kinds.map(|k| format!("readlink /proc/self/ns/{k}")).join(";");
    let init = kinds.map(|k| format!("readlink /proc/1/ns/{k}")).join(";");
    assert_eq!(ct.sh(&script), ct.sh(&init));
}

#[test]
fn twenty_at_once_do_not_mix() {
    require_root!();
    let host = Host::new();
    let ct = host.running(&[]);
    let running: Vec<_> = (0..20)
        .map(|n| (n, ct.exec(&["sh", "-c", &format!("cat; exit {n}")]).stdin(format!("in{n}")).start()))
        .collect();
    for (n, running) in running {
        assert_eq!(running.finish().status(n).out(), format!("in{n}"));
    }
}

#[test]
fn a_rust_program_runs_commands_as_those_of_std() {
    require_root!();
    let host = Host::new();
    let (ct, stopped) = (host.running(&[]), host.busybox(&[]));
    let pct = Pct::builder().root(host.root()).helper(bins::helper()).open().unwrap();
    let container = pct.container(ct.id.parse().unwrap());

    let script = r#"cat; echo "$2" >&2; env | grep -c ^PATH=; exit "$1""#;
    let out = container.exec(["sh", "-c", script]).arg("sh").args(["3", "words"]).output().unwrap();
    assert_eq!(
        (out.status.code(), &out.stdout[..], &out.stderr[..]),
        (Some(3), &b"1\n"[..], &b"words\n"[..])
    );

    let file = host.scratch().join("input");
    fs::write(&file, "from a file\n").unwrap();
    let cat = container.exec(["cat"]).stdin(fs::File::open(&file).unwrap());
    assert_eq!(cat.output().unwrap().stdout, b"from a file\n");
    let to = fs::File::create(&file).unwrap();
    let quiet = container.exec(["sh", "-c", "echo said; echo told >&2"]).stdout(to).output().unwrap();
    assert_eq!((&quiet.stdout[..], &quiet.stderr[..]), (&b""[..], &b"told\n"[..]));
    assert_eq!(fs::read(&file).unwrap(), b"said\n");
    assert_eq!(container.exec(["sh", "-c", "exit 7"]).status().unwrap().code(), Some(7));
    assert_eq!(container.exec(["sh", "-c", "kill -9 $$"]).status().unwrap().code(), Some(128 + 9));

    let mut child = container.exec(["cat"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"piped").unwrap();
    assert_eq!(child.wait_with_output().unwrap().stdout, b"piped");

    let nothing = container.exec([""; 0]).output().unwrap_err();
    assert!(matches!(nothing, Error::MissingCommand), "{nothing:?}");
    let stopped = pct.container(stopped.id.parse().unwrap()).exec(["true"]).status().unwrap_err();
    assert!(matches!(stopped, Error::NotRunningInside { .. }), "{stopped:?}");
}
