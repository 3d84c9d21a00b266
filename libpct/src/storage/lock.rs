//! The locks of storages (spec: runtime, part 10.5).

use std::{
    fs, io,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use super::{Places, StorageError, cfg::Section};
use crate::sys::{
    self, folder,
    lockfile::{self, LockFile},
};

const TIMEOUT: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(100);

/// Where the cluster file system of Proxmox VE keeps the locks of its hosts.
const CLUSTER: &str = "/etc/pve";

/// Where a storage's lock is.
pub(super) enum Place {
    /// A file of this host.
    File(PathBuf),
    /// A folder that only one host of a cluster can make.
    Folder(PathBuf),
}

/// A lock that is held until it is dropped.
pub(crate) enum Lock {
    File(#[expect(dead_code, reason = "held, not used")] LockFile),
    Folder(#[expect(dead_code, reason = "held, not used")] Folder),
}

pub(crate) struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.0);
    }
}

impl Lock {
    /// The lock of `storage.cfg` itself.
    pub(crate) fn of_cfg(path: PathBuf) -> Result<Self, StorageError> {
        Place::File(path).lock("storage.cfg")
    }
}

impl Place {
    pub(super) fn of(section: &Section, places: &Places<'_>) -> Self {
        if section.is_shared() && places.storage_cfg.parent() == Some(Path::new(CLUSTER)) {
            return Self::Folder(
                Path::new(CLUSTER).join("priv/lock").join(format!("storage-{}", section.id)),
            );
        }
        Self::File((places.lock)(&section.id))
    }

    pub(super) fn lock(&self, storage: &str) -> Result<Lock, StorageError> {
        let failed = |source| StorageError::Lock { storage: storage.to_owned(), source };
        match self {
            Self::File(path) => {
                if let Some(parent) = path.parent() {
                    folder::make(parent, 0o755).map_err(|e| StorageError::io("cannot make", parent, e))?;
                }
                LockFile::acquire(path, TIMEOUT, lockfile::wait).map(Lock::File).map_err(failed)
            }
            Self::Folder(path) => make(path, TIMEOUT).map(Lock::Folder).map_err(failed),
        }
    }
}

fn make(path: &Path, timeout: Duration) -> sys::Result<Folder> {
    let start = Instant::now();
    loop {
        match fs::create_dir(path) {
            Ok(()) => return Ok(Folder(path.to_owned())),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            Err(e) => return Err(sys::Error::os(format!("make '{}'", path.display()), e)),
        }
        if start.elapsed() >= timeout {
            return Err(sys::Error::LockTimeout { path: path.display().to_string() });
        }
        thread::sleep(PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::cfg;

    #[test]
    fn a_folder_is_one_holders_at_a_time() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("storage-some");
        let held = make(&path, Duration::ZERO).unwrap();
        assert!(matches!(make(&path, Duration::ZERO), Err(sys::Error::LockTimeout { .. })));
        let waiting = thread::spawn({
            let path = path.clone();
            move || make(&path, Duration::from_secs(60)).map(drop)
        });
        drop(held);
        waiting.join().unwrap().unwrap();
        assert!(!path.exists());
        assert!(make(&path.join("x"), Duration::ZERO).is_err());
    }

    #[test]
    fn only_storages_of_a_cluster_have_its_lock() {
        let place = |storage_cfg: &str, text: &str| {
            let lock = |id: &str| PathBuf::from("/run").join(id);
            let (storage_cfg, local) = (Path::new(storage_cfg), Path::new("/local"));
            match Place::of(&cfg::section(text), &Places { storage_cfg, local, node: "here", lock: &lock }) {
                Place::File(path) | Place::Folder(path) => path,
            }
        };
        let cluster = "/etc/pve/storage.cfg";
        assert_eq!(place(cluster, "nfs: n1\n"), Path::new("/etc/pve/priv/lock/storage-n1"));
        assert_eq!(place(cluster, "lvm: v1\n\tshared 1\n"), Path::new("/etc/pve/priv/lock/storage-v1"));
        assert_eq!(place(cluster, "lvm: v1\n"), Path::new("/run/v1"));
        assert_eq!(place("/etc/pct/storage.cfg", "nfs: n1\n"), Path::new("/run/n1"));
    }
}
