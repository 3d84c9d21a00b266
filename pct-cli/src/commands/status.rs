//! `pct status`

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::{Verb, open_to_read};
use crate::{
    check::Args,
    door::Status,
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
    let status = open_to_read()?.container(args.vmid()?).status()?;
    output::print(&match Form::named(args.text("output-format")) {
        Some(form) => form.render(&fields(&status)),
        None if args.is_set("verbose") => verbose(&status),
        None => line(status.running),
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
pub(crate) fn fields(status: &Status) -> Value {
    let mut fields = Map::new();
    let mut put = |name: &str, value: Value| fields.insert(name.to_owned(), value);
    put("vmid", status.vmid.get().into());
    put("type", "lxc".into());
    put("status", word(status.running).into());
    put("name", status.name.clone().into());
    put("cpus", number(status.cpus));
    for (name, bytes_or_seconds) in [
        ("mem", status.mem),
        ("maxmem", status.maxmem),
        ("swap", status.swap),
        ("maxswap", status.maxswap),
        ("disk", status.disk),
        ("maxdisk", status.maxdisk),
        ("diskread", status.diskread),
        ("diskwrite", status.diskwrite),
        ("netin", status.netin),
        ("netout", status.netout),
        ("uptime", status.uptime),
    ] {
        put(name, bytes_or_seconds.into());
    }
    if let Some(pid) = status.pid {
        put("pid", pid.into());
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
    for (name, average) in &status.pressure {
        put(name, (*average).into());
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
fn verbose(status: &Status) -> String {
    let mut text = String::new();
    if let Value::Object(fields) = fields(status) {
        for (name, value) in fields {
            let shown = match &value {
                Value::String(word) => word.clone(),
                // The kernel writes pressure with two digits.
                Value::Number(average) if name.starts_with("pressure") => {
                    format!("{:.2}", average.as_f64().unwrap_or_default())
                }
                other => other.to_string(),
            };
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{name}: {shown}");
        }
    }
    text
}

#[cfg(test)]
pub(crate) mod tests;
