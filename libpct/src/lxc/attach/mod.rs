//! Running a program inside a container.

mod child;
mod exec;

use std::ffi::{CString, OsString, c_int, c_long, c_void};
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use lxc_sys::{consts, lxc_attach_options_t};

pub use self::child::{Child, Exit};
use super::args::{CStrings, Oversized, os_text, pointer};
use super::container::{clear_errno, method};
use super::{Container, Error, Result, threads};

/// What of the caller's environment the program gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeepEnv {
    /// All of it.
    All,
    /// These variables, and a `PATH` of liblxc's if it is not one of them.
    Only(Vec<OsString>),
}

/// What the program shares with the container, beyond its namespaces.
pub mod flags {
    /// Its cgroup.
    pub const MOVE_TO_CGROUP: u32 = lxc_sys::LXC_ATTACH_MOVE_TO_CGROUP;
    /// The bounds of its capabilities.
    pub const DROP_CAPABILITIES: u32 = lxc_sys::LXC_ATTACH_DROP_CAPABILITIES;
    /// Its personality.
    pub const SET_PERSONALITY: u32 = lxc_sys::LXC_ATTACH_SET_PERSONALITY;
    /// The profile of its Linux security module, from exec on.
    pub const LSM_EXEC: u32 = lxc_sys::LXC_ATTACH_LSM_EXEC;
    /// The same at once.
    pub const LSM_NOW: u32 = lxc_sys::LXC_ATTACH_LSM_NOW;
    /// `/proc` and `/sys` are mounted anew: for those who do not enter all of the namespaces.
    pub const REMOUNT_PROC_SYS: u32 = lxc_sys::LXC_ATTACH_REMOUNT_PROC_SYS;
    /// The first four.
    pub const DEFAULT: u32 = lxc_sys::LXC_ATTACH_DEFAULT;
}

/// How a program is put into the container.
#[derive(Clone, Debug)]
pub struct AttachOptions<'fd> {
    /// What is kept of the caller's environment. liblxc adds `container=lxc` and `lxc.environment`.
    pub keep_env: KeepEnv,
    /// Variables that are set at last.
    pub env: Vec<(OsString, OsString)>,
    /// The working directory; `None` is that of the caller if the container has it, else `/`.
    pub cwd: Option<PathBuf>,
    /// The user id inside; `None` is that of the container's root.
    pub uid: Option<u32>,
    /// The group id inside; `None` is that of the container's root.
    pub gid: Option<u32>,
    /// Supplementary group ids; otherwise there are none.
    pub groups: Vec<u32>,
    /// The program's stdin; `None` is the caller's. A terminal on a descriptor above 2 becomes the
    /// controlling terminal of a new session.
    pub stdin: Option<BorrowedFd<'fd>>,
    /// The program's stdout; `None` is the caller's.
    pub stdout: Option<BorrowedFd<'fd>>,
    /// The program's stderr; `None` is the caller's.
    pub stderr: Option<BorrowedFd<'fd>>,
    /// `CLONE_NEW*` of the namespaces to enter; the caller's are kept for the rest. `None` is all that
    /// the container has.
    pub namespaces: Option<c_int>,
    /// `PER_*`; `None` is that of the container's init.
    pub personality: Option<c_long>,
    /// The label of a Linux security module to run under.
    pub lsm_label: Option<OsString>,
    /// Set `no_new_privs`.
    pub no_new_privs: bool,
    /// Of [`flags`]; those that other options need are added. [`flags::DEFAULT`] at first.
    pub flags: u32,
}

impl Default for AttachOptions<'_> {
    fn default() -> Self {
        Self {
            keep_env: KeepEnv::Only(Vec::new()),
            env: Vec::new(),
            cwd: None,
            uid: None,
            gid: None,
            groups: Vec::new(),
            stdin: None,
            stdout: None,
            stderr: None,
            namespaces: None,
            personality: None,
            lsm_label: None,
            no_new_privs: false,
            flags: flags::DEFAULT,
        }
    }
}

/// A program with its arguments.
#[derive(Clone, Debug)]
pub struct AttachCommand {
    /// The program: a path inside, or a name to be looked up in the `PATH` it will have.
    pub program: OsString,
    /// All arguments, the zeroth too.
    pub argv: Vec<OsString>,
    /// When it cannot be executed, `<this><program>: <reason>` is written to its stderr.
    pub failure_prefix: Option<OsString>,
}

impl AttachCommand {
    /// `program` with itself as the zeroth argument and `arguments` behind it.
    pub fn new<A: Into<OsString>>(
        program: impl Into<OsString>,
        arguments: impl IntoIterator<Item = A>,
    ) -> Self {
        let program = program.into();
        let argv = [program.clone()].into_iter().chain(arguments.into_iter().map(Into::into)).collect();
        Self { program, argv, failure_prefix: None }
    }
}

impl Container {
    /// Starts a program inside and returns at once.
    ///
    /// The program gets the three descriptors of the options and no other: all above 2 in this process are made
    /// close-on-exec. When it cannot be executed the child exits with 127 if it was not found, else with
    /// 126. The caller must keep `SIGCHLD` as it is.
    ///
    /// # Errors
    /// The container does not run, liblxc refuses (see the log), or this process has several threads.
    pub fn attach(&mut self, command: &AttachCommand, options: &AttachOptions<'_>) -> Result<Child> {
        let plan = exec::Plan::new(command)?;
        let payload = (&raw const plan).cast_mut().cast();
        // SAFETY: `run` only reads the plan and makes async-signal-safe calls.
        unsafe { self.attach_with(exec::run, payload, options) }
    }

    /// Runs `function(payload)` in a child inside the container; what it returns is the exit status.
    ///
    /// # Safety
    /// The function runs in a forked child of this process, inside the container: it must not unwind, must
    /// not ask for anything that loads code or data of the container into it (NSS, locales, iconv), must
    /// not rely on threads or locks of this process, and `payload` must fit it.
    pub unsafe fn attach_with(
        &mut self,
        function: unsafe extern "C" fn(*mut c_void) -> c_int,
        payload: *mut c_void,
        options: &AttachOptions<'_>,
    ) -> Result<Child> {
        const WHAT: &str = "attach to";
        threads::refuse(WHAT, self.name())?;
        let attach = method!(self, attach)?;
        let mut prepared = Prepared::new(options)?;
        threads::keep_descriptors(WHAT, self.name())?;
        let mut pid: libc::pid_t = -1;
        clear_errno();
        let signals = Dispositions::save();
        // SAFETY: our reference; options, payload and pid outlive the call; the caller vouches for `function`.
        let code =
            unsafe { attach(self.raw(), Some(function), payload, prepared.as_mut_ptr(), &raw mut pid) };
        let error = std::io::Error::last_os_error();
        drop(signals);
        if code != 0 || pid <= 0 {
            let source = error.raw_os_error().is_some_and(|errno| errno != 0).then_some(error);
            let (container, code) = (self.name().to_owned(), code.into());
            return Err(Error::Call { operation: WHAT, container, code, source });
        }
        Child::adopt(pid).map_err(|error| Error::system(WHAT, self.name(), error))
    }
}

/// The options as liblxc reads them, with all they point to.
struct Prepared {
    buffer: Box<Oversized<lxc_attach_options_t>>,
    _parts: (CStrings, CStrings, Option<CString>, Option<CString>, Vec<libc::gid_t>),
}

impl Prepared {
    fn new(from: &AttachOptions<'_>) -> Result<Self> {
        if from.flags & lxc_sys::LXC_ATTACH_TERMINAL != 0 {
            // It would copy bytes until the program ends, here.
            return Err(Error::Refused { what: "a terminal of liblxc's own for an attached program" });
        }
        let mut env = CStrings::new(
            from.env
                .iter()
                .map(|(name, value)| {
                    let pair = [name.as_bytes(), b"=", value.as_bytes()].concat();
                    if name.is_empty() || name.as_bytes().contains(&b'=') {
                        return Err(nul("environment variable", &pair));
                    }
                    CString::new(pair).map_err(|error| nul("environment variable", &error.into_vec()))
                })
                .collect::<Result<_>>()?,
        );
        let (policy, kept) = match &from.keep_env {
            KeepEnv::All => (lxc_sys::LXC_ATTACH_KEEP_ENV, &[][..]),
            KeepEnv::Only(names) => (lxc_sys::LXC_ATTACH_CLEAR_ENV, &names[..]),
        };
        let kept = kept.iter().map(|name| os_text("environment variable", name)).collect::<Result<_>>()?;
        let mut kept = CStrings::new(kept);
        let cwd = from.cwd.as_deref().map(|cwd| os_text("working directory", cwd.as_os_str())).transpose()?;
        let label = from.lsm_label.as_deref().map(|label| os_text("label", label)).transpose()?;
        let mut groups = from.groups.clone();

        // Flags are only ever added: what the caller asked for is kept.
        let mut flags = from.flags;
        if !groups.is_empty() {
            flags |= lxc_sys::LXC_ATTACH_SETGROUPS;
        }
        if label.is_some() {
            flags |= lxc_sys::LXC_ATTACH_LSM_LABEL;
        }
        if from.no_new_privs {
            flags |= lxc_sys::LXC_ATTACH_NO_NEW_PRIVS;
        }
        let fd = |fd: Option<BorrowedFd<'_>>, own: RawFd| fd.map_or(own, |fd| fd.as_raw_fd());
        let options = lxc_attach_options_t {
            attach_flags: flags.cast_signed(),
            namespaces: from.namespaces.unwrap_or(consts::ATTACH_ALL_NAMESPACES),
            personality: from.personality.unwrap_or(consts::LXC_ATTACH_DETECT_PERSONALITY),
            initial_cwd: pointer(&cwd).cast_mut(),
            uid: from.uid.unwrap_or(libc::uid_t::MAX),
            gid: from.gid.unwrap_or(libc::gid_t::MAX),
            env_policy: policy,
            extra_env_vars: env.as_mut_ptr(),
            extra_keep_env: kept.as_mut_ptr(),
            stdin_fd: fd(from.stdin, 0),
            stdout_fd: fd(from.stdout, 1),
            stderr_fd: fd(from.stderr, 2),
            lsm_label: pointer(&label).cast_mut(),
            groups: lxc_sys::lxc_groups_t { size: groups.len(), list: groups.as_mut_ptr() },
            ..consts::ATTACH_OPTIONS_DEFAULT
        };
        let buffer = Box::new(Oversized::new(options));
        Ok(Self { buffer, _parts: (env, kept, cwd, label, groups) })
    }

    fn as_mut_ptr(&mut self) -> *mut lxc_attach_options_t {
        self.buffer.as_mut_ptr()
    }
}

fn nul(what: &'static str, text: &[u8]) -> Error {
    let text = OsString::from_vec(text.to_vec());
    Error::Text { what, text: Path::new(&text).display().to_string() }
}

/// What SIGINT and SIGQUIT do in this process. liblxc ignores both from the first attach on when stdin is
/// descriptor 0, and never restores them.
struct Dispositions([(c_int, libc::sigaction); 2]);

impl Dispositions {
    fn save() -> Self {
        Self([libc::SIGINT, libc::SIGQUIT].map(|signal| {
            // SAFETY: all zeroes is a valid sigaction, and it is only written to.
            let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
            // SAFETY: a valid signal; NULL changes nothing.
            unsafe { libc::sigaction(signal, std::ptr::null(), &raw mut action) };
            (signal, action)
        }))
    }
}

impl Drop for Dispositions {
    fn drop(&mut self) {
        for (signal, action) in &self.0 {
            // SAFETY: what was in force before.
            unsafe { libc::sigaction(*signal, action, std::ptr::null_mut()) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_add_their_flag_and_wipe_none() {
        let mut options =
            AttachOptions { groups: vec![5, 7], no_new_privs: true, ..AttachOptions::default() };
        let prepared = Prepared::new(&options).unwrap();
        let flags = prepared.buffer.value.attach_flags.cast_unsigned();
        assert_eq!(
            flags,
            lxc_sys::LXC_ATTACH_DEFAULT | lxc_sys::LXC_ATTACH_SETGROUPS | lxc_sys::LXC_ATTACH_NO_NEW_PRIVS
        );
        assert_eq!(prepared.buffer.value.groups.size, 2);
        options.groups.clear();
        let prepared = Prepared::new(&options).unwrap();
        assert_eq!(prepared.buffer.value.attach_flags.cast_unsigned() & lxc_sys::LXC_ATTACH_SETGROUPS, 0);
    }

    #[test]
    fn defaults_are_those_of_the_macro() {
        let options = AttachOptions { keep_env: KeepEnv::All, ..AttachOptions::default() };
        let ours = Prepared::new(&options).unwrap();
        let (ours, theirs) = (&ours.buffer.value, consts::ATTACH_OPTIONS_DEFAULT);
        assert_eq!(ours.attach_flags, theirs.attach_flags);
        assert_eq!((ours.namespaces, ours.personality), (theirs.namespaces, theirs.personality));
        assert_eq!((ours.uid, ours.gid, ours.env_policy), (theirs.uid, theirs.gid, theirs.env_policy));
        assert_eq!((ours.stdin_fd, ours.stdout_fd, ours.stderr_fd), (0, 1, 2));
        assert_eq!(ours.log_fd, -libc::EBADF);
        assert!(ours.initial_cwd.is_null() && ours.lsm_label.is_null());
    }

    #[test]
    fn what_c_cannot_express_is_refused() {
        let bad = |change: fn(&mut AttachOptions<'static>)| {
            let mut options = AttachOptions::default();
            change(&mut options);
            Prepared::new(&options).err().expect("refused")
        };
        assert!(matches!(bad(|o| o.env = vec![("A=B".into(), "".into())]), Error::Text { .. }));
        assert!(matches!(bad(|o| o.env = vec![("A".into(), "b\0".into())]), Error::Text { .. }));
        assert!(matches!(bad(|o| o.cwd = Some("/a\0".into())), Error::Text { .. }));
        assert!(matches!(bad(|o| o.flags |= lxc_sys::LXC_ATTACH_TERMINAL), Error::Refused { .. }));
        assert!(exec::Plan::new(&AttachCommand::new("a\0b", [""; 0])).is_err());
    }

    #[test]
    fn the_strings_outlive_their_making() {
        let options = AttachOptions { env: vec![("TERM".into(), "dumb".into())], ..AttachOptions::default() };
        let mut prepared = Prepared::new(&options).unwrap();
        // SAFETY: the first of the array's two members.
        let first = unsafe { std::ffi::CStr::from_ptr((*prepared.as_mut_ptr()).extra_env_vars.read()) };
        assert_eq!(first, c"TERM=dumb");
    }
}
