//! The one error of the front door.

mod disk;
mod failure;
mod helper;

use std::{io, path::PathBuf, time::Duration};

use crate::{
    changes::{ChangeError, CloneError, SnapshotError, TransferError},
    config::{IdMapOverlap, InvalidIdMap, PropertyError, Vmid},
    exec,
    home::HomeError,
    image, lxc,
    storage::StorageError,
    store::StoreError,
    sys,
};

pub use disk::DiskError;
pub use failure::Failure;
pub use helper::HelperError;
pub(crate) use helper::RELEASE;

/// Why an operation failed: what was attempted, on what, why it failed and, where we know it, what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Values that were given do not fit; nothing was done.
    #[error("Parameter verification failed.{}", list(.0))]
    Parameters(
        /// Name of the parameter, and what is wrong with it.
        Vec<(String, String)>,
    ),
    /// A config cannot be changed as it was asked for; nothing was done.
    #[error(transparent)]
    Change(ChangeError),
    /// A config file holds values that it may not.
    #[error("Result verification failed{}", list(.0))]
    InvalidConfig(
        /// Key, and what is wrong with its value.
        Vec<(String, String)>,
    ),
    /// A value that was checked when it was read does not fit where it is used.
    #[error("'{key}': the {what} cannot be used")]
    Invalid {
        /// The key of the config.
        key: String,
        /// Which part of it.
        what: &'static str,
    },
    /// The container is not running; `what` is `CT`, or `VM` where the original says so.
    #[error("{what} {vmid} not running")]
    NotRunning {
        /// `CT` or `VM`.
        what: &'static str,
        /// The container.
        vmid: Vmid,
    },
    /// As [`Error::NotRunning`], in the words of `enter` and `exec`.
    #[error("container '{vmid}' not running!")]
    NotRunningInside {
        /// The container.
        vmid: Vmid,
    },
    /// As [`Error::NotRunning`], in the words of `push` and `pull`.
    #[error("{0}")]
    NotRunningToCopy(&'static str),
    /// A file could not be copied into a container or out of it: what was attempted on which file.
    #[error("{attempt}")]
    Copy {
        /// The step and the file.
        attempt: String,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// There is no account of this name where the file is made.
    #[error("failed to get {what} for: {name}")]
    NoAccount {
        /// `uid` or `gid`.
        what: &'static str,
        /// The name as given.
        name: String,
    },
    /// It runs already.
    #[error("CT {vmid} already running")]
    AlreadyRunning {
        /// The container.
        vmid: Vmid,
    },
    /// A template is the base of clones and never runs.
    #[error("you can't start a CT if it's a template")]
    IsTemplate {
        /// The container.
        vmid: Vmid,
    },
    /// Disk quotas of the container's own ids cannot work through an id map.
    #[error("Quotas are not supported by unprivileged containers.")]
    QuotaUnprivileged,
    /// The config says so.
    #[error("can't remove CT {vmid} - protection mode enabled")]
    Protected {
        /// The container.
        vmid: Vmid,
    },
    /// There is no mark to take away.
    #[error("no lock found trying to remove any lock")]
    NoLock,
    /// There is nothing to go on with.
    #[error("CT {vmid} is not suspended")]
    NotSuspended {
        /// The container.
        vmid: Vmid,
    },
    /// A program that the operation needs cannot be used; nothing was done.
    #[error("cannot {attempt} CT {vmid}")]
    Program {
        /// The operation.
        attempt: &'static str,
        /// The container.
        vmid: Vmid,
        /// Which program, and what to do.
        #[source]
        source: exec::Error,
    },
    /// It must be stopped first.
    #[error("unable to destroy CT {vmid} - container is running")]
    DestroyRunning {
        /// The container.
        vmid: Vmid,
    },
    /// The config names no root file system.
    #[error("missing 'rootfs' configuration")]
    NoRootfs,
    /// The snapshot is not in the config.
    #[error("snapshot '{0}' does not exist")]
    NoSnapshot(String),
    /// A snapshot cannot be taken, removed or gone back to.
    #[error(transparent)]
    Snapshot(SnapshotError),
    /// `exec` without a command.
    #[error("missing command")]
    MissingCommand,
    /// The guest did not halt in time, or its monitor hangs.
    #[error("container did not stop")]
    DidNotStop {
        /// The container.
        vmid: Vmid,
    },
    /// What was waited for has not come about.
    #[error("timeout: CT {vmid} {what} after {seconds} s")]
    WaitTimeout {
        /// The container.
        vmid: Vmid,
        /// What it is not or has not.
        what: &'static str,
        /// How long was waited, in seconds.
        seconds: u64,
    },
    /// A command inside took longer than it may.
    #[error("the command has not ended after {time:?}")]
    CommandTimeout {
        /// How long was waited.
        time: Duration,
    },
    /// A command inside has said more than its caller wants to hold.
    #[error("the command has written more than {limit} bytes")]
    TooMuchOutput {
        /// How many bytes were allowed.
        limit: usize,
    },
    /// It has stopped while something was waited for that only a running container reaches.
    #[error("CT {vmid} has stopped")]
    StoppedMeanwhile {
        /// The container.
        vmid: Vmid,
    },
    /// Init ended before anything could be seen of it.
    #[error("startup for container '{vmid}' failed: its init ended at once")]
    StoppedAtOnce {
        /// The container.
        vmid: Vmid,
    },
    /// The container's hook script failed, or could not be run.
    #[error("hookscript error for {vmid} on {phase}")]
    Hookscript {
        /// The container.
        vmid: Vmid,
        /// `pre-start`, `post-start`, `pre-stop` or `post-stop`.
        phase: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The monitor of a container that has stopped does not end.
    #[error(
        "the monitor of CT {vmid} (process {pid}) does not end: look at what it waits for, or end it by its number"
    )]
    MonitorBusy {
        /// The container.
        vmid: Vmid,
        /// The monitor.
        pid: i32,
    },
    /// An operation is at work on the container, whose mark in the config somebody has taken away.
    #[error("{who} is at work on CT {vmid}: wait for its end")]
    AtWork {
        /// The container.
        vmid: Vmid,
        /// Its verb, and its process.
        who: String,
    },
    /// A container could not be made; nothing of it is left.
    #[error("unable to create CT {vmid} - {source}")]
    Create {
        /// The container.
        vmid: Vmid,
        /// Why not.
        source: Box<Error>,
    },
    /// A container cannot be cloned; nothing was done.
    #[error(transparent)]
    NoClone(#[from] CloneError),
    /// A container could not be cloned; nothing of the clone is left.
    #[error("clone failed: {source}")]
    Clone {
        /// Why not.
        source: Box<Error>,
    },
    /// A volume cannot be moved, or a container become a template; nothing was done.
    #[error(transparent)]
    Transfer(#[from] TransferError),
    /// A volume could not be copied.
    #[error(transparent)]
    CopyVolume(#[from] crate::copy::Error),
    /// The volume of a mount point cannot be used.
    #[error("{key}: {source}")]
    Volume {
        /// `rootfs` or `mp<n>`.
        key: String,
        /// Why not.
        source: Box<Error>,
    },
    /// The container has a network interface of the name that a new one is to have.
    #[error("the container has an interface '{name}' already: give the new one another name")]
    NameTaken {
        /// The name inside.
        name: String,
    },
    /// The guest has moved its end of a network interface away, and nothing can be done to it there.
    #[error(
        "the container has its end of '{link}' no longer in its own network: a process inside has moved it away"
    )]
    NoGuestEnd {
        /// The host's end.
        link: String,
    },
    /// Raw lines of the config have the container share the network of the host.
    #[error(
        "the container has no network of its own: raw lines of its config have it share that of the host"
    )]
    SharedNetwork,
    /// The host could not ask for an address of the container.
    #[error("DHCP failed for interface '{interface}'")]
    Dhcp {
        /// The name inside.
        interface: String,
        /// Why.
        #[source]
        source: Box<crate::exec::Error>,
    },
    /// A network interface cannot be attached as the config describes it.
    #[error(transparent)]
    Port(#[from] crate::config::InvalidPort),
    /// The caller has asked to stop.
    #[error("received interrupt")]
    Interrupted,
    /// Not in this release.
    #[error("{what} is not supported by this release")]
    Unsupported {
        /// What was asked for.
        what: &'static str,
    },
    /// A job in the helper failed.
    #[error("{0}")]
    Helper(Failure),
    /// The helper could not be used.
    #[error(transparent)]
    HelperProcess(#[from] HelperError),
    /// No home could be chosen.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// A config file could not be read, locked or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Nothing can be done to a volume of the container.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// A storage or volume refused.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A value of the config cannot be used.
    #[error(transparent)]
    Property(#[from] PropertyError),
    /// The container's id map cannot be read.
    #[error(transparent)]
    IdMap(#[from] InvalidIdMap),
    /// An id map has an id twice.
    #[error(transparent)]
    IdMapOverlap(#[from] IdMapOverlap),
    /// A container's files could not be reached.
    #[error(transparent)]
    Rootfs(#[from] crate::rootfs::Error),
    /// The guest could not be set up.
    #[error(transparent)]
    Guest(#[from] crate::guest::Error),
    /// The config cannot be expressed for liblxc.
    #[error(transparent)]
    Translate(#[from] crate::translate::TranslateError),
    /// A file system could not be made or mounted.
    #[error(transparent)]
    Mount(#[from] crate::mount::Error),
    /// The template's name says that it is none.
    #[error(transparent)]
    Image(#[from] image::Error),
    /// liblxc or a container's monitor refused.
    #[error(transparent)]
    Lxc(#[from] lxc::Error),
    /// The network of the host.
    #[error(transparent)]
    Net(#[from] crate::net::Error),
    /// The cgroups of the host.
    #[error(transparent)]
    Cgroup(#[from] crate::cgroup::Error),
    /// The kernel refused.
    #[error(transparent)]
    Sys(#[from] sys::Error),
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

/// What kind of failure it is: stable, for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A value that was given does not fit.
    Parameter,
    /// There is no such container, volume, storage or snapshot.
    NotFound,
    /// What is to be made is there already.
    AlreadyExists,
    /// Another operation has the container.
    Locked,
    /// The operation needs a running container.
    NotRunning,
    /// The operation needs a stopped container.
    Running,
    /// The config forbids it.
    Refused,
    /// The container did not start.
    Start,
    /// The container did not stop.
    Stop,
    /// What was waited for has not come about in time.
    Timeout,
    /// The caller has asked to stop.
    Cancelled,
    /// A command has said more than its caller wants to hold.
    TooMuch,
    /// The helper is missing or does not fit.
    Helper,
    /// This release, storage or host cannot do it.
    Unsupported,
    /// Anything else that the system refused.
    System,
}

impl From<ChangeError> for Error {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::Parameters(faults) => Self::Parameters(faults),
            ChangeError::Property(error) => Self::Property(error),
            other => Self::Change(other),
        }
    }
}

impl From<SnapshotError> for Error {
    fn from(error: SnapshotError) -> Self {
        match error {
            SnapshotError::Missing(name) => Self::NoSnapshot(name),
            other => Self::Snapshot(other),
        }
    }
}

impl Error {
    pub(crate) fn io(action: &'static str, path: impl Into<PathBuf>, source: impl Into<io::Error>) -> Self {
        Self::Io { action, path: path.into(), source: source.into() }
    }

    pub(crate) fn volume(key: &str, source: Error) -> Self {
        Self::Volume { key: key.to_owned(), source: Box::new(source) }
    }

    pub(crate) fn invalid(key: &str, what: &'static str) -> Self {
        Self::Invalid { key: key.to_owned(), what }
    }

    /// The helper has said something that does not belong here.
    pub(crate) fn unexpected(event: &impl std::fmt::Debug) -> Self {
        let message = format!("the helper gave an unexpected answer: {event:?}");
        Self::Helper(Failure { message, ..Failure::default() })
    }

    /// What kind of failure it is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Parameters(_)
            | Self::InvalidConfig(_)
            | Self::MissingCommand
            | Self::NoAccount { .. }
            | Self::Property(_)
            | Self::IdMapOverlap(_)
            | Self::Port(_)
            | Self::Image(_)
            | Self::Translate(_) => ErrorKind::Parameter,
            Self::Change(error) => change_kind(error),
            Self::Snapshot(error) => snapshot_kind(error),
            Self::Store(StoreError::Missing { .. }) | Self::NoSnapshot(_) | Self::NoRootfs => {
                ErrorKind::NotFound
            }
            Self::Store(StoreError::Exists { .. }) => ErrorKind::AlreadyExists,
            Self::Interrupted
            | Self::Sys(sys::Error::Interrupted)
            | Self::Store(StoreError::LockFile(sys::Error::Interrupted)) => ErrorKind::Cancelled,
            Self::Store(StoreError::Locked { .. } | StoreError::LockFile(_))
            | Self::MonitorBusy { .. }
            | Self::AtWork { .. } => ErrorKind::Locked,
            Self::NotRunning { .. }
            | Self::NotRunningInside { .. }
            | Self::NotRunningToCopy(_)
            | Self::StoppedMeanwhile { .. } => ErrorKind::NotRunning,
            Self::AlreadyRunning { .. } | Self::DestroyRunning { .. } => ErrorKind::Running,
            Self::NotSuspended { .. }
            | Self::IsTemplate { .. }
            | Self::QuotaUnprivileged
            | Self::Protected { .. }
            | Self::NoLock
            | Self::NameTaken { .. }
            | Self::SharedNetwork => ErrorKind::Refused,
            Self::StoppedAtOnce { .. } => ErrorKind::Start,
            Self::Helper(failure) => failure.kind(),
            Self::DidNotStop { .. } => ErrorKind::Stop,
            Self::WaitTimeout { .. } | Self::CommandTimeout { .. } => ErrorKind::Timeout,
            Self::TooMuchOutput { .. } => ErrorKind::TooMuch,
            Self::HelperProcess(_) => ErrorKind::Helper,
            Self::Unsupported { .. } | Self::Program { .. } => ErrorKind::Unsupported,
            Self::Storage(error) => storage_kind(error),
            Self::Disk(error) => error.kind(),
            Self::Transfer(error) => transfer_kind(error),
            Self::NoClone(CloneError::Storage) => ErrorKind::Parameter,
            Self::NoClone(CloneError::Running) => ErrorKind::Running,
            Self::NoClone(CloneError::Lost) => ErrorKind::Locked,
            Self::NoClone(_) => ErrorKind::Unsupported,
            Self::CopyVolume(crate::copy::Error::Cancelled) => ErrorKind::Cancelled,
            Self::Create { source, .. } | Self::Clone { source } | Self::Volume { source, .. } => {
                source.kind()
            }
            _ => ErrorKind::System,
        }
    }

    /// The message and every reason behind it, on one line as far as they are lines.
    #[must_use]
    pub fn full_message(&self) -> String {
        let mut text = self.to_string();
        // These show their source themselves, to keep the words that scripts look for in one place.
        let mut shown = self;
        while let Self::Create { source, .. } | Self::Clone { source } | Self::Volume { source, .. } = shown {
            shown = source;
        }
        text.push_str(&reasons(shown));
        text
    }
}

/// The reasons behind an error, each after `: `.
pub(crate) fn reasons(error: &dyn std::error::Error) -> String {
    let mut text = String::new();
    let mut source = error.source();
    while let Some(reason) = source {
        text.push_str(": ");
        text.push_str(&reason.to_string());
        source = reason.source();
    }
    text
}

fn change_kind(error: &ChangeError) -> ErrorKind {
    match error {
        ChangeError::Protected { .. }
        | ChangeError::ReadOnly { .. }
        | ChangeError::Required(_)
        | ChangeError::TooManyUnused
        | ChangeError::Modified => ErrorKind::Refused,
        _ => ErrorKind::Parameter,
    }
}

fn snapshot_kind(error: &SnapshotError) -> ErrorKind {
    match error {
        SnapshotError::BadName(_) | SnapshotError::Reserved(_) => ErrorKind::Parameter,
        SnapshotError::Used(_) => ErrorKind::AlreadyExists,
        SnapshotError::Missing(_) => ErrorKind::NotFound,
        SnapshotError::NotAvailable { .. } => ErrorKind::Unsupported,
        SnapshotError::Migrating => ErrorKind::Locked,
        _ => ErrorKind::Refused,
    }
}

fn transfer_kind(error: &TransferError) -> ErrorKind {
    match error {
        TransferError::Running | TransferError::InUse | TransferError::TemplateRunning => ErrorKind::Running,
        TransferError::NoSuchKey { .. } | TransferError::Vanished { .. } => ErrorKind::NotFound,
        TransferError::Taken { .. } => ErrorKind::AlreadyExists,
        TransferError::Property(_) | TransferError::Rootfs | TransferError::UnusedToUsed => {
            ErrorKind::Parameter
        }
        TransferError::NoRename
        | TransferError::NoVolume
        | TransferError::Type(_)
        | TransferError::NoTemplate(_) => ErrorKind::Unsupported,
        TransferError::Lost => ErrorKind::Locked,
        _ => ErrorKind::Refused,
    }
}

fn storage_kind(error: &StorageError) -> ErrorKind {
    match error {
        StorageError::Missing { .. } | StorageError::MissingVolume { .. } => ErrorKind::NotFound,
        StorageError::Unsupported { .. } => ErrorKind::Unsupported,
        StorageError::Exists { .. } | StorageError::VolumeExists { .. } => ErrorKind::AlreadyExists,
        StorageError::InUse { .. } | StorageError::NestedSubvolume { .. } => ErrorKind::Refused,
        StorageError::BadName { .. }
        | StorageError::WrongContent { .. }
        | StorageError::Invalid { .. }
        | StorageError::NoContainers { .. } => ErrorKind::Parameter,
        _ => ErrorKind::System,
    }
}

fn list(parameters: &[(String, String)]) -> String {
    parameters.iter().map(|(name, text)| format!("\n{name}: {text}")).collect()
}
