//! The examples: the same program in Rust and in C, compiled and run on a real container.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

use std::path::{Path, PathBuf};

use pct_tests::archive::Compression;
use pct_tests::{Host, Output, Run, bins, busybox, require_root};

fn built(name: &str) -> PathBuf {
    let path = bins::profile_dir().join(name);
    assert!(path.is_file(), "{} is missing: cargo build --workspace", path.display());
    path
}

/// `examples/c/lifecycle.c`, compiled into a folder that has the library by the name it is loaded by.
fn c_example(dir: &Path) -> Run {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let program = dir.join("lifecycle");
    for name in ["libpct.so", "libpct.so.0"] {
        std::os::unix::fs::symlink(bins::shared_library(), dir.join(name)).unwrap();
    }
    Run::new(bins::tool("gcc").expect("gcc is not installed"))
        .args(["-std=gnu11", "-Wall", "-Wextra", "-pedantic", "-Werror", "-O1"])
        .args(["-I".into(), repository.join("include"), repository.join("examples/c/lifecycle.c")])
        .args(["-L".as_ref(), dir, "-lpct".as_ref(), "-o".as_ref(), program.as_path()])
        .ok();
    Run::new(program).env("LD_LIBRARY_PATH", dir)
}

/// Runs an example on a host of its own; its output, with the number of the container replaced.
fn lives(example: Run) -> String {
    let host = Host::new();
    let ct = host.ct();
    let before = host.state().only(&["mount", "loop", "link", "cgroup", "process"]);
    let template = busybox::template(Compression::Zstd);
    let args = [Path::new(&ct.id), &template, host.root(), &bins::helper()];
    let output: Output = example.args(args).output().ok().quiet();
    before.assert_same(
        &host.state().only(&["mount", "loop", "link", "cgroup", "process"]),
        "after the example",
    );
    assert!(!ct.conf().exists() && !ct.subvol().exists());
    without_chance(&output.out()).replace(&ct.id, "VMID").replace(host.root().to_str().unwrap(), "ROOT")
}

/// Host keys are new each time: their fingerprints are left out.
fn without_chance(text: &str) -> String {
    let word = |word: &str| if word.starts_with("SHA256:") { "SHA256:..." } else { word }.to_owned();
    text.lines().map(|line| line.split(' ').map(word).collect::<Vec<_>>().join(" ") + "\n").collect()
}

#[test]
fn the_rust_example_and_the_c_example_do_the_same() {
    require_root!();
    let rust = lives(Run::new(built("lifecycle")));
    let expected = ["hostname: example\n", "rootfs: local:VMID/", "inside: example\n", "status: stopped\n"];
    for part in expected {
        assert!(rust.contains(part), "{part:?} is not in:\n{rust}");
    }
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(lives(c_example(dir.path())), rust);
}

#[test]
fn a_failure_of_an_example_is_told_and_leaves_nothing() {
    require_root!();
    let dir = tempfile::tempdir().unwrap();
    for example in [Run::new(built("lifecycle")), c_example(dir.path())] {
        let host = Host::new();
        let ct = host.ct();
        let args = [Path::new(&ct.id), Path::new("/nonexistent.tar.gz"), host.root(), &bins::helper()];
        example.args(args).output().status(1).says("/nonexistent.tar.gz");
        assert!(!ct.conf().exists());
    }
}
