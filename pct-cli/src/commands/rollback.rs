//! `pct rollback`

use super::{Verb, open};
use crate::{
    check::Args,
    door::RollbackOptions,
    exit::Exit,
    failure::Failure,
    spec::{Candidates, Group, Kind, Param, SNAPNAME, VMID, VerbSpec},
    task,
};

pub(crate) static VERB: Verb = Verb {
    spec: VerbSpec {
        name: "rollback",
        group: Group::Snapshot,
        about: "Go back to a snapshot. A container that runs is stopped at once; what it has written since is lost.",
        positionals: &[VMID, SNAPNAME.candidates(Candidates::Snapshots)],
        options: &[Param::new("start", Kind::Bool, "Start the container afterwards.").default("0")],
        config_options: false,
        extra_args: false,
        needs_root: true,
        ours: false,
    },
    run,
};

fn run(args: &Args) -> Result<Exit, Failure> {
    let options = RollbackOptions::default().start(args.is_set("start"));
    let (vmid, name) = (args.vmid()?, args.text("snapname").unwrap_or_default());
    let pct = open()?;
    task::run(|progress| pct.container(vmid).rollback(name, &options, progress))
}
