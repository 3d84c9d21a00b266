//! UUIDs of network connections.

use rustix::rand::{GetRandomFlags, getrandom};

use super::{
    Setup,
    error::{Error, Result},
    text::lines,
};

/// The UUID for a connection's file: the one the caller wants; else the one that the file has, so that it
/// does not change at each start; else a random one.
pub(crate) fn for_connection(setup: &Setup<'_>, path: &str, key: &str) -> Result<String> {
    if let Some(uuid) = &setup.host.uuid {
        return Ok(uuid.clone());
    }
    let old = setup.root.read(path)?.unwrap_or_default();
    let found = lines(&old).find_map(|line| {
        let value = line.strip_prefix(key.as_bytes())?.strip_prefix(b"=")?;
        String::from_utf8(value.to_vec()).ok().filter(|value| is_uuid(value))
    });
    found.map_or_else(random, Ok)
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.char_indices().all(|(at, c)| match at {
            8 | 13 | 18 | 23 => c == '-',
            _ => c.is_ascii_hexdigit(),
        })
}

/// A random UUID (RFC 9562, version 4).
fn random() -> Result<String> {
    let mut bytes = [0; 16];
    getrandom(&mut bytes, GetRandomFlags::empty()).map_err(|errno| Error::Random(errno.into()))?;
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_ones_are_sound_and_differ() {
        let (a, b) = (random().unwrap(), random().unwrap());
        assert!(is_uuid(&a) && is_uuid(&b) && a != b, "{a} {b}");
        assert!(!is_uuid("x") && !is_uuid(&a.replace('-', "0")));
    }
}
