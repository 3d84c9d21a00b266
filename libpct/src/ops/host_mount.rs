//! `mount` and `unmount`: the volumes of a container where the host sees them (spec: cli, part 5.15; runtime, part 4.7).

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{
    Env, disks, leftovers, mark,
    mounts::{self, MountPlan},
};
use crate::{
    config::{Section, Vmid},
    error::Error,
    mount,
    progress::Progress,
    sys::folder,
};

/// The mark of a container whose volumes the host has mounted.
pub(super) const MARK: &str = "mounted";

/// Mounts all volumes, and returns where. The mark in the config stays until [`unmount`].
pub(crate) fn mount(env: &Env, vmid: Vmid, progress: &mut dyn Progress) -> Result<PathBuf, Error> {
    env.store().require(vmid)?;
    let lock = env.store().lock(vmid, progress)?;
    let loaded = env.store().load_telling(vmid, progress)?;
    loaded.check_lock()?;
    let mut config = loaded.config;
    leftovers::settle(env, vmid)?;
    let id_map = config.main().id_map()?;
    let plans = mounts::plan(config.main(), &env.storages()?)?;
    let plans: Vec<_> = plans.into_iter().map(|plan| guarded(plan.on_host())).collect();
    mounts::warnings(&plans, &id_map).iter().for_each(|warning| progress.warning(warning));
    let folder = env.home.rootfs(vmid);
    folder::make(&folder, 0o755).map_err(|e| Error::io("cannot make", &folder, e))?;
    // What an `unlock` has left.
    unmount_all(&folder, config.main())?;

    config.main_mut().set("lock", MARK);
    env.store().write(&lock, &config)?;
    let Err(error) = mounts::mount_all(&plans, &folder, &id_map, false) else { return Ok(folder) };
    progress.warning("mounting container failed");
    match unmount_all(&folder, config.main()) {
        Ok(()) => {
            config.main_mut().remove("lock");
            env.store().write(&lock, &config)?;
        }
        Err(error) => progress.warning(&error.full_message()),
    }
    Err(error)
}

/// Unmounts them in reverse order; the first that cannot be unmounted ends it, and the mark stays.
pub(crate) fn unmount(env: &Env, vmid: Vmid, progress: &mut dyn Progress) -> Result<(), Error> {
    env.store().require(vmid)?;
    let lock = env.store().lock(vmid, progress)?;
    let mut config = env.store().load_telling(vmid, progress)?.config;
    unmount_all(&env.home.rootfs(vmid), config.main())?;
    mark::remove(config.main_mut(), MARK)?;
    env.store().write(&lock, &config)?;
    if !leftovers::settle(env, vmid)? {
        disks::close_all(config.main(), &env.storages()?, progress);
    }
    Ok(())
}

/// Unmounts what the config names and the host has mounted; anything else that is mounted there is somebody else's.
pub(super) fn unmount_all(folder: &Path, section: &Section) -> Result<(), Error> {
    for (_, point) in section.points().iter().rev() {
        mount::unmount_point(folder, point.path())?;
    }
    Ok(())
}

/// Where the host has mounted containers now.
pub(super) fn visible(env: &Env) -> Result<Vec<PathBuf>, Error> {
    let lxcpath = env.home.lxcpath();
    let Ok(lxcpath) = fs::canonicalize(lxcpath) else { return Ok(Vec::new()) };
    let is_rootfs = |path: &PathBuf| {
        let below = path.strip_prefix(&lxcpath).unwrap_or(path);
        below.components().count() == 2 && below.ends_with("rootfs")
    };
    Ok(mount::points_below(&lxcpath)?.into_iter().filter(is_rootfs).collect())
}

/// Whoever is root in a container can make programs that change their user, and device nodes: they are for the container.
fn guarded(plan: MountPlan) -> MountPlan {
    let mut options = plan.options;
    options.extend(["nosuid", "nodev"].map(str::to_owned));
    MountPlan { options, ..plan }
}
