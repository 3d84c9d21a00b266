//! `pct rescan`

use super::{Verb, open, report};
use crate::{
    check::Args,
    door::RescanOptions,
    exit::Exit,
    failure::Failure,
    output,
    progress::Narrator,
    spec::{Group, Kind, Param, VMID, VerbSpec},
};

pub(crate) static VERB: Verb = Verb {
    spec: VerbSpec {
        name: "rescan",
        group: Group::Access,
        about: "Look through the storages: note volumes that no configuration names down as unused ones, and correct \
                sizes.",
        positionals: &[],
        options: &[
            Param::new("dryrun", Kind::Bool, "Only tell what would be written.").default("0"),
            Param { required: false, about: "Look for the volumes of this container only.", ..VMID },
        ],
        config_options: false,
        extra_args: false,
        needs_root: true,
        ours: false,
    },
    run,
};

fn run(args: &Args) -> Result<Exit, Failure> {
    let options = RescanOptions::default().dry_run(args.is_set("dryrun"));
    let vmid = args.text("vmid").map(|_| args.vmid()).transpose()?;
    let pct = open()?;
    if options.dry_run {
        output::narrate("NOTE: running in dry-run mode, won't write changes out!");
    }
    output::narrate("rescan volumes...");
    let mut narrator = Narrator::default().plain();
    let scanned = match vmid {
        Some(vmid) => pct.container(vmid).rescan(&options, &mut narrator).map(|()| Vec::new()),
        None => pct.rescan(&options, &mut narrator),
    };
    narrator.finish();
    report(&scanned?)
}
