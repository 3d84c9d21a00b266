//! Who works on a container while only the `lock` in its config keeps others away (ours).
//!
//! The operation keeps a file of its own locked for as long as it lives, in which it says what it does. When it is killed the
//! kernel unlocks the file, and what stands there tells `repair` what broke off. A record that nobody asks for does no harm:
//! the next operation writes its own over it, and without the same `lock` in the config it says nothing.

use std::{
    fmt,
    fs::{self, File},
    io::{self, Read, Write},
    os::fd::AsFd,
};

use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use super::Env;
use crate::{
    config::{Vmid, VolumeId},
    error::Error,
    progress::Progress,
    sys::{folder, lockfile::LockFile},
};

/// What an operation says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    /// The verb.
    pub(super) operation: String,
    /// The value of `lock` meanwhile.
    pub(super) lock: String,
    pub(super) process: u32,
    /// The snapshot that it is about.
    #[serde(default)]
    pub(super) snapshot: Option<String>,
    /// What it makes: in the config these are unused volumes until they are whole.
    #[serde(default)]
    pub(super) unfinished: Vec<String>,
    /// What it gives to another container, as soon as the new name is known.
    #[serde(default)]
    pub(super) given: Option<Given>,
}

/// A volume that goes to another container: both have the record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Given {
    pub(super) from: Vmid,
    pub(super) key: String,
    pub(super) volume: VolumeId,
    pub(super) to: Vmid,
    pub(super) target_key: String,
    pub(super) renamed: VolumeId,
    /// The value by which it is to be mounted there.
    pub(super) value: Option<String>,
}

impl Record {
    pub(super) fn of(operation: &str, lock: &str) -> Self {
        let (operation, lock, process) = (operation.to_owned(), lock.to_owned(), std::process::id());
        Self { operation, lock, process, snapshot: None, unfinished: Vec::new(), given: None }
    }

    pub(super) fn about(self, snapshot: &str) -> Self {
        Self { snapshot: Some(snapshot.to_owned()), ..self }
    }

    pub(super) fn at_work(&self, vmid: Vmid) -> Error {
        Error::AtWork { vmid, who: self.to_string() }
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}' (process {})", self.operation, self.process)
    }
}

/// An operation at work.
pub(super) struct Work {
    file: LockFile,
    record: Record,
}

/// Of whom a container's record is.
pub(super) enum Worker {
    Alive(Record),
    /// It broke off.
    Dead(Record),
}

impl Work {
    /// Before an operation marks a container. Refused while another one is still at work, whose mark somebody has taken
    /// away.
    pub(super) fn begin(env: &Env, vmid: Vmid, record: Record) -> Result<Self, Error> {
        let path = env.home.work_file(vmid);
        if let Some(folder) = path.parent() {
            folder::make(folder, 0o755).map_err(|e| Error::io("cannot make", folder, e))?;
        }
        let Some(file) = LockFile::try_acquire(&path)? else { return Err(at_work(env, vmid)) };
        // Of one that broke off.
        rustix::fs::ftruncate(&file, 0).map_err(|errno| Error::io("cannot write", &path, errno))?;
        let work = Self { file, record };
        work.write()?;
        Ok(work)
    }

    /// Notes down what is not whole yet.
    pub(super) fn unfinished(&mut self, volumes: &[VolumeId]) -> Result<(), Error> {
        self.record.unfinished = volumes.iter().map(ToString::to_string).collect();
        self.write()
    }

    /// Notes down what goes to another container. It is on the disk before this returns: without it nobody could tell after a
    /// crash of the machine to whom the volume belongs.
    pub(super) fn gives(&mut self, given: &Given) -> Result<(), Error> {
        self.record.given = Some(given.clone());
        self.write()?;
        self.sync()
    }

    /// Nothing broke off: the mark in the config is gone.
    pub(super) fn end(self, progress: &mut dyn Progress) {
        if let Err(error) = self.file.remove() {
            progress.warning(&error.to_string());
        }
    }

    /// The same where the mark may still be there: then it is told who takes it away.
    pub(super) fn end_unless_locked(
        self,
        unlocked: &Result<(), Error>,
        vmid: Vmid,
        progress: &mut dyn Progress,
    ) {
        match unlocked {
            Ok(()) => self.end(progress),
            Err(error) => {
                let error = error.full_message();
                progress.warning(&format!("CT {vmid} stays locked, until 'pct repair {vmid}': {error}"));
            }
        }
    }

    /// Behind what stands there: until the line is whole, the one before it counts.
    fn write(&self) -> Result<(), Error> {
        let write = || -> io::Result<()> {
            let line = [&serde_json::to_vec(&self.record)?, &b"\n"[..]].concat();
            File::from(self.file.as_fd().try_clone_to_owned()?).write_all(&line)
        };
        write().map_err(|source| Error::io("cannot write", self.file.path(), source))
    }

    fn sync(&self) -> Result<(), Error> {
        let sync = || -> io::Result<()> {
            rustix::fs::fsync(&self.file)?;
            self.file.path().parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
        };
        sync().map_err(|source| Error::io("cannot write", self.file.path(), source))
    }
}

/// Who works on a container, or broke off. What nobody can read says nothing.
pub(super) fn worker(env: &Env, vmid: Vmid) -> Result<Option<Worker>, Error> {
    let path = env.home.work_file(vmid);
    let read = || -> io::Result<(File, Vec<u8>)> {
        let (mut file, mut text) = (File::open(&path)?, Vec::new());
        file.read_to_end(&mut text)?;
        Ok((file, text))
    };
    let (file, text) = match read() {
        Ok(found) => found,
        Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(Error::io("cannot read", &path, source)),
    };
    let Some(record) =
        text.split(|byte| *byte == b'\n').rev().find_map(|line| serde_json::from_slice(line).ok())
    else {
        return Ok(None);
    };
    // A shared lock is only refused by the exclusive one of a living operation.
    let dead = flock(&file, FlockOperation::NonBlockingLockShared).is_ok();
    Ok(Some(if dead { Worker::Dead(record) } else { Worker::Alive(record) }))
}

/// Forgets whoever broke off; who is still at work keeps his record.
pub(super) fn forget(env: &Env, vmid: Vmid) -> Result<(), Error> {
    let path = env.home.work_file(vmid);
    if !fs::exists(&path).map_err(|e| Error::io("cannot look at", &path, e))? {
        return Ok(());
    }
    match LockFile::try_acquire(&path)? {
        Some(file) => Ok(file.remove()?),
        None => Ok(()),
    }
}

fn at_work(env: &Env, vmid: Vmid) -> Error {
    match worker(env, vmid) {
        Ok(Some(Worker::Alive(record) | Worker::Dead(record))) => record.at_work(vmid),
        _ => Error::AtWork { vmid, who: "another operation".to_owned() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::testing::in_child;

    #[test]
    fn who_works_is_known_from_who_broke_off() {
        let root = tempfile::tempdir().unwrap();
        let home = crate::home::Home::detect(Some(root.path())).unwrap();
        let env = Env { home, helper: "/nowhere".into(), listener: None };
        let vmid = Vmid::new(9001).unwrap();
        // In a test beside this one a program may begin, which has the files that are open here until it is executed.
        in_child(|| {
            assert!(worker(&env, vmid).unwrap().is_none());
            forget(&env, vmid).unwrap();

            let record = Record::of("move-volume", "disk").about("s1");
            let mut work = Work::begin(&env, vmid, record.clone()).unwrap();
            assert!(matches!(Work::begin(&env, vmid, record.clone()), Err(Error::AtWork { .. })));
            forget(&env, vmid).unwrap();
            work.unfinished(&["local:9001/vm-9001-disk-1.raw".parse().unwrap()]).unwrap();
            work.unfinished(&["local:9001/vm-9001-disk-2.raw".parse().unwrap()]).unwrap();
            let said =
                Record { unfinished: vec!["local:9001/vm-9001-disk-2.raw".to_owned()], ..record.clone() };
            assert!(matches!(worker(&env, vmid).unwrap(), Some(Worker::Alive(found)) if found == said));

            // As the kernel does for one that is killed, in the middle of a line.
            drop(work);
            let mut file = fs::OpenOptions::new().append(true).open(env.home.work_file(vmid)).unwrap();
            file.write_all(b"{\"operation\":").unwrap();
            assert!(matches!(worker(&env, vmid).unwrap(), Some(Worker::Dead(found)) if found == said));
            Work::begin(&env, vmid, record).unwrap().end(&mut crate::progress::Silent);
            assert!(worker(&env, vmid).unwrap().is_none());
            fs::write(env.home.work_file(vmid), "{\"operation\":").unwrap();
            assert!(worker(&env, vmid).unwrap().is_none());
            forget(&env, vmid).unwrap();
            assert!(!env.home.work_file(vmid).exists());
        });
    }
}
