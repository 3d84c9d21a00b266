//! The helper in the mount namespace of a running container: what `set` mounts there and unmounts (spec: runtime,
//! parts 9.2 and 9.3).
//!
//! The caller opens everything that is found by a path of the host, and passes descriptors. In an unprivileged container
//! what needs the rights of the host is done first; then the helper becomes root of the container's user namespace, so
//! that a guest which changes its folders meanwhile gains nothing by it. From the moment when it is in the container's
//! mount namespace it opens no path, but walks from the descriptor of the container's root: there is nothing of the
//! guest's that it could load.

use std::{
    os::fd::{AsFd, OwnedFd},
    process::ExitCode,
};

use rustix::{
    fs::{Mode, OFlags},
    io::Errno,
    mount::UnmountFlags,
};

use super::{
    Env,
    helper::{Events, Received},
    protocol::{Event, Hotplug, Task},
};
use crate::{
    config::Vmid,
    error::{Error, Failure},
    lxc::Container,
    mount::{self, Identity, Insert, Unmounted},
    sys::userns,
};

/// The container's root, as it is inside.
const ROOT: (u32, u32) = (0, 0);

pub(super) fn serve(env: &Env, vmid: Vmid, job: Hotplug, received: Received, events: Events) -> ExitCode {
    match work(env, vmid, job, received) {
        Ok(event) => {
            events.send(&event);
            ExitCode::SUCCESS
        }
        Err(error) => {
            events.send(&Event::Failed(Failure { message: error.full_message(), ..Failure::default() }));
            ExitCode::FAILURE
        }
    }
}

fn work(env: &Env, vmid: Vmid, job: Hotplug, mut received: Received) -> Result<Event, Error> {
    let mut next = || received.next().ok_or(Error::Interrupted);
    let (root, inside) = (next()?, next()?);
    let user_namespace = if job.unprivileged { Some(next()?) } else { None };
    match job.task {
        Task::Mount { target } => {
            let mounted = next()?;
            let mounted = match user_namespace {
                Some(namespace) => mount::seal(&mounted, namespace)?,
                None => mounted,
            };
            mount::enter_namespace(inside.as_fd())?;
            let how = Insert { owner: ROOT, keep_attributes: false };
            Ok(Event::Mounted { made: mount::insert(root.as_fd(), &target, mounted.as_fd(), how)? })
        }
        Task::Node { target, node } => {
            let node = mount::open_node(&node)?;
            user_namespace.map_or(Ok(()), userns::enter)?;
            mount::enter_namespace(inside.as_fd())?;
            mount::insert_node(root.as_fd(), &target, node.as_fd(), ROOT)?;
            Ok(Event::Done)
        }
        Task::Unmount { target, what, namespaces } => {
            let outer = (0..namespaces).map(|_| next()).collect::<Result<Vec<_>, _>>()?;
            unmount(env, vmid, &target, what, &outer, &root, &inside)
        }
        Task::TakeBack { target, what, made } => {
            mount::enter_namespace(inside.as_fd())?;
            mount::unmount_at(root.as_fd(), &target, what, UnmountFlags::DETACH)?;
            mount::remove_made(root.as_fd(), &target, made);
            Ok(Event::Done)
        }
        Task::RemoveNode { target, what } => {
            mount::enter_namespace(inside.as_fd())?;
            match mount::remove_node(root.as_fd(), &target, what)? {
                Unmounted::Done => Ok(Event::Done),
                Unmounted::Busy | Unmounted::Other => Err(Error::io("cannot unmount", target, Errno::BUSY)),
            }
        }
        Task::DeviceRules(rules) => {
            let mut container = Container::open(&vmid.to_string(), &env.home.lxcpath())?;
            for (file, rule) in rules {
                container.set_cgroup_item(&file, &rule)?;
            }
            Ok(Event::Done)
        }
    }
}

/// First where the monitor has it: what came into the container with its start is unmounted there with that, as one,
/// and cannot be by itself in a user namespace.
fn unmount(
    env: &Env,
    vmid: Vmid,
    target: &str,
    what: Identity,
    outer: &[OwnedFd],
    root: &OwnedFd,
    inside: &OwnedFd,
) -> Result<Event, Error> {
    let path = env.home.rootfs(vmid);
    for namespace in outer {
        mount::enter_namespace(namespace.as_fd())?;
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let Ok(rootfs) = rustix::fs::open(&path, flags, Mode::empty()) else { continue };
        if mount::unmount_at(rootfs.as_fd(), target, what, UnmountFlags::empty())? == Unmounted::Busy {
            return Ok(Event::InUse);
        }
    }
    mount::enter_namespace(inside.as_fd())?;
    let unmounted = mount::unmount_at(root.as_fd(), target, what, UnmountFlags::empty())?;
    Ok(if unmounted == Unmounted::Busy { Event::InUse } else { Event::Done })
}
