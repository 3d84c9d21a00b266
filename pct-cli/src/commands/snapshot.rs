//! `pct snapshot`

use super::{Verb, open};
use crate::{
    check::Args,
    door::SnapshotOptions,
    exit::Exit,
    failure::Failure,
    spec::{Group, Kind, Param, SNAPNAME, VMID, VerbSpec},
    task,
};

pub(crate) static VERB: Verb = Verb {
    spec: VerbSpec {
        name: "snapshot",
        group: Group::Snapshot,
        about: "Freeze the present state of a container under a name: its configuration and what is on its volumes.",
        positionals: &[VMID, SNAPNAME],
        options: &[Param::new("description", Kind::Text, "Notes on the snapshot.")],
        config_options: false,
        extra_args: false,
        needs_root: true,
        ours: false,
    },
    run,
};

fn run(args: &Args) -> Result<Exit, Failure> {
    let mut options = SnapshotOptions::default();
    options.description = args.text("description").map(str::to_owned);
    let (vmid, name) = (args.vmid()?, args.text("snapname").unwrap_or_default());
    let pct = open()?;
    task::run_interruptible(|progress| pct.container(vmid).snapshot(name, &options, progress))
}
