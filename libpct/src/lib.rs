#![doc = include_str!("../README.md")]

#[allow(dead_code, reason = "a whole room: changes of a running container use the rest")]
mod cgroup;
pub mod changes;
pub mod config;
pub mod copy;
mod error;
#[allow(dead_code, reason = "a whole room: storages with programs of their own use the rest")]
mod exec;
pub mod facts;
mod ffi;
pub mod guest;
mod home;
mod image;
pub mod json;
pub mod lxc;
mod mount;
#[allow(dead_code, reason = "a whole room: changes of a running container use the rest")]
mod net;
mod ops;
mod progress;
pub mod rootfs;
#[path = "lib/snapshots.rs"]
mod snapshots;
mod storage;
#[path = "lib/storages.rs"]
mod storages;
mod store;
#[allow(dead_code, reason = "a whole room: growing and copying volumes use the rest")]
mod sys;
pub mod translate;
#[path = "lib/volumes.rs"]
mod volumes;

use std::{
    collections::BTreeSet,
    ffi::OsStr,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

pub use config::Vmid;
pub use error::{DiskError, Error, ErrorKind, Failure, HelperError};
pub use home::{Home, HomeKind};
pub use lxc::TtyLease;
pub use ops::{
    Attach, Checkup, CloneOptions, ConfigState, ConfigView, ContainerState, CopyOptions, CreateOptions,
    DeleteSnapshotOptions, DestroyOptions, Events, Exec, ExportOptions, FsckOptions, FstrimOptions, Gravity,
    GuestEvent, GuestSetup, GuestSetupOptions, HostFile, ImportOptions, Interface, InterfaceAddress,
    InvalidNewSize, Leftover, LeftoverKind, Listing, LxcConfigOptions, MoveVolumeOptions, NewSize,
    ReassignOptions, RebootOptions, RepairOptions, RepairOutcome, RescanOptions, ResizeOptions,
    RollbackOptions, SYMPTOM_CODES, ShutdownOptions, SnapshotOptions, StartAllOptions, StartOptions,
    StateChange, Status, StopAllOptions, StopOptions, Symptom, Usage, VolumeUsage, WaitFor,
};
pub use progress::{Progress, Silent};
pub use storage::{
    Content, InvalidStreamFormat, STORAGE_OPTIONS, StorageOption, StorageStatus, StorageValue, StorageVolume,
    StreamFormat, storage_types,
};
pub use store::Loaded;
pub use translate::LxcConfig;

/// Where the helper is, when nobody says otherwise; packagers set `PCT_LIBEXECDIR` at build time.
const LIBEXECDIR: &str = match option_env!("PCT_LIBEXECDIR") {
    Some(folder) => folder,
    None => "/usr/libexec/pct",
};

/// The containers of this host.
///
/// Holds no connection and no state but where things are: opening one is cheap, and it may be used from
/// several threads.
///
/// ```
/// let root = tempfile::tempdir()?;
/// let pct = pct::Pct::builder().root(root.path()).open()?;
/// for container in pct.list()?.containers {
///     println!("{} {}", container.vmid, container.running);
/// }
/// assert_eq!(pct.free_vmid().map(|vmid| vmid.get()), Some(100));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Pct {
    env: ops::Env,
}

/// Chooses where [`Pct`] works.
#[derive(Clone, Debug, Default)]
pub struct Builder {
    root: Option<PathBuf>,
    helper: Option<PathBuf>,
    listener: Option<store::Listener>,
}

impl Builder {
    /// Works below this directory: `/x/etc/pct`, `/x/var/lib/pct`, `/x/run/pct`. Veth names and cgroups are
    /// not separated by it: a VMID stays unique on a machine.
    #[must_use]
    pub fn root(mut self, prefix: impl Into<PathBuf>) -> Self {
        self.root = Some(prefix.into());
        self
    }

    /// Uses this `pct-helper` instead of the installed one.
    #[must_use]
    pub fn helper(mut self, path: impl Into<PathBuf>) -> Self {
        self.helper = Some(path.into());
        self
    }

    /// Tells at each load of a config file what of it could not be understood; it is kept as it is. Without a listener
    /// an operation tells it as warnings of its [`Progress`].
    #[must_use]
    pub fn on_diagnostic(mut self, listener: impl Fn(&config::Diagnostic) + Send + Sync + 'static) -> Self {
        self.listener = Some(store::Listener::new(listener));
        self
    }

    /// Finds the home.
    ///
    /// # Errors
    /// When the prefix is not usable, or Proxmox VE is installed without its cluster file system.
    pub fn open(self) -> Result<Pct, Error> {
        let home = Home::detect(self.root.as_deref())?;
        let helper = self.helper.unwrap_or_else(|| Path::new(LIBEXECDIR).join("pct-helper"));
        Ok(Pct { env: ops::Env { home, helper, listener: self.listener } })
    }
}

impl Pct {
    /// The containers of this host, in the home that it offers.
    ///
    /// # Errors
    /// As [`Builder::open`].
    pub fn open() -> Result<Self, Error> {
        Self::builder().open()
    }

    /// For another root or helper.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Where things are.
    #[must_use]
    pub fn home(&self) -> &Home {
        &self.env.home
    }

    /// A container, whether it exists or not.
    #[must_use]
    pub fn container(&self, vmid: Vmid) -> Container<'_> {
        Container { env: &self.env, vmid }
    }

    /// All containers of this node. Needs no more than readable config files.
    ///
    /// # Errors
    /// When the folder of the configs cannot be read; a single bad config is in the listing.
    pub fn list(&self) -> Result<Listing, Error> {
        ops::list(&self.env)
    }

    /// As [`Pct::list`], for these containers in this order. One that does not exist is among the errors.
    ///
    /// # Errors
    /// When it cannot be told which containers run.
    pub fn list_of(&self, vmids: &[Vmid]) -> Result<Listing, Error> {
        ops::list_of(&self.env, vmids)
    }

    /// Starts the containers with `onboot` that are not running, in the order of `startup`, and waits `up` seconds
    /// after each but the last. Templates and locked ones are skipped with a message. Returns those that could not be
    /// started or read; they keep none of the others from being started.
    ///
    /// # Errors
    /// When the containers cannot be listed; [`Error::Interrupted`].
    pub fn start_all(
        &self,
        options: &StartAllOptions,
        progress: &mut dyn Progress,
    ) -> Result<Vec<(Vmid, Error)>, Error> {
        ops::start_all(&self.env, options, progress)
    }

    /// Shuts all running containers down in the reverse order of [`Pct::start_all`]; a guest that takes longer than
    /// its `down` seconds is killed. Locked ones are skipped with a message. Returns those that failed.
    ///
    /// # Errors
    /// As [`Pct::start_all`].
    pub fn stop_all(
        &self,
        options: &StopAllOptions,
        progress: &mut dyn Progress,
    ) -> Result<Vec<(Vmid, Error)>, Error> {
        ops::stop_all(&self.env, options, progress)
    }

    /// Notes down what the storages have of each container: volumes that its config does not name become `unusedN`, sizes
    /// are corrected. `progress` hears of each change. Returns those that are locked or cannot be written; they keep none
    /// of the others from being looked at.
    ///
    /// # Errors
    /// When `storage.cfg` cannot be read, or the containers cannot be listed.
    pub fn rescan(
        &self,
        options: &RescanOptions,
        progress: &mut dyn Progress,
    ) -> Result<Vec<(Vmid, Error)>, Error> {
        ops::rescan_all(&self.env, options, progress)
    }

    /// As [`Container::doctor`] for these containers in this order, or for all of this node where none are named.
    ///
    /// # Errors
    /// When the containers cannot be listed; a config that cannot be read is in the answer.
    pub fn doctor(&self, vmids: &[Vmid]) -> Result<Checkup, Error> {
        ops::doctor_of(&self.env, vmids)
    }

    /// The processors that each running container may use, ascending by number. Those of a host without cgroups for
    /// that are not there.
    ///
    /// # Errors
    /// When the containers or their cgroups cannot be looked at.
    pub fn cpusets(&self) -> Result<Vec<(Vmid, BTreeSet<u32>)>, Error> {
        ops::cpusets(&self.env)
    }

    /// Changes of state of all containers of this node, from now on. Needs root.
    ///
    /// # Errors
    /// When the containers cannot be looked at or watched.
    pub fn events(&self) -> Result<Events, Error> {
        ops::events(&self.env)
    }

    /// The lowest number that no container has, on a Proxmox VE cluster no other guest either; `None` when all
    /// are taken. Nothing reserves it.
    #[must_use]
    pub fn free_vmid(&self) -> Option<Vmid> {
        ops::free_vmid(&self.env)
    }
}

/// One container, by its number.
#[derive(Clone, Copy, Debug)]
pub struct Container<'a> {
    env: &'a ops::Env,
    vmid: Vmid,
}

impl<'a> Container<'a> {
    /// Its number.
    #[must_use]
    pub fn vmid(&self) -> Vmid {
        self.vmid
    }

    /// Makes the container from a template. A failure leaves nothing behind.
    ///
    /// # Errors
    /// [`Error::Parameters`] before anything is done, [`Error::Create`] after.
    pub fn create(&self, options: &CreateOptions, progress: &mut dyn Progress) -> Result<(), Error> {
        ops::create(self.env, self.vmid, options, progress)
    }

    /// Removes the container and the volumes that belong to it.
    ///
    /// # Errors
    /// When it is protected, locked, or runs and `force` is not given; when a volume cannot be removed.
    pub fn destroy(&self, options: &DestroyOptions, progress: &mut dyn Progress) -> Result<(), Error> {
        ops::destroy(self.env, self.vmid, options, progress)
    }

    /// Starts the container; returns when liblxc says RUNNING.
    ///
    /// # Errors
    /// [`Error::Helper`] with the lines of liblxc's log that say why, and the remedy where we know it.
    pub fn start(&self, options: &StartOptions, progress: &mut dyn Progress) -> Result<(), Error> {
        ops::start(self.env, self.vmid, options, progress)
    }

    /// Kills the container; returns when its monitor has cleaned up.
    ///
    /// # Errors
    /// When it is not running, locked, or does not end.
    pub fn stop(&self, options: &StopOptions, progress: &mut dyn Progress) -> Result<(), Error> {
        ops::stop(self.env, self.vmid, options, progress)
    }

    /// Asks the guest to halt; returns when its monitor has cleaned up.
    ///
    /// # Errors
    /// As [`Container::stop`]; [`Error::DidNotStop`] when the time is over.
    pub fn shutdown(&self, options: &ShutdownOptions, progress: &mut dyn Progress) -> Result<(), Error> {
        ops::shutdown(self.env, self.vmid, options, progress)
    }

    /// Writes the state of all of the container's processes to disk, and ends them: [`Container::resume`] goes on with it.
    /// Needs CRIU. Experimental, as it is in the original.
    ///
    /// # Errors
    /// [`Error::Program`] before anything is done where CRIU is not installed; [`Error::Helper`] with CRIU's reasons, and
    /// then the container runs on.
    pub fn suspend(&self, progress: &mut dyn Progress) -> Result<(), Error> {
        ops::suspend(self.env, self.vmid, progress)
    }

    /// Goes on with a suspended container, whose files must be as they were then. The suspended state is used up by it,
    /// and by a start.
    ///
    /// # Errors
    /// As [`Container::suspend`], and [`Error::NotSuspended`]; after a failure the suspended state is still there.
    pub fn resume(&self, progress: &mut dyn Progress) -> Result<(), Error> {
        ops::resume(self.env, self.vmid, progress)
    }

    /// Halts the guest, kills it when the time is over, and starts it again.
    ///
    /// # Errors
    /// Those of [`Container::shutdown`] and [`Container::start`].
    pub fn reboot(&self, options: &RebootOptions, progress: &mut dyn Progress) -> Result<(), Error> {
        ops::reboot(self.env, self.vmid, options, progress)
    }

    /// Changes the config: all that is asked for, or nothing. What a running container cannot be told at once is
    /// pending until its next start, see [`config::pending_keys`].
    ///
    /// # Errors
    /// [`Error::Parameters`] with each value that does not fit or cannot be applied, [`Error::Change`] for what the
    /// rules forbid; when the container is locked. After [`Error::Translate`] alone the config *is* written: with it
    /// the container would not start.
    pub fn set(&self, changes: &changes::Changes, progress: &mut dyn Progress) -> Result<(), Error> {
        ops::set(self.env, self.vmid, changes, progress)
    }

    /// Takes away the `lock` that an operation has left in the config, whoever has set it.
    ///
    /// # Errors
    /// When there is no such container, or no lock.
    pub fn unlock(&self, progress: &mut dyn Progress) -> Result<(), Error> {
        ops::unlock(self.env, self.vmid, progress)
    }

    /// Finds what an operation has left that was killed, and removes it or brings it to its end: its lock, mounts, half-made
    /// volumes and snapshots, a half-made container. What the config does not name of a storage is noted as [`Pct::rescan`]
    /// does it. The first that fails is the last that is tried.
    ///
    /// # Errors
    /// [`Error::AtWork`] while an operation lives: nothing was done.
    pub fn repair(
        &self,
        options: &RepairOptions,
        progress: &mut dyn Progress,
    ) -> Result<Vec<Leftover>, Error> {
        ops::repair(self.env, self.vmid, options, progress)
    }

    /// As [`Pct::rescan`], for this container.
    ///
    /// # Errors
    /// When there is no such container or it is locked, and when all of `unusedN` are taken.
    pub fn rescan(&self, options: &RescanOptions, progress: &mut dyn Progress) -> Result<(), Error> {
        ops::rescan(self.env, self.vmid, options, progress)
    }

    /// What `pct status` shows. Needs no more than a readable config file.
    ///
    /// # Errors
    /// When there is no such container or its config cannot be read.
    pub fn status(&self) -> Result<Status, Error> {
        ops::status(self.env, self.vmid)
    }

    /// Whether its monitor lives; the config is not looked at.
    ///
    /// # Errors
    /// When the sockets of this host cannot be listed.
    pub fn is_running(&self) -> Result<bool, Error> {
        self.env.is_running(self.vmid)
    }

    /// What the container uses now; `None` when it is stopped.
    ///
    /// # Errors
    /// When its monitor does not answer.
    pub fn usage(&self) -> Result<Option<Usage>, Error> {
        ops::usage(self.env, self.vmid)
    }

    /// One state of the container, as `pct config` shows it: [`config::pct_config_lines`] makes its text,
    /// [`json::config`] its fields.
    ///
    /// # Errors
    /// When there is no such container or snapshot; [`Error::InvalidConfig`] with every known key whose value
    /// is not allowed.
    pub fn config(&self, view: &ConfigView) -> Result<ConfigState, Error> {
        ops::config(self.env, self.vmid, view)
    }

    /// The container's config as its file has it: current state, pending changes and snapshots, nothing checked.
    ///
    /// # Errors
    /// When there is no such container, or its file cannot be read.
    pub fn load(&self) -> Result<Loaded, Error> {
        ops::load(self.env, self.vmid)
    }

    /// The names of its snapshots, sorted.
    ///
    /// # Errors
    /// When there is no such container or its config cannot be read.
    pub fn snapshot_names(&self) -> Result<Vec<String>, Error> {
        ops::snapshot_names(self.env, self.vmid)
    }

    /// What a start would tell liblxc. Nothing is started, changed or locked. `progress` hears of what is wrong with
    /// the config, and of what the translation had to leave out.
    ///
    /// # Errors
    /// When there is no such container, or its config cannot be translated for the host.
    pub fn lxc_config(
        &self,
        options: &LxcConfigOptions,
        progress: &mut dyn Progress,
    ) -> Result<LxcConfig, Error> {
        ops::lxc_config(self.env, self.vmid, options, progress)
    }

    /// What would make the next start fail or surprise, the gravest first. Nothing is started, changed or activated.
    /// Needs root.
    ///
    /// # Errors
    /// When there is no such container, or its config cannot be read.
    pub fn doctor(&self) -> Result<Vec<Symptom>, Error> {
        ops::doctor(self.env, self.vmid)
    }

    /// Waits until the container is in a state, for ever without a timeout. What only a running container has is waited
    /// for from its start on. A progress that can be cancelled ends the waiting.
    ///
    /// # Errors
    /// [`Error::WaitTimeout`], [`Error::StoppedMeanwhile`] when it stops and does not reboot; when there is no such
    /// container, or it is removed meanwhile. Needs root.
    pub fn wait(
        &self,
        condition: WaitFor,
        timeout: Option<Duration>,
        progress: &mut dyn Progress,
    ) -> Result<(), Error> {
        ops::wait(self.env, self.vmid, condition, timeout, progress)
    }

    /// Its network interfaces and their addresses, as they are inside; `None` when it is stopped. Needs root.
    ///
    /// # Errors
    /// When there is no such container, its monitor does not answer, or the helper is missing.
    pub fn interfaces(&self) -> Result<Option<Vec<Interface>>, Error> {
        ops::interfaces(self.env, self.vmid)
    }

    /// A pidfd of its init, which is readable when init has ended; a signal sent by it cannot reach another process.
    ///
    /// # Errors
    /// When there is no such container, it does not run, or its monitor does not answer.
    pub fn init_pidfd(&self) -> Result<OwnedFd, Error> {
        ops::init_pidfd(self.env, self.vmid)
    }

    /// Copies a file of the host into the running container. Links and names of accounts are those of the container;
    /// a relative destination begins at its root. A file that is there is overwritten.
    ///
    /// # Errors
    /// When it is not running, a file cannot be opened or made, or the destination is no regular file. What was copied
    /// until a failure stays.
    pub fn push(
        &self,
        from: HostFile<'_>,
        destination: &str,
        options: &CopyOptions,
        progress: &mut dyn Progress,
    ) -> Result<(), Error> {
        ops::push(self.env, self.vmid, from, destination, options, progress)
    }

    /// Copies a file of the running container to the host, as long as it is now. Names of accounts are those of the
    /// host; an open file keeps its owner and mode, so none can be given.
    ///
    /// # Errors
    /// As [`Container::push`]; nothing is made on the host when the file inside cannot be opened.
    pub fn pull(
        &self,
        path: &str,
        to: HostFile<'_>,
        options: &CopyOptions,
        progress: &mut dyn Progress,
    ) -> Result<(), Error> {
        ops::pull(self.env, self.vmid, path, to, options, progress)
    }

    /// A command for the running container, as its root: the program and its arguments. [`Exec`] starts it.
    pub fn exec(&self, words: impl IntoIterator<Item: AsRef<OsStr>>) -> Exec<'a> {
        Exec::new(self.env, self.vmid).args(words)
    }

    /// The login shell of the running container's root.
    ///
    /// # Errors
    /// When there is no such container, it is not running, or the helper is missing.
    pub fn enter(&self, keep_env: bool) -> Result<Attach, Error> {
        ops::enter(self.env, self.vmid, keep_env)
    }

    /// Leases a terminal of the running container until the lease is dropped: 0 is its console, `None` the first that is
    /// free.
    ///
    /// # Errors
    /// When it is not running, or the terminal is taken.
    pub fn lease_tty(&self, number: Option<u32>) -> Result<TtyLease, Error> {
        ops::lease_tty(self.env, self.vmid, number)
    }

    /// A terminal of the container; `escape` is the letter of the control key that begins the sequence to
    /// leave it, `a` where none is given.
    ///
    /// # Errors
    /// When there is no such container, or the helper is missing.
    pub fn console(&self, escape: Option<char>) -> Result<Attach, Error> {
        ops::console(self.env, self.vmid, escape)
    }
}

/// Reads a config file, wherever it is.
///
/// # Errors
/// When it cannot be read, or is larger than 1 MiB.
pub fn read_config_file(path: impl AsRef<Path>) -> Result<Vec<u8>, Error> {
    Ok(store::read_file(path.as_ref())?)
}

/// Sets up a directory tree as the root of the container `vmid`, without the container: for builders of images. `vmid`
/// only shows in messages; no home is asked for. Needs root.
///
/// # Errors
/// [`Error::Guest`] when the tree is missing or the host's own, holds a distribution or release that cannot be set up, or a
/// step failed: those before it have been done. When the config cannot be used; [`Error::Parameters`] when the event has no
/// use for a password or keys.
///
/// ```no_run
/// use pct::{GuestSetupOptions, Silent, Vmid};
///
/// let options = GuestSetupOptions::default().config(*b"hostname: web1\nostype: debian\n");
/// let guest = pct::set_up_guest("/srv/tree", Vmid::new(101)?, &options, &mut Silent)?;
/// println!("{} for {}", guest.ostype, guest.arch);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn set_up_guest(
    root: impl AsRef<Path>,
    vmid: Vmid,
    options: &GuestSetupOptions,
    progress: &mut dyn Progress,
) -> Result<GuestSetup, Error> {
    ops::set_up_guest(root.as_ref(), vmid, options, progress)
}

/// For the first line of a program: children of this process can be waited for from now on, also where the parent ignores
/// SIGCHLD, as many a daemon does, and has handed that on (execve(2)). A handler that is there stays.
///
/// Operations run programs, and where nobody can learn how these ended they fail with that reason.
pub fn heed_children() {
    sys::signal::heed(libc::SIGCHLD);
}

/// The whole of the program `pct-helper`. Not for others: its language is that of one release.
#[doc(hidden)]
#[must_use]
pub fn helper_main() -> ExitCode {
    ops::serve()
}
