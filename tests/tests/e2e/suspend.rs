//! `pct suspend` and `resume`: what they do when CRIU is missing or fails. A CRIU that works on this kernel is not to
//! be had everywhere; a program of its name stands in, so that its failures can be chosen.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use pct_tests::counter::{COUNTER, counted};
use pct_tests::wait::until_true;
use pct_tests::{Ct, Host, require_root};

/// Puts a shell script in the place of CRIU: a change of the host for [`Ct::pct_on`]. It finds its arguments in
/// `$action`, `$dir`, `$log` and `$pid`.
fn criu(host: &Host, body: &str) -> String {
    let dir = host.scratch().join("sbin");
    fs::create_dir_all(&dir).unwrap();
    let text = format!(
        "#!/bin/sh\n[ $1 != --version ] || {{ echo Version: 4.1; exit 0; }}\naction=$1\nwhile [ $# -gt 0 ]; do\n\
         case $1 in -D) dir=$2 ;; -o) log=$2 ;; -t) pid=$2 ;; esac\nshift\ndone\n{body}\n"
    );
    fs::write(dir.join("criu"), text).unwrap();
    fs::set_permissions(dir.join("criu"), fs::Permissions::from_mode(0o755)).unwrap();
    format!("mount -t overlay -o lowerdir={}:/usr/sbin none /usr/sbin", dir.display())
}

const FAILS: &str =
    "echo '(00.012345) Error (criu/vdso.c:591): vdso: Unexpected rt vDSO area bounds' > $log; exit 1";
/// What CRIU does at the end of a dump, without having written anything of use.
const DUMPS: &str = "[ $action = dump ] || { echo '(00.1)  1: Error (criu/x.c:1): no' > $log; exit 1; }\n\
                     [ -s $CRIU_CONFIG_FILE ] || exit 1; echo state > $dir/inventory.img; kill -9 $pid";

/// What a container that is stopped has nothing of.
const KINDS: [&str; 5] = ["mount", "loop", "link", "cgroup", "process"];

/// The suspended state.
fn state(ct: &Ct<'_>) -> std::path::PathBuf {
    ct.host().root().join(format!("var/lib/pct/checkpoint/{}", ct.id))
}

/// Without the logs of failed attempts.
fn on_the_host(host: &Host) -> pct_tests::state::State {
    let mut now = host.state();
    now.found.retain(|line| !line.ends_with(".log"));
    now
}

#[test]
fn without_criu_nothing_is_begun() {
    require_root!();
    let without = "[ ! -e /usr/sbin/criu ] || mount --bind /dev/null /usr/sbin/criu";
    let host = Host::new();
    let ct = host.busybox(&[]);
    ct.pct_on(without, "suspend", &[]).output().fails().says(&format!("CT {} not running", ct.id));
    let missing = "program 'criu' is not installed: install package criu";
    let resume = || ct.pct_on(without, "resume", &[]).output().fails();
    resume().says(&format!("cannot resume CT {}: {missing}", ct.id));
    ct.start();
    ct.wait_booted();
    let (before, init) = (host.state(), ct.init_pid());
    let out = ct.pct_on(without, "suspend", &[]).output().fails();
    out.says(&format!("cannot suspend CT {}: {missing}", ct.id));
    before.assert_same(&host.state(), "after a suspend without CRIU");
    assert_eq!(ct.init_pid(), init);
    resume().says(&format!("CT {} already running", ct.id));
    let none = host.ct();
    none.pct("suspend", &[]).output().fails().says("does not exist");
}

#[test]
fn a_criu_that_fails_leaves_the_container_running_and_says_why() {
    require_root!();
    let host = Host::new();
    let fails = criu(&host, FAILS);
    let ct = host.busybox(&["--rootfs", "local:1"]);
    // The monitor has the changed host, too: it is there that CRIU is run.
    ct.pct_on(&fails, "start", &[]).ok();
    ct.wait_booted();
    let (before, init) = (on_the_host(&host), ct.init_pid());
    let config = fs::read_to_string(ct.conf()).unwrap();
    let out = ct.pct_on(&fails, "suspend", &[]).output().fails();
    let out = out.says(&format!("unable to suspend CT {}", ct.id));
    let out = out.says("Error (criu/vdso.c:591): vdso: Unexpected rt vDSO area bounds");
    let out = out.says("set 'console: 0' and 'tty: 0'");
    let log = host.run_dir().join(format!("{}.criu.log", ct.id));
    assert!(fs::read_to_string(&log).unwrap().contains("(00.012345) Error"), "{}", out.both());
    before.assert_same(&on_the_host(&host), "after a suspend that failed");
    assert_eq!(fs::read_to_string(ct.conf()).unwrap(), config);
    assert_eq!((ct.init_pid(), ct.sh("echo alive")), (init, "alive\n".to_owned()));

    ct.append_conf("lock: backup");
    ct.pct_on(&fails, "suspend", &[]).output().fails().says("CT is locked (backup)");
    ct.edit_conf("lock: backup\n", "");
    ct.stop();
    ct.pct_on(&fails, "resume", &[]).output().fails().says(&format!("CT {} is not suspended", ct.id));
    ct.pct("destroy", &[]).ok();
    assert!(!log.exists());
}

#[test]
fn a_state_is_kept_until_it_is_used_or_outdated() {
    require_root!();
    let host = Host::new();
    let dumps = criu(&host, DUMPS);
    let ct = host.busybox(&["--rootfs", "local:1", "--console", "0", "--tty", "0"]);
    ct.pct_on(&dumps, "start", &[]).ok();
    ct.wait_booted();
    ct.sh("echo before > /root/file; sync");
    ct.pct_on(&dumps, "suspend", &[]).ok().quiet();
    assert_eq!(ct.status(), "stopped");
    assert!(host.state().only(&KINDS).found.is_empty(), "{:?}", host.state());
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    // CRIU becomes the container's root before it has read all of it.
    assert_eq!((mode(&state(&ct)), fs::metadata(state(&ct)).unwrap().gid()), (0o710, 100_000));
    assert_eq!((mode(state(&ct).parent().unwrap()), mode(&state(&ct).join("inventory.img"))), (0o700, 0o644));
    // Init has its null device from the monitor.
    let told = |file: &str| fs::read_to_string(state(&ct).join(file)).unwrap();
    assert!(told("dump.conf").starts_with("external file["), "{}", told("dump.conf"));
    assert!(told("restore.conf").starts_with("inherit-fd fd[0]:file["), "{}", told("restore.conf"));
    assert!(ct.pct("doctor", &[]).ok().out().contains("[suspended]"));

    // A resume that fails changes nothing, and can be tried again.
    for _ in 0..2 {
        let out = ct.pct_on(&dumps, "resume", &[]).output().fails();
        let out = out.says(&format!("unable to resume CT {}", ct.id)).says("Error (criu/x.c:1): no");
        out.says("the suspended state is still there");
        assert_eq!(ct.status(), "stopped");
        assert!(host.state().only(&KINDS).found.is_empty(), "{:?}", host.state());
        assert_eq!(fs::read_to_string(state(&ct).join("inventory.img")).unwrap(), "state\n");
    }
    ct.append_conf("lock: disk");
    ct.pct_on(&dumps, "resume", &[]).output().fails().says("CT is locked (disk)");
    ct.edit_conf("lock: disk\n", "");

    // A start that gets no further than its preparations leaves it, one that changes the guest's files does not.
    ct.append_conf("net0: name=eth0,bridge=pctbrnone");
    ct.pct("start", &[]).output().fails().says("pctbrnone");
    assert!(state(&ct).exists());
    ct.edit_conf("net0: name=eth0,bridge=pctbrnone\n", "");
    let out = ct.pct_on(&dumps, "start", &[]).ok();
    assert!(out.out().contains("WARN: the container was suspended"), "{}", out.both());
    assert!(!state(&ct).exists() && !state(&ct).parent().unwrap().exists());
    assert_eq!(ct.sh("cat /root/file"), "before\n");

    ct.pct_on(&dumps, "suspend", &[]).ok();
    assert!(state(&ct).exists());
    ct.pct("destroy", &[]).ok();
    assert!(!state(&ct).exists());
}

/// With the real CRIU: in memory and on disk the processes go on where they were, in the same container.
#[test]
fn processes_go_on_where_they_were_suspended() {
    require_root!();
    if !pct_tests::root::have_criu() {
        return;
    }
    let host = Host::new();
    for unprivileged in ["0", "1"] {
        let ct = host.busybox(&["--unprivileged", unprivileged, "--console", "0", "--tty", "0"]);
        ct.start();
        ct.wait_booted();
        ct.sh(&format!("echo \"::once:/bin/sh -c '{}'\" >> /etc/inittab", COUNTER.replace('$', "\\$")));
        ct.stop();
        ct.start();
        let count = || counted(&ct.sh("cat /root/count 2>/dev/null || true"));
        until_true("the counter counts", || count() > 3);
        let before = count();

        ct.pct("suspend", &[]).ok().quiet();
        assert_eq!(ct.status(), "stopped");
        assert!(state(&ct).join("inventory.img").exists());
        ct.pct("suspend", &[]).output().fails().says("not running");

        ct.pct("resume", &[]).ok();
        assert_eq!(ct.status(), "running");
        assert!(!state(&ct).exists());
        // One that began anew would be far behind.
        let resumed = count();
        assert!(resumed >= before, "{resumed} after {before}");
        until_true("the counter goes on", || count() > resumed);
        // It is a container like any other.
        ct.pct("suspend", &[]).ok();
        ct.pct("resume", &[]).ok();
        ct.pct("stop", &[]).ok();
        ct.pct("destroy", &[]).ok();
    }
    assert!(host.state().only(&KINDS).found.is_empty(), "{:?}", host.state());
}
