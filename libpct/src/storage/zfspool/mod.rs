//! Storages of type `zfspool`: volumes of containers are datasets with a `refquota`, those of virtual machines block
//! devices (spec: runtime, part 11.5).

#[cfg(test)]
mod tests;

use std::{os::fd::OwnedFd, path::PathBuf, thread, time::Duration};

use super::{
    Format, StorageError,
    backend::{Backend, Described, Feature, Listed, Location, Space},
    cfg::Section,
    lvm::{kib, missing},
    mounts,
    stream::{Arrival, Span, StreamFormat},
    tools,
    volname::{Name, Prefix, free_name, own_word, snapshot_name, split_linked},
};
use crate::{
    config::{Size, Vmid},
    exec::{Command, Sink},
};

/// The snapshot of a base that its clones are made of.
const BASE: &str = "__base__";
/// The limit of a dataset when a snapshot of it was made: a rollback does not bring it back by itself.
const SAVED_LIMIT: &str = "pve-storage:refquota";
/// How often the removal of a dataset is tried that is still busy.
const TRIES: u32 = 6;
const MIB: u64 = 1 << 20;

pub(super) struct ZfsPoolStorage {
    pool: String,
    mountpoint: PathBuf,
    sparse: bool,
    block_size: Option<String>,
    /// Between two tries; tests do not wait.
    pause: Duration,
}

/// A volume by its name.
struct Volume<'a> {
    base: Option<Name<'a>>,
    name: Name<'a>,
    format: Format,
}

impl Volume<'_> {
    fn linked(&self, word: &str) -> String {
        self.base.map_or_else(|| word.to_owned(), |base| format!("{}/{word}", base.word))
    }
}

fn parse(name: &str) -> Result<Volume<'_>, StorageError> {
    let (base, name) = split_linked(name)?;
    let format = match name.prefix {
        Prefix::Vm | Prefix::Base => Format::Raw,
        Prefix::Subvol | Prefix::Basevol => Format::Subvol,
    };
    Ok(Volume { base, name, format })
}

/// What a dataset is to its own host, above all where it is mounted.
const OF_ITS_HOST: [&str; 4] = ["mountpoint", "canmount", "sharenfs", "sharesmb"];

fn zfs(verb: &str) -> Command {
    tools::program("zfs", "zfsutils-linux").arg(verb)
}

fn zpool(verb: &str) -> Command {
    tools::program("zpool", "zfsutils-linux").arg(verb)
}

/// Where the host has a block device.
fn device(dataset: &str) -> PathBuf {
    PathBuf::from("/dev/zvol").join(dataset)
}

/// The size of a block device, which is a whole number of MiB.
fn whole_mib(size: Size) -> Size {
    Size::from_bytes(size.bytes().next_multiple_of(MIB))
}

impl ZfsPoolStorage {
    pub(super) fn from_section(section: &Section) -> Result<Self, String> {
        let pool = section.need("pool")?.to_owned();
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.:/".contains(&b);
        if !pool.bytes().all(plain) || pool.split('/').any(str::is_empty) {
            return Err(format!("'{pool}' is no name of a pool or dataset"));
        }
        let mountpoint = section.get("mountpoint").map_or_else(|| format!("/{pool}"), str::to_owned).into();
        let block_size = section.get("blocksize").map(str::to_owned);
        Ok(Self {
            pool,
            mountpoint,
            sparse: section.flag("sparse"),
            block_size,
            pause: Duration::from_secs(1),
        })
    }

    fn dataset(&self, volume: &Volume<'_>) -> String {
        format!("{}/{}", self.pool, volume.name.word)
    }

    fn snapshot_of(&self, volume: &Volume<'_>, snapshot: &str) -> Result<String, StorageError> {
        Ok(format!("{}@{}", self.dataset(volume), snapshot_name(snapshot)?))
    }

    /// The values of properties, one a line.
    fn get(&self, properties: &str, of: &str) -> Result<Vec<String>, StorageError> {
        tools::look(zfs("get").args(["-o", "value", "-Hp", properties, of]))
    }

    /// The limit of a dataset in bytes; zero is none.
    fn limit(&self, dataset: &str) -> Result<u64, StorageError> {
        Ok(self
            .get("refquota", dataset)?
            .first()
            .and_then(|value| value.trim().parse().ok())
            .unwrap_or_default())
    }

    /// Whether the pool, or something of it, is mounted.
    fn is_mounted(&self) -> Result<bool, StorageError> {
        let below = |source: &str| {
            source.strip_prefix(&self.pool).is_some_and(|r| r.is_empty() || r.starts_with('/'))
        };
        let ours = |mount: &mounts::Mount| {
            mount.kind.as_os_str() == "zfs" && mount.source.to_str().is_some_and(below)
        };
        Ok(mounts::all()?.iter().any(ours))
    }

    fn has_pool(&self) -> Result<bool, StorageError> {
        let pool = self.pool.split('/').next().unwrap_or_default();
        match tools::look(zpool("list").args(["-o", "name", "-H", pool])) {
            Ok(lines) => Ok(lines.iter().any(|line| line.trim() == pool)),
            Err(StorageError::Program(e)) if e.stderr().contains("no such pool") => Ok(false),
            Err(e) => Err(e),
        }
    }

    /// `refquota=<size>` as an argument.
    fn refquota(size: Size) -> String {
        if size.bytes() == 0 { "refquota=none".to_owned() } else { format!("refquota={}", kib(size)) }
    }

    /// One line of the listing.
    fn listed(&self, line: &str) -> Option<Listed> {
        let mut fields = line.split('\t');
        let word = fields.next()?.strip_prefix(&self.pool)?.strip_prefix('/')?;
        let volume = parse(word).ok().filter(|volume| volume.base.is_none())?;
        let (volsize, origin) = (fields.next()?, fields.next()?);
        let refquota = fields.nth(1)?;
        let size = if volume.format == Format::Raw { volsize } else { refquota };
        let parent = origin.strip_prefix(&self.pool).and_then(|rest| rest.strip_prefix('/'));
        let parent = parent.and_then(|rest| rest.strip_suffix(BASE)?.strip_suffix('@'));
        let parent = parent.filter(|word| Name::parse(word).is_some_and(|name| name.prefix.is_base()));
        Some(Listed {
            name: parent.map_or_else(|| word.to_owned(), |parent| format!("{parent}/{word}")),
            owner: volume.name.owner,
            format: volume.format,
            size: Size::from_bytes(size.trim().parse().unwrap_or_default()),
            parent: parent.map(str::to_owned),
        })
    }

    /// The snapshots of a volume, in the order in which they were made.
    fn snapshots(&self, volume: &Volume<'_>) -> Result<Vec<String>, StorageError> {
        let dataset = self.dataset(volume);
        let lines = tools::look(
            zfs("list").args(["-t", "snapshot", "-o", "name", "-s", "creation", "-d1", "-Hp", &dataset]),
        )?;
        let begin = format!("{dataset}@");
        Ok(lines.iter().filter_map(|line| Some(line.trim().strip_prefix(&begin)?.to_owned())).collect())
    }
}

impl Backend for ZfsPoolStorage {
    fn format_for(&self, _size: Size) -> Format {
        Format::Subvol
    }

    fn activate(&self) -> Result<(), StorageError> {
        if self.is_mounted()? {
            return Ok(());
        }
        if !self.has_pool()? {
            let pool = self.pool.split('/').next().unwrap_or_default();
            tools::change(zpool("import").args(["-d", "/dev/disk/by-id/", "-o", "cachefile=none", pool]))?;
        }
        tools::change(zfs("mount").arg("-a"))
    }

    fn check(&self) -> Result<(), StorageError> {
        if self.is_mounted()? || self.has_pool()? {
            return Ok(());
        }
        let reason = "the pool is not imported".to_owned();
        Err(StorageError::Unusable { storage: self.pool.clone(), reason })
    }

    fn space(&self) -> Result<Space, StorageError> {
        let values = self.get("available,used", &self.pool)?;
        let value = |at: usize| values.get(at).and_then(|v| v.trim().parse().ok()).unwrap_or_default();
        let (available, used) = (value(0), value(1));
        Ok(Space { total: available + used, used, available })
    }

    fn describe(&self, name: &str) -> Result<Described, StorageError> {
        let volume = parse(name)?;
        Ok(Described {
            owner: volume.name.owner,
            format: volume.format,
            base: volume.base.map(|base| base.word.to_owned()),
            is_base: volume.name.prefix.is_base(),
        })
    }

    fn free_name(&self, owner: Vmid, format: Format) -> Result<String, StorageError> {
        let listed = self.list(None)?;
        let names = listed.iter().map(|listed| own_word(&listed.name));
        free_name(owner, format, names, &self.pool)
    }

    fn allocate(&self, name: &str, size: Size) -> Result<(), StorageError> {
        let volume = parse(name)?;
        let dataset = self.dataset(&volume);
        match volume.format {
            // Another process may come first to mount it: one that makes a storage usable mounts all that there is.
            Format::Subvol => tools::change_unless(
                zfs("create")
                    .args(["-o", "acltype=posixacl", "-o", "xattr=sa", "-o", &Self::refquota(size)])
                    .arg(dataset),
                &["successfully created, but not mounted"],
            ),
            Format::Raw => {
                let mut create = zfs("create");
                if self.sparse {
                    create = create.arg("-s");
                }
                if let Some(block_size) = &self.block_size {
                    create = create.args(["-b", block_size]);
                }
                tools::change(create.arg("-V").arg(kib(whole_mib(size))).arg(dataset))
            }
        }
    }

    fn free(&self, name: &str) -> Result<(), StorageError> {
        let dataset = self.dataset(&parse(name)?);
        let mut tries = 1;
        loop {
            match tools::change_unless(zfs("destroy").args(["-r", &dataset]), &["does not exist"]) {
                Err(StorageError::Program(e)) if e.stderr().contains("dataset is busy") && tries < TRIES => {
                    tries += 1;
                    thread::sleep(self.pause);
                }
                done => return done,
            }
        }
    }

    fn open(&self, name: &str, _snapshot: Option<&str>) -> Result<(), StorageError> {
        let volume = parse(name)?;
        let dataset = self.dataset(&volume);
        if volume.format == Format::Raw {
            if !device(&dataset).exists() {
                tools::settle();
            }
            return Ok(());
        }
        match self.get("mounted", &dataset)?.iter().any(|value| value.trim() == "yes") {
            true => Ok(()),
            false => tools::change_unless(zfs("mount").arg(dataset), &["already mounted"]),
        }
    }

    fn locate(&self, name: &str, snapshot: Option<&str>) -> Result<Location, StorageError> {
        let volume = parse(name)?;
        let folder = self.mountpoint.join(volume.name.word);
        match (volume.format, snapshot) {
            (Format::Subvol, None) if folder.is_dir() => Ok(Location::Directory(folder)),
            (Format::Subvol, None) => Err(missing(name, &folder)),
            (Format::Subvol, Some(snapshot)) => {
                let frozen = folder.join(".zfs/snapshot").join(snapshot_name(snapshot)?);
                if frozen.is_dir() { Ok(Location::Directory(frozen)) } else { Err(missing(name, &frozen)) }
            }
            (Format::Raw, None) => {
                let device = device(&self.dataset(&volume));
                if device.exists() { Ok(Location::Block(device)) } else { Err(missing(name, &device)) }
            }
            (Format::Raw, Some(_)) => {
                Err(StorageError::unsupported("snapshots of this volume have no device", name))
            }
        }
    }

    fn list(&self, owner: Option<Vmid>) -> Result<Vec<Listed>, StorageError> {
        let lines = tools::look(zfs("list").args([
            "-o",
            "name,volsize,origin,type,refquota",
            "-t",
            "volume,filesystem",
            "-d1",
            "-Hp",
            &self.pool,
        ]))?;
        let mut found: Vec<_> = lines.iter().filter_map(|line| self.listed(line)).collect();
        found.retain(|listed| owner.is_none_or(|owner| owner == listed.owner));
        found.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }

    fn size(&self, name: &str) -> Result<Size, StorageError> {
        let volume = parse(name)?;
        let property = if volume.format == Format::Subvol { "refquota" } else { "volsize" };
        let values = self.get(&format!("{property},usedbydataset"), &self.dataset(&volume))?;
        Ok(Size::from_bytes(values.first().and_then(|v| v.trim().parse().ok()).unwrap_or_default()))
    }

    fn resize(&self, name: &str, size: Size) -> Result<(), StorageError> {
        let volume = parse(name)?;
        let property = match volume.format {
            Format::Subvol => Self::refquota(size),
            Format::Raw => format!("volsize={}", kib(whole_mib(size))),
        };
        tools::change(zfs("set").arg(property).arg(self.dataset(&volume)))
    }

    fn has_feature(&self, feature: Feature, name: &str, snapshot: Option<&str>) -> bool {
        let Ok(volume) = parse(name) else { return false };
        let is_base = volume.name.prefix.is_base();
        match feature {
            Feature::Snapshot => !is_base,
            Feature::LinkedClone => is_base && snapshot.is_none_or(|snapshot| snapshot == BASE),
            Feature::Template | Feature::Rename => !is_base && snapshot.is_none(),
        }
    }

    fn snapshot(&self, name: &str, snapshot: &str) -> Result<(), StorageError> {
        let volume = parse(name)?;
        let frozen = self.snapshot_of(&volume, snapshot)?;
        if volume.format == Format::Raw {
            return tools::change(zfs("snapshot").arg(frozen));
        }
        let limit = self.limit(&self.dataset(&volume))?;
        tools::change(zfs("snapshot").arg(&frozen))?;
        let saved = tools::change(zfs("set").arg(format!("{SAVED_LIMIT}={limit}")).arg(&frozen));
        saved.inspect_err(|_| drop(tools::change(zfs("destroy").arg(&frozen))))
    }

    fn delete_snapshot(&self, name: &str, snapshot: &str) -> Result<(), StorageError> {
        let frozen = self.snapshot_of(&parse(name)?, snapshot)?;
        tools::change_unless(
            zfs("destroy").arg(frozen),
            &["could not find any snapshots to destroy", "does not exist"],
        )
    }

    fn check_rollback(&self, name: &str, snapshot: &str) -> Result<(), StorageError> {
        let volume = parse(name)?;
        let all = self.snapshots(&volume)?;
        let Some(at) = all.iter().position(|known| known == snapshot) else {
            return Err(missing(name, &PathBuf::from(self.snapshot_of(&volume, snapshot)?)));
        };
        match &all[at + 1..] {
            [] => Ok(()),
            newer => Err(StorageError::NotNewest {
                snapshot: snapshot.to_owned(),
                volume: name.to_owned(),
                newer: newer.to_vec(),
            }),
        }
    }

    fn rollback(&self, name: &str, snapshot: &str) -> Result<(), StorageError> {
        let volume = parse(name)?;
        let (dataset, frozen) = (self.dataset(&volume), self.snapshot_of(&volume, snapshot)?);
        tools::change(zfs("rollback").arg(&frozen))?;
        if volume.format == Format::Raw {
            return Ok(());
        }
        let saved = self.get(SAVED_LIMIT, &frozen)?;
        // Of a snapshot that somebody else has made it is not known.
        if let Some(limit) = saved.first().and_then(|value| value.trim().parse::<u64>().ok()) {
            let limit = if limit == 0 { "refquota=none".to_owned() } else { format!("refquota={limit}") };
            tools::change(zfs("set").arg(limit).arg(&dataset))?;
        }
        // What is mounted still shows what was.
        tools::change_unless(zfs("unmount").arg(dataset), &["not currently mounted"])
    }

    fn snapshot_stream(&self) -> Option<StreamFormat> {
        Some(StreamFormat::Zfs)
    }

    fn send(&self, name: &str, span: &Span<'_>, sink: Sink<'_>) -> Result<(), StorageError> {
        let dataset = self.dataset(&parse(name)?);
        let of = |snapshot| Ok::<_, StorageError>(format!("{dataset}@{}", snapshot_name(snapshot)?));
        let mut send = zfs("send").arg(if span.all { "-Rp" } else { "-p" });
        if let Some(base) = span.base {
            send = send.arg(if span.all { "-I" } else { "-i" }).arg(of(base)?);
        }
        tools::stream(send.args(["--", &of(span.last)?]), sink)
    }

    fn receive(&self, name: &str, arrival: &Arrival<'_>, stream: OwnedFd) -> Result<(), StorageError> {
        let volume = parse(name)?;
        let (mut recv, dataset) = (zfs("recv"), self.dataset(&volume));
        // It throws away what has changed since the base. Where there is none it would throw away whatever has the name.
        if let Some(base) = arrival.base {
            self.check_rollback(name, base)?;
            recv = recv.arg("-F");
        }
        recv = recv.args(["-u", "-x", "encryption"]);
        if volume.format == Format::Subvol {
            recv = recv.args(OF_ITS_HOST.iter().flat_map(|property| ["-x", property]));
        }
        tools::work(recv.args(["--", &dataset]).stdin(stream))?;
        // A tree by the name of a block device would be mounted where its sender wants.
        let expected = if volume.format == Format::Raw { "volume" } else { "filesystem" };
        if arrival.base.is_none() && self.get("type", &dataset)?.iter().all(|sort| sort.trim() != expected) {
            self.free(name)?;
            let what = "what has arrived is not what the name says: subvol is a tree, vm a block device";
            return Err(StorageError::unsupported(what, name));
        }
        Ok(())
    }

    fn base_name(&self, name: &str) -> Result<String, StorageError> {
        let volume = parse(name)?;
        let prefix = match volume.name.prefix {
            Prefix::Vm => Prefix::Base,
            Prefix::Subvol => Prefix::Basevol,
            Prefix::Base | Prefix::Basevol => {
                return Err(StorageError::unsupported("this volume is a base already", name));
            }
        };
        Ok(volume.linked(&volume.name.with(prefix)))
    }

    fn protect_base(&self, _name: &str, base: &str) -> Result<(), StorageError> {
        let frozen = self.snapshot_of(&parse(base)?, BASE)?;
        tools::change_unless(zfs("snapshot").arg(frozen), &["dataset already exists"])
    }

    fn linked_name(
        &self,
        base: &str,
        _snapshot: Option<&str>,
        free_name: String,
    ) -> Result<String, StorageError> {
        Ok(format!("{}/{free_name}", parse(base)?.name.word))
    }

    fn clone_linked(&self, name: &str, snapshot: Option<&str>, clone: &str) -> Result<(), StorageError> {
        let volume = parse(name)?;
        let new = self.dataset(&parse(clone)?);
        if !self.has_feature(Feature::LinkedClone, name, snapshot) {
            return Err(StorageError::unsupported("linked clones are made of a template", name));
        }
        let mut clone = zfs("clone");
        if volume.format == Format::Subvol {
            let limit = Size::from_bytes(self.limit(&self.dataset(&volume))?);
            let limit = if limit.bytes() == 0 { "none".to_owned() } else { limit.bytes().to_string() };
            clone = clone.arg("-o").arg(format!("refquota={limit}"));
        }
        tools::change(clone.args([format!("{}@{BASE}", self.dataset(&volume)), new]))
    }

    fn renamed_name(&self, name: &str, free_name: String) -> Result<String, StorageError> {
        Ok(parse(name)?.linked(&free_name))
    }

    fn rename(&self, name: &str, new: &str) -> Result<(), StorageError> {
        tools::change(zfs("rename").args([self.dataset(&parse(name)?), self.dataset(&parse(new)?)]))
    }
}
