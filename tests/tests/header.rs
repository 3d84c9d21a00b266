//! `include/pct.h` is made out of `libpct/src/ffi/`: here is how, and the test that nobody has forgotten to.
//! So is `include/libpct.symbols`, the list of the functions with the release that brought each as its symbol version, which
//! shows in a review what a change does to programs that exist.
//!
//! `PCT_UPDATE=1` (`make header`) writes both anew.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use pct_tests::generated::{repository, up_to_date};

/// The sections of the header in their order: a file uses the types of those before it.
const SECTIONS: [&str; 25] = [
    "version",
    "status",
    "error",
    "string",
    "ctx",
    "progress",
    "container",
    "all",
    "query",
    "inspect",
    "change",
    "volumes",
    "snapshots",
    "clone",
    "move_volume",
    "storages",
    "contents",
    "volume_stream",
    "config",
    "exec",
    "output",
    "tty",
    "copy",
    "guest",
    "events",
];

/// The symbol version of what comes new.
const THIS_RELEASE: &str =
    concat!("PCT_", env!("CARGO_PKG_VERSION_MAJOR"), ".", env!("CARGO_PKG_VERSION_MINOR"));

fn source(file: &str) -> PathBuf {
    repository().join("libpct/src/ffi").join(file)
}

/// The `//!` text of a file.
fn text_of(file: &Path) -> Vec<String> {
    let source = fs::read_to_string(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    let lines = source.lines().map_while(|line| line.strip_prefix("//!"));
    let lines: Vec<_> = lines.map(|line| line.strip_prefix(' ').unwrap_or(line).to_owned()).collect();
    assert!(!lines.is_empty(), "{} has no text", file.display());
    lines
}

fn comment(lines: &[String]) -> String {
    let mut text = String::from("/*\n");
    for line in lines {
        text += format!(" * {line}").trim_end();
        text.push('\n');
    }
    text + " */\n"
}

/// The declarations of one file.
fn declarations(section: &str) -> String {
    let config = cbindgen::Config::from_file(repository().join("libpct/cbindgen.toml")).unwrap();
    let bindings = cbindgen::Builder::new()
        .with_config(config)
        .with_src(source(&format!("{section}.rs")))
        .generate()
        .unwrap_or_else(|e| panic!("section {section}: {e}"));
    let mut bytes = Vec::new();
    bindings.write(&mut bytes);
    // In prototypes a type has one name everywhere, whichever section made it.
    let plain = |line: &str| {
        if line.starts_with("typedef") { line.to_owned() } else { line.replace("struct pct_", "pct_") }
    };
    String::from_utf8(bytes).unwrap().lines().map(|line| plain(line) + "\n").collect()
}

fn generated() -> String {
    let mut header =
        String::from("/* Made from libpct/src/ffi by `make header`: change that, not this. */\n\n");
    header += &comment(&text_of(&source("mod.rs")));
    header += "\n#ifndef PCT_H\n#define PCT_H\n\n";
    header += "#include <stdbool.h>\n#include <stddef.h>\n#include <stdint.h>\n\n";
    header += "#ifdef __cplusplus\nextern \"C\" {\n#endif\n";
    for section in SECTIONS {
        let mut text = text_of(&source(&format!("{section}.rs")));
        text[0] = format!("{} {}", "=".repeat(8), text[0].trim_end_matches('.'));
        let _ = write!(header, "\n{}\n{}\n", comment(&text), declarations(section).trim());
    }
    header += "\n#ifdef __cplusplus\n}\n#endif\n\n#endif\n";
    header
}

/// The names of the functions that a header declares, sorted.
fn functions(header: &str) -> BTreeSet<&str> {
    let prototypes =
        header.lines().filter(|line| line.contains('(') && !line.starts_with([' ', '#', '/', '}']));
    prototypes
        .filter_map(|line| line.split('(').next())
        .filter_map(|line| line.rsplit([' ', '*']).next())
        .collect()
}

/// A line for each function: its name and its version. One that has a version in `committed` keeps it, for programs ask
/// for it; a new one gets that of this release.
fn symbols(header: &str, committed: &str) -> String {
    let known: BTreeMap<&str, &str> = committed.lines().filter_map(|line| line.split_once(' ')).collect();
    let line = |name| format!("{name} {}\n", known.get(name).unwrap_or(&THIS_RELEASE));
    functions(header).into_iter().map(line).collect()
}

#[test]
fn the_committed_header_is_the_generated_one() {
    up_to_date("include/pct.h", &generated(), "header");
}

#[test]
fn the_committed_list_of_symbols_is_that_of_the_header() {
    let committed = fs::read_to_string(repository().join("include/libpct.symbols")).unwrap();
    up_to_date("include/libpct.symbols", &symbols(&generated(), &committed), "header");
}

#[test]
fn every_file_with_a_function_for_c_is_a_section() {
    let mut found: Vec<String> = fs::read_dir(source(""))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| fs::read_to_string(path).unwrap().contains("no_mangle"))
        .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    found.push("progress".to_owned());
    found.sort();
    let mut sections = SECTIONS.map(str::to_owned);
    sections.sort();
    assert_eq!(found, sections);
}

#[test]
fn a_function_keeps_the_version_that_it_came_with() {
    let header = "int pct_new(void);\nchar *pct_old(int i);\n";
    let committed = "pct_gone PCT_0.0\npct_old PCT_0.0\n";
    assert_eq!(symbols(header, committed), format!("pct_new {THIS_RELEASE}\npct_old PCT_0.0\n"));
}
