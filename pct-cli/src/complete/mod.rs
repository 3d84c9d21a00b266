//! What may stand where the cursor is (spec: cli, part 2.3): read from the tables of the verbs, with the grammar that
//! reads the finished line. What only the host knows is asked for by its kind.

mod line;

use std::ffi::OsString;

pub(crate) use self::line::Line;
use crate::{
    argv::{self, Dialect, Scan},
    commands::visible,
    resolve::{self, Word},
    spec::{Candidates, Group, Param, VerbSpec},
};

/// Finds out what the host has of a kind. The words are those behind the verb that are no options: the first names a container,
/// or says what `storage` shall do.
pub(crate) type Host<'a> = &'a dyn Fn(Candidates, &[OsString]) -> Vec<String>;

/// All that may replace `current`, the word at the cursor; `words` are those behind the program's name.
pub(crate) fn candidates(words: &[OsString], current: &str, dialect: Dialect, host: Host<'_>) -> Vec<String> {
    let Some((verb, words)) = words.split_first() else { return verbs(current) };
    let Word::Verb(verb) = resolve::word(&verb.to_string_lossy()) else { return Vec::new() };
    let mut found = in_verb(&verb.spec, words, current, dialect, host);
    found.retain(|candidate| candidate.starts_with(current));
    found
}

/// The command that the word stands for, else all that begin with it.
fn verbs(typed: &str) -> Vec<String> {
    match resolve::word(typed) {
        Word::Verb(verb) => vec![verb.spec.name.to_owned()],
        _ => verb_names().filter(|name| name.starts_with(typed)).collect(),
    }
}

fn verb_names() -> impl Iterator<Item = String> {
    visible().map(|verb| verb.spec.name.to_owned())
}

fn in_verb(
    spec: &VerbSpec,
    words: &[OsString],
    current: &str,
    dialect: Dialect,
    host: Host<'_>,
) -> Vec<String> {
    let scan = argv::scan(spec, words, dialect);
    let values = |param: &Param| values(param, &scan.rest, host);
    let dashed = current.starts_with('-');
    if let Some(param) = scan.open.filter(|param| !(dashed && param.kind.value_is_optional())) {
        return values(param);
    }
    if dashed && !scan.ended {
        return match argv::inline_value(spec, current, dialect) {
            Some((param, head)) => values(param).iter().map(|value| format!("{head}{value}")).collect(),
            None => options(spec, &scan, current),
        };
    }
    match spec.positionals.get(scan.rest.len()).or(spec.many()) {
        Some(param) => values(param),
        None if spec.extra_args && spec.group == Group::Help => verb_names().collect(),
        None if spec.extra_args || scan.ended => Vec::new(),
        None => options(spec, &scan, current),
    }
}

fn values(param: &Param, words: &[OsString], host: Host<'_>) -> Vec<String> {
    let of_type = param.kind.values().iter().map(|&value| value.to_owned());
    of_type.chain(host(param.candidates, words)).collect()
}

/// The names of all options, sorted, with the dashes that were typed: two, but for `-x`.
fn options(spec: &VerbSpec, scan: &Scan, typed: &str) -> Vec<String> {
    let dashes = if typed.len() > 1 && !typed.starts_with("--") { "-" } else { "--" };
    let typed = typed.trim_start_matches('-');
    let mut names: Vec<String> = spec.options().filter_map(|param| option(param, scan, typed)).collect();
    names.push("help".to_owned());
    names.sort_unstable();
    names.iter().map(|name| format!("{dashes}{name}")).collect()
}

/// The name of an option. Of a family only one: the member that was typed, else the first that the line does not have.
fn option(param: &Param, scan: &Scan, typed: &str) -> Option<String> {
    let Some(members) = param.family else { return Some(param.name.to_owned()) };
    if param.covers(typed) {
        return Some(typed.to_owned());
    }
    let mut names = (0..members).map(|index| format!("{}{index}", param.name));
    names.find(|name| !scan.values.contains_key(name))
}

#[cfg(test)]
mod tests;
