//! Mount points of a running container (spec: runtime, part 9.2).

use std::{
    os::fd::{AsFd, OwnedFd},
    path::PathBuf,
};

use super::{
    super::{
        helper,
        mounts::{self, MountPlan},
        protocol::{Event, Task},
    },
    guest::{Guest, Inside},
};
use crate::{
    config::{IdMap, MountPoint, Section},
    error::Error,
    home::HomeKind,
    mount::{self, Identity},
    storage::Storages,
};

/// The mount points of a running container, with what it takes to put them back.
pub(super) struct Mounts<'a> {
    guest: Guest<'a>,
    storages: &'a Storages,
    done: Vec<Step>,
}

enum Step {
    /// It is mounted, and so many directories were made for that.
    Mounted {
        plan: MountPlan,
        what: Identity,
        made: usize,
    },
    Unmounted {
        plan: MountPlan,
        id_map: IdMap,
    },
}

impl<'a> Mounts<'a> {
    pub(super) fn new(guest: Guest<'a>, storages: &'a Storages) -> Self {
        Self { guest, storages, done: Vec::new() }
    }

    /// The change has failed: puts everything back, and returns what could not be.
    pub(super) fn restore(self) -> Vec<String> {
        let Self { guest, done, .. } = self;
        let put_back = |step: Step| match step {
            Step::Mounted { plan, what, made } => match take_back(guest, &plan.target, what, made) {
                Ok(true) => None,
                Ok(false) => Some(format!("{}: it is still mounted inside", plan.key)),
                Err(error) => Some(format!("{}: {}", plan.key, error.full_message())),
            },
            Step::Unmounted { plan, id_map } => {
                let mounted =
                    Opened::new(guest, &plan, &id_map).and_then(|opened| opened.attach(&plan.target));
                let error = mounted.err()?;
                Some(format!("{}: {}", plan.key, error.full_message()))
            }
        };
        done.into_iter().rev().filter_map(put_back).collect()
    }

    pub(super) fn add(&mut self, index: u16, point: &MountPoint, section: &Section) -> Result<(), Error> {
        let id_map = section.id_map()?;
        // It would keep the container from its next start.
        if point.quota && !id_map.is_empty() {
            return Err(Error::QuotaUnprivileged);
        }
        let plan = mounts::plan_one(&format!("mp{index}"), point, self.storages)?;
        let opened = Opened::new(self.guest, &plan, &id_map)?;
        let attached = opened.attach(&plan.target);
        let made = match &attached {
            Ok(made) => *made,
            // It may be mounted.
            Err(error) if helper::has_vanished(error) => 0,
            Err(_) => return attached.map(drop),
        };
        self.done.push(Step::Mounted { plan, what: opened.what, made });
        attached.map(drop)
    }

    /// `false`: it stays mounted, because something uses it or because it cannot be told for sure which mount it is.
    pub(super) fn remove(
        &mut self,
        index: u16,
        point: &MountPoint,
        section: &Section,
    ) -> Result<bool, Error> {
        // There the monitor is not ours, and keeps the volume mounted.
        if self.guest.env.home.kind() == HomeKind::Pve {
            return Ok(false);
        }
        let id_map = section.id_map()?;
        let plan = mounts::plan_one(&format!("mp{index}"), point, self.storages);
        let known = plan.and_then(|plan| Ok((mounts::identity(&plan, &id_map)?, plan)));
        // Of a volume that is lost nobody can tell whether it is still mounted.
        let Ok((what, plan)) = known else { return Ok(false) };
        let Some(what) = what else { return Ok(true) };
        let others = section.mount_points().into_iter().filter(|(other, _)| *other != index);
        let others: Vec<_> = others.filter_map(|(_, point)| point.mp).collect();
        match self.unmount(&plan, what, &others)? {
            Unmounting::InUse => return Ok(false),
            Unmounting::Done => {
                // It comes back as it was, not as it came first.
                let plan = MountPlan { keep_attributes: false, ..plan };
                self.done.push(Step::Unmounted { plan, id_map });
            }
            Unmounting::NotThere => {}
        }
        Ok(true)
    }

    /// `others` are the paths of the other mount points, where the same may be mounted, too.
    fn unmount(&self, plan: &MountPlan, what: Identity, others: &[String]) -> Result<Unmounting, Error> {
        let inside = self.guest.look()?;
        let target = &plan.target;
        // Where it is beside the places that the config names.
        let points = || -> Result<Vec<PathBuf>, Error> {
            let mut points = mount::points_of(&inside.mounts()?, inside.root.as_fd(), what);
            points.retain(|point| !others.iter().any(|other| mount::is_point(point, other)));
            Ok(points)
        };
        let before = points()?;
        // The guest may have moved it, or have it at a second place.
        if before.iter().any(|point| !mount::is_point(point, target)) {
            return Ok(Unmounting::InUse);
        }
        let outer = inside.outer_namespaces()?;
        let task = Task::Unmount { target: target.clone(), what, namespaces: outer.len() };
        let descriptors: Vec<_> = outer.iter().map(AsFd::as_fd).collect();
        match inside.task(task, &descriptors)? {
            Event::Done if !points()?.is_empty() => Ok(Unmounting::InUse),
            Event::Done if before.is_empty() => Ok(Unmounting::NotThere),
            Event::Done => Ok(Unmounting::Done),
            Event::InUse => Ok(Unmounting::InUse),
            other => Err(Error::unexpected(&other)),
        }
    }
}

/// What came of unmounting.
enum Unmounting {
    Done,
    InUse,
    /// The guest has done it.
    NotThere,
}

/// A volume as at a start, on its way into the container.
struct Opened<'a> {
    inside: Inside<'a>,
    mounted: OwnedFd,
    what: Identity,
}

impl<'a> Opened<'a> {
    fn new(guest: Guest<'a>, plan: &MountPlan, id_map: &IdMap) -> Result<Self, Error> {
        let inside = guest.look()?;
        let mounted = mounts::open(plan, id_map, false)?;
        if plan.keep_attributes {
            mount::take_attributes(inside.root.as_fd(), &plan.target, mounted.as_fd(), id_map.root())?;
        }
        let what = Identity::of(mounted.as_fd())?;
        Ok(Self { inside, mounted, what })
    }

    /// Has it attached inside; returns how many directories were made.
    fn attach(&self, target: &str) -> Result<usize, Error> {
        match self.inside.task(Task::Mount { target: target.to_owned() }, &[self.mounted.as_fd()])? {
            Event::Mounted { made } => Ok(made),
            other => Err(Error::unexpected(&other)),
        }
    }
}

/// Unmounts what [`Opened::attach`] has mounted a moment ago, in use or not. `false`: it is still there.
fn take_back(guest: Guest<'_>, target: &str, what: Identity, made: usize) -> Result<bool, Error> {
    let inside = guest.look()?;
    inside.do_task(Task::TakeBack { target: target.to_owned(), what, made }, &[])?;
    let points = mount::points_of(&inside.mounts()?, inside.root.as_fd(), what);
    Ok(!points.iter().any(|point| mount::is_point(point, target)))
}
