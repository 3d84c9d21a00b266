//! `pct stopall`: ours.

use std::time::Duration;

use super::{Verb, open, report};
use crate::{
    check::Args,
    door::StopAllOptions,
    exit::Exit,
    failure::Failure,
    spec::{Group, Kind, Param, VerbSpec},
    task,
};

pub(crate) static VERB: Verb = Verb {
    spec: VerbSpec {
        name: "stopall",
        group: Group::Power,
        about: "Shut all running containers down, in the reverse order of 'startup'. Those that take too long are \
                stopped.",
        positionals: &[],
        options: &[Param::new(
            "timeout",
            Kind::Int { min: Some(0), max: None },
            "How many seconds to wait for a container whose 'startup' does not say it with 'down'.",
        )
        .default("60")
        .ours()],
        config_options: false,
        extra_args: false,
        needs_root: true,
        ours: true,
    },
    run,
};

fn run(args: &Args) -> Result<Exit, Failure> {
    let options = StopAllOptions::default().timeout(args.unsigned("timeout").map(Duration::from_secs));
    let pct = open()?;
    let mut failures = Vec::new();
    task::run(|progress| {
        failures = pct.stop_all(&options, progress)?;
        Ok(())
    })?;
    report(&failures)
}
