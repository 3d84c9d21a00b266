//! Advisory locks on files, with a deadline (flock(2)).

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{AtFlags, CWD, FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use super::{Error, Result};

/// An exclusive lock on a file, held until dropped.
///
/// The lock belongs to the open file: another [`LockFile`] of the same path conflicts, in this process as well,
/// and a child forked without exec shares it until both are done with it. The file itself stays.
#[derive(Debug)]
pub(crate) struct LockFile {
    fd: OwnedFd,
    path: PathBuf,
}

impl LockFile {
    /// Takes the lock if it is free; `Ok(None)` if someone else holds it.
    ///
    /// The file is created, mode 0644, if missing; a symlink is refused. The directory must exist.
    pub(crate) fn try_acquire(path: &Path) -> Result<Option<Self>> {
        let failed = |e: Errno| Error::os(format!("lock file '{}'", path.display()), e);
        let flags = OFlags::CREATE | OFlags::RDWR | OFlags::APPEND | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        loop {
            let fd = rustix::fs::open(path, flags, Mode::from_raw_mode(0o644)).map_err(failed)?;
            match rustix::fs::flock(&fd, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => {}
                Err(Errno::WOULDBLOCK) => return Ok(None),
                Err(Errno::INTR) => continue,
                Err(e) => return Err(failed(e)),
            }
            // Someone may have removed the file between open and flock: then our lock is on a file that
            // nobody else will ever find.
            let ours = rustix::fs::fstat(&fd).map_err(failed)?;
            match rustix::fs::statat(CWD, path, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(there) if (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino) => {
                    return Ok(Some(Self { fd, path: path.to_owned() }));
                }
                Ok(_) | Err(Errno::NOENT) => {}
                Err(e) => return Err(failed(e)),
            }
        }
    }

    /// Takes the lock, waiting at most `timeout`; then [`Error::LockTimeout`].
    ///
    /// While it is not free, `wait` is called to let some time pass; with its `false` the waiting ends at once, by
    /// [`Error::Interrupted`].
    pub(crate) fn acquire(
        path: &Path,
        timeout: Duration,
        mut wait: impl FnMut(Duration) -> bool,
    ) -> Result<Self> {
        if let Some(lock) = Self::try_acquire(path)? {
            return Ok(lock);
        }
        let start = Instant::now();
        // flock has no deadline of its own, and an alarm signal would be the whole process' affair: so ask again. So often
        // that a holder who takes the lock again at once leaves a gap that is seen.
        let mut pause = Duration::from_micros(500);
        loop {
            let Some(left) = timeout.checked_sub(start.elapsed()).filter(|l| !l.is_zero()) else {
                return Err(Error::LockTimeout { path: path.display().to_string() });
            };
            if !wait(pause.min(left)) {
                return Err(Error::Interrupted);
            }
            if let Some(lock) = Self::try_acquire(path)? {
                return Ok(lock);
            }
            pause = (pause * 2).min(Duration::from_millis(2));
        }
    }

    /// Which file is locked.
    #[must_use]
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Removes the file and lets go: whoever waits for it notices and makes a new one.
    pub(crate) fn remove(self) -> Result<()> {
        rustix::fs::unlink(&self.path)
            .map_err(|e| Error::os(format!("remove lock file '{}'", self.path.display()), e))
    }
}

impl AsFd for LockFile {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// For who waits for a lock whatever happens meanwhile.
pub(crate) fn wait(time: Duration) -> bool {
    std::thread::sleep(time);
    true
}

/// An exclusive lock on an open file that is something else than a lock file.
///
/// Dropping it unlocks explicitly: closing the descriptor would not do where others share the open file, as a
/// loop device shares its backing file.
#[derive(Debug)]
pub(crate) struct OpenFileLock<'fd> {
    file: BorrowedFd<'fd>,
}

impl<'fd> OpenFileLock<'fd> {
    /// Takes the lock, waiting at most `timeout`; then [`Error::LockTimeout`], which calls the file `name`.
    pub(crate) fn acquire(file: BorrowedFd<'fd>, name: &Path, timeout: Duration) -> Result<Self> {
        let start = Instant::now();
        loop {
            match rustix::fs::flock(file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(Self { file }),
                Err(Errno::WOULDBLOCK | Errno::INTR) if start.elapsed() < timeout => {
                    std::thread::sleep(Duration::from_millis(5));
                }
                Err(Errno::WOULDBLOCK | Errno::INTR) => {
                    return Err(Error::LockTimeout { path: name.display().to_string() });
                }
                Err(e) => return Err(Error::os(format!("lock file '{}'", name.display()), e)),
            }
        }
    }
}

impl Drop for OpenFileLock<'_> {
    fn drop(&mut self) {
        // Cannot fail on a descriptor that could be locked.
        let _ = rustix::fs::flock(self.file, FlockOperation::Unlock);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[test]
    fn who_waits_for_a_lock_can_be_called_away() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("l");
        let _held = LockFile::try_acquire(&path).unwrap().unwrap();
        let mut pauses = 0;
        let error = LockFile::acquire(&path, Duration::from_secs(60), |_| {
            pauses += 1;
            pauses < 3
        });
        assert!(matches!(error, Err(Error::Interrupted)), "{error:?}");
    }

    #[test]
    fn a_held_lock_times_out_and_a_dropped_one_is_free() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("l");
        let lock = LockFile::acquire(&path, Duration::ZERO, |_| panic!("not free")).unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o644);
        assert!(LockFile::try_acquire(&path).unwrap().is_none());
        let start = Instant::now();
        let error = LockFile::acquire(&path, Duration::from_millis(80), wait).unwrap_err();
        assert!(start.elapsed() >= Duration::from_millis(80));
        assert_eq!(error.to_string(), format!("can't lock file '{}' - got timeout", path.display()));
        drop(lock);
        // Not at once for sure: another test may have forked and hold a copy of the descriptor for a moment.
        LockFile::acquire(&path, Duration::from_secs(10), wait).unwrap();
    }

    #[test]
    fn a_removed_lock_file_is_no_hole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("l");
        let inside = AtomicU32::new(0);
        std::thread::scope(|s| {
            for _ in 0..4 {
                s.spawn(|| {
                    for _ in 0..50 {
                        let lock = LockFile::acquire(&path, Duration::from_secs(30), wait).unwrap();
                        assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0, "two holders");
                        std::thread::yield_now();
                        inside.fetch_sub(1, Ordering::SeqCst);
                        lock.remove().unwrap();
                    }
                });
            }
        });
        assert!(!path.exists());
    }

    #[test]
    fn a_symlink_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("l");
        std::os::unix::fs::symlink(dir.path().join("elsewhere"), &path).unwrap();
        let error = LockFile::try_acquire(&path).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ELOOP));
        assert!(!dir.path().join("elsewhere").exists());
    }
}
