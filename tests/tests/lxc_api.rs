//! The wrapper of liblxc is complete: each member, function and constant of the bindings is used by it, or is in the table
//! of those that are not, in the documentation of the room `lxc`; and nothing in that table is used.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Something that the headers declare.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Item {
    Function(String),
    /// A struct, and a member of it.
    Member(String, String),
    Constant(String),
}

impl Item {
    /// What the table calls it; a struct there stands for all of its members.
    fn names(&self) -> Vec<&str> {
        match self {
            Self::Function(name) | Self::Constant(name) => vec![name],
            Self::Member(owner, name) => vec![owner, name],
        }
    }

    fn is_used(&self, sources: &[String]) -> bool {
        match self {
            Self::Function(name) => {
                let calls = [format!("lxc_sys::{name}"), format!("crate::{name}")];
                sources.iter().any(|source| calls.iter().any(|call| has(source, call)))
            }
            Self::Member(owner, name) if owner == "lxc_container" => {
                let reads = [format!("method!(self, {name})"), format!(").{name})")];
                sources.iter().any(|source| reads.iter().any(|read| source.contains(read)))
            }
            Self::Member(owner, name) => {
                let uses = [format!(".{name}"), format!("{name}:"), format!("{name},")];
                let mut sources = sources.iter().filter(|source| has(source, owner));
                sources.any(|source| uses.iter().any(|word| has(source, word)))
            }
            Self::Constant(name) => sources.iter().any(|source| has(source, name)),
        }
    }
}

/// Whether the text has this, and not as a part of a longer word.
fn has(text: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    let inner = |at: usize| {
        let (before, after) = (text[..at].chars().next_back(), text[at + word.len()..].chars().next());
        word.starts_with(part) && before.is_some_and(part) || word.ends_with(part) && after.is_some_and(part)
    };
    text.match_indices(word).any(|(at, _)| !inner(at))
}

/// What the bindings declare, but for the types that bindgen names itself and the insides of opaque ones.
fn declared(bindings: &str) -> BTreeSet<Item> {
    let mut items = BTreeSet::new();
    let mut owner = None;
    for line in bindings.lines() {
        let name =
            |rest: &str| rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap().to_owned();
        let line = line.trim_start();
        if let Some(rest) = line.strip_prefix("pub struct ") {
            owner = Some(name(rest).split("__bindgen").next().unwrap().to_owned());
        } else if line == "}" {
            owner = None;
        } else if let Some(rest) = line.strip_prefix("pub fn ") {
            items.insert(Item::Function(name(rest)));
        } else if let Some(rest) = line.strip_prefix("pub const ") {
            items.insert(Item::Constant(name(rest)));
        } else if let (Some(owner), Some(rest)) = (&owner, line.strip_prefix("pub "))
            && !rest.starts_with('_')
        {
            items.insert(Item::Member(owner.clone(), name(rest)));
        }
    }
    items
}

/// The code of the wrapper without comments and tests.
fn sources() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut files = vec![root.join("lxc-sys/src/version.rs")];
    let mut folders = vec![root.join("libpct/src/lxc")];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let (more, found): (Vec<PathBuf>, Vec<PathBuf>) = entries.partition(|path| path.is_dir());
        folders.extend(more);
        files.extend(found.into_iter().filter(|path| !path.ends_with("tests.rs")));
    }
    files.iter().map(|file| code(&fs::read_to_string(file).unwrap())).collect()
}

fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    text.lines().map(|line| line.split("//").next().unwrap()).collect::<Vec<_>>().join("\n")
}

/// The first column of the table.
fn not_wrapped() -> BTreeSet<String> {
    let text = include_str!("../../libpct/src/lxc/mod.rs");
    let table = text.split_once("# What is not wrapped").unwrap().1;
    let rows = table.lines().filter_map(|line| line.strip_prefix("//! | `"));
    let row = |row: &str| {
        let (names, why) = row.split_once(" | ").unwrap();
        assert!(why.len() > 5, "a reason for {names}");
        names.split(", ").map(|name| name.trim_matches('`').to_owned()).collect::<Vec<_>>()
    };
    rows.flat_map(row).collect()
}

fn bindings() -> &'static str {
    include_str!("../../lxc-sys/src/bindings.rs")
}

#[test]
fn all_of_liblxc_is_wrapped_or_listed_with_a_reason() {
    let (items, sources, listed) = (declared(bindings()), sources(), not_wrapped());
    let is_listed = |item: &Item| item.names().into_iter().any(|name| listed.contains(name));
    let holes: Vec<_> = items.iter().filter(|item| !item.is_used(&sources) && !is_listed(item)).collect();
    assert!(holes.is_empty(), "neither wrapped nor in the table of lxc/mod.rs: {holes:?}");
    let wrong: Vec<_> = items.iter().filter(|item| item.is_used(&sources) && is_listed(item)).collect();
    assert!(wrong.is_empty(), "wrapped, but in the table of lxc/mod.rs: {wrong:?}");
    let known: BTreeSet<&str> = items.iter().flat_map(Item::names).collect();
    let stale: Vec<_> = listed.iter().filter(|name| !known.contains(name.as_str())).collect();
    assert!(stale.is_empty(), "in the table of lxc/mod.rs, but not in the header: {stale:?}");
}

#[test]
fn nothing_of_the_header_is_overlooked() {
    let items = declared(bindings());
    let of = |owner: &str| items.iter().filter(|i| matches!(i, Item::Member(o, _) if o == owner)).count();
    // As many as spec: liblxc-api, parts 1.1 to 1.4, has.
    assert_eq!(of("lxc_container"), 74);
    assert_eq!((of("lxc_attach_options_t"), of("migrate_opts"), of("lxc_log")), (15, 11, 6));
    assert_eq!(items.iter().filter(|i| matches!(i, Item::Function(_))).count(), 15);
}

/// `char` of C is signed on some architectures only: other bindings do not compile on the rest.
#[test]
fn no_pointer_to_text_is_one_of_this_architecture() {
    let mut sources = sources();
    sources.push(bindings().to_owned());
    for pointer in ["*mut i8", "*const i8", "*mut u8", "*const u8"] {
        assert!(!sources.iter().any(|source| source.contains(pointer)), "{pointer}");
    }
}

#[test]
fn a_hole_is_found() {
    let source = |text: &str| [code(text)];
    let member = Item::Member("lxc_container".into(), "stop".into());
    assert!(member.is_used(&source("let stop = method!(self, stop)?;")));
    assert!(!member.is_used(&source("let stop = 1; // method!(self, stop)")));
    assert!(!member.is_used(&source("#[cfg(test)]\nmod tests {\nmethod!(self, stop)")));
    assert!(!member.is_used(&source("method!(self, stop_all)")));
    let function = Item::Function("lxc_log_init".into());
    assert!(function.is_used(&source("unsafe { lxc_sys::lxc_log_init(x) }")));
    assert!(!function.is_used(&source("lxc_sys::lxc_log_initial(x)")));
    let option = Item::Member("lxc_log".into(), "quiet".into());
    assert!(option.is_used(&source("lxc_sys::lxc_log { quiet: true }")));
    assert!(
        !option.is_used(&source("Other { quiet: true }"))
            && !option.is_used(&source("lxc_log { quieter: 1 }"))
    );
}
