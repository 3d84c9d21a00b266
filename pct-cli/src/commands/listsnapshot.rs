//! `pct listsnapshot`

use jiff::{Timestamp, tz::TimeZone};

use super::{Verb, open_to_read};
use crate::{
    check::Args,
    door::{json, pct_listsnapshot_lines},
    exit::Exit,
    failure::Failure,
    output,
    spec::{Group, OUTPUT_FORMAT, VMID, VerbSpec},
    structured::Form,
};

pub(crate) static VERB: Verb = Verb {
    spec: VerbSpec {
        name: "listsnapshot",
        group: Group::Snapshot,
        about: "Show the snapshots of a container as a tree, with the current state at its place.",
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
    let pct = open_to_read()?;
    let container = pct.container(args.vmid()?);
    let loaded = container.load()?;
    match Form::named(args.text("output-format")) {
        Some(form) => output::print(&form.render(&json::snapshots(&loaded, container.is_running()?)))?,
        None => {
            // Heeds the variable TZ.
            let zone = TimeZone::system();
            output::print_lines(&pct_listsnapshot_lines(&loaded.config, |seconds| date(seconds, &zone)))?;
        }
    }
    Ok(Exit::SUCCESS)
}

/// Seconds since 1970 as date and time; a number that no calendar reaches is shown as it is.
fn date(seconds: i64, zone: &TimeZone) -> String {
    match Timestamp::from_second(seconds) {
        Ok(time) => zone.to_datetime(time).strftime("%Y-%m-%d %H:%M:%S").to_string(),
        Err(_) => seconds.to_string(),
    }
}
