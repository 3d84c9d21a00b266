//! `pct enter`

use super::{
    Verb, become_attached,
    exec::{KEEP_ENV, keeps_env},
    open,
};
use crate::{
    check::Args,
    exit::Exit,
    failure::Failure,
    spec::{Candidates, Group, VMID, VerbSpec},
};

pub(crate) static VERB: Verb = Verb {
    spec: VerbSpec {
        name: "enter",
        group: Group::Access,
        about: "Open a root shell in a running container.",
        positionals: &[VMID.candidates(Candidates::Running)],
        options: &[KEEP_ENV],
        config_options: false,
        extra_args: false,
        needs_root: true,
        ours: false,
    },
    run,
};

fn run(args: &Args) -> Result<Exit, Failure> {
    let attach = open()?.container(args.vmid()?).enter(keeps_env(args))?;
    become_attached(attach)
}
