//! `pct list`

use std::{ffi::OsStr, fmt::Write as _};

use serde_json::Value;

use super::{Verb, open_to_read, status};
use crate::{
    check::Args,
    door::{Listing, Status, json},
    exit::Exit,
    failure::Failure,
    output,
    spec::{Group, OUTPUT_FORMAT, VerbSpec},
    structured::Form,
};

pub(crate) static VERB: Verb = Verb {
    spec: VerbSpec {
        name: "list",
        group: Group::Existence,
        about: "List all containers of this machine with their state.",
        positionals: &[],
        options: &[OUTPUT_FORMAT],
        config_options: false,
        extra_args: false,
        needs_root: false,
        ours: false,
    },
    run,
};

fn run(args: &Args) -> Result<Exit, Failure> {
    let pct = open_to_read()?;
    let Listing { containers, errors } = pct.list()?;
    output::print(&match Form::named(args.text("output-format")) {
        Some(form) => {
            let fields = |entry: &Status| {
                // One that stops in between is shown as it was found, without use.
                let usage =
                    if entry.running { pct.container(entry.vmid).usage().ok().flatten() } else { None };
                json::status(entry, usage.as_ref())
            };
            form.render(&Value::Array(containers.iter().map(fields).collect()))
        }
        None => table(&containers),
    })?;
    if errors.is_empty() {
        return Ok(Exit::SUCCESS);
    }
    for (vmid, error) in errors {
        output::error(OsStr::new(&format!("CT {vmid}: {}\n", error.full_message())));
    }
    Err(Failure::Reported)
}

/// The table that scripts cut: nothing at all when there is nothing (spec: cli, part 5.1).
fn table(entries: &[Status]) -> String {
    let mut text = String::new();
    if !entries.is_empty() {
        row(&mut text, "VMID", "Status", "Lock", "Name");
    }
    for entry in entries {
        let lock = entry.lock.as_deref().unwrap_or_default();
        row(&mut text, &entry.vmid.to_string(), status::word(entry.running), lock, &entry.name);
    }
    text
}

/// Columns are padded to a number of bytes and never cut.
fn row(text: &mut String, vmid: &str, state: &str, lock: &str, name: &str) {
    // A name of several bytes per character is padded less, as the original does.
    let name_width = 20usize.saturating_sub(name.len() - name.chars().count());
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{vmid:<10} {state:<10} {lock:<12} {name:<name_width$}");
}

#[cfg(test)]
mod tests;
