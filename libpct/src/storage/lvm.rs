//! Storages of type `lvm` and what `lvmthin` shares with them: volumes are logical volumes of a volume group (spec:
//! runtime, part 11.3).

use std::path::{Path, PathBuf};

use super::{
    Format, StorageError,
    backend::{Backend, Described, Feature, Listed, Location, Space},
    cfg::Section,
    tools,
    volname::{Name, Prefix, bad, free_name},
};
use crate::{
    config::{Size, Vmid},
    exec::Command,
};

/// How the reports are asked for.
const REPORT: [&str; 7] = ["--separator", ":", "--noheadings", "--units", "b", "--unbuffered", "--nosuffix"];

/// What is zeroed at a time, in MiB, where the storage does not say it.
const STEP: u64 = 32;

/// A volume group.
pub(super) struct Group {
    pub(super) name: String,
    /// `/dev`, but for tests.
    dev: PathBuf,
}

/// A logical volume.
pub(super) struct Logical {
    pub(super) name: String,
    pub(super) size: Size,
    attributes: String,
    pub(super) pool: String,
    pub(super) percent: f64,
    tags: String,
}

impl Logical {
    pub(super) fn kind(&self) -> char {
        self.attributes.chars().next().unwrap_or_default()
    }

    pub(super) fn is_active(&self) -> bool {
        self.attributes.chars().nth(4) == Some('a')
    }

    fn is_tagged(&self) -> bool {
        self.tags
            .split(',')
            .any(|tag| tag.strip_prefix("pve-vm-").is_some_and(|id| id.parse::<Vmid>().is_ok()))
    }
}

impl Group {
    pub(super) fn from_section(section: &Section) -> Result<Self, String> {
        Ok(Self { name: section.need("vgname")?.to_owned(), dev: PathBuf::from("/dev") })
    }

    /// Its size and what is free of it, if it is there.
    fn report(&self) -> Result<Option<(u64, u64)>, StorageError> {
        let lines = tools::look(lvm("vgs").args(REPORT).args(["--options", "vg_name,vg_size,vg_free"]))?;
        Ok(lines.iter().find_map(|line| {
            let mut fields = line.trim().split(':');
            (fields.next() == Some(&self.name)).then_some(())?;
            Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
        }))
    }

    fn expect(&self) -> Result<(u64, u64), StorageError> {
        self.report()?.ok_or_else(|| StorageError::Unusable {
            storage: self.name.clone(),
            reason: "there is no such volume group".to_owned(),
        })
    }

    pub(super) fn check(&self) -> Result<(), StorageError> {
        self.expect().map(drop)
    }

    pub(super) fn activate(&self) -> Result<(), StorageError> {
        if self.report()?.is_some() {
            return Ok(());
        }
        tools::change(lvm("vgscan").args(["--ignorelockingfailure", "--mknodes"]))?;
        tools::settle();
        self.check()
    }

    pub(super) fn volumes(&self) -> Result<Vec<Logical>, StorageError> {
        let options = "lv_name,lv_size,lv_attr,pool_lv,data_percent,lv_tags";
        let lines = tools::look(lvm("lvs").args(REPORT).args(["--options", options]).arg(&self.name))?;
        let parse = |line: &String| {
            let mut fields = line.trim().split(':');
            let mut next = || fields.next().map(str::to_owned);
            Some(Logical {
                name: next()?,
                size: Size::from_bytes(next()?.parse().ok()?),
                attributes: next()?,
                pool: next()?,
                percent: next()?.parse().unwrap_or_default(),
                tags: next().unwrap_or_default(),
            })
        };
        Ok(lines.iter().filter_map(parse).collect())
    }

    pub(super) fn find(&self, volume: &str) -> Result<Option<Logical>, StorageError> {
        Ok(self.volumes()?.into_iter().find(|logical| logical.name == volume))
    }

    /// The device of a logical volume.
    pub(super) fn device(&self, volume: &str) -> PathBuf {
        self.dev.join(&self.name).join(volume)
    }

    /// `<group>/<volume>`.
    pub(super) fn of(&self, volume: &str) -> String {
        format!("{}/{volume}", self.name)
    }

    pub(super) fn locate(&self, name: &str, volume: &str) -> Result<Location, StorageError> {
        let path = self.device(volume);
        if path.exists() { Ok(Location::Block(path)) } else { Err(missing(name, &path)) }
    }

    pub(super) fn remove(&self, volume: &str) -> Result<(), StorageError> {
        tools::change(lvm("lvremove").arg("-f").arg(self.of(volume)))
    }

    pub(super) fn resize(&self, name: &str, volume: &str, size: Size) -> Result<(), StorageError> {
        let path = self.device(volume);
        let now = self.find(volume)?.ok_or_else(|| missing(name, &path))?.size;
        if now >= size {
            // What rounding has added is not taken away, and to ask for nothing is a failure of the program.
            return Ok(());
        }
        tools::change(lvm("lvextend").arg("-L").arg(kib(size)).arg(path))
    }

    /// The next free name of a container's volume.
    pub(super) fn free_name(&self, owner: Vmid) -> Result<String, StorageError> {
        let volumes = self.volumes()?;
        free_name(owner, Format::Raw, volumes.iter().map(|logical| logical.name.as_str()), &self.name)
    }

    pub(super) fn rename(&self, name: &str, new: &str) -> Result<(), StorageError> {
        tools::change(lvm("lvrename").args([&*self.name, name, new]))
    }
}

pub(super) fn missing(name: &str, path: &Path) -> StorageError {
    StorageError::MissingVolume { name: name.to_owned(), path: path.to_owned() }
}

pub(super) fn lvm(program: &str) -> Command {
    tools::program(program, "lvm2")
}

/// A size as these programs take it.
pub(super) fn kib(size: Size) -> String {
    format!("{}k", size.bytes().div_ceil(1024))
}

pub(super) struct LvmStorage {
    group: Group,
    tagged_only: bool,
    /// Whether what was on a volume is overwritten before it is removed.
    wipes: bool,
    step: u64,
    throughput: Option<String>,
}

impl LvmStorage {
    pub(super) fn from_section(section: &Section) -> Result<Self, String> {
        let throughput = section.get("saferemove_throughput");
        if throughput.is_some_and(|speed| speed.parse::<i64>().is_err()) {
            return Err("its 'saferemove_throughput' is no number".to_owned());
        }
        Ok(Self {
            group: Group::from_section(section)?,
            tagged_only: section.flag("tagged_only"),
            wipes: section.flag("saferemove"),
            step: section.get("saferemove-stepsize").and_then(|step| step.parse().ok()).unwrap_or(STEP) << 20,
            throughput: throughput.map(str::to_owned),
        })
    }

    fn parse(name: &str) -> Result<Name<'_>, StorageError> {
        let sound = |parsed: &Name<'_>| parsed.prefix == Prefix::Vm && !name.ends_with(".qcow2");
        Name::parse(name).filter(sound).ok_or_else(|| bad(name))
    }

    fn wipe(&self, name: &str) -> Result<(), StorageError> {
        let doomed = format!("del-{name}");
        tools::change(lvm("lvrename").args([&*self.group.name, name, &*doomed]))?;
        let path = self.group.device(&doomed);
        tools::change(lvm("lvchange").arg("-aly").arg(&path))?;
        match &self.throughput {
            Some(speed) => tools::work(
                tools::program("cstream", "cstream")
                    .args(["-i", "/dev/zero", "-o"])
                    .arg(&path)
                    .args(["-T", "10", "-v", "1", "-b", "1048576", "-t"])
                    .arg(speed),
            )?,
            None => tools::work(
                tools::program("blkdiscard", "util-linux")
                    .arg(&path)
                    .args(["-v", "--zeroout", "--step"])
                    .arg(self.step.to_string()),
            )?,
        }
        self.group.remove(&doomed)
    }
}

impl Backend for LvmStorage {
    fn format_for(&self, _size: Size) -> Format {
        Format::Raw
    }

    fn activate(&self) -> Result<(), StorageError> {
        self.group.activate()
    }

    fn check(&self) -> Result<(), StorageError> {
        self.group.check()
    }

    fn space(&self) -> Result<Space, StorageError> {
        let (total, available) = self.group.expect()?;
        Ok(Space { total, used: total.saturating_sub(available), available })
    }

    fn describe(&self, name: &str) -> Result<Described, StorageError> {
        let owner = Self::parse(name)?.owner;
        Ok(Described { owner, format: Format::Raw, base: None, is_base: false })
    }

    fn free_name(&self, owner: Vmid, _format: Format) -> Result<String, StorageError> {
        self.group.free_name(owner)
    }

    fn allocate(&self, name: &str, size: Size) -> Result<(), StorageError> {
        let owner = Self::parse(name)?.owner;
        needs_size(name, size)?;
        let (_, free) = self.group.expect()?;
        if free < size.bytes() {
            return Err(StorageError::NoSpace {
                place: self.group.name.clone(),
                size,
                free: Size::from_bytes(free),
            });
        }
        tools::change(
            lvm("lvcreate")
                .args(["-aly", "-Wy", "--yes", "--size", &kib(size), "--name", name])
                .args(["--setautoactivation", "n", "--addtag", &format!("pve-vm-{owner}")])
                .arg(&self.group.name),
        )
    }

    fn free(&self, name: &str) -> Result<(), StorageError> {
        Self::parse(name)?;
        if self.group.find(name)?.is_none() {
            return Ok(());
        }
        if self.wipes { self.wipe(name) } else { self.group.remove(name) }
    }

    fn open(&self, name: &str, snapshot: Option<&str>) -> Result<(), StorageError> {
        no_snapshot(name, snapshot)?;
        Self::parse(name)?;
        let path = self.group.device(name);
        tools::change(lvm("lvchange").arg("-aey").arg(&path))?;
        tools::change(lvm("lvchange").arg("--refresh").arg(path))
    }

    fn close(&self, name: &str, snapshot: Option<&str>) -> Result<(), StorageError> {
        no_snapshot(name, snapshot)?;
        Self::parse(name)?;
        let path = self.group.device(name);
        if path.exists() { tools::change(lvm("lvchange").arg("-aln").arg(path)) } else { Ok(()) }
    }

    fn locate(&self, name: &str, snapshot: Option<&str>) -> Result<Location, StorageError> {
        no_snapshot(name, snapshot)?;
        self.group.locate(name, Self::parse(name)?.word)
    }

    fn list(&self, owner: Option<Vmid>) -> Result<Vec<Listed>, StorageError> {
        let mut volumes = self.group.volumes()?;
        volumes
            .retain(|logical| "-mMrR".contains(logical.kind()) && (!self.tagged_only || logical.is_tagged()));
        Ok(listed(volumes, owner, |name| Self::parse(name).ok()))
    }

    fn resize(&self, name: &str, size: Size) -> Result<(), StorageError> {
        self.group.resize(name, Self::parse(name)?.word, size)
    }

    /// What was there before is there still.
    fn new_is_blank(&self) -> bool {
        false
    }

    fn has_feature(&self, feature: Feature, name: &str, snapshot: Option<&str>) -> bool {
        Self::parse(name).is_ok() && snapshot.is_none() && feature == Feature::Rename
    }

    fn rename(&self, name: &str, new: &str) -> Result<(), StorageError> {
        self.group.rename(Self::parse(name)?.word, Self::parse(new)?.word)
    }
}

/// Refuses a volume that could have no end.
pub(super) fn needs_size(name: &str, size: Size) -> Result<(), StorageError> {
    if size.bytes() > 0 {
        return Ok(());
    }
    Err(StorageError::unsupported("a volume on this storage needs a size", name))
}

fn no_snapshot(name: &str, snapshot: Option<&str>) -> Result<(), StorageError> {
    match snapshot {
        None => Ok(()),
        Some(_) => Err(StorageError::unsupported("this volume has no snapshots", name)),
    }
}

/// The logical volumes that are volumes of containers or virtual machines.
pub(super) fn listed(
    volumes: Vec<Logical>,
    owner: Option<Vmid>,
    parse: impl Fn(&str) -> Option<Name<'_>>,
) -> Vec<Listed> {
    let listed = volumes.into_iter().filter_map(|Logical { name, size, .. }| {
        let found = parse(&name)?.owner;
        owner.is_none_or(|owner| owner == found).then_some(())?;
        Some(Listed { owner: found, format: Format::Raw, size, parent: None, name })
    });
    let mut listed: Vec<_> = listed.collect();
    listed.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    listed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::backend::testing::{made, renamed};
    use crate::storage::{cfg, tools::script};

    const VGS: &str =
        "vgs --separator : --noheadings --units b --unbuffered --nosuffix --options vg_name,vg_size,vg_free";
    const LVS: &str = "lvs --separator : --noheadings --units b --unbuffered --nosuffix --options \
                       lv_name,lv_size,lv_attr,pool_lv,data_percent,lv_tags vg0";
    const VOLUMES: &str = "  root:1073741824:-wi-ao----:::\n  vm-9001-disk-0:4194304:-wi-a-----:::pve-vm-9001\n  \
                           vm-9002-disk-0:8388608:-wi-------:::other\n  data:99:twi-aotz--::1.5:\n";

    fn storage(more: &str) -> LvmStorage {
        LvmStorage::from_section(&cfg::section(&format!("lvm: some\n\tvgname vg0\n{more}"))).unwrap()
    }

    fn vmid(id: u32) -> Vmid {
        Vmid::new(id).unwrap()
    }

    #[test]
    fn a_group_that_is_not_known_is_searched() {
        script::answer("vgs ", "  vg1:10:5\n");
        script::answer("vgs ", "  vg0:1000:400\n");
        storage("").activate().unwrap();
        assert_eq!(
            script::take(),
            [VGS, "vgscan --ignorelockingfailure --mknodes", "udevadm settle --timeout=30", VGS]
        );
        assert!(matches!(storage("").check(), Err(StorageError::Unusable { .. })));
        script::take();
        script::answer("vgs ", "  vg0:1000:400\n");
        assert_eq!(storage("").space().unwrap(), Space { total: 1000, used: 600, available: 400 });
    }

    #[test]
    fn a_volume_is_made_with_its_tag_where_there_is_room() {
        script::answer("vgs", "  vg0:1000000000:10000000\n");
        script::answer("lvs", VOLUMES);
        let new = made(&storage(""), vmid(9001), Format::Raw, Size::from_bytes(8 << 20)).unwrap();
        assert_eq!(new, "vm-9001-disk-1");
        let create = "lvcreate -aly -Wy --yes --size 8192k --name vm-9001-disk-1 --setautoactivation n --addtag \
                      pve-vm-9001 vg0";
        assert_eq!(script::take(), [LVS, VGS, create]);
        script::answer("vgs", "  vg0:1000000000:10000000\n");
        let refused = made(&storage(""), vmid(9001), Format::Raw, Size::from_bytes(16 << 20));
        assert!(matches!(refused, Err(StorageError::NoSpace { .. })));
        assert_eq!(script::take(), [LVS, VGS]);
        assert!(made(&storage(""), vmid(9001), Format::Raw, Size::from_bytes(0)).is_err());
    }

    #[test]
    fn volumes_are_activated_grown_renamed_and_removed() {
        let storage = storage("");
        storage.open("vm-9001-disk-0", None).unwrap();
        storage.close("vm-9001-disk-0", None).unwrap();
        let path = "/dev/vg0/vm-9001-disk-0";
        assert_eq!(script::take(), [format!("lvchange -aey {path}"), format!("lvchange --refresh {path}")]);
        script::answer("lvs", VOLUMES);
        storage.resize("vm-9001-disk-0", Size::from_bytes(8 << 20)).unwrap();
        assert_eq!(script::take(), [LVS, "lvextend -L 8192k /dev/vg0/vm-9001-disk-0"]);
        script::answer("lvs", VOLUMES);
        storage.resize("vm-9001-disk-0", Size::from_bytes(4 << 20)).unwrap();
        assert_eq!(script::take(), [LVS]);
        script::answer("lvs", VOLUMES);
        assert_eq!(renamed(&storage, "vm-9001-disk-0", vmid(9002)).unwrap(), "vm-9002-disk-1");
        assert_eq!(script::take(), [LVS, "lvrename vg0 vm-9001-disk-0 vm-9002-disk-1"]);
        script::answer("lvs", VOLUMES);
        storage.free("vm-9001-disk-0").unwrap();
        assert_eq!(script::take(), [LVS, "lvremove -f vg0/vm-9001-disk-0"]);
        script::answer("lvs", VOLUMES);
        storage.free("vm-9001-disk-7").unwrap();
        assert_eq!(script::take(), [LVS]);
    }

    #[test]
    fn an_active_volume_is_let_go() {
        let temp = tempfile::tempdir().unwrap();
        let mut storage = storage("");
        storage.group.dev = temp.path().to_owned();
        let path = temp.path().join("vg0/vm-9001-disk-0");
        assert!(storage.locate("vm-9001-disk-0", None).is_err());
        std::fs::create_dir(temp.path().join("vg0")).unwrap();
        std::fs::write(&path, "").unwrap();
        assert_eq!(storage.locate("vm-9001-disk-0", None).unwrap(), Location::Block(path.clone()));
        storage.close("vm-9001-disk-0", None).unwrap();
        assert_eq!(script::take(), [format!("lvchange -aln {}", path.display())]);
        assert!(storage.open("vm-9001-disk-0", Some("s")).is_err());
    }

    #[test]
    fn what_was_on_a_volume_is_overwritten_where_that_is_asked_for() {
        for (more, wipe) in [
            ("", "blkdiscard /dev/vg0/del-vm-9001-disk-0 -v --zeroout --step 33554432"),
            (
                "\tsaferemove-stepsize 1\n",
                "blkdiscard /dev/vg0/del-vm-9001-disk-0 -v --zeroout --step 1048576",
            ),
            (
                "\tsaferemove_throughput -1\n",
                "cstream -i /dev/zero -o /dev/vg0/del-vm-9001-disk-0 -T 10 -v 1 -b 1048576 -t -1",
            ),
        ] {
            script::answer("lvs", VOLUMES);
            storage(&format!("\tsaferemove\n{more}")).free("vm-9001-disk-0").unwrap();
            let rename = "lvrename vg0 vm-9001-disk-0 del-vm-9001-disk-0";
            let activate = "lvchange -aly /dev/vg0/del-vm-9001-disk-0";
            assert_eq!(script::take(), [LVS, rename, activate, wipe, "lvremove -f vg0/del-vm-9001-disk-0"]);
        }
    }

    #[test]
    fn only_volumes_of_guests_are_listed() {
        let names = |more: &str, owner| {
            script::answer("lvs", VOLUMES);
            let listed = storage(more).list(owner).unwrap();
            assert_eq!(script::take(), [LVS]);
            listed.into_iter().map(|listed| listed.name).collect::<Vec<_>>()
        };
        assert_eq!(names("", None), ["vm-9001-disk-0", "vm-9002-disk-0"]);
        assert_eq!(names("", Some(vmid(9002))), ["vm-9002-disk-0"]);
        assert_eq!(names("\ttagged_only\n", None), ["vm-9001-disk-0"]);
        let storage = storage("");
        for foreign in ["vm-9001-disk-0.qcow2", "base-9001-disk-0", "root", "../vm-9001-disk-0", "-f"] {
            assert!(storage.describe(foreign).is_err() && storage.free(foreign).is_err(), "{foreign}");
        }
        assert!(storage.has_feature(Feature::Rename, "vm-9001-disk-0", None));
        assert!(!storage.has_feature(Feature::Snapshot, "vm-9001-disk-0", None));
        assert!(storage.snapshot("vm-9001-disk-0", "s").is_err());
        assert!(script::take().is_empty());
    }
}
