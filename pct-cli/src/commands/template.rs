//! `pct template`

use super::{Verb, open};
use crate::{
    check::Args,
    exit::Exit,
    failure::Failure,
    spec::{Group, VMID, VerbSpec},
    task,
};

pub(crate) static VERB: Verb = Verb {
    spec: VerbSpec {
        name: "template",
        group: Group::Existence,
        about: "Make a container a template, from which clones can be made that share its content. It can't be started any \
                more, and there is no way back.",
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
    let pct = open()?;
    task::run(|progress| pct.container(vmid).template(progress))
}
