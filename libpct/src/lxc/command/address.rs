//! The name of the command socket, and who listens on one.

use std::collections::{BTreeSet, HashMap};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::super::{Error, Result};

/// liblxc hashes a name that needs this many bytes or more: the size of `sun_path` without a byte for
/// the NUL before and one for the NUL that it puts behind the name.
const TOO_LONG: usize = 106;

/// The abstract name of the command socket, without the NUL byte before it.
///
/// `<lxcpath>/<name>/command`; when that is too long `lxc/<hash>/command`, where the hash is FNV-1a (64
/// bits) over `<lxcpath>/<name>`. The same in liblxc 5.0, 6.0 and 7.0.
pub(super) fn command(lxcpath: &Path, name: &str) -> Vec<u8> {
    let mut path = lxcpath.as_os_str().as_bytes();
    // liblxc does so to its copy of the lxcpath.
    while let [start @ .., b'/'] = path {
        path = start;
    }
    let folder = [path, b"/", name.as_bytes()].concat();
    let plain = [&folder, &b"/command"[..]].concat();
    if plain.len() < TOO_LONG { plain } else { format!("lxc/{:016x}/command", fnv1a(&folder)).into_bytes() }
}

fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// Those of `names` whose monitor listens, by one read of `/proc/net/unix`: no monitor is spoken to.
///
/// A container counts from the time its start was begun until its init and cgroups are gone. While its
/// post-stop hook runs it does not count any more.
pub fn running_names<'a>(
    lxcpath: &Path,
    names: impl IntoIterator<Item = &'a str>,
) -> Result<BTreeSet<&'a str>> {
    let table = std::fs::read("/proc/net/unix")
        .map_err(|error| Error::system("look for the monitors of", "(all)", error))?;
    Ok(listening(&table, lxcpath, names))
}

/// Whether the monitor of this container listens; see [`running_names`].
pub fn is_running(lxcpath: &Path, name: &str) -> Result<bool> {
    super::check(lxcpath, name)?;
    Ok(!running_names(lxcpath, [name])?.is_empty())
}

fn listening<'a>(
    table: &[u8],
    lxcpath: &Path,
    names: impl IntoIterator<Item = &'a str>,
) -> BTreeSet<&'a str> {
    let wanted: HashMap<Vec<u8>, &str> =
        names.into_iter().map(|name| (command(lxcpath, name), name)).collect();
    table
        .split(|byte| *byte == b'\n')
        .filter_map(listener)
        .filter_map(|path| wanted.get(path).copied())
        .collect()
}

/// The abstract name in a line of /proc/net/unix, if it is one of a listening socket.
///
/// `ffff...: 00000002 00000000 00010000 0001 01 12345 @name`. An accepted connection has the name, too,
/// but not the flag; a monitor keeps some of those open longer than it listens.
fn listener(line: &[u8]) -> Option<&[u8]> {
    let at = line.windows(2).position(|pair| pair == b" @")?;
    let flags = line[..at].split(|byte| *byte == b' ').filter(|field| !field.is_empty()).nth(3)?;
    (flags == b"00010000").then(|| &line[at + 2..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_name_is_plain_and_a_long_one_hashed() {
        assert_eq!(command(Path::new("/var/lib/lxc"), "101"), b"/var/lib/lxc/101/command");
        assert_eq!(command(Path::new("/var/lib/lxc//"), "101"), b"/var/lib/lxc/101/command");
        // The last that fits has 105 bytes.
        let path = format!("/{}", "x".repeat(105 - "//101/command".len()));
        assert_eq!(command(Path::new(&path), "101").len(), 105);
        let hashed = command(Path::new(&format!("{path}x")), "101");
        assert_eq!(hashed.len(), "lxc/0123456789abcdef/command".len());
        assert!(hashed.starts_with(b"lxc/") && hashed.ends_with(b"/command"));
    }

    #[test]
    fn the_hash_is_fnv_1a() {
        assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn only_listening_sockets_with_exactly_the_name_count() {
        let table = b"Num       RefCount Protocol Flags    Type St Inode Path\n\
            00000000e1: 00000002 00000000 00010000 0001 01 101 @/l/101/command\n\
            00000000e2: 00000003 00000000 00000000 0001 03 102 @/l/102/command\n\
            00000000e3: 00000002 00000000 00010000 0001 01 103 @/l/103/commander\n\
            00000000e4: 00000002 00000000 00010000 0001 01 104 /l/104/command\n\
            00000000e5: 00000002 00000000 00010000 0001 01 105 @x/l/105/command\n\
            00000000e6: 00000003 00000000 00000000 0001 03 106\n";
        let found = listening(table, Path::new("/l"), ["101", "102", "103", "104", "105", "10"]);
        assert_eq!(Vec::from_iter(found), ["101"]);
    }
}
