//! Storages of type `lvmthin`: thin volumes of a pool; a snapshot is one called `snap_<volume>_<snapshot>` (spec: runtime,
//! part 11.4).

use super::{
    Format, StorageError,
    backend::{Backend, Described, Feature, Listed, Location, Space},
    cfg::Section,
    lvm::{Group, Logical, kib, listed, lvm, missing, needs_size},
    tools,
    volname::{Name, Prefix, bad, snapshot_name},
};
use crate::config::{Size, Vmid};

pub(super) struct LvmThinStorage {
    group: Group,
    pool: String,
}

impl LvmThinStorage {
    pub(super) fn from_section(section: &Section) -> Result<Self, String> {
        Ok(Self { group: Group::from_section(section)?, pool: section.need("thinpool")?.to_owned() })
    }

    fn parse(name: &str) -> Result<Name<'_>, StorageError> {
        let known = |parsed: &Name<'_>| matches!(parsed.prefix, Prefix::Vm | Prefix::Base);
        Name::parse(name).filter(known).ok_or_else(|| bad(name))
    }

    /// The logical volume of a volume or of its snapshot.
    fn logical(name: &str, snapshot: Option<&str>) -> Result<String, StorageError> {
        let word = Self::parse(name)?.word;
        Ok(match snapshot {
            None => word.to_owned(),
            Some(snapshot) => format!("snap_{word}_{}", snapshot_name(snapshot)?),
        })
    }

    /// The snapshots of a volume. With `vm-1-a` and `vm-1-a_b` on the same pool, one of the latter begins as if it were
    /// one of the former: it belongs to the longer name.
    fn snapshots<'v>(volumes: &'v [Logical], name: &str) -> Vec<&'v str> {
        let is_of =
            |snapshot: &str, volume: &str| snapshot.strip_prefix(volume).is_some_and(|r| r.starts_with('_'));
        let begins =
            |logical: &&'v Logical| logical.name.strip_prefix("snap_").is_some_and(|rest| is_of(rest, name));
        let elsewhere = |snapshot: &&str| {
            let longer = volumes.iter().filter(|other| other.name.len() > name.len());
            let rest = snapshot.strip_prefix("snap_").unwrap_or_default();
            longer.into_iter().any(|other| is_of(rest, &other.name))
        };
        volumes.iter().filter(begins).map(|logical| logical.name.as_str()).filter(|s| !elsewhere(s)).collect()
    }

    fn make_active(&self, volumes: &[Logical], name: &str) -> Result<(), StorageError> {
        let found = volumes.iter().find(|logical| logical.name == name);
        let found = found.ok_or_else(|| missing(name, &self.group.device(name)))?;
        if found.is_active() {
            return Ok(());
        }
        tools::change(lvm("lvchange").args(["-ay", "-K", &self.group.of(name)]))
    }

    /// The volume is not activated by itself at boot; that it is all the same does no harm.
    fn no_autoactivation(&self, name: &str) {
        let _ = tools::change(lvm("lvchange").args(["--setautoactivation", "n", &self.group.of(name)]));
    }

    fn expect_snapshot(&self, name: &str, snapshot: &str) -> Result<String, StorageError> {
        let frozen = Self::logical(name, Some(snapshot))?;
        match self.group.find(&frozen)? {
            Some(_) => Ok(frozen),
            None => Err(missing(name, &self.group.device(&frozen))),
        }
    }
}

impl Backend for LvmThinStorage {
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
        let pool = self.group.find(&self.pool)?.filter(|pool| pool.kind() == 't');
        let pool = pool.ok_or_else(|| StorageError::Unusable {
            storage: self.group.of(&self.pool),
            reason: "there is no such thin pool".to_owned(),
        })?;
        let total = pool.size.bytes();
        // Whole bytes of a percentage with two digits: below the precision that there is.
        let used = ((total as f64) * pool.percent / 100.0) as u64;
        Ok(Space { total, used, available: total.saturating_sub(used) })
    }

    fn describe(&self, name: &str) -> Result<Described, StorageError> {
        let parsed = Self::parse(name)?;
        let is_base = parsed.prefix.is_base();
        Ok(Described { owner: parsed.owner, format: Format::Raw, base: None, is_base })
    }

    fn free_name(&self, owner: Vmid, _format: Format) -> Result<String, StorageError> {
        self.group.free_name(owner)
    }

    fn allocate(&self, name: &str, size: Size) -> Result<(), StorageError> {
        Self::parse(name)?;
        needs_size(name, size)?;
        let pool = self.group.of(&self.pool);
        tools::change(lvm("lvcreate").args(["-aly", "-V", &kib(size), "--name", name, "--thinpool", &pool]))?;
        self.no_autoactivation(name);
        Ok(())
    }

    fn free(&self, name: &str) -> Result<(), StorageError> {
        Self::parse(name)?;
        let volumes = self.group.volumes()?;
        for snapshot in Self::snapshots(&volumes, name) {
            self.group.remove(snapshot)?;
        }
        if volumes.iter().any(|logical| logical.name == name) { self.group.remove(name) } else { Ok(()) }
    }

    fn open(&self, name: &str, snapshot: Option<&str>) -> Result<(), StorageError> {
        let logical = Self::logical(name, snapshot)?;
        let volumes = self.group.volumes()?;
        self.make_active(&volumes, &self.pool)?;
        self.make_active(&volumes, &logical)
    }

    fn close(&self, name: &str, snapshot: Option<&str>) -> Result<(), StorageError> {
        let logical = Self::logical(name, snapshot)?;
        let shared = snapshot.is_some() || Self::parse(name)?.prefix.is_base();
        if !shared || !self.group.device(&logical).exists() {
            return Ok(());
        }
        tools::change(lvm("lvchange").args(["-an", &self.group.of(&logical)]))
    }

    fn locate(&self, name: &str, snapshot: Option<&str>) -> Result<Location, StorageError> {
        self.group.locate(name, &Self::logical(name, snapshot)?)
    }

    fn list(&self, owner: Option<Vmid>) -> Result<Vec<Listed>, StorageError> {
        let mut volumes = self.group.volumes()?;
        volumes.retain(|logical| logical.kind() == 'V' && logical.pool == self.pool);
        Ok(listed(volumes, owner, |name| Self::parse(name).ok()))
    }

    fn resize(&self, name: &str, size: Size) -> Result<(), StorageError> {
        self.group.resize(name, Self::parse(name)?.word, size)
    }

    fn has_feature(&self, feature: Feature, name: &str, snapshot: Option<&str>) -> bool {
        let Ok(parsed) = Self::parse(name) else { return false };
        match feature {
            Feature::LinkedClone => snapshot.is_some() || parsed.prefix.is_base(),
            Feature::Snapshot | Feature::Template | Feature::Rename => {
                snapshot.is_none() && !parsed.prefix.is_base()
            }
        }
    }

    fn snapshot(&self, name: &str, snapshot: &str) -> Result<(), StorageError> {
        let frozen = Self::logical(name, Some(snapshot))?;
        tools::change(lvm("lvcreate").args(["-n", &frozen, "-pr", "-s", &self.group.of(name)]))
    }

    fn delete_snapshot(&self, name: &str, snapshot: &str) -> Result<(), StorageError> {
        let frozen = Self::logical(name, Some(snapshot))?;
        if self.group.find(&frozen)?.is_none() { Ok(()) } else { self.group.remove(&frozen) }
    }

    fn check_rollback(&self, name: &str, snapshot: &str) -> Result<(), StorageError> {
        self.expect_snapshot(name, snapshot).map(drop)
    }

    fn rollback(&self, name: &str, snapshot: &str) -> Result<(), StorageError> {
        let frozen = self.expect_snapshot(name, snapshot)?;
        // One that broke off behind the removal is done when it is repeated.
        if self.group.find(name)?.is_some() {
            self.group.remove(name)?;
        }
        tools::change(lvm("lvcreate").args(["-kn", "-n", name, "-s", &self.group.of(&frozen)]))?;
        self.no_autoactivation(name);
        Ok(())
    }

    fn base_name(&self, name: &str) -> Result<String, StorageError> {
        let parsed = Self::parse(name)?;
        if parsed.prefix.is_base() {
            return Err(StorageError::unsupported("this volume is a base already", name));
        }
        Ok(parsed.with(Prefix::Base))
    }

    fn protect_base(&self, _name: &str, base: &str) -> Result<(), StorageError> {
        Self::parse(base)?;
        // Protection, not correctness: a base is used through its clones.
        let of = self.group.of(base);
        let _ = tools::change(lvm("lvchange").args(["-pr", "-ky", &of]));
        let _ = tools::change(lvm("lvchange").args(["-an", &of]));
        Ok(())
    }

    fn clone_linked(&self, name: &str, snapshot: Option<&str>, clone: &str) -> Result<(), StorageError> {
        let source = Self::logical(name, snapshot)?;
        Self::parse(clone)?;
        if !self.has_feature(Feature::LinkedClone, name, snapshot) {
            return Err(StorageError::unsupported(
                "linked clones are made of a template or of a snapshot",
                name,
            ));
        }
        tools::change(lvm("lvcreate").args(["-n", clone, "-prw", "-kn", "-s", &self.group.of(&source)]))?;
        self.no_autoactivation(clone);
        Ok(())
    }

    fn rename(&self, name: &str, new: &str) -> Result<(), StorageError> {
        Self::parse(name)?;
        if !Self::snapshots(&self.group.volumes()?, name).is_empty() {
            return Err(StorageError::unsupported(
                "the volume has a snapshot, which must be deleted before",
                name,
            ));
        }
        self.group.rename(name, Self::parse(new)?.word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::backend::testing::{based, cloned, made, renamed};
    use crate::storage::{cfg, tools::script};

    const LVS: &str = "lvs --separator : --noheadings --units b --unbuffered --nosuffix --options \
                       lv_name,lv_size,lv_attr,pool_lv,data_percent,lv_tags vg0";
    const VOLUMES: &str = "  data:1000:twi-aotz--::25.00:\n  vm-9001-disk-0:4194304:Vwi-aotz--:data:1.00:\n  \
                           vm-9001-disk-0_b:4194304:Vwi---tz--:data::\n  \
                           snap_vm-9001-disk-0_s1:4194304:Vri---tz-k:data::\n  \
                           snap_vm-9001-disk-0_b_s1:4194304:Vri---tz-k:data::\n  \
                           base-9003-disk-0:4194304:Vri---tz-k:data::\n  \
                           vm-9002-disk-0:8388608:Vwi---tz--:other::\n  vm-9002-disk-1:8388608:-wi-------:::\n";
    const NAME: &str = "vm-9001-disk-0";

    fn storage() -> LvmThinStorage {
        LvmThinStorage::from_section(&cfg::section("lvmthin: some\n\tvgname vg0\n\tthinpool data\n")).unwrap()
    }

    fn vmid(id: u32) -> Vmid {
        Vmid::new(id).unwrap()
    }

    #[test]
    fn volumes_are_made_in_the_pool_and_listed_from_it() {
        script::answer("lvs", VOLUMES);
        assert_eq!(storage().space().unwrap(), Space { total: 1000, used: 250, available: 750 });
        assert_eq!(script::take(), [LVS]);
        script::answer("lvs", VOLUMES);
        script::fail("lvchange", "Unknown option");
        let made = made(&storage(), vmid(9002), Format::Raw, Size::from_bytes(8 << 20)).unwrap();
        assert_eq!(made, "vm-9002-disk-2", "names are the group's");
        let create = "lvcreate -aly -V 8192k --name vm-9002-disk-2 --thinpool vg0/data";
        assert_eq!(script::take(), [LVS, create, "lvchange --setautoactivation n vg0/vm-9002-disk-2"]);
        script::answer("lvs", VOLUMES);
        let names: Vec<_> = storage().list(None).unwrap().into_iter().map(|listed| listed.name).collect();
        assert_eq!(names, ["base-9003-disk-0", NAME, "vm-9001-disk-0_b"]);
        assert_eq!(script::take(), [LVS]);
    }

    #[test]
    fn what_is_not_active_is_activated_and_what_is_shared_let_go() {
        script::answer("lvs", VOLUMES);
        storage().open(NAME, None).unwrap();
        assert_eq!(script::take(), [LVS]);
        script::answer("lvs", VOLUMES);
        storage().open(NAME, Some("s1")).unwrap();
        assert_eq!(script::take(), [LVS, "lvchange -ay -K vg0/snap_vm-9001-disk-0_s1"]);
        script::answer("lvs", VOLUMES);
        assert!(storage().open(NAME, Some("s2")).is_err());
        script::take();
        storage().close(NAME, None).unwrap();
        storage().close("base-9003-disk-0", None).unwrap();
        assert!(script::take().is_empty(), "none has a device");
        let path = storage().group.device("snap_vm-9001-disk-0_s1");
        assert_eq!(path, std::path::Path::new("/dev/vg0/snap_vm-9001-disk-0_s1"));
    }

    #[test]
    fn a_volume_goes_with_its_own_snapshots_only() {
        script::answer("lvs", VOLUMES);
        storage().free(NAME).unwrap();
        assert_eq!(
            script::take(),
            [LVS, "lvremove -f vg0/snap_vm-9001-disk-0_s1", "lvremove -f vg0/vm-9001-disk-0"]
        );
        script::answer("lvs", VOLUMES);
        storage().free("vm-9009-disk-0").unwrap();
        assert_eq!(script::take(), [LVS]);
    }

    #[test]
    fn snapshots_come_go_and_come_back() {
        let storage = storage();
        storage.snapshot(NAME, "s2").unwrap();
        assert_eq!(script::take(), ["lvcreate -n snap_vm-9001-disk-0_s2 -pr -s vg0/vm-9001-disk-0"]);
        script::answer("lvs", VOLUMES);
        storage.delete_snapshot(NAME, "s1").unwrap();
        assert_eq!(script::take(), [LVS, "lvremove -f vg0/snap_vm-9001-disk-0_s1"]);
        script::answer("lvs", VOLUMES);
        storage.delete_snapshot(NAME, "s9").unwrap();
        assert_eq!(script::take(), [LVS]);
        script::answer("lvs", VOLUMES);
        script::answer("lvs", VOLUMES);
        storage.rollback(NAME, "s1").unwrap();
        assert_eq!(
            script::take(),
            [
                LVS,
                LVS,
                "lvremove -f vg0/vm-9001-disk-0",
                "lvcreate -kn -n vm-9001-disk-0 -s vg0/snap_vm-9001-disk-0_s1",
                "lvchange --setautoactivation n vg0/vm-9001-disk-0"
            ]
        );
        assert!(storage.rollback(NAME, "s1").is_err(), "nothing is removed without a snapshot to go back to");
        assert_eq!(script::take(), [LVS]);
        for bad in ["", "-x", "a/b", "a b"] {
            assert!(storage.snapshot(NAME, bad).is_err());
        }
        assert!(script::take().is_empty());
    }

    #[test]
    fn bases_and_their_clones() {
        let storage = storage();
        script::answer("lvs", VOLUMES);
        script::answer("lvs", VOLUMES);
        assert!(based(&storage, NAME).is_err(), "it has a snapshot");
        script::answer("lvs", VOLUMES);
        script::answer("lvs", VOLUMES);
        assert!(renamed(&storage, NAME, vmid(9002)).is_err());
        script::take();
        script::answer("lvs", VOLUMES);
        script::fail("lvchange -an", "in use");
        assert_eq!(based(&storage, "vm-9002-disk-0").unwrap(), "base-9002-disk-0");
        assert_eq!(
            script::take(),
            [
                LVS,
                "lvrename vg0 vm-9002-disk-0 base-9002-disk-0",
                "lvchange -pr -ky vg0/base-9002-disk-0",
                "lvchange -an vg0/base-9002-disk-0"
            ]
        );
        script::answer("lvs", VOLUMES);
        script::fail("lvrename", "Existing logical volume not found");
        script::answer("lvs", VOLUMES);
        assert_eq!(based(&storage, "vm-9003-disk-0").unwrap(), "base-9003-disk-0", "a call before broke off");
        assert_eq!(
            script::take(),
            [
                LVS,
                "lvrename vg0 vm-9003-disk-0 base-9003-disk-0",
                LVS,
                "lvchange -pr -ky vg0/base-9003-disk-0",
                "lvchange -an vg0/base-9003-disk-0"
            ]
        );
        for (name, snapshot, source) in
            [("base-9003-disk-0", None, "base-9003-disk-0"), (NAME, Some("s1"), "snap_vm-9001-disk-0_s1")]
        {
            script::answer("lvs", VOLUMES);
            assert_eq!(cloned(&storage, name, snapshot, vmid(9004)).unwrap(), "vm-9004-disk-0");
            let create = format!("lvcreate -n vm-9004-disk-0 -prw -kn -s vg0/{source}");
            assert_eq!(script::take(), [LVS, &create, "lvchange --setautoactivation n vg0/vm-9004-disk-0"]);
        }
        assert!(cloned(&storage, NAME, None, vmid(9004)).is_err());
        script::take();
        script::answer("lvs", VOLUMES);
        script::answer("lvs", VOLUMES);
        assert_eq!(renamed(&storage, "vm-9002-disk-0", vmid(9001)).unwrap(), "vm-9001-disk-1");
        assert_eq!(script::take(), [LVS, LVS, "lvrename vg0 vm-9002-disk-0 vm-9001-disk-1"]);
        script::answer("lvs", VOLUMES);
        storage.resize("vm-9002-disk-0", Size::from_bytes(9 << 20)).unwrap();
        assert_eq!(script::take(), [LVS, "lvextend -L 9216k /dev/vg0/vm-9002-disk-0"]);
    }
}
