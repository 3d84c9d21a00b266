//! The hook script: which phases are run when, and what its failures do.

use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf};

use pct_tests::{Ct, Host, require_root, wait};

/// Where the script of [`hook`] writes its arguments, a line a phase.
fn record(ct: &Ct<'_>) -> PathBuf {
    ct.host().scratch().join(format!("phases-{}", ct.id))
}

/// Gives the container a script that runs `body` with the phase in `$2`, and then writes it down.
fn hook(ct: &Ct<'_>, body: &str) {
    let dir = ct.host().storage().join("snippets");
    fs::create_dir_all(&dir).unwrap();
    let path = dir.join(format!("hook-{}.sh", ct.id));
    let text = format!("#!/bin/sh\n{body}\necho \"$*\" >> {}\n", record(ct).display());
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    ct.pct("set", &["--hookscript", &format!("local:snippets/hook-{}.sh", ct.id)]).ok();
}

/// The phases so far; the record begins anew.
fn phases(ct: &Ct<'_>) -> Vec<String> {
    let text = fs::read_to_string(record(ct)).unwrap_or_default();
    drop(fs::remove_file(record(ct)));
    let phase = |line: &str| line.strip_prefix(&format!("{} ", ct.id)).expect("the number first").to_owned();
    text.lines().map(phase).collect()
}

#[test]
fn a_start_and_each_kind_of_stop_run_all_phases_before_they_return() {
    require_root!();
    let host = Host::new();
    let ct = host.busybox(&[]);
    hook(&ct, "[ $2 != post-stop ] || sleep 1");
    ct.start();
    assert_eq!(phases(&ct), ["pre-start", "post-start"]);
    ct.stop();
    assert_eq!(phases(&ct), ["pre-stop", "post-stop"]);

    ct.start();
    ct.wait_booted();
    assert_eq!(phases(&ct), ["pre-start", "post-start"]);
    // The guest needs 2 s, the script has the rest of the time and more.
    ct.pct("shutdown", &["--timeout", "3"]).ok();
    assert_eq!(phases(&ct), ["pre-stop", "post-stop"]);

    ct.start();
    ct.wait_booted();
    phases(&ct);
    ct.pct("reboot", &[]).ok();
    assert_eq!(phases(&ct), ["pre-stop", "post-stop", "pre-start", "post-start"]);
    ct.pct("destroy", &["--force"]).ok();
    assert_eq!(phases(&ct), ["pre-stop", "post-stop"]);
}

#[test]
fn a_guest_that_halts_by_itself_is_followed_by_post_stop_and_one_that_reboots_by_no_phase() {
    require_root!();
    let host = Host::new();
    let ct = host.busybox(&[]);
    hook(&ct, "");
    ct.start();
    ct.wait_booted();
    let first = ct.init_pid();
    ct.exec(&["reboot", "-f"]).output();
    wait::until_true("a new init is there", || {
        ct.pct("exec", &["--", "true"]).output().status == 0 && ct.init_pid() != first
    });
    assert_eq!(phases(&ct), ["pre-start", "post-start"]);
    ct.exec(&["poweroff", "-f"]).output();
    wait::until_true("post-stop has been run", || record(&ct).exists());
    assert_eq!(phases(&ct), ["post-stop"]);
}

#[test]
fn a_failing_pre_start_prevents_the_start() {
    require_root!();
    let host = Host::new();
    let ct = host.busybox(&[]);
    hook(&ct, "echo no such disk >&2; exit 3");
    let out = ct.pct("start", &[]).output().fails();
    let out = out.says(&format!("hookscript error for {} on pre-start: command '", ct.id));
    out.says("failed: exit code 3: no such disk");
    assert_eq!(ct.status(), "stopped");
    assert!(phases(&ct).is_empty());
    assert!(host.state().only(&["mount", "loop", "link", "cgroup", "process"]).found.is_empty());

    fs::remove_file(host.storage().join(format!("snippets/hook-{}.sh", ct.id))).unwrap();
    ct.pct("start", &[]).output().fails().says(&format!("hookscript error for {} on pre-start: ", ct.id));
    ct.pct("set", &["--delete", "hookscript"]).ok();
    ct.start().quiet();
}

#[test]
fn a_failure_of_a_later_phase_is_a_warning() {
    require_root!();
    let host = Host::new();
    let ct = host.busybox(&[]);
    hook(&ct, "echo in $2; [ $2 = pre-start ] || exit 1");
    let error = |phase: &str| format!("hookscript error for {} on {phase}: ", ct.id);
    let out = ct.start().out();
    assert!(out.contains("in pre-start\n") && out.contains(&error("post-start")), "{out}");
    assert_eq!(ct.status(), "running");
    let out = ct.stop().out();
    assert!(out.contains(&error("pre-stop")), "{out}");
    assert_eq!(ct.status(), "stopped");
    let log = fs::read_to_string(host.run_dir().join(format!("{}.log", ct.id))).unwrap();
    assert!(log.contains(&error("post-stop")), "{log}");
}

#[test]
fn what_pre_start_mounts_is_in_the_container_and_post_stop_unmounts_it() {
    require_root!();
    let host = Host::new();
    let ct = host.busybox(&["--unprivileged", "0"]);
    let dir = host.scratch().join("disk");
    fs::create_dir(&dir).unwrap();
    let disk = dir.display();
    hook(
        &ct,
        &format!(
            "case $2 in\npre-start) mount -t tmpfs hook {disk} && echo here > {disk}/file ;;\npost-stop) umount {disk} ;;\nesac || exit"
        ),
    );
    ct.pct("set", &["--mp0", &format!("{disk},mp=/mnt")]).ok();
    ct.start();
    assert_eq!(ct.sh("cat /mnt/file"), "here\n");
    ct.stop();
    assert_eq!(phases(&ct), ["pre-start", "post-start", "pre-stop", "post-stop"]);
    assert!(!host.state().only(&["mount"]).found.iter().any(|mount| mount.contains("disk")));
}

#[test]
fn a_start_that_fails_after_pre_start_is_followed_by_post_stop() {
    require_root!();
    let host = Host::new();
    let ct = host.busybox(&[]);
    hook(&ct, "[ $2 != post-stop ] || sleep 0.3");
    ct.append_conf("entrypoint: /no/such/init");
    ct.pct("start", &[]).output().fails().says("/no/such/init");
    assert_eq!(phases(&ct), ["pre-start", "post-stop"]);
    ct.edit_conf("entrypoint: /no/such/init", "mp0: /no/such/folder,mp=/mnt");
    ct.pct("start", &[]).output().fails().says("/no/such/folder");
    assert_eq!(phases(&ct), ["pre-start", "post-stop"]);
}
