//! The id map of an unprivileged container.

use std::{fs, os::unix::fs::MetadataExt};

use super::{super::diagnosis, Patient, Symptom, error, warning};
use crate::{
    config::{IdKind, IdRange},
    error::Error,
    exec,
};

pub(super) fn overlaps(patient: &Patient<'_>) -> Result<Vec<Symptom>, Error> {
    let key = Some("lxc.idmap");
    let map = match patient.section().id_map() {
        Ok(map) => map,
        Err(invalid) => {
            let symptom = error("id-map", key, invalid.to_string());
            return Ok(vec![symptom.help("write it as '<u|g> <container id> <host id> <count>'")]);
        }
    };
    let overlap = map
        .validate()
        .err()
        .map(|overlap| error("id-map", key, overlap.to_string()).help("map each id once, on both sides"));
    let ignored = patient.points().into_iter().filter(|(_, point)| point.idmap.is_some() && map.is_empty());
    let ignored = ignored.map(|(key, _)| {
        let text = format!("'{key}' - ignoring 'idmap' option unsupported by privileged container");
        warning("id-map", Some(&key), text)
    });
    Ok(overlap.into_iter().chain(ignored).collect())
}

/// Where the programs that map ids are installed liblxc uses them, unless the host's root is mapped; and they let root
/// map only what is given to root (newuidmap(1)).
pub(super) fn allowed(patient: &Patient<'_>) -> Result<Vec<Symptom>, Error> {
    let Some(map) = patient.id_map() else { return Ok(Vec::new()) };
    let maps_root = map.of(IdKind::Uid).any(|range| range.host == 0);
    let by_programs = ["newuidmap", "newgidmap"].into_iter().all(is_privileged);
    if maps_root || !by_programs || !ids_are_in_files() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for kind in [IdKind::Uid, IdKind::Gid] {
        let file = diagnosis::subid_file(kind);
        let text = fs::read_to_string(file).unwrap_or_default();
        let given = Given::parse(&text);
        for range in map.of(kind).filter(|range| !given.cover(range)) {
            let symptom =
                error("subid", None, format!("root may not map '{range}': {file} does not give it the ids"));
            found.push(symptom.help(diagnosis::subid_remedy(patient.section(), kind)));
        }
    }
    Ok(found)
}

/// Whether a program exists and has the rights to map ids: by its mode, or by capabilities (capabilities(7)).
fn is_privileged(program: &str) -> bool {
    let Some(path) = exec::find_program(program) else { return false };
    let set_user_id = path.metadata().is_ok_and(|found| found.mode() & 0o4000 != 0);
    let capabilities = || rustix::fs::getxattr(&path, "security.capability", &mut [0u8; 64]).is_ok();
    set_user_id || capabilities()
}

/// Another source of ids may be configured (nsswitch.conf(5), `subid`), which we cannot ask.
fn ids_are_in_files() -> bool {
    let text = fs::read_to_string("/etc/nsswitch.conf").unwrap_or_default();
    let source = text.lines().filter_map(|line| line.trim_start().strip_prefix("subid:")).next_back();
    source.is_none_or(|source| source.split_whitespace().next().is_none_or(|word| word == "files"))
}

/// The ranges that are root's.
struct Given(Vec<(u64, u64)>);

impl Given {
    fn parse(text: &str) -> Self {
        let range = |line: &str| {
            let mut parts = line.trim().split(':');
            let owner = parts.next().filter(|owner| matches!(*owner, "root" | "0"));
            owner.and(Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?)))
        };
        Self(text.lines().filter_map(range).collect())
    }

    /// Whether every host id of a range is among them. One's own id needs no permission.
    fn cover(&self, range: &IdRange) -> bool {
        let end = u64::from(range.host) + u64::from(range.count);
        let mut next = u64::from(range.host);
        while next < end {
            let holds = |(start, count): &&(u64, u64)| *start <= next && next < start + count;
            match self.0.iter().find(holds) {
                Some((start, count)) => next = start + count,
                None => return range.host == 0 && range.count == 1,
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_given_by_one_line_or_by_several() {
        let given = Given::parse("# none\nalice:1:9\nroot:100000:65536\n0:165536:10\nroot:x:5\nroot:7\n");
        assert_eq!(given.0, [(100_000, 65_536), (165_536, 10)]);
        for (text, covered) in [
            ("u 0 100000 65536", true),
            ("u 0 100000 65546", true),
            ("u 0 100000 65547", false),
            ("u 0 99999 2", false),
            ("u 5 165540 1", true),
            ("u 1 1 1", false),
            ("u 0 0 1", true),
            ("u 0 0 2", false),
        ] {
            assert_eq!(given.cover(&text.parse().unwrap()), covered, "{text}");
        }
    }
}
