//! `pct pull`

use std::{
    io::{self, ErrorKind},
    os::fd::AsFd as _,
};

use super::{
    Verb, open,
    push::{GROUP, PERMS, R, RECURSIVE, USER, host_file, options, word},
};
use crate::{
    check::Args,
    door::{Error, HostFile},
    exit::Exit,
    failure::Failure,
    spec::{Candidates, Group, Kind, Param, VMID, VerbSpec},
    task,
};

pub(crate) static VERB: Verb = Verb {
    spec: VerbSpec {
        name: "pull",
        group: Group::Access,
        about: "Copy a file out of a running container.",
        positionals: &[
            VMID.candidates(Candidates::Running),
            Param::new("path", Kind::Text, "The file in the container.").required(),
            Param::new("destination", Kind::Text, "Where it goes on the host; - is standard output.")
                .required(),
        ],
        options: &[USER, GROUP, PERMS, RECURSIVE, R],
        config_options: false,
        extra_args: false,
        needs_root: true,
        ours: false,
    },
    run,
};

fn run(args: &Args) -> Result<Exit, Failure> {
    let vmid = args.vmid()?;
    let options = options(args)?;
    let (path, destination) = (word(args, "path"), word(args, "destination"));
    let pct = open()?;
    let stdout = io::stdout();
    let to = host_file(destination).unwrap_or(HostFile::Open(stdout.as_fd()));
    let done = task::run(|progress| pct.container(vmid).pull(path, to, &options, progress));
    done.map_err(|failure| match failure {
        Failure::Task(Error::Copy { source, .. })
            if matches!(to, HostFile::Open(_)) && source.kind() == ErrorKind::BrokenPipe =>
        {
            Failure::ClosedPipe
        }
        other => other,
    })
}
