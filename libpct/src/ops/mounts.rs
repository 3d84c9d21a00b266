//! From the volumes that a config names to mounts below a root directory.

use std::{
    os::fd::{AsFd, OwnedFd},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{
    config::{IdMap, MountIdMap, MountOption, MountPoint, Section, VolumeRef},
    error::Error,
    mount::{self, Identity, Insert},
    storage::{Location, Storages},
    sys::{self, userns},
};

/// One volume, and where it goes. Made where the storages are known, carried out by the helper.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MountPlan {
    /// `rootfs` or `mp<n>`.
    pub(crate) key: String,
    pub(crate) source: Source,
    /// The path inside the container.
    pub(crate) target: String,
    pub(crate) options: Vec<String>,
    pub(crate) read_only: bool,
    /// The volume is a base whose content others share: nothing of it may change.
    pub(crate) frozen: bool,
    pub(crate) acl: bool,
    pub(crate) keep_attributes: bool,
    pub(crate) quota: bool,
    /// The mount point option `idmap`, as written.
    pub(crate) idmap: Option<String>,
}

impl MountPlan {
    /// Whether it is a file system of its own.
    pub(super) fn is_on_device(&self) -> bool {
        matches!(self.source, Source::Image(_) | Source::Block(_))
    }

    /// As the host mounts it for its own use: with the ids that are on the disk, and nothing changed on it.
    pub(super) fn on_host(self) -> Self {
        Self { idmap: None, keep_attributes: false, ..self }
    }
}

/// What is mounted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Source {
    Image(PathBuf),
    Block(PathBuf),
    Directory(PathBuf),
    /// A directory of the host's that its administrator named.
    Bind(String),
}

impl From<Location> for Source {
    fn from(location: Location) -> Self {
        match location {
            Location::Image(path) => Self::Image(path),
            Location::Block(path) => Self::Block(path),
            Location::Directory(path) => Self::Directory(path),
        }
    }
}

/// Activates the volumes of a config: the root file system first, then the mount points by number.
pub(crate) fn plan(section: &Section, storages: &Storages) -> Result<Vec<MountPlan>, Error> {
    section.rootfs()?.ok_or(Error::NoRootfs)?;
    section.points().into_iter().map(|(key, point)| plan_one(&key, &point, storages)).collect()
}

pub(crate) fn plan_one(key: &str, point: &MountPoint, storages: &Storages) -> Result<MountPlan, Error> {
    let source = match &point.volume {
        VolumeRef::Volume(volume) => {
            storages.locate(volume).map_err(|e| Error::volume(key, e.into()))?.into()
        }
        VolumeRef::Device(path) => Source::Block(PathBuf::from(path)),
        VolumeRef::Bind(path) => Source::Bind(path.clone()),
    };
    Ok(MountPlan {
        key: key.to_owned(),
        source,
        target: point.mp.clone().unwrap_or_else(|| "/".to_owned()),
        options: point.mountoptions.iter().map(ToString::to_string).collect(),
        read_only: point.ro,
        frozen: point
            .volume
            .volume()
            .is_some_and(|volume| storages.describe(volume).is_ok_and(|d| d.is_base)),
        acl: point.acl == Some(true),
        keep_attributes: point.keepattrs,
        quota: point.quota,
        idmap: point.idmap.clone(),
    })
}

/// What [`mount_all`] has mounted.
pub(crate) struct Mounted {
    pub(crate) root: OwnedFd,
    /// The block devices, (major, minor), of volumes with quotas.
    pub(crate) quota_devices: Vec<(u32, u32)>,
}

/// Mounts everything below `root` in this process's mount namespace, which must be a private one. With `writable`,
/// read-only mount points are writable for as long as the container is being made.
pub(crate) fn mount_all(
    plans: &[MountPlan],
    root: &Path,
    id_map: &IdMap,
    writable: bool,
) -> Result<Mounted, Error> {
    let (rootfs, points) = plans.split_first().ok_or(Error::NoRootfs)?;
    let top = open(rootfs, id_map, writable).map_err(|e| Error::volume(&rootfs.key, e))?;
    mount::attach(top.as_fd(), root)?;
    let mut quota_devices = Vec::from_iter(quota_device(rootfs, &top)?);
    for plan in points {
        let mounted = open(plan, id_map, writable).map_err(|e| Error::volume(&plan.key, e))?;
        quota_devices.extend(quota_device(plan, &mounted)?);
        let how = Insert { owner: id_map.root(), keep_attributes: plan.keep_attributes };
        let inserted = mount::insert(top.as_fd(), &plan.target, mounted.as_fd(), how);
        inserted.map_err(|e| Error::volume(&plan.key, e.into()))?;
    }
    Ok(Mounted { root: top, quota_devices })
}

fn quota_device(plan: &MountPlan, mounted: &OwnedFd) -> Result<Option<(u32, u32)>, Error> {
    let device = (plan.quota && plan.is_on_device()).then(|| Identity::of(mounted.as_fd())).transpose()?;
    Ok(device.map(Identity::device))
}

/// What of the plans has no effect, or none that can be good (spec: config, part 6; runtime, part 4.2).
pub(crate) fn warnings(plans: &[MountPlan], id_map: &IdMap) -> Vec<String> {
    let overlap = id_map.validate().err().map(|overlap| format!("lxc.idmap: {overlap}"));
    let ignored = plans
        .iter()
        .filter(|plan| plan.idmap.is_some() && id_map.is_empty())
        .map(|plan| format!("'{}' - ignoring 'idmap' option unsupported by privileged container", plan.key));
    let bound = plans.iter().filter(|plan| plan.quota && !plan.is_on_device());
    let bound = bound.map(|_| "cannot enable quota control for bind mounted subvolumes".to_owned());
    overlap.into_iter().chain(ignored).chain(bound).collect()
}

/// What is mounted while the volume of a plan is mounted; `None` when it cannot be mounted anywhere.
pub(super) fn identity(plan: &MountPlan, id_map: &IdMap) -> Result<Option<Identity>, Error> {
    if let Source::Image(path) = &plan.source
        && !mount::is_attached(path)?
    {
        return Ok(None);
    }
    // The same file system once more, for a moment.
    Ok(Some(Identity::of(open(plan, id_map, false)?.as_fd())?))
}

/// A detached mount of what is mounted, with the ids that are on the disk.
pub(super) fn open_source(source: &Source, options: mount::Options) -> Result<OwnedFd, Error> {
    Ok(match source {
        Source::Image(path) => mount::open_raw_image(path, options)?,
        Source::Block(path) => mount::open_block_device(path, options)?,
        Source::Directory(path) => {
            let directory = std::fs::File::open(path).map_err(|e| Error::io("cannot open", path, e))?;
            mount::clone_tree(directory.as_fd(), options)?
        }
        Source::Bind(path) => mount::bind(path, options)?,
    })
}

/// A detached mount, seen by nobody until it is put in its place.
pub(super) fn open(plan: &MountPlan, id_map: &IdMap, writable: bool) -> Result<OwnedFd, Error> {
    let mounted = open_source(&plan.source, options(plan, writable))?;
    // A privileged container has no ids to map.
    if let Some(text) = plan.idmap.as_ref().filter(|_| !id_map.is_empty()) {
        let map: MountIdMap = text.parse().map_err(|_| Error::invalid(&plan.key, "idmap"))?;
        map.validate()?;
        let namespace = userns::create(&map.for_mount(id_map))?;
        mount::idmapped(mounted.as_fd(), namespace.as_fd(), &plan.target)?;
    }
    Ok(mounted)
}

/// Writes out what was written to a volume that is a file system of its own: that its storage has no room for that may not
/// be told before. Called for all that makes a volume, so read-only mount points are writable.
pub(super) fn write_out(plan: &MountPlan) -> Result<(), Error> {
    if !plan.is_on_device() || plan.frozen {
        return Ok(());
    }
    let written = || sync(root(open(plan, &IdMap::default(), true)?)?);
    written().map_err(|error| Error::volume(&plan.key, error))
}

/// Opens the root directory of a detached mount.
pub(super) fn root(mounted: OwnedFd) -> Result<OwnedFd, Error> {
    mount::root_of(mounted).map_err(|errno| sys::Error::os("open a file system", errno).into())
}

/// Writes a file system out, by something in it.
pub(super) fn sync(inside: impl AsFd) -> Result<(), Error> {
    let attempt = "write a file system out (is its storage full?)";
    rustix::fs::syncfs(inside).map_err(|errno| sys::Error::os(attempt, errno).into())
}

fn options(plan: &MountPlan, writable: bool) -> mount::Options {
    let has = |option: MountOption| plan.options.contains(&option.to_string());
    mount::Options {
        read_only: plan.read_only && !writable,
        frozen: plan.frozen,
        discard: has(MountOption::Discard),
        lazytime: has(MountOption::Lazytime),
        noatime: has(MountOption::Noatime),
        nodev: has(MountOption::Nodev),
        noexec: has(MountOption::Noexec),
        nosuid: has(MountOption::Nosuid),
        acl: plan.acl,
        quota: plan.quota,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(key: &str, idmap: Option<&str>) -> MountPlan {
        MountPlan {
            key: key.to_owned(),
            source: Source::Bind("/srv".to_owned()),
            target: "/srv".to_owned(),
            options: Vec::new(),
            read_only: false,
            frozen: false,
            acl: false,
            keep_attributes: false,
            quota: false,
            idmap: idmap.map(str::to_owned),
        }
    }

    #[test]
    fn what_has_no_effect_is_told() {
        let plans = [plan("rootfs", None), plan("mp0", Some("u:0:0:1"))];
        assert_eq!(
            warnings(&plans, &IdMap::default()),
            ["'mp0' - ignoring 'idmap' option unsupported by privileged container"]
        );
        assert!(warnings(&plans, &IdMap::unprivileged_default()).is_empty());
        let quota = MountPlan { quota: true, ..plan("mp1", None) };
        assert_eq!(
            warnings(&[quota], &IdMap::default()),
            ["cannot enable quota control for bind mounted subvolumes"]
        );
        let twice = IdMap::parse(["u 0 100000 10", "u 5 200000 1"]).unwrap();
        assert_eq!(
            warnings(&plans, &twice),
            [
                "lxc.idmap: invalid map entry 'u 5 200000 1': container uid 5 is also mapped by entry 'u 0 100000 10'"
            ]
        );
    }
}
