//! `bwlimit`: how fast data may be moved, for each thing that is done to it.

use std::num::NonZeroU64;

use crate::config::{
    Schema, Type,
    keys::SubKey,
    props::{self, Properties},
};

/// What is done to the data of a volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    /// It becomes the content of another container's volume.
    Clone,
    /// It goes to another storage.
    Move,
    /// It comes out of an archive.
    Restore,
}

const fn limit(name: &'static str, about: &'static str) -> SubKey {
    let schema = Schema::new(Type::Number, about).at_least(0).unit("KiB/s").shown_as("<LIMIT>");
    SubKey { name, mandatory: false, default_key: false, schema }
}

pub(super) const KEYS: &[SubKey] = &[
    limit("clone", "How fast volumes are cloned."),
    limit("default", "How fast all is done that has no limit of its own."),
    limit("migration", "How fast guests go to another host."),
    limit("move", "How fast volumes go to another storage."),
    limit("restore", "How fast templates and backups are unpacked."),
];

/// The limits of one storage, or those of all that have none of their own. In KiB a second; 0 is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Limits {
    clone: Option<u64>,
    moving: Option<u64>,
    restore: Option<u64>,
}

impl Limits {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let values = props::parse(KEYS, text).map_err(|fault| fault.message().to_owned())?;
        let of = |key| number(&values, key).or_else(|| number(&values, "default"));
        Ok(Self { clone: of("clone"), moving: of("move"), restore: of("restore") })
    }

    /// The line of `datacenter.cfg`; without one there are none.
    pub(crate) fn of_datacenter(text: &str) -> Result<Self, String> {
        let line = text.lines().find_map(|line| line.strip_prefix("bwlimit:"));
        line.map_or_else(|| Ok(Self::default()), |value| Self::parse(value.trim()))
    }

    fn of(&self, flow: Flow) -> Option<u64> {
        match flow {
            Flow::Clone => self.clone,
            Flow::Move => self.moving,
            Flow::Restore => self.restore,
        }
    }

    /// What counts where a storage has these limits, and all storages have others.
    pub(crate) fn or(&self, all: &Self, flow: Flow) -> Option<NonZeroU64> {
        self.of(flow).or(all.of(flow)).and_then(NonZeroU64::new)
    }
}

/// In whole KiB, so that what is more than nothing does not become no limit.
fn number(values: &Properties<'_>, key: &str) -> Option<u64> {
    let limit: f64 = values.get(key)?.parse().ok()?;
    // Saturates.
    Some(limit.ceil() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_limit_of_its_own_has_the_default_one() {
        let limits = Limits::parse("clone=0.5,default=100,move=0").unwrap();
        assert_eq!(
            [Flow::Clone, Flow::Move, Flow::Restore].map(|flow| limits.of(flow)),
            [Some(1), Some(0), Some(100)]
        );
        assert_eq!(Limits::parse("migration=5").unwrap(), Limits::default());
        for bad in ["100", "clone=-1", "clone=fast", "copy=1", "clone=1,clone=2"] {
            assert!(Limits::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_a_storage_says_counts_before_what_all_have() {
        let all = Limits::of_datacenter("keyboard: de\nbwlimit: default=7\nmac_prefix: AA\n").unwrap();
        let of = |text| Limits::parse(text).unwrap().or(&all, Flow::Move).map(NonZeroU64::get);
        assert_eq!((of("restore=1"), of("default=9"), of("move=0,default=9")), (Some(7), Some(9), None));
        assert_eq!(Limits::of_datacenter("keyboard: de\n").unwrap(), Limits::default());
        assert!(Limits::of_datacenter("bwlimit: much\n").is_err());
    }
}
