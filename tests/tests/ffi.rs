//! The C interface from C and C++: what a program of a stranger sees.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use pct_tests::archive::Compression;
use pct_tests::c::{Installed, Library, library, source, tool};
use pct_tests::generated::repository;
use pct_tests::pty::Pty;
use pct_tests::root::have_tool;
use pct_tests::{Host, Output, Run, bins, busybox, require_root};

/// What needs no running container: the conventions, and what calls say of wrong arguments.
const WITHOUT_CONTAINERS: [&str; 2] = ["conventions.c", "arguments.c"];

/// A root with the configuration that they expect.
fn root() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("etc/pct/lxc");
    fs::create_dir_all(&folder).unwrap();
    let rootfs = "rootfs: local:9001/vm-9001-disk-0.raw,size=1G\n";
    let config = format!(
        "#na%C3%AFve\narch: amd64\nhostname: old\nmemory: 256\n{rootfs}lxc.cap.drop: sys_time\n\n\
         [pve:pending]\nhostname: new\n\n[one]\narch: amd64\nhostname: snap\n{rootfs}snaptime: 1700000000\n"
    );
    fs::write(folder.join("9001.conf"), config).unwrap();
    root
}

fn says_ok(output: Output) {
    assert_eq!(output.ok().quiet().out(), "ok\n");
}

/// The same program in each language: it compiles without a warning, links and runs.
#[test]
fn the_header_is_c_and_cpp_of_every_age() {
    let installed = Installed::new(Library::Shared);
    let says_ok_in = |compiler: &str, options: &[&str]| {
        let program = installed.compile(compiler, options, &source("dialects.c"), &["--libs"]);
        says_ok(installed.run(&program).output());
    };
    for standard in ["-std=c89", "-std=c99", "-std=c11", "-std=c17"] {
        says_ok_in("gcc", &[standard]);
        // C of 1989 has no bool, clang's stdbool.h has it all the same, and clang minds that there.
        let bool = if standard == "-std=c89" { "-Wno-c99-extensions" } else { "-Wall" };
        says_ok_in("clang", &[standard, bool]);
    }
    for standard in ["-std=c++11", "-std=c++17", "-std=c++20"] {
        says_ok_in("g++", &["-x", "c++", standard]);
        says_ok_in("clang++", &["-x", "c++", standard]);
    }
}

#[test]
fn a_c_program_finds_the_conventions_in_the_shared_library() {
    let (installed, root) = (Installed::new(Library::Shared), root());
    for name in WITHOUT_CONTAINERS {
        let program = installed.program(name, &["--libs"]);
        says_ok(installed.run(&program).args([root.path(), &bins::helper()]).output());
    }
}

#[test]
fn a_c_program_finds_the_conventions_in_the_static_library() {
    let (installed, root) = (Installed::new(Library::Static), root());
    for name in WITHOUT_CONTAINERS {
        let program = installed.program(name, &["--libs", "--static"]);
        says_ok(Run::new(&program).args([root.path(), &bins::helper()]).output());
    }
}

/// The library is an ordinary one, but the heap of both is that of the sanitizer.
#[test]
fn no_call_leaks_or_is_undefined_under_sanitizers() {
    let (installed, root) = (Installed::new(Library::Shared), root());
    let sanitized = |name: &str| {
        let flags =
            ["-std=c11", "-D_GNU_SOURCE", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"];
        installed.compile("gcc", &flags, &source(name), &["--libs"])
    };
    let faults = sanitized("faults.c");
    installed.run(&faults).args(["none"]).ok().quiet();
    installed.run(&faults).args(["leak"]).output().fails().says("LeakSanitizer: detected memory leaks");
    installed.run(&faults).args(["use"]).output().fails().says("heap-use-after-free");
    for name in WITHOUT_CONTAINERS {
        let program = sanitized(name);
        says_ok(installed.run(&program).args([root.path(), &bins::helper()]).output());
    }
}

#[test]
fn a_context_has_a_log() {
    let (installed, root) = (Installed::new(Library::Shared), root());
    let program = installed.program("log.c", &["--libs"]);
    let config = root.path().join("etc/pct/lxc/9001.conf");
    fs::write(config, "arch: amd64\nrootfs: local:9001/vm-9001-disk-0.raw,size=1G\nmistyped: 1\n").unwrap();
    let volumes = root.path().join("var/lib/pct/storage/images/9001");
    fs::create_dir_all(&volumes).unwrap();
    fs::File::create(volumes.join("vm-9001-disk-0.raw")).unwrap().set_len(1 << 30).unwrap();
    fs::write(volumes.join("vm-9001-disk-7.raw"), "").unwrap();
    says_ok(installed.run(&program).args([root.path(), &bins::helper()]).output());
}

/// A leak or an invalid access in the program that follows is a failure.
fn valgrind(installed: &Installed) -> Run {
    let options =
        ["-q", "--error-exitcode=99", "--leak-check=full", "--errors-for-leak-kinds=definite,indirect"];
    installed.run(&tool("valgrind")).args(options)
}

#[test]
fn no_call_leaks_or_reads_what_it_may_not() {
    if !have_tool("valgrind") {
        return;
    }
    let (installed, root) = (Installed::new(Library::Shared), root());
    for name in WITHOUT_CONTAINERS {
        let program = installed.program(name, &["--libs"]);
        says_ok(valgrind(&installed).args([&program, root.path(), &bins::helper()]).output());
    }
}

/// What a library gives to programs, as `nm` shows it: `name@@VERSION`.
fn exported(library: &Path) -> BTreeSet<String> {
    let symbols = Run::new(tool("nm")).args(["-D", "--defined-only"]).args([library]).ok().out();
    symbols.lines().filter_map(|line| line.split(' ').nth(2)).map(str::to_owned).collect()
}

/// The names and versions of `include/libpct.symbols`.
fn committed() -> Vec<(String, String)> {
    let list = fs::read_to_string(repository().join("include/libpct.symbols")).unwrap();
    let pair = |line: &str| line.split_once(' ').map(|(name, version)| (name.to_owned(), version.to_owned()));
    list.lines().map(|line| pair(line).unwrap_or_else(|| panic!("no version: {line}"))).collect()
}

#[test]
fn the_shared_library_exports_the_listed_symbols_and_nothing_else() {
    let versioned =
        committed().into_iter().flat_map(|(name, version)| [format!("{name}@@{version}"), version]);
    assert_eq!(
        exported(&bins::shared_library()),
        versioned.collect(),
        "a symbol that is gone, or has another version, breaks programs"
    );
}

#[test]
fn the_library_that_cargo_links_has_the_same_symbols_without_versions() {
    let names = committed().into_iter().map(|(name, _)| name);
    assert_eq!(exported(&library("libpct.so")), names.collect());
}

#[test]
fn a_program_says_which_versions_it_needs() {
    let installed = Installed::new(Library::Shared);
    let program = installed.program("conventions.c", &["--libs"]);
    let versions = Run::new(tool("readelf")).args(["-V"]).args([program]).ok().out();
    let needed = versions.split("File: ").find(|file| file.starts_with("libpct.so.0 ")).unwrap_or_default();
    assert!(needed.contains("Name: PCT_0.1 "), "{versions}");
}

#[test]
fn a_later_release_builds_upon_the_versions_of_the_earlier() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    for (folder, file) in
        [("include", "pct.pc.in"), ("packaging", "shared-library.sh"), ("libpct", "build.rs")]
    {
        fs::create_dir(at(folder)).unwrap();
        fs::copy(repository().join(folder).join(file), at(folder).join(file)).unwrap();
    }
    let symbols = "first PCT_0.2\nthird PCT_0.10\nsecond PCT_0.2\n";
    fs::write(at("include/libpct.symbols"), symbols).unwrap();
    let source = "void first(void) {} void second(void) {} void third(void) {} void local(void) {}\n";
    fs::write(at("a.c"), source).unwrap();
    Run::new(tool("gcc")).args(["-fPIC", "-c", "a.c"]).dir(dir.path()).ok();
    Run::new(tool("ar")).args(["rc", "a.a", "a.o"]).dir(dir.path()).ok();
    let link = ["packaging/shared-library.sh", "a.a", "a.so"];
    Run::new(tool("sh")).args(link).dir(dir.path()).ok().quiet();
    let want = ["PCT_0.10", "PCT_0.2", "first@@PCT_0.2", "third@@PCT_0.10", "second@@PCT_0.2"];
    assert_eq!(exported(&at("a.so")), want.map(str::to_owned).into());
    let versions = Run::new(tool("readelf")).args(["-V"]).args([at("a.so")]).ok().out();
    assert!(versions.contains("Parent 1: PCT_0.2"), "{versions}");
}

#[test]
fn the_shared_library_has_a_soname_and_does_not_load_liblxc() {
    for library in [library("libpct.so"), bins::shared_library()] {
        let dynamic = Run::new(tool("readelf")).args(["-d"]).args([library]).ok().out();
        assert!(dynamic.contains("Library soname: [libpct.so.0]"), "{dynamic}");
        let needed: Vec<&str> = dynamic.lines().filter(|line| line.contains("(NEEDED)")).collect();
        // Each library costs every program that starts: liblxc is for the helper.
        assert!(!needed.is_empty() && !needed.iter().any(|line| line.contains("liblxc")), "{needed:#?}");
    }
}

#[test]
fn a_c_program_runs_commands_inside() {
    require_root!();
    let installed = Installed::new(Library::Shared);
    let program = installed.program("exec.c", &["--libs"]);
    let host = Host::new();
    let ct = host.running(&[]);
    ct.wait_booted();
    let (root, helper) = (host.root().to_str().unwrap(), bins::helper());
    let helper = helper.to_str().unwrap();
    let run = installed.run(&program).args([root, helper, &ct.id]);
    let output = run.output().ok();
    assert_eq!(output.out(), "ok\n", "{}", output.both());

    let library = installed.library_dir();
    let env = [("LD_LIBRARY_PATH", library.to_str().unwrap())];
    let args = [root, helper, &ct.id, "console"];
    let mut pty = Pty::spawn(&program, &args, &env);
    pty.type_("\n");
    pty.expect("login:");
    pty.type_("\x02q");
    assert_eq!(pty.finish(), 0);
    assert!(pty.is_restored());
}

#[test]
fn a_c_program_looks_after_a_container() {
    require_root!();
    let installed = Installed::new(Library::Shared);
    let program = installed.program("running.c", &["--libs"]);
    let host = Host::new();
    let ct = host.busybox(&[]);
    ct.start().ok();
    let free = host.ct();
    let run = installed.run(&program).args([host.root(), &bins::helper()]).args([&ct.id, &free.id]);
    let output = run.output().ok();
    assert_eq!(output.out(), "ok\n", "{}", output.both());
}

#[test]
fn a_c_program_keeps_what_commands_say_and_leases_terminals() {
    require_root!();
    let installed = Installed::new(Library::Shared);
    let program = installed.program("output.c", &["--libs"]);
    let host = Host::new();
    let ct = host.busybox(&[]);
    ct.start().ok();
    let output = installed.run(&program).args([host.root(), &bins::helper()]).args([&ct.id]).output().ok();
    assert_eq!(output.out(), "ok\n", "{}", output.both());
}

#[test]
fn a_c_program_follows_a_container_and_cancels() {
    require_root!();
    let installed = Installed::new(Library::Shared);
    let program = installed.program("events.c", &["--libs"]);
    let host = Host::new();
    let ct = host.ct();
    let template = busybox::template(Compression::Zstd);
    let run = installed.run(&program).args([host.root(), &bins::helper(), &template]).args([&ct.id]);
    let output = run.output().ok();
    assert_eq!(output.out(), "ok\n", "{}", output.both());
    assert!(!ct.conf().exists() && !ct.subvol().exists());
}

#[test]
fn a_c_program_works_on_storages() {
    require_root!();
    let installed = Installed::new(Library::Shared);
    let program = installed.program("storage.c", &["--libs"]);
    let host = Host::new();
    let btrfs = host.disk("fast", "btrfs", 256 << 20);
    let (ct, clone) = (host.ct(), host.ct());
    let template = busybox::template(Compression::Zstd);
    let run = installed.run(&program).args([host.root(), &bins::helper(), &template, &btrfs]);
    let output = run.args([&ct.id, &clone.id]).output().ok();
    assert_eq!(output.out(), "ok\n", "{}", output.both());
    assert!(!ct.conf().exists() && !clone.conf().exists());
}
