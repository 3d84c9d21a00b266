//! `pct reboot`

use std::time::Duration;

use super::{Verb, open};
use crate::{
    check::Args,
    door::RebootOptions,
    exit::Exit,
    failure::Failure,
    spec::{Candidates, Group, Kind, Param, VMID, VerbSpec},
    task,
};

pub(crate) static VERB: Verb = Verb {
    spec: VerbSpec {
        name: "reboot",
        group: Group::Power,
        about: "Shut a container down and start it again. Changes that wait for the next start are made.",
        positionals: &[VMID.candidates(Candidates::Running)],
        options: &[Param::new(
            "timeout",
            Kind::Int { min: Some(0), max: None },
            "How many seconds to wait for the shutdown before the container is stopped.",
        )],
        config_options: false,
        extra_args: false,
        needs_root: true,
        ours: false,
    },
    run,
};

fn run(args: &Args) -> Result<Exit, Failure> {
    let options = RebootOptions::default().timeout(args.unsigned("timeout").map(Duration::from_secs));
    let vmid = args.vmid()?;
    let pct = open()?;
    task::run(|progress| pct.container(vmid).reboot(&options, progress))
}
