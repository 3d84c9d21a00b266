//! `pct shutdown`

use std::time::Duration;

use super::{Verb, open};
use crate::{
    check::Args,
    door::ShutdownOptions,
    exit::Exit,
    failure::Failure,
    spec::{Candidates, Group, Kind, Param, VMID, VerbSpec},
    task,
};

pub(crate) static VERB: Verb = Verb {
    spec: VerbSpec {
        name: "shutdown",
        group: Group::Power,
        about: "Ask a container to shut down, and wait until it has.",
        positionals: &[VMID.candidates(Candidates::Running)],
        options: &[
            Param::new("forceStop", Kind::Bool, "Stop the container when the time is over.").default("0"),
            Param::new("timeout", Kind::Int { min: Some(0), max: None }, "How many seconds to wait.")
                .default("60"),
        ],
        config_options: false,
        extra_args: false,
        needs_root: true,
        ours: false,
    },
    run,
};

/// The documented default, in seconds.
const TIMEOUT: u64 = 60;

fn run(args: &Args) -> Result<Exit, Failure> {
    let options = options(args);
    let vmid = args.vmid()?;
    let pct = open()?;
    task::run(|progress| pct.container(vmid).shutdown(&options, progress))
}

fn options(args: &Args) -> ShutdownOptions {
    ShutdownOptions::default()
        .timeout(Duration::from_secs(args.unsigned("timeout").unwrap_or(TIMEOUT)))
        .force_stop(args.is_set("forceStop"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::tests::args;

    #[test]
    fn the_timeout_is_a_minute_unless_given() {
        let timeout = |words| options(&args(&VERB.spec, words)).timeout.map(|t| t.as_secs());
        assert_eq!(timeout("100"), Some(60));
        assert_eq!(timeout("100 -timeout 0"), Some(0));
        assert_eq!(timeout("100 --timeout 99999999999999999999"), Some(u64::MAX));
        assert!(options(&args(&VERB.spec, "100 --forcestop")).force_stop, "letter case does not matter");
    }
}
