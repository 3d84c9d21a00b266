//! The state of all processes, written to disk and made processes again by CRIU (criu(8)).
//!
//! liblxc searches the program `criu` in the `PATH` of this process, and passes its environment on. CRIU's own logs are
//! `pre-dump.log`, `dump.log` and `restore.log` in the directory of its images.

use std::ffi::{CString, c_uint};
use std::path::Path;

use lxc_sys::migrate_opts;

use super::args::pointer;
use super::config::text;
use super::container::{c_path, check_path, clear_errno, method};
use super::{Container, Error, Result, threads};

/// What CRIU is told, beyond what liblxc tells it by itself.
#[derive(Clone, Copy, Debug)]
pub struct CriuOptions<'a> {
    /// The folder of the images.
    pub directory: &'a Path,
    /// A file of further options (criu(8), configuration files).
    pub config: Option<&'a Path>,
    /// More in CRIU's log.
    pub verbose: bool,
    /// Run by CRIU at each of its steps.
    pub action_script: Option<&'a Path>,
    /// A dump ends the container's processes; otherwise they go on behind it.
    pub stop: bool,
    /// The images of a [`Container::pre_dump`], as a path relative to `directory`: a dump writes only the memory that has
    /// changed since. Needs a kernel that tracks it, see [`Container::criu_features`].
    pub predump_dir: Option<&'a Path>,
    /// The address and port of a `criu page-server`, which gets the memory of a dump instead of `directory`.
    pub page_server: Option<(&'a str, u16)>,
    /// The files have the same inode numbers where the state is restored.
    pub preserves_inodes: bool,
    /// A dump fails on a TCP connection that is being made, instead of leaving it out.
    pub fail_on_in_flight: bool,
    /// The largest deleted file, in bytes, that is still put in the images; 0 is CRIU's own limit.
    pub ghost_limit: u64,
}

impl<'a> CriuOptions<'a> {
    /// The images in this folder; a dump ends the container.
    #[must_use]
    pub fn new(directory: &'a Path) -> Self {
        Self {
            directory,
            config: None,
            verbose: false,
            action_script: None,
            stop: true,
            predump_dir: None,
            page_server: None,
            preserves_inodes: false,
            fail_on_in_flight: false,
            ghost_limit: 0,
        }
    }
}

/// What CRIU can do on this kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CriuFeatures {
    /// To write only the memory that has changed.
    pub memory_tracking: bool,
    /// To restore memory when it is used.
    pub lazy_pages: bool,
}

impl Container {
    /// Writes the memory of the running container to the folder; its processes go on. A later [`Self::checkpoint`] into
    /// another folder builds on it.
    ///
    /// # Errors
    /// There is no CRIU that liblxc can use, or it cannot do it: the logs say why.
    pub fn pre_dump(&mut self, options: &CriuOptions<'_>) -> Result<()> {
        self.migrate("pre-dump", lxc_sys::MIGRATE_PRE_DUMP, options)
    }

    /// Writes the state of the running container to the folder, and ends all of its processes unless the options say
    /// otherwise. On failure they go on.
    ///
    /// The folder may have no images yet; it is made where it is missing. CRIU looks for the container's mounts in
    /// the mount namespace of this process, which should be that of the monitor.
    ///
    /// # Errors
    /// As [`Self::pre_dump`].
    pub fn checkpoint(&mut self, options: &CriuOptions<'_>) -> Result<()> {
        self.migrate("checkpoint", lxc_sys::MIGRATE_DUMP, options)
    }

    /// Makes a running container of what [`Self::checkpoint`] has written. The root file system must be mounted as for a
    /// start. Of the options those about dumps have no meaning here.
    ///
    /// liblxc forks: when this returns, a child of this process is the monitor, and ends when the container has ended
    /// and the post-stop hook has run. The caller waits for it. That the guest reboots is an end, too.
    ///
    /// # Errors
    /// As [`Self::pre_dump`]; nothing runs then.
    pub fn restore(&mut self, options: &CriuOptions<'_>) -> Result<()> {
        self.migrate("restore", lxc_sys::MIGRATE_RESTORE, options)
    }

    /// Asks CRIU what it can do. Without CRIU it can do nothing.
    pub fn criu_features(&mut self) -> Result<CriuFeatures> {
        const WHAT: &str = "check CRIU for";
        threads::refuse(WHAT, self.name())?;
        let migrate = method!(self, migrate)?;
        let asked = u64::from(lxc_sys::FEATURE_MEM_TRACK | lxc_sys::FEATURE_LAZY_PAGES);
        let mut raw = migrate_opts { features_to_check: asked, ..nothing() };
        // SAFETY: our reference, and a struct that outlives the call, with its size; liblxc writes to it.
        let code = unsafe { migrate(self.raw(), lxc_sys::MIGRATE_FEATURE_CHECK, &raw mut raw, SIZE) };
        if code < 0 {
            return Err(Error::call(WHAT, self.name(), code.into()));
        }
        let has = |bit: u32| raw.features_to_check & u64::from(bit) != 0;
        Ok(CriuFeatures {
            memory_tracking: has(lxc_sys::FEATURE_MEM_TRACK),
            lazy_pages: has(lxc_sys::FEATURE_LAZY_PAGES),
        })
    }

    fn migrate(&mut self, operation: &'static str, command: c_uint, options: &CriuOptions<'_>) -> Result<()> {
        threads::refuse(operation, self.name())?;
        self.require_config()?;
        let migrate = method!(self, migrate)?;
        if let Some(config) = options.config {
            self.configure_criu(operation, config)?;
        }
        let directory = check_path(options.directory)?;
        let action_script = options.action_script.map(check_path).transpose()?;
        let predump_dir = options.predump_dir.map(c_path).transpose()?;
        let address = options.page_server.map(|(address, _)| text("address", address)).transpose()?;
        let port = options.page_server.map(|(_, port)| text("port", &port.to_string())).transpose()?;
        let c = |text: &Option<CString>| pointer(text).cast_mut();
        let mut raw = migrate_opts {
            directory: directory.as_ptr().cast_mut(),
            verbose: options.verbose,
            stop: options.stop,
            predump_dir: c(&predump_dir),
            pageserver_address: c(&address),
            pageserver_port: c(&port),
            preserves_inodes: options.preserves_inodes,
            action_script: c(&action_script),
            disable_skip_in_flight: options.fail_on_in_flight,
            ghost_limit: options.ghost_limit,
            ..nothing()
        };
        threads::keep_descriptors(operation, self.name())?;
        clear_errno();
        // SAFETY: our reference, and a struct with its size; its strings outlive the call, and liblxc only reads them.
        match unsafe { migrate(self.raw(), command, &raw mut raw, SIZE) } {
            0 => Ok(()),
            code => Err(Error::call(operation, self.name(), code.into())),
        }
    }

    /// liblxc has no parameter for it, CRIU has a variable (criu(8), configuration files).
    fn configure_criu(&self, operation: &'static str, config: &Path) -> Result<()> {
        let config = check_path(config)?;
        // SAFETY: two C strings, which are copied; there is no other thread that could read the environment meanwhile.
        let set = unsafe { libc::setenv(c"CRIU_CONFIG_FILE".as_ptr(), config.as_ptr(), 1) };
        if set == 0 { Ok(()) } else { Err(Error::call(operation, self.name(), set.into())) }
    }
}

/// An older liblxc accepts a longer struct whose end is zeroes, a newer one a shorter struct.
const SIZE: c_uint = size_of::<migrate_opts>() as c_uint;

/// No options at all.
fn nothing() -> migrate_opts {
    // SAFETY: all zeroes is a valid one: numbers, pointers and false.
    unsafe { std::mem::zeroed() }
}
