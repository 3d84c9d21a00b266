//! `pct resume`

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
        name: "resume",
        group: Group::Power,
        about: "Go on with a suspended container (experimental).",
        positionals: &[VMID.candidates(Candidates::Startable)],
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
    task::run(|progress| pct.container(vmid).resume(progress))
}
