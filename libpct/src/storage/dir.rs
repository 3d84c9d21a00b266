//! Storages of type `dir`, and those that are one once they are mounted: files and folders below one path (spec:
//! runtime, parts 10.3 and 11.1).

use std::{
    collections::BTreeMap,
    ffi::CString,
    fs::{self, File},
    io,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
};

use rustix::{
    fs::{
        AtFlags, IFlags, Mode, OFlags, RenameFlags, fchmod, fstat, ioctl_getflags, ioctl_setflags, mkdirat,
        openat, renameat, renameat_with, statat, unlinkat,
    },
    io::Errno,
};

use super::{
    Format, StorageError,
    backend::{Backend, Described, Feature, Listed, Location, Space},
    cfg::Section,
    folders::{self, FOLDER, Folders},
    mounts, overlay,
    rawfile::{self, Preallocation},
    remove::remove_tree,
    volname::{FileName, Prefix, bad, disk_name},
};
use crate::config::{Size, Vmid};

pub(super) struct DirStorage {
    id: String,
    folders: Folders,
    preallocation: Preallocation,
    /// What is mounted on the path, where it is not the host's.
    source: Option<Box<dyn Source>>,
}

/// A server whose file system is mounted.
pub(super) trait Source {
    /// Whether it answers. A mount of one that does not may never end.
    fn find(&self) -> Result<(), StorageError>;

    fn mount(&self, path: &Path) -> Result<(), StorageError>;
}

/// The section of the storage `local` that exists without being written anywhere.
pub(super) fn default_section(path: &Path) -> Section {
    let properties = BTreeMap::from([
        ("path".to_owned(), path.display().to_string()),
        ("content".to_owned(), "backup,images,iso,rootdir,snippets,vztmpl".to_owned()),
    ]);
    Section { kind: "dir".to_owned(), id: "local".to_owned(), properties }
}

impl DirStorage {
    pub(super) fn from_section(section: &Section) -> Result<Self, String> {
        Self::new(section, Folders::from_section(section)?)
    }

    pub(super) fn new(section: &Section, folders: Folders) -> Result<Self, String> {
        let preallocation = Preallocation::from_section(section)?;
        Ok(Self { id: section.id.clone(), folders, preallocation, source: None })
    }

    /// The same on a file system that has to be mounted first.
    pub(super) fn mounted_by(self, source: Box<dyn Source>) -> Self {
        Self { source: Some(source), ..self }
    }

    fn offline(&self, source: StorageError) -> StorageError {
        StorageError::Offline { storage: self.id.clone(), source: Box::new(source) }
    }

    fn answers(&self) -> Result<(), StorageError> {
        mounts::answers(&self.folders.path).map_err(|e| self.offline(e))
    }

    fn path(&self, file: &FileName<'_>) -> PathBuf {
        self.folders.images(file.name.owner).join(file.file)
    }

    /// Opens the folder that a volume is in.
    fn folder(&self, name: &str, file: &FileName<'_>) -> Result<OwnedFd, StorageError> {
        let missing = || StorageError::MissingVolume { name: name.to_owned(), path: self.path(file) };
        folders::open(&self.folders.images(file.name.owner))?.ok_or_else(missing)
    }

    fn create(&self, folder: &OwnedFd, file: &str, format: Format, size: Size) -> io::Result<()> {
        match format {
            Format::Raw => rawfile::create(folder, file, false, size, self.preallocation),
            Format::Subvol => {
                mkdirat(folder, file, Mode::from_raw_mode(0o755))?;
                // It is the container's `/`: whatever the umask, everybody inside must pass.
                let made = openat(folder, file, FOLDER, Mode::empty())
                    .and_then(|made| fchmod(made, Mode::from_raw_mode(0o755)));
                if made.is_err() {
                    // Nobody else would: to the caller there is no volume.
                    let _ = unlinkat(folder, file, AtFlags::REMOVEDIR);
                }
                Ok(made?)
            }
        }
    }
}

impl Backend for DirStorage {
    fn format_for(&self, size: Size) -> Format {
        if size.bytes() > 0 { Format::Raw } else { Format::Subvol }
    }

    fn activate(&self) -> Result<(), StorageError> {
        let Some(source) = &self.source else {
            self.answers()?;
            return self.folders.activate();
        };
        source.find().map_err(|e| self.offline(e))?;
        if mounts::is_mounted(&self.folders.path)? {
            return self.answers();
        }
        self.folders.activate()?;
        source.mount(&self.folders.path)
    }

    fn check(&self) -> Result<(), StorageError> {
        if self.source.is_some() && !mounts::is_mounted(&self.folders.path)? {
            return Err(self.folders.unusable("it is not mounted"));
        }
        self.answers()?;
        self.folders.check()
    }

    fn space(&self) -> Result<Space, StorageError> {
        self.folders.space()
    }

    fn describe(&self, name: &str) -> Result<Described, StorageError> {
        let FileName { name: word, format, .. } = FileName::of_volume(name)?;
        Ok(Described { owner: word.owner, format, base: None, is_base: word.prefix.is_base() })
    }

    fn free_name(&self, owner: Vmid, format: Format) -> Result<String, StorageError> {
        let word = disk_name(owner, format, self.folders.free_number(owner)?);
        Ok(format!("{owner}/{word}.{}", format.word()))
    }

    fn allocate(&self, name: &str, size: Size) -> Result<(), StorageError> {
        let FileName { name: word, format, file } = FileName::of_volume(name)?;
        if format == Format::Subvol {
            // Owners of a server's files are not the host's to give.
            let refused = match &self.source {
                Some(_) => Some("a volume on this storage needs a size"),
                None => (size.bytes() > 0).then_some("storage does not support subvol quotas"),
            };
            if let Some(what) = refused {
                return Err(StorageError::unsupported(what, name));
            }
        }
        self.folders.make(word.owner, |folder| self.create(folder, file, format, size))
    }

    fn free(&self, name: &str) -> Result<(), StorageError> {
        let file = FileName::of_volume(name)?;
        let path = self.path(&file);
        let Some(folder) = folders::open(&self.folders.images(file.name.owner))? else { return Ok(()) };
        if file.name.prefix.is_base() && overlay::is_backing(&self.folders, &file)? {
            return Err(StorageError::InUse { volume: name.to_owned() });
        }
        set_immutable(&folder, file.file, false)
            .map_err(|e| StorageError::io("cannot make removable", &path, e))?;
        let c_name = CString::new(file.file).map_err(|_| bad(name))?;
        remove_tree(&folder, &c_name, &path)?;
        self.folders.remove_if_empty(file.name.owner);
        Ok(())
    }

    fn locate(&self, name: &str, snapshot: Option<&str>) -> Result<Location, StorageError> {
        if snapshot.is_some() {
            return Err(StorageError::unsupported("this volume has no snapshots", name));
        }
        let file = FileName::of_volume(name)?;
        let path = self.path(&file);
        let missing = |_| StorageError::MissingVolume { name: name.to_owned(), path: path.clone() };
        let kind = fs::symlink_metadata(&path).map_err(missing)?.file_type();
        match file.format {
            Format::Raw if kind.is_file() => Ok(Location::Image(path)),
            Format::Subvol if kind.is_dir() => Ok(Location::Directory(path)),
            _ => Err(StorageError::MissingVolume { name: name.to_owned(), path }),
        }
    }

    fn list(&self, owner: Option<Vmid>) -> Result<Vec<Listed>, StorageError> {
        let mut found = Vec::new();
        for (owner, file) in self.folders.entries(owner)? {
            let name = format!("{owner}/{file}");
            let Ok(parsed) = FileName::of_volume(&name) else { continue };
            // Removed meanwhile, or something else of that name.
            let Ok(location) = self.locate(&name, None) else { continue };
            found.push(Listed { size: location.size()?, owner, format: parsed.format, parent: None, name });
        }
        found.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }

    fn resize(&self, name: &str, size: Size) -> Result<(), StorageError> {
        let Location::Image(path) = self.locate(name, None)? else {
            return Err(StorageError::unsupported("this volume has no size", name));
        };
        let file = File::options().read(true).write(true).open(&path);
        file.and_then(|file| rawfile::grow(&file, size, self.preallocation))
            .map_err(|e| StorageError::io("cannot resize", &path, e))
    }

    fn has_feature(&self, feature: Feature, name: &str, snapshot: Option<&str>) -> bool {
        let Ok(file) = FileName::of_volume(name) else { return false };
        let current = snapshot.is_none() && !file.name.prefix.is_base();
        match feature {
            Feature::Template => current,
            Feature::Rename => current && file.format == Format::Raw,
            Feature::Snapshot | Feature::LinkedClone => false,
        }
    }

    fn base_name(&self, name: &str) -> Result<String, StorageError> {
        let FileName { name: word, format, .. } = FileName::of_volume(name)?;
        match word.prefix {
            Prefix::Base | Prefix::Basevol => {
                Err(StorageError::unsupported("this volume is a base already", name))
            }
            Prefix::Subvol => Ok(name.to_owned()),
            Prefix::Vm => Ok(format!("{}/{}.{}", word.owner, word.with(Prefix::Base), format.word())),
        }
    }

    fn protect_base(&self, _name: &str, base: &str) -> Result<(), StorageError> {
        let file = FileName::of_volume(base)?;
        let folder = self.folder(base, &file)?;
        let protect = || -> io::Result<()> {
            let fd = open_volume(&folder, file.file)?;
            let read_only = Mode::from_raw_mode(0o444);
            // The mode of a folder is that of the containers' `/`: it stays, and so do they usable. That of a file which is
            // immutable already can't be set.
            if file.format == Format::Raw && Mode::from_raw_mode(fstat(&fd)?.st_mode) != read_only {
                fchmod(&fd, read_only)?;
            }
            set_immutable(&folder, file.file, true)
        };
        protect().map_err(|e| StorageError::io("cannot protect", &self.path(&file), e))
    }

    fn rename(&self, name: &str, free_name: &str) -> Result<(), StorageError> {
        if !self.has_feature(Feature::Rename, name, None) {
            return Err(StorageError::unsupported(
                "storage does not support moving of this disk to another container",
                name,
            ));
        }
        let (file, new) = (FileName::of_volume(name)?, FileName::of_volume(free_name)?);
        let folder = self.folder(name, &file)?;
        self.folders.make(new.name.owner, |target| rename_new(&folder, file.file, target, new.file))?;
        self.folders.remove_if_empty(file.name.owner);
        Ok(())
    }

    fn templates(&self) -> Result<Vec<String>, StorageError> {
        self.folders.templates()
    }

    fn file(&self, name: &str) -> Result<PathBuf, StorageError> {
        self.folders.file(name)
    }
}

/// Opens a volume to look at it or to set its attributes.
fn open_volume(folder: &OwnedFd, name: &str) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    Ok(openat(folder, name, flags, Mode::empty())?)
}

/// Gives a file a name that nobody has.
fn rename_new(from: &OwnedFd, old: &str, to: &OwnedFd, new: &str) -> io::Result<()> {
    match renameat_with(from, old, to, new, RenameFlags::NOREPLACE) {
        // The file systems of servers cannot promise it.
        Err(Errno::INVAL) => rename_unless_there(from, old, to, new),
        done => Ok(done?),
    }
}

/// The same where the storage's lock alone keeps the name free.
fn rename_unless_there(from: &OwnedFd, old: &str, to: &OwnedFd, new: &str) -> io::Result<()> {
    match statat(to, new, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(_) => Err(Errno::EXIST.into()),
        Err(Errno::NOENT) => Ok(renameat(from, old, to, new)?),
        Err(e) => Err(e.into()),
    }
}

/// Protects a base from everybody, or not. A file system that has no such attribute goes without it, and so does a
/// volume that is not there.
fn set_immutable(folder: &OwnedFd, name: &str, immutable: bool) -> io::Result<()> {
    let fd = match open_volume(folder, name) {
        Ok(fd) => fd,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(e),
    };
    let set = ioctl_getflags(&fd).and_then(|flags| {
        let wanted = if immutable { flags | IFlags::IMMUTABLE } else { flags - IFlags::IMMUTABLE };
        if wanted == flags { Ok(()) } else { ioctl_setflags(&fd, wanted) }
    });
    match set {
        // Not there, or (in a user namespace) not ours to set.
        Err(Errno::NOTTY | Errno::OPNOTSUPP | Errno::INVAL | Errno::PERM) => Ok(()),
        other => Ok(other?),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    use super::*;
    use crate::{
        storage::{
            backend::testing::{based, made, renamed},
            cfg,
        },
        sys::testing::needs_root,
    };

    fn storage(path: &Path) -> DirStorage {
        let text = format!("dir: some\n\tpath {}\n", path.display());
        DirStorage::from_section(&cfg::section(&text)).unwrap()
    }

    fn vmid(id: u32) -> Vmid {
        Vmid::new(id).unwrap()
    }

    fn mib(size: u64) -> Size {
        Size::from_bytes(size << 20)
    }

    #[test]
    fn volumes_get_the_lowest_free_number_and_are_found_again() {
        let temp = tempfile::tempdir().unwrap();
        let dir = storage(temp.path());
        let vmid = vmid(9001);
        let raw = made(&dir, vmid, Format::Raw, mib(1)).unwrap();
        let tree = made(&dir, vmid, Format::Subvol, mib(0)).unwrap();
        assert_eq!(
            (raw.as_str(), tree.as_str()),
            ("9001/vm-9001-disk-0.raw", "9001/subvol-9001-disk-1.subvol")
        );
        let path = temp.path().join("images/9001/vm-9001-disk-0.raw");
        assert_eq!(dir.locate(&raw, None).unwrap(), Location::Image(path.clone()));
        assert_eq!(fs::metadata(&path).unwrap().len(), 1 << 20);
        dir.free(&raw).unwrap();
        assert!(matches!(dir.locate(&raw, None), Err(StorageError::MissingVolume { .. })));
        assert_eq!(made(&dir, vmid, Format::Raw, mib(1)).unwrap(), raw);
        let names: Vec<_> = dir.list(Some(vmid)).unwrap().into_iter().map(|listed| listed.name).collect();
        assert_eq!(names, [tree.as_str(), raw.as_str()]);
        assert_eq!(dir.list(None).unwrap().len(), 2);
        dir.free(&raw).unwrap();
        dir.free(&tree).unwrap();
        assert!(!temp.path().join("images/9001").exists());
        dir.free(&tree).unwrap();
    }

    #[test]
    fn a_size_for_a_plain_directory_is_refused() {
        let temp = tempfile::tempdir().unwrap();
        let refused = made(&storage(temp.path()), vmid(9001), Format::Subvol, Size::from_bytes(1));
        assert!(matches!(refused, Err(StorageError::Unsupported { .. })));
    }

    #[test]
    fn only_files_have_a_size_to_change_and_can_be_given_away() {
        let temp = tempfile::tempdir().unwrap();
        let dir = storage(temp.path());
        let raw = made(&dir, vmid(9001), Format::Raw, mib(1)).unwrap();
        let tree = made(&dir, vmid(9001), Format::Subvol, mib(0)).unwrap();
        dir.resize(&raw, mib(2)).unwrap();
        assert_eq!(dir.size(&raw).unwrap(), mib(2));
        assert!(dir.resize(&raw, mib(1)).is_err());
        assert!(dir.resize(&tree, mib(1)).is_err());
        assert!(
            dir.has_feature(Feature::Rename, &raw, None) && !dir.has_feature(Feature::Rename, &tree, None)
        );
        made(&dir, vmid(9002), Format::Subvol, mib(0)).unwrap();
        let given = renamed(&dir, &raw, vmid(9002)).unwrap();
        assert_eq!(given, "9002/vm-9002-disk-1.raw");
        assert_eq!(dir.size(&given).unwrap(), mib(2));
        assert!(renamed(&dir, &tree, vmid(9002)).is_err());
        assert!(renamed(&dir, &raw, vmid(9003)).is_err(), "it is gone");
        assert!(!temp.path().join("images/9003").exists());
    }

    #[test]
    fn a_base_is_read_only_until_it_is_freed() {
        let temp = tempfile::tempdir_in("/var/tmp").unwrap();
        let dir = storage(temp.path());
        let raw = made(&dir, vmid(9001), Format::Raw, mib(1)).unwrap();
        let tree = made(&dir, vmid(9001), Format::Subvol, mib(0)).unwrap();
        let (base, base_tree) = (based(&dir, &raw).unwrap(), based(&dir, &tree).unwrap());
        assert_eq!((base.as_str(), &base_tree), ("9001/base-9001-disk-0.raw", &tree));
        for name in [&raw, &tree] {
            based(&dir, name)
                .unwrap_or_else(|e| panic!("as if the first call had broken off at its end: {e}"));
        }
        let folder = temp.path().join("images/9001");
        assert_eq!(fs::metadata(folder.join("base-9001-disk-0.raw")).unwrap().mode() & 0o7777, 0o444);
        assert_eq!(fs::metadata(folder.join("subvol-9001-disk-1.subvol")).unwrap().mode() & 0o7777, 0o755);
        assert!(dir.describe(&base).unwrap().is_base);
        assert!(based(&dir, &base).is_err() && !dir.has_feature(Feature::Template, &base, None));
        // Others may be denied by the mode; root only by the attribute, where the file system has it.
        let fd = open_volume(&folders::open(&folder).unwrap().unwrap(), "base-9001-disk-0.raw").unwrap();
        if needs_root() && ioctl_getflags(&fd).is_ok() {
            assert!(ioctl_getflags(&fd).unwrap().contains(IFlags::IMMUTABLE));
            assert!(fs::write(folder.join("subvol-9001-disk-1.subvol/x"), "").is_err());
            assert!(fs::remove_file(folder.join("base-9001-disk-0.raw")).is_err());
        }
        fs::create_dir(temp.path().join("images/9002")).unwrap();
        let clone = temp.path().join("images/9002/vm-9002-disk-0.qcow2");
        let name = b"../9001/base-9001-disk-0.raw";
        let header = [b"QFI\xfb\0\0\0\x03", &20u64.to_be_bytes()[..], &28u32.to_be_bytes(), name].concat();
        fs::write(&clone, header).unwrap();
        assert!(matches!(dir.free(&base), Err(StorageError::InUse { .. })));
        fs::remove_file(clone).unwrap();
        dir.free(&base).unwrap();
        dir.free(&base_tree).unwrap();
        assert!(!folder.exists());
        assert_eq!(fs::metadata(temp.path().join("images")).unwrap().permissions().mode() & 0o7777, 0o700);
    }

    #[test]
    fn a_name_that_somebody_has_is_not_taken() {
        let temp = tempfile::tempdir().unwrap();
        let folder = folders::open(temp.path()).unwrap().unwrap();
        for rename in [rename_new, rename_unless_there] {
            fs::write(temp.path().join("old"), "old").unwrap();
            fs::write(temp.path().join("new"), "new").unwrap();
            let refused = rename(&folder, "old", &folder, "new").unwrap_err();
            assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists);
            assert_eq!(fs::read(temp.path().join("new")).unwrap(), b"new");
            fs::remove_file(temp.path().join("new")).unwrap();
            rename(&folder, "old", &folder, "new").unwrap();
            assert_eq!(fs::read(temp.path().join("new")).unwrap(), b"old");
        }
    }
}
