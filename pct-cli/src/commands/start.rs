//! `pct start`

use super::{
    Verb, open,
    wait::{CONDITIONS, TIMEOUT, condition, timeout},
};
use crate::{
    check::Args,
    door::StartOptions,
    exit::Exit,
    failure::Failure,
    spec::{Candidates, Group, Kind, Param, VMID, VerbSpec},
    task,
};

pub(crate) static VERB: Verb = Verb {
    spec: VerbSpec {
        name: "start",
        group: Group::Power,
        about: "Start a container.",
        positionals: &[VMID.candidates(Candidates::Startable)],
        options: &[
            Param::new("debug", Kind::Bool, "Write a detailed log of the start.").default("0"),
            Param::new("skiplock", Kind::Bool, "Start even if the container is marked as being worked on."),
            Param::new("wait", Kind::Enum(CONDITIONS), "Come back only when this has been reached.").ours(),
            TIMEOUT.requires("wait"),
        ],
        config_options: false,
        extra_args: false,
        needs_root: true,
        ours: false,
    },
    run,
};

fn run(args: &Args) -> Result<Exit, Failure> {
    let options = StartOptions::default().debug(args.is_set("debug")).skiplock(args.is_set("skiplock"));
    let vmid = args.vmid()?;
    let pct = open()?;
    task::run(|progress| {
        let container = pct.container(vmid);
        container.start(&options, progress)?;
        match condition(args.text("wait")) {
            Some(condition) => container.wait(condition, timeout(args), progress),
            None => Ok(()),
        }
    })
}
