//! The guards before a call that makes liblxc fork.

use super::{Error, Result};

/// Refuses `operation` unless this process has one thread.
pub(super) fn refuse(operation: &'static str, container: &str) -> Result<()> {
    let threads = count().map_err(|error| Error::system(operation, container, error))?;
    if threads == 1 {
        return Ok(());
    }
    Err(Error::Threads { operation, container: container.to_owned(), threads })
}

/// Makes all descriptors above 2 close-on-exec: what liblxc executes must not get any of them.
pub(super) fn keep_descriptors(operation: &'static str, container: &str) -> Result<()> {
    // SAFETY: only sets a flag on descriptors; needs Linux 5.11.
    let done =
        unsafe { libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC) };
    if done == 0 { Ok(()) } else { Err(Error::system(operation, container, std::io::Error::last_os_error())) }
}

fn count() -> std::io::Result<usize> {
    Ok(std::fs::read_dir("/proc/self/task")?.count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_threaded_process_is_refused() {
        // The test harness itself has a thread beside this one.
        match refuse("start", "9000") {
            Err(Error::Threads { threads, .. }) => assert!(threads > 1),
            other => panic!("{other:?}"),
        }
    }
}
