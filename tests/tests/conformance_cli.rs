//! The conformance cases through the program itself: what is printed, byte by byte, and whether it fails.

#![cfg(test)]

use std::fs;

use pct::config::text;
use pct_tests::{
    Run, bins,
    cases::{Case, comparable, expect, findings, for_all, root, same, same_fields},
};

/// Runs a verb on every case, in a home of its own, and compares with the file of the expected output; stderr has
/// what a load has to say.
fn verb(step: &str, words: &[&str], file: &str) {
    for_all(step, |case| {
        let home = case.home();
        let output = Run::new(bins::pct()).args(words).env("PCT_ROOT", home.path()).env("TZ", "UTC").output();
        same(&output.stdout, &case.file(file).unwrap_or_default())?;
        let (err, stderr) = (output.err(), case.text("translate.stderr"));
        if findings(&err) != findings(&stderr) && !case.differs("strict") {
            return Err(format!("ours {:?}, theirs {:?}", findings(&err), findings(&stderr)));
        }
        expect(case.fails(step), if output.status == 0 { Ok(()) } else { Err(output.fails().err()) })
    });
}

#[test]
fn config() {
    verb("pctconfig", &["config", "100"], "pctconfig.out");
}

#[test]
fn config_current() {
    verb("pctconfig_current", &["config", "100", "--current"], "pctconfig-current.out");
}

#[test]
fn pending() {
    verb("pctpending", &["pending", "100"], "pctpending.out");
}

#[test]
fn list() {
    verb("pctlist", &["list"], "pctlist.out");
}

#[test]
fn listsnapshot() {
    verb("pctlistsnapshot", &["listsnapshot", "100"], "pctlistsnapshot.out");
}

#[test]
fn lxc_config() {
    let folder = tempfile::tempdir().unwrap();
    let profile = folder.path().join("rules.seccomp");
    for_all("translate", |case| {
        let _ = fs::remove_file(&profile);
        let (input, host) = (case.folder.join("input.conf"), root().join("host.json"));
        let words = ["lxc-config", "--vmid", "100", "--file", input.to_str().unwrap(), "--host"];
        let more = [host.to_str().unwrap(), "--seccomp-out", profile.to_str().unwrap()];
        let out = Run::new(bins::pct()).args(words).args(more).output();
        if out.status != 0 || case.fails("translate") {
            assert!(out.stdout.is_empty(), "{}", case.name);
            return if (out.status != 0) == case.fails("translate") { Ok(()) } else { Err(out.both()) };
        }
        let generated = !case.config().main().has_raw("lxc.cgroup2.cpuset.cpus");
        let theirs = case.file("translate.conf").unwrap_or_default();
        let theirs = comparable(&text::from_bytes(&theirs), generated);
        let ours = comparable(&text::from_bytes(&out.stdout), generated);
        same(&text::to_bytes(&ours), &text::to_bytes(&theirs))?;
        match (case.file("rules.seccomp"), fs::read(&profile)) {
            (Some(theirs), Ok(ours)) => same(&ours, &theirs).map_err(|why| format!("seccomp {why}"))?,
            (None, Err(_)) => {}
            (theirs, _) => return Err(format!("a profile is due: {}", theirs.is_some())),
        }
        let (err, stderr) = (out.err(), case.text("translate.stderr"));
        let (ours, theirs) = (findings(&err), findings(&stderr));
        if ours == theirs { Ok(()) } else { Err(format!("ours {ours:?}, theirs {theirs:?}")) }
    });
}

/// What `lint` prints of a case; only `--strict` lets it fail.
fn lint(case: &Case, words: &[&str]) -> Vec<u8> {
    let input = case.folder.join("input.conf");
    let out =
        Run::new(bins::pct()).args(["lint", input.to_str().unwrap(), "--vmid", "100"]).args(words).output();
    assert_eq!(out.status, 0, "{}: {}", case.name, out.both());
    out.stdout
}

#[test]
fn lint_canonical() {
    for_all("roundtrip", |case| {
        same(&lint(case, &["--canonical"]), &case.file("roundtrip.conf").unwrap_or_default())
    });
}

#[test]
fn lint_json() {
    for_all("parse", |case| {
        let ours = serde_json::from_slice(&lint(case, &["--json"])).unwrap();
        same_fields(&ours, &serde_json::from_str(&case.text("parse.json")).unwrap())
    });
    let host = root().join("host.json");
    for_all("props", |case| {
        let words = ["--json", "--props", "--host", host.to_str().unwrap()];
        let ours = serde_json::from_slice(&lint(case, &words)).unwrap();
        same_fields(&ours, &serde_json::from_str(&case.text("props.json")).unwrap())
    });
}

/// The strict load ends at the first error, which is among the findings.
#[test]
fn lint_strict() {
    for_all("strict", |case| {
        let input = case.folder.join("input.conf");
        let out = Run::new(bins::pct())
            .args(["lint", "--strict", "--vmid", "100", input.to_str().unwrap()])
            .output();
        let stderr = case.text("strict.stderr");
        for theirs in findings(&stderr).iter().map(|line| text::from_bytes(line.as_bytes()).into_owned()) {
            if !theirs.contains('\u{FFFD}')
                && !theirs.contains(|c: char| c.is_control())
                && !out.out().contains(&theirs)
            {
                return Err(format!("not found: {theirs}\n{}", out.out()));
            }
        }
        match (out.status, case.fails("strict")) {
            (1, true) | (0, false) => Ok(()),
            (status, _) => Err(format!("exit status {status}")),
        }
    });
}
