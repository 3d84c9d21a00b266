//! `pct config`

use pct::config::{Type, keys};
use serde_json::{Map, Value};

use super::{Verb, open_to_read};
use crate::{
    check::Args,
    door::ConfigView,
    exit::Exit,
    failure::{Failure, ParamErrors},
    formats, output,
    spec::{Group, Kind, OUTPUT_FORMAT, Param, VMID, VerbSpec},
    structured::Form,
};

pub(crate) static VERB: Verb = Verb {
    spec: VerbSpec {
        name: "config",
        group: Group::Config,
        about: "Show the configuration of a container. Changes that wait for the next start are shown as if made.",
        positionals: &[VMID],
        options: &[
            Param::new("current", Kind::Bool, "Show the values in force instead of those that wait.")
                .default("0"),
            Param::new("snapshot", Kind::Text, "Show the configuration that this snapshot holds.")
                .format(formats::config_id)
                .max_len(40),
            OUTPUT_FORMAT,
        ],
        config_options: false,
        extra_args: false,
        needs_root: false,
        ours: false,
    },
    run,
};

fn run(args: &Args) -> Result<Exit, Failure> {
    let view = view(args)?;
    let lines = open_to_read()?.container(args.vmid()?).config(&view)?;
    output::print(&match Form::named(args.text("output-format")) {
        Some(form) => form.render(&fields(&lines)),
        None => text(&lines),
    })?;
    Ok(Exit::SUCCESS)
}

fn view(args: &Args) -> Result<ConfigView, ParamErrors> {
    match (args.text("snapshot"), args.is_set("current")) {
        (None, false) => Ok(ConfigView::Pending),
        (None, true) => Ok(ConfigView::Current),
        (Some(name), false) => Ok(ConfigView::Snapshot(name.to_owned())),
        (Some(_), true) => {
            let mut errors = ParamErrors::new(ParamErrors::VERIFICATION);
            errors.add("current", "cannot use 'snapshot' parameter with 'current'");
            errors.add("snapshot", "cannot use 'snapshot' parameter with 'current'");
            Err(errors)
        }
    }
}

fn text(lines: &[String]) -> String {
    lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect()
}

/// The fields of the REST interface: numbers as numbers, the description decoded, the raw lines as pairs in `lxc`.
fn fields(lines: &[String]) -> Value {
    let mut fields = Map::new();
    let mut raw = Vec::new();
    for (key, value) in lines.iter().filter_map(|line| line.split_once(": ")) {
        if key.starts_with("lxc.") {
            raw.push(Value::from(vec![key, value]));
        } else if key == "description" {
            fields.insert(key.to_owned(), percent_decode(value).into());
        } else {
            fields.insert(key.to_owned(), typed(key, value));
        }
    }
    if !raw.is_empty() {
        fields.insert("lxc".to_owned(), raw.into());
    }
    Value::Object(fields)
}

/// A number if the key is numeric and the file says a number there.
fn typed(key: &str, value: &str) -> Value {
    let numeric = keys::lookup(key).is_some_and(|(key, _)| key.schema.kind != Type::String);
    let whole = value.parse::<i64>().ok().map(Value::from);
    let number = || whole.or_else(|| value.parse::<f64>().ok().filter(|n| n.is_finite()).map(Value::from));
    if numeric { number().unwrap_or_else(|| value.into()) } else { value.into() }
}

/// Undoes the encoding of the description's one line.
fn percent_decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let code = after.get(..2).filter(|_| byte == b'%').and_then(|hex| std::str::from_utf8(hex).ok());
        match code.filter(|hex| !hex.starts_with('+')).and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(decoded) => {
                bytes.push(decoded);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests;
