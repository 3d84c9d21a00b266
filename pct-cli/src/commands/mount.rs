//! `pct mount`

use super::{Verb, open};
use crate::{
    check::Args,
    exit::Exit,
    failure::Failure,
    output,
    progress::Narrator,
    spec::{Group, VMID, VerbSpec},
};

pub(crate) static VERB: Verb = Verb {
    spec: VerbSpec {
        name: "mount",
        group: Group::Access,
        about: "Mount the volumes of a container on the host. Meanwhile it can only be started and stopped: 'unmount' ends that.",
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
    let mounted = open()?.container(vmid).mount(&mut narrator);
    narrator.finish();
    // Scripts look for the path between the quotes.
    output::print(&format!("mounted CT {vmid} in '{}'\n", mounted?.display()))?;
    Ok(Exit::SUCCESS)
}
