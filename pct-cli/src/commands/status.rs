//! `pct status`

use std::{collections::BTreeMap, fmt::Write as _};

use serde_json::Value;

use super::{Verb, open_to_read, report};
use crate::{
    check::Args,
    door::{Error, Listing, Status, Usage, json},
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
        positionals: &[Param { about: "The numbers of one or more containers.", ..VMID.many() }],
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
    let read = |vmid| -> Result<(Status, Option<Usage>), Error> {
        let container = pct.container(vmid);
        let status = container.status()?;
        let asked = status.running && (form.is_some() || args.is_set("verbose"));
        Ok((status, if asked { container.usage()? } else { None }))
    };
    let vmids = args.vmids()?;
    if let [vmid] = vmids.as_slice() {
        let (status, usage) = read(*vmid)?;
        output::print(&match form {
            Some(form) => form.render(&json::status(&status, usage.as_ref())),
            None if args.is_set("verbose") => verbose(&json::status(&status, usage.as_ref())),
            None => line(status.running),
        })?;
        return Ok(Exit::SUCCESS);
    }
    let mut listing = Listing::default();
    let mut usages = BTreeMap::new();
    for vmid in vmids {
        match read(vmid) {
            Ok((status, usage)) => {
                listing.containers.push(status);
                usages.insert(vmid, usage);
            }
            Err(error) => listing.errors.push((vmid, error)),
        }
    }
    let usage = |vmid| usages.get(&vmid).copied().flatten();
    let shown = listing.containers.iter();
    output::print(&match form {
        Some(form) => form.render(&json::listing(&listing, usage, |_| None)),
        None if args.is_set("verbose") => {
            let block = |status: &Status| verbose(&json::status(status, usage(status.vmid).as_ref()));
            shown.map(block).collect::<Vec<_>>().join("\n")
        }
        None => shown.map(|status| format!("{}: {}\n", status.vmid, word(status.running))).collect(),
    })?;
    report(&listing.errors)
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
