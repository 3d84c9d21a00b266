//! A command inside, run to its end, with what it has said (ours).

use std::{
    fs::File,
    io::{self, Seek, Write},
    process::{Child, Output},
    time::Duration,
};

use rustix::fs::{MemfdFlags, Mode, SealFlags, fchmod, fcntl_add_seals, memfd_create};

use crate::{
    error::Error,
    exec::{End, Keep, Streams},
    progress::Progress,
    sys::{
        self,
        pidfd::Pidfd,
        process::{stolen, wait_failed},
    },
};

/// How much of a command is borne.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// How many bytes of each output are held in memory.
    pub(super) bytes: usize,
    pub(super) time: Option<Duration>,
}

/// How long a command may take to end when it is asked to.
const GRACE: Duration = Duration::from_secs(1);

/// Waits for a command and keeps what it writes to the streams that are pipes. When that is too much, takes too long or
/// is cancelled, the command gets SIGTERM; one that does not heed it is left to the container, and so is what it has
/// started in the background.
pub(super) fn output(mut child: Child, limits: Limits, progress: &dyn Progress) -> Result<Output, Error> {
    let failed = |source| failed("wait for a command", source);
    let Some(process) = Pidfd::open(child.id().cast_signed())? else { return Err(failed(stolen())) };
    let keep = Keep::All(limits.bytes);
    let mut streams = Streams::of(&mut child, keep, keep).map_err(failed)?;
    for pipe in streams.open().into_iter().flatten() {
        // The root of a user namespace is another user, and may open its /dev/stdout, which is this.
        fchmod(pipe, Mode::from_raw_mode(0o622)).map_err(|errno| failed(errno.into()))?;
    }
    let end = streams.follow(&process, limits.time, progress.cancel());
    if !matches!(end, Ok(End::Exit)) {
        // That it has ended by itself meanwhile is what is wanted.
        let _ = stop(&process);
    }
    let status = child.wait().map_err(|error| failed(wait_failed(error)))?;
    match end.map_err(failed)? {
        End::Exit => {
            let (stdout, stderr) = streams.into_kept();
            Ok(Output { status, stdout: stdout.bytes, stderr: stderr.bytes })
        }
        End::Late => Err(Error::CommandTimeout { time: limits.time.unwrap_or_default() }),
        End::Cancelled => Err(Error::Interrupted),
        End::TooMuch => Err(Error::TooMuchOutput { limit: limits.bytes }),
    }
}

/// Asks a command to end, and then sees to it that nobody waits for it.
fn stop(process: &Pidfd) -> Result<(), sys::Error> {
    // The helper passes it on to the program inside.
    process.send(libc::SIGTERM)?;
    if !process.wait(Some(GRACE))? {
        process.send(libc::SIGKILL)?;
    }
    Ok(())
}

/// A file in memory to read from. A pipe would have to be written to meanwhile, and whoever writes to one that nobody
/// reads gets a signal that ends the calling program.
pub(super) fn file_of(bytes: &[u8]) -> Result<File, Error> {
    let made = || -> io::Result<File> {
        let file = memfd_create("stdin", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
        let mut file = File::from(file);
        file.write_all(bytes)?;
        file.rewind()?;
        fcntl_add_seals(&file, SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL)?;
        Ok(file)
    };
    made().map_err(|source| failed("keep the input of a command", source))
}

fn failed(attempt: &str, source: io::Error) -> Error {
    sys::Error::os(attempt.to_owned(), source).into()
}
