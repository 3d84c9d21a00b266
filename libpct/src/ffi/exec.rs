//! Inside a running container.
//!
//! A command runs as root of the container with the standard streams that the
//! call names; no byte of them passes through the library. Its exit status is
//! that of a shell: 126 or 127 when it could not be executed, 128 + n when
//! signal n has ended it, and 255 when there was no way into the container.

use std::{
    ffi::{OsString, c_char, c_int},
    io,
    os::{
        fd::{FromRawFd, IntoRawFd, OwnedFd},
        unix::process::ExitStatusExt,
    },
    process::{Child, ExitStatus, Stdio},
};

use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::{
    ctx::pct_ctx,
    error::{Fault, pct_error},
    guard, options,
    out::Out,
    status::{PCT_E_FD, PCT_E_PARAMETER, PCT_E_SYSTEM, pct_status},
    string,
};
use crate::{Attach, sys::process};

/// How a command or shell is run.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct pct_exec_options {
    /// sizeof (pct_exec_options)
    pub struct_size: usize,
    /// Give it the environment of the calling process, instead of only TERM.
    /// PATH is /sbin:/bin:/usr/sbin:/usr/bin in any case.
    pub keep_env: c_int,
    /// Its standard input; 0 or -1 is that of the calling process.
    pub stdin_fd: c_int,
    /// Its standard output; 0 or -1 is that of the calling process.
    pub stdout_fd: c_int,
    /// Its standard error; 0 or -1 is that of the calling process.
    pub stderr_fd: c_int,
}

/// How a console is connected.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct pct_console_options {
    /// sizeof (pct_console_options)
    pub struct_size: usize,
    /// The letter, 'a' to 'z', that begins together with the control key the
    /// sequence to leave; 'q' ends it. Zero is 'a'.
    pub escape: c_int,
    /// Its standard input, a terminal; 0 or -1 is that of the calling process.
    pub stdin_fd: c_int,
    /// Its standard output; 0 or -1 is that of the calling process.
    pub stdout_fd: c_int,
    /// Its standard error; 0 or -1 is that of the calling process.
    pub stderr_fd: c_int,
}

options::options! {
    pct_exec_options { struct_size, keep_env, stdin_fd, stdout_fd, stderr_fd }
    pct_console_options { struct_size, escape, stdin_fd, stdout_fd, stderr_fd }
}

/// Starts a command inside a running container and returns at once. argv ends
/// in NULL.
///
/// *pid is a child of the calling process, which must wait for it: waitpid
/// gives the exit status, signals that it gets are passed on to the command.
/// *pidfd is a file descriptor of the same process, which poll shows as
/// readable when it has ended; the caller closes it. pidfd may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_container_exec(
    ctx: *const pct_ctx,
    vmid: u32,
    argv: *const *const c_char,
    options: *const pct_exec_options,
    pid: *mut i32,
    pidfd: *mut c_int,
    err: *mut *mut pct_error,
) -> pct_status {
    // SAFETY: pointers are NULL or valid, as the header asks of the caller.
    unsafe {
        let (pid, pidfd) = (Out::new(pid, -1), Out::new(pidfd, -1));
        guard::on_container(ctx, vmid, err, |container| {
            pid.require("pid")?;
            let (options, streams) = exec_options(options)?;
            let attach = container.exec(command(argv)?).keep_env(options.keep_env != 0).attach()?;
            let mut child = streams.spawn(attach)?;
            if pidfd.is_wanted() {
                pidfd.set(pidfd_of(&mut child)?.into_raw_fd());
            }
            pid.set(child.id().cast_signed());
            Ok(())
        })
    }
}

/// Runs a command inside a running container to its end. argv ends in NULL.
/// PCT_OK says that it has run, *exit_status how it ended.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_container_exec_wait(
    ctx: *const pct_ctx,
    vmid: u32,
    argv: *const *const c_char,
    options: *const pct_exec_options,
    exit_status: *mut c_int,
    err: *mut *mut pct_error,
) -> pct_status {
    // SAFETY: pointers are NULL or valid, as the header asks of the caller.
    unsafe {
        let exit_status = Out::new(exit_status, -1);
        guard::on_container(ctx, vmid, err, |container| {
            exit_status.require("exit_status")?;
            let (options, streams) = exec_options(options)?;
            let attach = container.exec(command(argv)?).keep_env(options.keep_env != 0).attach()?;
            exit_status.set(wait(streams.spawn(attach)?)?);
            Ok(())
        })
    }
}

/// Runs the login shell of root inside a running container to its end, on a
/// terminal of its own when standard input is one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_container_enter_wait(
    ctx: *const pct_ctx,
    vmid: u32,
    options: *const pct_exec_options,
    exit_status: *mut c_int,
    err: *mut *mut pct_error,
) -> pct_status {
    // SAFETY: pointers are NULL or valid, as the header asks of the caller.
    unsafe {
        let exit_status = Out::new(exit_status, -1);
        guard::on_container(ctx, vmid, err, |container| {
            exit_status.require("exit_status")?;
            let (options, streams) = exec_options(options)?;
            let attach = container.enter(options.keep_env != 0)?;
            exit_status.set(wait(streams.spawn(attach)?)?);
            Ok(())
        })
    }
}

/// Connects a terminal to one of the container until the user leaves it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_container_console_wait(
    ctx: *const pct_ctx,
    vmid: u32,
    options: *const pct_console_options,
    exit_status: *mut c_int,
    err: *mut *mut pct_error,
) -> pct_status {
    // SAFETY: pointers are NULL or valid, as the header asks of the caller.
    unsafe {
        let exit_status = Out::new(exit_status, -1);
        guard::on_container(ctx, vmid, err, |container| {
            exit_status.require("exit_status")?;
            let given = options::read(options)?;
            let streams = Streams::new(given.stdin_fd, given.stdout_fd, given.stderr_fd)?;
            let attach = container.console(escape(given.escape)?)?;
            exit_status.set(wait(streams.spawn(attach)?)?);
            Ok(())
        })
    }
}

/// # Safety
/// As [`options::read`].
unsafe fn exec_options(given: *const pct_exec_options) -> Result<(pct_exec_options, Streams), Fault> {
    // SAFETY: as above.
    let given = unsafe { options::read(given) }?;
    Ok((given, Streams::new(given.stdin_fd, given.stdout_fd, given.stderr_fd)?))
}

/// # Safety
/// As [`string::words`].
pub(super) unsafe fn command(argv: *const *const c_char) -> Result<Vec<OsString>, Fault> {
    if argv.is_null() {
        return Err(Fault::null("argv"));
    }
    // SAFETY: as above.
    Ok(unsafe { string::words(argv) })
}

fn escape(letter: c_int) -> Result<Option<char>, Fault> {
    let valid = |byte: &u8| byte.is_ascii_lowercase();
    match (letter, u8::try_from(letter).ok().filter(valid)) {
        (0, _) => Ok(None),
        (_, Some(byte)) => Ok(Some(byte.into())),
        _ => Err(Fault::new(PCT_E_PARAMETER, format!("escape is {letter}, not a letter 'a' to 'z' or 0"))),
    }
}

/// The standard streams of a command.
struct Streams([Stdio; 3]);

impl Streams {
    fn new(stdin: c_int, stdout: c_int, stderr: c_int) -> Result<Self, Fault> {
        let named = [("stdin_fd", stdin), ("stdout_fd", stdout), ("stderr_fd", stderr)];
        let [stdin, stdout, stderr] = named.map(|(name, fd)| stream(fd, name));
        Ok(Self([stdin?, stdout?, stderr?]))
    }

    fn spawn(self, attach: Attach) -> Result<Child, Fault> {
        let [stdin, stdout, stderr] = self.0;
        Ok(attach.spawn(stdin, stdout, stderr)?)
    }
}

/// A copy of what the caller lends. Zero has to be the default, as in all options: who wants his standard
/// input as a command's output gives a copy of it.
fn stream(fd: c_int, name: &str) -> Result<Stdio, Fault> {
    if fd == 0 || fd == -1 {
        return Ok(Stdio::inherit());
    }
    Ok(lent(fd, name)?.into())
}

/// A copy of a file descriptor that the caller lends.
pub(super) fn lent(fd: c_int, name: &str) -> Result<OwnedFd, Fault> {
    // SAFETY: a call with numbers only; the kernel says whether the first is open.
    let copy = unsafe { libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 3) };
    if copy < 0 {
        return Err(Fault::io(PCT_E_FD, &format!("{name} is {fd}"), &io::Error::last_os_error()));
    }
    // SAFETY: the kernel has just made it, for us.
    Ok(unsafe { OwnedFd::from_raw_fd(copy) })
}

/// A file descriptor of a child that the caller will know by it.
fn pidfd_of(child: &mut Child) -> Result<OwnedFd, Fault> {
    let opened = match Pid::from_raw(child.id().cast_signed()) {
        Some(pid) => pidfd_open(pid, PidfdFlags::empty()).map_err(io::Error::from),
        None => Err(io::Error::from(io::ErrorKind::NotFound)),
    };
    opened.map_err(|error| {
        // A call that fails leaves no process behind.
        let _ = child.kill();
        let _ = child.wait();
        Fault::io(PCT_E_SYSTEM, "cannot open the process of the command", &error)
    })
}

fn wait(mut child: Child) -> Result<c_int, Fault> {
    let failed = |error| Fault::io(PCT_E_SYSTEM, "cannot learn how the command has ended", &error);
    Ok(exit_status(process::wait(&mut child).map_err(failed)?))
}

/// As a shell has it.
pub(super) fn exit_status(ended: ExitStatus) -> c_int {
    ended.code().or_else(|| ended.signal().map(|signal| 128 + signal)).unwrap_or(255)
}
