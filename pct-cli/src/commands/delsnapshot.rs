//! `pct delsnapshot`

use super::{Verb, open};
use crate::{
    check::Args,
    door::DeleteSnapshotOptions,
    exit::Exit,
    failure::Failure,
    spec::{Candidates, Group, Kind, Param, SNAPNAME, VMID, VerbSpec},
    task,
};

pub(crate) static VERB: Verb = Verb {
    spec: VerbSpec {
        name: "delsnapshot",
        group: Group::Snapshot,
        about: "Remove a snapshot.",
        positionals: &[VMID, SNAPNAME.candidates(Candidates::Snapshots)],
        options: &[Param::new(
            "force",
            Kind::Bool,
            "Remove it from the configuration also when a storage fails to remove its part.",
        )
        .default("0")],
        config_options: false,
        extra_args: false,
        needs_root: true,
        ours: false,
    },
    run,
};

fn run(args: &Args) -> Result<Exit, Failure> {
    let options = DeleteSnapshotOptions::default().force(args.is_set("force"));
    let (vmid, name) = (args.vmid()?, args.text("snapname").unwrap_or_default());
    let pct = open()?;
    task::run(|progress| pct.container(vmid).delete_snapshot(name, &options, progress))
}
