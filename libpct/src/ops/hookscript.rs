//! The hook script of a container (spec: runtime, part 2; cli, part 6.12): a snippet that is run with the container's
//! number and a phase.
//!
//! | phase | runs in | because |
//! |---|---|---|
//! | `pre-start` | the helper, before it mounts anything | it then owes the `post-stop`, whatever becomes of the caller and of the start |
//! | `post-start` | the caller | the helper is inside liblxc for as long as the container runs |
//! | `pre-stop` | the caller | as above; nobody is asked before a guest halts by itself |
//! | `post-stop` | the helper, when all is cleared up | a guest that halts by itself has no caller |
//!
//! Both phases of the helper are run in the host's mount namespace: what the first mounts the second can unmount.
//! A guest that reboots by itself has no phases, as in the original: the run goes on. A helper that is killed owes its
//! `post-stop` for ever: nobody else knows what `pre-start` has left.

use std::fmt;

use super::Env;
use crate::{
    config::{Section, Vmid, VolumeId},
    error::Error,
    exec::Command,
    progress::Progress,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    PreStart,
    PostStart,
    PreStop,
    PostStop,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PreStart => "pre-start",
            Self::PostStart => "post-start",
            Self::PreStop => "pre-stop",
            Self::PostStop => "post-stop",
        })
    }
}

/// Runs the script that the config names, if it names one, and waits for its end without a limit. What it writes
/// are messages.
pub(super) fn run(
    env: &Env,
    vmid: Vmid,
    section: &Section,
    phase: Phase,
    progress: &mut dyn Progress,
) -> Result<(), Error> {
    let Some(script) = section.hookscript() else { return Ok(()) };
    run_script(env, vmid, script, phase, progress).map_err(|source| Error::Hookscript {
        vmid,
        phase: phase.to_string(),
        source,
    })
}

/// As [`run`], where a failure changes nothing any more.
pub(super) fn run_or_warn(
    env: &Env,
    vmid: Vmid,
    section: &Section,
    phase: Phase,
    progress: &mut dyn Progress,
) {
    if let Err(error) = run(env, vmid, section, phase, progress) {
        progress.warning(&error.full_message());
    }
}

fn run_script(
    env: &Env,
    vmid: Vmid,
    script: &str,
    phase: Phase,
    progress: &mut dyn Progress,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let path = env.storages()?.snippet(&script.parse::<VolumeId>()?)?;
    let output = Command::new(path).args([vmid.to_string(), phase.to_string()]).run()?;
    for stream in [&output.stdout, &output.stderr] {
        String::from_utf8_lossy(stream).lines().for_each(|line| progress.message(line));
    }
    Ok(())
}
