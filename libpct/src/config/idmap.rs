use std::fmt;

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

impl fmt::Display for IdRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            IdKind::Uid => 'u',
            IdKind::Gid => 'g',
        };
        write!(f, "{kind} {} {} {}", self.container, self.host, self.count)
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
}
