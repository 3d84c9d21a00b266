//! Holding all processes of a container still (cgroups(7); kernel: cgroup-v2, `cgroup.freeze`; cgroup-v1 freezer).

use std::{
    fs,
    path::PathBuf,
    thread::sleep,
    time::{Duration, Instant},
};

use super::{Error, Groups, Result, group::write_existing};

/// The group by which a container is frozen.
#[derive(Debug)]
pub(crate) struct Freezer {
    folder: PathBuf,
    words: Words,
}

/// How a tree spells it.
#[derive(Debug)]
struct Words {
    file: &'static str,
    freeze: &'static str,
    thaw: &'static str,
    state: &'static str,
    /// The line of the state's file when all are still.
    frozen: &'static str,
}

const V1: Words = Words {
    file: "freezer.state",
    freeze: "FROZEN",
    thaw: "THAWED",
    state: "freezer.state",
    frozen: "FROZEN",
};
const V2: Words =
    Words { file: "cgroup.freeze", freeze: "1", thaw: "0", state: "cgroup.events", frozen: "frozen 1" };

impl Groups<'_> {
    /// The freezer of a running container; `None` where there is none.
    pub(crate) fn freezer(&self) -> Option<Freezer> {
        let v1 = self.limits("freezer").map(|folder| Freezer { folder, words: V1 });
        let v2 = self.unified_limits().map(|folder| Freezer { folder, words: V2 });
        v1.into_iter().chain(v2).find(|freezer| freezer.folder.join(freezer.words.file).exists())
    }
}

impl Freezer {
    /// Returns when no process of the container runs any more.
    ///
    /// [`Error::NotFrozen`] if that takes longer than `timeout`: they go on then.
    pub(crate) fn freeze(&self, timeout: Duration) -> Result<()> {
        let deadline = Instant::now() + timeout;
        let mut pause = Duration::from_millis(1);
        let frozen = self.write(self.words.freeze).and_then(|()| {
            while !self.is_frozen()? {
                if Instant::now() >= deadline {
                    return Err(Error::NotFrozen { path: self.folder.clone() });
                }
                sleep(pause);
                pause = (pause * 2).min(Duration::from_millis(50));
            }
            Ok(())
        });
        if frozen.is_err() {
            self.thaw()?;
        }
        frozen
    }

    /// Lets them go on. Nothing happens to a container that is not frozen.
    pub(crate) fn thaw(&self) -> Result<()> {
        self.write(self.words.thaw)
    }

    fn write(&self, word: &str) -> Result<()> {
        let file = self.folder.join(self.words.file);
        write_existing(&file, word).map_err(|source| Error::io("write", &file, source))
    }

    fn is_frozen(&self) -> Result<bool> {
        let file = self.folder.join(self.words.state);
        let text = fs::read_to_string(&file).map_err(|source| Error::io("read", &file, source))?;
        Ok(text.lines().any(|line| line == self.words.frozen))
    }
}
