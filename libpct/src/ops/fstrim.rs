//! `fstrim`: volumes give back to their storage what they do not use (spec: cli, part 5.17).

use std::{path::Path, time::Duration};

use rustix::io::Errno;

use super::{
    Env, disks, leftovers, mark,
    mounts::{self, MountPlan},
    pause,
    setters::setters,
    work::{Record, Work},
};
use crate::{
    config::{IdMap, Section, Vmid},
    error::Error,
    mount,
    progress::{Progress, Silent},
    storage::Storages,
    sys::filesystem,
};

/// How [`Container::fstrim`](crate::Container::fstrim) works.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct FstrimOptions {
    /// The root file system only.
    pub ignore_mountpoints: bool,
}

setters! { FstrimOptions { ignore_mountpoints: bool } }

/// The mark of a container that is being worked on. The lock file is not held meanwhile: it can take minutes.
pub(super) const MARK: &str = "fstrim";

pub(crate) fn fstrim(
    env: &Env,
    vmid: Vmid,
    options: &FstrimOptions,
    progress: &mut dyn Progress,
) -> Result<u64, Error> {
    let storages = env.storages()?;
    env.store().require(vmid)?;
    let (section, running, work) = begin(env, vmid, progress)?;
    let trimmed = trim_all(&env.home.rootfs(vmid), &section, options, &storages, progress);
    if !running {
        disks::close_all(&section, &storages, progress);
    }
    end(env, vmid)?;
    work.end(progress);
    trimmed
}

/// Marks the container; says whether it runs.
fn begin(env: &Env, vmid: Vmid, progress: &mut dyn Progress) -> Result<(Section, bool, Work), Error> {
    let lock = env.store().lock(vmid, progress)?;
    let loaded = env.store().load_telling(vmid, progress)?;
    loaded.check_lock()?;
    let running = leftovers::settle(env, vmid)?;
    let mut config = loaded.config;
    let work = mark::set(env, vmid, &lock, &mut config, Record::of("fstrim", MARK))?;
    Ok((config.main().clone(), running, work))
}

/// Also for a caller who does not want to wait any longer.
fn end(env: &Env, vmid: Vmid) -> Result<(), Error> {
    env.rewrite(vmid, &mut Silent, |config| mark::remove(config.main_mut(), MARK))
}

/// What cannot be trimmed is told, and keeps none of the others from it.
fn trim_all(
    folder: &Path,
    section: &Section,
    options: &FstrimOptions,
    storages: &Storages,
    progress: &mut dyn Progress,
) -> Result<u64, Error> {
    let mut total = 0;
    for (key, point) in section.points() {
        if options.ignore_mountpoints && key != "rootfs" {
            continue;
        }
        pause(progress, Duration::ZERO)?;
        // The name that the volume has on the host while it is mounted there.
        let path = format!("{}{}", folder.display(), point.path());
        let plan = match mounts::plan_one(&key, &point, storages) {
            Ok(plan) => plan.on_host(),
            Err(error) => {
                progress.warning(&error.full_message());
                continue;
            }
        };
        // What is no file system of its own is not the container's to trim.
        if !plan.is_on_device() || plan.read_only || plan.frozen {
            continue;
        }
        match trim(&plan) {
            Ok(Ok(bytes)) => {
                progress.message(&format!("{path}: {} ({bytes} bytes) trimmed", rounded(bytes)));
                total += bytes;
            }
            Ok(Err(Errno::OPNOTSUPP | Errno::NOTTY)) => {
                progress.warning(&format!("fstrim: {path}: the discard operation is not supported"));
            }
            Ok(Err(errno)) => progress.warning(&format!("fstrim: {path}: {errno}")),
            Err(error) => progress.warning(&Error::volume(&key, error).full_message()),
        }
    }
    Ok(total)
}

/// Through a mount that nobody sees, of the one file system that the kernel has for all of its mounts.
fn trim(plan: &MountPlan) -> Result<Result<u64, Errno>, Error> {
    let mounted = mounts::open(plan, &IdMap::default(), false)?;
    Ok(mount::root_of(mounted).and_then(filesystem::trim))
}

/// A size with its largest unit, as fstrim(8) shows it: `1.2 GiB`, `2 MiB`, `0 B`.
fn rounded(bytes: u64) -> String {
    let mut unit = 0;
    while unit < 6 && bytes >> (10 * (unit + 1)) > 0 {
        unit += 1;
    }
    let name = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"][unit];
    let tenths = (u128::from(bytes) * 10 + (1 << (10 * unit)) / 2) >> (10 * unit);
    let (whole, tenth) = if unit == 0 { (u128::from(bytes), 0) } else { (tenths / 10, tenths % 10) };
    if tenth == 0 { format!("{whole} {name}") } else { format!("{whole}.{tenth} {name}") }
}

#[cfg(test)]
mod tests {
    use super::rounded;

    #[test]
    fn sizes_have_one_decimal_at_most() {
        for (bytes, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1 KiB"),
            (1288490189, "1.2 GiB"),
            (2 << 20, "2 MiB"),
            (1 << 30, "1 GiB"),
            ((1 << 30) - 1, "1024 MiB"),
            (u64::MAX, "16 EiB"),
        ] {
            assert_eq!(rounded(bytes), text);
        }
    }
}
