//! Names of members: from what stands in the archive to a path below the root.

use super::reader::MOST_NAME;

/// The components joined by single slashes, without leading `/` and `./`; empty for the root itself.
/// What is left never names anything above the root, save through a symbolic link, and that is the
/// kernel's to refuse.
pub(super) fn clean(raw: &[u8]) -> Result<Vec<u8>, &'static str> {
    if raw.is_empty() {
        return Err("its name is empty");
    }
    if raw.contains(&0) {
        return Err("its name contains a NUL byte");
    }
    let mut path = Vec::with_capacity(raw.len());
    for component in raw.split(|&b| b == b'/') {
        match component {
            b"" | b"." => {}
            b".." => return Err("its name contains '..'"),
            _ => {
                if !path.is_empty() {
                    path.push(b'/');
                }
                path.extend_from_slice(component);
            }
        }
    }
    if path.len() >= MOST_NAME {
        return Err("its name is too long");
    }
    Ok(path)
}

/// The parent (empty: the root) and the last component.
pub(super) fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|&b| b == b'/') {
        Some(slash) => (&path[..slash], &path[slash + 1..]),
        None => (&[], path),
    }
}

/// Whether the path is below `./dev` (the folder itself is not).
pub(super) fn below_dev(path: &[u8]) -> bool {
    path.starts_with(b"dev/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_paths_below_the_root() {
        for (raw, want) in [
            ("./etc/passwd", "etc/passwd"),
            ("/etc//passwd", "etc/passwd"),
            ("etc/./x/", "etc/x"),
            ("./", ""),
            ("/", ""),
            (".", ""),
            ("...", "..."),
            (".hidden/..x", ".hidden/..x"),
        ] {
            assert_eq!(clean(raw.as_bytes()), Ok(want.as_bytes().to_vec()), "{raw}");
        }
        for bad in ["", "..", "../x", "a/../b", "a/..", "/..", "./../x", "a\0b"] {
            assert!(clean(bad.as_bytes()).is_err(), "{bad}");
        }
        assert!(clean(&[b'a'; 4095]).is_ok());
        assert!(clean(&[b'a'; 4096]).is_err());
    }

    #[test]
    fn paths_are_split_at_the_last_slash() {
        assert_eq!(split(b"a/b/c"), (&b"a/b"[..], &b"c"[..]));
        assert_eq!(split(b"a"), (&b""[..], &b"a"[..]));
        assert!(below_dev(b"dev/null") && !below_dev(b"dev") && !below_dev(b"device/x"));
    }
}
