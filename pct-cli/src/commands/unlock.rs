//! `pct unlock`

use super::{Verb, open};
use crate::{
    check::Args,
    exit::Exit,
    failure::Failure,
    progress::Narrator,
    spec::{Group, VMID, VerbSpec},
};

pub(crate) static VERB: Verb = Verb {
    spec: VerbSpec {
        name: "unlock",
        group: Group::Access,
        about: "Take away the mark that an operation has left in the configuration, whoever has set it.",
        positionals: &[VMID],
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
    let mut narrator = Narrator::default();
    let unlocked = open()?.container(vmid).unlock(&mut narrator);
    narrator.finish();
    unlocked?;
    Ok(Exit::SUCCESS)
}
