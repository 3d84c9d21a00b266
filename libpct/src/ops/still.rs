//! A running container held still while its volumes are snapshotted (spec: runtime, part 5.2).
//!
//! `pct-helper` holds it, not the caller: when the caller is killed, the line between the two ends, and the helper lets the
//! container go on. When the helper is killed, the caller does.
//!
//! What is to be written out is reached by mounts of our own of the volumes, which have the guest's file systems: no path
//! of the guest's is opened, and nothing that it serves itself is waited for while it is frozen.

use std::{
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    process::ExitCode,
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, poll},
    io::Errno,
};
use serde::{Deserialize, Serialize};

use super::{
    Env,
    helper::{Events, Working},
    mounts::{self, MountPlan, Source},
    protocol::{Event, Job},
};
use crate::{
    cgroup::{Groups, Layout},
    config::{IdMap, Section, Vmid, VolumeRef},
    error::{Error, Failure},
    progress::{Progress, Silent},
    storage::Storages,
    store::ConfigLock,
    sys::{self, fsfreeze, process, signal::SignalFd},
};

/// How long the processes of a container may take to stand still.
const FREEZE_TIMEOUT: Duration = Duration::from_secs(30);

/// What the helper holds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Hold {
    volumes: Vec<HeldVolume>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct HeldVolume {
    plan: MountPlan,
    /// Whether its file system is frozen, too.
    freeze: bool,
}

impl Hold {
    fn of(section: &Section, storages: &Storages) -> Result<Self, Error> {
        let mut volumes = Vec::new();
        for (key, point) in section.points() {
            // Its ids do not matter here.
            let plan = MountPlan { idmap: None, ..mounts::plan_one(&key, &point, storages)? };
            // A frozen file system has an empty journal: whoever reads the snapshot can't replay it. Where a whole device
            // is snapshotted the kernel sees to that by itself, and would not if it were frozen already.
            let freeze = match &point.volume {
                VolumeRef::Volume(volume) => {
                    matches!(plan.source, Source::Image(_)) || storages.needs_freeze(volume)?
                }
                VolumeRef::Device(_) | VolumeRef::Bind(_) => false,
            };
            volumes.push(HeldVolume { plan, freeze });
        }
        Ok(Self { volumes })
    }
}

/// A container that stands still for as long as this exists.
pub(super) struct Still {
    vmid: Vmid,
    hold: Hold,
    helper: Option<Working>,
}

impl Still {
    /// Has the helper begin. It does not keep the container's lock: whoever comes finds the mark in the config.
    pub(super) fn begin(
        env: &Env,
        vmid: Vmid,
        section: &Section,
        storages: &Storages,
        lock: &ConfigLock,
    ) -> Result<Self, Error> {
        let hold = Hold::of(section, storages)?;
        let helper = Working::spawn(env, vmid, Job::Hold(hold.clone()), lock, &[])?;
        Ok(Self { vmid, hold, helper: Some(helper) })
    }

    /// Returns when the container stands still, and all that it has written is on its volumes.
    pub(super) fn wait(&mut self, progress: &mut dyn Progress) -> Result<(), Error> {
        let Some(helper) = &mut self.helper else { return Err(Error::Interrupted) };
        match helper.next(progress)? {
            Event::Still => Ok(()),
            other => Err(Error::unexpected(&other)),
        }
    }

    /// Lets the container go on. That it could not be is told; what was done meanwhile stands.
    pub(super) fn release(mut self, progress: &mut dyn Progress) {
        let Some(mut helper) = self.helper.take() else { return };
        helper.hang_up();
        let released = match helper.next(&mut Silent) {
            Ok(_) => Ok(()),
            // Whatever has become of the helper.
            Err(_) => thaw(self.vmid, &self.hold.volumes),
        };
        if let Err(error) = released {
            progress.warning(&format!("CT {} may still be frozen: {}", self.vmid, error.full_message()));
        }
    }
}

impl Drop for Still {
    /// After a failure on the way here.
    fn drop(&mut self) {
        if let Some(helper) = self.helper.take() {
            helper.hang_up();
            drop(helper);
            let _ = thaw(self.vmid, &self.hold.volumes);
        }
    }
}

/// The helper's end.
pub(super) fn serve(vmid: Vmid, job: &Hold, line: BorrowedFd<'_>, mut events: Events) -> ExitCode {
    let held = hold(vmid, job, line, &mut events);
    let thawed = thaw(vmid, &job.volumes);
    match held.and(thawed) {
        Ok(()) => {
            events.send(&Event::Done);
            ExitCode::SUCCESS
        }
        Err(error) => {
            events.send(&Event::Failed(Failure { message: error.full_message(), ..Failure::default() }));
            ExitCode::FAILURE
        }
    }
}

fn hold(vmid: Vmid, job: &Hold, line: BorrowedFd<'_>, events: &mut Events) -> Result<(), Error> {
    // An interrupt is for the caller's terminal; the caller says when it is over.
    process::detach()?;
    let stop = SignalFd::block(&[libc::SIGTERM])?;
    if let Some(freezer) = Groups::new(&Layout::detect()?, vmid).freezer() {
        freezer.freeze(FREEZE_TIMEOUT)?;
    }
    for volume in &job.volumes {
        if let Err(error) = write_out(volume) {
            let key = &volume.plan.key;
            events.warning(&format!("{key} may lack what was written last: {}", error.full_message()));
        }
    }
    events.send(&Event::Still);
    let mut fds = [PollFd::new(&line, PollFlags::RDHUP), PollFd::new(&stop, PollFlags::IN)];
    loop {
        match poll(&mut fds, None) {
            Ok(_) => return Ok(()),
            Err(Errno::INTR) => {}
            Err(errno) => return Err(sys::Error::os("wait for the caller", errno).into()),
        }
    }
}

fn write_out(volume: &HeldVolume) -> Result<(), Error> {
    // A directory of the host's is in no snapshot.
    if matches!(volume.plan.source, Source::Bind(_)) {
        return Ok(());
    }
    let mounted = open(volume)?;
    mounts::sync(&mounted)?;
    if volume.freeze {
        fsfreeze::freeze(mounted.as_fd())?;
    }
    Ok(())
}

fn open(volume: &HeldVolume) -> Result<OwnedFd, Error> {
    mounts::root(mounts::open(&volume.plan, &IdMap::default(), false)?)
}

/// Lets a running container go on that somebody has left frozen who was killed together with his helper.
pub(super) fn thaw_left(env: &Env, vmid: Vmid, section: &Section) -> Result<(), Error> {
    if !env.is_running(vmid)? {
        return Ok(());
    }
    thaw(vmid, &Hold::of(section, &env.storages()?)?.volumes)
}

/// Lets a container go on, frozen or not: first its processes, then its file systems.
fn thaw(vmid: Vmid, volumes: &[HeldVolume]) -> Result<(), Error> {
    if let Some(freezer) = Groups::new(&Layout::detect()?, vmid).freezer() {
        freezer.thaw()?;
    }
    for volume in volumes.iter().filter(|volume| volume.freeze) {
        fsfreeze::thaw(open(volume)?.as_fd())?;
    }
    Ok(())
}
