//! Usage lines and help texts (spec: cli, part 2.2).

use std::fmt::Write as _;

use crate::{
    commands::Verb,
    spec::{Kind, Param, VerbSpec},
    wrap::fill,
};

/// The indent of everything below a block's head.
const HANG: &str = "             ";

/// `pct status <vmid> [OPTIONS]`. In verbs of the original, positionals of ours are left out and options of ours
/// alone do not make an `[OPTIONS]`: error output that ends in this line stays what scripts know.
pub(crate) fn usage_line(spec: &VerbSpec) -> String {
    let shown = |param: &Param| spec.ours || !param.ours;
    let mut words: Vec<String> =
        spec.positionals.iter().filter(|param| shown(param)).map(positional).collect();
    if spec.extra_args {
        words.push("[<extra-args>]".to_owned());
    }
    let mut required: Vec<&Param> = spec.options().filter(|param| param.required).collect();
    required.sort_by_key(|param| param.name);
    words.extend(required.iter().map(|param| format!("--{} {}", param.name, type_text(param))));
    let suffix = if spec.options().any(shown) { " [OPTIONS]" } else { "" };
    format!("pct {} {}{suffix}", spec.name, words.join(" "))
}

fn positional(param: &Param) -> String {
    if param.required { format!("<{}>", param.name) } else { format!("[<{}>]", param.name) }
}

/// Everything about one verb.
pub(crate) fn full(spec: &VerbSpec) -> String {
    let mut text = format!("USAGE: {}\n\n{}\n\n", usage_line(spec), fill("  ", "  ", spec.about));
    for param in spec.positionals {
        text.push_str(&block(param, &format!("<{}>", param.name)));
    }
    if spec.extra_args {
        let words = Param::new("extra-args", Kind::Text, "The words that follow.").type_text("<array>");
        text.push_str(&block(&words, "<extra-args>"));
    }
    let mut options: Vec<&Param> = spec.options().collect();
    options.sort_by_key(|param| param.name);
    for param in options {
        let index = if param.family.is_some() { "[n]" } else { "" };
        text.push_str(&block(param, &format!("--{}{index}", param.name)));
    }
    text.push('\n');
    text
}

/// One parameter: head, description, an empty line.
fn block(param: &Param, name: &str) -> String {
    let default = param.default.map(|value| format!("   (default={value})")).unwrap_or_default();
    let head = format!("{name:<10} {}{default}", type_text(param));
    let mut text = format!("{}\n{}\n\n", fill("  ", HANG, &head), fill(HANG, HANG, param.about));
    if let Some(required) = param.requires {
        // Writing to a String cannot fail.
        let _ = write!(text, "{}\n\n", fill(HANG, HANG, &format!("Requires option(s): {required}")));
    }
    text
}

/// What kind of value a parameter takes.
pub(crate) fn type_text(param: &Param) -> String {
    if let Some(text) = param.type_text {
        return text.to_owned();
    }
    match param.kind {
        Kind::Bool => "<boolean>".to_owned(),
        Kind::Int { min, max } => format!("<integer>{}", limits(min, max)),
        Kind::Number { min, max } => format!("<number>{}", limits(min, max)),
        Kind::Text | Kind::List => "<string>".to_owned(),
        Kind::Enum(values) => {
            let mut sorted = values.to_vec();
            sorted.sort_unstable();
            format!("<{}>", sorted.join(" | "))
        }
        Kind::Disk => "<rootfs | mp[n]>".to_owned(),
        Kind::File => "<filepath>".to_owned(),
        Kind::Password => "<password>".to_owned(),
        Kind::Config(key) => key.schema.type_text(),
    }
}

fn limits(min: Option<i64>, max: Option<i64>) -> String {
    match (min, max) {
        (Some(min), Some(max)) => format!(" ({min} - {max})"),
        (Some(min), None) => format!(" ({min} - N)"),
        (None, Some(max)) => format!(" (-N - {max})"),
        (None, None) => String::new(),
    }
}

/// The full help of several verbs.
pub(crate) fn full_of<'a>(verbs: impl Iterator<Item = &'a Verb>) -> String {
    let mut text: String = verbs.map(|verb| full(&verb.spec)).collect();
    text.push('\n');
    text
}

/// One line per verb.
pub(crate) fn lines_of<'a>(verbs: impl Iterator<Item = &'a Verb>) -> String {
    let lines: Vec<String> = verbs.map(|verb| usage_line(&verb.spec)).collect();
    format!("USAGE: {}\n\n", lines.join("\n       "))
}

#[cfg(test)]
mod tests;
