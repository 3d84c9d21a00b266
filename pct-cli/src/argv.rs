//! The option grammar (spec: cli, part 1.3): GNU-like permutation, one or two dashes, unique abbreviations, booleans
//! and passwords with optional values. Scripts depend on each of these, and no argument crate has them all.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    os::unix::ffi::OsStrExt as _,
    slice::Iter,
};

use crate::{
    failure::ParamErrors,
    spec::{Param, VerbSpec},
};

/// What the words say, not checked yet.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Parsed {
    /// By canonical name. Booleans are `1` or `0`, lists are joined with commas.
    pub(crate) values: BTreeMap<String, OsString>,
    /// How many positionals were given as such, not by their names.
    pub(crate) positionals: usize,
    /// The words beyond the positionals, of verbs that take them.
    pub(crate) extra: Vec<OsString>,
}

/// How the words are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// Options may stand anywhere.
    Permuting,
    /// `POSIXLY_CORRECT`: options end at the first other word, and `-name=value` is not split.
    Posix,
}

impl Dialect {
    /// What the environment asks for.
    pub(crate) fn of_environment() -> Self {
        if std::env::var_os("POSIXLY_CORRECT").is_some() { Self::Posix } else { Self::Permuting }
    }
}

/// The words after a verb, told apart.
#[derive(Default)]
pub(crate) struct Scan {
    /// By canonical name, the options that have a value.
    pub(crate) values: BTreeMap<String, OsString>,
    /// Those that are no options.
    pub(crate) rest: Vec<OsString>,
    diagnostics: Vec<String>,
    /// Whether `--help` is among the options. It is ours: it has no abbreviation, and nothing else counts beside it.
    pub(crate) help: bool,
    /// The option whose value would be the next word.
    pub(crate) open: Option<&'static Param>,
    /// Whether a further word would not be an option, however it begins.
    pub(crate) ended: bool,
}

/// Applies the grammar to the words after the verb, without looking at what they mean.
pub(crate) fn scan(spec: &VerbSpec, words: &[OsString], dialect: Dialect) -> Scan {
    let mut scan = Scan::default();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if word == "--" {
            scan.ended = true;
        } else if !looks_like_option(word) {
            scan.rest.push(word.clone());
            scan.ended = dialect == Dialect::Posix;
        } else if word == "--help" || word == "-help" {
            scan.help = true;
        } else {
            scan.option(spec, word, &mut words, dialect);
        }
        if scan.ended {
            scan.rest.extend(words.cloned());
            break;
        }
    }
    scan
}

impl Scan {
    /// Reads an option and takes its value from the words that follow where it needs one.
    fn option(&mut self, spec: &VerbSpec, word: &OsStr, words: &mut Iter<'_, OsString>, dialect: Dialect) {
        let (typed, inline) = split(word, dialect);
        let typed = typed.to_string_lossy();
        let (param, name) = match lookup(spec, &typed) {
            Lookup::Found(param, name) => (param, name),
            Lookup::Unknown => {
                self.diagnostics.push(format!("Unknown option: {typed}"));
                return;
            }
            Lookup::Ambiguous(candidates) => {
                let candidates = candidates.join(", ");
                self.diagnostics.push(format!("Option {typed} is ambiguous ({candidates})"));
                return;
            }
        };
        let optional = param.kind.value_is_optional();
        let value = match (inline, words.as_slice().first()) {
            (Some(value), _) => Some(value.to_os_string()).filter(|value| optional || !value.is_empty()),
            (None, Some(next)) if !optional || is_optional_value(param, next) => words.next().cloned(),
            (None, next) => {
                self.open = next.is_none().then_some(param);
                optional.then(OsString::new)
            }
        };
        match value {
            Some(value) => store(&mut self.values, param, name, value),
            None => self.diagnostics.push(format!("Option {name} requires an argument")),
        }
    }
}

/// An optional value is taken from the next word unless that could be an option; a lone `-` is a value. Switches of
/// ours take only what is one: nobody writes `lint --strict FILE` and means that the file is yes or no.
fn is_optional_value(param: &Param, next: &OsStr) -> bool {
    if param.ours && param.kind.is_bool() {
        boolean(next).is_some() && !next.is_empty()
    } else {
        !looks_like_option(next)
    }
}

/// Both steps at once.
#[cfg(test)]
pub(crate) fn parse(spec: &VerbSpec, words: &[OsString], dialect: Dialect) -> Result<Parsed, ParamErrors> {
    bind(spec, scan(spec, words, dialect))
}

/// Gives the words their meaning.
pub(crate) fn bind(spec: &VerbSpec, scan: Scan) -> Result<Parsed, ParamErrors> {
    if !scan.diagnostics.is_empty() {
        return Err(ParamErrors {
            diagnostics: scan.diagnostics,
            ..ParamErrors::new("unable to parse option")
        });
    }
    let mut parsed = Parsed { values: scan.values, ..Parsed::default() };
    bind_positionals(spec, scan.rest, &mut parsed)?;
    normalise_booleans(spec, &mut parsed)?;
    Ok(parsed)
}

/// A dash and at least one more character.
fn looks_like_option(word: &OsStr) -> bool {
    word.len() > 1 && word.as_bytes().starts_with(b"-")
}

/// Takes the dashes off and parts name and value.
fn split(word: &OsStr, dialect: Dialect) -> (&OsStr, Option<&OsStr>) {
    let bytes = word.as_bytes();
    let double = bytes.strip_prefix(b"--");
    let body = double.unwrap_or_else(|| bytes.get(1..).unwrap_or_default());
    let splits = double.is_some() || dialect == Dialect::Permuting;
    // A name has at least one character: in `--=x` the sign is part of it.
    match body.iter().skip(1).position(|&b| b == b'=').filter(|_| splits) {
        Some(at) => {
            let (name, value) = body.split_at(at + 1);
            (OsStr::from_bytes(name), Some(OsStr::from_bytes(value.get(1..).unwrap_or_default())))
        }
        None => (OsStr::from_bytes(body), None),
    }
}

/// The option of a word `--name=value`, and what stands before the value.
pub(crate) fn inline_value<'a>(
    spec: &VerbSpec,
    word: &'a str,
    dialect: Dialect,
) -> Option<(&'static Param, &'a str)> {
    let (typed, value) = split(OsStr::new(word), dialect);
    let head = word.get(..word.len() - value?.len())?;
    match lookup(spec, &typed.to_string_lossy()) {
        Lookup::Found(param, _) => Some((param, head)),
        _ => None,
    }
}

enum Lookup {
    Found(&'static Param, String),
    Unknown,
    Ambiguous(Vec<String>),
}

/// Finds an option by exact name, or by a prefix that only one option has; letter case does not matter.
fn lookup(spec: &VerbSpec, typed: &str) -> Lookup {
    let lower = typed.to_ascii_lowercase();
    for param in spec.params() {
        let canonical = if param.family.is_some() { lower.as_str() } else { param.name };
        if canonical.eq_ignore_ascii_case(typed) && param.covers(canonical) {
            return Lookup::Found(param, canonical.to_owned());
        }
    }
    let has_prefix =
        |name: &str| name.get(..typed.len()).is_some_and(|head| head.eq_ignore_ascii_case(typed));
    let mut hits: Vec<(String, &'static Param)> = Vec::new();
    for param in spec.params().filter(|param| !param.ours) {
        match param.family {
            None if has_prefix(param.name) => hits.push((param.name.to_owned(), param)),
            None => {}
            Some(members) => {
                let names = (0..members).map(|index| format!("{}{index}", param.name));
                hits.extend(names.filter(|name| has_prefix(name)).map(|name| (name, param)));
            }
        }
    }
    match hits.as_slice() {
        [] => Lookup::Unknown,
        [(name, param)] => Lookup::Found(param, name.clone()),
        _ => {
            let mut names: Vec<String> = hits.into_iter().map(|(name, _)| name).collect();
            names.sort();
            Lookup::Ambiguous(names)
        }
    }
}

/// The last value wins, except that lists grow.
fn store(values: &mut BTreeMap<String, OsString>, param: &Param, name: String, value: OsString) {
    match values.entry(name) {
        std::collections::btree_map::Entry::Occupied(mut known) if param.kind.is_list() => {
            known.get_mut().push(",");
            known.get_mut().push(value);
        }
        std::collections::btree_map::Entry::Occupied(mut known) => {
            known.insert(value);
        }
        std::collections::btree_map::Entry::Vacant(free) => {
            free.insert(value);
        }
    }
}

/// Gives the words to the positionals in order.
fn bind_positionals(spec: &VerbSpec, rest: Vec<OsString>, parsed: &mut Parsed) -> Result<(), ParamErrors> {
    let mut words = rest.into_iter();
    for (index, param) in spec.positionals.iter().enumerate() {
        let Some(word) = words.next() else {
            let missing = spec.positionals.iter().skip(index).any(|param| param.required);
            return if missing { Err(ParamErrors::new("not enough arguments")) } else { Ok(()) };
        };
        parsed.values.insert(param.name.to_owned(), word);
        parsed.positionals += 1;
    }
    if spec.extra_args || spec.many().is_some() {
        parsed.extra = words.collect();
    } else if words.next().is_some() {
        return Err(ParamErrors::new("too many arguments"));
    }
    Ok(())
}

fn normalise_booleans(spec: &VerbSpec, parsed: &mut Parsed) -> Result<(), ParamErrors> {
    let mut errors = ParamErrors::new("unable to parse boolean option");
    for (name, value) in &mut parsed.values {
        if !spec.param(name).is_some_and(|param| param.kind.is_bool()) {
            continue;
        }
        match boolean(value) {
            Some(true) => *value = "1".into(),
            Some(false) => *value = "0".into(),
            None => errors.add(name, &format!("'{}' is neither yes nor no", value.to_string_lossy())),
        }
    }
    if errors.params.is_empty() { Ok(()) } else { Err(errors) }
}

/// The spellings of a truth value; an empty one is a yes.
fn boolean(value: &OsStr) -> Option<bool> {
    match value.to_str()?.to_ascii_lowercase().as_str() {
        "" | "1" | "on" | "yes" | "true" => Some(true),
        "0" | "off" | "no" | "false" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
