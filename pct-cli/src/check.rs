//! Types and limits (spec: cli, part 1.5): from words to the arguments that a verb sees.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    iter,
};

use crate::{
    argv::Parsed,
    door::{self, remedies, split_list},
    failure::ParamErrors,
    keys,
    spec::{Kind, Param, VerbSpec},
};

/// Checked arguments.
#[derive(Debug, Default)]
pub(crate) struct Args {
    texts: BTreeMap<String, String>,
    /// How many positionals were given as such, not by their names.
    pub(crate) positionals: usize,
    /// The words beyond the positionals, byte for byte.
    pub(crate) extra: Vec<OsString>,
}

impl Args {
    /// A value as it was given.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.texts.get(name).map(String::as_str)
    }

    /// A value that the caller has obtained by other means: from a file or a prompt.
    pub(crate) fn put(&mut self, name: &str, value: String) {
        self.texts.insert(name.to_owned(), value);
    }

    /// A boolean, if given.
    pub(crate) fn flag(&self, name: &str) -> Option<bool> {
        self.text(name).map(|text| text == "1")
    }

    /// A boolean that is off unless given.
    pub(crate) fn is_set(&self, name: &str) -> bool {
        self.flag(name).unwrap_or(false)
    }

    /// A non-negative integer; what does not fit is as good as the largest number.
    pub(crate) fn unsigned(&self, name: &str) -> Option<u64> {
        let digits = self.text(name)?.trim_start_matches('+');
        Some(digits.parse().unwrap_or(if digits.starts_with('-') { 0 } else { u64::MAX }))
    }

    /// `bwlimit`, rounded up to whole KiB a second; 0 is without limit.
    pub(crate) fn bandwidth(&self) -> Option<u64> {
        let limit: f64 = self.text("bwlimit")?.parse().ok()?;
        // Saturates.
        Some(limit.ceil() as u64)
    }

    /// The container.
    pub(crate) fn vmid(&self) -> Result<door::Vmid, ParamErrors> {
        self.vmid_named("vmid")
    }

    /// Another container.
    pub(crate) fn vmid_named(&self, name: &str) -> Result<door::Vmid, ParamErrors> {
        parse_vmid(self.text(name).unwrap_or_default())
    }

    /// The containers of a verb that takes many, each once.
    pub(crate) fn vmids(&self) -> Result<Vec<door::Vmid>, ParamErrors> {
        let mut vmids = Vec::new();
        let more = self.extra.iter().map(|word| word.to_str().unwrap_or_default());
        for text in self.text("vmid").into_iter().chain(more) {
            let vmid = parse_vmid(text)?;
            if !vmids.contains(&vmid) {
                vmids.push(vmid);
            }
        }
        Ok(vmids)
    }

    /// Those values that are keys of the config language, sorted by name.
    pub(crate) fn config(&self) -> Vec<(String, String)> {
        let is_key = |name: &str| keys::options().iter().any(|key| key.covers(name));
        self.texts
            .iter()
            .filter(|(name, _)| is_key(name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    }
}

fn parse_vmid(text: &str) -> Result<door::Vmid, ParamErrors> {
    text.parse()
        .map_err(|error: door::InvalidVmid| ParamErrors::one("vmid", &format!("invalid format - {error}\n")))
}

/// Checks everything and tells all errors at once. A password that is still to be asked for (an empty one) passes.
pub(crate) fn check(spec: &VerbSpec, parsed: Parsed) -> Result<Args, ParamErrors> {
    let mut errors = ParamErrors::new(ParamErrors::VERIFICATION);
    let mut args = Args { positionals: parsed.positionals, extra: parsed.extra, ..Args::default() };
    for param in spec.params() {
        if param.required && !parsed.values.contains_key(param.name) {
            errors.add(param.name, "property is missing and it is not optional");
        }
    }
    if let Some(param) = spec.many() {
        for word in &args.extra {
            let checked = match word.to_str() {
                Some(text) => check_value(param, param.name, text),
                None => Err(not_utf8(word)),
            };
            if let Err(error) = checked {
                errors.add(param.name, &error);
            }
        }
    }
    for (name, value) in parsed.values {
        let Some(param) = spec.param(&name) else { continue };
        match value.into_string() {
            Ok(text) => {
                let asked_later = matches!(param.kind, Kind::Password) && text.is_empty();
                if let Err(error) = check_value(param, &name, &text)
                    && !asked_later
                {
                    errors.add(&name, &error);
                    if matches!(param.kind, Kind::Config(_)) {
                        errors.hints.extend(remedies(&name, &text));
                    }
                }
                args.texts.insert(name, text);
            }
            Err(value) => errors.add(&name, &not_utf8(&value)),
        }
    }
    for param in spec.params() {
        if let Some(required) = param.requires
            && args.texts.contains_key(param.name)
            && !args.texts.contains_key(required)
        {
            errors.add(required, &format!("missing property required by '{}'", param.name));
        }
    }
    if errors.params.is_empty() { Ok(args) } else { Err(errors) }
}

fn not_utf8(value: &OsStr) -> String {
    format!("value is not valid UTF-8 - got '{}'", value.to_string_lossy())
}

/// Checks one value; the first failure is the answer.
pub(crate) fn check_value(param: &Param, name: &str, value: &str) -> Result<(), String> {
    if let Kind::Config(key) = param.kind {
        return keys::check(key, name, value);
    }
    let (type_name, typed) = match param.kind {
        Kind::Int { .. } => ("integer", is_integer(value)),
        Kind::Number { .. } => ("number", is_number(value)),
        Kind::Bool => ("boolean", matches!(value, "0" | "1")),
        _ => ("string", true),
    };
    if !typed {
        return Err(format!("type check ('{type_name}') failed - got '{value}'"));
    }
    if let Some(format) = param.format {
        // The original's format errors bring a newline of their own, which shows as an empty line.
        let checked = match param.kind {
            Kind::List => split_list(value).try_for_each(format),
            _ => format(value),
        };
        checked.map_err(|error| format!("invalid format - {error}\n"))?;
    }
    if param.pattern.is_some_and(|matches| !matches(value)) {
        return Err("value does not match the regex pattern".to_owned());
    }
    let chars = value.chars().count();
    if let Some(most) = param.max_len.filter(|&most| chars > most) {
        return Err(format!("value may only be {most} characters long"));
    }
    if let Some(least) = param.min_len.filter(|&least| chars < least) {
        return Err(format!("value must be at least {least} characters long"));
    }
    match param.kind {
        Kind::Int { min, max } | Kind::Number { min, max } => check_limits(value, min, max),
        Kind::Enum(allowed) if !allowed.contains(&value) => Err(not_in(value, &allowed.join(", "))),
        Kind::Disk => {
            let all: Vec<_> =
                iter::once("rootfs".to_owned()).chain((0..256).map(|n| format!("mp{n}"))).collect();
            if all.iter().any(|disk| disk == value) { Ok(()) } else { Err(not_in(value, &all.join(", "))) }
        }
        _ => Ok(()),
    }
}

fn not_in(value: &str, allowed: &str) -> String {
    format!("value '{value}' does not have a value in the enumeration '{allowed}'")
}

/// Every limit is far below 2^53, so that a float decides exactly, and a number of any length is compared.
fn check_limits(value: &str, min: Option<i64>, max: Option<i64>) -> Result<(), String> {
    let number: f64 = value.parse().unwrap_or(f64::NAN);
    if let Some(most) = max.filter(|&most| number > most as f64) {
        return Err(format!("value must have a maximum value of {most}"));
    }
    if let Some(least) = min.filter(|&least| number < least as f64) {
        return Err(format!("value must have a minimum value of {least}"));
    }
    Ok(())
}

fn all_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

fn unsigned_part(text: &str) -> &str {
    text.strip_prefix(['+', '-']).unwrap_or(text)
}

/// An optional sign and digits.
fn is_integer(text: &str) -> bool {
    all_digits(unsigned_part(text))
}

/// A decimal number: a digit on at least one side of the point, perhaps an exponent.
fn is_number(text: &str) -> bool {
    let unsigned = unsigned_part(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let digits_or_nothing = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    let mantissa_is_right = match mantissa.split_once('.') {
        Some((whole, fraction)) => {
            digits_or_nothing(whole) && digits_or_nothing(fraction) && mantissa.len() > 1
        }
        None => all_digits(mantissa),
    };
    mantissa_is_right && exponent.is_none_or(is_integer)
}

#[cfg(test)]
pub(crate) mod tests;
