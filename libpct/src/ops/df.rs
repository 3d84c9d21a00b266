//! `df`: how full the volumes of a container are (spec: cli, part 5.16).
//!
//! A volume is opened once more, where nobody sees it, whether the container runs or not: the kernel has one file system for
//! all of its mounts. So nothing of the guest's is asked, which need not answer.

use std::path::Path;

use super::{
    Env, disks, leftovers,
    mounts::{self, MountPlan, Source},
};
use crate::{
    config::{IdMap, MountPoint, Vmid},
    error::Error,
    progress::Progress,
    storage,
    sys::filesystem::{self, Space},
};

/// How full one volume of a container is, in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct VolumeUsage {
    /// `rootfs` or `mp<n>`.
    pub key: String,
    /// What is mounted: a volume id, or a path of the host.
    pub volume: String,
    /// The path inside.
    pub path: String,
    /// What the file system can hold.
    pub total: u64,
    /// What of it is taken.
    pub used: u64,
    /// What an ordinary user can still write.
    pub available: u64,
}

/// The volumes in the order in which they are mounted. One that cannot be looked at is told, and left out.
pub(crate) fn df(env: &Env, vmid: Vmid, progress: &mut dyn Progress) -> Result<Vec<VolumeUsage>, Error> {
    env.store().require(vmid)?;
    let lock = env.store().lock(vmid, progress)?;
    let loaded = env.store().load_telling(vmid, progress)?;
    let running = leftovers::settle(env, vmid)?;
    if !running {
        loaded.check_lock_but_mounted()?;
    }
    let section = loaded.config.main();
    section.rootfs()?.ok_or(Error::NoRootfs)?;
    let storages = env.storages()?;
    let mut volumes = Vec::new();
    for (key, point) in section.points() {
        let found = mounts::plan_one(&key, &point, &storages).map(|plan| {
            let plan = plan.on_host();
            // A folder of the host can be on a server that answers late. It needs no lock, and nobody has to wait for it.
            let space = (!matches!(plan.source, Source::Bind(_))).then(|| space(&key, &point, &plan));
            (plan, space)
        });
        volumes.push((key, point, found));
    }
    if !running && section.lock().is_none() {
        disks::close_all(section, &storages, progress);
    }
    drop(lock);
    let mut usages = Vec::new();
    for (key, point, found) in volumes {
        let found = found.and_then(|(plan, found)| {
            found.unwrap_or_else(|| {
                if let Source::Bind(path) = &plan.source {
                    storage::answers(Path::new(path))?;
                }
                space(&key, &point, &plan)
            })
        });
        let found = match found {
            Ok(found) => found,
            Err(error) => {
                progress.warning(&error.full_message());
                continue;
            }
        };
        usages.push(VolumeUsage {
            key,
            volume: point.volume.to_string(),
            path: point.path().to_owned(),
            total: found.total,
            used: found.used,
            available: found.available,
        });
    }
    Ok(usages)
}

fn space(key: &str, point: &MountPoint, plan: &MountPlan) -> Result<Space, Error> {
    let mounted = mounts::open(plan, &IdMap::default(), false).map_err(|e| Error::volume(key, e))?;
    filesystem::space(&mounted).map_err(|e| Error::io("cannot look at", point.volume.to_string(), e))
}
