//! Storages of type `rbd`: images of a Ceph pool, mapped by the kernel (spec: runtime, part 11.6).

#[cfg(test)]
mod tests;

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::{
    Format, StorageError,
    backend::{Backend, Described, Feature, Listed, Location, Space},
    ceph::Cluster,
    cfg::Section,
    lvm::{missing, needs_size},
    tools,
    volname::{Name, Prefix, bad, free_name, snapshot_name, split_linked},
};
use crate::{
    config::{Size, Vmid},
    exec::Command,
};

/// The snapshot of a base that its clones are made of.
const BASE: &str = "__base__";

/// What the kernel needs of an image that it maps for writing, in the order in which it can be switched on.
const FEATURES: &str = "fast-diff,object-map,exclusive-lock";

pub(super) struct RbdStorage {
    cluster: Cluster,
    pool: String,
    data_pool: Option<String>,
    namespace: Option<String>,
    /// Where the kernel shows what is mapped.
    devices: PathBuf,
}

/// An entry of `rbd ls -l`, and of `rbd info`.
#[derive(Deserialize)]
struct Image {
    #[serde(default)]
    image: String,
    #[serde(default)]
    size: u64,
    /// Set where the entry is a snapshot.
    snapshot: Option<String>,
    parent: Option<Parent>,
    #[serde(default)]
    features: Vec<String>,
}

#[derive(Deserialize)]
struct Parent {
    image: String,
    snapshot: String,
}

/// An entry of `rbd snap ls`.
#[derive(Deserialize)]
struct Snapshot {
    name: String,
    /// `"true"` or `true`.
    protected: Option<serde_json::Value>,
}

impl Snapshot {
    fn is_protected(&self) -> bool {
        self.protected.as_ref().is_some_and(|flag| flag == "true" || flag == true)
    }
}

fn parse(name: &str) -> Result<(Option<Name<'_>>, Name<'_>), StorageError> {
    let (base, image) = split_linked(name)?;
    let known = |name: &Name<'_>| matches!(name.prefix, Prefix::Vm | Prefix::Base);
    if known(&image) && base.as_ref().is_none_or(known) { Ok((base, image)) } else { Err(bad(name)) }
}

fn mib(size: Size) -> String {
    size.bytes().div_ceil(1 << 20).to_string()
}

impl RbdStorage {
    /// `etc` is the folder of `storage.cfg`.
    pub(super) fn from_section(section: &Section, etc: &Path) -> Result<Self, String> {
        let word = |key: &str| section.get(key).map(str::to_owned);
        let sound = |word: &String| !word.contains(['/', '@']);
        let parts = [word("pool").or_else(|| Some("rbd".to_owned())), word("data-pool"), word("namespace")];
        if let Some(bad) = parts.iter().flatten().find(|word| !sound(word)) {
            return Err(format!("'{bad}' is no name of a pool or namespace"));
        }
        let [pool, data_pool, namespace] = parts;
        Ok(Self {
            cluster: Cluster::from_section(section, etc),
            pool: pool.unwrap_or_default(),
            data_pool,
            namespace,
            devices: PathBuf::from("/sys/bus/rbd/devices"),
        })
    }

    fn rbd<'a>(&self, operation: impl IntoIterator<Item = &'a str>) -> Command {
        let mut command = tools::program("rbd", "ceph-common").args(["-p", &self.pool]);
        if let Some(namespace) = &self.namespace {
            command = command.args(["--namespace", namespace]);
        }
        self.cluster.identify(command).args(operation)
    }

    fn json<T: for<'d> Deserialize<'d>>(&self, command: Command) -> Result<T, StorageError> {
        let text = tools::ask(command)?.join("\n");
        serde_json::from_str(&text).map_err(|e| StorageError::Unusable {
            storage: self.pool.clone(),
            reason: format!("the answer of rbd cannot be read: {e}"),
        })
    }

    /// Images and their snapshots.
    fn images(&self) -> Result<Vec<Image>, StorageError> {
        self.json(self.rbd(["ls", "-l", "--format", "json"]))
    }

    fn expect(&self, name: &str, image: &str) -> Result<Vec<Image>, StorageError> {
        let all = self.images()?;
        if all.iter().any(|entry| entry.image == image && entry.snapshot.is_none()) {
            return Ok(all);
        }
        Err(missing(name, Path::new(&self.spec(image))))
    }

    /// `<pool>/[<namespace>/]<image>`.
    fn spec(&self, image: &str) -> String {
        match &self.namespace {
            Some(namespace) => format!("{}/{namespace}/{image}", self.pool),
            None => format!("{}/{image}", self.pool),
        }
    }

    fn snapshots(&self, image: &str) -> Result<Vec<Snapshot>, StorageError> {
        self.json(self.rbd(["snap", "ls", "--format", "json", image]))
    }

    fn snap(&self, verb: &str, image: &str, snapshot: &str) -> Result<(), StorageError> {
        tools::change(self.rbd(["snap", verb, "--snap", snapshot, image]))
    }

    /// The device that shows an image or its snapshot, as the kernel tells it: names of links are a matter of the host's
    /// rules for udev, and two clusters may have images of the same name.
    fn device(&self, image: &str, snapshot: Option<&str>) -> Result<Option<PathBuf>, StorageError> {
        let failed = |e| StorageError::io("cannot read", &self.devices, e);
        let entries = match fs::read_dir(&self.devices) {
            Ok(entries) => entries,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(failed(e)),
        };
        let fsid = self.cluster.fsid();
        for entry in entries {
            let folder = entry.map_err(failed)?.path();
            let read =
                |file: &str| fs::read_to_string(folder.join(file)).unwrap_or_default().trim().to_owned();
            let found = read("pool") == self.pool
                && read("pool_ns") == self.namespace.as_deref().unwrap_or_default()
                && read("name") == image
                && read("current_snap") == snapshot.unwrap_or("-")
                && fsid.as_ref().is_none_or(|fsid| *fsid == read("cluster_fsid"));
            if let (true, Some(number)) = (found, folder.file_name().and_then(|name| name.to_str())) {
                return Ok(Some(PathBuf::from(format!("/dev/rbd{number}"))));
            }
        }
        Ok(None)
    }

    fn unmap(&self, image: &str, snapshot: Option<&str>) -> Result<(), StorageError> {
        match self.device(image, snapshot)?.as_deref().and_then(Path::to_str) {
            Some(device) => tools::change(self.rbd(["unmap", device])),
            None => Ok(()),
        }
    }

    /// Switches on what is missing; what the kernel, or the cluster, does not know stays off.
    fn complete_features(&self, image: &str) -> Result<(), StorageError> {
        let info: Image = self.json(self.rbd(["info", "--format", "json", image]))?;
        let missing: Vec<_> =
            FEATURES.split(',').filter(|wanted| !info.features.iter().any(|has| has == wanted)).collect();
        if !missing.is_empty() {
            let _ = tools::change(self.rbd(["feature", "enable", image, &missing.join(",")]));
        }
        Ok(())
    }

    /// The end of an entry's volume name and of its base.
    fn listed(&self, entry: Image) -> Option<Listed> {
        let (base, image) = parse(&entry.image).ok()?;
        if base.is_some() || entry.snapshot.is_some() {
            return None;
        }
        let parent = entry.parent.filter(|parent| parent.snapshot == BASE).map(|parent| parent.image);
        let parent = parent.filter(|name| Name::parse(name).is_some_and(|name| name.prefix == Prefix::Base));
        Some(Listed {
            owner: image.owner,
            format: Format::Raw,
            size: Size::from_bytes(entry.size),
            name: parent
                .as_ref()
                .map_or_else(|| entry.image.clone(), |base| format!("{base}/{}", entry.image)),
            parent,
        })
    }
}

impl Backend for RbdStorage {
    fn format_for(&self, _size: Size) -> Format {
        Format::Raw
    }

    fn activate(&self) -> Result<(), StorageError> {
        Ok(())
    }

    fn check(&self) -> Result<(), StorageError> {
        Ok(())
    }

    fn space(&self) -> Result<Space, StorageError> {
        #[derive(Deserialize)]
        struct Usage {
            pools: Vec<Pool>,
        }
        #[derive(Deserialize)]
        struct Pool {
            name: String,
            stats: Stats,
        }
        #[derive(Deserialize)]
        struct Stats {
            #[serde(default)]
            stored: u64,
            #[serde(default)]
            max_avail: u64,
        }
        let ask = self.cluster.identify(tools::program("ceph", "ceph-common"));
        let usage: Usage = self.json(ask.args(["df", "--format", "json"]))?;
        let data = self.data_pool.as_ref().unwrap_or(&self.pool);
        let pool = usage.pools.iter().find(|pool| pool.name == *data).ok_or_else(|| {
            StorageError::Unusable { storage: data.clone(), reason: "there is no such pool".to_owned() }
        })?;
        let (used, available) = (pool.stats.stored, pool.stats.max_avail);
        Ok(Space { total: used.saturating_add(available), used, available })
    }

    fn describe(&self, name: &str) -> Result<Described, StorageError> {
        let (base, image) = parse(name)?;
        Ok(Described {
            owner: image.owner,
            format: Format::Raw,
            base: base.map(|base| base.word.to_owned()),
            is_base: image.prefix.is_base(),
        })
    }

    fn free_name(&self, owner: Vmid, _format: Format) -> Result<String, StorageError> {
        let images = self.images()?;
        free_name(owner, Format::Raw, images.iter().map(|entry| entry.image.as_str()), &self.pool)
    }

    fn allocate(&self, name: &str, size: Size) -> Result<(), StorageError> {
        let (_, image) = parse(name)?;
        needs_size(name, size)?;
        let mut create = self.rbd(["create", "--image-format", "2", "--size", &mib(size)]);
        if let Some(data) = &self.data_pool {
            create = create.args(["--data-pool", data]);
        }
        tools::change(create.arg(image.word))
    }

    fn free(&self, name: &str) -> Result<(), StorageError> {
        let image = parse(name)?.1.word;
        if !self.images()?.iter().any(|entry| entry.image == image) {
            return Ok(());
        }
        for snapshot in self.snapshots(image)?.iter().filter(|snapshot| snapshot.is_protected()) {
            self.snap("unprotect", image, &snapshot.name)?;
        }
        self.unmap(image, None)?;
        tools::work(self.rbd(["snap", "purge", image]))?;
        tools::work(self.rbd(["rm", image]))
    }

    fn open(&self, name: &str, snapshot: Option<&str>) -> Result<(), StorageError> {
        let (_, image) = parse(name)?;
        let snapshot = snapshot.map(snapshot_name).transpose()?;
        if self.device(image.word, snapshot)?.is_some() {
            return Ok(());
        }
        match snapshot {
            Some(snapshot) => tools::change(self.rbd(["map", &format!("{}@{snapshot}", image.word)])),
            None => {
                self.complete_features(image.word)?;
                tools::change(self.rbd(["map", image.word]))
            }
        }
    }

    fn close(&self, name: &str, snapshot: Option<&str>) -> Result<(), StorageError> {
        self.unmap(parse(name)?.1.word, snapshot)
    }

    fn locate(&self, name: &str, snapshot: Option<&str>) -> Result<Location, StorageError> {
        let image = parse(name)?.1.word;
        let device = self.device(image, snapshot)?;
        device.map(Location::Block).ok_or_else(|| missing(name, Path::new(&self.spec(image))))
    }

    fn list(&self, owner: Option<Vmid>) -> Result<Vec<Listed>, StorageError> {
        let mut found: Vec<_> = self.images()?.into_iter().filter_map(|entry| self.listed(entry)).collect();
        found.retain(|listed| owner.is_none_or(|owner| owner == listed.owner));
        found.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }

    fn size(&self, name: &str) -> Result<Size, StorageError> {
        let info: Image = self.json(self.rbd(["info", "--format", "json", parse(name)?.1.word]))?;
        Ok(Size::from_bytes(info.size))
    }

    fn resize(&self, name: &str, size: Size) -> Result<(), StorageError> {
        tools::change(self.rbd(["resize", "--size", &mib(size), parse(name)?.1.word]))
    }

    fn has_feature(&self, feature: Feature, name: &str, snapshot: Option<&str>) -> bool {
        let Ok((_, image)) = parse(name) else { return false };
        let is_base = image.prefix.is_base();
        match feature {
            Feature::Snapshot => !is_base,
            Feature::LinkedClone => is_base || snapshot.is_some(),
            Feature::Template | Feature::Rename => !is_base && snapshot.is_none(),
        }
    }

    fn needs_freeze(&self) -> bool {
        true
    }

    fn snapshot(&self, name: &str, snapshot: &str) -> Result<(), StorageError> {
        self.snap("create", parse(name)?.1.word, snapshot_name(snapshot)?)
    }

    fn delete_snapshot(&self, name: &str, snapshot: &str) -> Result<(), StorageError> {
        let (image, snapshot) = (parse(name)?.1.word, snapshot_name(snapshot)?);
        let all = self.snapshots(image)?;
        let Some(found) = all.iter().find(|known| known.name == snapshot) else { return Ok(()) };
        self.unmap(image, Some(snapshot))?;
        if found.is_protected() {
            self.snap("unprotect", image, snapshot)?;
        }
        self.snap("rm", image, snapshot)
    }

    fn check_rollback(&self, name: &str, snapshot: &str) -> Result<(), StorageError> {
        let image = parse(name)?.1.word;
        if self.snapshots(image)?.iter().any(|known| known.name == snapshot) {
            return Ok(());
        }
        Err(missing(name, Path::new(&format!("{}@{snapshot}", self.spec(image)))))
    }

    fn rollback(&self, name: &str, snapshot: &str) -> Result<(), StorageError> {
        let (image, snapshot) = (parse(name)?.1.word, snapshot_name(snapshot)?);
        tools::work(self.rbd(["snap", "rollback", "--snap", snapshot, image]))
    }

    fn base_name(&self, name: &str) -> Result<String, StorageError> {
        let (above, image) = parse(name)?;
        if image.prefix.is_base() {
            return Err(StorageError::unsupported("this volume is a base already", name));
        }
        let base = image.with(Prefix::Base);
        Ok(above.map_or_else(|| base.clone(), |above| format!("{}/{base}", above.word)))
    }

    fn protect_base(&self, name: &str, base: &str) -> Result<(), StorageError> {
        let (old, base) = (parse(name)?.1.word, parse(base)?.1.word);
        // The kernel may know it by either.
        self.unmap(old, None)?;
        self.unmap(base, None)?;
        let known = self.snapshots(base)?.into_iter().find(|snapshot| snapshot.name == BASE);
        if known.is_none() {
            self.snap("create", base, BASE)?;
        }
        if known.is_some_and(|snapshot| snapshot.is_protected()) {
            Ok(())
        } else {
            self.snap("protect", base, BASE)
        }
    }

    /// Only of a base the name tells it.
    fn linked_name(
        &self,
        base: &str,
        snapshot: Option<&str>,
        free_name: String,
    ) -> Result<String, StorageError> {
        let (_, image) = parse(base)?;
        let told = image.prefix.is_base() && snapshot.is_none_or(|snapshot| snapshot == BASE);
        Ok(if told { format!("{}/{free_name}", image.word) } else { free_name })
    }

    fn clone_linked(&self, name: &str, snapshot: Option<&str>, clone: &str) -> Result<(), StorageError> {
        let (_, image) = parse(name)?;
        let (_, new) = parse(clone)?;
        let is_base = image.prefix.is_base();
        let source = match snapshot {
            Some(snapshot) => snapshot_name(snapshot)?,
            None if is_base => BASE,
            None => {
                let what = "linked clones are made of a template or of a snapshot";
                return Err(StorageError::unsupported(what, name));
            }
        };
        self.expect(name, image.word)?;
        // What clones share must not be removed.
        if source != BASE && !self.snapshots(image.word)?.iter().any(|s| s.name == source && s.is_protected())
        {
            self.snap("protect", image.word, source)?;
        }
        let mut clone = self.rbd(["clone", &self.spec(image.word), "--snap", source]);
        if let Some(data) = &self.data_pool {
            clone = clone.args(["--data-pool", data]);
        }
        tools::change(clone.arg(self.spec(new.word)))
    }

    fn renamed_name(&self, name: &str, free_name: String) -> Result<String, StorageError> {
        let (base, _) = parse(name)?;
        Ok(match base {
            Some(base) => format!("{}/{free_name}", base.word),
            None => free_name,
        })
    }

    fn rename(&self, name: &str, new: &str) -> Result<(), StorageError> {
        tools::change(self.rbd(["rename", parse(name)?.1.word, parse(new)?.1.word]))
    }
}
