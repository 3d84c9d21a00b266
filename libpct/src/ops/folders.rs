//! The folders in which containers show: the files of their monitors, and their configs.

use std::{
    collections::BTreeSet,
    mem::MaybeUninit,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use rustix::{
    fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags},
    io::Errno,
};

use super::Env;
use crate::{
    config::Vmid,
    error::Error,
    sys::{self, folder},
};

/// Tells when something in them changes (inotify(7)).
pub(super) struct Folders(OwnedFd);

/// Of which containers something has changed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Changed {
    /// Of these.
    Of(BTreeSet<Vmid>),
    /// So much that the kernel has lost count.
    Any,
}

impl Folders {
    pub(super) fn watch(env: &Env) -> Result<Self, Error> {
        let fd = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).map_err(failed)?;
        let changes = WatchFlags::CREATE | WatchFlags::MODIFY | WatchFlags::MOVED_TO | WatchFlags::DELETE;
        for folder in [env.home.run_dir(), env.home.config_dir()] {
            folder::make(&folder, 0o755).map_err(|e| Error::io("cannot make", &folder, e))?;
            inotify::add_watch(&fd, &folder, changes).map_err(failed)?;
        }
        Ok(Self(fd))
    }

    /// What has changed since it was asked for the last time.
    pub(super) fn changed(&self) -> Result<Changed, Error> {
        let mut changed = Changed::Of(BTreeSet::new());
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut events = inotify::Reader::new(&self.0, &mut buffer);
        loop {
            match (events.next(), &mut changed) {
                (Ok(event), _) if event.events().contains(ReadFlags::QUEUE_OVERFLOW) => {
                    changed = Changed::Any
                }
                (Ok(event), Changed::Of(vmids)) => {
                    vmids.extend(event.file_name().and_then(|name| vmid_of(name.to_str().ok()?)));
                }
                (Ok(_), Changed::Any) | (Err(Errno::INTR), _) => {}
                (Err(Errno::AGAIN), _) => return Ok(changed),
                (Err(errno), _) => return Err(failed(errno)),
            }
        }
    }
}

impl AsFd for Folders {
    /// Readable when something has changed.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

fn failed(errno: Errno) -> Error {
    sys::Error::os("watch for containers that start", errno).into()
}

/// The container of a config or of a monitor's file; `None` for the other files there.
fn vmid_of(name: &str) -> Option<Vmid> {
    let (number, kind) = name.split_once('.')?;
    if ["conf", "monitor"].contains(&kind) { number.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_containers_are_told_from_others() {
        let vmid = Vmid::new(9001).unwrap();
        assert_eq!(vmid_of("9001.conf"), Some(vmid));
        assert_eq!(vmid_of("9001.monitor"), Some(vmid));
        for other in ["9001.conf.tmp.17", "9001.log", "9001", "x.conf", ".conf", "1.conf"] {
            assert_eq!(vmid_of(other), None, "{other}");
        }
    }
}
