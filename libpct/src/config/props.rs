//! Property strings: `key=value` pairs separated by commas (spec: config, part 1.1).

use std::collections::BTreeMap;

use nom::{
    IResult, Parser,
    bytes::complete::{tag, take_while, take_while1},
    combinator::{all_consuming, rest, verify},
    multi::separated_list0,
    sequence::separated_pair,
};

use super::{
    keys::SubKey,
    schema::{CheckError, Schema, Type},
    size::Size,
    text::{is_space, is_truthy, parse_bool},
};

/// The sub-keys of one property string, checked, booleans as `1` or `0`.
pub type Properties = BTreeMap<&'static str, String>;

/// Parses and checks a property string.
///
/// # Errors
/// A text that does not follow the grammar ends at once; failed checks of
/// sub-keys are collected.
pub fn parse(keys: &'static [SubKey], text: &str) -> Result<Properties, CheckError> {
    let pairs = pairs(keys, text)?;
    let mut errors = Vec::new();
    let mut values = Properties::new();
    for (name, value) in pairs {
        match keys.iter().find(|key| key.name == name) {
            None => {
                let reason =
                    "property is not defined in schema and the schema does not allow additional properties";
                errors.push((name, reason.to_owned()));
            }
            Some(key) => {
                if let Err(error) = key.schema.check(&value) {
                    errors.push((name, error.message().to_owned()));
                }
                values.insert(key.name, value);
            }
        }
    }
    for key in keys.iter().filter(|key| key.mandatory && !values.contains_key(key.name)) {
        errors.push((key.name.to_owned(), "property is missing and it is not optional".to_owned()));
    }
    if errors.is_empty() { Ok(values) } else { Err(CheckError::format_error(errors)) }
}

/// Splits into pairs, in byte order of the keys; values of boolean sub-keys are normalised.
fn pairs(keys: &'static [SubKey], text: &str) -> Result<BTreeMap<String, String>, CheckError> {
    let duplicate =
        |key: &str| CheckError::from(format!("duplicate key in comma-separated list property: {key}"));
    let default_key = keys.iter().find(|key| key.default_key);
    let mut found = BTreeMap::<String, String>::new();
    for part in split(text).filter(|part| !part.chars().all(is_space)) {
        let (name, value) = match pair(part) {
            Ok((_, (name, value))) => {
                if found.contains_key(name) {
                    return Err(duplicate(name));
                }
                (name, value)
            }
            Err(_) if part.contains('=') => return Err("missing key in comma-separated list property".into()),
            Err(_) => {
                let key = default_key
                    .ok_or("value without key, but schema does not define a default key")
                    .map_err(CheckError::from)?;
                if found.get(key.name).is_some_and(|value| is_truthy(value)) {
                    return Err(duplicate(key.name));
                }
                (key.name, part)
            }
        };
        let boolean = keys.iter().any(|key| key.name == name && key.schema.kind == Type::Boolean);
        let value = match parse_bool(value).filter(|_| boolean) {
            Some(on) => if on { "1" } else { "0" }.to_owned(),
            None => value.to_owned(),
        };
        found.insert(name.to_owned(), value);
    }
    Ok(found)
}

fn split(text: &str) -> impl Iterator<Item = &str> {
    let part = take_while::<_, _, nom::error::Error<&str>>(|c| c != ',');
    let parts = all_consuming(separated_list0(tag(","), part)).parse(text);
    // The grammar above takes every text, the fallback is never seen.
    parts.map_or_else(|_| vec![text], |(_, parts)| parts).into_iter()
}

/// A key up to the first `=`, and the rest, both non-empty.
fn pair(part: &str) -> IResult<&str, (&str, &str)> {
    let value = verify(rest, |value: &str| !value.is_empty() && !value.contains('\n'));
    all_consuming(separated_pair(take_while1(|c| c != '='), tag("="), value)).parse(part)
}

/// Prints a property string in canonical order: the value of the default key
/// bare, then mandatory sub-keys, then the others, each in byte order. Sizes
/// are printed anew.
///
/// # Errors
/// A value with a comma, which could not be read back.
pub fn print(keys: &'static [SubKey], values: &Properties) -> Result<String, CheckError> {
    let mut parts = Vec::with_capacity(values.len());
    for key in ordered(keys) {
        let Some(value) = values.get(key.name) else { continue };
        if value.contains(',') {
            return Err(format!("illegal value with commas for {}", key.name).into());
        }
        let size = value.parse::<Size>().ok().filter(|_| key.is_size());
        let value = size.map_or_else(|| value.clone(), |size| size.to_string());
        parts.push(if key.default_key { value } else { format!("{}={value}", key.name) });
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
