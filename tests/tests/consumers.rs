//! The modules of `examples/` for Perl and Python: their own tests, on real containers, and what tools say of them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use pct_tests::archive::Compression;
use pct_tests::root::{have_root, have_tool, skip};
use pct_tests::{Host, Run, bins, busybox};

fn examples(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("examples").join(folder)
}

fn tool(name: &str) -> Run {
    Run::new(bins::tool(name).unwrap_or_else(|| panic!("{name} is not installed")))
}

/// A folder that has the library by the name it is loaded by.
fn library() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let built = bins::profile_dir().join("libpct.so");
    assert!(built.is_file(), "{} is missing: cargo build --workspace", built.display());
    std::os::unix::fs::symlink(built, dir.path().join("libpct.so.0")).unwrap();
    dir
}

fn have_platypus() -> bool {
    have_tool("prove")
        && (tool("perl").args(["-MFFI::Platypus 2.00", "-e1"]).output().status == 0
            || skip("needs FFI::Platypus (libffi-platypus-perl)"))
}

/// `prove` in the folder of Perl; the tests die of a warning.
fn prove() -> Run {
    tool("prove").dir(examples("perl")).args(["--lib", "--verbose"])
}

/// `pytest` in the folder of Python, which it leaves as it is.
fn pytest() -> Run {
    let run = tool("python3").dir(examples("python")).env("PYTHONDONTWRITEBYTECODE", "1");
    run.args(["-W", "error", "-m", "pytest", "-p", "no:cacheprovider", "-rs", "--verbose"])
}

/// Everything was run, and passed; also on a busy host.
#[track_caller]
fn passes(run: Run) {
    let output = run.limit(Duration::from_secs(180)).output().ok();
    assert!(!output.out().to_lowercase().contains("skipped"), "{}", output.both());
}

/// Runs the files of tests that need no container.
fn without_containers<S: AsRef<OsStr>>(run: Run, files: impl IntoIterator<Item = S>) {
    let (library, root) = (library(), tempfile::tempdir().unwrap());
    let run = run.args(files).env("LD_LIBRARY_PATH", library.path());
    passes(run.env("PCT_TEST_ROOT", root.path()).env("PCT_TEST_HELPER", bins::helper()));
}

/// Runs the others on a host of their own, and sees that nothing is left.
fn on_containers<S: AsRef<OsStr>>(run: Run, files: impl IntoIterator<Item = S>) {
    let (library, host) = (library(), Host::new());
    let (ct, clone, btrfs) = (host.ct(), host.ct(), host.disk("fast", "btrfs", 256 << 20));
    let before = host.state().only(&["mount", "loop", "link", "cgroup", "process"]);
    let run = run.args(files).env("LD_LIBRARY_PATH", library.path());
    let run = run.env("PCT_TEST_ROOT", host.root()).env("PCT_TEST_HELPER", bins::helper());
    let run = run.env("PCT_TEST_VMID", &ct.id).env("PCT_TEST_CLONE", &clone.id).env("PCT_TEST_BTRFS", btrfs);
    let run = run.env("PCT_TEST_TEMPLATE", busybox::template(Compression::Zstd));
    passes(run);
    let after = host.state().only(&["mount", "loop", "link", "cgroup", "process"]);
    before.assert_same(&after, "after the tests");
    assert!(!ct.conf().exists() && !ct.subvol().exists() && !clone.conf().exists());
}

#[test]
fn perl_finds_no_fault_in_the_modules() {
    if !have_platypus() || !have_tool("podchecker") {
        return;
    }
    let library = library();
    let mut files = vec![examples("perl/nightly"), examples("perl/lib/Pct.pm")];
    let parts = fs::read_dir(examples("perl/lib/Pct")).unwrap().map(|part| part.unwrap().path());
    files.extend(parts);
    for file in files {
        let perl = tool("perl").dir(examples("perl")).args(["-Ilib".as_ref(), "-c".as_ref(), file.as_path()]);
        let said = perl.env("LD_LIBRARY_PATH", library.path()).ok().err();
        assert_eq!(said, format!("{} syntax OK\n", file.display()));
        let said = tool("podchecker").args(["-warnings".as_ref(), file.as_path()]).ok().err();
        assert_eq!(said, format!("{} pod syntax OK.\n", file.display()));
    }
}

#[test]
fn perl_uses_the_library() {
    if have_platypus() {
        without_containers(prove(), ["t/library.t", "t/header.t"]);
    }
}

#[test]
fn perl_works_on_containers() {
    if have_root() && have_platypus() {
        on_containers(prove(), ["t/container.t", "t/storage.t"]);
    }
}

#[test]
fn a_script_in_perl_updates_containers() {
    if have_root() && have_platypus() {
        on_containers(prove(), ["t/nightly.t"]);
    }
}

#[test]
fn the_types_of_python_hold() {
    if have_tool("mypy") {
        let cache = tempfile::tempdir().unwrap();
        let mypy = tool("mypy").dir(examples("python")).args(["--cache-dir".as_ref(), cache.path()]);
        mypy.limit(Duration::from_secs(120)).ok();
    }
}

#[test]
fn python_uses_the_library() {
    if have_tool("python3") && have_tool("pytest-3") {
        without_containers(pytest(), ["tests/test_library.py", "tests/test_header.py"]);
    }
}

#[test]
fn python_works_on_containers() {
    if have_root() && have_tool("python3") && have_tool("pytest-3") {
        on_containers(pytest(), ["tests/test_create.py", "tests/test_container.py", "tests/test_storage.py"]);
    }
}
