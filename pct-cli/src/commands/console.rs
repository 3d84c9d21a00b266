//! `pct console`

use super::{Verb, become_attached, open};
use crate::{
    check::Args,
    exit::Exit,
    failure::Failure,
    formats,
    spec::{Candidates, Group, Kind, Param, VMID, VerbSpec},
};

pub(crate) static VERB: Verb = Verb {
    spec: VerbSpec {
        name: "console",
        group: Group::Access,
        about: "Connect to the console of a container. The escape key, then q, ends the connection.",
        positionals: &[VMID.candidates(Candidates::Running)],
        options: &[Param::new(
            "escape",
            Kind::Text,
            "The escape key: a letter that is pressed together with Ctrl, with or without a ^ before it.",
        )
        .pattern(formats::is_escape)
        .type_text("\\^?[a-z]")
        .default("^a")],
        config_options: false,
        extra_args: false,
        needs_root: true,
        ours: false,
    },
    run,
};

fn run(args: &Args) -> Result<Exit, Failure> {
    let escape = args.text("escape").and_then(|text| text.chars().last());
    let attach = open()?.container(args.vmid()?).console(escape)?;
    become_attached(attach)
}
