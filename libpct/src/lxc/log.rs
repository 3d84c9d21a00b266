//! liblxc's log: the only place where it says why something failed.

use std::ffi::CString;
use std::io::{Read, Seek, SeekFrom};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::args::Oversized;
use super::container::check_path;
use super::{Error, Result};

/// How much is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Everything.
    Trace,
    /// For those who look for a fault.
    Debug,
    /// What is done.
    Info,
    /// What is unusual.
    Notice,
    /// What may be wrong.
    Warn,
    /// What failed.
    Error,
}

impl Level {
    fn name(self) -> &'static std::ffi::CStr {
        match self {
            Self::Trace => c"TRACE",
            Self::Debug => c"DEBUG",
            Self::Info => c"INFO",
            Self::Notice => c"NOTICE",
            Self::Warn => c"WARN",
            Self::Error => c"ERROR",
        }
    }

    /// liblxc's name for it; what is worse than an error counts as one.
    fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "TRACE" => Self::Trace,
            "DEBUG" => Self::Debug,
            "INFO" => Self::Info,
            "NOTICE" => Self::Notice,
            "WARN" => Self::Warn,
            "ERROR" | "CRIT" | "ALERT" | "FATAL" => Self::Error,
            _ => return None,
        })
    }
}

/// Where liblxc's log goes in this process. liblxc lets that be said once.
#[derive(Debug)]
pub struct LogCapture {
    path: PathBuf,
    // Keeps a log in memory alive.
    _memory: Option<OwnedFd>,
}

static TAKEN: OnceLock<LogCapture> = OnceLock::new();

impl LogCapture {
    /// Sends the log to a file, which is made if it is not there and appended to if it is. Errors go to the stderr of the
    /// process, too: liblxc does that whatever it is told.
    ///
    /// # Errors
    /// [`Error::LogTaken`] if the process has a capture already.
    pub fn to_file(path: &Path, level: Level) -> Result<&'static Self> {
        Self::begin(path.to_owned(), None, level)
    }

    /// Keeps the log in memory, to be read by [`Self::since`].
    pub fn to_memory(level: Level) -> Result<&'static Self> {
        let failed = |error: rustix::io::Errno| Error::Log { path: "(memory)".into(), source: error.into() };
        let memory =
            rustix::fs::memfd_create(c"liblxc-log", rustix::fs::MemfdFlags::CLOEXEC).map_err(failed)?;
        let path = PathBuf::from(format!("/proc/self/fd/{}", memory.as_raw_fd()));
        Self::begin(path, Some(memory), level)
    }

    /// The capture of this process.
    #[must_use]
    pub fn current() -> Option<&'static Self> {
        TAKEN.get()
    }

    fn begin(path: PathBuf, memory: Option<OwnedFd>, level: Level) -> Result<&'static Self> {
        if let Some(taken) = TAKEN.get() {
            return Err(Error::LogTaken { path: taken.path.clone() });
        }
        let file = check_path(&path)?;
        // Opened here first, since liblxc does not say why it could not.
        let mut options = std::fs::OpenOptions::new();
        let opened = options.append(true).create(memory.is_none()).open(&path);
        opened.map_err(|source| Error::Log { path: path.clone(), source })?;
        init(&file, level).map_err(|source| Error::Log { path: path.clone(), source })?;
        let mut unused = Some(Self { path: path.clone(), _memory: memory });
        let capture =
            TAKEN.get_or_init(|| unused.take().unwrap_or(Self { path: path.clone(), _memory: None }));
        if unused.is_some() { Err(Error::LogTaken { path: capture.path.clone() }) } else { Ok(capture) }
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The length now: what comes later is [`Self::since`] this mark.
    pub fn mark(&self) -> Result<u64> {
        let length = std::fs::metadata(&self.path).map(|metadata| metadata.len());
        length.map_err(|source| Error::Log { path: self.path.clone(), source })
    }

    /// What was logged since `mark`; 0 is the beginning of the file.
    pub fn since(&self, mark: u64) -> Result<String> {
        let read = || {
            let mut file = std::fs::File::open(&self.path)?;
            file.seek(SeekFrom::Start(mark))?;
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            Ok(String::from_utf8_lossy(&bytes).into_owned())
        };
        read().map_err(|source| Error::Log { path: self.path.clone(), source })
    }
}

fn init(file: &CString, level: Level) -> std::io::Result<()> {
    let log = lxc_sys::lxc_log {
        name: std::ptr::null(),
        lxcpath: std::ptr::null(),
        file: file.as_ptr(),
        level: level.name().as_ptr(),
        prefix: c"lxc".as_ptr(),
        quiet: true,
    };
    let mut log = Oversized::new(log);
    // SAFETY: strings that outlive the call (liblxc copies what it keeps) in a struct of more than its size.
    let code = unsafe { lxc_sys::lxc_log_init(log.as_mut_ptr()) };
    if code == 0 { Ok(()) } else { Err(std::io::Error::last_os_error()) }
}

/// A line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// How bad it is.
    pub level: Level,
    /// The part of liblxc, e.g. `conf`.
    pub category: String,
    /// The text alone.
    pub message: String,
}

/// Reads the lines of a log; a line without a head is a continuation.
///
/// `lxc-start 101 20240101123456.789 ERROR    start - ../src/lxc/start.c:func:123 - message`, where the
/// first two words may be missing.
#[must_use]
pub fn lines(text: &str) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        match (head(line), lines.last_mut()) {
            (Some(line), _) => lines.push(line),
            (None, Some(last)) => last.message = format!("{} {}", last.message, line.trim()),
            (None, None) => {}
        }
    }
    lines
}

/// An error of somebody else, as a line that [`lines`] reads.
pub(crate) fn error_line(category: &str, message: &str) -> String {
    format!("pct ERROR    {category} - {category}:0 - {}", message.replace('\n', " "))
}

fn head(line: &str) -> Option<Line> {
    let mut parts = line.splitn(3, " - ");
    let (head, place, message) = (parts.next()?, parts.next()?, parts.next()?);
    // file:function:line
    place.rsplit(':').next().filter(|number| number.bytes().all(|byte| byte.is_ascii_digit()))?;
    let mut words = head.split_whitespace().rev();
    let category = words.next()?.to_owned();
    let level = Level::parse(words.next()?)?;
    Some(Line { level, category, message: message.trim().to_owned() })
}

/// The messages that say why something failed, the first cause first: the errors, or the warnings if there
/// is no error. A message that is repeated is there once, and warnings that come with every start are left
/// out.
#[must_use]
pub fn causes(text: &str) -> Vec<String> {
    let lines = lines(text);
    let worst = lines.iter().map(|line| line.level).max().filter(|level| *level >= Level::Warn);
    let mut causes: Vec<String> = Vec::new();
    for line in lines.into_iter().filter(|line| Some(line.level) == worst) {
        if !causes.contains(&line.message) && !is_noise(&line.message) {
            causes.push(line.message);
        }
    }
    causes
}

fn is_noise(message: &str) -> bool {
    // One for each descriptor of the caller; one on every host with a cgroup v1 hierarchy.
    message.starts_with("Inherited fd ")
        || message.contains("Ignoring cgroup2 limits on legacy cgroup system")
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "\
lxc-start 101 20240101123456.789 INFO     lsm - ../src/lxc/lsm/lsm.c:lsm_init_static:38 - Initialized LSM security driver nop
lxc-start 101 20240101123456.790 WARN     cgfsng - ../src/lxc/cgroups/cgfsng.c:x:1 - Ignoring
lxc-start 101 20240101123456.791 ERROR    conf - ../src/lxc/conf.c:run_buffer:321 - Script exited with status 1
lxc 20240101123456.792 ERROR    start - start.c:lxc_spawn:1752 - No such file - Failed to open \"/x - y\"
and more of it

lxc-start 101 20240101123456.793 ERROR    conf - ../src/lxc/conf.c:run_buffer:321 - Script exited with status 1
";

    #[test]
    fn causes_are_the_errors_without_their_heads() {
        assert_eq!(
            causes(LOG),
            ["Script exited with status 1", "No such file - Failed to open \"/x - y\" and more of it"]
        );
        let warnings = LOG.lines().take(2).collect::<Vec<_>>().join("\n");
        assert_eq!(causes(&warnings), ["Ignoring"]);
        let noise = "lxc 101 20240101123456.789 WARN     start - s.c:f:1 - Inherited fd 7\n";
        assert!(causes(noise).is_empty());
        assert_eq!(causes(LOG.lines().next().unwrap()), Vec::<String>::new());
        assert!(causes("no log at all\n- - -\n").is_empty());
    }

    #[test]
    fn errors_of_others_are_among_the_causes() {
        let text = format!("{LOG}{}\n", error_line("plug", "cannot - do: it\nat all"));
        assert_eq!(causes(&text).last().unwrap(), "cannot - do: it at all");
    }

    #[test]
    fn a_line_is_read_with_and_without_a_container_name() {
        let lines = lines(LOG);
        assert_eq!(lines.len(), 5);
        assert_eq!((lines[0].level, lines[0].category.as_str()), (Level::Info, "lsm"));
        assert_eq!(lines[3].category, "start");
    }
}
