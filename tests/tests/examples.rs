//! The examples, compiled and run on real containers: the same program in Rust and in C, and what is there in C only.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

use std::fs;
use std::path::Path;

use pct_tests::archive::Compression;
use pct_tests::c::{Installed, Library, library};
use pct_tests::generated::repository;
use pct_tests::{Ct, Host, Output, Run, bins, busybox, require_root, wait};

/// A program of `examples/c`; `packages` are those that it needs besides the library.
fn c_example(installed: &Installed, name: &str, packages: &[&str]) -> Run {
    let source = repository().join("examples/c").join(name);
    let link = [&["--libs"], packages].concat();
    installed.run(&installed.compile("gcc", &["-std=c11"], &source, &link))
}

fn rust_example() -> Run {
    Run::new(library("lifecycle"))
}

/// Runs an example on a host of its own; its output, with the number of the container replaced.
fn lives(example: Run) -> String {
    let host = Host::new();
    let ct = host.ct();
    let before = host.state().only(&["mount", "loop", "link", "cgroup", "process"]);
    let template = busybox::template(Compression::Zstd);
    let args = [Path::new(&ct.id), &template, host.root(), &bins::helper()];
    let output: Output = example.args(args).output().ok().quiet();
    before.assert_same(
        &host.state().only(&["mount", "loop", "link", "cgroup", "process"]),
        "after the example",
    );
    assert!(!ct.conf().exists() && !ct.subvol().exists());
    without_chance(&output.out()).replace(&ct.id, "VMID").replace(host.root().to_str().unwrap(), "ROOT")
}

/// Host keys are new each time: their fingerprints are left out.
fn without_chance(text: &str) -> String {
    let word = |word: &str| if word.starts_with("SHA256:") { "SHA256:..." } else { word }.to_owned();
    text.lines().map(|line| line.split(' ').map(word).collect::<Vec<_>>().join(" ") + "\n").collect()
}

#[test]
fn the_rust_example_and_the_c_example_do_the_same() {
    require_root!();
    let rust = lives(rust_example());
    let expected = ["hostname: example\n", "rootfs: local:VMID/", "inside: example\n", "status: stopped\n"];
    for part in expected {
        assert!(rust.contains(part), "{part:?} is not in:\n{rust}");
    }
    let installed = Installed::new(Library::Shared);
    assert_eq!(lives(c_example(&installed, "lifecycle.c", &[])), rust);
}

#[test]
fn a_failure_of_an_example_is_told_and_leaves_nothing() {
    require_root!();
    let installed = Installed::new(Library::Shared);
    for example in [rust_example(), c_example(&installed, "lifecycle.c", &[])] {
        let host = Host::new();
        let ct = host.ct();
        let args = [Path::new(&ct.id), Path::new("/nonexistent.tar.gz"), host.root(), &bins::helper()];
        example.args(args).output().status(1).says("/nonexistent.tar.gz");
        assert!(!ct.conf().exists());
    }
}

/// `eventloop.c` with commands in a container.
fn event_loop(installed: &Installed, ct: &Ct<'_>, options: &[&str], commands: &[&str]) -> Run {
    let example =
        c_example(installed, "eventloop.c", &[]).args(options).args(["-r".as_ref(), ct.host().root()]);
    example.args(["-p".as_ref(), bins::helper().as_path()]).args([ct.id.as_str()]).args(commands)
}

/// The lines that belong to one command: the order among them is certain.
fn of_command(text: &str, number: u32) -> Vec<String> {
    let prefix = format!("{number}: ");
    text.lines().filter_map(|line| line.strip_prefix(&prefix)).map(str::to_owned).collect()
}

#[test]
fn the_event_loop_shows_several_commands_as_they_go_on() {
    require_root!();
    let installed = Installed::new(Library::Shared);
    let host = Host::new();
    let ct = host.running(&[]);
    let commands = [
        // It ends when the next one has begun: they run at the same time.
        "while [ ! -e /run/second ]; do sleep 0.05; done; echo one; printf half; echo wrong >&2; exit 3",
        "touch /run/second; printf 'a\\nb\\n'; cat",
        "i=0; while [ $i -lt 9999 ]; do i=$((i+1)); echo $i; done",
        "head -c 5000 /dev/zero | tr '\\0' x; sleep 600 & exit 0",
        "kill -9 $$",
    ];
    let output = event_loop(&installed, &ct, &[], &commands).output().status(1);
    let out = output.out();
    assert_eq!(of_command(&out, 1), ["one", "half", "exit status 3"]);
    assert_eq!(of_command(&output.err(), 1), ["wrong"]);
    assert_eq!(of_command(&out, 2), ["a", "b", "exit status 0"]);
    let numbers: Vec<String> =
        (1..=9999).map(|i| i.to_string()).chain(["exit status 0".to_owned()]).collect();
    assert_eq!(of_command(&out, 3), numbers);
    // A line beyond measure comes in parts, and who is left behind is not waited for.
    assert_eq!(of_command(&out, 4), ["x".repeat(4096), "x".repeat(904), "exit status 0".to_owned()]);
    assert_eq!(of_command(&out, 5), ["exit status 137"]);
    assert!(out.ends_with("3 of 5 succeeded\n"), "{out}");
    event_loop(&installed, &ct, &[], &["true", "true"]).output().ok().quiet();
}

#[test]
fn the_event_loop_ends_its_commands_by_a_timer_and_with_itself() {
    require_root!();
    let installed = Installed::new(Library::Shared);
    let host = Host::new();
    let ct = host.running(&[]);
    let output =
        event_loop(&installed, &ct, &["-t", "1"], &["sleep 600", "exit 0"]).output().status(1).quiet();
    assert_eq!(output.out(), "1: exit status 143\n2: exit status 0\n1 of 2 succeeded\n");

    let told = ["trap 'echo told; exit 5' TERM; touch /run/ready; while :; do sleep 0.05; done"];
    let running = event_loop(&installed, &ct, &[], &told).start();
    wait::until_true("the command runs", || ct.exec(&["test", "-e", "/run/ready"]).output().status == 0);
    running.signal(rustix::process::Signal::TERM);
    let output = running.finish().status(1).quiet();
    assert_eq!(output.out(), "1: told\n1: exit status 5\n0 of 1 succeeded\n");

    ct.stop();
    event_loop(&installed, &ct, &[], &["true"]).output().status(2).says("not running");
}

#[test]
fn the_linter_says_what_is_wrong_and_where() {
    let installed = Installed::new(Library::Shared);
    let lint = |args: &[&Path], stdin: &[u8]| {
        c_example(&installed, "lint.c", &["jansson"]).args(args).stdin(stdin).output()
    };
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &[u8]| {
        let path = dir.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let good = b"arch: amd64\nostype: debian\nhostname: web\nrootfs: local:9001/vm-9001-disk-0.raw\n";
    let good = file("9001.conf", good);
    assert_eq!(lint(&[&good], b"").ok().quiet().out(), "");

    // Bytes of every kind; a file without a rootfs is a warning, and no error.
    let bad = file("9002.conf", b"arch: amd64\nostype: debian\nmemory: lots\nlxc.x: a\0b\ntags: \xff\n");
    let found = lint(&[&bad], b"").status(1).quiet().out();
    let found: Vec<&str> = found.lines().filter(|line| !line.starts_with(' ')).collect();
    let starts = [
        "1:1: warning: no 'rootfs': CT 9002 ",
        "3:9: error: unable to parse value of 'memory'",
        "4:1: error: ",
        "5:7: error: ",
    ];
    assert_eq!(found.len(), starts.len(), "{found:#?}");
    for (line, start) in found.iter().zip(starts) {
        assert!(line.starts_with(&format!("{}:{start}", bad.display())), "{line}");
    }
    assert!(lint(&[], b"arch: amd64\nostype: debian\n").ok().quiet().out().starts_with("-:1:1: warning: "));
    lint(&[], &vec![b'#'; (1 << 20) + 1]).status(2).says("at most 1048576 bytes");
    lint(&[Path::new("/nonexistent/1.conf")], b"").status(2).says("/nonexistent/1.conf: No such file");

    let host = br#"{"home":"standalone","liblxc":"6.0","cgroup":"v2","helper":"/pct-helper","lxc_includes":["common.conf"]}"#;
    let host = file("host.json", host);
    let [translate, described] = ["-t", "-H"].map(Path::new);
    let lxc = lint(&[translate, described, &host, &good], b"").ok().quiet().out();
    assert!(
        lxc.contains("\nlxc.uts.name = web\n") && lxc.contains("/var/lib/pct/lxc/9001/rootfs\n"),
        "{lxc}"
    );
    lint(&[translate, described, &good, &good], b"").status(2).says("describes no host");
    lint(&[translate, Path::new("-p"), Path::new("/nonexistent"), &good], b"")
        .status(2)
        .says("helper '/nonexistent'");
}
