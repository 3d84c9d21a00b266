//! `pct pending`

use super::{Verb, open_to_read};
use crate::{
    check::Args,
    door::{json, pct_pending_lines},
    exit::Exit,
    failure::Failure,
    output,
    spec::{Group, OUTPUT_FORMAT, VMID, VerbSpec},
    structured::Form,
};

pub(crate) static VERB: Verb = Verb {
    spec: VerbSpec {
        name: "pending",
        group: Group::Existence,
        about: "Show the configuration of a container with the changes that wait for the next start.",
        positionals: &[VMID],
        options: &[OUTPUT_FORMAT],
        config_options: false,
        extra_args: false,
        needs_root: false,
        ours: false,
    },
    run,
};

fn run(args: &Args) -> Result<Exit, Failure> {
    let config = open_to_read()?.container(args.vmid()?).load()?.config;
    match Form::named(args.text("output-format")) {
        Some(form) => output::print(&form.render(&json::pending(&config)))?,
        None => output::print_lines(&pct_pending_lines(&config))?,
    }
    Ok(Exit::SUCCESS)
}
