//! What liblxc is told: shown without a start, and loaded at one.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use pct_tests::{Host, Run, bins, require_root};

#[test]
fn it_shows_what_a_start_writes_and_touches_nothing() {
    require_root!();
    let host = Host::new();
    let ct = host.busybox(&["--hostname", "shown", "--memory", "64", "--unprivileged", "1"]);
    ct.append_conf("lxc.utsname: old");
    ct.append_conf("lxc.mount.entry: /srv srv none bind,optional 0 0");
    let before = host.state();
    let profile = host.scratch().join("profile");
    let files = host.state();
    let shown = ct.pct("lxc-config", &["--seccomp-out", profile.to_str().unwrap()]).ok();
    assert!(
        shown.err().lines().all(|line| line.starts_with(&format!("vm {} - lxc.utsname ", ct.id))),
        "{}",
        shown.both()
    );
    let written = fs::read_to_string(&profile).unwrap();
    fs::remove_file(&profile).unwrap();
    files.assert_same(&host.state(), "after lxc-config");
    assert_eq!(
        before.only(&["mount", "loop", "link", "cgroup"]),
        host.state().only(&["mount", "loop", "link", "cgroup"])
    );
    ct.start();
    let folder = host.lxcpath().join(&ct.id);
    assert_eq!(shown.out(), fs::read_to_string(folder.join("config")).unwrap());
    assert_eq!(written, fs::read_to_string(folder.join("rules.seccomp")).unwrap());
}

#[test]
fn it_needs_no_root_where_the_files_are_readable() {
    require_root!("setpriv");
    let host = Host::new();
    let ct = host.busybox(&[]);
    let dir = host.scratch();
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o755)).unwrap();
    for program in [bins::pct(), bins::helper()] {
        fs::copy(&program, dir.join(program.file_name().unwrap())).unwrap();
    }
    let pct = dir.join("pct");
    let nobody =
        ["--reuid=65534", "--regid=65534", "--clear-groups", pct.to_str().unwrap(), "lxc-config", &ct.id];
    let out = Run::new("/usr/bin/setpriv").args(nobody).env("PCT_ROOT", host.root()).dir("/").ok().quiet();
    let as_root = Run::new(&pct).args(["lxc-config", &ct.id]).env("PCT_ROOT", host.root()).ok();
    assert_eq!(out.out(), as_root.out());
    assert!(out.out().starts_with("lxc.cgroup.relative = 0\n"), "{}", out.out());
    fs::remove_file(dir.join("pct-helper")).unwrap();
    Run::new(&pct)
        .args(["lxc-config", &ct.id])
        .env("PCT_ROOT", host.root())
        .output()
        .fails()
        .says("pct-helper");
}

#[test]
fn what_is_not_there_is_told_and_not_made() {
    require_root!();
    let host = Host::new();
    let ct = host.busybox(&["--unprivileged", "0"]);
    let profile = host.scratch().join("profile");
    let with_profile = ["--seccomp-out", profile.to_str().unwrap()];
    ct.pct("lxc-config", &with_profile).ok().says("has no seccomp profile of its own");
    assert!(!profile.exists());
    ct.append_conf("template: 1");
    let out = ct.pct("lxc-config", &[]).ok().says("is a template");
    assert_eq!(out.out(), "");
    let missing = host.ct();
    missing.pct("lxc-config", &[]).output().status(2).says("does not exist");
    let big = host.scratch().join("big.conf");
    fs::write(&big, vec![b'#'; (1 << 20) + 1]).unwrap();
    let file = ["lxc-config", "--vmid", "100", "--file", big.to_str().unwrap()];
    host.pct(&file).output().fails().says("larger than 1 MiB");
    fs::write(&big, vec![b'#'; 1 << 20]).unwrap();
    host.pct(&file).output().fails().says("missing 'arch'");
}

#[test]
fn old_words_of_a_config_work_in_this_liblxc() {
    require_root!();
    let host = Host::new();
    let ct = host.busybox(&[]);
    for line in [
        "lxc.utsname: by-its-old-name",
        "lxc.limit.nofile: 512",
        "lxc.devtty.dir: lxc",
        "lxc.kmsg: 0",
        "lxc.pts: 64",
        "lxc.aa_profile: unconfined",
        "lxc.environment.hooks: HOOKS=1",
        "lxc.environment.runtime: RUNTIME=\"1\"",
    ] {
        ct.append_conf(line);
    }
    let before = fs::read(ct.conf()).unwrap();
    ct.start();
    // The guest takes its name from its own file afterwards.
    let told = fs::read_to_string(host.lxcpath().join(&ct.id).join("config")).unwrap();
    assert!(
        told.contains("\nlxc.uts.name = by-its-old-name\nlxc.prlimit.nofile = 512\nlxc.tty.dir = lxc\n"),
        "{told}"
    );
    assert_eq!(ct.sh("tr '\\0' '\\n' </proc/1/environ | grep ^RUNTIME"), "RUNTIME=\"1\"\n");
    assert_eq!(ct.sh("awk '/open files/ {print $4}' /proc/1/limits"), "512\n");
    assert_eq!(fs::read(ct.conf()).unwrap(), before);
    ct.stop();
    ct.append_conf("lxc.network.type: veth");
    ct.pct("start", &[]).output().fails().says("write 'lxc.net.INDEX.type' instead");
}
