//! `pct set`

use super::{Verb, open};
use crate::{
    check::Args,
    door::{Changes, split_list},
    exit::Exit,
    failure::Failure,
    formats,
    progress::Narrator,
    spec::{Candidates, Group, Kind, Param, VMID, VerbSpec},
};

pub(crate) static VERB: Verb = Verb {
    spec: VerbSpec {
        name: "set",
        group: Group::Config,
        about: "Change the configuration of a container. What a running one cannot be told at once waits for its next \
                start: `pct pending` shows it.",
        positionals: &[VMID],
        options: &[
            Param::new("delete", Kind::List, "Keys to remove, separated by commas.").format(formats::config_id)
                .candidates(Candidates::Keys),
            Param::new(
                "digest",
                Kind::Text,
                "Change nothing unless the configuration file has this SHA-1: somebody else may have changed it.",
            )
            .max_len(40),
            Param::new("revert", Kind::List, "Keys whose pending change is dropped, separated by commas.")
                .format(formats::config_id)
                .candidates(Candidates::PendingKeys),
        ],
        config_options: true,
        extra_args: false,
        needs_root: true,
        ours: false,
    },
    run,
};

fn run(args: &Args) -> Result<Exit, Failure> {
    let changes = changes(args);
    let vmid = args.vmid()?;
    let mut narrator = Narrator::interruptible()?.plain();
    let changed = open()?.container(vmid).set(&changes, &mut narrator);
    narrator.finish();
    changed?;
    Ok(Exit::SUCCESS)
}

fn changes(args: &Args) -> Changes {
    let list =
        |name| args.text(name).map(|text| split_list(text).map(str::to_owned).collect()).unwrap_or_default();
    let mut changes = Changes::default();
    changes.set = args.config();
    changes.delete = list("delete");
    changes.revert = list("revert");
    changes.digest = args.text("digest").map(str::to_owned);
    changes
}
