//! The `lock` in a config, by which an operation marks a container that it works on without holding the lock file (spec:
//! cli, part 4.2).

use crate::{
    config::Section,
    error::{DiskError, Error},
};

/// Takes the mark away that an operation has set itself.
pub(super) fn remove(section: &mut Section, expected: &'static str) -> Result<(), Error> {
    match section.lock() {
        None => Err(DiskError::NoLock(expected).into()),
        Some(found) if found != expected => {
            Err(DiskError::OtherLock { found: found.to_owned(), expected }.into())
        }
        Some(_) => {
            section.remove("lock");
            Ok(())
        }
    }
}
