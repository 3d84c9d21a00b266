//! `pct doctor`: ours.

use std::fmt::Write as _;

use super::{Verb, open, report};
use crate::{
    check::Args,
    door::{Checkup, Gravity, Symptom, Vmid, json},
    exit::Exit,
    failure::Failure,
    output::{self, visible},
    spec::{Group, OUTPUT_FORMAT, VMIDS, VerbSpec},
    structured::Form,
};

pub(crate) static VERB: Verb = Verb {
    spec: VerbSpec {
        name: "doctor",
        group: Group::Access,
        about: "Look for all that would make the next start of a container fail, or go otherwise than expected. Nothing is \
                started or changed. The exit status is 1 when there are errors.",
        positionals: &[VMIDS],
        options: &[OUTPUT_FORMAT],
        config_options: false,
        extra_args: false,
        needs_root: true,
        ours: true,
    },
    run,
};

fn run(args: &Args) -> Result<Exit, Failure> {
    let pct = open()?;
    let (found, errors) = match args.vmids()?.as_slice() {
        [vmid] => (vec![(*vmid, pct.container(*vmid).doctor()?)], Vec::new()),
        vmids => {
            let Checkup { containers, errors, .. } = pct.doctor(vmids)?;
            (containers, errors)
        }
    };
    output::print(&match Form::named(args.text("output-format")) {
        Some(form) => {
            let all = found.iter().flat_map(|(vmid, found)| found.iter().map(|symptom| (*vmid, symptom)));
            form.render(&json::symptoms(all))
        }
        None => found.iter().map(|(vmid, symptoms)| text(*vmid, symptoms)).collect(),
    })?;
    report(&errors)?;
    let failing = |(_, found): &(Vmid, Vec<Symptom>)| found.iter().any(|s| s.gravity == Gravity::Error);
    Ok(if found.iter().any(failing) { Exit::FINDINGS } else { Exit::SUCCESS })
}

/// A line for each, and one that says what to do.
fn text(vmid: Vmid, symptoms: &[Symptom]) -> String {
    if symptoms.is_empty() {
        return format!("{vmid}: nothing found\n");
    }
    let mut text = String::new();
    for Symptom { gravity, code, key, message, remedy, .. } in symptoms {
        let key = key.as_deref().map(|key| format!("{key}: ")).unwrap_or_default();
        // Writing to a String cannot fail.
        let _ =
            writeln!(text, "{vmid}: {}: {}{} [{code}]", gravity.as_str(), visible(&key), visible(message));
        if let Some(remedy) = remedy {
            let _ = writeln!(text, "    help: {}", visible(remedy));
        }
    }
    text
}
