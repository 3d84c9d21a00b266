//! `pct fsck`

use super::{Verb, open};
use crate::{
    check::Args,
    door::FsckOptions,
    exit::Exit,
    failure::Failure,
    progress::Narrator,
    spec::{Candidates, Group, Kind, Param, VMID, VerbSpec},
};

pub(crate) static VERB: Verb = Verb {
    spec: VerbSpec {
        name: "fsck",
        group: Group::Access,
        about: "Check the file system of a volume while the container is stopped, and correct what can be corrected without a question.",
        positionals: &[VMID],
        options: &[
            Param::new("device", Kind::Disk, "The volume: rootfs or a mount point.")
                .default("rootfs")
                .candidates(Candidates::Disks),
            Param::new("force", Kind::Bool, "Check it even if it seems clean.").default("0"),
        ],
        config_options: false,
        extra_args: false,
        needs_root: true,
        ours: false,
    },
    run,
};

fn run(args: &Args) -> Result<Exit, Failure> {
    let vmid = args.vmid()?;
    let mut options = FsckOptions::default().force(args.is_set("force"));
    options.device = args.text("device").map(str::to_owned);
    let mut narrator = Narrator::default().plain();
    let checked = open()?.container(vmid).fsck(&options, &mut narrator);
    narrator.finish();
    checked?;
    Ok(Exit::SUCCESS)
}
