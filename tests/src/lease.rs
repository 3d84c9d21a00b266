//! Container ids that no other test uses, in this process or another.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use rustix::fs::{FlockOperation, flock};

/// The ids for tests; veth names and cgroups are per machine, so they cannot
/// be private to a `PCT_ROOT`.
const RANGE: std::ops::RangeInclusive<u32> = 9000..=9999;

/// An id that is ours while this lives, also if the process is killed: the
/// kernel then drops the lock.
pub struct Lease {
    /// The id.
    pub vmid: u32,
    _lock: File,
}

/// Takes a free id.
pub fn lease() -> Lease {
    // Each process begins somewhere else, so that they rarely meet.
    let count = RANGE.end() - RANGE.start() + 1;
    let first = std::process::id().wrapping_mul(37) % count;
    for n in 0..count {
        let vmid = RANGE.start() + (first + n) % count;
        let lock = open(&vmid.to_string());
        if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_ok() && !in_use(vmid) {
            return Lease { vmid, _lock: lock };
        }
    }
    panic!("no container id in {RANGE:?} is free");
}

/// Something that is not ours, a unit test or a person, runs this container.
fn in_use(vmid: u32) -> bool {
    let sockets = std::fs::read_to_string("/proc/net/unix").unwrap_or_default();
    let socket = format!("/{vmid}/command");
    let links =
        std::fs::read_dir("/sys/class/net").map(|d| d.flatten().collect::<Vec<_>>()).unwrap_or_default();
    sockets.lines().any(|line| line.ends_with(&socket))
        || links.iter().any(|link| link.file_name().to_string_lossy().starts_with(&format!("veth{vmid}i")))
}

/// Every host holds this lock shared; a test that compares the whole machine
/// before and after holds it alone.
pub fn machine(alone: bool) -> File {
    let lock = open("machine");
    let how = if alone { FlockOperation::LockExclusive } else { FlockOperation::LockShared };
    flock(&lock, how).expect("lock the machine for tests");
    lock
}

fn open(name: &str) -> File {
    let dir = if rustix::process::geteuid().is_root() {
        PathBuf::from("/run/lock/pct-tests")
    } else {
        std::env::temp_dir().join(format!("pct-tests-{}", rustix::process::geteuid().as_raw()))
    };
    std::fs::create_dir_all(&dir).expect("a folder for lock files");
    OpenOptions::new().create(true).append(true).mode(0o600).open(dir.join(name)).expect("open a lock file")
}
