//! STAND-IN for the library's front door, with its names, fields and signatures. To be replaced by the one line
//! `pub(crate) use pct::{Attach, ConfigView, ..};`: nothing else in this package names the library.

use std::{ffi::OsString, path::PathBuf, time::Duration};

pub(crate) use pct::config::{InvalidVmid, Vmid};

/// An error of the library; of its many kinds, those that are told in a way of their own.
#[derive(Debug)]
pub(crate) enum Error {
    Parameters(Vec<(String, String)>),
    InvalidConfig(Vec<(String, String)>),
    Other(ErrorKind, String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ErrorKind {
    NotFound,
    Start,
    System,
}

impl Error {
    pub(crate) fn kind(&self) -> ErrorKind {
        if let Self::Other(kind, _) = self { *kind } else { ErrorKind::System }
    }

    pub(crate) fn full_message(&self) -> String {
        match self {
            Self::Other(_, text) => text.clone(),
            _ => String::new(),
        }
    }
}

type Result<T> = std::result::Result<T, Error>;

fn not_here<T>() -> Result<T> {
    Err(Error::Other(ErrorKind::System, "this build has no library behind it".to_owned()))
}

pub(crate) trait Progress {
    fn message(&mut self, text: &str);
    fn warning(&mut self, text: &str);
    fn bytes(&mut self, done: u64, total: Option<u64>);
    fn waiting_for_lock(&mut self, acquired: bool);
}

pub(crate) struct Pct(());

#[derive(Default)]
pub(crate) struct Builder(());

impl Pct {
    pub(crate) fn builder() -> Builder {
        Builder::default()
    }

    pub(crate) fn container(&self, _vmid: Vmid) -> Container<'_> {
        Container(self)
    }

    pub(crate) fn list(&self) -> Result<Listing> {
        not_here()
    }
}

impl Builder {
    pub(crate) fn root(self, _prefix: impl Into<PathBuf>) -> Self {
        self
    }

    pub(crate) fn helper(self, _path: impl Into<PathBuf>) -> Self {
        self
    }

    pub(crate) fn open(self) -> Result<Pct> {
        let Self(()) = self;
        Ok(Pct(()))
    }
}

pub(crate) struct Container<'a>(&'a Pct);

impl Container<'_> {
    pub(crate) fn status(&self) -> Result<Status> {
        let Pct(()) = self.0;
        not_here()
    }

    pub(crate) fn usage(&self) -> Result<Option<Usage>> {
        not_here()
    }

    pub(crate) fn config(&self, _view: &ConfigView) -> Result<Vec<String>> {
        not_here()
    }

    pub(crate) fn create(&self, _options: &CreateOptions, _progress: &mut dyn Progress) -> Result<()> {
        not_here()
    }

    pub(crate) fn destroy(&self, _options: &DestroyOptions, _progress: &mut dyn Progress) -> Result<()> {
        not_here()
    }

    pub(crate) fn start(&self, _options: &StartOptions, _progress: &mut dyn Progress) -> Result<()> {
        not_here()
    }

    pub(crate) fn stop(&self, _options: &StopOptions, _progress: &mut dyn Progress) -> Result<()> {
        not_here()
    }

    pub(crate) fn shutdown(&self, _options: &ShutdownOptions, _progress: &mut dyn Progress) -> Result<()> {
        not_here()
    }

    pub(crate) fn reboot(&self, _options: &RebootOptions, _progress: &mut dyn Progress) -> Result<()> {
        not_here()
    }

    pub(crate) fn exec(&self, _keep_env: bool, _command: &[OsString]) -> Result<Attach> {
        not_here()
    }

    pub(crate) fn enter(&self, _keep_env: bool) -> Result<Attach> {
        not_here()
    }

    pub(crate) fn console(&self, _escape: Option<char>) -> Result<Attach> {
        not_here()
    }
}

#[derive(Debug, Default)]
pub(crate) struct Listing {
    pub(crate) containers: Vec<Status>,
    pub(crate) errors: Vec<(Vmid, Error)>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Status {
    pub(crate) vmid: Vmid,
    pub(crate) name: String,
    pub(crate) running: bool,
    pub(crate) lock: Option<String>,
    pub(crate) tags: Option<String>,
    pub(crate) template: bool,
    pub(crate) cpus: f64,
    pub(crate) max_memory: u64,
    pub(crate) max_swap: u64,
    pub(crate) max_disk: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    pub(crate) pid: u32,
    pub(crate) uptime: u64,
    pub(crate) memory: u64,
    pub(crate) swap: u64,
    pub(crate) disk: u64,
    pub(crate) max_disk: u64,
    pub(crate) net_in: u64,
    pub(crate) net_out: u64,
    pub(crate) disk_read: u64,
    pub(crate) disk_write: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum ConfigView {
    #[default]
    Pending,
    Current,
    Snapshot(String),
}

#[derive(Clone, Debug, Default)]
pub(crate) struct CreateOptions {
    pub(crate) template: String,
    pub(crate) config: Vec<(String, String)>,
    pub(crate) storage: Option<String>,
    pub(crate) password: Option<String>,
    pub(crate) ssh_public_keys: Option<String>,
    pub(crate) ignore_unpack_errors: bool,
    pub(crate) start: bool,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct StartOptions {
    pub(crate) debug: bool,
    pub(crate) skiplock: bool,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct StopOptions {
    pub(crate) skiplock: bool,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct ShutdownOptions {
    pub(crate) timeout: Option<Duration>,
    pub(crate) force_stop: bool,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct RebootOptions {
    pub(crate) timeout: Option<Duration>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct DestroyOptions {
    pub(crate) force: bool,
    pub(crate) purge: bool,
    pub(crate) destroy_unreferenced_disks: bool,
}

pub(crate) struct Attach(());

impl Attach {
    pub(crate) fn replace_process(self) -> Error {
        let Self(()) = self;
        Error::Other(ErrorKind::System, "this build has no library behind it".to_owned())
    }
}
