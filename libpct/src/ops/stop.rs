//! `stop`, `shutdown` and `reboot` (spec: cli, part 5.10; runtime, part 5).

use std::time::{Duration, Instant};

use super::{
    Env, StartOptions, helper,
    hookscript::{self, Phase},
    leftovers,
    set::apply_after_stop,
    setters::setters,
    start::start_locked,
};
use crate::{
    config::{Section, Vmid},
    error::Error,
    lxc::{self, command::CommandSocket},
    progress::Progress,
    sys::pidfd::Pidfd,
};

/// How [`Container::stop`](crate::Container::stop) stops.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct StopOptions {
    /// Stop although the config has a `lock`.
    pub skiplock: bool,
}

setters! { StopOptions { skiplock: bool } }

/// How [`Container::shutdown`](crate::Container::shutdown) stops.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ShutdownOptions {
    /// How long the guest may take; 60 seconds where none is given.
    pub timeout: Option<Duration>,
    /// Kill the container when the time is over, instead of failing.
    pub force_stop: bool,
}

setters! { ShutdownOptions { timeout: Option<Duration>, force_stop: bool } }

/// How [`Container::reboot`](crate::Container::reboot) stops and starts again.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct RebootOptions {
    /// How long the guest may take to stop before it is killed; 60 seconds where none is given.
    pub timeout: Option<Duration>,
}

setters! { RebootOptions { timeout: Option<Duration> } }

/// How long a guest may take to shut down where the caller does not say.
pub(super) const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(60);
/// An init that has only just begun does not take signals yet, and they are lost (pid_namespaces(7)): it is
/// asked again after this time, then after twice as long, and so on.
const FIRST_PATIENCE: Duration = Duration::from_secs(1);
/// How long liblxc and the monitor may take to clean up behind an init that is gone.
const CLEAN_UP_TIMEOUT: Duration = Duration::from_secs(30);

pub(crate) fn stop(
    env: &Env,
    vmid: Vmid,
    options: &StopOptions,
    progress: &mut dyn Progress,
) -> Result<(), Error> {
    require_running(env, vmid)?;
    let lock = env.store().lock(vmid, progress)?;
    let loaded = env.store().load(vmid)?;
    if !options.skiplock {
        loaded.check_lock_but_mounted()?;
    }
    kill(env, vmid, loaded.config.main(), progress)?;
    apply_after_stop(env, vmid, &lock, || helper::liblxc(env), progress);
    Ok(())
}

pub(crate) fn shutdown(
    env: &Env,
    vmid: Vmid,
    options: &ShutdownOptions,
    progress: &mut dyn Progress,
) -> Result<(), Error> {
    require_running(env, vmid)?;
    let lock = env.store().lock(vmid, progress)?;
    let loaded = env.store().load(vmid)?;
    loaded.check_lock()?;
    halt(env, vmid, loaded.config.main(), options.timeout, options.force_stop, progress)?;
    apply_after_stop(env, vmid, &lock, || helper::liblxc(env), progress);
    Ok(())
}

pub(crate) fn reboot(
    env: &Env,
    vmid: Vmid,
    options: &RebootOptions,
    progress: &mut dyn Progress,
) -> Result<(), Error> {
    env.store().require(vmid)?;
    if !env.is_running(vmid)? {
        // 'VM' is what the original says, and what scripts look for.
        return Err(Error::NotRunning { what: "VM", vmid });
    }
    let lock = env.store().lock(vmid, progress)?;
    if !env.is_running(vmid)? {
        return Ok(());
    }
    let loaded = env.store().load(vmid)?;
    halt(env, vmid, loaded.config.main(), options.timeout, true, progress)?;
    start_locked(env, vmid, &StartOptions::default(), &lock, progress)
}

pub(super) fn require_running(env: &Env, vmid: Vmid) -> Result<(), Error> {
    env.store().require(vmid)?;
    if env.is_running(vmid)? { Ok(()) } else { Err(Error::NotRunning { what: "CT", vmid }) }
}

/// Kills the container, and returns when its monitor has cleaned up and is gone.
pub(crate) fn kill(
    env: &Env,
    vmid: Vmid,
    section: &Section,
    progress: &mut dyn Progress,
) -> Result<(), Error> {
    let Some(socket) = env.connect(vmid)? else { return Ok(()) };
    let monitor = leftovers::monitor_process(env, vmid)?;
    hookscript::run_or_warn(env, vmid, section, Phase::PreStop, progress);
    kill_connected(&socket, section)?;
    cleared_up(vmid, monitor, section)
}

fn kill_connected(socket: &CommandSocket, section: &Section) -> Result<(), Error> {
    match socket.stop(Some(CLEAN_UP_TIMEOUT)) {
        Err(lxc::Error::Timeout { .. }) if in_post_stop(socket, section)? => {}
        other => other?,
    }
    // A hook script may take its time.
    if in_post_stop(socket, section)? {
        socket.wait_closed(None)?;
    }
    Ok(())
}

/// Ends what is left of a container whose processes have ended by other means, and returns when its monitor is gone.
pub(super) fn end(
    vmid: Vmid,
    socket: &CommandSocket,
    monitor: Pidfd,
    section: &Section,
) -> Result<(), Error> {
    kill_connected(socket, section)?;
    cleared_up(vmid, Some(monitor), section)
}

/// liblxc's monitor has closed its socket. Of a container that was resumed it is a child of our own, who clears up.
fn cleared_up(vmid: Vmid, monitor: Option<Pidfd>, section: &Section) -> Result<(), Error> {
    let Some(process) = monitor else { return Ok(()) };
    // A hook script may take its time.
    let limit = section.hookscript().is_none().then_some(CLEAN_UP_TIMEOUT);
    match process.wait(limit)? {
        true => Ok(()),
        false => Err(Error::MonitorBusy { vmid, pid: process.pid() }),
    }
}

/// Whether the container has ended and the monitor may be waiting for its hook script.
fn in_post_stop(socket: &CommandSocket, section: &Section) -> Result<bool, lxc::Error> {
    Ok(section.hookscript().is_some() && !socket.is_listening()?)
}

/// Asks init to halt, and returns when the monitor has cleaned up and is gone.
fn halt(
    env: &Env,
    vmid: Vmid,
    section: &Section,
    timeout: Option<Duration>,
    then_kill: bool,
    progress: &mut dyn Progress,
) -> Result<(), Error> {
    let Some(socket) = env.connect(vmid)? else { return Ok(()) };
    let monitor = leftovers::monitor_process(env, vmid)?;
    hookscript::run_or_warn(env, vmid, section, Phase::PreStop, progress);
    halt_connected(vmid, &socket, section, timeout, then_kill)?;
    cleared_up(vmid, monitor, section)
}

fn halt_connected(
    vmid: Vmid,
    socket: &CommandSocket,
    section: &Section,
    timeout: Option<Duration>,
    then_kill: bool,
) -> Result<(), Error> {
    // A time that no clock reaches is none.
    let deadline = Instant::now().checked_add(timeout.unwrap_or(SHUTDOWN_TIMEOUT));
    let mut patience = FIRST_PATIENCE;
    loop {
        match socket.halt() {
            // It ends already, or has ended: behind it a monitor runs hooks and unloads profiles, and does not answer.
            Err(lxc::Error::NotRunning { .. } | lxc::Error::Timeout { .. }) => {}
            other => other?,
        }
        let left = deadline.map_or(Duration::MAX, |end| end.saturating_duration_since(Instant::now()));
        if socket.wait_closed(Some(patience.min(left)))? {
            return Ok(());
        }
        if left <= patience {
            break;
        }
        patience *= 2;
    }
    if then_kill || in_post_stop(socket, section)? {
        return kill_connected(socket, section);
    }
    Err(Error::DidNotStop { vmid })
}
