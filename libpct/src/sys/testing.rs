//! Help for tests that need root or a single-threaded process.

use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether this process is the copy in [`in_child`].
static IS_COPY: AtomicBool = AtomicBool::new(false);

/// Whether a skip is a failure: `PCT_E2E` has the word `require`.
pub(crate) fn is_required() -> bool {
    std::env::var("PCT_E2E").is_ok_and(|words| words.split(' ').any(|word| word == "require"))
}

/// Whether to run a test that needs root: without it, and unless [`is_required`], the test says so and is left.
pub(crate) fn needs_root() -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root && !is_required() {
        eprintln!("skipped: needs root");
        return false;
    }
    true
}

/// Runs `body` in a forked, thus single-threaded, copy of this process and passes a failed assertion on.
///
/// The test harness has threads, so the copy must keep away from the harness: it writes nothing and leaves
/// by `_exit`.
pub(crate) fn in_child(body: impl FnOnce()) {
    static QUIET: Once = Once::new();
    // Before the fork: in the copy the lock of the hook may be held by a test that failed just then.
    QUIET.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !IS_COPY.load(Ordering::Relaxed) {
                usual(info);
            }
        }));
    });
    let (read, write) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap();
    // SAFETY: glibc makes its allocator usable in the child of a threaded process; the child takes no
    // other lock that another thread could hold: it neither prints nor returns.
    let pid = unsafe { libc::fork() };
    assert!(pid >= 0, "fork failed");
    if pid == 0 {
        drop(read);
        let mut pipe = std::fs::File::from(write);
        // The usual hook would lock the harness' output.
        IS_COPY.store(true, Ordering::Relaxed);
        let code = match catch_unwind(AssertUnwindSafe(body)) {
            Ok(()) => 0,
            Err(cause) => {
                let text = cause
                    .downcast_ref::<String>()
                    .map(String::as_str)
                    .or_else(|| cause.downcast_ref::<&str>().copied());
                let _ = pipe.write_all(text.unwrap_or("panicked").as_bytes());
                1
            }
        };
        // SAFETY: ends the copy without running anything of the harness.
        unsafe { libc::_exit(code) };
    }
    drop(write);
    finish(pid, read);
}

fn finish(pid: i32, read: OwnedFd) {
    let mut text = String::new();
    std::fs::File::from(read).read_to_string(&mut text).unwrap();
    let mut status = 0;
    // SAFETY: `status` is a valid place for the answer.
    assert_eq!(unsafe { libc::waitpid(pid, &raw mut status, 0) }, pid);
    assert!(
        libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0,
        "in the child: {text} (status {status:#x})"
    );
}

/// How much slower this machine may be, as `PCT_PATIENCE` says: for machines that are only emulated.
pub(crate) fn patience() -> u32 {
    std::env::var("PCT_PATIENCE").map_or(1, |text| text.parse().unwrap())
}
