//! Snapshots on their way to another btrfs.

use std::{
    ffi::CString,
    io::{self, Read},
    os::fd::{AsFd, OwnedFd},
    path::PathBuf,
    thread,
};

use rustix::{
    fs::{AtFlags, FlockOperation, Mode, flock, mkdirat, openat, unlinkat},
    io::Errno,
};

use super::{BtrfsStorage, DISK, Volume};
use crate::{
    config::Vmid,
    exec::Sink,
    storage::{
        Format, StorageError,
        folders::{self, FOLDER},
        remove::remove_tree,
        stream::{Arrival, Span},
        tools,
        volname::{bad, snapshot_name},
    },
    sys::{
        btrfs::{self, Info, Place},
        signal::SignalFd,
    },
};

/// What is handed on at once.
const BUFFER: usize = 256 << 10;

/// Writes snapshots, each as far as it differs from those before it.
pub(super) fn send(volume: &Volume<'_>, span: &Span<'_>, sink: Sink<'_>) -> Result<(), StorageError> {
    let folder = volume.folder()?;
    let open = |snapshot: &str| -> Result<(OwnedFd, Info), StorageError> {
        let top = volume.open(&folder, Some(snapshot))?;
        let info = btrfs::info(&top).map_err(volume.failed("cannot look at", &volume.at(Some(snapshot))?))?;
        Ok((top, info))
    };
    let (last, base) = (open(span.last)?, span.base.map(open).transpose()?);
    let mut sent = Vec::new();
    if span.all {
        for entry in volume.beside("@")? {
            let found = open(&entry[volume.entry.len() + 1..])?;
            if found.1 < last.1 && base.as_ref().is_none_or(|base| base.1 < found.1) {
                sent.push(found);
            }
        }
        sent.sort_unstable_by_key(|(_, info)| *info);
    }
    sent.push(last);
    let known: Vec<u64> = base.iter().chain(&sent).map(|(_, info)| info.id).collect();
    let first_known = known.len() - sent.len();

    let failed = volume.failed("cannot send", volume.entry);
    let (mut reader, writer) = io::pipe().map_err(&failed)?;
    let write = || -> io::Result<()> {
        // Of one that the caller does not want any more. What has arrived is gone with this thread.
        let broken = SignalFd::block(&[libc::SIGPIPE]).map_err(io::Error::other)?;
        let done = sent.iter().enumerate().try_for_each(|(at, (top, _))| {
            let place = Place { first: at == 0, last: at + 1 == sent.len() };
            btrfs::send(top, &writer, &known[..first_known + at], place)
        });
        broken.next().map_err(io::Error::other)?;
        drop(writer);
        done
    };
    // The kernel fills the pipe in the thread that asks it to.
    thread::scope(|scope| {
        let writing =
            thread::Builder::new().name("send".to_owned()).spawn_scoped(scope, write).map_err(&failed)?;
        let passed = pass_on(&mut reader, sink);
        drop(reader);
        let written =
            writing.join().unwrap_or_else(|_| Err(io::Error::other("the sender failed unexpectedly")));
        passed.and(written).map_err(&failed)
    })
}

fn pass_on(reader: &mut impl Read, sink: Sink<'_>) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER];
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(read) => sink(&buffer[..read])?,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
}

/// Makes of received snapshots a volume and its snapshots, or the newest state of a volume and more snapshots.
pub(super) fn receive(
    storage: &BtrfsStorage,
    volume: &Volume<'_>,
    arrival: &Arrival<'_>,
    stream: OwnedFd,
) -> Result<(), StorageError> {
    if let Some(base) = arrival.base {
        let folder = volume.folder()?;
        volume.open(&folder, Some(base))?;
        storage.keep_nested(volume, &volume.open(&folder, None)?)?;
    }
    storage.folders.make(volume.owner, |_| Ok(()))?;
    let folder = volume.folder()?;
    let received = Inbox::make(volume, &folder).and_then(|inbox| {
        // It follows the links and the dots of a stream: with the folder as its root they lead nowhere else.
        let btrfs = tools::program("btrfs", "btrfs-progs").args(["-q", "receive", "-e", "-C", "--"]);
        let filled = tools::work(btrfs.arg(&inbox.path).stdin(stream));
        let settled = filled.and_then(|()| inbox.settle(storage, volume, arrival));
        // What became of it is what counts: should it stay, it is a leftover that `repair` finds.
        let _ = inbox.remove();
        settled
    });
    storage.folders.remove_if_empty(volume.owner);
    received
}

/// Where snapshots lie until they all have arrived, locked for as long as somebody waits for them.
pub(super) struct Inbox {
    folder: OwnedFd,
    name: String,
    path: PathBuf,
    content: OwnedFd,
}

impl Inbox {
    fn make(volume: &Volume<'_>, folder: &OwnedFd) -> Result<Self, StorageError> {
        let name = format!("recv.{}.{}.tmp", volume.owner, std::process::id());
        let failed = |errno: Errno| volume.failed("cannot make", &name)(errno.into());
        mkdirat(folder, name.as_str(), Mode::from_raw_mode(0o700)).map_err(failed)?;
        Self::open(folder, volume.images.join(&name), &name).map_err(failed)
    }

    fn open(folder: &OwnedFd, path: PathBuf, name: &str) -> Result<Self, Errno> {
        let content = openat(folder, name, FOLDER, Mode::empty())?;
        flock(&content, FlockOperation::NonBlockingLockExclusive)?;
        Ok(Self { folder: rustix::io::fcntl_dupfd_cloexec(folder, 0)?, name: name.to_owned(), path, content })
    }

    /// Those in a container's folder that nobody waits for any more.
    pub(super) fn left(
        storage: &BtrfsStorage,
        owner: Vmid,
        names: &[String],
    ) -> Result<Vec<Self>, StorageError> {
        let images = storage.folders.images(owner);
        let Some(folder) = folders::open(&images)? else { return Ok(Vec::new()) };
        let begin = format!("recv.{owner}.");
        let ours = names.iter().filter(|name| name.starts_with(&begin) && name.ends_with(".tmp"));
        Ok(ours.filter_map(|name| Self::open(&folder, images.join(name), name).ok()).collect())
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// What has arrived: the entry, and the snapshot's name.
    fn arrived(&self) -> Result<Vec<(String, String)>, StorageError> {
        let named = |entry: String| {
            let snapshot = entry.rsplit_once('@').map(|(_, snapshot)| snapshot).ok_or_else(|| bad(&entry))?;
            let snapshot = snapshot_name(snapshot)?.to_owned();
            Ok((entry, snapshot))
        };
        folders::names(&self.path)?.into_iter().map(named).collect()
    }

    /// Gives all that has arrived its place.
    fn settle(
        &self,
        storage: &BtrfsStorage,
        volume: &Volume<'_>,
        arrival: &Arrival<'_>,
    ) -> Result<(), StorageError> {
        let arrived = self.arrived()?;
        let current = match (arrival.current, &arrived[..]) {
            (Some(wanted), all) => all.iter().find(|(_, snapshot)| snapshot == wanted),
            (None, [only]) => Some(only),
            (None, _) => None,
        };
        let Some((current, newest)) = current else {
            let what = "say which of the snapshots in the stream is to be the content of the volume";
            let names: Vec<_> = arrived.iter().map(|(_, snapshot)| snapshot.as_str()).collect();
            return Err(StorageError::unsupported(what, &names.join(", ")));
        };
        if volume.format == Format::Raw {
            arrived.iter().try_for_each(|(entry, _)| self.require_image(volume, entry))?;
        }
        // The volume first: with it the rest is found, and goes.
        let mut placed = Vec::new();
        let mut settled = match arrival.base {
            Some(_) => Ok(()),
            None => self.place(volume, current, volume.entry.to_owned(), false, &mut placed),
        };
        // A read-only snapshot of what was received is known as received, too: a later stream can continue it.
        for (entry, snapshot) in &arrived {
            settled = settled
                .and_then(|()| self.place(volume, entry, volume.at(Some(snapshot))?, true, &mut placed));
        }
        if settled.is_err() {
            for entry in placed.iter().rev() {
                BtrfsStorage::destroy(volume, &self.folder, entry)?;
            }
        }
        settled?;
        if arrival.base.is_some() { storage.roll_back(volume, newest) } else { Ok(()) }
    }

    /// Refuses what is no image, also a link in its place: it would be mounted.
    fn require_image(&self, volume: &Volume<'_>, entry: &str) -> Result<(), StorageError> {
        let is_file = self.path.join(entry).join(DISK).symlink_metadata().is_ok_and(|found| found.is_file());
        if is_file {
            return Ok(());
        }
        let what = "what has arrived is no image: give the volume a name that ends in .subvol";
        Err(StorageError::unsupported(what, volume.shown))
    }

    /// Makes what has arrived a neighbour of the container's volumes.
    fn place(
        &self,
        volume: &Volume<'_>,
        entry: &str,
        at: String,
        read_only: bool,
        placed: &mut Vec<String>,
    ) -> Result<(), StorageError> {
        let name = CString::new(at.as_str()).map_err(|_| bad(&at))?;
        let top = openat(&self.content, entry, FOLDER, Mode::empty()).map_err(io::Error::from);
        top.and_then(|top| btrfs::snapshot(top.as_fd(), &self.folder, &name, read_only))
            .map_err(volume.failed("cannot make", &at))?;
        placed.push(at);
        Ok(())
    }

    pub(super) fn remove(self) -> Result<(), StorageError> {
        let failed = |path: &PathBuf| {
            let path = path.clone();
            move |source: io::Error| StorageError::io("cannot remove", &path, source)
        };
        for entry in folders::names(&self.path)? {
            let path = self.path.join(&entry);
            let name = CString::new(entry.as_str()).map_err(|_| bad(&entry))?;
            match openat(&self.content, entry.as_str(), FOLDER, Mode::empty()) {
                Ok(top) if btrfs::is_subvolume(&top).map_err(failed(&path))? => {
                    btrfs::destroy(&self.content, &name).map_err(failed(&path))?;
                }
                _ => remove_tree(&self.content, &name, &path)?,
            }
        }
        unlinkat(&self.folder, self.name.as_str(), AtFlags::REMOVEDIR)
            .map_err(|errno| failed(&self.path)(errno.into()))
    }
}
