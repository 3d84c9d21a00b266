//! The floors of the house: which room may use which, how large a file may
//! grow, and where `unsafe` may stand. Read from the `use` lines, so that a
//! breach is found whatever the compiler thinks of it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::{Path, PathBuf};

/// The rooms of libpct from the ground up. A room uses rooms of lower floors
/// only; what it may use on its own floor is said by [`own_floor`].
const FLOORS: [&[&str]; 7] = [
    // `home` is a set of paths and `progress` a trait: words, like `config`.
    &["config", "facts", "rootfs", "sys", "exec", "lxc", "home", "progress"],
    &["store", "guest", "image", "storage", "net", "cgroup", "mount", "copy", "translate", "changes"],
    // The errors of all rooms, joined.
    &["error"],
    &["ops"],
    // Results of operations for programs.
    &["json"],
    // The front door; of its longest page some stand in a file of their own.
    &["lib"],
    &["ffi", "bin"],
];

/// The longest a source file may be.
const LINES: usize = 600;

/// Folders in which `unsafe` may stand, and the programs that call as one of C does.
const UNSAFE: [&str; 6] = [
    "lxc-sys/",
    "libpct/src/lxc/",
    "libpct/src/ffi/",
    "libpct/src/sys/",
    "fuzz/fuzz_targets/c_interface.rs",
    "tests/benches/abi.rs",
];

fn floor(room: &str) -> Option<usize> {
    FLOORS.iter().position(|rooms| rooms.contains(&room))
}

/// What a room may use beside the floors below it.
fn own_floor(room: &str, used: &str) -> bool {
    match floor(room) {
        // The ground floor shares values and system calls. `lxc` could be a
        // crate of its own, so it takes nothing but the calls.
        Some(0) if room == "lxc" => used == "sys",
        Some(0) if room == "home" => used == "config" || used == "facts",
        Some(0) => ["config", "sys", "home"].contains(&used),
        // The machine's rooms do not know each other.
        Some(1) => false,
        // Operations are made of operations, the door of what it says.
        _ => true,
    }
}

/// Whether `room` may use `used`; `config` and `sys` are used by no room above
/// that has less to itself: `translate` and `changes` are pure.
fn allowed(room: &str, used: &str) -> bool {
    if room == used {
        return true;
    }
    if room == "translate" || room == "changes" {
        return used == "config" || used == "facts";
    }
    match (floor(room), floor(used)) {
        (Some(own), Some(other)) if own == other => own_floor(room, used),
        (Some(own), Some(other)) => other < own,
        _ => false,
    }
}

/// The rooms that a source text uses: each `crate::room` in it, also in nested
/// braces, outside of comments.
fn uses(text: &str) -> Vec<String> {
    let code: String =
        text.lines().map(|l| l.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n");
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        // `pct_crate::`, `$crate::` and the like are something else.
        if code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '$') {
            continue;
        }
        let rest = &code[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            None => found.push(word(rest)),
            Some(list) => {
                let mut depth = 0;
                let mut start = true;
                for (i, c) in list.char_indices() {
                    match c {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => start = true,
                        c if start && !c.is_whitespace() => {
                            found.push(word(&list[i..]));
                            start = false;
                        }
                        _ => {}
                    }
                }
            }
        }
    }
    // `crate::Error` and `crate::Vmid` are items of the front door.
    for name in &mut found {
        if name.starts_with(|c: char| c.is_uppercase()) {
            *name = "lib".to_owned();
        }
    }
    found.retain(|name| !name.is_empty());
    found
}

fn word(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// The room of a file of libpct: the first folder below `src`, or the file.
fn room_of(path: &Path) -> String {
    let first = path.iter().next().unwrap().to_string_lossy().into_owned();
    first.strip_suffix(".rs").unwrap_or(&first).to_owned()
}

fn breaches(room: &str, text: &str) -> Vec<String> {
    uses(text)
        .into_iter()
        .filter(|used| !allowed(room, used))
        .map(|used| format!("{room} uses {used}"))
        .collect()
}

/// Whether a line of code has the keyword, and not as a part of `unsafe_code`.
fn has_unsafe(text: &str) -> bool {
    text.lines().map(|l| l.split("//").next().unwrap_or_default()).any(|line| {
        let quoted = line.split('"').step_by(2).collect::<Vec<_>>().join(" ");
        quoted.split(|c: char| !c.is_alphanumeric() && c != '_').any(|w| w == "unsafe")
    })
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Every Rust source file of the packages, relative to the repository.
fn sources() -> Vec<PathBuf> {
    fn walk(dir: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() && path.file_name().is_some_and(|n| n != "target") {
                walk(&path, found);
            } else if path.extension().is_some_and(|e| e == "rs") {
                found.push(path);
            }
        }
    }
    let top = repository();
    let mut found = Vec::new();
    for package in ["lxc-sys", "libpct", "pct-cli", "tests", "examples", "fuzz"] {
        walk(&top.join(package), &mut found);
    }
    let mut found: Vec<_> = found.iter().map(|p| p.strip_prefix(&top).unwrap().to_owned()).collect();
    found.sort();
    assert!(found.len() > 10, "{found:?}");
    found
}

fn read(path: &Path) -> String {
    fs::read_to_string(repository().join(path)).unwrap()
}

#[test]
fn every_room_uses_only_rooms_below_it() {
    let mut found = Vec::new();
    for path in sources() {
        let Ok(inside) = path.strip_prefix("libpct/src") else { continue };
        let room = room_of(inside);
        if floor(&room).is_none() {
            found.push(format!(
                "{}: a room without a floor: give `{room}` one in {}",
                path.display(),
                file!()
            ));
        }
        found.extend(breaches(&room, &read(&path)).into_iter().map(|b| format!("{}: {b}", path.display())));
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn no_source_file_is_too_long() {
    let generated =
        |path: &Path| path.starts_with("lxc-sys/src") && path.file_name().is_some_and(|n| n == "bindings.rs");
    let long: Vec<String> = sources()
        .iter()
        .filter(|path| !generated(path))
        .map(|path| (path, read(path).lines().count()))
        .filter(|(_, lines)| *lines > LINES)
        .map(|(path, lines)| format!("{}: {lines} lines, at most {LINES}", path.display()))
        .collect();
    assert!(long.is_empty(), "{long:#?}");
}

#[test]
fn unsafe_code_stands_only_where_it_may() {
    let elsewhere: Vec<PathBuf> = sources()
        .into_iter()
        .filter(|path| !UNSAFE.iter().any(|allowed| path.starts_with(allowed)))
        .filter(|path| has_unsafe(&read(path)))
        .collect();
    assert!(elsewhere.is_empty(), "{elsewhere:#?}");
}

#[test]
fn the_doors_hold_no_logic_of_liblxc() {
    // Beside the folders of `unsafe`, only the room `lxc` may name the bindings.
    let named: Vec<PathBuf> = sources()
        .into_iter()
        .filter(|p| {
            p.starts_with("libpct/src") && !p.starts_with("libpct/src/lxc") || p.starts_with("pct-cli")
        })
        .filter(|p| read(p).lines().any(|l| !l.trim_start().starts_with("//") && l.contains("lxc_sys::")))
        .collect();
    assert!(named.is_empty(), "{named:#?}");
}

// The checker itself, on made-up sources.

#[test]
fn a_breach_is_found() {
    assert_eq!(breaches("storage", "use crate::net::Bridge;\n"), ["storage uses net"]);
    assert_eq!(breaches("config", "use crate::ops::start;\n"), ["config uses ops"]);
    assert_eq!(breaches("translate", "use crate::{config::Config, sys};\n"), ["translate uses sys"]);
    assert_eq!(breaches("lxc", "use crate::config::Vmid;\n"), ["lxc uses config"]);
    assert_eq!(breaches("exec", "fn f() -> crate::lxc::State { x }\n"), ["exec uses lxc"]);
    assert_eq!(breaches("net", "use crate::Error;\n"), ["net uses lib"]);
    assert_eq!(breaches("guest", "use crate::unknown::X;\n"), ["guest uses unknown"]);
}

#[test]
fn what_is_allowed_is_no_breach() {
    let none: [String; 0] = [];
    assert_eq!(
        breaches("storage", "use crate::{config::{Vmid, size::Size}, exec, sys::mount as m};\n"),
        none
    );
    assert_eq!(breaches("rootfs", "use crate::config::Vmid;\n// use crate::ops::x;\n"), none);
    assert_eq!(breaches("ops", "use crate::ops::undo::Undo;\nuse crate::translate;\n"), none);
    assert_eq!(breaches("ffi", "use crate::Context;\nuse crate::lxc::Container;\n"), none);
    assert_eq!(
        breaches("config", "use crate::config::Vmid;\npub(crate) fn f() {}\nuse pct_crate::x;\n"),
        none
    );
}

#[test]
fn all_names_of_a_nested_list_are_seen() {
    assert_eq!(uses("use crate::{\n    a::{b, c::{d}},\n    e,\n    f::g as h,\n};\n"), ["a", "e", "f"]);
}

#[test]
fn unsafe_is_seen_as_a_word_of_code_only() {
    assert!(has_unsafe("    let x = unsafe { y() };\n"));
    assert!(has_unsafe("pub unsafe extern \"C\" fn f() {}\n"));
    assert!(!has_unsafe("#![allow(unsafe_code)] // unsafe\nlet x = \"unsafe\";\n"));
}
