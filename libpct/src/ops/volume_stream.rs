//! Volumes as streams: written out, and made of what was written (spec: runtime, part 11; in the original `pvesm export` and
//! `pvesm import`).
//!
//! Images and trees go to any storage, snapshots to one of the same kind.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, poll},
    fs::{CWD, Mode, OFlags, openat},
};

use super::{Env, copy::failed, disks, mounts, pause, setters::setters, volume_copy::watch};
use crate::{
    config::{Size, VolumeId},
    copy,
    error::Error,
    exec::Command,
    image::{self, Compression},
    progress::{Progress, Silent},
    storage::{Arrival, Location, Span, StorageError, Storages, StreamFormat},
};

/// How [`Pct::export_volume`](crate::Pct::export_volume) works.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExportOptions {
    /// The snapshot to write instead of the present content. The formats `btrfs` and `zfs` need one.
    pub snapshot: Option<String>,
    /// A snapshot that the receiver has already: only what has changed since is written. For `btrfs` and `zfs`.
    pub base: Option<String>,
    /// Write the older snapshots, too, down to the base where there is one. For `btrfs` and `zfs`.
    pub with_snapshots: bool,
}

setters! { ExportOptions { with_snapshots: bool } texts { snapshot, base } }

/// How [`Pct::import_volume`](crate::Pct::import_volume) works.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ImportOptions {
    /// Of a stream with several snapshots the one that becomes the content of the volume. For `btrfs`.
    pub snapshot: Option<String>,
    /// The snapshot that the stream continues, the newest of a volume that is there. What the volume holds beside it is lost.
    /// For `btrfs` and `zfs`.
    pub base: Option<String>,
    /// Take a free name where a volume has the one that is asked for.
    pub allow_rename: bool,
    /// A snapshot to remove when all has arrived.
    pub delete_snapshot: Option<String>,
}

setters! { ImportOptions { allow_rename: bool } texts { snapshot, base, delete_snapshot } }

/// The bytes in front of an image and of a tree.
type Header = [u8; 8];

const BUFFER: usize = 1 << 20;

/// What `tar` keeps of a tree, of all that belongs to it (spec: runtime, part 11.1).
const TAR: [&str; 10] = [
    "--one-file-system",
    "-p",
    "--sparse",
    "--numeric-owner",
    "--acls",
    "--xattrs",
    "--xattrs-include=user.*",
    "--xattrs-include=security.capability",
    "--warning=no-file-ignored",
    "--warning=no-xattr-write",
];

pub(crate) fn export_volume(
    env: &Env,
    volume: &VolumeId,
    format: StreamFormat,
    to: BorrowedFd<'_>,
    options: &ExportOptions,
    progress: &mut dyn Progress,
) -> Result<(), Error> {
    check_words(format, &[("base", options.base.is_some()), ("with-snapshots", options.with_snapshots)])?;
    let storages = env.storages()?;
    check_format(&storages, volume, format)?;
    let snapshot = options.snapshot.as_deref();
    let written = Outlet::new(to, progress)?.write(|out| {
        if !format.is_of_snapshots() {
            return content(volume, snapshot, &storages, out);
        }
        let last =
            snapshot.ok_or_else(|| wrong("snapshot", "only a snapshot can be written in this format"))?;
        let span = Span { last, base: options.base.as_deref(), all: options.with_snapshots };
        Ok(storages.send(volume, &span, &mut |bytes| out.put(bytes))?)
    });
    if snapshot.is_some() || !env.is_running(storages.describe(volume)?.owner)? {
        disks::close(volume, snapshot, &storages, progress);
    }
    written
}

/// Writes an image or a tree with its size in front.
fn content(
    volume: &VolumeId,
    snapshot: Option<&str>,
    storages: &Storages,
    out: &mut Outlet<'_>,
) -> Result<(), Error> {
    match storages.locate_at(volume, snapshot)? {
        Location::Directory(tree) => {
            out.put(&Header::default()).map_err(failed("cannot write the stream"))?;
            let tar = Command::new("tar").package("tar").args(TAR);
            let tar = tar.args(["-cf", "-", "-C"]).arg(&tree).arg(".");
            tar.run_into(&mut |bytes| out.put(bytes)).map_err(|e| StorageError::from(e).into())
        }
        image => {
            let path = image.path();
            let read = |source| Error::io("cannot read", path, source);
            let mut image = open(&image, OFlags::RDONLY)?;
            // The end of a block device is found like that of a file.
            let size =
                image.seek(SeekFrom::End(0)).and_then(|size| image.rewind().map(|()| size)).map_err(read)?;
            out.total = Some(size + size_of::<Header>() as u64);
            out.put(&size.to_le_bytes()).map_err(failed("cannot write the stream"))?;
            let mut buffer = vec![0; BUFFER];
            let mut left = size;
            while left > 0 {
                let most = usize::try_from(left).unwrap_or(BUFFER).min(BUFFER);
                match image.read(&mut buffer[..most]) {
                    Ok(0) => return Err(read(io::ErrorKind::UnexpectedEof.into())),
                    Ok(n) => {
                        out.put(&buffer[..n]).map_err(failed("cannot write the stream"))?;
                        left -= n as u64;
                    }
                    Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                    Err(e) => return Err(read(e)),
                }
            }
            Ok(())
        }
    }
}

/// Where a stream goes.
struct Outlet<'a> {
    to: File,
    done: u64,
    total: Option<u64>,
    progress: &'a mut dyn Progress,
}

impl<'a> Outlet<'a> {
    fn new(to: BorrowedFd<'_>, progress: &'a mut dyn Progress) -> Result<Self, Error> {
        let to = to.try_clone_to_owned().map_err(failed("cannot write the stream"))?;
        Ok(Self { to: to.into(), done: 0, total: None, progress })
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        if pause(self.progress, Duration::ZERO).is_err() {
            return Err(io::Error::other("the caller wants to stop"));
        }
        self.to.write_all(bytes)?;
        self.done += bytes.len() as u64;
        self.progress.bytes(self.done, self.total);
        Ok(())
    }

    /// Who does not want any more is told just that, not what it broke.
    fn write(mut self, write: impl FnOnce(&mut Self) -> Result<(), Error>) -> Result<(), Error> {
        let written = write(&mut self);
        if written.is_err() {
            pause(self.progress, Duration::ZERO)?;
        }
        written
    }
}

pub(crate) fn import_volume(
    env: &Env,
    volume: &VolumeId,
    format: StreamFormat,
    from: BorrowedFd<'_>,
    options: &ImportOptions,
    progress: &mut dyn Progress,
) -> Result<VolumeId, Error> {
    let of_snapshots = [
        ("base", options.base.is_some()),
        ("snapshot", options.snapshot.is_some()),
        ("delete-snapshot", options.delete_snapshot.is_some()),
    ];
    check_words(format, &of_snapshots)?;
    let storages = env.storages()?;
    check_format(&storages, volume, format)?;
    let stream = from.try_clone_to_owned().map_err(failed("cannot read the stream"))?;
    let made = if format.is_of_snapshots() {
        let arrival = Arrival { current: options.snapshot.as_deref(), base: options.base.as_deref() };
        let made = storages.receive(volume, &arrival, options.allow_rename, stream)?;
        disks::forget_holder(&made, &storages, progress);
        storages.protect_if_base(&made)?;
        made
    } else {
        let cancel = progress.cancel().map(|fd| fd.try_clone_to_owned()).transpose();
        let cancel = cancel.map_err(failed("cannot read the stream"))?;
        let mut incoming = Incoming { stream: stream.into(), cancel };
        let received =
            receive_content(volume, format, options.allow_rename, &storages, &mut incoming, progress);
        if received.is_err() {
            pause(progress, Duration::ZERO)?;
        }
        received?
    };
    disks::close(&made, None, &storages, progress);
    if let Some(snapshot) = &options.delete_snapshot {
        storages.delete_snapshot(&made, snapshot)?;
    }
    Ok(made)
}

/// Makes a volume of an image or a tree; what is not whole is taken back.
fn receive_content(
    volume: &VolumeId,
    format: StreamFormat,
    rename: bool,
    storages: &Storages,
    incoming: &mut Incoming,
    progress: &mut dyn Progress,
) -> Result<VolumeId, Error> {
    let mut header = Header::default();
    incoming
        .read_exact(&mut header)
        .map_err(failed("cannot read the size at the beginning of the stream"))?;
    let size = u64::from_le_bytes(header);
    if size == 0 && format == StreamFormat::RawSize {
        return Err(wrong("format", "the stream does not begin with the size of an image"));
    }
    let made = storages.allocate_at(volume, Size::from_bytes(size), rename)?;
    let filled =
        fill(&made, size, storages, incoming, progress).and_then(|()| Ok(storages.protect_if_base(&made)?));
    match filled {
        Ok(()) => Ok(made),
        Err(error) => {
            disks::close(&made, None, storages, &mut Silent);
            storages.remove(&made)?;
            Err(error)
        }
    }
}

fn fill(
    volume: &VolumeId,
    size: u64,
    storages: &Storages,
    incoming: &mut Incoming,
    progress: &mut dyn Progress,
) -> Result<(), Error> {
    match storages.locate(volume)? {
        tree @ Location::Directory(_) => {
            let root = open(&tree, OFlags::RDONLY | OFlags::DIRECTORY)?;
            let options = image::Options {
                devices: true,
                skip_dev: false,
                with_root: true,
                ..image::Options::default()
            };
            let archive = &mut *incoming;
            let mut told = |done| progress.bytes(done, None);
            let unpacked = image::unpack(archive, Compression::None, root.as_fd(), &options, &mut told)?;
            for warning in &unpacked.warnings {
                progress.warning(warning);
            }
            mounts::sync(&root)
        }
        image => {
            let (path, image) = (image.path(), open(&image, OFlags::WRONLY)?);
            let blank = storages.is_blank(volume)?;
            let filled = copy::fill(incoming, image.as_fd(), path, size, blank, &mut watch(progress))?;
            let ended = |text: String| failed("cannot read the stream")(io::Error::other(text));
            if filled < size {
                return Err(ended(format!("it ends after {filled} of {size} bytes")));
            }
            match incoming.read(&mut [0]).map_err(failed("cannot read the stream"))? {
                0 => Ok(()),
                _ => Err(ended(format!("it goes on behind the {size} bytes that it should have"))),
            }
        }
    }
}

/// Where a stream comes from: whoever waits for it can be called back.
struct Incoming {
    stream: File,
    cancel: Option<OwnedFd>,
}

impl Read for Incoming {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(cancel) = &self.cancel {
            let mut both = [PollFd::new(cancel, PollFlags::IN), PollFd::new(&self.stream, PollFlags::IN)];
            poll(&mut both, None)?;
            if !both[0].revents().is_empty() {
                return Err(io::Error::other("the caller wants to stop"));
            }
        }
        self.stream.read(buffer)
    }
}

/// Refuses a format that the storage, or a volume of this name, does not have.
fn check_format(storages: &Storages, volume: &VolumeId, format: StreamFormat) -> Result<(), Error> {
    let general = storages.describe(volume)?.format.stream();
    let own = storages.snapshot_stream(&volume.storage)?;
    if format == general || Some(format) == own {
        return Ok(());
    }
    let own = own.map(|own| format!(", snapshots as {own}")).unwrap_or_default();
    Err(wrong("format", &format!("'{volume}' has no stream of the format {format}, but {general}{own}")))
}

/// Refuses options that have no meaning in a format.
fn check_words(format: StreamFormat, given: &[(&str, bool)]) -> Result<(), Error> {
    if format.is_of_snapshots() {
        return Ok(());
    }
    let faults = given.iter().filter(|(_, given)| *given);
    let faults: Vec<_> = faults
        .map(|(name, _)| ((*name).to_owned(), "only with the formats btrfs and zfs".to_owned()))
        .collect();
    if faults.is_empty() { Ok(()) } else { Err(Error::Parameters(faults)) }
}

fn wrong(parameter: &str, text: &str) -> Error {
    Error::Parameters(vec![(parameter.to_owned(), text.to_owned())])
}

/// Opens the data of a volume. A folder may hold what was put there by hand; where the device is, a link of the host says.
fn open(location: &Location, flags: OFlags) -> Result<File, Error> {
    let follow = if matches!(location, Location::Block(_)) { OFlags::empty() } else { OFlags::NOFOLLOW };
    let flags = flags | follow | OFlags::NONBLOCK | OFlags::CLOEXEC;
    match openat(CWD, location.path(), flags, Mode::empty()) {
        Ok(fd) => Ok(fd.into()),
        Err(errno) => Err(Error::io("cannot open", location.path(), errno)),
    }
}
