//! What is mounted where.

use std::{
    ffi::OsString,
    fs, io,
    os::unix::ffi::OsStringExt,
    path::{Path, PathBuf},
};

use super::StorageError;

const TABLE: &str = "/proc/self/mounts";

/// A line of the table of mounts (fstab(5)).
pub(super) struct Mount {
    pub(super) source: PathBuf,
    pub(super) target: PathBuf,
    pub(super) kind: PathBuf,
}

/// All mounts that this process sees.
pub(super) fn all() -> Result<Vec<Mount>, StorageError> {
    let table =
        fs::read(TABLE).map_err(|e: io::Error| StorageError::io("cannot read", Path::new(TABLE), e))?;
    Ok(table.split(|b| *b == b'\n').filter_map(parse).collect())
}

/// Whether something is mounted on a path.
pub(super) fn is_mounted(path: &Path) -> Result<bool, StorageError> {
    Ok(all()?.iter().any(|mount| mount.target == path))
}

fn parse(line: &[u8]) -> Option<Mount> {
    let mut fields = line.split(|b| *b == b' ').map(unescape);
    Some(Mount { source: fields.next()?, target: fields.next()?, kind: fields.next()? })
}

/// A blank, tab, newline or backslash is written as `\` and three octal digits.
fn unescape(field: &[u8]) -> PathBuf {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((&first, behind)) = rest.split_first() {
        let octal = (first == b'\\').then(|| behind.get(..3)).flatten();
        let value = octal.and_then(|digits| u8::from_str_radix(str::from_utf8(digits).ok()?, 8).ok());
        bytes.push(value.unwrap_or(first));
        rest = if value.is_some() { &behind[3..] } else { behind };
    }
    PathBuf::from(OsString::from_vec(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_the_table_are_read_as_they_are() {
        assert!(is_mounted(Path::new("/proc")).unwrap());
        assert!(!is_mounted(Path::new("/proc/self")).unwrap());
        let mount = parse(br"host:/a\040b /mnt/x\134\011y nfs4 rw 0 0").unwrap();
        assert_eq!(mount.source, Path::new("host:/a b"));
        assert_eq!(mount.target, Path::new("/mnt/x\\\ty"));
        assert_eq!(mount.kind, Path::new("nfs4"));
        assert_eq!(unescape(br"a\9x\"), Path::new(r"a\9x\"));
    }
}
