//! Property strings: `key=value` pairs separated by commas (spec: config, part 1.1).

use std::collections::{BTreeMap, HashSet};

use super::{
    keys::SubKey,
    schema::{CheckError, Schema, SubKeyError, Type},
    size::Size,
    text::{is_space, is_truthy, parse_bool},
};

/// More sub-keys than any property string has.
const MOST: usize = 16;

/// The sub-keys of one property string, checked; booleans are `1` or `0`.
#[derive(Clone, Copy, Debug)]
pub struct Properties<'a> {
    keys: &'static [SubKey],
    /// In the order of `keys`.
    values: [Option<&'a str>; MOST],
}

impl<'a> Properties<'a> {
    fn new(keys: &'static [SubKey]) -> Self {
        debug_assert!(keys.len() <= MOST);
        Self { keys, values: [None; MOST] }
    }

    /// The text of a sub-key.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.iter().find(|(key, _)| is_same(key, name)).map(|(_, value)| value)
    }

    /// The sub-keys that were given, in the order of the table, with their texts.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &'a str)> {
        self.keys.iter().zip(self.values).filter_map(|(key, value)| Some((key.name, value?)))
    }
}

/// Parses and checks a property string.
///
/// # Errors
/// A text that does not follow the grammar ends at once; failed checks of
/// sub-keys are collected.
pub fn parse<'a>(keys: &'static [SubKey], text: &'a str) -> Result<Properties<'a>, CheckError> {
    let mut values = Properties::new(keys);
    let mut errors = Vec::new();
    let mut unknown = HashSet::new();
    // A value that would continue on another line is no value.
    if memchr::memchr(b'\n', text.as_bytes()).is_some() {
        return Err(MISSING_KEY.into());
    }
    let mut from = 0;
    for end in memchr::memchr_iter(b',', text.as_bytes()).chain([text.len()]) {
        let (at, part) = (from, &text[from..end]);
        from = end + 1;
        if part.chars().all(is_space) {
            continue;
        }
        let fails = |reason: String| CheckError::from(reason).found_at(at);
        let (name, value) = pair(keys, part).map_err(|reason| fails(reason.to_owned()))?;
        let duplicate = || fails(format!("duplicate key in comma-separated list property: {name}"));
        let Some(place) = keys.iter().position(|key| is_same(key.name, name)) else {
            if !unknown.insert(name) {
                return Err(duplicate());
            }
            let reason =
                "property is not defined in schema and the schema does not allow additional properties";
            errors.push(SubKeyError { key: name.to_owned(), reason: reason.to_owned(), at: Some(at) });
            continue;
        };
        // What a bare value stands for may have been given before, if that said nothing.
        let is_bare = value.len() == part.len();
        if values.values[place].is_some_and(|earlier| !is_bare || is_truthy(earlier)) {
            return Err(duplicate());
        }
        let schema = &keys[place].schema;
        let normal = match schema.kind {
            Type::Boolean => parse_bool(value).map_or(value, |on| if on { "1" } else { "0" }),
            _ => value,
        };
        if let Err(error) = schema.check(normal) {
            let (key, reason) = (name.to_owned(), error.message().to_owned());
            errors.push(SubKeyError { key, reason, at: Some(at + part.len() - value.len()) });
        }
        values.values[place] = Some(normal);
    }
    for (key, _) in keys.iter().zip(&values.values).filter(|(key, value)| key.mandatory && value.is_none()) {
        let reason = "property is missing and it is not optional".to_owned();
        errors.push(SubKeyError { key: key.name.to_owned(), reason, at: None });
    }
    if errors.is_empty() { Ok(values) } else { Err(CheckError::format_error(errors)) }
}
/// Equality of short texts, decided by length and first byte most of the time.
fn is_same(a: &str, b: &str) -> bool {
    a.len() == b.len() && a.as_bytes().first() == b.as_bytes().first() && a == b
}

const MISSING_KEY: &str = "missing key in comma-separated list property";

/// The key and the value of one part; a part without `=` is the value of the default key.
fn pair<'a>(keys: &'static [SubKey], part: &'a str) -> Result<(&'a str, &'a str), &'static str> {
    let Some(at) = part.bytes().position(|byte| byte == b'=') else {
        let default = keys.iter().find(|key| key.default_key);
        let default = default.ok_or("value without key, but schema does not define a default key")?;
        return Ok((default.name, part));
    };
    match (&part[..at], &part[at + 1..]) {
        ("", _) | (_, "") => Err(MISSING_KEY),
        pair => Ok(pair),
    }
}

/// Sub-keys to print, each with its text.
pub(super) type Printed = BTreeMap<&'static str, String>;

/// Prints a property string in canonical order: the value of the default key
/// bare, unless it would be read as a key and its value; then mandatory sub-keys,
/// then the others, each in byte order. Sizes are printed anew.
///
/// # Errors
/// A value with a comma, which could not be read back.
pub(super) fn print(keys: &'static [SubKey], values: &Printed) -> Result<String, CheckError> {
    let mut parts = Vec::with_capacity(values.len());
    for key in ordered(keys) {
        let Some(value) = values.get(key.name) else { continue };
        if value.contains(',') {
            return Err(format!("illegal value with commas for {}", key.name).into());
        }
        let size = value.parse::<Size>().ok().filter(|_| key.is_size());
        let value = size.map_or_else(|| value.clone(), |size| size.to_string());
        let bare = key.default_key && !value.contains('=');
        parts.push(if bare { value } else { format!("{}={value}", key.name) });
    }
    Ok(parts.join(","))
}

fn ordered(keys: &'static [SubKey]) -> Vec<&'static SubKey> {
    let mut keys: Vec<_> = keys.iter().collect();
    keys.sort_by_key(|key| (!key.default_key, !key.mandatory, key.name));
    keys
}

/// The grammar of a property string as help shows it (spec: cli, part 2.2).
pub(crate) fn grammar_text(keys: &'static [SubKey]) -> String {
    let mut text = String::new();
    for key in ordered(keys) {
        let value = value_text(&key.schema);
        let item = match key.default_key {
            true => format!("[{}=]{value}", key.name),
            false => format!("{}={value}", key.name),
        };
        let comma = if text.is_empty() { "" } else { "," };
        if !text.is_empty() {
            text.push(' ');
        }
        // The bare default value stands first even where the schema calls it optional.
        let optional = !key.mandatory && !key.default_key;
        text.push_str(&if optional { format!("[{comma}{item}]") } else { format!("{comma}{item}") });
    }
    text
}

fn value_text(schema: &Schema) -> String {
    match schema.placeholder {
        Some(text) => text.to_owned(),
        None if (1..=3).contains(&schema.values.len()) => format!("<{}>", schema.values.join("|")),
        None if !schema.values.is_empty() => "<enum>".to_owned(),
        None => match schema.kind {
            Type::Boolean => "<1|0>",
            Type::Integer => "<integer>",
            Type::Number => "<number>",
            Type::String => "<string>",
        }
        .to_owned(),
    }
}
