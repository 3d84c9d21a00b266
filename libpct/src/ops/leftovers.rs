//! What a monitor leaves behind when it dies, and how the next verb on the container clears it.
//!
//! A monitor that ends by itself cleans up. When it is killed the kernel takes its mounts, loop devices and
//! links with it; cgroup folders, and processes that outlive their init, stay until somebody looks.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::{fd::AsFd, unix::fs::OpenOptionsExt},
    path::Path,
    time::{Duration, Instant},
};

use rustix::fs::{FlockOperation, flock};

use super::{Env, dhcp};
use crate::{
    cgroup::{self, Groups, Layout},
    config::Vmid,
    error::Error,
    net::Netlink,
    sys::{folder, pidfd::Pidfd},
};

/// A monitor that has closed its socket is about to end; this long it may take to clean up.
const MONITOR_TIMEOUT: Duration = Duration::from_secs(30);

/// What is killed may take so long to end.
const KILL_TIMEOUT: Duration = Duration::from_secs(10);

/// Held by a monitor for as long as it lives: the kernel lets go of it with the process.
pub(crate) struct MonitorFile {
    _file: File,
}

impl MonitorFile {
    /// Marks this process as the monitor of a container; `None` when there is one.
    pub(crate) fn hold(env: &Env, vmid: Vmid) -> Result<Option<Self>, Error> {
        let path = env.home.monitor_file(vmid);
        let failed = |source| Error::io("cannot write", &path, source);
        folder::make(&env.home.run_dir(), 0o755).map_err(failed)?;
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o644)
            .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed())
            .open(&path)
            .map_err(failed)?;
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            return Ok(None);
        }
        file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id())).map_err(failed)?;
        Ok(Some(Self { _file: file }))
    }

    /// The last step of a monitor: nothing of the container is left.
    pub(crate) fn remove(self, env: &Env, vmid: Vmid) {
        let _ = fs::remove_file(env.home.monitor_file(vmid));
    }
}

enum Monitor {
    None,
    /// The file is there, but nobody holds it.
    Dead,
    Alive(i32),
}

/// Whether a monitor of ours lives for this container.
pub(crate) fn has_monitor(env: &Env, vmid: Vmid) -> Result<bool, Error> {
    Ok(matches!(monitor(&env.home.monitor_file(vmid))?, Monitor::Alive(_)))
}

/// Whether a monitor was killed whose leftovers nobody has cleared yet.
pub(crate) fn has_dead_monitor(env: &Env, vmid: Vmid) -> Result<bool, Error> {
    Ok(matches!(monitor(&env.home.monitor_file(vmid))?, Monitor::Dead))
}

/// The monitor of ours that lives for this container, running already or not.
pub(crate) fn monitor_process(env: &Env, vmid: Vmid) -> Result<Option<Pidfd>, Error> {
    let Monitor::Alive(pid) = monitor(&env.home.monitor_file(vmid))? else { return Ok(None) };
    let process = Pidfd::open(pid)?;
    // Asked again: it could have ended before it was opened, and its number be another's.
    Ok(process
        .filter(|_| matches!(monitor(&env.home.monitor_file(vmid)), Ok(Monitor::Alive(now)) if now == pid)))
}

fn monitor(path: &Path) -> Result<Monitor, Error> {
    let failed = |source| Error::io("cannot read", path, source);
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(Monitor::None),
        Err(source) => return Err(failed(source)),
    };
    // A shared lock is only refused by the exclusive one of a living monitor.
    if flock(file.as_fd(), FlockOperation::NonBlockingLockShared).is_ok() {
        return Ok(Monitor::Dead);
    }
    let mut text = String::new();
    file.read_to_string(&mut text).map_err(failed)?;
    Ok(text.trim().parse().map_or(Monitor::Dead, Monitor::Alive))
}

/// Before a container is started or removed, under its lock: waits for a monitor that is about to end or has
/// only just begun, clears what a dead one has left, and says whether the container runs.
pub(crate) fn settle(env: &Env, vmid: Vmid) -> Result<bool, Error> {
    let deadline = Instant::now() + MONITOR_TIMEOUT;
    loop {
        if env.is_running(vmid)? {
            return Ok(true);
        }
        let Monitor::Alive(pid) = monitor(&env.home.monitor_file(vmid))? else { break };
        // Neither running nor gone: one of them in a moment. That it ends can be waited for, that its socket
        // appears cannot.
        if let Some(process) = Pidfd::open(pid)? {
            process.wait(Some(Duration::from_millis(10)))?;
        }
        if Instant::now() > deadline {
            return Err(Error::MonitorBusy { vmid, pid });
        }
    }
    clear(env, vmid)?;
    Ok(false)
}

/// Ends what is left of a container that has no monitor, and removes its cgroups and links.
pub(crate) fn clear(env: &Env, vmid: Vmid) -> Result<(), Error> {
    let path = env.home.monitor_file(vmid);
    if !matches!(monitor(&path)?, Monitor::Dead) {
        return Ok(());
    }
    clear_host(env, vmid)?;
    match fs::remove_file(&path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(Error::io("cannot remove", &path, source))
        }
        _ => Ok(()),
    }
}

/// The same for the monitor itself, when liblxc has returned.
pub(crate) fn clear_host(env: &Env, vmid: Vmid) -> Result<(), Error> {
    // They are in the monitor's groups, and in the container's network.
    dhcp::end_all(env, vmid)?;
    let layout = Layout::detect()?;
    let groups = Groups::new(&layout, vmid);
    groups.kill_all(KILL_TIMEOUT)?;
    Netlink::open()?.delete_all_of(vmid)?;
    match groups.remove_stale() {
        // A monitor that was killed stays in them until its last mount is gone.
        Err(cgroup::Error::Busy { .. }) => {
            groups.wait_for_monitor(KILL_TIMEOUT)?;
            groups.remove_stale()?;
        }
        removed => drop(removed?),
    }
    Ok(())
}

/// What CRIU has made beside the groups of a container that it has restored.
pub(crate) fn clear_strays(vmid: Vmid) -> Result<(), Error> {
    Groups::new(&Layout::detect()?, vmid).remove_strays();
    Ok(())
}
