//! A folder copied with all that is in it, for `push` and `pull` (ours).
//!
//! The side that reads walks and the side that writes follows, both by descriptors of folders and single names: a link
//! is copied, never followed, whoever swaps what for it meanwhile. For a push the two are different processes: who may
//! read on the host may not write inside.

use std::{
    ffi::{CStr, CString},
    fs::File,
    io::{self, IoSlice, IoSliceMut},
    mem::MaybeUninit,
    os::fd::{AsFd, OwnedFd},
};

use rustix::{
    fs::{AtFlags, Dir, FileType, Mode, OFlags, fstat, mkdirat, openat, readlinkat, symlinkat, unlinkat},
    io::Errno,
    net::{
        AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
        SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socketpair,
    },
};
use serde::{Deserialize, Serialize};

use super::copy::{Attributes, copy, failed, size_of};
use crate::{
    error::Error,
    progress::{Progress, Silent},
    rootfs::{is_of_the_kernel, reopen_with},
};

/// A folder in a folder costs a descriptor on either side.
const DEEPEST: usize = 200;
/// More than a step with the longest name and the longest link.
const LONGEST_STEP: usize = 64 << 10;

/// One step of the walk. A name is one word, never a path.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Step {
    /// Go into a folder, which may have to be made.
    Enter { name: CString, mode: u32 },
    /// Write a file; it comes as a descriptor.
    File { name: CString, mode: u32 },
    /// Make a symbolic link.
    Link { name: CString, target: CString },
    /// Go back to the folder before.
    Leave,
}

/// Permission bits that are copied: what a program of another side may do beyond its user is not.
const BITS: u32 = 0o777;

/// Gets a step, with the file where there is one.
type Take<'a> = &'a mut dyn FnMut(&Step, Option<File>) -> Result<(), Error>;

/// Walks through a folder; `skipped` hears of what cannot be copied.
pub(super) fn walk(root: OwnedFd, take: Take<'_>, skipped: &mut dyn FnMut(&str)) -> Result<(), Error> {
    let mut path = Path::default();
    let open = |fd: OwnedFd, path: &Path| {
        let list = openat(&fd, c".", OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty());
        let list = list.and_then(Dir::new).map_err(failed(format!("failed to read {path}")))?;
        Ok::<_, Error>((fd, list))
    };
    let mut folders = vec![open(root, &path)?];
    while let Some((folder, list)) = folders.last_mut() {
        let entry = match list.next() {
            Some(Ok(entry)) => entry,
            Some(Err(errno)) => return Err(failed(format!("failed to read {path}"))(errno)),
            None => {
                folders.pop();
                if !folders.is_empty() {
                    take(&Step::Leave, None)?;
                    path.0.pop();
                }
                continue;
            }
        };
        let name = entry.file_name().to_owned();
        if matches!(name.to_bytes(), b"." | b"..") {
            continue;
        }
        path.0.push(name.clone());
        let read = |attempt: &str| failed(format!("failed to {attempt} {path}"));
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let handle = match openat(&*folder, &*name, flags, Mode::empty()) {
            Ok(handle) => handle,
            // Gone since it was listed.
            Err(Errno::NOENT) => {
                path.0.pop();
                continue;
            }
            Err(errno) => return Err(read("open")(errno)),
        };
        let stat = fstat(&handle).map_err(read("look at"))?;
        let mode = stat.st_mode & BITS;
        let kind = FileType::from_raw_mode(stat.st_mode);
        let of_the_kernel =
            kind != FileType::Symlink && is_of_the_kernel(&handle).map_err(read("look at"))?;
        match kind {
            _ if of_the_kernel => skipped(&format!("{path} is left out: it is of the kernel, not of a disk")),
            FileType::RegularFile => {
                let file = reopen_with(&handle, OFlags::RDONLY).map_err(read("open"))?;
                take(&Step::File { name, mode }, Some(file))?;
            }
            FileType::Symlink => {
                let target = readlinkat(&handle, c"", Vec::new()).map_err(read("read"))?;
                take(&Step::Link { name, target }, None)?;
            }
            FileType::Directory if folders.len() >= DEEPEST => {
                let error = io::Error::other("there are too many folders in each other");
                return Err(failed(format!("failed to copy {path}"))(error));
            }
            FileType::Directory => {
                take(&Step::Enter { name, mode }, None)?;
                folders.push(open(handle, &path)?);
                continue;
            }
            _ => skipped(&format!("{path} is left out: it is no file, folder or link")),
        }
        path.0.pop();
    }
    Ok(())
}

/// Where a walk is, below its root.
#[derive(Default)]
struct Path(Vec<CString>);

impl std::fmt::Display for Path {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0.is_empty() {
            return f.write_str("the folder");
        }
        // It may be the guest's, and be shown on a terminal.
        let names: Vec<_> =
            self.0.iter().map(|name| name.to_string_lossy().escape_debug().to_string()).collect();
        write!(f, "'{}'", names.join("/"))
    }
}

/// Does the steps of a walk in another folder.
pub(super) struct Writer {
    folders: Vec<OwnedFd>,
    path: Path,
    attributes: Attributes,
}

impl Writer {
    /// Writes into this folder.
    pub(super) fn new(root: OwnedFd, attributes: Attributes) -> Self {
        Self { folders: vec![root], path: Path::default(), attributes }
    }

    pub(super) fn step(&mut self, step: &Step, file: Option<File>) -> Result<(), Error> {
        let nonsense = || failed("failed to copy")(io::Error::from(io::ErrorKind::InvalidData));
        let name = match step {
            Step::Leave => {
                self.path.0.pop();
                self.folders.pop();
                return Ok(());
            }
            Step::Enter { name, .. } | Step::File { name, .. } | Step::Link { name, .. } => name,
        };
        let folder = self.folders.last().ok_or_else(nonsense)?;
        if matches!(name.to_bytes(), b"" | b"." | b"..") || name.to_bytes().contains(&b'/') {
            return Err(nonsense());
        }
        self.path.0.push(name.clone());
        let path = &self.path;
        let create = || failed(format!("failed to create {path}"));
        match step {
            Step::Enter { mode, .. } => {
                // Its owner must be able to go on writing in it.
                let made = mkdirat(folder, &**name, Mode::from_raw_mode(mode & BITS | 0o700));
                let is_new = !matches!(made, Err(Errno::EXIST));
                made.or_else(|errno| if is_new { Err(errno) } else { Ok(()) }).map_err(create())?;
                let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                let made = openat(folder, &**name, flags, Mode::empty()).map_err(create())?;
                if is_new {
                    self.attributes.apply(made.as_fd())?;
                }
                self.folders.push(made);
                return Ok(());
            }
            Step::File { mode, .. } => {
                let from = file.ok_or_else(nonsense)?;
                let to = open_to_write(folder, name, mode & BITS)
                    .map_err(failed(format!("failed to create {path}")))?;
                copy(&from, &to, size_of(&from).unwrap_or(0), None, &mut Silent)
                    .map_err(failed(format!("failed to copy {path}")))?;
                self.attributes.apply(to.as_fd())?;
            }
            Step::Link { target, .. } => {
                let mut made = symlinkat(&**target, folder, &**name);
                if matches!(made, Err(Errno::EXIST)) && readlinkat(folder, &**name, Vec::new()).is_ok() {
                    made = unlinkat(folder, &**name, AtFlags::empty())
                        .and_then(|()| symlinkat(&**target, folder, &**name));
                }
                made.map_err(create())?;
                self.attributes.apply_to_link(folder.as_fd(), name)?;
            }
            Step::Leave => {}
        }
        self.path.0.pop();
        Ok(())
    }
}

/// A file of this very name: a new one, or a regular one that is there, emptied.
fn open_to_write(folder: &OwnedFd, name: &CStr, mode: u32) -> io::Result<File> {
    let new = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    match openat(folder, name, new, Mode::from_raw_mode(mode)) {
        Err(Errno::EXIST) => {}
        other => return Ok(other?.into()),
    }
    let handle = openat(folder, name, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())?;
    let is_regular = FileType::from_raw_mode(fstat(&handle)?.st_mode) == FileType::RegularFile;
    if !is_regular || is_of_the_kernel(&handle)? {
        return Err(Errno::EXIST.into());
    }
    Ok(reopen_with(&handle, OFlags::WRONLY | OFlags::TRUNC)?)
}

/// Reports what has been copied, file by file.
pub(super) struct Count {
    done: u64,
}

impl Count {
    pub(super) fn new() -> Self {
        Self { done: 0 }
    }

    /// One more file of this many bytes; `None` is none.
    pub(super) fn add(&mut self, size: Option<u64>, progress: &mut dyn Progress) {
        if let Some(size) = size {
            self.done += size;
            progress.bytes(self.done, None);
        }
    }
}

/// Both ends of a line for steps.
pub(super) fn line() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?)
}

/// Sends a step; `false` when nobody takes it any more.
pub(super) fn send(line: &OwnedFd, step: &Step, file: Option<&File>) -> io::Result<bool> {
    let text = serde_json::to_vec(step)?;
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    let fds: Vec<_> = file.map(AsFd::as_fd).into_iter().collect();
    if !fds.is_empty() {
        ancillary.push(SendAncillaryMessage::ScmRights(&fds));
    }
    loop {
        return match sendmsg(line, &[IoSlice::new(&text)], &mut ancillary, SendFlags::NOSIGNAL) {
            Ok(_) => Ok(true),
            Err(Errno::INTR) => continue,
            Err(Errno::PIPE | Errno::CONNRESET) => Ok(false),
            Err(errno) => Err(errno.into()),
        };
    }
}

/// The next step; `None` at the end.
pub(super) fn receive(line: &OwnedFd) -> io::Result<Option<(Step, Option<File>)>> {
    let mut text = vec![0; LONGEST_STEP];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let received = loop {
        match recvmsg(line, &mut [IoSliceMut::new(&mut text)], &mut ancillary, RecvFlags::CMSG_CLOEXEC) {
            Err(Errno::INTR) => {}
            other => break other?.bytes,
        }
    };
    let file = ancillary.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut fds) => fds.next(),
        _ => None,
    });
    if received == 0 {
        return Ok(None);
    }
    Ok(Some((serde_json::from_slice(&text[..received])?, file.map(File::from))))
}
