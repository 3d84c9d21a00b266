//! The running container, as its mounts are reached: by the helper, with descriptors that the caller has opened.

use std::{
    fs,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::ffi::OsStrExt,
    },
    path::Path,
};

use rustix::fs::{Mode, OFlags};

use super::super::{
    Env,
    helper::Working,
    inside::Init,
    leftovers,
    protocol::{Event, Hotplug, Job, Task},
};
use crate::{config::Vmid, error::Error, progress::Silent, rootfs::Rootfs, store::ConfigLock};

#[derive(Clone, Copy)]
pub(super) struct Guest<'a> {
    pub(super) env: &'a Env,
    pub(super) vmid: Vmid,
    lock: &'a ConfigLock,
}

/// One look at it.
pub(super) struct Inside<'a> {
    guest: Guest<'a>,
    init: Init,
    pub(super) root: Rootfs,
    user_namespace: Option<OwnedFd>,
}

impl<'a> Guest<'a> {
    pub(super) fn new(env: &'a Env, vmid: Vmid, lock: &'a ConfigLock) -> Self {
        Self { env, vmid, lock }
    }

    pub(super) fn look(&self) -> Result<Inside<'a>, Error> {
        let stopped = || Error::NotRunning { what: "CT", vmid: self.vmid };
        let init = Init::of(self.env, self.vmid)?.ok_or_else(stopped)?;
        let (root, user_namespace) = (init.root()?, init.user_namespace()?);
        Ok(Inside { guest: *self, init, root, user_namespace })
    }
}

impl Inside<'_> {
    /// The table of what is mounted inside.
    pub(super) fn mounts(&self) -> Result<Vec<u8>, Error> {
        self.init.mounts()
    }

    /// The mount namespaces outside in which the container's file systems are mounted: that in which its monitor has
    /// mounted them and which it keeps open, then the monitor's own. Others that it keeps have nothing to do with it.
    pub(super) fn outer_namespaces(&self) -> Result<Vec<OwnedFd>, Error> {
        let Guest { env, vmid, .. } = self.guest;
        let Some(monitor) = leftovers::monitor_process(env, vmid)? else { return Ok(Vec::new()) };
        let own = format!("/proc/{}/ns/mnt", monitor.pid());
        let folder = format!("/proc/{}/fd", monitor.pid());
        let failed = |e| Error::io("cannot read", &folder, e);
        let mut opened = Vec::new();
        for file in fs::read_dir(&folder).map_err(failed)? {
            let file = file.map_err(failed)?.path();
            // A descriptor may be closed meanwhile.
            let link = fs::read_link(&file).unwrap_or_default();
            if link.as_os_str().as_bytes().starts_with(b"mnt:[") {
                opened.extend(open(&file));
            }
        }
        opened.extend(open(own.as_ref()));
        // liblxc keeps the container's, too.
        let inside = number(&self.init.mount_namespace()?)?;
        let mut outer = Vec::new();
        for namespace in opened {
            if number(&namespace)? != inside {
                outer.push(namespace);
            }
        }
        // Only now is it sure that the process had the number all the time.
        Ok(if monitor.send(0)? { outer } else { Vec::new() })
    }

    pub(super) fn is_unprivileged(&self) -> bool {
        self.user_namespace.is_some()
    }

    /// Has the helper do something inside.
    pub(super) fn task(&self, task: Task, descriptors: &[BorrowedFd<'_>]) -> Result<Event, Error> {
        let Guest { env, vmid, lock } = self.guest;
        let mounts = self.init.mount_namespace()?;
        let mut all = vec![self.root.as_fd(), mounts.as_fd()];
        all.extend(self.user_namespace.as_ref().map(AsFd::as_fd));
        all.extend(descriptors);
        let job = Job::Hotplug(Hotplug { unprivileged: self.is_unprivileged(), task });
        Working::spawn(env, vmid, job, lock, &all)?.next(&mut Silent)
    }

    /// The same, where there is only one good answer.
    pub(super) fn do_task(&self, task: Task, descriptors: &[BorrowedFd<'_>]) -> Result<(), Error> {
        match self.task(task, descriptors)? {
            Event::Done => Ok(()),
            other => Err(Error::unexpected(&other)),
        }
    }
}

fn open(path: &Path) -> Option<OwnedFd> {
    rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).ok()
}

/// What tells namespaces apart.
fn number(namespace: &OwnedFd) -> Result<u64, Error> {
    let stat = rustix::fs::fstat(namespace).map_err(|e| Error::io("cannot look at", "a namespace", e))?;
    Ok(stat.st_ino)
}
