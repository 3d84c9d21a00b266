//! The ids that file system calls of one thread count with (setfsuid(2)).

/// While this lives, files the calling thread makes belong to other ids, and it has only their rights.
///
/// Needed below an id-mapped mount: ids that the map does not know, as the host's root, can own nothing there.
#[derive(Debug)]
pub(crate) struct FsIds {
    before: (u32, u32),
    // The ids are the thread's: the guard must be dropped where it was made.
    _thread: std::marker::PhantomData<*const ()>,
}

impl FsIds {
    /// Takes on host ids. Without the right to, the ids stay as they are; the next call then tells.
    #[must_use]
    pub(crate) fn assume(uid: u32, gid: u32) -> Self {
        // The group first: as another user it could be refused.
        let (before_gid, before_uid) = (set_gid(gid), set_uid(uid));
        Self { before: (before_uid, before_gid), _thread: std::marker::PhantomData }
    }
}

impl Drop for FsIds {
    fn drop(&mut self) {
        set_uid(self.before.0);
        set_gid(self.before.1);
    }
}

fn set_uid(uid: u32) -> u32 {
    // SAFETY: a plain system call on the calling thread; it returns the id before.
    unsafe { libc::setfsuid(uid) }.cast_unsigned()
}

fn set_gid(gid: u32) -> u32 {
    // SAFETY: a plain system call on the calling thread; it returns the id before.
    unsafe { libc::setfsgid(gid) }.cast_unsigned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::testing::needs_root;
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    #[test]
    fn files_belong_to_the_assumed_ids_until_dropped() {
        if !needs_root() {
            return;
        }
        let dir = tempfile::tempdir().unwrap();
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
        let ids = FsIds::assume(100_000, 100_001);
        std::fs::write(dir.path().join("a"), "").unwrap();
        assert!(std::fs::read("/etc/shadow").is_err());
        drop(ids);
        std::fs::write(dir.path().join("b"), "").unwrap();
        let owner = |name| dir.path().join(name).metadata().map(|m| (m.uid(), m.gid())).unwrap();
        assert_eq!((owner("a"), owner("b")), ((100_000, 100_001), (0, 0)));
        assert!(std::fs::read("/etc/shadow").is_ok());
    }
}
