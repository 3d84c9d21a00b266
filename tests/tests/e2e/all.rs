//! startall and stopall, and their systemd unit.

use std::{fs, path::Path, time::Duration};

use pct_tests::{Ct, Host, Run, bins, require_root};

/// A container of which there is nothing but its configuration.
fn only_a_file<'a>(host: &'a Host, config: &str) -> Ct<'a> {
    let ct = host.ct();
    fs::write(ct.conf(), config).unwrap();
    ct
}

#[test]
fn all_start_in_their_order_and_stop_in_the_reverse_one_and_no_failure_hides_another() {
    require_root!();
    let host = Host::new();
    let second = host.busybox(&["--onboot", "1", "--startup", "order=2,down=1"]);
    let first = host.busybox(&["--onboot", "1", "--startup", "order=1,up=1"]);
    let by_hand = host.busybox(&[]);
    let broken = only_a_file(&host, "onboot: 1\nstartup: order=0\n");
    let template = only_a_file(&host, "onboot: 1\ntemplate: 1\n");
    let locked = only_a_file(&host, "onboot: 1\nlock: backup\n");

    let out = host.pct(&["startall"]).output().fails();
    let starts: Vec<_> = out.out().lines().map(str::to_owned).collect();
    let started = |ct: &Ct<'_>| format!("starting CT {}", ct.id);
    let skipped = |ct: &Ct<'_>, why: &str| format!("CT {} is skipped: {why}", ct.id);
    let mut unordered = [(&template, "it is a template"), (&locked, "it is locked (backup)")];
    unordered.sort_by_key(|(ct, _)| ct.vmid);
    let skips = unordered.map(|(ct, why)| skipped(ct, why));
    let expected: Vec<_> = [&broken, &first, &second].map(started).into_iter().chain(skips).collect();
    assert_eq!(starts, expected);
    assert!(out.took >= Duration::from_secs(1), "'up' was not waited for: {:?}", out.took);
    out.says(&format!("CT {0}: startup for container '{0}' failed: ", broken.id));
    assert_eq!([&first, &second, &by_hand].map(Ct::status), ["running", "running", "stopped"]);

    fs::remove_file(broken.conf()).unwrap();
    let out = host.pct(&["startall", "--force"]).ok();
    assert!(out.out().contains(&skipped(&first, "it is running already")), "{}", out.out());
    assert_eq!(by_hand.status(), "running");

    let out = host.pct(&["stopall", "--timeout", "1"]).ok();
    let stopped = |ct: &Ct<'_>| format!("stopping CT {}\n", ct.id);
    assert_eq!(out.out(), [&by_hand, &second, &first].map(stopped).concat());
    assert!(out.took < Duration::from_secs(30), "a deadline was not kept: {:?}", out.took);
    assert_eq!([&first, &second, &by_hand].map(Ct::status), ["stopped"; 3]);
    host.pct(&["stopall"]).ok().quiet();
}

#[test]
fn systemd_finds_nothing_wrong_with_the_unit() {
    // A host without systemd has no use for it, either.
    let Some(analyze) = bins::tool("systemd-analyze") else { return };
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../packaging/systemd/pct-startall.service");
    let text = fs::read_to_string(file).unwrap();
    // It looks for the program, which is not installed here, nor are the manual pages.
    let text = text.replace("/usr/sbin/pct", bins::pct().to_str().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let unit = dir.path().join("pct-startall.service");
    fs::write(&unit, text).unwrap();
    let out = Run::new(analyze).args(["--man=no".as_ref(), "verify".as_ref(), unit.as_os_str()]).ok();
    assert!(!out.both().contains("pct-startall"), "{}", out.both());
}
