//! Which init a guest has, and which systemd (spec: guest set-up, part 10).

use crate::rootfs::Rootfs;

use super::{elf, error::Result};

/// Whether `/sbin/init` is a link to systemd.
pub(crate) fn is_init(root: &Rootfs) -> Result<bool> {
    Ok(root.readlink("/sbin/init")?.is_some_and(|target| target.ends_with("/systemd")))
}

/// Whether systemd is installed, init or not.
pub(crate) fn is_installed(root: &Rootfs) -> Result<bool> {
    Ok(root.is_executable("/lib/systemd/systemd")? || root.is_executable("/usr/lib/systemd/systemd")?)
}

/// Where the distribution's units are.
pub(crate) fn unit_dir(root: &Rootfs) -> Result<&'static str> {
    let old = root.is_executable("/lib/systemd/systemd")?;
    Ok(if old { "/lib/systemd/system" } else { "/usr/lib/systemd/system" })
}

/// The init of a guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Init {
    /// systemd, of this version if it could be told.
    Systemd(Option<u32>),
    /// Anything else, or nothing.
    Other,
}

impl Init {
    /// Looks at `/sbin/init`. A guest that makes that impossible has no init that we know.
    pub(crate) fn of(root: &Rootfs) -> Self {
        match root.resolve("/sbin/init") {
            Ok(path) if path.ends_with("/systemd") => Self::Systemd(version(root, &path)),
            _ => Self::Other,
        }
    }
}

/// systemd's version shows in the name of its private library.
fn version(root: &Rootfs, path: &str) -> Option<u32> {
    elf::needed(root, path).ok()?.iter().find_map(|library| library_version(library))
}

fn library_version(name: &str) -> Option<u32> {
    let rest = name.strip_prefix("libsystemd-shared-")?.strip_suffix(".so")?;
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let (number, suffix) = rest.split_at(end);
    let sound = suffix.is_empty() || suffix.starts_with(['-', '_', '.']);
    if sound { number.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_in_the_name_of_the_library() {
        assert_eq!(library_version("libsystemd-shared-252.so"), Some(252));
        assert_eq!(library_version("libsystemd-shared-257.9-1.fc42.so"), Some(257));
        assert_eq!(library_version("libsystemd-shared-.so"), None);
        assert_eq!(library_version("libsystemd-shared-252.so.1"), None);
        assert_eq!(library_version("libsystemd.so"), None);
    }
}
