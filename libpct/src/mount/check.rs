//! Programs that work on a file system which nobody has mounted.

use std::path::Path;

use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::Errno;

use super::volume::is_attached;
use super::{Error, Result};
use crate::exec::{self, Command, Reason};

/// Where a program has said something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// Hears what a program has said, line by line.
pub(crate) type Told<'a> = &'a mut dyn FnMut(Stream, &str);

/// Has fsck(8) check the file system in a raw image or on a block device, and correct what can be corrected without a
/// question. That it had to be is a failure, too.
pub(crate) fn check_file_system(path: &Path, force: bool, told: Told<'_>) -> Result<()> {
    let force = force.then_some("-f");
    run(Command::new("fsck").package("util-linux").args(["-a", "-l"]).args(force).arg(path), &[], told)
}

/// Whether an image or a block device is mounted anywhere, also where this process does not see it. Of an image that is
/// attached to a loop device nobody can tell.
pub(crate) fn is_in_use(path: &Path) -> Result<bool> {
    let failed = |e| Error::os(format!("open '{}'", path.display()), e);
    let stat = rustix::fs::stat(path).map_err(failed)?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::BlockDevice {
        return is_attached(path);
    }
    // The kernel refuses it for a device that something holds (open(2)).
    match rustix::fs::open(path, OFlags::RDONLY | OFlags::EXCL | OFlags::CLOEXEC, Mode::empty()) {
        Err(Errno::BUSY) => Ok(true),
        opened => opened.map(|_| false).map_err(failed),
    }
}

/// Runs a program; of the ways to fail only those that are harmless pass.
pub(super) fn run(command: Command, harmless: &[Reason], told: Told<'_>) -> Result<()> {
    let line = command.line();
    let output = command.run_any()?;
    output.stdout_lines().iter().for_each(|line| told(Stream::Out, line));
    output.stderr_lines().iter().for_each(|line| told(Stream::Err, line));
    match output.failure() {
        Some(reason) if !harmless.contains(&reason) => {
            Err(exec::Error::Failed { command: line, reason, stderr: None }.into())
        }
        _ => Ok(()),
    }
}
