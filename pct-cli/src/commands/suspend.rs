//! `pct suspend`

use super::{Verb, open};
use crate::{
    check::Args,
    exit::Exit,
    failure::Failure,
    spec::{Candidates, Group, VMID, VerbSpec},
    task,
};

pub(crate) static VERB: Verb = Verb {
    spec: VerbSpec {
        name: "suspend",
        group: Group::Power,
        about: "Write the state of a running container to disk, and end it (experimental). 'resume' goes on with it.",
        positionals: &[VMID.candidates(Candidates::Running)],
        options: &[],
        config_options: false,
        extra_args: false,
        needs_root: true,
        ours: false,
    },
    run,
};

fn run(args: &Args) -> Result<Exit, Failure> {
    let vmid = args.vmid()?;
    let pct = open()?;
    task::run(|progress| pct.container(vmid).suspend(progress))
}
