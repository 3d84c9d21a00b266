//! `rescan`: what the storages have of a container, noted down in its config (spec: cli, part 5.24).

use std::{fmt, fs, path::PathBuf};

use super::{Env, all::Failures, disks, setters::setters};
use crate::{
    changes::add_unused,
    config::{Section, Vmid, VolumeId, VolumeRef},
    error::{Error, reasons},
    progress::Progress,
    storage::{Leftover, StorageError, Storages},
    store::StoreError,
};

/// How [`Pct::rescan`](crate::Pct::rescan) looks.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct RescanOptions {
    /// Only tell what would be written.
    pub dry_run: bool,
}

setters! { RescanOptions { dry_run: bool } }

/// All containers of this node, ascending. One that fails keeps none of the others from being looked at.
pub(crate) fn rescan_all(
    env: &Env,
    options: &RescanOptions,
    progress: &mut dyn Progress,
) -> Result<Failures, Error> {
    let mut scan = Scan::begin(env, options, progress)?;
    let mut failures = Vec::new();
    for vmid in env.store().vmids()? {
        match scan.container(vmid, progress) {
            // Removed since.
            Ok(()) | Err(Error::Store(StoreError::Missing { .. })) => {}
            Err(error) => failures.push((vmid, error)),
        }
    }
    Ok(failures)
}

/// One container.
pub(crate) fn rescan(
    env: &Env,
    vmid: Vmid,
    options: &RescanOptions,
    progress: &mut dyn Progress,
) -> Result<(), Error> {
    env.store().require(vmid)?;
    Scan::begin(env, options, progress)?.container(vmid, progress)
}

/// A line of a config that is not as it should be.
pub(super) enum Correction {
    /// An unused volume is in use.
    Used { key: String, volume: VolumeId },
    /// A volume stands nowhere.
    Unreferenced { key: String, volume: VolumeId },
    /// A volume has another size.
    Size { volume: VolumeId },
}

impl fmt::Display for Correction {
    /// In the words of the original (spec: cli, part 5.24).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Used { key, volume } => {
                write!(f, "removed '{key}' from config, volume '{volume}' is in use")
            }
            Self::Unreferenced { key, volume } => {
                write!(f, "add unreferenced volume '{volume}' as '{key}' to config")
            }
            Self::Size { volume } => write!(f, "updated volume size of '{volume}' in config"),
        }
    }
}

/// A look at what the storages have. For as long as nothing is to be written, none of them is made usable for it.
pub(super) struct Scan<'a> {
    env: &'a Env,
    storages: Storages,
    /// Those that can be searched. One that failed is not asked again.
    searched: Vec<String>,
    dry_run: bool,
}

impl<'a> Scan<'a> {
    pub(super) fn begin(
        env: &'a Env,
        options: &RescanOptions,
        progress: &mut dyn Progress,
    ) -> Result<Self, Error> {
        let dry_run = options.dry_run;
        let storages = env.storages()?;
        let storages = if dry_run { storages.without_activation() } else { storages };
        let mut searched = Vec::new();
        for id in storages.for_volumes() {
            match storages.for_containers(id) {
                Ok(_) => searched.push(id.to_owned()),
                Err(error) => progress.warning(&disks::not_searched(id, &error)),
            }
        }
        Ok(Self { env, storages, searched, dry_run })
    }

    fn container(&mut self, vmid: Vmid, progress: &mut dyn Progress) -> Result<(), Error> {
        let store = self.env.store();
        let lock = store.lock(vmid, progress)?;
        let loaded = store.load_telling(vmid, progress)?;
        loaded.check_lock()?;
        let mut config = loaded.config.clone();
        for correction in self.correct(vmid, config.main_mut(), progress)? {
            progress.message(&format!("CT {vmid}: {correction}."));
        }
        if config != loaded.config && !self.dry_run {
            store.write(&lock, &config)?;
        }
        Ok(())
    }

    /// What operations that were killed have left beside the volumes of a container.
    pub(super) fn leftovers(&mut self, vmid: Vmid, progress: &mut dyn Progress) -> Vec<Leftover> {
        self.search(|storages, id| storages.leftovers_on(id, vmid), progress)
    }

    /// What all of them have together. One that cannot be listed keeps nobody from what the others have.
    fn search<T>(
        &mut self,
        list: impl Fn(&Storages, &str) -> Result<Vec<T>, StorageError>,
        progress: &mut dyn Progress,
    ) -> Vec<T> {
        let mut found = Vec::new();
        self.searched.retain(|id| {
            let listed = list(&self.storages, id).map(|listed| found.extend(listed));
            listed.inspect_err(|error| progress.warning(&disks::not_searched(id, error))).is_ok()
        });
        found
    }

    /// What of a config is not as the storages have it; is corrected in `main`.
    pub(super) fn correct(
        &mut self,
        vmid: Vmid,
        main: &mut Section,
        progress: &mut dyn Progress,
    ) -> Result<Vec<Correction>, Error> {
        let mut corrections = drop_used(main);
        corrections.extend(self.add_unreferenced(vmid, main, progress)?);
        corrections.extend(self.correct_sizes(vmid, main, progress));
        if !self.dry_run && main.lock().is_none() && !self.env.is_running(vmid)? {
            self.let_go(main, progress);
        }
        Ok(corrections)
    }

    /// Undoes what made the volumes reachable to be looked at.
    fn let_go(&self, main: &Section, progress: &mut dyn Progress) {
        let mounted = main.points().into_iter().filter_map(|(_, point)| point.volume.volume().cloned());
        let unused = main.unused().into_iter().map(|(_, volume)| volume);
        for volume in mounted.chain(unused).filter(|volume| self.searched.contains(&volume.storage)) {
            disks::close(&volume, None, &self.storages, progress);
        }
    }

    /// Volumes that carry the container's number, and that neither a mount nor an unused one names: not under another
    /// id of the same place either.
    fn add_unreferenced(
        &mut self,
        vmid: Vmid,
        main: &mut Section,
        progress: &mut dyn Progress,
    ) -> Result<Vec<Correction>, Error> {
        let mut corrections = Vec::new();
        let mut known = self.places(main);
        let mut volumes = self.search(|storages, id| storages.volumes_on(id, vmid), progress);
        volumes.sort_by_cached_key(|volume| volume.to_string().to_lowercase());
        for volume in volumes {
            let place = match self.place(&VolumeRef::Volume(volume.clone())) {
                Ok(place) => place,
                Err(error) => {
                    progress.warning(&format!("CT {vmid}: '{volume}' is left out: {}", error.full_message()));
                    continue;
                }
            };
            if !known.contains(&place) {
                let key = add_unused(main, &volume)?;
                corrections.push(Correction::Unreferenced { key, volume });
                known.push(place);
            }
        }
        Ok(corrections)
    }

    /// Where everything is that the config names. What is not there is not in the way.
    fn places(&self, main: &Section) -> Vec<PathBuf> {
        let mounted = main.points().into_iter().map(|(_, point)| point.volume);
        let unused = main.unused().into_iter().map(|(_, volume)| VolumeRef::Volume(volume));
        mounted.chain(unused).filter_map(|volume| self.place(&volume).ok()).collect()
    }

    fn place(&self, volume: &VolumeRef) -> Result<PathBuf, Error> {
        let path = match volume {
            VolumeRef::Volume(volume) => self.storages.locate(volume)?.path().to_owned(),
            VolumeRef::Device(path) | VolumeRef::Bind(path) => PathBuf::from(path),
        };
        fs::canonicalize(&path).map_err(|e| Error::io("cannot find", path, e))
    }

    fn correct_sizes(&self, vmid: Vmid, main: &mut Section, progress: &mut dyn Progress) -> Vec<Correction> {
        let mut corrections = Vec::new();
        for (key, mut point) in main.points() {
            let VolumeRef::Volume(volume) = point.volume.clone() else { continue };
            match self.storages.size(&volume) {
                Ok(size) if point.size == Some(size) => {}
                Ok(size) => {
                    point.size = Some(size);
                    main.set(&key, point.to_string());
                    corrections.push(Correction::Size { volume });
                }
                Err(error) => {
                    let reasons = reasons(&error);
                    progress.warning(&format!(
                        "CT {vmid}: the size of volume '{volume}' is not known: {error}{reasons}"
                    ));
                }
            }
        }
        corrections
    }
}

/// A volume in use is no unused one: the line would go at the next write, whoever writes.
fn drop_used(main: &mut Section) -> Vec<Correction> {
    let used = main.used_volumes();
    let unused = main.unused().into_iter().filter(|(_, volume)| used.contains(&volume.to_string()));
    let dropped: Vec<_> =
        unused.map(|(index, volume)| Correction::Used { key: format!("unused{index}"), volume }).collect();
    for correction in &dropped {
        if let Correction::Used { key, .. } = correction {
            main.remove(key);
        }
    }
    dropped
}
