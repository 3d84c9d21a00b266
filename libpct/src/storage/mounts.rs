//! What is mounted where, and whether it answers.

use std::{
    ffi::OsString,
    fs, io,
    os::unix::ffi::OsStringExt,
    path::{Path, PathBuf},
};

use super::{StorageError, tools};

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

/// Makes sure that a path does not lie on a server that is silent: whoever looked there would wait for it, perhaps for ever.
/// Another process does, which can be killed. Links in the path are not followed.
pub(crate) fn answers(path: &Path) -> Result<(), StorageError> {
    if !on(path, &all()?).is_some_and(is_served) {
        return Ok(());
    }
    tools::poke(tools::program("stat", "coreutils").args(["--file-system", "--"]).arg(path))
        .map_err(|source| StorageError::Silent { path: path.to_owned(), source })
}

/// The mount that a path is on; of those at the same place the last one covers the others.
fn on<'a>(path: &Path, mounts: &'a [Mount]) -> Option<&'a Mount> {
    let holding = mounts.iter().filter(|mount| path.starts_with(&mount.target));
    holding.max_by_key(|mount| mount.target.as_os_str().len())
}

/// Whether somebody outside of the kernel has to answer.
fn is_served(mount: &Mount) -> bool {
    let kind = mount.kind.to_string_lossy();
    let servers = ["9p", "afs", "ceph", "cifs", "fuse", "fuseblk", "nfs", "nfs4", "smb3"];
    servers.contains(&&*kind) || kind.starts_with("fuse.")
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
    use crate::storage::tools::script;

    #[test]
    fn only_servers_are_asked_whether_they_answer() {
        let mounts: Vec<_> = [
            &b"/dev/sda / ext4 rw 0 0"[..],
            b"srv:/x /mnt/pve nfs4 rw 0 0",
            b"tmpfs /mnt/pve/in tmpfs rw 0 0",
            b"x /mnt/two ext4 rw 0 0",
            b"x /mnt/two fuse.sshfs rw 0 0",
        ]
        .into_iter()
        .filter_map(parse)
        .collect();
        for (path, served) in [
            ("/srv", false),
            ("/mnt/pve", true),
            ("/mnt/pve/x/y", true),
            ("/mnt/pve2", false),
            ("/mnt/pve/in/x", false),
            ("/mnt/two/x", true),
        ] {
            assert_eq!(on(Path::new(path), &mounts).is_some_and(is_served), served, "{path}");
        }
        answers(Path::new("/proc/self")).unwrap();
        assert!(script::take().is_empty());
        // What is not there was looked for.
        script::fail("stat", "stat: cannot read file system information for '/x': No such file or directory");
        tools::poke(tools::program("stat", "coreutils")).unwrap();
        assert_eq!(script::take(), ["stat"]);
    }

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
