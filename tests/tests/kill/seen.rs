//! What lies on the disk of containers.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    os::unix::fs::FileExt,
    path::Path,
};

use pct_tests::{Ct, Host};

/// What a container is, on the disk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// By the number of the container, without what depends on the clock.
    pub(crate) configs: BTreeMap<String, String>,
    /// By their ids; a snapshot of one is `<volume>@<snapshot>`.
    pub(crate) volumes: BTreeSet<String>,
    /// What only the operation itself knows what to do with, for as long as its lock is set.
    pub(crate) unfinished: BTreeSet<String>,
    /// Of the volumes that are files: the bytes of the file, and those of the ext4 in it.
    pub(crate) sizes: BTreeMap<String, (u64, u64)>,
}

impl Seen {
    /// The volumes that no line of a config names.
    pub(crate) fn orphans(&self) -> Vec<&String> {
        let named = |volume: &String| {
            let (volume, snapshot) = volume.split_once('@').unwrap_or((volume, ""));
            self.configs.values().any(|config| {
                let words = config.split(|c: char| c.is_whitespace() || c == ',' || c == '=');
                let section = format!("[{snapshot}]");
                words.into_iter().any(|word| word == volume)
                    && (snapshot.is_empty() || config.contains(&section))
            })
        };
        self.volumes.iter().filter(|volume| !named(volume)).collect()
    }

    /// The lines of a config that name a volume which is not there.
    pub(crate) fn dangling(&self) -> Vec<&str> {
        let is_there = |line: &str| {
            let value = line.split_once(": ").map_or("", |(_, value)| value);
            self.volumes.contains(value.split(',').next().unwrap_or_default())
        };
        let names = |line: &str| ["rootfs", "mp", "unused"].iter().any(|key| line.starts_with(key));
        self.configs.values().flat_map(|config| config.lines()).filter(|l| names(l) && !is_there(l)).collect()
    }

    /// The value of `lock`, by container.
    pub(crate) fn locks(&self) -> Vec<(&str, &str)> {
        let lock = |config: &'_ str| config.lines().position(|line| line.starts_with("lock: "));
        let locked = self.configs.iter().filter_map(|(id, config)| {
            let line = config.lines().nth(lock(config)?)?;
            Some((id.as_str(), line.strip_prefix("lock: ")?))
        });
        locked.collect()
    }
}

/// What these containers have on the storages `local`, `fast`, `other` and `tiny`.
pub(crate) fn look(host: &Host, cts: &[&Ct<'_>]) -> Seen {
    let mut seen = Seen::default();
    let places = [
        ("local", host.storage()),
        ("fast", host.root().join("fast")),
        ("other", host.root().join("var/other")),
        ("tiny", host.root().join("tiny")),
    ];
    for ct in cts {
        if let Ok(config) = fs::read_to_string(ct.conf()) {
            let lines = config.lines().filter(|line| !line.starts_with("snaptime: "));
            seen.configs.insert(ct.id.clone(), lines.map(|line| format!("{line}\n")).collect());
        }
        for (storage, place) in &places {
            let entries = fs::read_dir(place.join("images").join(&ct.id)).into_iter().flatten();
            for entry in entries {
                let entry = entry.unwrap();
                let name = entry.file_name().into_string().unwrap();
                if name.contains(".tmp.") {
                    seen.unfinished.insert(name);
                    continue;
                }
                let volume = format!("{storage}:{}/{}", ct.id, volume(&name));
                seen.sizes.extend(size(&entry.path()).map(|size| (volume.clone(), size)));
                seen.volumes.insert(volume);
            }
        }
    }
    seen
}

/// The bytes of an image and of its ext4, without what is behind the last whole block. An image on btrfs has a folder.
fn size(path: &Path) -> Option<(u64, u64)> {
    let image = if path.is_dir() { path.join("disk.raw") } else { path.to_owned() };
    let image = File::open(image).ok()?;
    let mut superblock = [0; 60];
    let read = image.read_exact_at(&mut superblock, 1024);
    let word = |at: usize| u64::from(u32::from_le_bytes(superblock[at..at + 4].try_into().unwrap()));
    let is_ext4 = read.is_ok() && superblock[56..58] == [0x53, 0xef];
    Some((image.metadata().ok()?.len(), if is_ext4 { word(4) << (10 + word(24)) } else { 0 }))
}

/// The name of a volume, by its entry in the folder of its container.
fn volume(entry: &str) -> String {
    let (name, snapshot) = entry.split_once('@').map_or((entry, None), |(name, s)| (name, Some(s)));
    let end = if name.ends_with(".raw") || name.ends_with(".subvol") { "" } else { ".raw" };
    snapshot.map_or_else(|| format!("{name}{end}"), |snapshot| format!("{name}{end}@{snapshot}"))
}
