//! Id maps of single mounts (spec: config, part 6.3; runtime, part 4.4).

use std::os::fd::BorrowedFd;

use super::{Error, Result};
use crate::config::{IdKind, IdMap, IdRange};
use crate::sys::{self, mount_attr};

/// An entry of a mount point's `idmap`: `count` ids of the container from `container` on are stored on disk as
/// ids from `disk` on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DiskRange {
    /// User or group ids.
    pub kind: IdKind,
    /// The first id as seen inside.
    pub container: u32,
    /// The first id as stored on disk.
    pub disk: u32,
    /// How many ids.
    pub count: u32,
}

/// The `idmap` of a mount point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MountIdmap {
    /// The disk has the ids that the container sees.
    Passthrough,
    /// These ids are mapped, all others are on disk as the host's ids.
    Ranges(Vec<DiskRange>),
}

impl MountIdmap {
    /// The map from disk to host for the user namespace of the mount: in each range of the result, `container`
    /// is the id on disk.
    ///
    /// `None` for a privileged container, where the option has no meaning.
    #[must_use]
    pub fn disk_to_host(&self, container: &IdMap) -> Option<IdMap> {
        if container.is_empty() {
            return None;
        }
        match self {
            Self::Passthrough => Some(container.clone()),
            Self::Ranges(ranges) => Some(IdMap(
                [IdKind::Uid, IdKind::Gid]
                    .into_iter()
                    .flat_map(|kind| container.of(kind))
                    .flat_map(|part| cut(*part, ranges))
                    .collect(),
            )),
        }
    }
}

/// One range of the container's map, cut at the entries that concern it.
fn cut(part: IdRange, entries: &[DiskRange]) -> Vec<IdRange> {
    // In 64 bits a range can end after the last id.
    let (start, end) = (u64::from(part.container), u64::from(part.container) + u64::from(part.count));
    let clip = |entry: &DiskRange| {
        let first = u64::from(entry.container);
        (first.max(start), (first + u64::from(entry.count)).min(end))
    };
    let mut entries: Vec<&DiskRange> = entries
        .iter()
        .filter(|entry| entry.kind == part.kind)
        .filter(|entry| {
            let (first, last) = clip(entry);
            first < last
        })
        .collect();
    entries.sort_by_key(|entry| entry.container);
    let mut result = Vec::new();
    let mut emit = |disk: u64, host: u64, count: u64| {
        // Ids that do not exist cannot be mapped; the config refuses such ranges before.
        if let (Ok(container), Ok(host), Ok(count @ 1..)) =
            (u32::try_from(disk), u32::try_from(host), u32::try_from(count))
        {
            result.push(IdRange { kind: part.kind, container, host, count });
        }
    };
    let host = |id: u64| u64::from(part.host) + (id - start);
    let mut position = start;
    for entry in entries {
        let (first, last) = clip(entry);
        // Overlapping entries are refused by the config; here the earlier one wins.
        let first = first.max(position);
        if first >= last {
            continue;
        }
        emit(host(position), host(position), first - position);
        emit(u64::from(entry.disk) + (first - u64::from(entry.container)), host(first), last - first);
        position = last;
    }
    emit(host(position), host(position), end - position);
    result
}

/// Maps the ids of a detached mount by a user namespace (from [`sys::userns::create`]). `shown` is what an error
/// calls the mount.
pub fn idmapped(mount: BorrowedFd<'_>, namespace: BorrowedFd<'_>, shown: &str) -> Result<()> {
    let change = mount_attr::Change { idmap: Some(namespace), ..Default::default() };
    mount_attr::apply(mount, change).map_err(|error| match error.raw_os_error() {
        // What the kernel says when the file system lacks FS_ALLOW_IDMAP.
        Some(libc::EINVAL) => Error::NoIdmapSupport { path: shown.to_owned() },
        _ => sys::Error::into(error),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(kind: char, container: u32, second: u32, count: u32) -> (IdKind, u32, u32, u32) {
        (if kind == 'u' { IdKind::Uid } else { IdKind::Gid }, container, second, count)
    }

    fn map(ranges: &[(char, u32, u32, u32)]) -> IdMap {
        let one = |&(k, c, h, n): &(char, u32, u32, u32)| {
            let (kind, container, host, count) = range(k, c, h, n);
            IdRange { kind, container, host, count }
        };
        IdMap(ranges.iter().map(one).collect())
    }

    fn ranges(ranges: &[(char, u32, u32, u32)]) -> MountIdmap {
        let one = |&(k, c, d, n): &(char, u32, u32, u32)| {
            let (kind, container, disk, count) = range(k, c, d, n);
            DiskRange { kind, container, disk, count }
        };
        MountIdmap::Ranges(ranges.iter().map(one).collect())
    }

    #[test]
    fn one_id_out_of_the_default_map() {
        let got = ranges(&[('u', 1000, 1000, 1)]).disk_to_host(&IdMap::unprivileged_default());
        let expected = map(&[
            ('u', 100_000, 100_000, 1000),
            ('u', 1000, 101_000, 1),
            ('u', 101_001, 101_001, 64_535),
            ('g', 100_000, 100_000, 65_536),
        ]);
        assert_eq!(got, Some(expected));
    }

    #[test]
    fn an_entry_over_several_ranges_of_the_container() {
        let container = map(&[
            ('u', 0, 100_000, 1000),
            ('u', 1000, 1000, 1),
            ('u', 1001, 101_001, 64_535),
            ('g', 0, 100_000, 65_536),
        ]);
        let got = ranges(&[('u', 998, 5000, 4), ('g', 0, 0, 10)]).disk_to_host(&container);
        let expected = map(&[
            ('u', 100_000, 100_000, 998),
            ('u', 5000, 100_998, 2),
            ('u', 5002, 1000, 1),
            ('u', 5003, 101_001, 1),
            ('u', 101_002, 101_002, 64_534),
            ('g', 0, 100_000, 10),
            ('g', 100_010, 100_010, 65_526),
        ]);
        assert_eq!(got, Some(expected));
    }

    #[test]
    fn passthrough_and_privileged() {
        let container = IdMap::unprivileged_default();
        assert_eq!(MountIdmap::Passthrough.disk_to_host(&container), Some(container));
        assert_eq!(MountIdmap::Passthrough.disk_to_host(&IdMap::default()), None);
        assert_eq!(ranges(&[('u', 0, 0, 1)]).disk_to_host(&IdMap::default()), None);
    }

    #[test]
    fn entries_at_the_edges_leave_no_empty_ranges() {
        let container = map(&[('u', 0, 100_000, 10)]);
        let got = ranges(&[('u', 8, 1, 100), ('u', 0, 50, 2), ('u', 10, 9, 1)]).disk_to_host(&container);
        let expected = map(&[('u', 50, 100_000, 2), ('u', 100_002, 100_002, 6), ('u', 1, 100_008, 2)]);
        assert_eq!(got, Some(expected));
        // The last ids there are.
        let container = map(&[('g', 5, u32::MAX - 2, 2)]);
        let got = ranges(&[('g', 6, 7, u32::MAX)]).disk_to_host(&container);
        assert_eq!(got, Some(map(&[('g', u32::MAX - 2, u32::MAX - 2, 1), ('g', 7, u32::MAX - 1, 1)])));
    }
}
