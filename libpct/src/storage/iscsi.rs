//! Storages of type `iscsi`: a target whose devices volume groups lie on. It has no volumes of containers itself (spec:
//! runtime, part 11.7).

use std::{
    cell::Cell,
    path::PathBuf,
    time::{Duration, Instant},
};

use super::{
    Format, StorageError,
    backend::{Backend, Described, Feature, Listed, Location, Space},
    cfg::Section,
    tools,
    volname::bad,
};
use crate::{
    config::{Size, Vmid, split_list},
    exec::Command,
};

/// How often a target is searched for new devices.
const RESCAN: Duration = Duration::from_secs(10);

pub(super) struct Iscsi {
    id: String,
    portals: Vec<String>,
    target: String,
    searched: Cell<Option<Instant>>,
}

fn iscsiadm(mode: &str) -> Command {
    tools::program("iscsiadm", "open-iscsi").args(["--mode", mode])
}

impl Iscsi {
    pub(super) fn from_section(section: &Section) -> Result<Self, String> {
        Ok(Self {
            id: section.id.clone(),
            portals: split_list(section.need("portal")?).map(str::to_owned).collect(),
            target: section.need("target")?.to_owned(),
            searched: Cell::new(None),
        })
    }

    /// The numbers of the sessions with the target, from lines such as `tcp: [1] 10.0.0.1:3260,1 iqn.2001-05.com:a (non-flash)`.
    fn sessions(&self) -> Result<Vec<String>, StorageError> {
        let lines = tools::ask_unless(iscsiadm("session"), &["No active sessions"])?;
        let number = |line: &String| {
            let mut words = line.split_whitespace().skip(1);
            let number = words.next()?.strip_prefix('[')?.strip_suffix(']')?;
            (words.nth(1) == Some(&self.target)).then(|| number.to_owned())
        };
        Ok(lines.iter().filter_map(number).collect())
    }

    fn log_in(&self) -> Result<(), StorageError> {
        let mut problem = None;
        for portal in &self.portals {
            let ask = iscsiadm("discovery").args(["--type", "sendtargets", "--portal", portal]);
            problem = tools::ask(ask).err();
            // One that answers knows all others.
            if problem.is_none() {
                break;
            }
        }
        if let Some(problem) = problem {
            return Err(StorageError::Offline { storage: self.id.clone(), source: Box::new(problem) });
        }
        tools::change(iscsiadm("node").args(["--targetname", &self.target, "--login"]))?;
        tools::settle();
        Ok(())
    }

    fn none<T>(&self) -> Result<T, StorageError> {
        Err(StorageError::unsupported(
            "this storage has no volumes of containers, it is the base of others",
            &self.id,
        ))
    }
}

impl Backend for Iscsi {
    fn format_for(&self, _size: Size) -> Format {
        Format::Raw
    }

    fn activate(&self) -> Result<(), StorageError> {
        let sessions = self.sessions()?;
        if sessions.is_empty() {
            return self.log_in();
        }
        if self.searched.get().is_none_or(|searched| searched.elapsed() >= RESCAN) {
            for session in sessions {
                tools::change(iscsiadm("session").args(["--sid", &session, "--rescan"]))?;
            }
            tools::settle();
            self.searched.set(Some(Instant::now()));
        }
        Ok(())
    }

    fn check(&self) -> Result<(), StorageError> {
        if !self.sessions()?.is_empty() {
            return Ok(());
        }
        let reason = format!("the host has not logged in to '{}'", self.target);
        Err(StorageError::Unusable { storage: self.id.clone(), reason })
    }

    /// Of what its devices have, nothing is given out.
    fn space(&self) -> Result<Space, StorageError> {
        Ok(Space { total: 0, used: 0, available: 0 })
    }

    fn describe(&self, name: &str) -> Result<Described, StorageError> {
        Err(bad(name))
    }

    fn free_name(&self, _owner: Vmid, _format: Format) -> Result<String, StorageError> {
        self.none()
    }

    fn allocate(&self, _name: &str, _size: Size) -> Result<(), StorageError> {
        self.none()
    }

    fn free(&self, _name: &str) -> Result<(), StorageError> {
        self.none()
    }

    fn locate(&self, _name: &str, _snapshot: Option<&str>) -> Result<Location, StorageError> {
        self.none()
    }

    fn list(&self, _owner: Option<Vmid>) -> Result<Vec<Listed>, StorageError> {
        self.none()
    }

    fn has_feature(&self, _feature: Feature, _name: &str, _snapshot: Option<&str>) -> bool {
        false
    }

    fn file(&self, _name: &str) -> Result<PathBuf, StorageError> {
        self.none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::{cfg, tools::script};

    const SESSIONS: &str = "tcp: [1] 10.0.0.9:3260,1 iqn.2001-05.com:other (non-flash)\n\
                            tcp: [7] 10.0.0.1:3260,1 iqn.2001-05.com:a (non-flash)\n";
    const ASK: &str = "iscsiadm --mode session";
    const SETTLE: &str = "udevadm settle --timeout=30";

    fn storage() -> Iscsi {
        let text = "iscsi: san\n\tportal 10.0.0.1,10.0.0.2:3261\n\ttarget iqn.2001-05.com:a\n";
        Iscsi::from_section(&cfg::section(text)).unwrap()
    }

    #[test]
    fn a_target_is_found_and_logged_in_to() {
        script::fail(ASK, "iscsiadm: No active sessions.");
        storage().activate().unwrap();
        let discover = "iscsiadm --mode discovery --type sendtargets --portal";
        let login = "iscsiadm --mode node --targetname iqn.2001-05.com:a --login";
        assert_eq!(script::take(), [ASK, &format!("{discover} 10.0.0.1"), login, SETTLE]);
        // The second way is taken when the first is closed; the session of another target is none of ours.
        script::answer(ASK, SESSIONS.lines().next().unwrap());
        script::fail(&format!("{discover} 10.0.0.1"), "cannot make connection");
        storage().activate().unwrap();
        let ways = ["10.0.0.1", "10.0.0.2:3261"].map(|portal| format!("{discover} {portal}"));
        assert_eq!(script::take(), [ASK, &ways[0], &ways[1], login, SETTLE]);
        ways.iter().for_each(|way| script::fail(way, "cannot make connection"));
        assert!(matches!(storage().activate(), Err(StorageError::Offline { .. })));
        assert_eq!(script::take(), [ASK, &ways[0], &ways[1]]);
        script::fail(ASK, "iscsid is not running");
        assert!(matches!(storage().activate(), Err(StorageError::Program(_))));
        script::take();
    }

    #[test]
    fn a_target_is_searched_for_new_devices_now_and_then() {
        let storage = storage();
        for _ in 0..2 {
            script::answer(ASK, SESSIONS);
            storage.activate().unwrap();
        }
        assert_eq!(script::take(), [ASK, "iscsiadm --mode session --sid 7 --rescan", SETTLE, ASK]);
        script::answer(ASK, SESSIONS);
        storage.check().unwrap();
        assert!(storage.check().is_err());
        assert_eq!(script::take(), [ASK, ASK]);
        assert!(storage.list(None).is_err() && storage.describe("0.0.1.scsi-1").is_err());
    }
}
