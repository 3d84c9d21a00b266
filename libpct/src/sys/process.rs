//! Processes: fork where that is sound, detach, become another program.

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions};
use rustix::thread::UnshareFlags;

use super::pidfd::{Exit, Pidfd};
use super::{Error, Result, check};

/// How many threads this process has.
pub(crate) fn thread_count() -> Result<usize> {
    let tasks = std::fs::read_dir("/proc/self/task").map_err(|e| Error::os("read '/proc/self/task'", e))?;
    Ok(tasks.count())
}

/// Fails with [`Error::Threads`] in a process that has more than one thread.
pub(crate) fn require_single_thread(attempt: &'static str) -> Result<()> {
    match thread_count()? {
        1 => Ok(()),
        threads => Err(Error::Threads { attempt, threads }),
    }
}

/// A child made by [`spawn`]. Dropping it neither ends nor reaps it.
#[derive(Debug)]
pub(crate) struct Child {
    pidfd: Pidfd,
}

impl Child {
    /// The handle, for poll and signals.
    #[must_use]
    pub(crate) fn pidfd(&self) -> &Pidfd {
        &self.pidfd
    }

    /// Waits for its end and reaps it.
    pub(crate) fn wait(self) -> Result<Exit> {
        self.pidfd.reap()
    }
}

/// Runs `body` in a forked child, which ends with the exit code `body` returns (a panic: 101).
///
/// Only in a single-threaded process: with more threads a lock could be held in the copy for ever. The child
/// runs no exit handlers and flushes nothing that was buffered before.
pub(crate) fn spawn(body: impl FnOnce() -> i32) -> Result<Child> {
    require_single_thread("fork")?;
    let pid = fork()?;
    if pid == 0 {
        let code = std::panic::catch_unwind(std::panic::AssertUnwindSafe(body)).unwrap_or(101);
        exit_now(code);
    }
    let fd = Pid::from_raw(pid)
        .ok_or(rustix::io::Errno::SRCH)
        .and_then(|pid| rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()));
    match fd {
        Ok(fd) => Ok(Child { pidfd: Pidfd::from_parts(fd, pid) }),
        Err(source) => {
            // A child we cannot watch must not run on.
            // SAFETY: plain system calls; the child is not reaped yet, so the number is its own.
            unsafe {
                libc::kill(pid, libc::SIGKILL);
                libc::waitpid(pid, std::ptr::null_mut(), 0);
            }
            Err(Error::os("watch the forked child", source))
        }
    }
}

/// Waits until this process has no child any more, and reaps them all.
pub(crate) fn wait_for_children() -> Result<()> {
    loop {
        match rustix::process::waitid(WaitId::All, WaitIdOptions::EXITED) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(rustix::io::Errno::CHILD) => return Ok(()),
            Err(e) => return Err(Error::os("wait for a child", e)),
        }
    }
}

/// Goes on as a child in a session of its own; the caller's parent sees exit code 0 at once.
///
/// Only in a single-threaded process. Standard streams and working directory stay as they are.
pub(crate) fn detach() -> Result<()> {
    require_single_thread("detach")?;
    if fork()? != 0 {
        exit_now(0);
    }
    rustix::process::setsid().map(drop).map_err(|e| Error::os("start a session", e))
}

/// Ends the process at once: no exit handlers, no flushing.
pub(crate) fn exit_now(code: i32) -> ! {
    // SAFETY: `_exit` has no preconditions.
    unsafe { libc::_exit(code) }
}

/// Replaces this process by the program in `program` (execveat(2)); returns only on failure.
///
/// The program need not have a name any more. A script cannot be run from a close-on-exec descriptor.
#[must_use = "it returns only the reason why it failed"]
pub(crate) fn replace(program: BorrowedFd<'_>, argv: &[CString], env: &[CString]) -> Error {
    let (args, vars) = (pointers(argv), pointers(env));
    // SAFETY: both arrays end with a null pointer and point to C strings that outlive the call.
    let ret = unsafe {
        libc::syscall(
            libc::SYS_execveat,
            program.as_raw_fd(),
            c"".as_ptr(),
            args.as_ptr(),
            vars.as_ptr(),
            libc::AT_EMPTY_PATH,
        )
    };
    exec_error(argv, ret)
}

/// Replaces this process by the program at `path`; returns only on failure.
#[must_use = "it returns only the reason why it failed"]
pub(crate) fn replace_path(path: &CStr, argv: &[CString], env: &[CString]) -> Error {
    let (args, vars) = (pointers(argv), pointers(env));
    // SAFETY: as above.
    let ret = unsafe { libc::execve(path.as_ptr(), args.as_ptr(), vars.as_ptr()) };
    exec_error(argv, ret.into())
}

fn exec_error(argv: &[CString], ret: libc::c_long) -> Error {
    let source = check(ret).err().unwrap_or_else(|| io::Error::from(io::ErrorKind::Other));
    let name = argv.first().map(|a| a.to_string_lossy().into_owned()).unwrap_or_default();
    Error::os(format!("run '{name}'"), source)
}

fn pointers(strings: &[CString]) -> Vec<*const libc::c_char> {
    strings.iter().map(|s| s.as_ptr()).chain([std::ptr::null()]).collect()
}

/// This process' environment, as [`replace`] takes it.
#[must_use]
pub(crate) fn environment() -> Vec<CString> {
    use std::os::unix::ffi::OsStrExt;
    std::env::vars_os()
        .filter_map(|(key, value)| CString::new([key.as_bytes(), b"=", value.as_bytes()].concat()).ok())
        .collect()
}

/// Marks every descriptor from `first` on close-on-exec, so that the next program gets none of them.
pub(crate) fn close_on_exec_from(first: RawFd) -> Result<()> {
    let first = libc::c_uint::try_from(first)
        .map_err(|_| Error::Invalid { attempt: "mark descriptors".into(), reason: "negative number" })?;
    // SAFETY: a system call without memory; marking does not invalidate any owner's descriptor.
    let ret = unsafe {
        libc::syscall(
            libc::SYS_close_range,
            first,
            libc::c_uint::MAX,
            libc::CLOSE_RANGE_CLOEXEC as libc::c_int,
        )
    };
    check(ret).map(drop).map_err(|e| Error::os("mark descriptors close-on-exec", e))
}

/// Has the command start without any descriptor but the standard streams, whatever a host program has open.
pub(crate) fn without_descriptors(command: &mut std::process::Command) -> &mut std::process::Command {
    let hook = || {
        // SAFETY: a system call without memory, allowed between fork and exec. The descriptor by which the
        // standard library reports a failed exec is only marked, as it was already.
        let ret = unsafe {
            libc::syscall(
                libc::SYS_close_range,
                3,
                libc::c_uint::MAX,
                libc::CLOSE_RANGE_CLOEXEC as libc::c_int,
            )
        };
        check(ret).map(drop)
    };
    // SAFETY: the hook makes one system call and allocates nothing.
    unsafe { std::os::unix::process::CommandExt::pre_exec(command, hook) }
}

/// Waits for a child, and says why that failed when its end went elsewhere (wait(2), ECHILD).
pub(crate) fn wait(child: &mut std::process::Child) -> io::Result<std::process::ExitStatus> {
    let stolen = |error: io::Error| if error.raw_os_error() == Some(libc::ECHILD) { stolen() } else { error };
    child.wait().map_err(stolen)
}

/// A child that somebody else has reaped.
pub(crate) fn stolen() -> io::Error {
    io::Error::other("this program ignores SIGCHLD, or waits for children that are not its own")
}

/// Has the kernel send `signal` to this process when the parent's thread that made it ends; `parent` is whom
/// the caller takes for its parent. Fails if the parent has ended already: then no signal would ever come.
///
/// A change of user or group id, and the execution of a set-id program, clear it.
pub(crate) fn set_death_signal(signal: Signal, parent: Pid) -> Result<()> {
    rustix::process::set_parent_process_death_signal(Some(signal))
        .map_err(|e| Error::os("set the parent death signal", e))?;
    if rustix::process::getppid() == Some(parent) {
        return Ok(());
    }
    Err(Error::Invalid { attempt: "set the parent death signal".into(), reason: "the parent has ended" })
}

/// Moves this process into new namespaces (unshare(2)), except the file-descriptor table.
pub(crate) fn unshare(flags: UnshareFlags) -> Result<()> {
    if flags.contains(UnshareFlags::FILES) {
        let reason = "descriptors are never unshared";
        return Err(Error::Invalid { attempt: "unshare".into(), reason });
    }
    // SAFETY: the only danger of the call is an unshared descriptor table, which was excluded.
    unsafe { rustix::thread::unshare_unsafe(flags) }.map_err(|e| Error::os("unshare namespaces", e))
}

/// The child gets 0. Callers have checked that there is one thread.
fn fork() -> Result<libc::pid_t> {
    // SAFETY: one thread, so no lock of another one stays taken in the copy.
    let pid = unsafe { libc::fork() };
    check(pid.into()).map_err(|e| Error::os("fork", e)).map(|_| pid)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::testing::in_child;
    use std::os::fd::AsFd;

    fn c(text: &str) -> CString {
        CString::new(text).unwrap()
    }

    #[test]
    fn a_child_hands_back_its_code_and_its_signal() {
        in_child(|| {
            assert_eq!(spawn(|| 42).unwrap().wait().unwrap(), Exit::Code(42));
            assert_eq!(spawn(|| panic!("no")).unwrap().wait().unwrap(), Exit::Code(101));
            let child = spawn(|| {
                loop {
                    std::thread::park()
                }
            })
            .unwrap();
            child.pidfd().send(libc::SIGKILL).unwrap();
            assert_eq!(child.wait().unwrap(), Exit::Signal(libc::SIGKILL));
        });
    }

    #[test]
    fn no_fork_with_threads() {
        std::thread::scope(|s| {
            let (send, receive) = std::sync::mpsc::channel::<()>();
            s.spawn(move || receive.recv());
            assert!(matches!(spawn(|| 0), Err(Error::Threads { .. })));
            assert!(matches!(detach(), Err(Error::Threads { .. })));
            drop(send);
        });
    }

    #[test]
    fn detaching_ends_the_first_process_and_leads_a_session() {
        let (read, write) = rustix::pipe::pipe().unwrap();
        in_child(|| {
            let before = rustix::process::getpid();
            // The outer process of `in_child` sees the exit code of this one.
            detach().unwrap();
            let ok = rustix::process::getpid() != before
                && rustix::process::getsid(None).unwrap() == rustix::process::getpid();
            rustix::io::write(&write, if ok { b"y" } else { b"n" }).unwrap();
            exit_now(0);
        });
        drop(write);
        let mut answer = [0; 1];
        rustix::io::read(&read, &mut answer).unwrap();
        assert_eq!(&answer, b"y");
    }

    #[test]
    fn a_program_runs_from_a_descriptor_with_given_arguments_and_no_other_descriptor() {
        let (read, write) = rustix::pipe::pipe().unwrap();
        in_child(|| {
            // Deliberately not close-on-exec.
            let _leak = rustix::io::dup(&write).unwrap();
            rustix::stdio::dup2_stdout(&write).unwrap();
            let shell = std::fs::File::open("/bin/sh").unwrap();
            close_on_exec_from(3).unwrap();
            let script = "echo \"$0 $1 $X ${HOME-unset}\"; ls /proc/self/fd | tr '\\n' ' '";
            let error = replace(
                shell.as_fd(),
                &[c("sh"), c("-c"), c(script), c("zero"), c("one two")],
                &[c("X=y"), c("PATH=/usr/bin:/bin")],
            );
            panic!("{error}");
        });
        drop(write);
        let mut text = String::new();
        std::io::Read::read_to_string(&mut std::fs::File::from(read), &mut text).unwrap();
        // 3 is the directory that ls reads.
        assert_eq!(text, "zero one two y unset\n0 1 2 3 ");
    }

    #[test]
    fn what_cannot_be_run_is_named() {
        let file = tempfile::tempfile().unwrap();
        let error = replace(file.as_fd(), &[c("prog")], &[]);
        assert_eq!(error.to_string(), "cannot run 'prog'");
        assert!(error.raw_os_error().is_some());
        assert!(replace_path(c"/nonexistent", &[c("x")], &[]).raw_os_error() == Some(libc::ENOENT));
    }

    #[test]
    fn the_death_signal_comes_and_a_dead_parent_is_noticed() {
        in_child(|| {
            let (read, write) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap();
            let middle = spawn(|| {
                let parent = rustix::process::getpid();
                let inner = spawn(|| {
                    if set_death_signal(Signal::KILL, parent).is_err() {
                        return 1;
                    }
                    let _ = rustix::io::write(&write, b"r");
                    loop {
                        std::thread::park();
                    }
                });
                let mut ready = [0; 1];
                let _ = rustix::io::read(&read, &mut ready);
                i32::from(inner.is_err())
            });
            assert_eq!(middle.unwrap().wait().unwrap(), Exit::Code(0));
            // The inner one holds the last copy of the writing end: end of file means that it died.
            drop(write);
            assert_eq!(rustix::io::read(&read, &mut [0; 1]).unwrap(), 0);
            let stranger = Pid::from_raw(i32::MAX).unwrap();
            assert!(set_death_signal(Signal::KILL, stranger).is_err());
        });
    }

    #[test]
    fn the_descriptor_table_is_never_unshared() {
        assert!(unshare(UnshareFlags::FILES).is_err());
    }
}
