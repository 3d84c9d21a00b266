//! The verbs, one file each: the table of its parameters, and what it does with them.

mod bashcomplete;
pub(crate) mod clone;
pub(crate) mod config;
pub(crate) mod console;
pub(crate) mod cpusets;
pub(crate) mod create;
pub(crate) mod delsnapshot;
pub(crate) mod destroy;
pub(crate) mod df;
pub(crate) mod doctor;
pub(crate) mod enter;
pub(crate) mod exec;
pub(crate) mod fsck;
pub(crate) mod fstrim;
pub(crate) mod guest_setup;
pub(crate) mod help;
pub(crate) mod ip;
pub(crate) mod lint;
pub(crate) mod list;
pub(crate) mod listsnapshot;
pub(crate) mod lxc_config;
pub(crate) mod mount;
pub(crate) mod move_volume;
pub(crate) mod pending;
pub(crate) mod pull;
pub(crate) mod push;
pub(crate) mod reboot;
pub(crate) mod repair;
pub(crate) mod rescan;
pub(crate) mod resize;
pub(crate) mod resume;
pub(crate) mod rollback;
pub(crate) mod schema;
pub(crate) mod set;
pub(crate) mod shutdown;
pub(crate) mod snapshot;
pub(crate) mod start;
pub(crate) mod startall;
pub(crate) mod status;
pub(crate) mod stop;
pub(crate) mod stopall;
pub(crate) mod storage;
pub(crate) mod suspend;
pub(crate) mod template;
pub(crate) mod unlock;
pub(crate) mod unmount;
mod verifyapi;
pub(crate) mod wait;

use std::{
    ffi::{OsStr, OsString},
    path::PathBuf,
};

use crate::{
    check::Args,
    door::{Attach, Builder, Error, HostFacts, Pct, Vmid, read_config_file},
    exit::Exit,
    failure::{Failure, ParamErrors},
    output,
    spec::VerbSpec,
};

/// A verb: its table and its code.
#[derive(Debug)]
pub(crate) struct Verb {
    pub(crate) spec: VerbSpec,
    pub(crate) run: fn(&Args) -> Result<Exit, Failure>,
}

/// What programs ask for: it has to be named in full, no list shows it, and its words are its own business.
#[derive(Debug)]
pub(crate) struct Hidden {
    name: &'static str,
    pub(crate) run: fn(&[OsString]) -> Result<Exit, Failure>,
}

static HIDDEN: [&Hidden; 2] = [&bashcomplete::VERB, &verifyapi::VERB];

/// The hidden verb of this name.
pub(crate) fn hidden(name: &str) -> Option<&'static Hidden> {
    HIDDEN.into_iter().find(|verb| verb.name == name)
}

/// All verbs in alphabetical order.
static VERBS: [&Verb; 46] = [
    &clone::VERB,
    &config::VERB,
    &console::VERB,
    &cpusets::VERB,
    &create::VERB,
    &delsnapshot::VERB,
    &destroy::VERB,
    &df::VERB,
    &doctor::VERB,
    &enter::VERB,
    &exec::VERB,
    &fsck::VERB,
    &fstrim::VERB,
    &guest_setup::VERB,
    &help::VERB,
    &ip::VERB,
    &lint::VERB,
    &list::VERB,
    &listsnapshot::VERB,
    &lxc_config::VERB,
    &mount::VERB,
    &move_volume::VERB,
    &pending::VERB,
    &pull::VERB,
    &push::VERB,
    &reboot::VERB,
    &repair::VERB,
    &rescan::VERB,
    &resize::VERB,
    &resume::VERB,
    &rollback::VERB,
    &schema::VERB,
    &set::VERB,
    &shutdown::VERB,
    &snapshot::VERB,
    &start::VERB,
    &startall::VERB,
    &status::VERB,
    &stop::VERB,
    &stopall::VERB,
    &storage::VERB,
    &suspend::VERB,
    &template::VERB,
    &unlock::VERB,
    &unmount::VERB,
    &wait::VERB,
];

/// Every verb.
pub(crate) fn all() -> impl Iterator<Item = &'static Verb> {
    VERBS.into_iter()
}

/// Those that the usage shows.
pub(crate) fn visible() -> impl Iterator<Item = &'static Verb> {
    all()
}

/// Those that may be abbreviated.
pub(crate) fn originals() -> impl Iterator<Item = &'static Verb> {
    all().filter(|verb| !verb.spec.ours)
}

/// The variable that moves all of our folders below another root.
const ROOT: &str = "PCT_ROOT";

/// The library for verbs that only read: they tell what a config has wrong.
fn open_to_read() -> Result<Pct, Error> {
    builder().on_diagnostic(output::diagnostic).open()
}

fn open() -> Result<Pct, Error> {
    builder().open()
}

/// The library with the helper that stands beside this program; without one it looks in its own place.
fn builder() -> Builder {
    let builder = match std::env::var_os(ROOT).filter(|root| !root.is_empty()) {
        Some(root) => Pct::builder().root(root),
        None => Pct::builder(),
    };
    match sibling_helper() {
        Some(path) => builder.helper(path),
        None => builder,
    }
}

fn sibling_helper() -> Option<PathBuf> {
    let path = std::env::current_exe().ok()?.with_file_name("pct-helper");
    path.is_file().then_some(path)
}

/// Tells which containers could not be shown; that there are such is a failure.
fn report(errors: &[(Vmid, Error)]) -> Result<Exit, Failure> {
    for (vmid, error) in errors {
        output::error(OsStr::new(&format!("CT {vmid}: {}\n", error.full_message())));
    }
    if errors.is_empty() { Ok(Exit::SUCCESS) } else { Err(Failure::Reported) }
}

/// Becomes the attached process; comes back only to say why not.
fn become_attached(attach: Attach) -> Result<Exit, Failure> {
    Err(attach.replace_process().into())
}

/// The bytes of a config file that is named on the command line; `-` is standard input.
fn config_file(path: &str) -> Result<Vec<u8>, Error> {
    read_config_file(if path == "-" { "/dev/stdin" } else { path })
}

/// A described host, from the text of its file.
fn host(json: &str) -> Result<HostFacts, ParamErrors> {
    serde_json::from_str(json)
        .map_err(|error| ParamErrors::one("host", &format!("describes no host - {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verbs_are_named_once() {
        let names: Vec<_> = all().map(|verb| verb.spec.name).collect();
        assert!(names.windows(2).all(|pair| pair[0] < pair[1]), "{names:?}");
        assert!(names.into_iter().all(|name| hidden(name).is_none()));
    }

    #[test]
    fn reading_needs_no_root() {
        let free: Vec<_> = all().filter(|verb| !verb.spec.needs_root).map(|verb| verb.spec.name).collect();
        assert_eq!(
            free,
            [
                "config",
                "cpusets",
                "help",
                "lint",
                "list",
                "listsnapshot",
                "lxc-config",
                "pending",
                "schema",
                "status"
            ]
        );
    }
}
