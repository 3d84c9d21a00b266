//! Storages of type `cephfs`: templates and other plain files on a file system of Ceph, mounted by a unit of systemd that
//! is made for it (spec: runtime, part 11.1).

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{
    StorageError,
    ceph::Cluster,
    cfg::Section,
    dir::{DirStorage, Source},
    folders::Folders,
    nfs::default_path,
    tools,
};

/// Where units are that do not outlive a reboot.
const UNITS: &str = "/run/systemd/system";

struct CephFs {
    cluster: Cluster,
    /// The key alone, as the kernel's mount takes it.
    secret: PathBuf,
    folder: String,
    file_system: Option<String>,
    fuse: bool,
    options: Option<String>,
    units: PathBuf,
}

/// `etc` is the folder of `storage.cfg`.
pub(super) fn from_section(section: &Section, etc: &Path) -> Result<DirStorage, String> {
    let source = CephFs::from_section(section, etc);
    let folders = Folders::at(section, default_path(section))?;
    Ok(DirStorage::new(section, folders)?.mounted_by(Box::new(source)))
}

impl CephFs {
    fn from_section(section: &Section, etc: &Path) -> Self {
        let word = |key: &str| section.get(key).map(str::to_owned);
        Self {
            cluster: Cluster::from_section(section, etc),
            secret: etc.join("priv/ceph").join(format!("{}.secret", section.id)),
            folder: word("subdir").unwrap_or_else(|| "/".to_owned()),
            file_system: word("fs-name"),
            fuse: section.flag("fuse"),
            options: word("options"),
            units: PathBuf::from(UNITS),
        }
    }

    /// What is mounted, of which type and how.
    fn mount_words(&self) -> (String, &'static str, String) {
        let conf = self.cluster.conf.as_ref().map(|conf| conf.display().to_string());
        let user = &self.cluster.user;
        let key = if self.secret.exists() { Some(self.secret.display().to_string()) } else { None };
        let (what, kind, words) = if self.fuse {
            let words = [
                Some(format!("ceph.id={user}")),
                key.map(|key| format!("ceph.keyfile={key}")),
                conf.map(|conf| format!("ceph.conf={conf}")),
                self.file_system.as_ref().map(|name| format!("ceph.client_fs={name}")),
                Some(format!("ceph.client_mountpoint={}", self.folder)),
            ];
            ("none".to_owned(), "fuse.ceph", words)
        } else {
            let words = [
                Some(format!("name={user}")),
                key.map(|key| format!("secretfile={key}")),
                conf.map(|conf| format!("conf={conf}")),
                self.file_system.as_ref().map(|name| format!("fs={name}")),
                None,
            ];
            let monitors = self.cluster.monitors.clone().unwrap_or_default();
            (format!("{monitors}:{}", self.folder), "ceph", words)
        };
        let words = words.into_iter().flatten().chain(self.options.clone());
        (what, kind, words.collect::<Vec<_>>().join(","))
    }

    fn unit(&self, path: &Path) -> String {
        let (what, kind, options) = self.mount_words();
        let shown = path.display().to_string();
        format!(
            "[Unit]\nDescription={}\nDefaultDependencies=no\nWants=network-online.target\n\
             After=network-online.target\nBefore=umount.target\nConflicts=umount.target\n\n\
             [Mount]\nWhat={}\nWhere={}\nType={kind}\nOptions={}\n",
            value(&shown),
            value(&what),
            value(&shown),
            value(&options)
        )
    }
}

impl Source for CephFs {
    /// The mount tells it soon enough.
    fn find(&self) -> Result<(), StorageError> {
        Ok(())
    }

    fn mount(&self, path: &Path) -> Result<(), StorageError> {
        let name = format!("{}.mount", escaped(path));
        let file = self.units.join(&name);
        fs::create_dir_all(&self.units)
            .and_then(|()| fs::write(&file, self.unit(path)))
            .map_err(|e| StorageError::io("cannot write", &file, e))?;
        tools::change(tools::program("systemctl", "systemd").args(["start", "--", &name]))
    }
}

/// A value in a unit, where `%` begins a specifier.
fn value(text: &str) -> String {
    text.replace('%', "%%")
}

/// A path as the name of a unit (systemd-escape(1)): `-` for `/`, and for all that is special its code.
fn escaped(path: &Path) -> String {
    let text = path.to_string_lossy();
    let mut name = String::new();
    for byte in text.trim_matches('/').bytes() {
        match byte {
            b'/' => name.push('-'),
            b'.' if name.is_empty() => name.push_str("\\x2e"),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b':' | b'_' | b'.' => name.push(char::from(byte)),
            other => name.push_str(&format!("\\x{other:02x}")),
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::{cfg, tools::script};

    #[test]
    fn a_unit_mounts_it_and_the_key_stays_in_its_file() {
        let temp = tempfile::tempdir().unwrap();
        let etc = temp.path();
        fs::create_dir_all(etc.join("priv/ceph")).unwrap();
        fs::write(etc.join("priv/ceph/f1.secret"), "SECRET").unwrap();
        let (units, key) = (etc.join("units"), etc.join("priv/ceph/f1.secret"));
        let text = |more: &str| {
            format!("cephfs: f1\n\tmonhost 10.0.0.1 10.0.0.2\n\tsubdir /50%\n\tfs-name two\n{more}")
        };
        for (more, expected) in [
            (
                "",
                format!(
                    "What=10.0.0.1,10.0.0.2:/50%%\nWhere=/mnt/pve/f-1\nType=ceph\nOptions=name=admin,secretfile={},fs=two\n",
                    key.display()
                ),
            ),
            (
                "\tfuse\n\tusername u\n\toptions ro\n",
                format!(
                    "What=none\nWhere=/mnt/pve/f-1\nType=fuse.ceph\nOptions=ceph.id=u,ceph.keyfile={},ceph.client_fs=two,ceph.client_mountpoint=/50%%,ro\n",
                    key.display()
                ),
            ),
        ] {
            let mut source = CephFs::from_section(&cfg::section(&text(more)), etc);
            source.units = units.clone();
            source.mount(Path::new("/mnt/pve/f-1")).unwrap();
            let unit = fs::read_to_string(units.join("mnt-pve-f\\x2d1.mount")).unwrap();
            assert!(unit.ends_with(&expected) && !unit.contains("SECRET"), "{unit}");
            assert_eq!(script::take(), ["systemctl start -- 'mnt-pve-f\\x2d1.mount'"]);
        }
        assert_eq!(escaped(Path::new("/.a b/c")), "\\x2ea\\x20b-c");
        assert!(from_section(&cfg::section("cephfs: f1\n"), etc).is_ok());
    }
}
