//! Storages of type `dir`: files and folders below one path (spec: runtime, parts 10.3 and 11.1).

use std::{
    collections::BTreeMap,
    ffi::CString,
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use rustix::fs::{AtFlags, unlinkat};

use super::{
    Format, StorageError,
    backend::{Backend, Described, Feature, Listed, Location, Space},
    cfg::Section,
    remove::remove_tree,
    volname::{self, Name, split_path_based},
};
use crate::{
    config::{Size, Vmid},
    sys::folder,
};

/// Where the templates are below the path, and how their names end (spec: runtime, part 10.3).
const TEMPLATES: &str = "template/cache";
const TEMPLATE_ENDS: [&str; 5] = [".tar", ".tar.gz", ".tar.xz", ".tar.zst", ".tar.bz2"];

/// The volume numbers that the original gives out, too.
const DISK_NUMBERS: std::ops::Range<u32> = 0..1024;

pub(super) struct DirStorage {
    path: PathBuf,
    /// Refuse to work when the path is only the empty folder under a missing mount.
    must_be_mounted: Option<PathBuf>,
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
        let path = section.get("path").filter(|p| p.starts_with('/')).ok_or("it needs an absolute 'path'")?;
        let must_be_mounted = match section.get("is_mountpoint") {
            None | Some("0" | "no" | "off" | "false") => None,
            Some("1" | "yes" | "on" | "true") => Some(PathBuf::from(path)),
            Some(mount) => Some(PathBuf::from(mount)),
        };
        Ok(Self { path: PathBuf::from(path), must_be_mounted })
    }

    fn images(&self, owner: Vmid) -> PathBuf {
        self.path.join("images").join(owner.to_string())
    }

    /// The path of a volume, from a name that was checked.
    fn volume(&self, name: &str) -> Result<(PathBuf, Format), StorageError> {
        let (_, parsed) = Self::parse(name)?;
        Ok((self.path.join("images").join(name), parsed.format))
    }

    fn parse(name: &str) -> Result<(Vmid, Name<'_>), StorageError> {
        split_path_based(name).ok_or_else(|| StorageError::BadName { name: name.to_owned() })
    }

    fn create(&self, path: &Path, format: Format, size: Size) -> io::Result<()> {
        match format {
            Format::Raw => {
                let file = OpenOptions::new().write(true).create_new(true).mode(0o640).open(path)?;
                file.set_len(size.bytes()).inspect_err(|_| drop(fs::remove_file(path)))
            }
            Format::Subvol => {
                fs::create_dir(path)?;
                // It is the container's `/`: whatever the umask, everybody inside must pass.
                fs::set_permissions(path, fs::Permissions::from_mode(0o755))
            }
        }
    }
}

impl Backend for DirStorage {
    fn format_for(&self, size: Size) -> Format {
        if size.bytes() > 0 { Format::Raw } else { Format::Subvol }
    }

    fn activate(&self) -> Result<(), StorageError> {
        self.check()?;
        // Others must not reach a set-user-id file that a container's root has made.
        folder::make(&self.path, 0o711).map_err(|e| StorageError::io("cannot make", &self.path, e))
    }

    /// The folder need not be there: it is made when it is needed.
    fn check(&self) -> Result<(), StorageError> {
        if let Some(mount) = &self.must_be_mounted {
            let device = |path: &Path| rustix::fs::stat(path).map(|s| s.st_dev);
            let parent = mount.parent().unwrap_or(Path::new("/"));
            if device(mount).ok().is_none_or(|d| device(parent) == Ok(d)) {
                let reason = "it is expected to be a mount point but is not mounted".to_owned();
                return Err(StorageError::Unusable { storage: mount.display().to_string(), reason });
            }
        }
        Ok(())
    }

    fn space(&self) -> Result<Space, StorageError> {
        let found = rustix::fs::statvfs(&self.path)
            .map_err(|errno| StorageError::io("cannot read", &self.path, errno))?;
        let bytes = |blocks: u64| blocks.saturating_mul(found.f_frsize);
        Ok(Space {
            total: bytes(found.f_blocks),
            used: bytes(found.f_blocks - found.f_bfree),
            available: bytes(found.f_bavail),
        })
    }

    fn describe(&self, name: &str) -> Result<Described, StorageError> {
        let (owner, parsed) = Self::parse(name)?;
        Ok(Described { owner, format: parsed.format, base: None, is_base: parsed.is_base })
    }

    fn allocate(&self, owner: Vmid, format: Format, size: Size) -> Result<String, StorageError> {
        if format == Format::Subvol && size.bytes() > 0 {
            return Err(StorageError::unsupported(
                "storage does not support subvol quotas",
                &owner.to_string(),
            ));
        }
        let folder = self.images(owner);
        folder::make(&folder, 0o711).map_err(|e| StorageError::io("cannot make", &folder, e))?;
        let taken: Vec<u32> = files(&folder)?.iter().filter_map(|n| Name::parse(n)?.disk_number()).collect();
        for number in DISK_NUMBERS.filter(|n| !taken.contains(n)) {
            let file = volname::disk_file(owner, format, number);
            let path = folder.join(&file);
            match self.create(&path, format, size) {
                Ok(()) => return Ok(format!("{owner}/{file}")),
                Err(source) if source.kind() == io::ErrorKind::AlreadyExists => {}
                Err(source) => return Err(StorageError::io("cannot make volume", &path, source)),
            }
        }
        Err(StorageError::NoFreeName { owner: owner.get(), folder })
    }

    fn free(&self, name: &str) -> Result<(), StorageError> {
        let (path, _) = self.volume(name)?;
        let (Some(folder), Some(file)) = (path.parent(), path.file_name().and_then(|f| f.to_str())) else {
            return Err(StorageError::BadName { name: name.to_owned() });
        };
        let parent = match File::open(folder) {
            Ok(parent) => parent,
            Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(source) => return Err(StorageError::io("cannot open", folder, source)),
        };
        let c_name = CString::new(file).map_err(|_| StorageError::BadName { name: name.to_owned() })?;
        remove_tree(&parent, &c_name, &path)?;
        // The folder goes with its last volume; while others are in it, the kernel refuses.
        let _ = unlinkat(rustix::fs::CWD, folder, AtFlags::REMOVEDIR);
        Ok(())
    }

    fn locate(&self, name: &str, snapshot: Option<&str>) -> Result<Location, StorageError> {
        if snapshot.is_some() {
            return Err(StorageError::unsupported("this volume has no snapshots", name));
        }
        let (path, format) = self.volume(name)?;
        let missing = |_| StorageError::MissingVolume { name: name.to_owned(), path: path.clone() };
        let kind = fs::symlink_metadata(&path).map_err(missing)?.file_type();
        match format {
            Format::Raw if kind.is_file() => Ok(Location::Image(path)),
            Format::Subvol if kind.is_dir() => Ok(Location::Directory(path)),
            _ => Err(StorageError::MissingVolume { name: name.to_owned(), path }),
        }
    }

    fn list(&self, owner: Option<Vmid>) -> Result<Vec<Listed>, StorageError> {
        let owners = match owner {
            Some(owner) => vec![owner],
            None => {
                files(&self.path.join("images"))?.iter().filter_map(|folder| folder.parse().ok()).collect()
            }
        };
        let mut found = Vec::new();
        for owner in owners {
            for file in files(&self.images(owner))? {
                let Some(parsed) = Name::parse(&file).filter(|name| name.owner == owner) else { continue };
                let format = parsed.format;
                let name = format!("{owner}/{file}");
                // Removed meanwhile, or something else of that name.
                let Ok(location) = self.locate(&name, None) else { continue };
                found.push(Listed { size: location.size()?, name, owner, format, parent: None });
            }
        }
        found.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }

    fn resize(&self, name: &str, size: Size) -> Result<(), StorageError> {
        let Location::Image(path) = self.locate(name, None)? else {
            return Err(StorageError::unsupported("this volume can't be resized", name));
        };
        let failed = |source| StorageError::io("cannot resize", &path, source);
        let file = OpenOptions::new().write(true).open(&path).map_err(failed)?;
        if file.metadata().map_err(failed)?.len() > size.bytes() {
            return Err(StorageError::unsupported("unable to shrink this volume", name));
        }
        file.set_len(size.bytes()).map_err(failed)
    }

    fn templates(&self) -> Result<Vec<String>, StorageError> {
        let folder = self.path.join(TEMPLATES);
        let mut names = files(&folder)?;
        names.retain(|file| {
            let named = !file.starts_with('.') && TEMPLATE_ENDS.iter().any(|end| file.ends_with(end));
            named && folder.join(file).is_file()
        });
        names.sort_unstable();
        Ok(names.iter().map(|file| format!("vztmpl/{file}")).collect())
    }

    fn file(&self, name: &str) -> Result<PathBuf, StorageError> {
        let bad = || StorageError::BadName { name: name.to_owned() };
        let (kind, file) = name.split_once('/').ok_or_else(bad)?;
        let folder = match kind {
            "vztmpl" => TEMPLATES,
            "backup" => "dump",
            "snippets" => "snippets",
            _ => return Err(bad()),
        };
        if file.contains('/') || file.starts_with('.') || file.is_empty() {
            return Err(bad());
        }
        let path = self.path.join(folder).join(file);
        if path.is_file() {
            Ok(path)
        } else {
            Err(StorageError::MissingVolume { name: name.to_owned(), path })
        }
    }

    fn has_feature(&self, feature: Feature, name: &str, snapshot: Option<&str>) -> bool {
        let Ok((_, parsed)) = Self::parse(name) else { return false };
        snapshot.is_none()
            && match feature {
                Feature::Template => true,
                Feature::Rename => parsed.format == Format::Raw,
                Feature::Snapshot | Feature::LinkedClone => false,
            }
    }
}

/// The names in a folder; none when there is no folder.
fn files(folder: &Path) -> Result<Vec<String>, StorageError> {
    let failed = |source| StorageError::io("cannot read", folder, source);
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(failed(source)),
    };
    entries.map(|entry| Ok(entry.map_err(failed)?.file_name().to_string_lossy().into_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn storage(path: &Path) -> DirStorage {
        DirStorage { path: path.to_owned(), must_be_mounted: None }
    }

    #[test]
    fn volumes_get_the_lowest_free_number_and_are_found_again() {
        let temp = tempfile::tempdir().unwrap();
        let dir = storage(temp.path());
        let vmid = Vmid::new(9001).unwrap();
        let raw = dir.allocate(vmid, Format::Raw, Size::from_bytes(1 << 20)).unwrap();
        let tree = dir.allocate(vmid, Format::Subvol, Size::from_bytes(0)).unwrap();
        assert_eq!(
            (raw.as_str(), tree.as_str()),
            ("9001/vm-9001-disk-0.raw", "9001/subvol-9001-disk-1.subvol")
        );
        let path = temp.path().join("images/9001/vm-9001-disk-0.raw");
        assert_eq!(dir.locate(&raw, None).unwrap(), Location::Image(path.clone()));
        assert_eq!(fs::metadata(&path).unwrap().len(), 1 << 20);
        dir.free(&raw).unwrap();
        assert!(matches!(dir.locate(&raw, None), Err(StorageError::MissingVolume { .. })));
        assert_eq!(dir.allocate(vmid, Format::Raw, Size::from_bytes(4096)).unwrap(), raw);
        let names: Vec<_> = dir.list(Some(vmid)).unwrap().into_iter().map(|listed| listed.name).collect();
        assert_eq!(names, [tree.as_str(), raw.as_str()]);
        assert_eq!(dir.list(None).unwrap().len(), 2);
        dir.free(&raw).unwrap();
        dir.free(&tree).unwrap();
        assert!(!temp.path().join("images/9001").exists());
    }

    #[test]
    fn a_size_for_a_plain_directory_is_refused() {
        let temp = tempfile::tempdir().unwrap();
        let refused =
            storage(temp.path()).allocate(Vmid::new(9001).unwrap(), Format::Subvol, Size::from_bytes(1));
        assert!(matches!(refused, Err(StorageError::Unsupported { .. })));
    }

    #[test]
    fn only_images_grow_and_nothing_shrinks() {
        let temp = tempfile::tempdir().unwrap();
        let dir = storage(temp.path());
        let vmid = Vmid::new(9001).unwrap();
        let raw = dir.allocate(vmid, Format::Raw, Size::from_bytes(4096)).unwrap();
        dir.resize(&raw, Size::from_bytes(8192)).unwrap();
        assert_eq!(dir.size(&raw).unwrap(), Size::from_bytes(8192));
        assert!(dir.resize(&raw, Size::from_bytes(4096)).is_err());
        assert_eq!(dir.size(&raw).unwrap(), Size::from_bytes(8192));
        let tree = dir.allocate(vmid, Format::Subvol, Size::from_bytes(0)).unwrap();
        assert!(matches!(dir.resize(&tree, Size::from_bytes(8192)), Err(StorageError::Unsupported { .. })));
    }

    #[test]
    fn templates_are_plain_files_with_the_ends_of_templates() {
        let temp = tempfile::tempdir().unwrap();
        let dir = storage(temp.path());
        assert_eq!(dir.templates().unwrap(), [""; 0], "no folder, no templates");
        let cache = temp.path().join("template/cache");
        fs::create_dir_all(cache.join("folder.tar")).unwrap();
        for file in ["b.tar.zst", "a.tar", "c.tar.gz", "d.tgz", "a.tar.zst.tmp", ".x.tar", "notes.txt"] {
            fs::write(cache.join(file), "").unwrap();
        }
        let templates = dir.templates().unwrap();
        assert_eq!(templates, ["vztmpl/a.tar", "vztmpl/b.tar.zst", "vztmpl/c.tar.gz"]);
        assert!(templates.iter().all(|name| dir.file(name).is_ok()));
    }

    #[test]
    fn template_names_cannot_climb() {
        let temp = tempfile::tempdir().unwrap();
        let dir = storage(temp.path());
        fs::create_dir_all(temp.path().join("template/cache")).unwrap();
        fs::write(temp.path().join("secret.tar"), "").unwrap();
        fs::write(temp.path().join("template/cache/a.tar"), "").unwrap();
        assert!(dir.file("vztmpl/a.tar").is_ok());
        for bad in
            ["vztmpl/../secret.tar", "vztmpl/", "vztmpl/.hidden", "iso/a.tar", "vztmpl/../../secret.tar"]
        {
            assert!(dir.file(bad).is_err(), "{bad}");
        }
    }
}
