//! Storages of type `btrfs`: every volume is a subvolume, that of a file system in a file is one with `disk.raw` in it,
//! and a snapshot is a read-only one beside it, `<volume>@<snapshot>` (spec: runtime, parts 10.3 and 11.2).
//!
//! What is in a subvolume belongs to a container. A subvolume that it has nested in its own is in no snapshot and in no
//! clone: that is how btrfs works. It goes with the volume; a rollback that would lose what is in one is refused.

mod stream;
#[cfg(test)]
mod tests;

use std::{
    ffi::CString,
    fs::{self, File},
    io,
    os::fd::{AsFd, OwnedFd},
    path::{Path, PathBuf},
};

use rustix::{
    fs::{Dir, Mode, OFlags, RenameFlags, fchmod, openat, renameat_with},
    io::Errno,
};

use super::{
    Format, StorageError,
    backend::{Backend, Described, Feature, Listed, Location, Space},
    cfg::Section,
    folders::{self, FOLDER, Folders},
    rawfile::{self, Preallocation},
    remove::remove_tree,
    stream::{Arrival, Span, StreamFormat},
    volname::{FileName, Name, Prefix, bad, disk_name, snapshot_name},
};
use crate::{
    config::{Size, Vmid},
    exec::Sink,
    sys::btrfs,
};
use stream::Inbox;

/// The file of a volume that is one.
const DISK: &str = "disk.raw";

/// What a rollback makes beside the volume until both change places, followed by the number of a process.
const UNFINISHED: &str = ".tmp.";

pub(super) struct BtrfsStorage {
    folders: Folders,
    no_copy_on_write: bool,
}

/// A volume by its name: whose it is, and which subvolume of the folder of that container.
struct Volume<'a> {
    owner: Vmid,
    format: Format,
    word: Name<'a>,
    entry: &'a str,
    /// The folder's path, for messages.
    images: PathBuf,
    shown: &'a str,
}

impl Volume<'_> {
    /// The name of the subvolume, or of its snapshot.
    fn at(&self, snapshot: Option<&str>) -> Result<String, StorageError> {
        Ok(match snapshot {
            None => self.entry.to_owned(),
            Some(snapshot) => format!("{}@{}", self.entry, snapshot_name(snapshot)?),
        })
    }

    fn folder(&self) -> Result<OwnedFd, StorageError> {
        folders::open(&self.images)?.ok_or_else(|| self.missing(&self.images))
    }

    fn missing(&self, path: &Path) -> StorageError {
        StorageError::MissingVolume { name: self.shown.to_owned(), path: path.to_owned() }
    }

    /// Opens the subvolume, or its snapshot, in its folder.
    fn open(&self, folder: &OwnedFd, snapshot: Option<&str>) -> Result<OwnedFd, StorageError> {
        let entry = self.at(snapshot)?;
        let path = self.images.join(&entry);
        match openat(folder, entry.as_str(), FOLDER, Mode::empty()) {
            Ok(fd) if btrfs::is_subvolume(&fd).unwrap_or(false) => Ok(fd),
            Ok(_) => {
                Err(StorageError::unsupported("it is not a subvolume of btrfs", &path.to_string_lossy()))
            }
            Err(Errno::NOENT) => Err(self.missing(&path)),
            Err(errno) => Err(StorageError::io("cannot open", &path, errno)),
        }
    }

    fn failed(&self, action: &'static str, entry: &str) -> impl Fn(io::Error) -> StorageError + use<> {
        let path = self.images.join(entry);
        move |source| StorageError::io(action, &path, source)
    }

    /// The subvolumes beside it whose names begin with its own and a mark.
    fn beside(&self, mark: &str) -> Result<Vec<String>, StorageError> {
        let begin = format!("{}{mark}", self.entry);
        let mut found = folders::names(&self.images)?;
        found.retain(|name| name.starts_with(&begin));
        Ok(found)
    }

    fn refuse_snapshots(&self) -> Result<(), StorageError> {
        match self.beside("@")?.first() {
            None => Ok(()),
            Some(found) => Err(StorageError::unsupported(
                "the volume has a snapshot, which must be deleted before",
                found,
            )),
        }
    }
}

impl BtrfsStorage {
    pub(super) fn from_section(section: &Section) -> Result<Self, String> {
        Ok(Self { folders: Folders::from_section(section)?, no_copy_on_write: section.flag("nocow") })
    }

    fn volume<'a>(&self, name: &'a str) -> Result<Volume<'a>, StorageError> {
        let FileName { name: word, format, file } = FileName::of_volume(name)?;
        if file.contains(UNFINISHED) {
            return Err(bad(name));
        }
        let entry = match format {
            Format::Raw => word.word,
            Format::Subvol => file,
        };
        let images = self.folders.images(word.owner);
        Ok(Volume { owner: word.owner, format, word, entry, images, shown: name })
    }

    /// What the volume of an entry in a container's folder is called.
    fn name_of(owner: Vmid, entry: &str) -> String {
        let name = format!("{owner}/{entry}");
        match FileName::of_volume(&name) {
            Ok(_) => name,
            Err(_) => format!("{name}.{}", Format::Raw.word()),
        }
    }

    fn create(&self, folder: &OwnedFd, volume: &Volume<'_>, size: Size) -> io::Result<()> {
        let c_entry = CString::new(volume.entry)?;
        btrfs::create(folder, &c_entry)?;
        let filled = (|| {
            let top = openat(folder, volume.entry, FOLDER, Mode::empty())?;
            // Of a container's `/` everybody inside must pass, whatever the umask.
            let mode = if volume.format == Format::Subvol { 0o755 } else { 0o711 };
            fchmod(&top, Mode::from_raw_mode(mode))?;
            if volume.format == Format::Raw {
                rawfile::create(&top, DISK, self.no_copy_on_write, size, Preallocation::Off)?;
            }
            Ok(())
        })();
        filled.inspect_err(|_: &io::Error| drop(btrfs::destroy(folder, &c_entry)))
    }

    /// Refuses to throw away what is in subvolumes that no snapshot has.
    fn keep_nested(&self, volume: &Volume<'_>, live: &OwnedFd) -> Result<(), StorageError> {
        let failed = volume.failed("cannot look for subvolumes in", volume.entry);
        for nested in btrfs::nested(live).map_err(&failed)? {
            let entries = nested.open(live).and_then(|top| Ok(Dir::read_from(&top)?)).map_err(&failed)?;
            let empty = |name: &[u8]| matches!(name, b"." | b"..");
            if !entries.into_iter().all(|entry| entry.is_ok_and(|e| empty(e.file_name().to_bytes()))) {
                let volume = volume.shown.to_owned();
                return Err(StorageError::NestedSubvolume { volume, path: nested.path(live) });
            }
        }
        Ok(())
    }

    /// Gives a volume the content of a snapshot, and keeps what it has elsewhere until then.
    fn roll_back(&self, volume: &Volume<'_>, snapshot: &str) -> Result<(), StorageError> {
        let folder = volume.folder()?;
        let frozen = volume.open(&folder, Some(snapshot))?;
        self.keep_nested(volume, &volume.open(&folder, None)?)?;
        // Of one that was killed: both what never became the volume and what was it.
        for entry in volume.beside(UNFINISHED)? {
            Self::destroy(volume, &folder, &entry)?;
        }
        let unfinished = format!("{}{UNFINISHED}{}", volume.entry, std::process::id());
        let failed = volume.failed("cannot roll back", volume.entry);
        let c_unfinished = CString::new(unfinished.as_str()).map_err(|_| bad(volume.shown))?;
        btrfs::snapshot(frozen.as_fd(), &folder, &c_unfinished, false).map_err(&failed)?;
        let exchanged =
            renameat_with(&folder, unfinished.as_str(), &folder, volume.entry, RenameFlags::EXCHANGE);
        // Whichever of the two it is now. That the volume is back, or not, does not depend on it: should it stay, the next
        // rollback or the removal of the volume clears it.
        let _ = Self::destroy(volume, &folder, &unfinished);
        exchanged.map_err(|e| failed(e.into()))
    }

    /// Removes a subvolume with all that is nested in it.
    fn destroy(volume: &Volume<'_>, folder: &OwnedFd, entry: &str) -> Result<(), StorageError> {
        let failed = volume.failed("cannot remove", entry);
        let name = CString::new(entry).map_err(|_| bad(entry))?;
        match openat(folder, entry, FOLDER, Mode::empty()) {
            Ok(top) if btrfs::is_subvolume(&top).map_err(&failed)? => {
                let nested = btrfs::nested(&top).map_err(&failed)?;
                // A base, or a snapshot of one.
                if !nested.is_empty() && btrfs::is_read_only(&top).map_err(&failed)? {
                    btrfs::set_read_only(&top, false).map_err(&failed)?;
                }
                drop(top);
                for inner in nested.iter().rev() {
                    inner.destroy(folder).map_err(&failed)?;
                }
                btrfs::destroy(folder, &name).map_err(&failed)
            }
            // Somebody has put something else there.
            Ok(_) | Err(Errno::NOTDIR | Errno::LOOP) => {
                remove_tree(folder, &name, &volume.images.join(entry))
            }
            Err(Errno::NOENT) => Ok(()),
            Err(errno) => Err(failed(errno.into())),
        }
    }
}

impl Backend for BtrfsStorage {
    fn format_for(&self, size: Size) -> Format {
        if size.bytes() > 0 { Format::Raw } else { Format::Subvol }
    }

    fn activate(&self) -> Result<(), StorageError> {
        self.folders.activate()?;
        self.check()
    }

    fn check(&self) -> Result<(), StorageError> {
        self.folders.check()?;
        let found = folders::open(&self.folders.path)?.map(btrfs::is_btrfs);
        if matches!(found, Some(Ok(false))) {
            return Err(self.folders.unusable("its path is not on a btrfs file system"));
        }
        Ok(())
    }

    fn space(&self) -> Result<Space, StorageError> {
        self.folders.space()
    }

    fn describe(&self, name: &str) -> Result<Described, StorageError> {
        let volume = self.volume(name)?;
        let (owner, format) = (volume.owner, volume.format);
        Ok(Described { owner, format, base: None, is_base: volume.word.prefix.is_base() })
    }

    fn free_name(&self, owner: Vmid, format: Format) -> Result<String, StorageError> {
        let word = disk_name(owner, format, self.folders.free_number(owner)?);
        Ok(format!("{owner}/{word}.{}", format.word()))
    }

    fn allocate(&self, name: &str, size: Size) -> Result<(), StorageError> {
        let volume = self.volume(name)?;
        if volume.format == Format::Subvol && size.bytes() > 0 {
            let what = "btrfs quotas are currently not supported, use an unsized subvolume or a raw file";
            return Err(StorageError::unsupported(what, name));
        }
        self.folders.make(volume.owner, |folder| self.create(folder, &volume, size))
    }

    fn free(&self, name: &str) -> Result<(), StorageError> {
        let volume = self.volume(name)?;
        let Some(folder) = folders::open(&volume.images)? else { return Ok(()) };
        // The volume last: as long as it is there it is listed, and can be freed again.
        for entry in [volume.beside(UNFINISHED)?, volume.beside("@")?].concat() {
            Self::destroy(&volume, &folder, &entry)?;
        }
        Self::destroy(&volume, &folder, volume.entry)?;
        self.folders.remove_if_empty(volume.owner);
        Ok(())
    }

    fn locate(&self, name: &str, snapshot: Option<&str>) -> Result<Location, StorageError> {
        let volume = self.volume(name)?;
        let path = volume.images.join(volume.at(snapshot)?);
        let is = |path: &Path, wanted: fn(fs::FileType) -> bool| {
            fs::symlink_metadata(path).is_ok_and(|found| wanted(found.file_type()))
        };
        if !is(&path, |kind| kind.is_dir()) {
            return Err(volume.missing(&path));
        }
        match volume.format {
            Format::Subvol => Ok(Location::Directory(path)),
            Format::Raw => {
                let disk = path.join(DISK);
                if is(&disk, |kind| kind.is_file()) {
                    Ok(Location::Image(disk))
                } else {
                    Err(volume.missing(&disk))
                }
            }
        }
    }

    fn list(&self, owner: Option<Vmid>) -> Result<Vec<Listed>, StorageError> {
        let mut found = Vec::new();
        for (owner, entry) in self.folders.entries(owner)? {
            let name = Self::name_of(owner, &entry);
            let Ok(volume) = self.volume(&name) else { continue };
            let Ok(location) = self.locate(&name, None) else { continue };
            found.push(Listed { size: location.size()?, owner, format: volume.format, parent: None, name });
        }
        found.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }

    fn leftovers(&self, owner: Vmid) -> Result<Vec<String>, StorageError> {
        let mut names = folders::names(&self.folders.images(owner))?;
        let inboxes = Inbox::left(self, owner, &names)?;
        names.retain(|name| name.contains(UNFINISHED) || inboxes.iter().any(|inbox| inbox.name() == name));
        Ok(names)
    }

    fn remove_leftover(&self, owner: Vmid, leftover: &str) -> Result<(), StorageError> {
        if let Some(inbox) = Inbox::left(self, owner, &[leftover.to_owned()])?.pop() {
            inbox.remove()?;
            self.folders.remove_if_empty(owner);
            return Ok(());
        }
        let (entry, _) = leftover.split_once(UNFINISHED).ok_or_else(|| bad(leftover))?;
        let name = Self::name_of(owner, entry);
        let volume = self.volume(&name)?;
        let Some(folder) = folders::open(&volume.images)? else { return Ok(()) };
        Self::destroy(&volume, &folder, leftover)
    }

    fn resize(&self, name: &str, size: Size) -> Result<(), StorageError> {
        let volume = self.volume(name)?;
        if volume.format == Format::Subvol {
            return Err(StorageError::unsupported("a subvolume of btrfs has no size", name));
        }
        let failed = volume.failed("cannot resize", volume.entry);
        let top = volume.open(&volume.folder()?, None)?;
        let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = openat(top, DISK, flags, Mode::empty()).map_err(|e| failed(e.into()))?;
        rawfile::grow(&File::from(file), size, Preallocation::Off).map_err(failed)
    }

    fn has_feature(&self, feature: Feature, name: &str, snapshot: Option<&str>) -> bool {
        let Ok(volume) = self.volume(name) else { return false };
        let raw = volume.format == Format::Raw;
        // The name of a subvolume does not say that it is a base.
        let frozen = || {
            let top = volume.folder().and_then(|folder| volume.open(&folder, None));
            top.is_ok_and(|top| btrfs::is_read_only(top).unwrap_or(false))
        };
        let current = snapshot.is_none();
        match feature {
            Feature::Snapshot => current && !volume.word.prefix.is_base(),
            Feature::LinkedClone => raw || (current && frozen()),
            // A subvolume that is one already was left by a call that broke off.
            Feature::Template => current && !volume.word.prefix.is_base(),
            Feature::Rename => current && raw && !volume.word.prefix.is_base(),
        }
    }

    fn snapshot(&self, name: &str, snapshot: &str) -> Result<(), StorageError> {
        let volume = self.volume(name)?;
        let entry = volume.at(Some(snapshot))?;
        let folder = volume.folder()?;
        let live = volume.open(&folder, None)?;
        let c_entry = CString::new(entry.as_str()).map_err(|_| bad(snapshot))?;
        btrfs::snapshot(live.as_fd(), folder, &c_entry, true)
            .map_err(volume.failed("cannot make snapshot", &entry))
    }

    fn delete_snapshot(&self, name: &str, snapshot: &str) -> Result<(), StorageError> {
        let volume = self.volume(name)?;
        let entry = volume.at(Some(snapshot))?;
        let Some(folder) = folders::open(&volume.images)? else { return Ok(()) };
        Self::destroy(&volume, &folder, &entry)
    }

    fn check_rollback(&self, name: &str, snapshot: &str) -> Result<(), StorageError> {
        let volume = self.volume(name)?;
        let folder = volume.folder()?;
        volume.open(&folder, Some(snapshot))?;
        self.keep_nested(&volume, &volume.open(&folder, None)?)
    }

    fn rollback(&self, name: &str, snapshot: &str) -> Result<(), StorageError> {
        self.roll_back(&self.volume(name)?, snapshot)
    }

    fn snapshot_stream(&self) -> Option<StreamFormat> {
        Some(StreamFormat::Btrfs)
    }

    fn send(&self, name: &str, span: &Span<'_>, sink: Sink<'_>) -> Result<(), StorageError> {
        stream::send(&self.volume(name)?, span, sink)
    }

    fn receive(&self, name: &str, arrival: &Arrival<'_>, stream: OwnedFd) -> Result<(), StorageError> {
        stream::receive(self, &self.volume(name)?, arrival, stream)
    }

    fn base_name(&self, name: &str) -> Result<String, StorageError> {
        let volume = self.volume(name)?;
        Ok(match volume.word.prefix {
            Prefix::Vm => {
                format!("{}/{}.{}", volume.owner, volume.word.with(Prefix::Base), volume.format.word())
            }
            _ => name.to_owned(),
        })
    }

    fn protect_base(&self, _name: &str, base: &str) -> Result<(), StorageError> {
        let volume = self.volume(base)?;
        volume.refuse_snapshots()?;
        let top = volume.open(&volume.folder()?, None)?;
        btrfs::set_read_only(top, true).map_err(volume.failed("cannot protect", volume.entry))
    }

    fn clone_linked(&self, name: &str, snapshot: Option<&str>, clone: &str) -> Result<(), StorageError> {
        let (volume, clone) = (self.volume(name)?, self.volume(clone)?);
        let source = volume.open(&volume.folder()?, snapshot)?;
        self.folders.make(clone.owner, |folder| {
            btrfs::snapshot(source.as_fd(), folder, &CString::new(clone.entry)?, false)
        })
    }

    fn rename(&self, name: &str, free_name: &str) -> Result<(), StorageError> {
        let (volume, renamed) = (self.volume(name)?, self.volume(free_name)?);
        if !self.has_feature(Feature::Rename, name, None) {
            return Err(StorageError::unsupported(
                "storage does not support moving of this disk to another container",
                name,
            ));
        }
        volume.refuse_snapshots()?;
        let folder = volume.folder()?;
        volume.open(&folder, None)?;
        self.folders.make(renamed.owner, |target| {
            Ok(renameat_with(&folder, volume.entry, target, renamed.entry, RenameFlags::NOREPLACE)?)
        })?;
        self.folders.remove_if_empty(volume.owner);
        Ok(())
    }

    fn templates(&self) -> Result<Vec<String>, StorageError> {
        self.folders.templates()
    }

    fn file(&self, name: &str) -> Result<PathBuf, StorageError> {
        self.folders.file(name)
    }
}
