//! `pct config`

use super::{Verb, open_to_read};
use crate::{
    check::Args,
    door::{ConfigView, json, pct_config_lines},
    exit::Exit,
    failure::{Failure, ParamErrors},
    formats, output,
    spec::{Candidates, Group, Kind, OUTPUT_FORMAT, Param, VMID, VerbSpec},
    structured::Form,
};

pub(crate) static VERB: Verb = Verb {
    spec: VerbSpec {
        name: "config",
        group: Group::Config,
        about: "Show the configuration of a container. Changes that wait for the next start are shown as if made.",
        positionals: &[VMID],
        options: &[
            Param::new("current", Kind::Bool, "Show the values in force instead of those that wait.")
                .default("0"),
            Param::new("snapshot", Kind::Text, "Show the configuration that this snapshot holds.")
                .format(formats::config_id)
                .candidates(Candidates::Snapshots)
                .max_len(40),
            OUTPUT_FORMAT,
        ],
        config_options: false,
        extra_args: false,
        needs_root: false,
        ours: false,
    },
    run,
};

fn run(args: &Args) -> Result<Exit, Failure> {
    let view = view(args)?;
    let state = open_to_read()?.container(args.vmid()?).config(&view)?;
    match Form::named(args.text("output-format")) {
        Some(form) => output::print(&form.render(&json::config(&state)))?,
        None => output::print_lines(&pct_config_lines(&state.section))?,
    }
    Ok(Exit::SUCCESS)
}

fn view(args: &Args) -> Result<ConfigView, ParamErrors> {
    match (args.text("snapshot"), args.is_set("current")) {
        (None, false) => Ok(ConfigView::Pending),
        (None, true) => Ok(ConfigView::Current),
        (Some(name), false) => Ok(ConfigView::Snapshot(name.to_owned())),
        (Some(_), true) => {
            let mut errors = ParamErrors::new(ParamErrors::VERIFICATION);
            errors.add("current", "cannot use 'snapshot' parameter with 'current'");
            errors.add("snapshot", "cannot use 'snapshot' parameter with 'current'");
            Err(errors)
        }
    }
}

#[cfg(test)]
mod tests;
