//! `pct unmount`

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
        name: "unmount",
        group: Group::Access,
        about: "Unmount what 'mount' has mounted.",
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
    let mut narrator = Narrator::default().plain();
    let unmounted = open()?.container(vmid).unmount(&mut narrator);
    narrator.finish();
    unmounted?;
    Ok(Exit::SUCCESS)
}
