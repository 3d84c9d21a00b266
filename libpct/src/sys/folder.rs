//! Folders with exactly the mode that is asked for.

use std::{
    fs::{self, Permissions},
    io,
    os::unix::fs::PermissionsExt,
    path::Path,
};

/// Makes a folder, and those above it that are missing, with this mode. The umask belongs to the calling
/// program and may be anything: the ids of a container must be able to pass through all the same.
pub(crate) fn make(path: &Path, mode: u32) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(above) = path.parent() {
        make(above, mode)?;
    }
    match fs::create_dir(path) {
        Ok(()) => fs::set_permissions(path, Permissions::from_mode(mode)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::testing::in_child;

    #[test]
    fn the_mode_is_exact_whatever_the_umask() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("a/b");
        let inner = path.clone();
        // The umask is the whole process's.
        in_child(move || {
            rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
            make(&inner, 0o755).unwrap();
            make(&inner, 0o700).unwrap();
        });
        for made in [&*path, path.parent().unwrap()] {
            assert_eq!(fs::metadata(made).unwrap().permissions().mode() & 0o7777, 0o755);
        }
    }
}
