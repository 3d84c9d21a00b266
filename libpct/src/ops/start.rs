//! `start` (spec: cli, part 5.9; runtime, part 2).

use std::{
    thread,
    time::{Duration, Instant},
};

use super::{
    Env,
    hookscript::{self, Phase},
    leftovers,
    protocol::{Event, Job, Run},
    set::apply_pending,
    setters::setters,
};
use crate::{
    config::{Section, Vmid},
    error::Error,
    home::HomeKind,
    lxc::{State, command::CommandSocket},
    ops::helper::Working,
    progress::Progress,
    store::ConfigLock,
};

/// How [`Container::start`](crate::Container::start) starts.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct StartOptions {
    /// Let liblxc write everything it does to its log.
    pub debug: bool,
    /// Start although the config has a `lock`.
    pub skiplock: bool,
}

setters! { StartOptions { debug: bool, skiplock: bool } }

/// liblxc binds its command socket in its first milliseconds; without one after this time it hangs.
const SOCKET_TIMEOUT: Duration = Duration::from_secs(10);

pub(crate) fn start(
    env: &Env,
    vmid: Vmid,
    options: &StartOptions,
    progress: &mut dyn Progress,
) -> Result<(), Error> {
    if env.is_running(vmid)? {
        return Err(Error::AlreadyRunning { vmid });
    }
    let lock = env.store().lock(vmid, progress)?;
    start_locked(env, vmid, options, &lock, progress)
}

/// The part that other operations do under a lock that they hold already.
pub(crate) fn start_locked(
    env: &Env,
    vmid: Vmid,
    options: &StartOptions,
    lock: &ConfigLock,
    progress: &mut dyn Progress,
) -> Result<(), Error> {
    let mut loaded = env.store().load_telling(vmid, progress)?;
    check_template(loaded.config.main(), vmid)?;
    if !options.skiplock {
        loaded.check_lock_but_mounted()?;
    }
    // Somebody else may have been faster while this call waited for the lock.
    if leftovers::settle(env, vmid)? {
        return Err(Error::AlreadyRunning { vmid });
    }
    check_home(env, "starting a container on a Proxmox VE host")?;
    apply_pending(env, vmid, lock, &mut loaded.config, progress)?;
    let section = loaded.config.main();
    check_template(section, vmid)?;
    check_quota(section)?;
    let debug = options.debug || section.debug();
    let job = Job::Run(Run { debug, skiplock: options.skiplock, resume: false });
    let mut helper = Working::spawn(env, vmid, job, lock, &[])?;
    match helper.next(progress)? {
        Event::Starting => {}
        other => return Err(Error::unexpected(&other)),
    }
    if wait_until_running(env, vmid, SOCKET_TIMEOUT)? {
        hookscript::run_or_warn(env, vmid, section, Phase::PostStart, progress);
        return Ok(());
    }
    // Not running: the helper cleans up and then says why.
    match helper.next(progress)? {
        Event::Done => Err(Error::StoppedAtOnce { vmid }),
        other => Err(Error::unexpected(&other)),
    }
}

/// Monitors belong to the host's own units there.
pub(super) fn check_home(env: &Env, what: &'static str) -> Result<(), Error> {
    match env.home.kind() {
        HomeKind::Pve => Err(Error::Unsupported { what }),
        HomeKind::Standalone => Ok(()),
    }
}

pub(super) fn check_template(section: &Section, vmid: Vmid) -> Result<(), Error> {
    if section.is_template() { Err(Error::IsTemplate { vmid }) } else { Ok(()) }
}

pub(super) fn check_quota(section: &Section) -> Result<(), Error> {
    let quota = section.mount_points().into_iter().any(|(_, point)| point.quota)
        || section.rootfs().ok().flatten().is_some_and(|point| point.quota);
    if quota && !section.id_map()?.is_empty() {
        return Err(Error::QuotaUnprivileged);
    }
    Ok(())
}

/// Whether the container reaches RUNNING; `false` when its monitor gives up before.
fn wait_until_running(env: &Env, vmid: Vmid, timeout: Duration) -> Result<bool, Error> {
    let deadline = Instant::now() + timeout;
    let mut pause = Duration::from_micros(300);
    loop {
        if let Some(socket) = env.connect(vmid)? {
            return running_or_gone(&socket);
        }
        // The monitor holds its file for as long as it lives: without it nothing will bind the socket.
        if Instant::now() > deadline || !leftovers::has_monitor(env, vmid)? {
            return Ok(false);
        }
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(5));
    }
}

fn running_or_gone(socket: &CommandSocket) -> Result<bool, Error> {
    let ends = [State::Running, State::Stopping, State::Stopped, State::Aborting];
    Ok(socket.wait_state(&ends, None)? == State::Running)
}
