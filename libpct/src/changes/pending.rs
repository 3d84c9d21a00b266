//! The pending section while it is worked on.

use std::collections::BTreeMap;

use crate::config::{Config, Section, pending_deletions};

/// New values, and the keys to remove with the mark for a forced removal.
#[derive(Debug, Default)]
pub(super) struct Pending {
    pub(super) values: Section,
    pub(super) deletions: BTreeMap<String, bool>,
}

impl Pending {
    /// Takes the section out of a config.
    pub(super) fn take(config: &mut Config) -> Self {
        let mut values = std::mem::take(config.pending_mut());
        let deletions = pending_deletions(&values);
        let deletions = deletions.into_iter().map(|(key, force)| (key.to_owned(), force)).collect();
        values.remove("delete");
        Self { values, deletions }
    }

    /// The clean-up: values that are in force already, and removals of what is not there, are dropped.
    pub(super) fn clean(&mut self, main: &Section) {
        let same = |(key, value)| main.get(key) == Some(value);
        let done: Vec<_> =
            self.values.entries().filter(|entry| same(*entry)).map(|(key, _)| key.to_owned()).collect();
        for key in done {
            self.values.remove(&key);
        }
        self.deletions.retain(|key, _| main.get(key).is_some());
    }

    /// Puts the section back, the list of removals printed anew.
    pub(super) fn put_back(self, config: &mut Config) {
        let Self { mut values, deletions } = self;
        let marked = |(key, force)| if force { format!("!{key}") } else { key };
        let list: Vec<_> = deletions.into_iter().map(marked).collect();
        if !list.is_empty() {
            values.set("delete", list.join(","));
        }
        if values.is_empty() {
            config.clear_pending();
        } else {
            *config.pending_mut() = values;
        }
    }
}
