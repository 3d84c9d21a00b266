//! What a running container is reached by from outside: its init, and what the kernel shows of it in `/proc`.

use std::{
    fs,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    time::Duration,
};

use rustix::fs::{AtFlags, CWD, Mode, OFlags, statat};

use super::Env;
use crate::{
    config::{IdMap, Vmid},
    error::Error,
    lxc::{self, command::DEFAULT_TIMEOUT},
    rootfs::Rootfs,
    sys::pidfd::Pidfd,
};

/// A pidfd of the container's init, closed on exec.
pub(crate) fn init_pidfd(env: &Env, vmid: Vmid) -> Result<OwnedFd, Error> {
    env.store().require(vmid)?;
    let init = Init::of(env, vmid)?.ok_or(Error::NotRunning { what: "CT", vmid })?;
    Ok(init.process.into_fd())
}

/// The init of a running container. Its number cannot have passed to another process when a look into `/proc` was
/// followed by [`Init::confirm`].
#[derive(Debug)]
pub(crate) struct Init {
    vmid: Vmid,
    process: Pidfd,
}

impl Init {
    /// `None` when the container does not run.
    pub(crate) fn of(env: &Env, vmid: Vmid) -> Result<Option<Self>, Error> {
        Self::answered_within(env, vmid, DEFAULT_TIMEOUT)
    }

    /// The same, with less patience for the monitor, which does not answer before the init runs.
    pub(super) fn answered_within(env: &Env, vmid: Vmid, timeout: Duration) -> Result<Option<Self>, Error> {
        let Some(socket) = env.connect(vmid)? else { return Ok(None) };
        let socket = socket.with_timeout(timeout);
        let pid = || match socket.init_pid() {
            Ok(pid) => Ok(Some(pid.as_raw_nonzero().get())),
            Err(lxc::Error::NotRunning { .. }) => Ok(None),
            Err(error) => Err(error),
        };
        let Some(first) = pid()? else { return Ok(None) };
        let Some(process) = Pidfd::open(first)? else { return Ok(None) };
        // Asked again: between the answer and the opening another process could have got the number.
        Ok((pid()? == Some(first)).then_some(Self { vmid, process }))
    }

    /// The container's root directory, as its init has it.
    pub(crate) fn root(&self) -> Result<Rootfs, Error> {
        self.root_of(&IdMap::default())
    }

    /// The same, to make files in that belong to the container's root.
    pub(crate) fn root_of(&self, id_map: &IdMap) -> Result<Rootfs, Error> {
        let root = Rootfs::open(self.file("root").as_ref(), id_map.root())?;
        self.confirm()?;
        Ok(root)
    }

    /// The mount namespace of its init.
    pub(crate) fn mount_namespace(&self) -> Result<OwnedFd, Error> {
        self.open("ns/mnt")
    }

    /// The table of what is mounted inside.
    pub(crate) fn mounts(&self) -> Result<Vec<u8>, Error> {
        let path = self.file("mountinfo");
        let table = fs::read(&path).map_err(|e| Error::io("cannot read", &path, e))?;
        self.confirm()?;
        Ok(table)
    }

    /// The user namespace of its init; `None` when that is ours: the container is privileged.
    pub(crate) fn user_namespace(&self) -> Result<Option<OwnedFd>, Error> {
        self.namespace("user")
    }

    /// The network namespace of its init; `None` when that is ours: raw lines have it share the host's.
    pub(crate) fn network_namespace(&self) -> Result<Option<OwnedFd>, Error> {
        self.namespace("net")
    }

    fn namespace(&self, kind: &str) -> Result<Option<OwnedFd>, Error> {
        let namespace = self.open(&format!("ns/{kind}"))?;
        let failed = |errno| Error::io("cannot look at", format!("/proc/self/ns/{kind}"), errno);
        let theirs = rustix::fs::fstat(&namespace).map_err(failed)?;
        let ours = statat(CWD, format!("/proc/self/ns/{kind}"), AtFlags::empty()).map_err(failed)?;
        Ok((theirs.st_ino != ours.st_ino).then_some(namespace))
    }

    /// Whether it has ended since it was asked for.
    pub(crate) fn has_ended(&self) -> Result<bool, Error> {
        Ok(self.process.wait(Some(Duration::ZERO))?)
    }

    fn open(&self, name: &str) -> Result<OwnedFd, Error> {
        let path = self.file(name);
        let file = rustix::fs::open(&path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
            .map_err(|e| Error::io("cannot open", &path, e))?;
        self.confirm()?;
        Ok(file)
    }

    fn file(&self, name: &str) -> String {
        format!("/proc/{}/{name}", self.process.pid())
    }

    fn confirm(&self) -> Result<(), Error> {
        if self.process.send(0)? { Ok(()) } else { Err(Error::NotRunning { what: "CT", vmid: self.vmid }) }
    }
}

impl AsFd for Init {
    /// Its pidfd.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.process.as_fd()
    }
}
