//! `pct status`

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::{Verb, open_to_read};
use crate::{
    check::Args,
    door::{Status, Usage},
    exit::Exit,
    failure::Failure,
    output,
    spec::{Group, Kind, OUTPUT_FORMAT, Param, VMID, VerbSpec},
    structured::Form,
};

pub(crate) static VERB: Verb = Verb {
    spec: VerbSpec {
        name: "status",
        group: Group::Access,
        about: "Tell whether a container runs, or everything known about its state.",
        positionals: &[VMID],
        options: &[
            Param::new(
                "verbose",
                Kind::Bool,
                "Also show use and limits of memory, disk, network and processors.",
            ),
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
    let form = Form::named(args.text("output-format"));
    let pct = open_to_read()?;
    let container = pct.container(args.vmid()?);
    let status = container.status()?;
    if form.is_none() && !args.is_set("verbose") {
        output::print(&line(status.running))?;
        return Ok(Exit::SUCCESS);
    }
    let usage = if status.running { container.usage()? } else { None };
    let fields = fields(&status, usage.as_ref());
    output::print(&match form {
        Some(form) => form.render(&fields),
        None => verbose(&fields),
    })?;
    Ok(Exit::SUCCESS)
}

/// The one line that scripts compare.
pub(super) fn line(running: bool) -> String {
    format!("status: {}\n", word(running))
}

/// `running` or `stopped`.
pub(super) fn word(running: bool) -> &'static str {
    if running { "running" } else { "stopped" }
}

/// All fields by the names of the REST interface (spec: cli, part A.2).
pub(super) fn fields(status: &Status, usage: Option<&Usage>) -> Value {
    let idle = Usage::default();
    let used = usage.unwrap_or(&idle);
    let mut fields = Map::new();
    let mut put = |name: &str, value: Value| fields.insert(name.to_owned(), value);
    put("vmid", status.vmid.get().into());
    put("type", "lxc".into());
    put("status", word(status.running).into());
    put("name", status.name.clone().into());
    put("cpus", number(status.cpus));
    for (name, bytes_or_seconds) in [
        ("mem", used.memory),
        ("maxmem", status.max_memory),
        ("swap", used.swap),
        ("maxswap", status.max_swap),
        ("disk", used.disk),
        ("maxdisk", usage.map_or(status.max_disk, |usage| usage.max_disk)),
        ("diskread", used.disk_read),
        ("diskwrite", used.disk_write),
        ("netin", used.net_in),
        ("netout", used.net_out),
        ("uptime", used.uptime),
    ] {
        put(name, bytes_or_seconds.into());
    }
    if let Some(usage) = usage {
        put("pid", usage.pid.into());
    }
    if let Some(lock) = &status.lock {
        put("lock", lock.clone().into());
    }
    if let Some(tags) = &status.tags {
        put("tags", tags.clone().into());
    }
    if status.template {
        put("template", 1.into());
    }
    Value::Object(fields)
}

/// A count of processors is whole unless a limit made it a fraction.
fn number(value: f64) -> Value {
    let whole = format!("{value:.0}");
    match whole.parse::<i64>() {
        Ok(integer) if value.fract() == 0.0 => integer.into(),
        _ => value.into(),
    }
}

/// One line per field, sorted.
fn verbose(fields: &Value) -> String {
    let mut text = String::new();
    for (name, value) in fields.as_object().into_iter().flatten() {
        // Writing to a String cannot fail.
        let _ = match value {
            Value::String(word) => writeln!(text, "{name}: {word}"),
            other => writeln!(text, "{name}: {other}"),
        };
    }
    text
}

#[cfg(test)]
pub(crate) mod tests;
