//! A container as its next start would find it, and what all checks ask for.

use std::{cell::OnceCell, io, time::Duration};

use super::{
    super::{Env, facts, helper, inside::Init, leftovers, mounts, set},
    Symptom, error, info,
    volumes::Uses,
};
use crate::{
    changes::{self, Applied, Script, Volumes},
    config::{
        Config, Finding, IdMap, MountPoint, Section, Size, Vmid, VolumeId, VolumeRef, lint, parse_new_volume,
    },
    error::Error,
    facts::HostFacts,
    mount,
    ops::{diagnosis, mounts::Source},
    progress::Silent,
    rootfs::Rootfs,
    storage::Storages,
    store::{ConfigLock, Loaded, StoreError},
};

pub(super) struct Patient<'a> {
    pub(super) env: &'a Env,
    pub(super) vmid: Vmid,
    pub(super) loaded: Loaded,
    pub(super) lint: Vec<Finding>,
    /// The current state with what waits for the start.
    pub(super) config: Config,
    /// What of that cannot be applied.
    pub(super) not_applied: Vec<(String, String)>,
    pub(super) storages: Storages,
    pub(super) running: bool,
    pub(super) has_monitor: bool,
    /// Nothing is known of liblxc without the helper.
    pub(super) facts: Result<HostFacts, Error>,
    pub(super) uses: &'a OnceCell<Uses>,
    inside: OnceCell<Inside>,
}

/// What can be seen of the root file system.
pub(super) enum Inside {
    /// With the container's lock, where a start at the same time would find its image in use.
    Seen(Rootfs, #[expect(dead_code, reason = "held, not used")] Option<ConfigLock>),
    /// Nothing is said about it.
    Unseen(Option<Symptom>),
}

impl<'a> Patient<'a> {
    pub(super) fn admit(env: &'a Env, vmid: Vmid, uses: &'a OnceCell<Uses>) -> Result<Self, Error> {
        let loaded = env.store().load(vmid)?;
        let storages = env.storages()?.without_activation();
        let mut config = loaded.config.clone();
        let not_applied = apply_pending(env, vmid, &mut config, &storages)?;
        let facts = helper::liblxc(env).and_then(|liblxc| facts::gather(env, config.main(), liblxc));
        Ok(Self {
            env,
            vmid,
            lint: lint(loaded.file(), vmid),
            loaded,
            config,
            not_applied,
            storages,
            running: env.is_running(vmid)?,
            has_monitor: leftovers::has_monitor(env, vmid)?,
            facts,
            uses,
            inside: OnceCell::new(),
        })
    }

    /// What the start would read.
    pub(super) fn section(&self) -> &Section {
        self.config.main()
    }

    /// `None` where it cannot be read, which is told by another check.
    pub(super) fn id_map(&self) -> Option<IdMap> {
        self.section().id_map().ok()
    }

    /// The volumes in the order in which they are mounted, without those that the start would only make.
    pub(super) fn points(&self) -> Vec<(String, MountPoint)> {
        let pending = self.loaded.config.pending();
        let waits = |key: &str| pending.is_some_and(|pending| pending.get(key).is_some());
        let mut points = self.section().points();
        points.retain(|(key, point)| !(waits(key) && parse_new_volume(&point.volume.to_string()).is_some()));
        points
    }

    /// The root file system, opened once for all that look at it.
    pub(super) fn inside(&self) -> &Inside {
        self.inside.get_or_init(|| self.open_root().unwrap_or_else(|failure| self.unopened(&failure)))
    }

    pub(super) fn root(&self) -> Option<&Rootfs> {
        match self.inside() {
            Inside::Seen(root, _) => Some(root),
            Inside::Unseen(_) => None,
        }
    }

    fn open_root(&self) -> Result<Inside, Error> {
        let Some((key, point)) = self.points().into_iter().find(|(key, _)| key == "rootfs") else {
            return Ok(Inside::Unseen(None));
        };
        let Ok(plan) = mounts::plan_one(&key, &point, &self.storages) else {
            return Ok(Inside::Unseen(None));
        };
        let owner = self.id_map().unwrap_or_default().root();
        // A detached mount, which is in no mount namespace and goes with its descriptor; the journal is left alone.
        let frozen = mount::Options { read_only: true, frozen: true, ..mount::Options::default() };
        let (root, lock) = match &plan.source {
            Source::Directory(path) => return Ok(Inside::Seen(Rootfs::open(path, owner)?, None)),
            Source::Bind(path) => (mount::open_directory(path)?, None),
            Source::Image(_) | Source::Block(_) if self.running => match Init::of(self.env, self.vmid)? {
                Some(init) => return Ok(Inside::Seen(init.root()?, None)),
                None => return Ok(Inside::Unseen(None)),
            },
            Source::Image(path) => {
                let lock = self.lock()?;
                (mount::open_raw_image(path, frozen)?, Some(lock))
            }
            Source::Block(path) => {
                let lock = self.lock()?;
                (mount::open_block_device(path, frozen)?, Some(lock))
            }
        };
        Ok(Inside::Seen(Rootfs::new(root, owner), lock))
    }

    /// Without waiting: who has it works on the container.
    fn lock(&self) -> Result<ConfigLock, Error> {
        Ok(self.env.store().lock_within(self.vmid, Duration::ZERO, &mut Silent)?)
    }

    /// An image that somebody else works on cannot be looked into; any other failure a start would have, too.
    fn unopened(&self, failure: &Error) -> Inside {
        let busy = match failure {
            Error::Mount(mount::Error::Mount { source, .. }) => source.kind() == io::ErrorKind::ResourceBusy,
            Error::Store(StoreError::LockFile(_)) => true,
            _ => false,
        };
        let text = failure.full_message();
        Inside::Unseen(Some(if busy {
            info("root-not-seen", Some("rootfs"), format!("the root file system was not looked into: {text}"))
        } else {
            let remedy = diagnosis::remedy_for_error(failure, Some(self.section()));
            Symptom { remedy, ..error("file-system", Some("rootfs"), text) }
        }))
    }
}

/// What the start would apply, without doing anything on the storages.
fn apply_pending(
    env: &Env,
    vmid: Vmid,
    config: &mut Config,
    storages: &Storages,
) -> Result<Vec<(String, String)>, Error> {
    let Some(pending) = config.pending().filter(|pending| !pending.is_empty()) else { return Ok(Vec::new()) };
    let facts = facts::for_values(env, pending)?;
    let Applied { failures, .. } =
        changes::apply_stopped(config, None, vmid, &facts, &mut NoVolumes { storages });
    Ok(failures)
}

/// Answers as the storages would, and makes and frees nothing.
struct NoVolumes<'a> {
    storages: &'a Storages,
}

impl Volumes for NoVolumes<'_> {
    fn holds_containers(&mut self, storage: &str) -> Result<bool, String> {
        self.storages.holds_containers(storage).map_err(text)
    }

    fn script(&mut self, script: &VolumeId) -> Result<Script, String> {
        set::script(self.storages, script).map_err(text)
    }

    fn allocate(&mut self, point: &MountPoint) -> Result<MountPoint, String> {
        if let VolumeRef::Volume(volume) = &point.volume {
            self.storages.for_containers(&volume.storage).map_err(text)?;
        }
        Ok(point.clone())
    }

    fn size(&mut self, volume: &VolumeId) -> Result<Size, String> {
        self.storages.size(volume).map_err(text)
    }

    fn free(&mut self, _volume: &VolumeId) -> Result<bool, String> {
        Ok(true)
    }
}

fn text(error: impl Into<Error>) -> String {
    error.into().full_message()
}
