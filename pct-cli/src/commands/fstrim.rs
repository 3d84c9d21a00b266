//! `pct fstrim`

use super::{Verb, open};
use crate::{
    check::Args,
    door::FstrimOptions,
    exit::Exit,
    failure::Failure,
    progress::Narrator,
    spec::{Group, Kind, Param, VMID, VerbSpec},
};

pub(crate) static VERB: Verb = Verb {
    spec: VerbSpec {
        name: "fstrim",
        group: Group::Access,
        about: "Have the volumes of a container give back to their storages what they do not use.",
        positionals: &[VMID],
        options: &[Param::new("ignore-mountpoints", Kind::Bool, "The root file system only.")],
        config_options: false,
        extra_args: false,
        needs_root: true,
        ours: false,
    },
    run,
};

fn run(args: &Args) -> Result<Exit, Failure> {
    let vmid = args.vmid()?;
    let options = FstrimOptions::default().ignore_mountpoints(args.is_set("ignore-mountpoints"));
    let mut narrator = Narrator::interruptible()?.plain();
    let trimmed = open()?.container(vmid).fstrim(&options, &mut narrator);
    narrator.finish();
    trimmed?;
    Ok(Exit::SUCCESS)
}
