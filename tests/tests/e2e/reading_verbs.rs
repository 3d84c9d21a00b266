//! list, status, config, pending and listsnapshot only read.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use pct_tests::{Ct, Host, Run, bins, require_root};

/// `pct` where a user without rights can run it.
fn public_pct(host: &Host) -> PathBuf {
    let dir = host.scratch();
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o755)).unwrap();
    let pct = dir.join("pct");
    fs::copy(bins::pct(), &pct).unwrap();
    pct
}

fn open_to_all(dir: &Path) {
    for line in Run::new("/usr/bin/find").args([dir]).ok().out().lines() {
        let mode = if Path::new(line).is_dir() { 0o755 } else { 0o644 };
        fs::set_permissions(line, fs::Permissions::from_mode(mode)).unwrap();
    }
}

fn verbs(ct: &Ct<'_>) -> Vec<Vec<String>> {
    let verbs: [&[&str]; 5] = [
        &["list"],
        &["status", &ct.id],
        &["config", &ct.id],
        &["pending", &ct.id],
        &["listsnapshot", &ct.id],
    ];
    verbs.iter().map(|v| v.iter().map(|s| (*s).to_owned()).collect()).collect()
}

#[test]
fn they_need_no_root_where_the_files_are_readable() {
    require_root!("setpriv");
    let host = Host::new();
    let ct = host.running(&["--hostname", "open"]);
    let pct = public_pct(&host);
    open_to_all(&host.root().join("etc"));
    for args in verbs(&ct) {
        let run = Run::new("/usr/bin/setpriv")
            .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
            .args([&pct]);
        let out = run.args(&args).env("PCT_ROOT", host.root()).dir("/").ok();
        let as_root = Run::new(&pct).args(&args).env("PCT_ROOT", host.root()).ok();
        assert_eq!(out.out(), as_root.out(), "{args:?}");
        assert!(!out.out().is_empty());
    }
    // What is not readable is an error, not an empty answer.
    fs::set_permissions(ct.conf(), fs::Permissions::from_mode(0o600)).unwrap();
    let run =
        Run::new("/usr/bin/setpriv").args(["--reuid=65534", "--regid=65534", "--clear-groups"]).args([&pct]);
    run.args(["config", &ct.id]).env("PCT_ROOT", host.root()).dir("/").output().fails();
}

#[test]
fn they_start_no_process_take_no_lock_and_write_nothing() {
    require_root!("strace");
    let host = Host::new();
    let ct = host.running(&[]);
    let trace = host.scratch().join("trace");
    fs::write(&trace, "").unwrap();
    let kinds = ["file", "mount", "loop", "link", "cgroup"];
    let before = host.state().only(&kinds);
    let calls = "trace=execve,execveat,fork,vfork,clone,clone3,flock,fcntl,mkdir,mkdirat,unlink,unlinkat,rename,renameat,renameat2,mount,open,openat,creat,chmod,fchmod,chown,fchown,kill,unshare,setns";
    for args in verbs(&ct) {
        let run = Run::new("/usr/bin/strace")
            .args(["-f", "-qq", "-e", calls, "-e", "signal=none", "-o"])
            .args([&trace]);
        run.args([bins::pct()]).args(&args).env("PCT_ROOT", host.root()).ok();
        let text = fs::read_to_string(&trace).unwrap();
        // The first line is the start of pct itself.
        for line in text.lines().skip(1) {
            let call = line.split_once(' ').map_or(line, |(_, c)| c).trim_start();
            let name = call.split('(').next().unwrap();
            let harmless = match name {
                "open" | "openat" => {
                    !["O_WRONLY", "O_RDWR", "O_CREAT"].iter().any(|f| call.contains(f))
                        || call.contains("/dev/null")
                }
                "fcntl" => !call.contains("LK"),
                _ => false,
            };
            assert!(harmless, "pct {args:?} does {call}");
        }
    }
    before.assert_same(&host.state().only(&kinds), "after reading");
}

#[test]
fn they_are_quick_with_many_containers() {
    require_root!();
    let host = Host::new();
    let ct = host.busybox(&[]);
    let conf = fs::read_to_string(ct.conf()).unwrap();
    // Ids far from those of other tests: nothing of them ever runs.
    for n in 0..500 {
        fs::write(host.conf_dir().join(format!("{}.conf", 500_000 + n)), &conf).unwrap();
    }
    let out = host.pct(&["list"]).ok();
    assert_eq!(out.out().lines().count(), 502);
    assert!(out.took.as_secs() < 2, "{:?}", out.took);
}
