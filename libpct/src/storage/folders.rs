//! What storages that are a folder have in common: where their content is, templates and other plain files, the
//! folders of the containers' volumes (spec: runtime, part 10.3).

use std::{
    fs, io,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
};

use rustix::fs::{CWD, Mode, OFlags, openat};

use super::{
    StorageError,
    backend::Space,
    cfg::Section,
    volname::{bad, free_numbers, no_free_name},
};
use crate::{
    config::Vmid,
    sys::{filesystem, folder},
};

/// How the names of templates end.
const TEMPLATE_ENDS: [&str; 5] = [".tar", ".tar.gz", ".tar.xz", ".tar.zst", ".tar.bz2"];

/// The word in a volume's name, the content type, and the usual folder of plain files.
const FILES: [(&str, &str, &str); 3] = [
    ("vztmpl", "vztmpl", "template/cache"),
    ("backup", "backup", "dump"),
    ("snippets", "snippets", "snippets"),
];

/// How a volume's folder, or the one it is in, is opened.
pub(super) const FOLDER: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

pub(super) struct Folders {
    pub(super) path: PathBuf,
    /// Refuse to work when the path is only the empty folder under a missing mount.
    must_be_mounted: Option<PathBuf>,
    makes_path: bool,
    /// Folders that are not the usual ones, by content type.
    elsewhere: Vec<(String, PathBuf)>,
}

impl Folders {
    pub(super) fn from_section(section: &Section) -> Result<Self, String> {
        Self::at(section, section.get("path").ok_or("it needs a 'path'")?.into())
    }

    /// The same for a kind whose path is optional.
    pub(super) fn at(section: &Section, path: PathBuf) -> Result<Self, String> {
        if !path.is_absolute() {
            return Err("its 'path' must be absolute".to_owned());
        }
        let must_be_mounted = match section.get("is_mountpoint") {
            Some(mount) if mount.starts_with('/') => Some(PathBuf::from(mount)),
            _ => section.flag("is_mountpoint").then(|| path.clone()),
        };
        let makes_path = ["create-base-path", "mkdir"]
            .into_iter()
            .find(|key| section.get(key).is_some())
            .is_none_or(|key| section.flag(key));
        let mut elsewhere = Vec::new();
        for entry in section.list("content-dirs").unwrap_or_default() {
            let (content, folder) = entry.split_once('=').ok_or("'content-dirs' is a list of type=folder")?;
            let folder = folder.trim_start_matches('/');
            if folder.is_empty() || Path::new(folder).components().any(|part| part.as_os_str() == "..") {
                return Err(format!("'content-dirs' leads out of the storage: '{entry}'"));
            }
            elsewhere.push((content.to_owned(), path.join(folder)));
        }
        Ok(Self { path, must_be_mounted, makes_path, elsewhere })
    }

    fn content(&self, content: &str, usual: &str) -> PathBuf {
        let found = self.elsewhere.iter().find(|(known, _)| known == content);
        found.map_or_else(|| self.path.join(usual), |(_, path)| path.clone())
    }

    /// The folder of all volumes.
    pub(super) fn all_images(&self) -> PathBuf {
        self.content("images", "images")
    }

    /// The folder of a container's volumes.
    pub(super) fn images(&self, owner: Vmid) -> PathBuf {
        self.all_images().join(owner.to_string())
    }

    /// Makes the path, where it may be made.
    pub(super) fn activate(&self) -> Result<(), StorageError> {
        self.check()?;
        if !self.makes_path && !self.path.is_dir() {
            return Err(self.unusable("its path does not exist"));
        }
        folder::make(&self.path, 0o711).map_err(|e| StorageError::io("cannot make", &self.path, e))
    }

    /// The folder need not be there: it is made when it is needed.
    pub(super) fn check(&self) -> Result<(), StorageError> {
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

    pub(super) fn unusable(&self, reason: &str) -> StorageError {
        StorageError::Unusable { storage: self.path.display().to_string(), reason: reason.to_owned() }
    }

    pub(super) fn space(&self) -> Result<Space, StorageError> {
        filesystem::space_at(&self.path).map_err(|errno| StorageError::io("cannot read", &self.path, errno))
    }

    /// The lowest number that no volume of a container has.
    pub(super) fn free_number(&self, owner: Vmid) -> Result<u32, StorageError> {
        let images = self.images(owner);
        let names = names(&images)?;
        let number = free_numbers(owner, names.iter().map(String::as_str)).next();
        number.ok_or_else(|| no_free_name(owner, &images))
    }

    /// Makes something in the folder of a container.
    pub(super) fn make(
        &self,
        owner: Vmid,
        make: impl FnOnce(&OwnedFd) -> io::Result<()>,
    ) -> Result<(), StorageError> {
        let images = self.images(owner);
        // Users of the host must not reach a set-user-id file that the root of a container has made. No container goes this way.
        folder::make(&images, 0o700).map_err(|e| StorageError::io("cannot make", &images, e))?;
        let gone = || StorageError::io("cannot open", &images, io::ErrorKind::NotFound);
        make(&open(&images)?.ok_or_else(gone)?).map_err(|source| {
            self.remove_if_empty(owner);
            StorageError::io("cannot make a volume in", &images, source)
        })
    }

    /// The folder of a container goes with its last volume; while others are in it, the kernel refuses.
    pub(super) fn remove_if_empty(&self, owner: Vmid) {
        let _ = fs::remove_dir(self.images(owner));
    }

    /// What lies in the folders of one container, or of all: the container and the name of the file.
    pub(super) fn entries(&self, owner: Option<Vmid>) -> Result<Vec<(Vmid, String)>, StorageError> {
        let owners = match owner {
            Some(owner) => vec![owner],
            None => names(&self.all_images())?.iter().filter_map(|folder| folder.parse().ok()).collect(),
        };
        let mut found = Vec::new();
        for owner in owners {
            found.extend(names(&self.images(owner))?.into_iter().map(|file| (owner, file)));
        }
        found.sort_unstable();
        Ok(found)
    }

    pub(super) fn templates(&self) -> Result<Vec<String>, StorageError> {
        let (word, content, usual) = FILES[0];
        let folder = self.content(content, usual);
        let mut found = names(&folder)?;
        found.retain(|file| {
            let named = !file.starts_with('.') && TEMPLATE_ENDS.iter().any(|end| file.ends_with(end));
            named && folder.join(file).is_file()
        });
        found.sort_unstable();
        Ok(found.iter().map(|file| format!("{word}/{file}")).collect())
    }

    /// The path of a template, backup or snippet that is there.
    pub(super) fn file(&self, name: &str) -> Result<PathBuf, StorageError> {
        let (word, file) = name.split_once('/').ok_or_else(|| bad(name))?;
        let known = FILES.iter().find(|(known, ..)| *known == word);
        let (_, content, usual) = known.ok_or_else(|| bad(name))?;
        if file.contains('/') || file.starts_with('.') || file.is_empty() {
            return Err(bad(name));
        }
        let path = self.content(content, usual).join(file);
        if path.is_file() {
            Ok(path)
        } else {
            Err(StorageError::MissingVolume { name: name.to_owned(), path })
        }
    }
}

/// Opens a folder; none when there is no such folder.
pub(super) fn open(folder: &Path) -> Result<Option<OwnedFd>, StorageError> {
    match openat(CWD, folder, FOLDER, Mode::empty()) {
        Ok(fd) => Ok(Some(fd)),
        Err(rustix::io::Errno::NOENT) => Ok(None),
        Err(errno) => Err(StorageError::io("cannot open", folder, errno)),
    }
}

/// The names in a folder; none when there is no folder.
pub(super) fn names(folder: &Path) -> Result<Vec<String>, StorageError> {
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
    use crate::storage::cfg;

    fn folders(path: &Path, more: &str) -> Result<Folders, String> {
        let text = format!("dir: some\n\tpath {}\n{more}", path.display());
        Folders::from_section(&cfg::section(&text))
    }

    #[test]
    fn templates_are_plain_files_with_the_ends_of_templates() {
        let temp = tempfile::tempdir().unwrap();
        let dir = folders(temp.path(), "").unwrap();
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
        let dir = folders(temp.path(), "").unwrap();
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

    #[test]
    fn content_can_be_elsewhere_but_not_outside() {
        let temp = tempfile::tempdir().unwrap();
        let dir = folders(temp.path(), "\tcontent-dirs vztmpl=tpl,images=/disks/ct\n").unwrap();
        fs::create_dir(temp.path().join("tpl")).unwrap();
        fs::write(temp.path().join("tpl/a.tar"), "").unwrap();
        assert_eq!(dir.templates().unwrap(), ["vztmpl/a.tar"]);
        assert_eq!(dir.images(Vmid::new(9001).unwrap()), temp.path().join("disks/ct/9001"));
        for bad in ["images=../x", "images=/", "images"] {
            assert!(folders(temp.path(), &format!("\tcontent-dirs {bad}\n")).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_path_that_must_be_there_is_not_made() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("new");
        for no in ["\tcreate-base-path 0\n", "\tmkdir 0\n", "\tis_mountpoint 1\n"] {
            let refused = folders(&path, no).unwrap().activate();
            assert!(matches!(refused, Err(StorageError::Unusable { .. })), "{no}");
        }
        folders(&path, "").unwrap().activate().unwrap();
        assert!(path.is_dir());
    }
}
