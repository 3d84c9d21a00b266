//! User namespaces: made from an id map, and entered.

use std::os::fd::{AsFd, FromRawFd, OwnedFd};

use rustix::fs::{Mode, OFlags};
use rustix::process::{WaitId, WaitIdOptions};
use rustix::thread::LinkNameSpaceType;

use super::pidfd::Pidfd;
use super::{Error, Result, check, process};
use crate::config::{IdKind, IdMap};

/// `struct clone_args` of `linux/sched.h`, first version.
#[repr(C)]
#[derive(Default)]
struct CloneArgs {
    flags: u64,
    pidfd: u64,
    child_tid: u64,
    parent_tid: u64,
    exit_signal: u64,
    stack: u64,
    stack_size: u64,
    tls: u64,
}

const CLONE_CLEAR_SIGHAND: u64 = 0x1_0000_0000;

/// Makes a user namespace with this id map and returns a descriptor of it.
///
/// The namespace lives as long as the descriptor or what uses it. The maps are written directly, by root,
/// so `/etc/subuid` has no say. May be called with threads running.
pub(crate) fn create(map: &IdMap) -> Result<OwnedFd> {
    let child = PausedChild::spawn()?;
    let pid = child.pidfd.pid();
    for (kind, what) in [(IdKind::Uid, "uid"), (IdKind::Gid, "gid")] {
        let lines: Vec<String> =
            map.of(kind).map(|r| format!("{} {} {}", r.container, r.host, r.count)).collect();
        if lines.is_empty() {
            continue;
        }
        // The kernel takes a map in one write, as a whole or not at all.
        std::fs::write(format!("/proc/{pid}/{what}_map"), lines.join("\n") + "\n")
            .map_err(|source| Error::IdMap { what, map: lines.join(", "), source })?;
    }
    let path = format!("/proc/{pid}/ns/user");
    rustix::fs::open(&path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
        .map_err(|e| Error::os(format!("open '{path}'"), e))
}

/// Moves this single-threaded process into the user namespace and becomes its root.
///
/// Afterwards it has all capabilities, but only in that namespace and its children. The namespace must map
/// user 0 and group 0.
pub(crate) fn enter(namespace: OwnedFd) -> Result<()> {
    process::require_single_thread("enter a user namespace")?;
    rustix::thread::move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::User))
        .map_err(|e| Error::os("enter the user namespace", e))?;
    let (uid, gid) = (rustix::process::Uid::ROOT, rustix::process::Gid::ROOT);
    // Groups first: with another user id these calls could be refused. There is one thread, so the calls
    // that change only the calling thread change the process.
    rustix::thread::set_thread_groups(&[])
        .map_err(|e| Error::os("drop the supplementary groups in the user namespace", e))?;
    rustix::thread::set_thread_res_gid(gid, gid, gid)
        .map_err(|e| Error::os("become group 0 of the user namespace", e))?;
    rustix::thread::set_thread_res_uid(uid, uid, uid)
        .map_err(|e| Error::os("become user 0 of the user namespace", e))
}

/// A child in a new user namespace that only sleeps; killed and reaped when dropped.
struct PausedChild {
    pidfd: Pidfd,
}

impl PausedChild {
    fn spawn() -> Result<Self> {
        let parent = rustix::process::getpid().as_raw_nonzero().get();
        let mut pidfd: libc::c_int = -1;
        let mut args = CloneArgs {
            // No signal handler of the caller may run in the child.
            flags: libc::CLONE_NEWUSER as u64 | libc::CLONE_PIDFD as u64 | CLONE_CLEAR_SIGHAND,
            pidfd: (&raw mut pidfd) as u64,
            // No SIGCHLD at the end: nobody else's wait() may take this child from us.
            exit_signal: 0,
            ..CloneArgs::default()
        };
        // SAFETY: without CLONE_VM and a stack the child is a copy like fork's; `args` has the layout and
        // size given, `pidfd` outlives the call. The child below makes system calls only.
        let pid = check(unsafe { libc::syscall(libc::SYS_clone3, &raw mut args, size_of::<CloneArgs>()) })
            .map_err(|e| Error::os("create a user namespace", e))?;
        if pid == 0 {
            sleep_until_killed(parent);
        }
        // SAFETY: the kernel has put a new descriptor there, and nobody else knows it. It is close-on-exec.
        let fd = unsafe { OwnedFd::from_raw_fd(pidfd) };
        // A process number fits.
        Ok(Self { pidfd: Pidfd::from_parts(fd, pid as i32) })
    }
}

impl Drop for PausedChild {
    fn drop(&mut self) {
        // Both can fail only if the child is gone.
        let _ = self.pidfd.send(libc::SIGKILL);
        let options = WaitIdOptions::EXITED | WaitIdOptions::from_bits_retain(libc::__WALL as u32);
        while let Err(rustix::io::Errno::INTR) =
            rustix::process::waitid(WaitId::PidFd(self.pidfd.as_fd()), options)
        {}
    }
}

/// What the child does: nothing but system calls, because it is the copy of a process that may have threads.
fn sleep_until_killed(parent: libc::pid_t) -> ! {
    // SAFETY: plain system calls without memory. `parent` guards against a parent that died before the
    // death signal was set; the descriptors are copies whose owners may wait for their end.
    unsafe {
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
        libc::syscall(libc::SYS_close_range, 0, libc::c_uint::MAX, 0);
        while libc::getppid() == parent {
            libc::pause();
        }
        libc::_exit(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::IdRange;
    use crate::sys::testing::{in_child, needs_root};
    use std::os::unix::fs::MetadataExt;

    fn children() -> usize {
        let own = std::process::id().to_string();
        let ppid = |stat: String| stat.rsplit(") ").next()?.split(' ').nth(1).map(str::to_owned);
        std::fs::read_dir("/proc")
            .unwrap()
            .filter_map(|e| std::fs::read_to_string(e.ok()?.path().join("stat")).ok())
            .filter(|stat| ppid(stat.clone()).is_some_and(|p| p == own))
            .count()
    }

    #[test]
    fn the_maps_apply_to_who_enters() {
        if !needs_root() {
            return;
        }
        let mut map = IdMap::unprivileged_default();
        map.0.push(IdRange { kind: IdKind::Uid, container: 70_000, host: 5_000, count: 1 });
        let dir = tempfile::tempdir().unwrap();
        std::fs::set_permissions(dir.path(), std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
        let file = dir.path().join("made-inside");
        let namespace = create(&map).unwrap();
        in_child(|| {
            enter(namespace).unwrap();
            let uid_map = std::fs::read_to_string("/proc/self/uid_map").unwrap();
            let words: Vec<&str> = uid_map.split_whitespace().collect();
            assert_eq!(words, ["0", "100000", "65536", "70000", "5000", "1"]);
            assert_eq!(rustix::process::getuid().as_raw(), 0);
            assert_eq!(rustix::process::getgid().as_raw(), 0);
            assert!(rustix::process::getgroups().unwrap().is_empty());
            std::fs::write(&file, "x").unwrap();
            // Capabilities hold inside: owned by any mapped id, not by others.
            std::os::unix::fs::chown(&file, Some(70_000), Some(12)).unwrap();
            assert!(std::os::unix::fs::chown(&file, Some(80_000), None).is_err());
        });
        let made = file.metadata().unwrap();
        assert_eq!((made.uid(), made.gid()), (5_000, 100_012));
    }

    #[test]
    fn a_threaded_process_cannot_enter() {
        if !needs_root() {
            return;
        }
        let namespace = create(&IdMap::unprivileged_default()).unwrap();
        std::thread::scope(|s| {
            let (send, receive) = std::sync::mpsc::channel::<()>();
            s.spawn(move || receive.recv());
            assert!(matches!(enter(namespace), Err(Error::Threads { threads: 2.., .. })));
            drop(send);
        });
    }

    #[test]
    fn a_map_that_overlaps_is_refused_and_no_child_stays() {
        if !needs_root() {
            return;
        }
        let mut map = IdMap::unprivileged_default();
        map.0.push(IdRange { kind: IdKind::Uid, container: 5, host: 300_000, count: 1 });
        // In a process without the children of other tests.
        in_child(|| {
            let error = create(&map).unwrap_err();
            assert!(matches!(error, Error::IdMap { what: "uid", .. }), "{error}");
            assert!(error.to_string().contains("5 300000 1"), "{error}");
            assert_eq!(children(), 0);
        });
    }

    #[test]
    fn many_at_once() {
        if !needs_root() {
            return;
        }
        std::thread::scope(|s| {
            let make = || {
                let all: Vec<_> = (0..10).map(|_| create(&IdMap::unprivileged_default()).unwrap()).collect();
                all.len()
            };
            let all: Vec<_> = (0..4).map(|_| s.spawn(make)).collect();
            assert_eq!(all.into_iter().map(|t| t.join().unwrap()).sum::<usize>(), 40);
        });
    }
}
