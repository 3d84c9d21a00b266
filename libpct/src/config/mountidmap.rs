use std::{fmt, str::FromStr};

use super::{
    idmap::{IdKind, IdMap, IdMapOverlap, IdRange},
    text::is_digits,
};

/// The sub-key `idmap` of a mount point: which ids of the container have other
/// ids on the mounted volume (spec: config, part 6.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MountIdMap {
    /// All ids on disk are the container's own.
    Passthrough,
    /// Ids of the container and their ids on disk; `host` of a range is the id on disk here.
    Entries(IdMap),
}

/// A text that is no id map of a mount point.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("failed to parse idmap: {0}")]
pub struct InvalidMountIdMap(pub String);

impl FromStr for MountIdMap {
    type Err = InvalidMountIdMap;

    fn from_str(text: &str) -> Result<Self, InvalidMountIdMap> {
        let invalid = || InvalidMountIdMap(text.to_owned());
        if text == "passthrough" {
            return Ok(Self::Passthrough);
        }
        let number = |text: &str| text.parse::<u32>().ok().filter(|_| is_digits(text));
        let entry = |entry: &str| {
            let fields: Vec<_> = entry.split(':').collect();
            let &[kind, container, disk, count] = fields.as_slice() else { return None };
            let kind = match kind {
                "u" => IdKind::Uid,
                "g" => IdKind::Gid,
                _ => return None,
            };
            let count = number(count).filter(|&count| count > 0)?;
            Some(IdRange { kind, container: number(container)?, host: number(disk)?, count })
        };
        let entries = text.split(';').map(entry).collect::<Option<_>>();
        entries.map(|entries| Self::Entries(IdMap(entries))).ok_or_else(invalid)
    }
}

impl fmt::Display for MountIdMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Entries(map) = self else { return f.write_str("passthrough") };
        let entry = |r: &IdRange| format!("{}:{}:{}:{}", r.kind, r.container, r.host, r.count);
        f.write_str(&map.0.iter().map(entry).collect::<Vec<_>>().join(";"))
    }
}

impl MountIdMap {
    /// Checks that no id is mapped twice.
    ///
    /// # Errors
    /// The first overlap.
    pub fn validate(&self) -> Result<(), IdMapOverlap> {
        match self {
            Self::Passthrough => Ok(()),
            Self::Entries(map) => map.validate(),
        }
    }

    /// The map for the mount in a container with this map: in the result
    /// `container` is the id on disk and `host` the id on the host. Ids that have
    /// no entry are on disk what they are on the host, as without any map.
    #[must_use]
    pub fn for_mount(&self, container: &IdMap) -> IdMap {
        let Self::Entries(entries) = self else { return container.clone() };
        let mut out = Vec::new();
        for kind in [IdKind::Uid, IdKind::Gid] {
            let mut sorted: Vec<_> = entries.of(kind).collect();
            sorted.sort_by_key(|entry| entry.container);
            container.of(kind).for_each(|range| cut(range, &sorted, &mut out));
        }
        IdMap(out)
    }
}

/// Cuts one range of the container's map at the entries, which are sorted.
fn cut(range: &IdRange, entries: &[&IdRange], out: &mut Vec<IdRange>) {
    let start = u64::from(range.container);
    let end = start + u64::from(range.count);
    let host = |id: u64| u64::from(range.host) + id - start;
    let mut push = |disk: u64, host: u64, count: u64| {
        // Ids beyond 32 bits do not exist; the kernel would refuse the map anyway.
        if let (Ok(disk), Ok(host), Ok(count)) = (disk.try_into(), host.try_into(), count.try_into()) {
            out.push(IdRange { kind: range.kind, container: disk, host, count });
        }
    };
    let mut position = start;
    for entry in entries {
        let from = u64::from(entry.container).max(position);
        let to = (u64::from(entry.container) + u64::from(entry.count)).min(end);
        if from >= to {
            continue;
        }
        if position < from {
            push(host(position), host(position), from - position);
        }
        push(u64::from(entry.host) + from - u64::from(entry.container), host(from), to - from);
        position = to;
    }
    if position < end {
        push(host(position), host(position), end - position);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapped(container: &IdMap, text: &str) -> Vec<String> {
        let map: MountIdMap = text.parse().unwrap();
        assert_eq!(map.to_string(), text);
        map.for_mount(container).0.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_documented_examples() {
        assert_eq!(
            mapped(&IdMap::unprivileged_default(), "u:1000:1000:1"),
            ["u 100000 100000 1000", "u 1000 101000 1", "u 101001 101001 64535", "g 100000 100000 65536"]
        );
        let own =
            IdMap::parse(["u 0 100000 1000", "u 1000 1000 1", "u 1001 101001 64535", "g 0 100000 65536"])
                .unwrap();
        assert_eq!(
            mapped(&own, "u:998:5000:4;g:0:0:10"),
            [
                "u 100000 100000 998",
                "u 5000 100998 2",
                "u 5002 1000 1",
                "u 5003 101001 1",
                "u 101002 101002 64534",
                "g 0 100000 10",
                "g 100010 100010 65526",
            ]
        );
        let default = IdMap::unprivileged_default();
        assert_eq!(MountIdMap::Passthrough.for_mount(&default), default);
    }

    #[test]
    fn entries_are_cut_to_the_ranges_of_the_container() {
        let own = IdMap::parse(["u 0 100000 10", "u 20 200000 10", "g 0 300000 10"]).unwrap();
        let rest = "g 0 300000 10".replace("g 0", "g 300000");
        // Over the end of one range, the gap between two, and the begin of the next; not in the order of ids.
        assert_eq!(
            mapped(&own, "u:25:900:50;u:8:500:14"),
            [
                "u 100000 100000 8",
                "u 500 100008 2",
                "u 512 200000 2",
                "u 200002 200002 3",
                "u 900 200005 5",
                &rest,
            ]
        );
        // All of a range, and more.
        assert_eq!(mapped(&own, "u:0:0:1000"), ["u 0 100000 10", "u 20 200000 10", &rest]);
        // Ids that the container does not have.
        assert_eq!(
            mapped(&own, "u:10:0:10;u:30:0:1;g:10:0:1"),
            ["u 100000 100000 10", "u 200000 200000 10", &rest]
        );
        // Without entries of one kind its ids are the host's; without ranges of one kind there is nothing to map.
        assert_eq!(mapped(&own, "g:0:5:10"), ["u 100000 100000 10", "u 200000 200000 10", "g 5 300000 10"]);
        let users = IdMap::parse(["u 0 100000 10"]).unwrap();
        assert_eq!(mapped(&users, "g:0:0:10"), ["u 100000 100000 10"]);
        assert_eq!(mapped(&IdMap::default(), "u:0:0:10"), [""; 0]);
        assert_eq!(mapped(&own, "passthrough"), ["u 0 100000 10", "u 20 200000 10", "g 0 300000 10"]);
    }

    #[test]
    fn the_largest_ids_do_not_overflow() {
        let all = IdMap::parse(["u 0 0 4294967295"]).unwrap();
        assert_eq!(
            mapped(&all, "u:4294967290:4294967290:4294967295"),
            ["u 0 0 4294967290", "u 4294967290 4294967290 5"]
        );
    }

    #[test]
    fn overlaps_are_named_on_both_sides() {
        let overlap = |text: &str| text.parse::<MountIdMap>().unwrap().validate().unwrap_err().to_string();
        assert_eq!(
            overlap("u:0:0:10;u:5:100:1"),
            "invalid map entry 'u 5 100 1': container uid 5 is also mapped by entry 'u 0 0 10'"
        );
        assert_eq!(
            overlap("g:20:109:1;g:0:100:10"),
            "invalid map entry 'g 20 109 1': host gid 109 is also mapped by entry 'g 0 100 10'"
        );
        assert!("u:0:0:10;g:0:0:10;u:10:10:1".parse::<MountIdMap>().unwrap().validate().is_ok());
    }

    #[test]
    fn bad_maps_are_refused() {
        for bad in ["", "u:0:0:0", "x:0:0:1", "u:0:0", "u:0:0:1;", "u:0:0:99999999999", "u:+0:0:1"] {
            assert!(bad.parse::<MountIdMap>().is_err(), "{bad:?}");
        }
    }
}
