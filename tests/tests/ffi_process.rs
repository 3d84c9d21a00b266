//! The C interface inside of programs with threads, children and signals of their own.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

use std::fs;
use std::path::Path;

use pct_tests::archive::Compression;
use pct_tests::c::{Installed, Library, library, source};
use pct_tests::{Ct, Host, Output, Run, bins, busybox, require_root, wait};

fn says_ok(output: Output) {
    assert_eq!(output.ok().quiet().out(), "ok\n");
}

/// A program of `tests/ffi` with the shared library. It does the work of many tests.
fn program(installed: &Installed, name: &str) -> Run {
    installed.run(&installed.program(name, &["--libs"])).limit(4 * wait::LIMIT)
}

#[test]
fn ten_threads_drive_ten_containers_through_one_context() {
    require_root!();
    let installed = Installed::new(Library::Shared);
    let host = Host::new();
    let cts: Vec<Ct<'_>> = (0..10).map(|_| host.busybox(&["--memory", "64"])).collect();
    let run = program(&installed, "threads.c").args([host.root(), &bins::helper()]);
    says_ok(run.args(cts.iter().map(|ct| &ct.id)).output());
}

#[test]
fn a_program_with_a_life_of_its_own_keeps_it() {
    require_root!();
    let installed = Installed::new(Library::Shared);
    let host = Host::new();
    let ct = host.ct();
    let template = busybox::template(Compression::Zstd);
    let args = [host.root(), &bins::helper(), &template, Path::new(&ct.id)];
    says_ok(program(&installed, "hostprogram.c").args(args).output());
    assert!(!ct.conf().exists() && !ct.image().exists());
}

#[test]
fn a_loaded_library_reads_after_a_fork() {
    let installed = Installed::new(Library::Shared);
    let program =
        installed.compile("gcc", &["-std=c11", "-D_GNU_SOURCE"], &source("dlopen.c"), &["--cflags"]);
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("etc/pct/lxc");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("9001.conf"), "arch: amd64\nhostname: read\n").unwrap();
    says_ok(Run::new(program).args([&library("libpct.so"), root.path()]).output());
}

#[test]
fn children_that_somebody_else_waits_for_are_no_hang_and_no_false_success() {
    require_root!();
    let installed = Installed::new(Library::Shared);
    let host = Host::new();
    let ct = host.busybox(&[]);
    for how in ["ignored", "stolen"] {
        let run = program(&installed, "sigchld.c").args([host.root(), &bins::helper()]);
        says_ok(run.args([ct.id.as_str(), how]).output());
    }
}
