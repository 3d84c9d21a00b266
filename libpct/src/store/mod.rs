//! The config files of containers: load, lock, write atomically.
//!
//! Both homes keep them as `<vmid>.conf` in one folder; on Proxmox VE that folder is the cluster file
//! system, where a rename is atomic too (spec: config, part 0; cli, part 4).

use std::{
    fmt,
    fs::{self, File, OpenOptions, Permissions},
    io::{self, Read, Write},
    os::{
        fd::{AsFd, BorrowedFd},
        unix::fs::{OpenOptionsExt, PermissionsExt},
    },
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use crate::{
    config::{self, Config, Diagnostic, Vmid, WriteError},
    home::{Home, HomeKind},
    progress::{Progress, pause},
    sys::{self, folder, lockfile::LockFile},
};

/// What can go wrong with a config file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// There is no such container. Clients match the end of this text.
    #[error("Configuration file 'nodes/{node}/lxc/{vmid}.conf' does not exist")]
    Missing {
        /// The container.
        vmid: Vmid,
        /// This host.
        node: String,
    },
    /// The number is taken.
    #[error("CT {vmid} already exists on node '{node}'")]
    Exists {
        /// The container.
        vmid: Vmid,
        /// The host that has it.
        node: String,
    },
    /// A long-running operation has marked the container.
    #[error("CT is locked ({lock})")]
    Locked {
        /// The value of its `lock` key.
        lock: String,
    },
    /// Somebody else holds the lock file.
    #[error(transparent)]
    LockFile(#[from] sys::Error),
    /// The model cannot be written as a file.
    #[error("cannot write the config of CT {vmid}")]
    Write {
        /// The container.
        vmid: Vmid,
        /// What is wrong with it.
        #[source]
        source: WriteError,
    },
    /// Nobody writes so much: it is something else.
    #[error("'{0}' is larger than 1 MiB, and so no configuration of a container")]
    TooLarge(PathBuf),
    /// A file operation failed.
    #[error("{action} '{path}'")]
    Io {
        /// What was attempted.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
}

impl StoreError {
    fn io(action: &'static str, path: &Path, source: impl Into<io::Error>) -> Self {
        Self::Io { action, path: path.to_owned(), source: source.into() }
    }
}

/// How long a command waits for another one to finish with the container.
const LOCK_TIMEOUT: Duration = Duration::from_secs(10);
/// How long `create` waits: a new number is hardly ever busy.
pub(crate) const CREATE_LOCK_TIMEOUT: Duration = Duration::from_secs(5);

/// Hears what of a file could not be understood, at each load.
#[derive(Clone)]
pub(crate) struct Listener(Arc<dyn Fn(&Diagnostic) + Send + Sync>);

impl Listener {
    pub(crate) fn new(listener: impl Fn(&Diagnostic) + Send + Sync + 'static) -> Self {
        Self(Arc::new(listener))
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Listener")
    }
}

/// The configs of one home.
#[derive(Clone, Copy)]
pub(crate) struct Store<'a> {
    home: &'a Home,
    listener: Option<&'a Listener>,
}

/// A config file may have so many bytes.
pub(crate) const LARGEST: u64 = 1 << 20;

/// Reads a config file, wherever it is, and no more of it than a config may have.
pub(crate) fn read_file(path: &Path) -> Result<Vec<u8>, StoreError> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes))
        .map_err(|source| StoreError::io("cannot read", path, source))?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > LARGEST) {
        return Err(StoreError::TooLarge(path.to_owned()));
    }
    Ok(bytes)
}

/// A config as it was found.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Loaded {
    /// All states of the container: current, pending, snapshots.
    pub config: Config,
    /// What of the file could not be understood; it is kept as it is.
    pub diagnostics: Vec<Diagnostic>,
    file: Vec<u8>,
}

impl Loaded {
    /// From the bytes of a file.
    pub(crate) fn of(file: Vec<u8>, vmid: Vmid) -> Self {
        let parsed = Config::parse(&file, vmid);
        Self { config: parsed.config, diagnostics: parsed.diagnostics, file }
    }

    /// Says what of the file is not understood.
    pub(crate) fn tell(&self, progress: &mut dyn Progress) {
        self.diagnostics.iter().for_each(|diagnostic| progress.warning(&diagnostic.to_string()));
    }

    /// The bytes of the file.
    pub(crate) fn file(&self) -> &[u8] {
        &self.file
    }

    /// Tells whether the file has changed since, see [`config::digest`].
    #[must_use]
    pub fn digest(&self) -> String {
        config::digest(&self.file)
    }

    /// Refuses a container that a long-running operation has marked.
    pub(crate) fn check_lock(&self) -> Result<(), StoreError> {
        match self.config.main().lock() {
            Some(lock) => Err(StoreError::Locked { lock: lock.to_owned() }),
            None => Ok(()),
        }
    }

    /// As [`Loaded::check_lock`], but lets a container pass whose volumes are only mounted.
    pub(crate) fn check_lock_but_mounted(&self) -> Result<(), StoreError> {
        if self.config.main().lock() == Some("mounted") { Ok(()) } else { self.check_lock() }
    }
}

/// Proof that this process holds a container's lock file: whoever changes a container asks for one.
pub(crate) struct ConfigLock {
    vmid: Vmid,
    file: LockFile,
}

impl AsFd for ConfigLock {
    /// Whoever has a copy of this descriptor keeps the lock, too.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

impl<'a> Store<'a> {
    pub(crate) fn new(home: &'a Home, listener: Option<&'a Listener>) -> Self {
        Self { home, listener }
    }

    /// All containers of this node, ascending.
    pub(crate) fn vmids(&self) -> Result<Vec<Vmid>, StoreError> {
        let folder = self.home.config_dir();
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(StoreError::io("cannot read", &folder, source)),
        };
        let mut vmids = Vec::new();
        for entry in entries {
            let name = entry.map_err(|e| StoreError::io("cannot read", &folder, e))?.file_name();
            vmids.extend(
                name.to_str().and_then(|n| n.strip_suffix(".conf")).and_then(|n| n.parse::<Vmid>().ok()),
            );
        }
        vmids.sort_unstable();
        Ok(vmids)
    }

    fn missing(&self, vmid: Vmid) -> StoreError {
        StoreError::Missing { vmid, node: self.home.node().to_owned() }
    }

    /// Fails unless there is such a container.
    pub(crate) fn require(&self, vmid: Vmid) -> Result<(), StoreError> {
        if self.exists(vmid) { Ok(()) } else { Err(self.missing(vmid)) }
    }

    pub(crate) fn exists(&self, vmid: Vmid) -> bool {
        self.home.config_file(vmid).exists()
    }

    /// Fails when the number is taken, by a virtual machine or on another node of the cluster, too.
    pub(crate) fn require_free(&self, vmid: Vmid) -> Result<(), StoreError> {
        let here = self.home.node();
        if self.exists(vmid) {
            return Err(StoreError::Exists { vmid, node: here.to_owned() });
        }
        if self.home.kind() == HomeKind::Pve {
            let nodes = fs::read_dir("/etc/pve/nodes").into_iter().flatten().flatten();
            for node in nodes {
                let taken = |kind: &str| node.path().join(kind).join(format!("{vmid}.conf")).exists();
                if taken("lxc") || taken("qemu-server") {
                    let node = node.file_name().to_string_lossy().into_owned();
                    return Err(StoreError::Exists { vmid, node });
                }
            }
        }
        Ok(())
    }

    pub(crate) fn load(&self, vmid: Vmid) -> Result<Loaded, StoreError> {
        let path = self.home.config_file(vmid);
        let bytes = read_file(&path).map_err(|error| match error {
            StoreError::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => self.missing(vmid),
            other => other,
        })?;
        let loaded = Loaded::of(bytes, vmid);
        if let Some(Listener(told)) = self.listener {
            loaded.diagnostics.iter().for_each(|diagnostic| told(diagnostic));
        }
        Ok(loaded)
    }

    /// The same for an operation: what of the file is not understood is told once, to the listener or to `progress`.
    pub(crate) fn load_telling(&self, vmid: Vmid, progress: &mut dyn Progress) -> Result<Loaded, StoreError> {
        let loaded = self.load(vmid)?;
        if self.listener.is_none() {
            loaded.tell(progress);
        }
        Ok(loaded)
    }

    /// Takes the container's lock file, which the original respects too.
    pub(crate) fn lock(&self, vmid: Vmid, progress: &mut dyn Progress) -> Result<ConfigLock, StoreError> {
        self.lock_within(vmid, LOCK_TIMEOUT, progress)
    }

    /// Takes it if nobody has it.
    pub(crate) fn try_lock(&self, vmid: Vmid) -> Result<Option<ConfigLock>, StoreError> {
        let file = LockFile::try_acquire(&self.lock_path(vmid)?)?;
        Ok(file.map(|file| ConfigLock { vmid, file }))
    }

    pub(crate) fn lock_within(
        &self,
        vmid: Vmid,
        timeout: Duration,
        progress: &mut dyn Progress,
    ) -> Result<ConfigLock, StoreError> {
        let mut waited = false;
        let file = LockFile::acquire(&self.lock_path(vmid)?, timeout, |time| {
            if !std::mem::replace(&mut waited, true) {
                progress.waiting_for_lock(false);
            }
            pause(progress, time)
        })?;
        if waited {
            progress.waiting_for_lock(true);
        }
        Ok(ConfigLock { vmid, file })
    }

    /// The file, in a folder that is there.
    fn lock_path(&self, vmid: Vmid) -> Result<PathBuf, StoreError> {
        let path = self.home.config_lock(vmid);
        if let Some(folder) = path.parent() {
            folder::make(folder, 0o755).map_err(|e| StoreError::io("cannot make", folder, e))?;
        }
        Ok(path)
    }

    /// Replaces a config file: readers see the old one or the new one, also after a crash.
    pub(crate) fn write(&self, lock: &ConfigLock, config: &Config) -> Result<(), StoreError> {
        let vmid = lock.vmid;
        let bytes = config.to_bytes().map_err(|source| StoreError::Write { vmid, source })?;
        let folder = self.home.config_dir();
        folder::make(&folder, 0o755).map_err(|e| StoreError::io("cannot make", &folder, e))?;
        // Of a fixed name, as the lock is ours: what a killed writer has left is written over by the next one.
        replace(&self.home.config_file(vmid), ".tmp", &bytes, true)
    }

    /// Removes a config file; the container's number is free again.
    pub(crate) fn remove(&self, lock: &ConfigLock) -> Result<(), StoreError> {
        let path = self.home.config_file(lock.vmid);
        match fs::remove_file(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(StoreError::io("cannot remove", &path, source))
            }
            _ => Ok(()),
        }
    }
}

/// Replaces a file that is made anew when it is needed: after a crash of the machine it may be gone.
pub(crate) fn write_generated(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    replace(path, &format!(".tmp.{}", std::process::id()), bytes, false)
}

/// Replaces a file that must be there, old or new, whatever happens.
pub(crate) fn write_durably(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    replace(path, &format!(".tmp.{}", std::process::id()), bytes, true)
}

/// What writers of a file have left beside it who were killed.
pub(crate) fn left_beside(path: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { return Ok(Vec::new()) };
    let failed = |source| StoreError::io("cannot read", folder, source);
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(failed(source)),
    };
    let begin = [name.as_encoded_bytes(), b".tmp"].concat();
    let mut left = Vec::new();
    for entry in entries {
        let entry = entry.map_err(failed)?.file_name();
        let rest = entry.as_encoded_bytes().strip_prefix(&*begin);
        if rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b".")) {
            left.push(folder.join(entry));
        }
    }
    left.sort_unstable();
    Ok(left)
}

/// Writes a file of mode 0644 beside `path` and renames it over it. Nobody else uses the name with this suffix now.
fn replace(path: &Path, suffix: &str, bytes: &[u8], durable: bool) -> Result<(), StoreError> {
    let mut temp = path.as_os_str().to_owned();
    temp.push(suffix);
    let temp = PathBuf::from(temp);
    // Left by one that was killed.
    let _ = fs::remove_file(&temp);
    let write = || -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o644).open(&temp)?;
        file.set_permissions(Permissions::from_mode(0o644))?;
        file.write_all(bytes)?;
        if durable {
            file.sync_all()?;
        }
        fs::rename(&temp, path)?;
        match path.parent() {
            Some(folder) if durable => File::open(folder)?.sync_all(),
            _ => Ok(()),
        }
    };
    write().map_err(|source| {
        let _ = fs::remove_file(&temp);
        StoreError::io("cannot write", path, source)
    })
}
