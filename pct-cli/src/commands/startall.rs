//! `pct startall`: ours.

use super::{Verb, open, report};
use crate::{
    check::Args,
    door::StartAllOptions,
    exit::Exit,
    failure::Failure,
    spec::{Group, Kind, Param, VerbSpec},
    task,
};

pub(crate) static VERB: Verb = Verb {
    spec: VerbSpec {
        name: "startall",
        group: Group::Power,
        about: "Start all containers that start with the host ('onboot'), in the order of 'startup'.",
        positionals: &[],
        options: &[Param::new("force", Kind::Bool, "Start those without 'onboot', too.").default("0").ours()],
        config_options: false,
        extra_args: false,
        needs_root: true,
        ours: true,
    },
    run,
};

fn run(args: &Args) -> Result<Exit, Failure> {
    let options = StartAllOptions::default().force(args.is_set("force"));
    let pct = open()?;
    let mut failures = Vec::new();
    task::run(|progress| {
        failures = pct.start_all(&options, progress)?;
        Ok(())
    })?;
    report(&failures)
}
