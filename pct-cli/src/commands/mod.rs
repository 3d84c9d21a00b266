//! The verbs, one file each: the table of its parameters, and what it does with them.

pub(crate) mod config;
pub(crate) mod console;
pub(crate) mod create;
pub(crate) mod destroy;
pub(crate) mod enter;
pub(crate) mod exec;
pub(crate) mod help;
pub(crate) mod list;
pub(crate) mod lxc_config;
pub(crate) mod reboot;
pub(crate) mod shutdown;
pub(crate) mod start;
pub(crate) mod status;
pub(crate) mod stop;
pub(crate) mod unlock;

use std::path::PathBuf;

use crate::{
    check::Args,
    door::{Attach, Builder, Error, Pct},
    exit::Exit,
    failure::Failure,
    spec::VerbSpec,
};

/// A verb: its table and its code.
#[derive(Debug)]
pub(crate) struct Verb {
    pub(crate) spec: VerbSpec,
    pub(crate) run: fn(&Args) -> Result<Exit, Failure>,
}

/// All verbs in alphabetical order.
static VERBS: [&Verb; 15] = [
    &config::VERB,
    &console::VERB,
    &create::VERB,
    &destroy::VERB,
    &enter::VERB,
    &exec::VERB,
    &help::VERB,
    &list::VERB,
    &lxc_config::VERB,
    &reboot::VERB,
    &shutdown::VERB,
    &start::VERB,
    &status::VERB,
    &stop::VERB,
    &unlock::VERB,
];

/// Every verb.
pub(crate) fn all() -> impl Iterator<Item = &'static Verb> {
    VERBS.into_iter()
}

/// Those that the usage shows.
pub(crate) fn visible() -> impl Iterator<Item = &'static Verb> {
    all()
}

/// Those that may be abbreviated.
pub(crate) fn originals() -> impl Iterator<Item = &'static Verb> {
    all().filter(|verb| !verb.spec.ours)
}

/// The variable that moves all of our folders below another root.
const ROOT: &str = "PCT_ROOT";

/// The library for verbs that only read.
fn open_to_read() -> Result<Pct, Error> {
    builder().open()
}

fn builder() -> Builder {
    match std::env::var_os(ROOT).filter(|root| !root.is_empty()) {
        Some(root) => Pct::builder().root(root),
        None => Pct::builder(),
    }
}

/// The library with the helper that stands beside this program; without one it looks in its own place.
fn open() -> Result<Pct, Error> {
    match sibling_helper() {
        Some(path) => builder().helper(path).open(),
        None => builder().open(),
    }
}

fn sibling_helper() -> Option<PathBuf> {
    let path = std::env::current_exe().ok()?.with_file_name("pct-helper");
    path.is_file().then_some(path)
}

/// Becomes the attached process; comes back only to say why not.
fn become_attached(attach: Attach) -> Result<Exit, Failure> {
    Err(attach.replace_process().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verbs_and_their_options_are_named_once() {
        let names: Vec<_> = all().map(|verb| verb.spec.name).collect();
        assert!(names.windows(2).all(|pair| pair[0] < pair[1]), "{names:?}");
        for verb in all() {
            let mut options: Vec<_> = verb.spec.params().map(|param| param.name).collect();
            let count = options.len();
            options.sort_unstable();
            options.dedup();
            assert_eq!(options.len(), count, "{}", verb.spec.name);
        }
    }

    #[test]
    fn every_option_says_what_it_is() {
        for verb in all() {
            assert!(verb.spec.about.ends_with('.'), "{}", verb.spec.name);
            for param in verb.spec.params() {
                assert!(param.about.ends_with('.'), "{} {}", verb.spec.name, param.name);
                assert!(!param.about.contains("  ") && !param.about.contains('\n'), "{}", param.name);
            }
        }
    }

    #[test]
    fn reading_needs_no_root() {
        let free: Vec<_> = all().filter(|verb| !verb.spec.needs_root).map(|verb| verb.spec.name).collect();
        assert_eq!(free, ["config", "help", "list", "lxc-config", "status"]);
    }
}
