//! Completion: what `pct bashcomplete` answers, and the scripts in the shells that they are for.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

use std::ffi::OsString;
use std::fs;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::{Path, PathBuf};

use pct_tests::pty::Pty;
use pct_tests::root::have_tool;
use pct_tests::{Output, Run, bins};

/// A `PCT_ROOT` with four containers that exist on paper only: 9001 with two snapshots, the template 9002, 9003 that
/// seems to run, and 9004, whose config says nonsense.
struct PaperHost {
    root: tempfile::TempDir,
    _monitor: UnixListener,
}

impl PaperHost {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let configs = root.path().join("etc/pct/lxc");
        fs::create_dir_all(&configs).unwrap();
        for (vmid, config) in [
            (
                "9001",
                "hostname: a\n\n[clean]\nhostname: a\nsnaptime: 1\n\n[second]\nhostname: a\nsnaptime: 2\n",
            ),
            ("9002", "hostname: b\ntemplate: 1\n"),
            ("9003", "hostname: c\n"),
            ("9004", "hostname: d\nrootfs: nonsense,size=x\n"),
        ] {
            fs::write(configs.join(format!("{vmid}.conf")), config).unwrap();
        }
        let cache = root.path().join("var/lib/pct/storage/template/cache");
        fs::create_dir_all(&cache).unwrap();
        fs::write(cache.join("debian.tar.zst"), "").unwrap();
        let storages = "dir: local\n\tpath /nonexistent\n\tcontent rootdir\n\ndir: fast\n\tpath ROOT/fast\n\
                        \tcontent rootdir\n\ndir: templates\n\tpath ROOT/var/lib/pct/storage\n\tcontent vztmpl\n";
        let storages = storages.replace("ROOT", root.path().to_str().unwrap());
        fs::write(root.path().join("etc/pct/storage.cfg"), storages).unwrap();
        // Where liblxc's monitor of a running container listens.
        let socket = root.path().join("var/lib/pct/lxc/9003/command");
        let address = SocketAddr::from_abstract_name(socket.to_str().unwrap()).unwrap();
        Self { _monitor: UnixListener::bind_addr(&address).unwrap(), root }
    }

    fn root(&self) -> &Path {
        self.root.path()
    }

    /// What `pct` answers to bash about a line with the cursor at its end.
    fn complete(&self, line: &str) -> String {
        let word = line.rsplit(' ').next().unwrap();
        self.ask(&["pct", word, ""], line, &line.len().to_string()).ok().quiet().out().replace('\n', " ")
    }

    fn ask(&self, words: &[&str], line: &str, point: &str) -> Output {
        let run = Run::new(bins::pct()).args(["bashcomplete"]).args(words).env("PCT_ROOT", self.root());
        run.env_remove("POSIXLY_CORRECT").env("COMP_LINE", line).env("COMP_POINT", point).output()
    }
}

#[test]
fn numbers_of_containers_are_those_that_the_verb_can_do_something_with() {
    let host = PaperHost::new();
    for (line, candidates) in [
        ("pct start ", "9001 "),
        ("pct stop ", "9003 "),
        ("pct exec ", "9003 "),
        ("pct status ", "9001 9002 9003 9004 "),
        ("pct config 9002", "9002 "),
        ("pct create ", "100 "),
    ] {
        assert_eq!(host.complete(line), candidates, "{line}");
    }
    fs::write(host.root().join("etc/pct/lxc/100.conf"), "hostname: e\n").unwrap();
    assert_eq!(host.complete("pct create "), "101 ");
}

#[test]
fn templates_storages_and_snapshots_are_found_on_the_host() {
    let host = PaperHost::new();
    for (line, candidates) in [
        ("pct create 100 ", "templates:vztmpl/debian.tar.zst "),
        ("pct create 100 x --storage ", "local fast "),
        ("pct storage set ", "local fast templates "),
        ("pct storage add b", "btrfs "),
        ("pct storage set local l", ""),
        ("pct storage status ", ""),
        ("pct storage alloc local ", "9001 9002 9003 9004 "),
        ("pct storage alloc local 9001 ", ""),
        ("pct storage export local:9001/x.raw r", "raw+size "),
        ("pct storage import --snapshot s local:9001/x.raw ", "raw+size tar+size btrfs zfs "),
        ("pct storage add dir data --pre", "--preallocation "),
        ("pct storage add dir data --preallocation f", "falloc full "),
        ("pct config 9001 --snapshot ", "clean second "),
        ("pct config 9001 --snapshot s", "second "),
        ("pct config 9002 --snapshot ", ""),
        ("pct config 9999 --snapshot ", ""),
    ] {
        assert_eq!(host.complete(line), candidates, "{line}");
    }
}

#[test]
fn keys_are_those_that_the_container_has() {
    let host = PaperHost::new();
    let config = "hostname: a\nmemory: 64\n\n[pve:pending]\ndelete: hostname\ntty: 4\n";
    fs::write(host.root().join("etc/pct/lxc/9001.conf"), config).unwrap();
    assert_eq!(host.complete("pct set 9001 --delete "), "hostname memory tty ");
    assert_eq!(host.complete("pct set 9001 --revert "), "hostname tty ");
    assert_eq!(host.complete("pct set 9001 --revert t"), "tty ");
    assert_eq!(host.complete("pct set 9999 --delete "), "");
}

#[test]
fn the_answer_replaces_what_bash_takes_for_the_word() {
    let host = PaperHost::new();
    let answer = |word, line: &str, point: usize| {
        host.ask(&["pct", word, "x"], line, &point.to_string()).ok().quiet().out()
    };
    let line = "pct create 100 templates:vz";
    assert_eq!(answer("templates:vz", line, line.len()), "templates:vztmpl/debian.tar.zst\n");
    assert_eq!(answer("vz", line, line.len()), "vztmpl/debian.tar.zst\n", "a colon parts words");
    let line = "pct create 100 x --storage=f";
    assert_eq!(answer("--storage=f", line, line.len()), "--storage=fast\n");
    assert_eq!(answer("f", line, line.len()), "fast\n", "a sign of equality parts words");
    assert_eq!(answer("con", "pct con 9001 --current", 7), "config\nconsole\n", "up to the cursor");
    assert_eq!(answer("stat", "pct stat", 99), "status\n");
}

#[test]
fn nothing_is_said_when_no_shell_asks_or_the_host_cannot_be_read() {
    let host = PaperHost::new();
    let silent = |output: Output| assert_eq!(output.ok().quiet().out(), "");
    silent(host.ask(&["pct", "st"], "pct st", "6"));
    silent(host.ask(&["pct", "st", "pct"], "pct st", "x"));
    silent(host.ask(&["pct", "pct", ""], "pct", "3"));
    for missing in ["COMP_LINE", "COMP_POINT"] {
        let run = Run::new(bins::pct()).args(["bashcomplete", "pct", "st", "pct"]);
        silent(run.env("COMP_LINE", "pct st").env("COMP_POINT", "6").env_remove(missing).output());
    }
    fs::remove_dir_all(host.root().join("etc/pct/lxc")).unwrap();
    fs::write(host.root().join("etc/pct/lxc"), "no folder").unwrap();
    silent(host.ask(&["pct", "", "start"], "pct start ", "10"));
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("pct-cli/completions").join(name)
}

/// The search path with the `pct` under test first.
fn path() -> OsString {
    let old = std::env::var_os("PATH").unwrap_or_default();
    let dirs = std::iter::once(bins::profile_dir()).chain(std::env::split_paths(&old));
    std::env::join_paths(dirs).unwrap()
}

/// A line as it is typed, and the words that it has after a press of the tabulator key.
const TYPED: [(&str, &[&str]); 7] = [
    ("pct stat", &["pct", "status"]),
    ("pct start ", &["pct", "start", "9001"]),
    ("pct start 9001 --sk", &["pct", "start", "9001", "--skiplock"]),
    ("pct config 9001 --snapshot cl", &["pct", "config", "9001", "--snapshot", "clean"]),
    ("pct create 100 templates:v", &["pct", "create", "100", "templates:vztmpl/debian.tar.zst"]),
    ("pct create 100 x --storage=f", &["pct", "create", "100", "x", "--storage=fast"]),
    // A file: `pct` knows nothing, the shell does.
    (
        "pct create 100 x --ssh-public-keys key",
        &["pct", "create", "100", "x", "--ssh-public-keys", "keys.pub"],
    ),
];

/// Types the lines into a shell that has been told to load a script; each is then turned into one that shows its words.
fn type_into(shell: &str, args: &[&str], load: &str) {
    let host = PaperHost::new();
    fs::write(host.root().join("keys.pub"), "").unwrap();
    let (root, path) = (host.root().to_str().unwrap(), path());
    // No vi keys, whatever the person at the machine likes.
    let env = [
        ("PCT_ROOT", root),
        ("HOME", root),
        ("PATH", path.to_str().unwrap()),
        ("PS1", "# "),
        ("EDITOR", ""),
        ("VISUAL", ""),
    ];
    let mut pty = Pty::spawn(&bins::tool(shell).unwrap(), args, &env);
    pty.prompt();
    pty.type_(format!("cd {root}; {load}; echo lo''aded\r"));
    pty.expect("loaded");
    pty.prompt();
    for (line, words) in TYPED {
        pty.type_(format!("{line}\t\u{1}printf '[%s]' \r"));
        pty.expect(&words.iter().map(|word| format!("[{word}]")).collect::<String>());
        pty.prompt();
    }
    pty.type_("exit\r");
    assert_eq!(pty.finish(), 0);
}

#[test]
fn bash_completes() {
    if !have_tool("bash") {
        return;
    }
    type_into("bash", &["--norc", "--noprofile", "-i"], &format!("source {}", script("pct.bash").display()));
}

#[test]
fn zsh_completes() {
    if !have_tool("zsh") {
        return;
    }
    let folder = script("");
    let load = format!("fpath=({} $fpath); autoload -Uz compinit; compinit -u -D", folder.display());
    type_into("zsh", &["-f", "-i"], &load);
}

#[test]
fn fish_completes() {
    if !have_tool("fish") {
        return;
    }
    let host = PaperHost::new();
    fs::write(host.root().join("keys.pub"), "").unwrap();
    for (line, words) in TYPED {
        let code = format!("source {}; complete -C '{line}'", script("pct.fish").display());
        let run = Run::new(bins::tool("fish").unwrap()).args(["--no-config", "-c", &code]).dir(host.root());
        let run = run.env("PCT_ROOT", host.root()).env("HOME", host.root()).env("PATH", path());
        assert_eq!(run.ok().quiet().out().trim_end(), *words.last().unwrap(), "{line}");
    }
}
