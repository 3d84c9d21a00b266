//! `resume`: a suspended container goes on (spec: cli, part 5.11).

use std::path::Path;

use super::{
    Env,
    checkpoint::{self, Images},
    helper::{Events, Working},
    hookscript::{self, Phase},
    leftovers,
    protocol::{Event, Job, Run},
    start,
};
use crate::{
    config::Vmid,
    error::{Error, Failure},
    lxc::{Container, CriuOptions},
    progress::Progress,
    sys::process,
};

/// A start, but for what changes the guest: its files stay as its processes know them, and what is pending waits on.
pub(crate) fn resume(env: &Env, vmid: Vmid, progress: &mut dyn Progress) -> Result<(), Error> {
    env.store().require(vmid)?;
    if env.is_running(vmid)? {
        return Err(Error::AlreadyRunning { vmid });
    }
    start::check_home(env, "resuming a container on a Proxmox VE host")?;
    checkpoint::require_criu("resume", vmid)?;
    let lock = env.store().lock(vmid, progress)?;
    let loaded = env.store().load_telling(vmid, progress)?;
    loaded.check_lock()?;
    if leftovers::settle(env, vmid)? {
        return Err(Error::AlreadyRunning { vmid });
    }
    if !checkpoint::is_suspended(env, vmid) {
        return Err(Error::NotSuspended { vmid });
    }
    let section = loaded.config.main();
    start::check_template(section, vmid)?;
    let job = Job::Run(Run { debug: section.debug(), skiplock: false, resume: true });
    let mut helper = Working::spawn(env, vmid, job, &lock, &[])?;
    loop {
        match helper.next(progress)? {
            Event::Starting => {}
            Event::Resumed => break,
            other => return Err(Error::unexpected(&other)),
        }
    }
    hookscript::run_or_warn(env, vmid, section, Phase::PostStart, progress);
    Ok(())
}

/// The helper's end, when all is prepared: has liblxc make processes of the state, and returns when they have ended.
/// liblxc makes the monitor a child of this process.
pub(super) fn run(
    env: &Env,
    vmid: Vmid,
    container: &mut Container,
    log: &Path,
    mut events: Events,
) -> Result<(), Box<Failure>> {
    let message = |why: &str| format!("unable to resume CT {vmid}: {why}");
    let images = Images::of(env, vmid);
    let config = images.restore_config();
    let options = CriuOptions { config: Some(&config), ..CriuOptions::new(images.folder()) };
    if let Err(error) = container.restore(&options) {
        let liblxc = std::fs::read_to_string(log).unwrap_or_default();
        let (what, criu_log) = (message(&error.to_string()), images.folder().join("restore.log"));
        let remedy =
            format!("the suspended state is still there; 'pct start {vmid}' gives it up and begins anew");
        let failure = checkpoint::explain(env, vmid, what, &criu_log, &liblxc, |_| Some(remedy.clone()));
        return Err(Box::new(Failure { start: true, ..failure }));
    }
    // It runs, whatever becomes of the folder; the next suspend or start looks after that again.
    if let Err(error) = checkpoint::remove(env, vmid) {
        events.warning(&error.full_message());
    }
    events.send(&Event::Resumed);
    process::wait_for_children().map_err(|e| {
        Box::new(Failure { message: message(&Error::from(e).full_message()), ..Failure::default() })
    })
}
