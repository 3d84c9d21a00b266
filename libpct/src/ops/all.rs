//! All containers at once, as a host needs it when it comes up and goes down. They are taken one after the other,
//! in the order of `startup` (spec: config, part 1.4).

use std::time::Duration;

use super::{
    Env, ShutdownOptions, StartOptions,
    setters::setters,
    start::start,
    stop::{SHUTDOWN_TIMEOUT, shutdown},
};
use crate::{
    config::{Section, Startup, Vmid},
    error::Error,
    progress::Progress,
    store::StoreError,
};

/// Which containers [`Pct::start_all`](crate::Pct::start_all) starts.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct StartAllOptions {
    /// Those without `onboot`, too.
    pub force: bool,
}

setters! { StartAllOptions { force: bool } }

/// How [`Pct::stop_all`](crate::Pct::stop_all) stops.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct StopAllOptions {
    /// How long a guest may take whose `startup` has no `down`, before it is killed; 60 seconds where none is given.
    pub timeout: Option<Duration>,
}

setters! { StopAllOptions { timeout: Option<Duration> } }

/// Containers with which something failed, in the order in which they were tried.
pub(crate) type Failures = Vec<(Vmid, Error)>;

/// A container and its place.
struct Member {
    vmid: Vmid,
    section: Section,
    startup: Startup,
}

pub(crate) fn start_all(
    env: &Env,
    options: &StartAllOptions,
    progress: &mut dyn Progress,
) -> Result<Failures, Error> {
    let (mut members, mut failures) = members(env)?;
    members.retain(|member| options.force || member.section.onboot());
    let mut wait = None;
    for Member { vmid, section, startup } in members {
        let lock = section.lock().filter(|lock| *lock != "mounted");
        let reason = match lock {
            _ if section.is_template() => Some("it is a template".to_owned()),
            Some(lock) => Some(locked(lock)),
            None if env.is_running(vmid)? => Some("it is running already".to_owned()),
            None => None,
        };
        if let Some(reason) = reason {
            skipped(vmid, &reason, progress);
            continue;
        }
        // After the last one there is nothing to wait for.
        pause(wait.take(), progress)?;
        progress.message(&format!("starting CT {vmid}"));
        match start(env, vmid, &StartOptions::default(), progress) {
            Ok(()) => wait = startup.up,
            // Somebody else was faster.
            Err(Error::AlreadyRunning { .. }) => {}
            Err(error @ Error::Interrupted) => return Err(error),
            Err(error) => failures.push((vmid, error)),
        }
    }
    Ok(failures)
}

pub(crate) fn stop_all(
    env: &Env,
    options: &StopAllOptions,
    progress: &mut dyn Progress,
) -> Result<Failures, Error> {
    let (mut members, mut failures) = members(env)?;
    members.reverse();
    // What does not run need not be read.
    failures.retain(|(vmid, _)| env.is_running(*vmid).unwrap_or(true));
    let default = options.timeout.unwrap_or(SHUTDOWN_TIMEOUT);
    for Member { vmid, section, startup } in members {
        if !env.is_running(vmid)? {
            continue;
        }
        if let Some(lock) = section.lock() {
            skipped(vmid, &locked(lock), progress);
            continue;
        }
        progress.message(&format!("stopping CT {vmid}"));
        let timeout = startup.down.map_or(default, |down| Duration::from_secs(down.into()));
        let options = ShutdownOptions { timeout: Some(timeout), force_stop: true };
        match shutdown(env, vmid, &options, progress) {
            // It has ended by itself.
            Ok(()) | Err(Error::NotRunning { .. }) => {}
            Err(error @ Error::Interrupted) => return Err(error),
            Err(error) => failures.push((vmid, error)),
        }
    }
    Ok(failures)
}

/// All containers in the order in which they start: by `order`, those without one last, and then by number. Those
/// that cannot be read are failures.
fn members(env: &Env) -> Result<(Vec<Member>, Failures), Error> {
    let (mut members, mut failures) = (Vec::new(), Vec::new());
    for vmid in env.store().vmids()? {
        match env.store().load(vmid) {
            Ok(mut loaded) => {
                let section = std::mem::take(loaded.config.main_mut());
                let startup = section.startup().unwrap_or_default();
                members.push(Member { vmid, section, startup });
            }
            // Removed since.
            Err(StoreError::Missing { .. }) => {}
            Err(error) => failures.push((vmid, error.into())),
        }
    }
    members.sort_by_key(|member| (member.startup.order.is_none(), member.startup.order, member.vmid));
    Ok((members, failures))
}

fn skipped(vmid: Vmid, reason: &str, progress: &mut dyn Progress) {
    progress.message(&format!("CT {vmid} is skipped: {reason}"));
}

fn locked(lock: &str) -> String {
    format!("it is locked ({lock})")
}

/// Waits so many seconds, or until the caller has enough of it.
fn pause(seconds: Option<u32>, progress: &dyn Progress) -> Result<(), Error> {
    super::pause(progress, Duration::from_secs(seconds.unwrap_or_default().into()))
}
