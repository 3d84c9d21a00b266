//! `pct list`

use super::{Verb, open_to_read, report, status};
use crate::{
    check::Args,
    door::{Status, json, to_bytes},
    exit::Exit,
    failure::Failure,
    output,
    spec::{Group, OUTPUT_FORMAT, VMIDS, VerbSpec},
    structured::Form,
};

pub(crate) static VERB: Verb = Verb {
    spec: VerbSpec {
        name: "list",
        group: Group::Existence,
        about: "List the containers of this machine with their state. Data for programs has what running ones use, \
                and for root the addresses by which they can be reached, `ips`.",
        positionals: &[VMIDS],
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
    let mut vmids = args.vmids()?;
    vmids.sort_unstable();
    let mut listing = if vmids.is_empty() { pct.list()? } else { pct.list_of(&vmids)? };
    match Form::named(args.text("output-format")) {
        Some(form) => {
            // One that stops in between is shown as it was found, without use.
            let usage = |vmid| pct.container(vmid).usage().ok().flatten();
            let is_root = rustix::process::geteuid().is_root();
            let mut unknown = Vec::new();
            let interfaces = |vmid| {
                // Nobody else gets to see the network of another.
                let asked = if is_root { pct.container(vmid).interfaces() } else { Ok(None) };
                asked.unwrap_or_else(|error| {
                    unknown.push((vmid, error));
                    None
                })
            };
            let data = json::listing(&listing, usage, interfaces);
            listing.errors.extend(unknown);
            output::print(&form.render(&data))?;
        }
        None => output::print_lines(&table(&listing.containers))?,
    }
    report(&listing.errors)
}

/// The table that scripts cut: nothing at all when there is nothing (spec: cli, part 5.1).
fn table(entries: &[Status]) -> Vec<String> {
    let rows = entries.iter().map(|entry| {
        let lock = entry.lock.as_deref().unwrap_or_default();
        row(&entry.vmid.to_string(), status::word(entry.running), lock, &entry.name)
    });
    let head = (!entries.is_empty()).then(|| row("VMID", "Status", "Lock", "Name"));
    head.into_iter().chain(rows).collect()
}

/// Columns are padded to a number of bytes and never cut.
fn row(vmid: &str, state: &str, lock: &str, name: &str) -> String {
    // A name of several bytes per character is padded less, as the original does.
    let name_width = 20_usize.saturating_sub(to_bytes(name).len() - name.chars().count());
    format!("{vmid:<10} {state:<10} {lock:<12} {name:<name_width$}")
}

#[cfg(test)]
mod tests;
