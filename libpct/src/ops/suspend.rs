//! `suspend`: the state of all processes to disk, and the container ended (spec: cli, part 5.11).
//!
//! `pct-helper` goes into the monitor's mount namespace, the only one in which CRIU finds the container's mounts, and has
//! liblxc call CRIU there. The monitor sees its container end, and clears up behind it as behind any other.

use std::{os::fd::AsFd, process::ExitCode};

use rustix::thread::{ThreadNameSpaceType, move_into_thread_name_spaces};

use super::{
    Env,
    checkpoint::{self, Images},
    helper::{Events, Received, Working},
    leftovers,
    protocol::{Event, Job},
    start, stop,
};
use crate::{
    config::{Section, Vmid},
    error::{Error, Failure},
    lxc::{Container, CriuOptions, Level, LogCapture},
    progress::Progress,
    sys::{self, process},
};

pub(crate) fn suspend(env: &Env, vmid: Vmid, progress: &mut dyn Progress) -> Result<(), Error> {
    stop::require_running(env, vmid)?;
    start::check_home(env, "suspending a container on a Proxmox VE host")?;
    checkpoint::require_criu("suspend", vmid)?;
    let lock = env.store().lock(vmid, progress)?;
    let loaded = env.store().load(vmid)?;
    loaded.check_lock()?;
    let section = loaded.config.main();
    if section.is_unprivileged() && !section.family("net").is_empty() {
        progress.warning(
            "newer kernels do not let CRIU make the network interfaces of an unprivileged container again: it may \
             not be possible to resume it",
        );
    }
    let stopped = || Error::NotRunning { what: "CT", vmid };
    let socket = env.connect(vmid)?.ok_or_else(stopped)?;
    let monitor = leftovers::monitor_process(env, vmid)?.ok_or_else(stopped)?;
    let mut helper = Working::spawn(env, vmid, Job::Suspend, &lock, &[monitor.as_fd()])?;
    match helper.next(progress)? {
        Event::Done => {}
        other => return Err(Error::unexpected(&other)),
    }
    // CRIU has ended all processes; this waits until the monitor has cleared up.
    stop::end(vmid, &socket, monitor, section)
}

/// The helper's end.
pub(super) fn serve(env: &Env, vmid: Vmid, mut received: Received, events: Events) -> ExitCode {
    // An interrupt is for the caller's terminal: half a state is none.
    let detached = process::detach().map_err(|e| failed(vmid, &e.into()));
    match detached.and_then(|()| write_state(env, vmid, &mut received)) {
        Ok(()) => {
            events.send(&Event::Done);
            ExitCode::SUCCESS
        }
        Err(failure) => {
            events.send(&Event::Failed(*failure));
            ExitCode::FAILURE
        }
    }
}

fn write_state(env: &Env, vmid: Vmid, received: &mut Received) -> Result<(), Box<Failure>> {
    let failed = |error: Error| failed(vmid, &error);
    let monitor = received.next().ok_or_else(|| failed(Error::Interrupted))?;
    let enter = move_into_thread_name_spaces(monitor.as_fd(), ThreadNameSpaceType::MOUNT);
    enter.map_err(|errno| failed(sys::Error::os("enter the monitor's mount namespace", errno).into()))?;
    let loaded = env.store().load(vmid).map_err(|e| failed(e.into()))?;
    let log = LogCapture::to_memory(Level::Info).map_err(|e| failed(e.into()))?;
    let mut container =
        Container::open(&vmid.to_string(), &env.home.lxcpath()).map_err(|e| failed(e.into()))?;
    let stopped = || failed(Error::NotRunning { what: "CT", vmid });
    let init = container.init_pid().map_err(|e| failed(e.into()))?.ok_or_else(stopped)?;
    let section = loaded.config.main();
    let (_, group) = section.id_map().map_err(|e| failed(e.into()))?.root();
    let images = Images::begin(env, vmid, init.as_raw_nonzero().get(), group).map_err(failed)?;
    let config = images.dump_config();
    let options = CriuOptions { config: Some(&config), ..CriuOptions::new(images.folder()) };
    let Err(error) = container.checkpoint(&options) else {
        return images.complete(env, vmid).map_err(failed);
    };
    // A CRIU that was killed in the middle has left the container frozen; one that has failed by itself has not, and
    // then this does nothing.
    let thawed = container.unfreeze();
    let liblxc = log.since(0).unwrap_or_default();
    let (what, criu_log) = (message(vmid, &error.to_string()), images.folder().join("dump.log"));
    let mut failure = checkpoint::explain(env, vmid, what, &criu_log, &liblxc, |log| remedy(section, log));
    let cleared = checkpoint::remove(env, vmid);
    failure.log_lines.extend(thawed.err().map(|error| error.to_string()));
    failure.log_lines.extend(cleared.err().map(|error| error.full_message()));
    Err(Box::new(failure))
}

fn remedy(section: &Section, log: &str) -> Option<String> {
    let remedy = if section.console() || section.tty_count() > 0 {
        "CRIU cannot carry terminals over: set 'console: 0' and 'tty: 0', and start the container anew"
    } else if log.contains("execvp(\"iptables-restore\"") {
        "install package iptables: by it CRIU keeps the network still meanwhile"
    } else {
        return None;
    };
    Some(remedy.to_owned())
}

fn failed(vmid: Vmid, error: &Error) -> Box<Failure> {
    Box::new(Failure { message: message(vmid, &error.full_message()), ..Failure::default() })
}

fn message(vmid: Vmid, why: &str) -> String {
    format!("unable to suspend CT {vmid}: {why}")
}
