//! STAND-IN for the library's front door. To be replaced by
//! `pub(crate) use pct::{Attach, ConfigText, ConfigView, ..}`: names, fields and signatures are those agreed on.

use std::{fmt, path::PathBuf, time::Duration};

pub(crate) use pct::config::{InvalidVmid, Vmid};

/// Several parameters that an operation refused.
#[derive(Clone, Debug)]
pub(crate) struct ParameterErrors {
    pub(crate) message: String,
    pub(crate) params: Vec<(String, String)>,
}

#[derive(Debug)]
enum What {
    MissingConfig,
    Parameters(ParameterErrors),
    Other,
}

/// An error of the library.
#[derive(Debug)]
pub(crate) struct Error {
    what: What,
    text: String,
    cause: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    pub(crate) fn other(text: &str) -> Self {
        Self { what: What::Other, text: text.to_owned(), cause: None }
    }

    pub(crate) fn missing_config(text: &str) -> Self {
        Self { what: What::MissingConfig, ..Self::other(text) }
    }

    pub(crate) fn parameter(name: &str, text: &str) -> Self {
        let message = "Parameter verification failed.".to_owned();
        let params = vec![(name.to_owned(), text.to_owned())];
        Self { what: What::Parameters(ParameterErrors { message, params }), ..Self::other(text) }
    }

    pub(crate) fn caused_by(mut self, cause: &str) -> Self {
        self.cause = Some(cause.into());
        self
    }

    pub(crate) fn parameters(&self) -> Option<&ParameterErrors> {
        if let What::Parameters(errors) = &self.what { Some(errors) } else { None }
    }

    pub(crate) fn is_missing_config(&self) -> bool {
        matches!(self.what, What::MissingConfig)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as _)
    }
}

type Result<T> = std::result::Result<T, Error>;

fn not_here<T>() -> Result<T> {
    Err(Error::other("this build has no library behind it"))
}

/// What an operation reports while it works.
pub(crate) trait Progress {
    fn message(&mut self, text: &str);
    fn warning(&mut self, text: &str);
    fn bytes(&mut self, done: u64, total: Option<u64>);
}

/// A text that is not shown.
pub(crate) struct Secret(String);

impl Secret {
    pub(crate) fn new(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({} bytes)", self.0.len())
    }
}

/// The context.
pub(crate) struct Pct(());

/// How to open it.
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
    pub(crate) fn root_from_env(self, _variable: &str) -> Self {
        self
    }

    pub(crate) fn helper(self, _path: PathBuf) -> Self {
        self
    }

    pub(crate) fn open(self) -> Result<Pct> {
        Ok(Pct(()))
    }
}

/// One container, existing or not.
pub(crate) struct Container<'a>(&'a Pct);

impl Container<'_> {
    pub(crate) fn status(&self) -> Result<Status> {
        not_here()
    }

    pub(crate) fn config(&self, _view: ConfigView<'_>) -> Result<ConfigText> {
        not_here()
    }

    pub(crate) fn create(&self, _options: &CreateOptions, _progress: &mut dyn Progress) -> Result<()> {
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

    pub(crate) fn reboot(&self, _timeout: Option<Duration>, _progress: &mut dyn Progress) -> Result<()> {
        not_here()
    }

    pub(crate) fn destroy(&self, _options: &DestroyOptions, _progress: &mut dyn Progress) -> Result<()> {
        not_here()
    }

    pub(crate) fn exec(&self, _options: &ExecOptions) -> Result<Attach> {
        not_here()
    }

    pub(crate) fn enter(&self, _options: &EnterOptions) -> Result<Attach> {
        not_here()
    }

    pub(crate) fn console(&self, _escape: Option<char>) -> Result<Attach> {
        not_here()
    }
}

/// All containers.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    pub(crate) entries: Vec<Status>,
    pub(crate) errors: Vec<(Vmid, Error)>,
}

/// The state of one container (spec: cli, part A.2): sizes in bytes, times in seconds.
#[derive(Clone, Debug)]
pub(crate) struct Status {
    pub(crate) vmid: Vmid,
    pub(crate) running: bool,
    pub(crate) lock: Option<String>,
    pub(crate) name: String,
    pub(crate) tags: Option<String>,
    pub(crate) template: bool,
    pub(crate) cpus: f64,
    pub(crate) maxmem: u64,
    pub(crate) maxswap: u64,
    pub(crate) maxdisk: u64,
    pub(crate) mem: u64,
    pub(crate) swap: u64,
    pub(crate) disk: u64,
    pub(crate) uptime: u64,
    pub(crate) netin: u64,
    pub(crate) netout: u64,
    pub(crate) diskread: u64,
    pub(crate) diskwrite: u64,
    pub(crate) pid: Option<u32>,
    /// Pressure by field name (`pressurecpusome`, ..), the average of 10 seconds; only while running.
    pub(crate) pressure: Vec<(String, f64)>,
}

/// Which values of a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ConfigView<'a> {
    Pending,
    Current,
    Snapshot(&'a str),
}

/// A configuration as `pct config` shows it.
#[derive(Clone, Debug, Default)]
pub(crate) struct ConfigText {
    /// Sorted keys, then the raw `lxc.*` lines in the order of the file. The description is percent-encoded.
    pub(crate) lines: Vec<(String, String)>,
    /// SHA-1 of the file.
    pub(crate) digest: String,
}

#[derive(Debug, Default)]
pub(crate) struct CreateOptions {
    pub(crate) template: String,
    pub(crate) config: Vec<(String, String)>,
    pub(crate) storage: Option<String>,
    pub(crate) password: Option<Secret>,
    pub(crate) ssh_public_keys: Option<String>,
    pub(crate) start: bool,
    pub(crate) force: bool,
    pub(crate) unique: bool,
    pub(crate) ignore_unpack_errors: bool,
    /// KiB/s.
    pub(crate) bwlimit: Option<f64>,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct StartOptions {
    pub(crate) debug: bool,
    pub(crate) skiplock: bool,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct StopOptions {
    pub(crate) skiplock: bool,
    pub(crate) overrule_shutdown: bool,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct ShutdownOptions {
    pub(crate) timeout: Option<Duration>,
    pub(crate) force_stop: bool,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct DestroyOptions {
    pub(crate) force: bool,
    pub(crate) purge: bool,
    pub(crate) destroy_unreferenced_disks: bool,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct ExecOptions {
    pub(crate) keep_env: bool,
    pub(crate) command: Vec<std::ffi::OsString>,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct EnterOptions {
    pub(crate) keep_env: bool,
}

/// A process that is ready to take the place of this one.
pub(crate) struct Attach(());

impl Attach {
    pub(crate) fn replace_process(self) -> Error {
        let Self(()) = self;
        Error::other("this build has no library behind it")
    }
}
