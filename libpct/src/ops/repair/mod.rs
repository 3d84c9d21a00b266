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
    /// Only tell what would be done. Then no storage is mounted or activated to be searched: that it was not is a warning.
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
    for Step { kind, found, action, repair } in find::steps(env, vmid, options.dry_run, progress)? {
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

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::{home::Home, storage::script};

    #[derive(Default)]
    struct Heard(Vec<String>);

    impl Progress for Heard {
        fn message(&mut self, _: &str) {}

        fn warning(&mut self, text: &str) {
            self.0.push(text.to_owned());
        }

        fn bytes(&mut self, _: u64, _: Option<u64>) {}
    }

    #[test]
    fn storages_are_made_usable_to_be_searched_unless_it_is_only_asked_for() {
        let root = tempfile::tempdir().unwrap();
        let env =
            Env { home: Home::detect(Some(root.path())).unwrap(), helper: "/nowhere".into(), listener: None };
        let vmid = Vmid::new(9001).unwrap();
        fs::create_dir_all(env.home.config_file(vmid).parent().unwrap()).unwrap();
        fs::write(env.home.config_file(vmid), "arch: amd64\n").unwrap();
        let folder = root.path().join("tank");
        fs::create_dir_all(folder.join("subvol-9001-disk-0")).unwrap();
        let pool = |options: &str| {
            let mounted = folder.display();
            format!("zfspool: tank\n\tpool tank\n\tmountpoint {mounted}\n\tcontent rootdir\n{options}")
        };
        let config = || fs::read_to_string(env.home.config_file(vmid)).unwrap();
        let repaired = |options: &RepairOptions| {
            let mut heard = Heard::default();
            (repair(&env, vmid, options, &mut heard).unwrap(), heard.0)
        };

        fs::write(env.home.storage_cfg(), pool("")).unwrap();
        let (found, told) = repaired(&RepairOptions::default().dry_run(true));
        assert_eq!(script::take(), ["zpool list -o name -H tank"]);
        assert!(found.is_empty() && told.len() == 1, "{found:?} {told:?}");
        assert!(told[0].starts_with("storage 'tank' was not searched for volumes: "), "{told:?}");

        // One that cannot be had keeps nobody from what can.
        script::fail("zpool import", "cannot import 'tank': no such pool available");
        let (found, told) = repaired(&RepairOptions::default());
        assert!(script::take().iter().any(|line| line.starts_with("zpool import ")));
        assert!(
            found.is_empty() && told.len() == 1 && told[0].contains("no such pool available"),
            "{told:?}"
        );

        // Nor is one that cannot be listed asked for the next thing.
        script::fail("zfs list", "cannot open 'tank': pool I/O is currently suspended");
        let (found, told) = repaired(&RepairOptions::default());
        assert!(
            found.is_empty() && told.len() == 1 && told[0].contains("I/O is currently suspended"),
            "{told:?}"
        );
        assert_eq!(script::take().iter().filter(|line| line.starts_with("zfs list ")).count(), 1);

        let volume = "tank/subvol-9001-disk-0\t-\t-\tfilesystem\t1048576\n";
        (0..2).for_each(|_| script::answer("zfs list", volume));
        let (found, told) = repaired(&RepairOptions::default());
        let lines = script::take();
        assert_eq!(found[0].outcome, RepairOutcome::Repaired, "{found:?} {lines:?}");
        assert!(told.is_empty() && config().contains("unused0: tank:subvol-9001-disk-0\n"), "{told:?}");

        fs::write(env.home.storage_cfg(), pool("\tdisable\n")).unwrap();
        assert_eq!(repaired(&RepairOptions::default()), (Vec::new(), Vec::new()));
        assert!(script::take().is_empty());
    }
}
