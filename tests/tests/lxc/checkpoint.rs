//! The state of all processes on disk: what CRIU is told, and the real one where it can be used.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::time::Duration;

use pct::lxc::{CommandSocket, State};
use pct_tests::counter::{COUNTER, counted};

use super::guest::{Guest, LIMIT, until};

/// A search path with a program `criu` before all others, that writes down what it is told and can do one thing.
fn fake_criu(guest: &Guest) -> (String, std::path::PathBuf) {
    let dir = guest.folder.path().join("programs");
    fs::create_dir_all(&dir).unwrap();
    let heard = dir.join("heard");
    let text = format!(
        "#!/bin/sh\ncase $1 in --version) echo 'Version: 4.1' ;;\ncheck) [ $3 = uffd-noncoop ] ;;\n\
         *) echo \"$@\" > {}; echo \"config: $CRIU_CONFIG_FILE\" >> {0} ;; esac\n",
        heard.display()
    );
    fs::write(dir.join("criu"), text).unwrap();
    fs::set_permissions(dir.join("criu"), fs::Permissions::from_mode(0o755)).unwrap();
    (format!("{}:{}", dir.display(), std::env::var("PATH").unwrap()), heard)
}

#[test]
fn criu_is_told_every_option() {
    let Some(mut guest) = Guest::new("lxc.console.path = none\nlxc.tty.max = 0\n") else { return };
    let (path, heard) = fake_criu(&guest);
    let images = guest.folder.path().join("images");
    let directory = format!("directory={}", images.display());
    let stopped = guest.refused("checkpoint", &[&directory]);
    assert!(stopped.contains("not running"), "{stopped}");
    guest.start();
    let run = |verb: &str, options: &[&str]| {
        let mut probe = guest.probe(verb);
        let output = probe.arg(&directory).args(options).env("PATH", &path).output().unwrap();
        (output.status.success(), fs::read_to_string(&heard).unwrap_or_default())
    };
    let (done, heard) = run("checkpoint", &[]);
    assert!(done && heard.starts_with("dump ") && heard.contains(images.to_str().unwrap()), "{heard}");
    let absent =
        ["--leave-running", "-v4", "--action-script", "--ghost-limit", "--page-server", "--track-mem"];
    assert!(absent.iter().all(|option| !heard.contains(option)), "{heard}");
    assert!(heard.contains("--force-irmap") && heard.contains("--skip-in-flight"), "{heard}");
    assert!(heard.ends_with("config: \n"), "{heard}");

    let options = [
        "leave-running",
        "verbose",
        "action-script=/bin/true",
        "ghost-limit=4096",
        "page-server=192.0.2.1:2345",
        "predump-dir=../before",
        "preserves-inodes",
        "fail-on-in-flight",
        "config=/some/criu.conf",
    ];
    let (done, heard) = run("checkpoint", &options);
    assert!(done, "{heard}");
    for option in [
        "--leave-running",
        "-v4",
        "--action-script /bin/true",
        "--ghost-limit 4096",
        "--page-server --address 192.0.2.1 --port 2345",
        "--prev-images-dir ../before --track-mem",
        "config: /some/criu.conf\n",
    ] {
        assert!(heard.contains(option), "{option}: {heard}");
    }
    assert!(!heard.contains("--force-irmap") && !heard.contains("--skip-in-flight"), "{heard}");
    let (done, heard) = run("pre-dump", &[]);
    assert!(done && heard.starts_with("pre-dump "), "{heard}");
    assert!(!run("restore", &[]).0, "it runs already");
}

#[test]
fn what_criu_can_do_is_told_apart() {
    let Some(guest) = Guest::new("") else { return };
    let (path, _) = fake_criu(&guest);
    let output = guest.probe("features").env("PATH", &path).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(text, "CriuFeatures { memory_tracking: false, lazy_pages: true }\n");
    fs::write(guest.folder.path().join("programs/criu"), "#!/bin/sh\nexit 1\n").unwrap();
    let output = guest.probe("features").env("PATH", path).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(text, "CriuFeatures { memory_tracking: false, lazy_pages: false }\n");
}

#[test]
fn processes_go_on_where_they_were_dumped() {
    if !pct_tests::root::have_criu() {
        return;
    }
    let Some(mut guest) = Guest::new("lxc.console.path = none\nlxc.tty.max = 0\n") else { return };
    let inittab = format!("::once:/bin/sh -c '{COUNTER}'\n");
    fs::write(guest.rootfs().join("etc/inittab"), inittab).unwrap();
    let file = guest.rootfs().join("root/count");
    let count = || counted(&fs::read_to_string(&file).unwrap_or_default());
    guest.call("daemonize", &[]);
    until(|| count() > 3);
    let socket = guest.wait_for_socket();

    // A dump that lets it run on, with the state in a folder of its own.
    let folder = |name: &str| format!("directory={}", guest.folder.path().join(name).display());
    guest.call("checkpoint", &[&folder("running"), "leave-running", "verbose"]);
    let before = count();
    until(|| count() > before + 2);
    assert_eq!(socket.state().unwrap(), State::Running);
    // Memory is tracked on some kernels only.
    let tracked = guest.call("features", &[]).contains("memory_tracking: true");
    let probe = guest.probe("pre-dump").arg(folder("before")).output().unwrap();
    assert_eq!(probe.status.success(), tracked);

    let images = folder("images");
    guest.call("checkpoint", &[&images]);
    assert!(socket.wait_closed(Some(LIMIT)).unwrap());
    let dumped = count();
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(count(), dumped, "nothing runs");
    assert!(guest.folder.path().join("images/dump.log").exists());
    let again = guest.refused("checkpoint", &[&images]);
    assert!(again.contains("not running"), "{again}");

    let mut restore = guest.probe("restore");
    restore.arg(&images).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    guest.monitor = Some(restore.spawn().unwrap());
    let socket = guest.wait_for_socket();
    until(|| count() > dumped + 3);
    assert_eq!(socket.state().unwrap(), State::Running);
    let (out, _) = guest.attach(&[], &["cat", "/root/count"]);
    assert!(out.contains("Code(0)"), "{out}");
    socket.stop(Some(LIMIT)).unwrap();
    assert_eq!(guest.outcome(), "restored\n");
    assert!(CommandSocket::connect(&guest.lxcpath, &guest.name).unwrap().is_none());
}
