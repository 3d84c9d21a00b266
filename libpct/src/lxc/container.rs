//! A handle on one container.

use std::cell::Cell;
use std::ffi::{CStr, CString, c_int};
use std::marker::PhantomData;
use std::os::fd::{BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::ptr::NonNull;
use std::time::Duration;

use lxc_sys::lxc_container;
use rustix::process::Pid;

use super::{Error, Result, State, cbox, version};

/// A container by name and lxcpath; it need not exist.
///
/// Several handles on one container are fine. A handle may move to another thread but not be shared:
/// liblxc's getters do not lock all they read.
#[derive(Debug)]
pub struct Container {
    // May point to less than a whole `lxc_container`: never make a reference of it.
    c: NonNull<lxc_container>,
    name: String,
    lxcpath: PathBuf,
    not_sync: PhantomData<Cell<()>>,
}

// SAFETY: liblxc keeps nothing about a container in the thread; the reference count is guarded.
unsafe impl Send for Container {}

/// The member function `$member`, read without a reference to the whole struct.
macro_rules! method {
    ($container:expr, $member:ident) => {{
        let c = $container.raw();
        // SAFETY: `c` is alive as long as the handle, and every liblxc that `open` accepts has this member.
        unsafe { std::ptr::addr_of!((*c).$member).read() }
            .ok_or($crate::lxc::Error::Unsupported { operation: stringify!($member), needed: "4.0.5" })
    }};
}
pub(super) use method;

impl Container {
    /// Opens the container and reads `<lxcpath>/<name>/config` if there is one.
    ///
    /// liblxc makes `/run/lxc/lock/<lxcpath>` as a side effect.
    ///
    /// # Errors
    /// The name or path is invalid, the config does not parse (see the log), or a marker of an interrupted
    /// creation is there, for which liblxc would delete the root file system.
    pub fn open(name: &str, lxcpath: &Path) -> Result<Self> {
        version::loaded()?;
        check_name(name)?;
        let c_path = check_path(lxcpath)?;
        let marker = lxcpath.join(name).join("partial");
        if marker.symlink_metadata().is_ok() {
            return Err(Error::Partial { marker });
        }
        let c_name = CString::new(name).map_err(|_| Error::Name { name: name.to_owned() })?;
        clear_errno();
        // SAFETY: C strings that outlive the call; liblxc copies them.
        let c = unsafe { lxc_sys::lxc_container_new(c_name.as_ptr(), c_path.as_ptr()) };
        // SAFETY: a new reference, ours.
        unsafe { Self::adopt(c) }.ok_or_else(|| Error::call("open", name, 0))
    }

    /// Takes a reference over; `None` for NULL.
    ///
    /// # Safety
    /// `c` is NULL or a reference from liblxc that nobody else puts.
    pub(super) unsafe fn adopt(c: *mut lxc_container) -> Option<Self> {
        let c = NonNull::new(c)?;
        let text = |pointer: *const std::ffi::c_char| {
            if pointer.is_null() {
                return Vec::new();
            }
            // SAFETY: a C string that lives as long as the container; copied at once.
            unsafe { CStr::from_ptr(pointer) }.to_bytes().to_vec()
        };
        // SAFETY: alive; members of every version.
        let (name, path) = unsafe {
            let c = c.as_ptr();
            let path = std::ptr::addr_of!((*c).get_config_path).read();
            (std::ptr::addr_of!((*c).name).read(), path.map_or(std::ptr::null(), |path| path(c)))
        };
        Some(Self {
            c,
            name: String::from_utf8_lossy(&text(name)).into_owned(),
            lxcpath: std::ffi::OsString::from_vec(text(path)).into(),
            not_sync: PhantomData,
        })
    }

    pub(super) fn raw(&self) -> *mut lxc_container {
        self.c.as_ptr()
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The folder that holds the folder of the container.
    #[must_use]
    pub fn lxcpath(&self) -> &Path {
        &self.lxcpath
    }

    /// Looks for the container in another folder from now on. What was read of its config stays.
    pub fn set_lxcpath(&mut self, lxcpath: &Path) -> Result<()> {
        let set = method!(self, set_config_path)?;
        let path = check_path(lxcpath)?;
        // SAFETY: our reference and a C string that outlives the call; liblxc copies it.
        self.done("set the lxcpath of", || unsafe { set(self.raw(), path.as_ptr()) })?;
        lxcpath.clone_into(&mut self.lxcpath);
        Ok(())
    }

    /// Whether there is a config file.
    pub fn is_defined(&self) -> Result<bool> {
        let is_defined = method!(self, is_defined)?;
        // SAFETY: our reference.
        Ok(unsafe { is_defined(self.raw()) })
    }

    /// Where the config file is or would be.
    pub fn config_file_name(&self) -> Result<PathBuf> {
        let config_file_name = method!(self, config_file_name)?;
        clear_errno();
        // SAFETY: our reference; the answer is malloc'ed for us.
        let path = unsafe { cbox::string(config_file_name(self.raw())) };
        path.map(|path| std::ffi::OsString::from_vec(path).into())
            .ok_or_else(|| Error::call("name the config file of", &self.name, 0))
    }

    /// Asks the monitor. Before liblxc 6.0 this can wait for ever on a monitor that does not answer;
    /// [`super::CommandSocket::state`] can not.
    pub fn state(&self) -> Result<State> {
        let state = method!(self, state)?;
        clear_errno();
        // SAFETY: our reference; the answer is a constant of the library.
        let state = unsafe {
            let text = state(self.raw());
            (!text.is_null()).then(|| CStr::from_ptr(text)).and_then(|text| text.to_str().ok())
        };
        state.and_then(State::parse).ok_or_else(|| Error::call("query the state of", &self.name, 0))
    }

    /// Whether [`Self::state`] is anything but stopped.
    pub fn is_running(&self) -> Result<bool> {
        let is_running = method!(self, is_running)?;
        // SAFETY: our reference.
        Ok(unsafe { is_running(self.raw()) })
    }

    /// The pid of the container's init, as seen by this process; `None` when it does not run.
    pub fn init_pid(&self) -> Result<Option<Pid>> {
        let init_pid = method!(self, init_pid)?;
        // SAFETY: our reference.
        let pid = unsafe { init_pid(self.raw()) };
        Ok((pid > 0).then(|| Pid::from_raw(pid)).flatten())
    }

    /// A pidfd of the container's init.
    pub fn init_pidfd(&self) -> Result<OwnedFd> {
        let init_pidfd = method!(self, init_pidfd)?;
        clear_errno();
        // SAFETY: our reference; the descriptor is new and ours.
        unsafe { self.own("get the init of", init_pidfd(self.raw())) }
    }

    /// The root of the container's devpts, to open a terminal of it from outside
    /// (`TIOCGPTPEER` on its `ptmx`).
    pub fn devpts_fd(&self) -> Result<OwnedFd> {
        let devpts_fd = method!(self, devpts_fd)?;
        clear_errno();
        // SAFETY: our reference; the descriptor is new and ours.
        unsafe { self.own("get the terminals of", devpts_fd(self.raw())) }
    }

    /// The seccomp listener of the running container, see `lxc.seccomp.notify.proxy`.
    pub fn seccomp_listener(&self) -> Result<OwnedFd> {
        let active = method!(self, seccomp_notify_fd_active)?;
        clear_errno();
        // SAFETY: our reference; the descriptor is new and ours.
        unsafe { self.own("get the seccomp listener of", active(self.raw())) }
    }

    /// The seccomp listener that liblxc keeps in this handle: only the process that is the monitor has one.
    pub fn own_seccomp_listener(&self) -> Result<Option<BorrowedFd<'_>>> {
        let get = method!(self, seccomp_notify_fd)?;
        // SAFETY: our reference.
        let fd = unsafe { get(self.raw()) };
        // SAFETY: liblxc's own: open until the config is freed, for which one must have the handle alone.
        Ok((fd >= 0).then(|| unsafe { BorrowedFd::borrow_raw(fd) }))
    }

    /// Whether this process may control the running container.
    pub fn may_control(&self) -> Result<bool> {
        let may_control = method!(self, may_control)?;
        // SAFETY: our reference.
        Ok(unsafe { may_control(self.raw()) })
    }

    /// How long [`Self::state`] and its like wait for the monitor; `None` is for ever. Whole seconds,
    /// rounded up. Needs liblxc 6.0.
    pub fn set_timeout(&mut self, timeout: Option<Duration>) -> Result<()> {
        // SAFETY: our reference.
        let set_timeout = unsafe { lxc_sys::version::set_timeout(self.raw()) }
            .ok_or(Error::Unsupported { operation: "set a time limit", needed: "6.0.0" })?;
        // SAFETY: as above.
        if unsafe { set_timeout(self.raw(), seconds(timeout)) } {
            return Ok(());
        }
        Err(Error::call("set a time limit for", &self.name, 0))
    }

    /// For the calls in which liblxc does not check that it has a config: after [`Self::clear_config`], or of a container
    /// that is not defined, it would read what is not there.
    pub(super) fn require_config(&self) -> Result<()> {
        // SAFETY: a member of every version; only compared.
        let config = unsafe { std::ptr::addr_of!((*self.raw()).lxc_conf).read() };
        if config.is_null() { Err(Error::NoConfig { container: self.name.clone() }) } else { Ok(()) }
    }

    /// As [`Self::require_config`], for those that go on to the root file system.
    pub(super) fn require_rootfs(&self) -> Result<()> {
        self.require_config()?;
        match self.config_item("lxc.rootfs.path")? {
            Some(_) => Ok(()),
            None => Err(Error::NoRootfs { container: self.name.clone() }),
        }
    }

    /// A descriptor that liblxc returned, or its negative errno.
    ///
    /// # Safety
    /// A `fd` >= 0 is open and nobody else's.
    unsafe fn own(&self, operation: &'static str, fd: c_int) -> Result<OwnedFd> {
        match fd {
            0.. => {
                // SAFETY: see above.
                let fd = unsafe { OwnedFd::from_raw_fd(fd) };
                rustix::io::fcntl_setfd(&fd, rustix::io::FdFlags::CLOEXEC)
                    .map_err(|error| Error::system(operation, &self.name, error))?;
                Ok(fd)
            }
            code if code == -libc::ECONNREFUSED => Err(Error::NotRunning { container: self.name.clone() }),
            code => Err(Error::call(operation, &self.name, code.into())),
        }
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        // SAFETY: our reference, used no more.
        unsafe { lxc_sys::lxc_container_put(self.raw()) };
    }
}

/// liblxc takes any name, also `a/b` and none at all, and makes paths of it.
pub(super) fn check_name(name: &str) -> Result<()> {
    let byte = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    if (1..=255).contains(&name.len()) && name.bytes().all(byte) && !name.starts_with('.') {
        return Ok(());
    }
    Err(Error::Name { name: name.to_owned() })
}

/// An absolute path for C; it may become part of config lines, so it has no line breaks.
pub(super) fn check_path(path: &Path) -> Result<CString> {
    if path.is_absolute() { c_path(path) } else { Err(Error::Path { path: path.to_owned() }) }
}

/// As [`check_path`] for a path that may be relative.
pub(super) fn c_path(path: &Path) -> Result<CString> {
    let bytes = path.as_os_str().as_bytes();
    let broken = bytes.iter().any(|b| matches!(b, b'\n' | b'\r'));
    let text = CString::new(bytes).ok().filter(|_| !broken);
    text.ok_or_else(|| Error::Path { path: path.to_owned() })
}

/// Whole seconds for liblxc, rounded up; -1 for `None`.
pub(super) fn seconds(timeout: Option<Duration>) -> c_int {
    timeout.map_or(-1, |timeout| {
        let whole = timeout.as_secs().saturating_add(u64::from(timeout.subsec_nanos() > 0));
        c_int::try_from(whole).unwrap_or(c_int::MAX)
    })
}

/// So that an old errno is not taken for the reason of a call that sets none.
pub(super) fn clear_errno() {
    // SAFETY: errno of this thread.
    unsafe { *libc::__errno_location() = 0 }
}
