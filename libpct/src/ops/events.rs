//! Containers as they start, stop, come and go, for programs that wait for many things at once (ours).
//!
//! One descriptor tells that something may have happened: it stands for the folders in which containers show, for the
//! init of each that runs, and for a clock while one is between two states, of which nothing tells the end.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    time::Duration,
};

use rustix::{
    buffer::spare_capacity,
    event::{Timespec, epoll},
    io::Errno,
    time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, timerfd_create, timerfd_settime},
};

use super::{
    Env,
    folders::{Changed, Folders},
    inside::Init,
    leftovers,
};
use crate::{config::Vmid, error::Error, home::HomeKind, lxc, sys};

/// A state in which a container stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContainerState {
    /// It exists, and nothing of it runs.
    Stopped,
    /// Its init runs.
    Running,
    /// There is no container of this number any more.
    Gone,
}

/// A container that has come to a state, or has left it and come to it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StateChange {
    /// Which one.
    pub vmid: Vmid,
    /// In which state it is now.
    pub state: ContainerState,
}

/// Changes of state of all containers of a node, from when it was made on. A guest that reboots is running again.
///
/// Its descriptor is readable, in a loop around poll(2) or the like, when there may be a change; then
/// [`Events::next_change`] is to be called until it gives none.
pub struct Events {
    env: Env,
    poll: OwnedFd,
    folders: Folders,
    timer: OwnedFd,
    known: BTreeMap<Vmid, Known>,
    /// To be looked at: something has changed, or they are between two states.
    unsettled: BTreeSet<Vmid>,
    found: VecDeque<StateChange>,
}

/// What was last seen of a container that exists.
enum Known {
    Stopped,
    Running(Init),
    /// It ran; its init has ended.
    Ended,
}

/// How long until one that is between two states is looked at again.
const SHORT: Duration = Duration::from_millis(10);
/// How long until all are, where the original starts them, of which no file of ours tells.
const LONG: Duration = Duration::from_secs(1);
/// How long a monitor may take to answer: it does not before the init runs.
const ANSWER_TIME: Duration = Duration::from_millis(5);

/// What an event of the epoll descriptor says instead of a number of a container.
const FOLDERS: u64 = u64::MAX;
const TIMER: u64 = u64::MAX - 1;

pub(crate) fn events(env: &Env) -> Result<Events, Error> {
    let poll = epoll::create(epoll::CreateFlags::CLOEXEC).map_err(failed)?;
    // First the watch, then the look: nothing can happen unseen in between.
    let folders = Folders::watch(env)?;
    let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
    let timer = timerfd_create(TimerfdClockId::Monotonic, flags).map_err(failed)?;
    let readable = epoll::EventFlags::IN;
    for (fd, data) in [(folders.as_fd(), FOLDERS), (timer.as_fd(), TIMER)] {
        epoll::add(&poll, fd, epoll::EventData::new_u64(data), readable).map_err(failed)?;
    }
    let mut events = Events {
        env: env.clone(),
        poll,
        folders,
        timer,
        known: BTreeMap::new(),
        unsettled: env.store().vmids()?.into_iter().collect(),
        found: VecDeque::new(),
    };
    events.look()?;
    events.found.clear();
    Ok(events)
}

impl Events {
    /// The next change; `None` until the descriptor is readable again.
    ///
    /// # Errors
    /// When containers cannot be looked at. What has changed is not lost.
    pub fn next_change(&mut self) -> Result<Option<StateChange>, Error> {
        if self.found.is_empty() {
            self.note_changes()?;
            self.look()?;
        }
        Ok(self.found.pop_front())
    }

    /// Which containers something has happened to. What does not fit is told the next time.
    fn note_changes(&mut self) -> Result<(), Error> {
        let mut ready = Vec::with_capacity(64);
        match epoll::wait(&self.poll, spare_capacity(&mut ready), Some(&Timespec::default())) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(errno) => return Err(failed(errno)),
        }
        for event in ready {
            match event.data.u64() {
                FOLDERS => match self.folders.changed()? {
                    Changed::Of(vmids) => self.unsettled.extend(vmids),
                    Changed::Any => self.note_all()?,
                },
                // It is set anew after the look, which makes it quiet.
                TIMER if self.is_shared() => self.note_all()?,
                TIMER => {}
                number => {
                    let vmid = u32::try_from(number).ok().and_then(|number| Vmid::new(number).ok());
                    self.unsettled.extend(vmid);
                }
            }
        }
        Ok(())
    }

    fn note_all(&mut self) -> Result<(), Error> {
        self.unsettled.extend(self.known.keys());
        self.unsettled.extend(self.env.store().vmids()?);
        Ok(())
    }

    /// Whether others start containers here, too.
    fn is_shared(&self) -> bool {
        self.env.home.kind() == HomeKind::Pve
    }

    /// Looks at those that something has happened to.
    fn look(&mut self) -> Result<(), Error> {
        let mut result = Ok(());
        for vmid in self.unsettled.clone() {
            match self.settle(vmid) {
                Ok(true) => {
                    self.unsettled.remove(&vmid);
                }
                Ok(false) => {}
                Err(error) => result = Err(error),
            }
        }
        let all = self.is_shared().then_some(LONG);
        self.set_timer(if self.unsettled.is_empty() { all } else { Some(SHORT) })?;
        result
    }

    /// Notes the state of a container; `false` when it is between two.
    fn settle(&mut self, vmid: Vmid) -> Result<bool, Error> {
        if let Some(Known::Running(init)) = self.known.get(&vmid) {
            if !init.has_ended()? {
                return Ok(true);
            }
            // That it is closed would not be enough: a child that the program has forked may have it, too.
            epoll::delete(&self.poll, init).map_err(failed)?;
            self.known.insert(vmid, Known::Ended);
        }
        let init = match Init::answered_within(&self.env, vmid, ANSWER_TIME) {
            Err(Error::Lxc(lxc::Error::Timeout { .. })) => return Ok(false),
            answer => answer?,
        };
        let now = match init {
            Some(init) => {
                let data = epoll::EventData::new_u64(u64::from(vmid.get()));
                epoll::add(&self.poll, &init, data, epoll::EventFlags::IN).map_err(failed)?;
                Some(Known::Running(init))
            }
            None if leftovers::has_monitor(&self.env, vmid)? => return Ok(false),
            None => self.env.store().exists(vmid).then_some(Known::Stopped),
        };
        let state = match &now {
            Some(Known::Running(_)) => ContainerState::Running,
            Some(_) => ContainerState::Stopped,
            None => ContainerState::Gone,
        };
        let before = match now {
            Some(now) => self.known.insert(vmid, now),
            None => self.known.remove(&vmid),
        };
        if !matches!(
            (state, before),
            (ContainerState::Stopped, Some(Known::Stopped)) | (ContainerState::Gone, None)
        ) {
            self.found.push_back(StateChange { vmid, state });
        }
        Ok(true)
    }

    /// Has the descriptor be readable after a time.
    fn set_timer(&self, pause: Option<Duration>) -> Result<(), Error> {
        let it_value = pause.and_then(|pause| Timespec::try_from(pause).ok()).unwrap_or_default();
        let once = Itimerspec { it_interval: Timespec::default(), it_value };
        timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &once).map_err(failed)?;
        Ok(())
    }
}

impl AsFd for Events {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.poll.as_fd()
    }
}

impl std::fmt::Debug for Events {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Events").field("fd", &self.poll).field("found", &self.found).finish_non_exhaustive()
    }
}

fn failed(errno: Errno) -> Error {
    sys::Error::os("watch containers", errno).into()
}
