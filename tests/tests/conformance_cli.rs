//! The conformance cases through the program itself: what is printed, byte by byte, and whether it fails.

#![cfg(test)]

use pct_tests::{
    Run, bins,
    cases::{expect, for_all, same},
};

/// Runs a verb on every case, in a home of its own, and compares with the file of the expected output.
fn verb(step: &str, words: &[&str], file: &str) {
    for_all(step, |case| {
        let home = case.home();
        let output = Run::new(bins::pct()).args(words).env("PCT_ROOT", home.path()).env("TZ", "UTC").output();
        same(&output.stdout, &case.file(file).unwrap_or_default())?;
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
