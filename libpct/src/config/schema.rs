use std::fmt;

use super::{
    formats::Format,
    keys::SubKey,
    props,
    text::{is_digits, parse_bool, split_list},
};

/// The basic type of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// `1` or `0`.
    Boolean,
    /// A whole number.
    Integer,
    /// A decimal number.
    Number,
    /// Any text.
    String,
}

impl Type {
    const fn name(self) -> &'static str {
        match self {
            Self::Boolean => "boolean",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::String => "string",
        }
    }
}

/// A pattern that a whole value must match.
#[derive(Clone, Copy, Debug)]
pub struct Pattern {
    /// The pattern as a regular expression.
    pub text: &'static str,
    /// The same in words.
    pub words: &'static str,
    pub(crate) matches: fn(&str) -> bool,
}

/// How the text of a value is structured.
#[derive(Clone, Copy, Debug)]
pub enum Structure {
    /// One value without inner structure.
    Plain,
    /// One value of a named format.
    Format(Format),
    /// A list of values of a named format.
    List(Format),
    /// `key=value` pairs separated by commas.
    Properties(&'static [SubKey]),
}

/// What one value may be: everything that parser, validator, help, and
/// completion know about it.
#[derive(Clone, Copy, Debug)]
pub struct Schema {
    /// The basic type.
    pub kind: Type,
    /// Inner structure of a [`Type::String`].
    pub structure: Structure,
    /// The pattern that the whole value must match.
    pub pattern: Option<Pattern>,
    /// Smallest number.
    pub minimum: Option<i64>,
    /// Largest number.
    pub maximum: Option<i64>,
    /// What a number counts, for instance `MiB`.
    pub unit: Option<&'static str>,
    /// Most characters.
    pub max_length: Option<usize>,
    /// The only values allowed; empty when there is no such limit.
    pub values: &'static [&'static str],
    /// What an absent value means.
    pub default: Option<&'static str>,
    /// What it is for, one or two sentences.
    pub description: &'static str,
    /// The word that stands for the value in help, when the general rule is not good enough.
    pub placeholder: Option<&'static str>,
}

impl Schema {
    pub(crate) const fn new(kind: Type, description: &'static str) -> Self {
        Self {
            kind,
            structure: Structure::Plain,
            pattern: None,
            minimum: None,
            maximum: None,
            unit: None,
            max_length: None,
            values: &[],
            default: None,
            description,
            placeholder: None,
        }
    }

    pub(crate) const fn format(mut self, format: Format) -> Self {
        self.structure = Structure::Format(format);
        self
    }

    pub(crate) const fn list(mut self, format: Format) -> Self {
        self.structure = Structure::List(format);
        self
    }

    pub(crate) const fn properties(mut self, keys: &'static [SubKey]) -> Self {
        self.structure = Structure::Properties(keys);
        self
    }

    pub(crate) const fn pattern(mut self, pattern: Pattern) -> Self {
        self.pattern = Some(pattern);
        self
    }

    pub(crate) const fn range(mut self, minimum: i64, maximum: i64) -> Self {
        self.minimum = Some(minimum);
        self.maximum = Some(maximum);
        self
    }

    pub(crate) const fn at_least(mut self, minimum: i64) -> Self {
        self.minimum = Some(minimum);
        self
    }

    pub(crate) const fn unit(mut self, unit: &'static str) -> Self {
        self.unit = Some(unit);
        self
    }

    pub(crate) const fn max_length(mut self, characters: usize) -> Self {
        self.max_length = Some(characters);
        self
    }

    pub(crate) const fn one_of(mut self, values: &'static [&'static str]) -> Self {
        self.values = values;
        self
    }

    pub(crate) const fn default(mut self, default: &'static str) -> Self {
        self.default = Some(default);
        self
    }

    pub(crate) const fn shown_as(mut self, placeholder: &'static str) -> Self {
        self.placeholder = Some(placeholder);
        self
    }

    /// Checks a value in full, as a parameter or sub-key
    /// (spec: config, part 1.2): type, structure, pattern, length, range, enumeration; the first
    /// failure is reported.
    ///
    /// # Errors
    /// The reason, in the words users know from the original.
    pub fn check(&self, value: &str) -> Result<(), CheckError> {
        self.check_type(value)?;
        self.check_structure(value).map_err(CheckError::invalid_format)?;
        if self.pattern.is_some_and(|pattern| !(pattern.matches)(value)) {
            return Err("value does not match the regex pattern".into());
        }
        if let Some(most) = self.max_length.filter(|&most| value.chars().count() > most) {
            return Err(format!("value may only be {most} characters long").into());
        }
        self.check_range(value)?;
        if !self.values.is_empty() && !self.values.contains(&value) {
            let values = self.values.join(", ");
            let text = format!("value '{value}' does not have a value in the enumeration '{values}'");
            return Err(text.into());
        }
        Ok(())
    }

    fn check_type(&self, value: &str) -> Result<(), CheckError> {
        let unsigned = value.strip_prefix(['+', '-']).unwrap_or(value);
        let good = match self.kind {
            Type::Boolean => matches!(value, "0" | "1"),
            Type::Integer => is_digits(unsigned),
            Type::Number => is_decimal(unsigned),
            Type::String => true,
        };
        if good { Ok(()) } else { Err(self.wrong_type(value)) }
    }

    fn wrong_type(&self, value: &str) -> CheckError {
        format!("type check ('{}') failed - got '{value}'", self.kind.name()).into()
    }

    fn check_structure(&self, value: &str) -> Result<(), CheckError> {
        match self.structure {
            Structure::Plain => Ok(()),
            Structure::Format(format) => format.check(value).map_err(CheckError::from),
            Structure::List(format) => split_list(value).try_for_each(|item| {
                // The item is a slice of the value.
                let at = item.as_ptr() as usize - value.as_ptr() as usize;
                format.check(item).map_err(|reason| CheckError::from(reason).found_at(at))
            }),
            Structure::Properties(keys) => props::parse(keys, value).map(drop),
        }
    }

    fn check_range(&self, value: &str) -> Result<(), CheckError> {
        if self.minimum.is_none() && self.maximum.is_none() {
            return Ok(());
        }
        let unsigned = value.strip_prefix(['+', '-']).unwrap_or(value);
        if !is_decimal(unsigned) {
            return Ok(());
        }
        let Ok(number) = value.parse::<f64>() else { return Ok(()) };
        // The limits are small; the conversion is exact.
        #[allow(clippy::cast_precision_loss)]
        let as_number = |limit: i64| limit as f64;
        if let Some(most) = self.maximum.filter(|&most| number > as_number(most)) {
            return Err(format!("value must have a maximum value of {most}").into());
        }
        if let Some(least) = self.minimum.filter(|&least| number < as_number(least)) {
            return Err(format!("value must have a minimum value of {least}").into());
        }
        Ok(())
    }

    /// The check at load: type and structure only. Gives the text to keep, which
    /// differs for booleans and integers (spec: config, part 2, "Ordinary keys").
    ///
    /// # Errors
    /// The reason; the caller keeps the text as it is.
    pub fn check_at_load<'a>(&self, value: &'a str) -> Result<&'a str, CheckError> {
        let kept = match self.kind {
            Type::Boolean => match parse_bool(value) {
                Some(on) => {
                    if on {
                        "1"
                    } else {
                        "0"
                    }
                }
                None => return Err(self.wrong_type(value)),
            },
            Type::Integer if is_digits(value) => match value.trim_start_matches('0') {
                "" => "0",
                number => number,
            },
            Type::Number
                if value.split_once('.').map_or(is_digits(value), |(a, b)| is_digits(a) && is_digits(b)) =>
            {
                value
            }
            Type::Integer | Type::Number => return Err(self.wrong_type(value)),
            Type::String => {
                self.check_structure(value)?;
                value
            }
        };
        Ok(kept)
    }

    /// What a value may be, in words that follow "expected".
    #[must_use]
    pub fn allowed(&self) -> String {
        let kind = match self.kind {
            Type::Boolean => return "1 or 0 (also on, yes, true and off, no, false)".to_owned(),
            Type::Integer => "a whole number",
            Type::Number => "a number",
            Type::String => "a text",
        };
        if !self.values.is_empty() {
            return format!("one of {}", self.values.join(", "));
        }
        if let Some(pattern) = self.pattern {
            return pattern.words.to_owned();
        }
        let unit = self.unit.map(|unit| format!(", in {unit}")).unwrap_or_default();
        match (self.structure, self.minimum, self.maximum, self.max_length) {
            (Structure::Format(format), .., None) => format.allowed().to_owned(),
            (Structure::Format(format), .., Some(most)) => {
                format!("{}, of at most {most} characters", format.allowed())
            }
            (Structure::List(format), ..) => {
                format!("a list, separated by blanks, commas or semicolons, each item {}", format.allowed())
            }
            (Structure::Properties(keys), ..) => {
                format!("sub-keys separated by commas: {}", props::grammar_text(keys))
            }
            (Structure::Plain, Some(least), Some(most), _) => format!("{kind} from {least} to {most}{unit}"),
            (Structure::Plain, Some(least), None, _) => format!("{kind} of at least {least}{unit}"),
            (Structure::Plain, None, Some(most), _) => format!("{kind} of at most {most}{unit}"),
            (Structure::Plain, None, None, Some(most)) => format!("{kind} of at most {most} characters"),
            (Structure::Plain, None, None, None) => format!("{kind}{unit}"),
        }
    }

    /// The text that stands for the value in help (spec: cli, part 2.2).
    #[must_use]
    pub fn type_text(&self) -> String {
        if let Some(text) = self.placeholder {
            return text.to_owned();
        }
        if let Structure::Properties(keys) = self.structure {
            return props::grammar_text(keys);
        }
        if !self.values.is_empty() {
            let mut values = self.values.to_vec();
            values.sort_unstable();
            return format!("<{}>", values.join(" | "));
        }
        if let Some(pattern) = self.pattern {
            return pattern.text.to_owned();
        }
        let kind = self.kind.name();
        match (self.minimum, self.maximum) {
            (None, None) => format!("<{kind}>"),
            (Some(least), Some(most)) => format!("<{kind}> ({least} - {most})"),
            (Some(least), None) => format!("<{kind}> ({least} - N)"),
            (None, Some(most)) => format!("<{kind}> (-N - {most})"),
        }
    }
}

/// `\d+\.\d+ | \d+\. | \.\d+ | \d+`, then an optional exponent.
fn is_decimal(unsigned: &str) -> bool {
    let (number, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((number, exponent)) => (number, Some(exponent)),
        None => (unsigned, None),
    };
    let good = match number.split_once('.') {
        Some(("", fraction)) => is_digits(fraction),
        Some((whole, fraction)) => is_digits(whole) && (fraction.is_empty() || is_digits(fraction)),
        None => is_digits(number),
    };
    good && exponent.is_none_or(|e| is_digits(e.strip_prefix(['+', '-']).unwrap_or(e)))
}

/// Why a value was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct CheckError {
    message: String,
    /// The byte of the value at which the culprit begins, from 0.
    at: usize,
    details: Vec<SubKeyError>,
}

/// Why a sub-key of a property string was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubKeyError {
    /// Its name.
    pub key: String,
    /// What is wrong, in the words users know from the original.
    pub reason: String,
    /// The byte of the property string at which the culprit begins, from 0; `None` when the sub-key is missing.
    pub at: Option<usize>,
}

impl CheckError {
    pub(crate) fn format_error(details: Vec<SubKeyError>) -> Self {
        let at = details.first().and_then(|detail| detail.at).unwrap_or(0);
        Self { message: "format error".into(), at, details }
    }

    fn invalid_format(self) -> Self {
        Self { message: format!("invalid format - {}", self.message), ..self }
    }

    /// Says where the sub-keys are, for those of which it is not known yet.
    pub(crate) fn located(mut self, place: impl Fn(&str) -> Option<usize>) -> Self {
        self.details.iter_mut().for_each(|detail| detail.at = detail.at.or_else(|| place(&detail.key)));
        self
    }

    pub(crate) fn found_at(self, at: usize) -> Self {
        Self { at, ..self }
    }

    /// The reason in one line.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The byte of the value at which the culprit begins, from 0.
    #[must_use]
    pub fn at(&self) -> usize {
        self.at
    }

    /// For a property string: the sub-keys that failed, in the order of the text.
    #[must_use]
    pub fn details(&self) -> &[SubKeyError] {
        &self.details
    }

    /// What follows `<parameter>: ` in a parameter error, with a line for each sub-key that failed. A format's
    /// error ends in a newline of its own, which shows as an empty line (spec: cli, parts 1.5 and 1.6).
    #[must_use]
    pub fn parameter_text(&self, parameter: &str) -> String {
        self.lines(&format!("{parameter}."))
    }

    /// The whole reason as the original words it, each line with its newline.
    pub(crate) fn text(&self) -> String {
        let text = self.lines("");
        if text.ends_with('\n') { text } else { text + "\n" }
    }

    fn lines(&self, prefix: &str) -> String {
        let own_newline = |reason: &str| {
            let newline = if reason.starts_with("invalid format - ") { "\n" } else { "" };
            format!("{reason}{newline}")
        };
        let mut text = own_newline(&self.message);
        if !self.details.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        for SubKeyError { key, reason, .. } in &self.details {
            text.push_str(&format!("{prefix}{key}: {}\n", own_newline(reason)));
        }
        text
    }
}

impl From<String> for CheckError {
    fn from(message: String) -> Self {
        Self { message, at: 0, details: Vec::new() }
    }
}

impl From<&str> for CheckError {
    fn from(message: &str) -> Self {
        message.to_owned().into()
    }
}

impl fmt::Display for CheckError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.details.iter().try_for_each(|detail| write!(f, "\n{}: {}", detail.key, detail.reason))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_what_the_patterns_say() {
        for good in ["1", "1.5", "5.", ".5", "1e3", "1.E-3", ".5e+1"] {
            assert!(is_decimal(good), "{good}");
        }
        for bad in ["", ".", "e3", "1e", "1e+", "1.2.3", "0x1", " 1", "inf", "nan"] {
            assert!(!is_decimal(bad), "{bad}");
        }
    }
}
