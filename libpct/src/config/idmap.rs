use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Which kind of id an [`IdRange`] maps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum IdKind {
    /// User ids, written `u`.
    #[serde(rename = "u")]
    Uid,
    /// Group ids, written `g`.
    #[serde(rename = "g")]
    Gid,
}

/// One line of an id map: `count` ids from `container` on are the host's ids from `host` on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct IdRange {
    /// User or group ids.
    pub kind: IdKind,
    /// The first id as seen inside.
    pub container: u32,
    /// The first id as seen on the host.
    pub host: u32,
    /// How many ids.
    pub count: u32,
}

/// The id map of a container; empty for a privileged one
/// (spec: config, part 6; user_namespaces(7)).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IdMap(pub Vec<IdRange>);

impl IdMap {
    /// The map of a container that says `unprivileged: 1` and nothing else.
    #[must_use]
    pub fn unprivileged_default() -> Self {
        let range = |kind| IdRange { kind, container: 0, host: 100_000, count: 65_536 };
        Self(vec![range(IdKind::Uid), range(IdKind::Gid)])
    }

    /// No map: the container's ids are the host's.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The ranges of one kind, in order.
    pub fn of(&self, kind: IdKind) -> impl Iterator<Item = &IdRange> {
        self.0.iter().filter(move |range| range.kind == kind)
    }

    /// The host's id for an id inside; an id that no range covers is the same on both sides.
    #[must_use]
    pub fn to_host(&self, kind: IdKind, id: u32) -> u32 {
        self.of(kind)
            .find(|r| id >= r.container && id - r.container < r.count)
            .map_or(id, |r| r.host.wrapping_add(id - r.container))
    }

    /// The host's (uid, gid) of the container's root.
    #[must_use]
    pub fn root(&self) -> (u32, u32) {
        (self.to_host(IdKind::Uid, 0), self.to_host(IdKind::Gid, 0))
    }
}

/// A raw `lxc.idmap` value that does not parse.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("failed to parse idmap: {0}")]
pub struct InvalidIdMap(pub String);

/// Two ranges of an id map that cover the same id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid map entry '{entry}': {side} {kind}id {id} is also mapped by entry '{other}'")]
pub struct IdMapOverlap {
    entry: IdRange,
    side: &'static str,
    kind: IdKind,
    id: u32,
    other: IdRange,
}

impl IdMap {
    /// Parses raw `lxc.idmap` values, `<u|g> <container> <host> <count>` each.
    ///
    /// # Errors
    /// The first value that is none.
    pub fn parse<'a>(values: impl IntoIterator<Item = &'a str>) -> Result<Self, InvalidIdMap> {
        values.into_iter().map(str::parse).collect::<Result<_, _>>().map(Self)
    }

    /// Checks that no id of either side is mapped twice (spec: config, part 6.2).
    ///
    /// # Errors
    /// The first overlap.
    pub fn validate(&self) -> Result<(), IdMapOverlap> {
        for kind in [IdKind::Uid, IdKind::Gid] {
            type Side = (&'static str, fn(&IdRange) -> u32);
            let sides: [Side; 2] = [("container", |range| range.container), ("host", |range| range.host)];
            for (side, start) in sides {
                let mut ranges: Vec<_> = self.of(kind).collect();
                ranges.sort_by_key(|range| start(range));
                for (first, second) in ranges.iter().zip(ranges.iter().skip(1)) {
                    if u64::from(start(first)) + u64::from(first.count) > u64::from(start(second)) {
                        let (entry, other) = (**second, **first);
                        return Err(IdMapOverlap { entry, side, kind, id: start(second), other });
                    }
                }
            }
        }
        Ok(())
    }
}

impl FromStr for IdRange {
    type Err = InvalidIdMap;

    fn from_str(text: &str) -> Result<Self, InvalidIdMap> {
        let invalid = || InvalidIdMap(text.to_owned());
        let mut words = text.split(super::text::is_space).filter(|word| !word.is_empty());
        let kind = match words.next() {
            // The kind stands first, without blanks before it.
            Some("u") if text.starts_with('u') => IdKind::Uid,
            Some("g") if text.starts_with('g') => IdKind::Gid,
            _ => return Err(invalid()),
        };
        let mut number = || words.next().filter(|w| super::text::is_digits(w)).and_then(|w| w.parse().ok());
        match (number(), number(), number()) {
            (Some(container), Some(host), Some(count)) if words.next().is_none() => {
                Ok(Self { kind, container, host, count })
            }
            _ => Err(invalid()),
        }
    }
}

impl fmt::Display for IdKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Uid => "u",
            Self::Gid => "g",
        })
    }
}

impl fmt::Display for IdRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} {}", self.kind, self.container, self.host, self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_mapped_by_the_first_range_that_covers_them() {
        let map = IdMap::unprivileged_default();
        assert_eq!(map.root(), (100_000, 100_000));
        assert_eq!(map.to_host(IdKind::Uid, 65_535), 165_535);
        assert_eq!(map.to_host(IdKind::Gid, 65_536), 65_536);
        assert_eq!(IdMap::default().root(), (0, 0));
    }

    #[test]
    fn raw_values_parse_in_their_one_form() {
        let map = IdMap::parse(["u 0 200000 1000", "g\t0  200000 65536 "]).unwrap();
        assert_eq!(map.0[1].to_string(), "g 0 200000 65536");
        for bad in ["", "u 0 1", "x 0 1 2", " u 0 1 2", "u 0 1 2 3", "u 0 1 -2", "u 0 1 99999999999"] {
            assert_eq!(IdMap::parse([bad]), Err(InvalidIdMap(bad.to_owned())), "{bad:?}");
        }
    }

    #[test]
    fn overlaps_are_found_on_both_sides() {
        let check = |values: [&str; 2]| IdMap::parse(values).unwrap().validate().map_err(|e| e.to_string());
        assert_eq!(check(["u 0 100000 1000", "u 1000 1000 1"]), Ok(()));
        assert_eq!(check(["u 0 100000 1000", "g 0 100000 1000"]), Ok(()));
        assert_eq!(
            check(["u 0 100000 1000", "u 999 1000 1"]).unwrap_err(),
            "invalid map entry 'u 999 1000 1': container uid 999 is also mapped by entry 'u 0 100000 1000'"
        );
        assert!(check(["g 0 100000 1000", "g 1000 100999 1"]).unwrap_err().contains("host gid 100999"));
    }
}
