//! A command inside, run to its end, with what it has said (ours).

use std::{
    io,
    process::{Child, ExitStatus, Output},
    time::Duration,
};

use rustix::fs::{Mode, fchmod};

use crate::{
    error::Error,
    exec::{End, Keep, Streams},
    progress::Progress,
    sys::{self, pidfd::Pidfd, process},
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
    let Some(process) = Pidfd::open(child.id().cast_signed())? else { return Err(failed(process::stolen())) };
    let keep = Keep::All(limits.bytes);
    let mut streams = Streams::of(&mut child, keep, keep, None).map_err(failed)?;
    for pipe in streams.open().into_iter().flatten() {
        // The root of a user namespace is another user, and may open its /dev/stdout, which is this.
        fchmod(pipe, Mode::from_raw_mode(0o622)).map_err(|errno| failed(errno.into()))?;
    }
    let end = streams.follow(&process, limits.time, progress.cancel());
    if !matches!(end, Ok(End::Exit)) {
        // That it has ended by itself meanwhile is what is wanted.
        let _ = stop(&process);
    }
    let status = wait(&mut child)?;
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

/// Waits for a command.
pub(super) fn wait(child: &mut Child) -> Result<ExitStatus, Error> {
    process::wait(child).map_err(failed)
}

fn failed(source: io::Error) -> Error {
    sys::Error::os("wait for a command", source).into()
}
