//! `pct resize`

use super::{Verb, open};
use crate::{
    check::Args,
    door::{NewSize, ResizeOptions},
    exit::Exit,
    failure::Failure,
    spec::{Candidates, Group, Kind, Param, VMID, VerbSpec},
    task,
};

pub(crate) static VERB: Verb = Verb {
    spec: VerbSpec {
        name: "resize",
        group: Group::Existence,
        about: "Make a volume larger, and the file system on it, also while the container runs.",
        positionals: &[
            VMID,
            Param::new("disk", Kind::Disk, "The volume: rootfs or a mount point.")
                .candidates(Candidates::Disks)
                .required(),
            Param::new(
                "size",
                Kind::Text,
                "The new size, or with a + in front how much more. Bytes, or with one of K, M, G and T behind it KiB to \
                 TiB. Nothing can be made smaller.",
            )
            .pattern(is_size)
            .type_text("\\+?\\d+(\\.\\d+)?[KMGT]?")
            .required(),
        ],
        options: &[Param::new(
            "digest",
            Kind::Text,
            "Change nothing unless the configuration file has this SHA-1: somebody else may have changed it.",
        )
        .max_len(40)],
        config_options: false,
        extra_args: false,
        needs_root: true,
        ours: false,
    },
    run,
};

fn run(args: &Args) -> Result<Exit, Failure> {
    let vmid = args.vmid()?;
    let size: Result<NewSize, _> = args.text("size").unwrap_or_default().parse();
    let size = size.map_err(|error| Failure::Message(error.to_string()))?;
    let mut options = ResizeOptions::default();
    options.digest = args.text("digest").map(str::to_owned);
    let disk = args.text("disk").unwrap_or_default();
    let pct = open()?;
    task::run(|progress| pct.container(vmid).resize(disk, size, &options, progress))
}

fn is_size(text: &str) -> bool {
    text.parse::<NewSize>().is_ok()
}
