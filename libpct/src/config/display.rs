//! What `pct config` and `pct pending` print (spec: cli, parts 5.2 and 5.3).

use std::borrow::Cow;

use super::{
    changes::{PendingKey, pending_deletions, pending_keys},
    keys,
    model::Config,
    schema::CheckError,
    section::Section,
    text::percent_encode,
};

/// Which state of a container to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View<'a> {
    /// The current state with the pending changes in place.
    WithPending,
    /// The current state alone.
    Current,
    /// A snapshot.
    Snapshot(&'a str),
}

/// The section that a view shows; `None` when there is no such snapshot.
#[must_use]
pub fn view<'a>(config: &'a Config, which: View<'_>) -> Option<Cow<'a, Section>> {
    match which {
        View::Current => Some(Cow::Borrowed(config.main())),
        View::Snapshot(name) => config.snapshots().get(name).map(Cow::Borrowed),
        View::WithPending => {
            let Some(pending) = config.pending() else { return Some(Cow::Borrowed(config.main())) };
            let mut section = config.main().clone();
            for (key, value) in pending.entries().filter(|(key, _)| *key != "delete") {
                section.set(key, value);
            }
            for (key, _) in pending_deletions(pending) {
                // A pending deletion of a key that is `0` has never been hidden here.
                if section.get(key).is_some_and(|value| value != "0") {
                    section.remove(key);
                }
            }
            Some(Cow::Owned(section))
        }
    }
}

/// The lines of `pct config` for one section: keys in byte order, then the raw lines.
#[must_use]
pub fn pct_config_lines(section: &Section) -> Vec<String> {
    let keys = section.entries().map(|(key, value)| format!("{key}: {}", shown(key, value)));
    keys.chain(section.raw().iter().map(|line| format!("{}: {}", line.key, line.value))).collect()
}

/// The lines of `pct pending`.
#[must_use]
pub fn pct_pending_lines(config: &Config) -> Vec<String> {
    let lines = |found: PendingKey<'_>| {
        let line = |mark: &str, value| format!("{mark} {}: {}", found.key, shown(found.key, value));
        let now = if found.deletion.is_some() { "del" } else { "cur" };
        [found.current.map(|value| line(now, value)), found.pending.map(|value| line("new", value))]
    };
    pending_keys(config).into_iter().flat_map(lines).flatten().collect()
}

/// Checks every known key of a section in full, as `pct config` does before it
/// prints. Keys that only operations write, and unknown ones, are not checked
/// (spec: cli, part 1.6).
#[must_use]
pub fn check_section(section: &Section) -> Vec<(String, CheckError)> {
    let check = |(key, value): (&str, &str)| {
        let error = match keys::lookup(key) {
            Some((known, _)) if known.hotplug != keys::Hotplug::Internal => {
                known.check_parameter(value).err()
            }
            // The name of the list of raw lines, which a text can't stand for.
            None if key == "lxc" => Some(format!("type check ('array') failed - got '{value}'").into()),
            _ => None,
        };
        error.map(|error| (key.to_owned(), error))
    };
    section.entries().filter_map(check).collect()
}

fn shown<'a>(key: &str, value: &'a str) -> Cow<'a, str> {
    if key == "description" { percent_encode(value) } else { Cow::Borrowed(value) }
}
