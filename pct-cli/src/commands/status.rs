//! `pct status`

use std::fmt::Write as _;

use serde_json::Value;

use super::{Verb, open_to_read};
use crate::{
    check::Args,
    door::json,
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
    let fields = json::status(&status, usage.as_ref());
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
