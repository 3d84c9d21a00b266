//! What there is to repair, in the order in which it is repaired. Nothing is changed, but storages are made usable.

use std::fs;

use super::{
    super::{
        Env,
        delete_snapshot::{DeleteSnapshotOptions, delete_snapshot},
        destroy::{self, DestroyOptions, destroy},
        fstrim, host_mount, leftovers, mark, reassign_volume,
        rescan::{RescanOptions, Scan, rescan},
        rollback, template, unlock,
        work::{self, Record, Worker},
    },
    LeftoverKind, Repair, Step,
};
use crate::{
    changes::snapshot,
    config::{Config, Vmid, VolumeId},
    error::Error,
    mount,
    progress::Progress,
    store,
};

/// The marks of operations that leave a record.
const MARKS: [&str; 6] =
    [mark::CREATE, mark::DISK, fstrim::MARK, snapshot::TAKING, snapshot::REMOVING, snapshot::ROLLING_BACK];

struct Finder<'a> {
    env: &'a Env,
    vmid: Vmid,
    config: Config,
    running: bool,
    /// No storage is made usable to look at it.
    dry_run: bool,
    steps: Vec<Step<'a>>,
}

/// Under the container's lock file, so that nobody is in the middle of a change.
pub(super) fn steps<'a>(
    env: &'a Env,
    vmid: Vmid,
    dry_run: bool,
    progress: &mut dyn Progress,
) -> Result<Vec<Step<'a>>, Error> {
    env.store().require(vmid)?;
    let _lock = env.store().lock(vmid, progress)?;
    let config = env.store().load_telling(vmid, progress)?.config;
    let worker = match work::worker(env, vmid)? {
        Some(Worker::Alive(record)) => return Err(record.at_work(vmid)),
        // Without its snapshot a rollback cannot go on.
        Some(Worker::Dead(record)) if record.lock == snapshot::ROLLING_BACK && record.snapshot.is_none() => {
            None
        }
        Some(Worker::Dead(record)) if config.main().lock().unwrap_or_default() == record.lock => Some(record),
        _ => None,
    };
    let running = env.is_running(vmid)?;
    let mut finder = Finder { env, vmid, config, running, dry_run, steps: Vec::new() };
    finder.monitor()?;
    finder.files()?;
    finder.mounts()?;
    if finder.lock(worker) {
        finder.snapshots();
        finder.volumes(progress)?;
    }
    Ok(finder.steps)
}

impl<'a> Finder<'a> {
    fn step(
        &mut self,
        kind: LeftoverKind,
        found: impl Into<String>,
        action: impl Into<String>,
        repair: impl FnOnce(&mut dyn Progress) -> Result<(), Error> + 'a,
    ) {
        let repair: Repair<'a> = Box::new(repair);
        self.steps.push(Step { kind, found: found.into(), action: action.into(), repair: Some(repair) });
    }

    fn monitor(&mut self) -> Result<(), Error> {
        let (env, vmid) = (self.env, self.vmid);
        if !self.running && leftovers::has_dead_monitor(env, vmid)? {
            let action = "end what is left of the container, and remove its control groups and links";
            self.step(LeftoverKind::Monitor, "its monitor was killed", action, move |progress| {
                let _lock = env.store().lock(vmid, progress)?;
                leftovers::settle(env, vmid).map(drop)
            });
        }
        Ok(())
    }

    fn files(&mut self) -> Result<(), Error> {
        let (env, vmid) = (self.env, self.vmid);
        let mut left = Vec::new();
        for written in [vec![env.home.config_file(vmid)], destroy::files(env, vmid)].concat() {
            left.extend(store::left_beside(&written)?);
        }
        for path in left {
            let found = format!("'{}' was not written to its end", path.display());
            self.step(LeftoverKind::File, found, "remove it", move |progress| {
                let _lock = env.store().lock(vmid, progress)?;
                fs::remove_file(&path).map_err(|e| Error::io("cannot remove", &path, e))
            });
        }
        Ok(())
    }

    /// What `mount` mounts stays until `unmount`, but not over a reboot; and `unlock` takes the mark from what is mounted.
    fn mounts(&mut self) -> Result<(), Error> {
        let (env, vmid) = (self.env, self.vmid);
        let (folder, points) = (env.home.rootfs(vmid), self.config.main().points());
        let mut mounted = 0;
        for (_, point) in &points {
            mounted += usize::from(mount::is_mounted(&folder, point.path())?);
        }
        let shown = folder.display();
        if self.config.main().lock() == Some(host_mount::MARK) {
            if mounted < points.len() {
                let found = format!("{mounted} of its {} volumes are mounted on '{shown}'", points.len());
                let action = format!("unmount what is, and take the lock '{}' away", host_mount::MARK);
                self.step(LeftoverKind::Mount, found, action, move |progress| {
                    host_mount::unmount(env, vmid, progress)
                });
            }
        } else if mounted > 0 && !self.running {
            let found = format!("volumes are mounted on '{shown}', and no lock says so");
            let main = self.config.main().clone();
            self.step(LeftoverKind::Mount, found, "unmount them", move |progress| {
                let _lock = env.store().lock(vmid, progress)?;
                host_mount::unmount_all(&folder, &main)
            });
        }
        Ok(())
    }

    /// Says whether there is anything to look for behind the lock.
    fn lock(&mut self, worker: Option<Record>) -> bool {
        let Some(lock) = self.config.main().lock().map(str::to_owned) else {
            return worker.is_none_or(|record| self.without_lock(&record));
        };
        let mark = MARKS.into_iter().find(|mark| *mark == lock);
        match (lock.as_str(), mark.zip(worker)) {
            (host_mount::MARK, _) => self.steps.iter().any(|step| step.kind == LeftoverKind::Mount),
            (destroy::MARK, _) => {
                self.remove_container("its removal broke off".to_owned());
                false
            }
            (mark::CREATE, Some((_, record))) => {
                self.remove_container(format!("{record} broke off: the container is not whole"));
                false
            }
            (_, Some((mark, record))) => {
                self.operation(mark, &record);
                true
            }
            (_, None) => {
                let found = format!("it is locked ({lock}), and no record says by whom");
                let action = format!("if nothing is at work on it any more: pct unlock {}", self.vmid);
                self.steps.push(Step { kind: LeftoverKind::Lock, found, action, repair: None });
                false
            }
        }
    }

    /// One that has broken off without having marked the container.
    fn without_lock(&mut self, record: &Record) -> bool {
        let (env, vmid) = (self.env, self.vmid);
        let is_open = record.operation == template::NAME && !self.config.main().is_template();
        if is_open {
            let action = "make the rest of its volumes bases: those that are cannot go back";
            self.step(LeftoverKind::Container, format!("{record} broke off"), action, move |progress| {
                template::template(env, vmid, progress)
            });
        }
        !is_open
    }

    /// One that has broken off in an existing container.
    fn operation(&mut self, mark: &'static str, record: &Record) {
        let (env, vmid) = (self.env, self.vmid);
        let found = format!("{record} broke off");
        if let (snapshot::ROLLING_BACK, Some(name)) = (mark, record.snapshot.clone()) {
            let action = format!("go back to snapshot '{name}': what was written since is lost");
            return self.step(LeftoverKind::Lock, found, action, move |progress| {
                rollback::complete(env, vmid, &name, progress)
            });
        }
        if let Some(given) = record.given.clone() {
            let action = format!(
                "look for the volume, which is '{}' of CT {} or '{}' of CT {} already; have only that one name it, and take the lock \
                 '{mark}' away",
                given.volume, given.from, given.renamed, given.to
            );
            return self.step(LeftoverKind::Lock, found, action, move |progress| {
                reassign_volume::complete(env, &given, progress)
            });
        }
        let copies = self.unfinished(record);
        let mut action = format!("take the lock '{mark}' away");
        for (_, volume) in &copies {
            action = format!("remove volume '{volume}', which it has not finished; {action}");
        }
        self.step(LeftoverKind::Lock, found, action, move |progress| {
            for (key, volume) in copies {
                remove_copy(env, vmid, mark, &key, &volume, progress)?;
            }
            unlock::take_away(env, vmid, Some(mark), progress)
        });
    }

    /// What an operation was making, as far as nobody uses it.
    fn unfinished(&self, record: &Record) -> Vec<(String, VolumeId)> {
        let unused = self.config.main().unused().into_iter();
        let noted = unused.filter(|(_, volume)| record.unfinished.contains(&volume.to_string()));
        noted.map(|(index, volume)| (format!("unused{index}"), volume)).collect()
    }

    fn remove_container(&mut self, found: String) {
        let (env, vmid) = (self.env, self.vmid);
        let volumes: Vec<_> =
            destroy::volumes(&self.config).iter().map(|volume| format!("'{volume}'")).collect();
        let action = match volumes.is_empty() {
            true => "remove it".to_owned(),
            false => format!("remove it with {}", volumes.join(", ")),
        };
        self.step(LeftoverKind::Container, found, action, move |progress| {
            // From here on it is a removal that broke off, whoever finds it.
            env.rewrite(vmid, progress, |config| {
                config.main_mut().set("lock", destroy::MARK);
                config.main_mut().remove("protection");
                Ok::<_, Error>(())
            })?;
            destroy(env, vmid, &DestroyOptions::default(), progress)
        });
    }

    /// Those whose making or removal broke off: the volumes may have them or not.
    fn snapshots(&mut self) {
        let (env, vmid) = (self.env, self.vmid);
        let snapshots = self.config.snapshots().iter();
        let broken: Vec<(String, String)> = snapshots
            .filter_map(|(name, section)| Some((name.clone(), section.get("snapstate")?.to_owned())))
            .collect();
        for (name, state) in broken {
            let found = format!("snapshot '{name}' is not whole (snapstate {state})");
            self.step(LeftoverKind::Snapshot, found, "remove it", move |progress| {
                delete_snapshot(env, vmid, &name, &DeleteSnapshotOptions::default(), progress)
            });
        }
    }

    fn volumes(&mut self, progress: &mut dyn Progress) -> Result<(), Error> {
        let (env, vmid) = (self.env, self.vmid);
        let options = RescanOptions::default().dry_run(self.dry_run);
        let mut scan = Scan::begin(env, &options, progress)?;
        for left in scan.leftovers(vmid, progress) {
            let found = format!("'{}' is left of an operation on storage '{}'", left.entry, left.storage);
            self.step(LeftoverKind::Volume, found, "remove it", move |_| {
                Ok(env.storages()?.remove_leftover(&left, vmid)?)
            });
        }
        let corrections = scan.correct(vmid, &mut self.config.main().clone(), progress)?;
        if !corrections.is_empty() {
            let corrections: Vec<_> = corrections.iter().map(ToString::to_string).collect();
            let found = "the config does not agree with the storages";
            self.step(LeftoverKind::Volume, found, corrections.join(" "), move |progress| {
                rescan(env, vmid, &RescanOptions::default(), progress)
            });
        }
        Ok(())
    }
}

fn remove_copy(
    env: &Env,
    vmid: Vmid,
    mark: &'static str,
    key: &str,
    volume: &VolumeId,
    progress: &mut dyn Progress,
) -> Result<(), Error> {
    let storages = env.storages()?;
    env.rewrite(vmid, progress, |config| {
        mark::require(config.main(), mark)?;
        if storages.free(volume, vmid)? {
            config.main_mut().remove(key);
        }
        Ok::<_, Error>(())
    })
}
