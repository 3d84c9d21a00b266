//! The changes that wait for the next start, key by key (spec: config, part 8.6; cli, part A.1).

use std::collections::{BTreeMap, BTreeSet};

use super::{model::Config, section::Section, text::split_list};

/// The keys whose removal is pending, with the mark for a forced one.
#[must_use]
pub fn pending_deletions(pending: &Section) -> BTreeMap<&str, bool> {
    let list = split_list(pending.get("delete").unwrap_or_default());
    list.map(|key| key.strip_prefix('!').map_or((key, false), |key| (key, true))).collect()
}

/// A key of the current state or of the pending changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PendingKey<'a> {
    /// The key.
    pub key: &'a str,
    /// The value in force.
    pub current: Option<&'a str>,
    /// The value that waits.
    pub pending: Option<&'a str>,
    /// The key is to be removed, and whether by force.
    pub deletion: Option<bool>,
}

/// All keys with what waits for them, in byte order. As in `pct pending` a removal outdoes a new value, and the
/// removal of a key without a value is nothing.
#[must_use]
pub fn pending_keys(config: &Config) -> Vec<PendingKey<'_>> {
    let main = config.main();
    let changes = config.pending();
    let deletions = changes.map(pending_deletions).unwrap_or_default();
    let new = changes.into_iter().flat_map(Section::entries).filter(|(key, _)| *key != "delete");
    let keys: BTreeSet<&str> = main.entries().chain(new).map(|(key, _)| key).collect();
    let entry = |key| {
        let current = main.get(key);
        let deletion = deletions.get(key).copied().filter(|_| current.is_some());
        let pending = changes.and_then(|section| section.get(key)).filter(|_| deletion.is_none());
        PendingKey { key, current, pending, deletion }
    };
    keys.into_iter().map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Vmid, pct_pending_lines};

    #[test]
    fn a_key_has_its_value_what_waits_for_it_or_its_removal() {
        let file = b"memory: 512\nswap: 0\ntty: 3\nhostname: old\nonboot: 1\n\n\
                     [pve:pending]\nhostname: new\ncores: 2\nswap: 5\ndelete: tty !swap cmode\n";
        let config = Config::parse(file, Vmid::new(100).unwrap()).config;
        let keys: Vec<_> = pending_keys(&config)
            .into_iter()
            .map(|found| (found.key, found.current, found.pending, found.deletion))
            .collect();
        assert_eq!(
            keys,
            [
                ("cores", None, Some("2"), None),
                ("hostname", Some("old"), Some("new"), None),
                ("memory", Some("512"), None, None),
                ("onboot", Some("1"), None, None),
                ("swap", Some("0"), None, Some(true)),
                ("tty", Some("3"), None, Some(false)),
            ]
        );
        let lines = [
            "new cores: 2",
            "cur hostname: old",
            "new hostname: new",
            "cur memory: 512",
            "cur onboot: 1",
            "del swap: 0",
            "del tty: 3",
        ];
        assert_eq!(pct_pending_lines(&config), lines, "the text says the same");
    }
}
