//! `repair`: what an operation has left that was killed, or that the host took down with it (ours).
//!
//! Nothing is guessed: a lock is taken away when its operation has left a record and lives no more, when it is one that
//! is held together with the lock file, or when what it stands for is not there.

mod find;

use super::{Env, setters::setters};
use crate::{config::Vmid, error::Error, progress::Progress};

/// How [`Container::repair`](crate::Container::repair) works.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct RepairOptions {
    /// Only tell what would be done.
    pub dry_run: bool,
}

setters! { RepairOptions { dry_run: bool } }

/// What kind of thing was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LeftoverKind {
    /// Processes, control groups and links of a container whose monitor was killed.
    Monitor,
    /// A file that was being written.
    File,
    /// A mount on the host.
    Mount,
    /// The `lock` in the config.
    Lock,
    /// A snapshot that is not whole.
    Snapshot,
    /// A container that is not whole.
    Container,
    /// Something on a storage that no config names, or not as it is.
    Volume,
}

impl LeftoverKind {
    /// `monitor`, `file`, `mount`, `lock`, `snapshot`, `container` or `volume`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Monitor => "monitor",
            Self::File => "file",
            Self::Mount => "mount",
            Self::Lock => "lock",
            Self::Snapshot => "snapshot",
            Self::Container => "container",
            Self::Volume => "volume",
        }
    }
}

/// One thing that was left.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Leftover {
    /// What kind of thing it is.
    pub kind: LeftoverKind,
    /// What was found.
    pub found: String,
    /// What is done about it.
    pub action: String,
    /// What has become of that.
    pub outcome: RepairOutcome,
}

/// What has become of a [`Leftover`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RepairOutcome {
    /// Nothing was done: it was only asked for.
    Found,
    /// It is gone.
    Repaired,
    /// It is still there, and this is why.
    Failed(String),
    /// Only whoever knows how it came can decide: the action is theirs.
    Yours,
}

/// What can be done about one thing.
type Repair<'a> = Box<dyn FnOnce(&mut dyn Progress) -> Result<(), Error> + 'a>;

struct Step<'a> {
    kind: LeftoverKind,
    found: String,
    action: String,
    /// None where it is somebody else's decision.
    repair: Option<Repair<'a>>,
}

/// Finds what was left, and removes it or brings it to its end. The first that fails is the last that is tried: the next build
/// on it.
pub(crate) fn repair(
    env: &Env,
    vmid: Vmid,
    options: &RepairOptions,
    progress: &mut dyn Progress,
) -> Result<Vec<Leftover>, Error> {
    let mut leftovers = Vec::new();
    let mut stopped = options.dry_run;
    for Step { kind, found, action, repair } in find::steps(env, vmid, progress)? {
        let outcome = match repair {
            None => RepairOutcome::Yours,
            Some(_) if stopped => RepairOutcome::Found,
            Some(repair) => {
                progress.message(&format!("{found}: {action}"));
                match repair(progress) {
                    Ok(()) => RepairOutcome::Repaired,
                    Err(error) => {
                        stopped = true;
                        RepairOutcome::Failed(error.full_message())
                    }
                }
            }
        };
        leftovers.push(Leftover { kind, found, action, outcome });
    }
    Ok(leftovers)
}
