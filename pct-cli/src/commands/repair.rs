//! `pct repair`: ours.

use std::fmt::Write as _;

use super::{Verb, open};
use crate::{
    check::Args,
    door::{Leftover, RepairOptions, RepairOutcome, Vmid, json},
    exit::Exit,
    failure::Failure,
    output::{self, visible},
    progress::Narrator,
    spec::{Group, Kind, OUTPUT_FORMAT, Param, VMID, VerbSpec},
    structured::Form,
};

pub(crate) static VERB: Verb = Verb {
    spec: VerbSpec {
        name: "repair",
        group: Group::Access,
        about: "Find what an operation has left that was killed, or that the host took down with it, and remove it or bring it \
                to its end: its lock, mounts on the host, volumes and snapshots that are not whole, a container that is not \
                whole. An operation that is still at work is left alone, and so is a lock of which nothing says who has set \
                it. Storages are mounted or activated to be searched; that one cannot be is a warning. The exit status is \
                1 when something is left.",
        positionals: &[VMID],
        options: &[
            Param::new(
                "dryrun",
                Kind::Bool,
                "Only tell what would be done. Storages that are not mounted or active are not searched.",
            )
            .default("0")
            .ours(),
            OUTPUT_FORMAT,
        ],
        config_options: false,
        extra_args: false,
        needs_root: true,
        ours: true,
    },
    run,
};

fn run(args: &Args) -> Result<Exit, Failure> {
    let vmid = args.vmid()?;
    let options = RepairOptions::default().dry_run(args.is_set("dryrun"));
    let form = Form::named(args.text("output-format"));
    let mut narrator = match form {
        Some(_) => Narrator::default().beside_result(),
        None => Narrator::default(),
    };
    let repaired = open()?.container(vmid).repair(&options, &mut narrator);
    narrator.finish();
    let leftovers = repaired?;
    output::print(&match form {
        Some(form) => form.render(&json::leftovers(vmid, &leftovers)),
        None => text(vmid, &leftovers),
    })?;
    let is_left = |leftover: &Leftover| leftover.outcome != RepairOutcome::Repaired;
    Ok(if leftovers.iter().any(is_left) { Exit::FINDINGS } else { Exit::SUCCESS })
}

/// What was found, and below it what has become of it.
fn text(vmid: Vmid, leftovers: &[Leftover]) -> String {
    if leftovers.is_empty() {
        return format!("{vmid}: nothing is left of an operation that broke off\n");
    }
    let mut text = String::new();
    for Leftover { kind, found, action, outcome, .. } in leftovers {
        let (what, why) = match outcome {
            RepairOutcome::Repaired => ("done", String::new()),
            RepairOutcome::Failed(error) => ("failed", format!(": {error}")),
            RepairOutcome::Yours => ("help", String::new()),
            _ => ("to do", String::new()),
        };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{vmid}: {} [{}]", visible(found), kind.as_str());
        let _ = writeln!(text, "    {what}: {}{}", visible(action), visible(&why));
    }
    text
}
