//! `pct stop`

use super::{Verb, open};
use crate::{
    check::Args,
    door::StopOptions,
    exit::Exit,
    failure::Failure,
    spec::{Candidates, Group, Kind, Param, VMID, VerbSpec},
    task,
};

pub(crate) static VERB: Verb = Verb {
    spec: VerbSpec {
        name: "stop",
        group: Group::Power,
        about: "Stop a container at once, by ending all of its processes. 'shutdown' lets it end by itself.",
        positionals: &[VMID.candidates(Candidates::Running)],
        options: &[
            Param::new("overrule-shutdown", Kind::Bool, "Break off a shutdown that is under way.")
                .default("0"),
            Param::new("skiplock", Kind::Bool, "Stop even if the container is marked as being worked on."),
        ],
        config_options: false,
        extra_args: false,
        needs_root: true,
        ours: false,
    },
    run,
};

fn run(args: &Args) -> Result<Exit, Failure> {
    // There is no list of running tasks to look a shutdown up in: --overrule-shutdown changes nothing where none is
    // under way, and else the lock is waited for.
    let options = StopOptions::default().skiplock(args.is_set("skiplock"));
    let vmid = args.vmid()?;
    let pct = open()?;
    task::run(|progress| pct.container(vmid).stop(&options, progress))
}
