//! The state of a suspended container on disk, and the program that writes and reads it.
//!
//! The folder has its name only when the state in it is complete, and is removed as soon as it is used or outdated: a
//! memory that is continued on disks that have changed since would destroy them.

use std::{
    collections::BTreeSet,
    fs::{self, Permissions},
    io,
    os::unix::fs::{MetadataExt, PermissionsExt, chown},
    path::{Path, PathBuf},
};

use super::Env;
use crate::{
    config::Vmid,
    error::{Error, Failure},
    exec::Command,
    lxc,
    progress::Progress,
    sys::folder,
};

/// Fails unless CRIU is installed. Whether it gets along with this kernel shows when it is used.
pub(super) fn require_criu(attempt: &'static str, vmid: Vmid) -> Result<(), Error> {
    let found = Command::new("criu").package("criu").locate();
    found.map(drop).map_err(|source| Error::Program { attempt, vmid, source })
}

pub(super) fn is_suspended(env: &Env, vmid: Vmid) -> bool {
    env.home.checkpoint_dir(vmid).is_dir()
}

/// Removes the state, complete or not.
pub(super) fn remove(env: &Env, vmid: Vmid) -> Result<(), Error> {
    let path = env.home.checkpoint_dir(vmid);
    for folder in [unfinished(env, vmid), path.clone()] {
        match fs::remove_dir_all(&folder) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                return Err(Error::io("cannot remove", folder, source));
            }
            _ => {}
        }
    }
    // While there are others in it, the kernel refuses.
    path.parent().map(fs::remove_dir);
    Ok(())
}

/// Before the container's files are changed: it cannot go on any more.
pub(super) fn outdate(env: &Env, vmid: Vmid, progress: &mut dyn Progress) -> Result<(), Error> {
    if is_suspended(env, vmid) {
        progress.warning("the container was suspended: it starts anew, and the suspended state is removed");
    }
    remove(env, vmid)
}

fn unfinished(env: &Env, vmid: Vmid) -> PathBuf {
    env.home.checkpoint_dir(vmid).with_extension("new")
}

/// A folder of images, with what CRIU has to be told beside it.
pub(super) struct Images(PathBuf);

impl Images {
    /// Those of a complete state.
    pub(super) fn of(env: &Env, vmid: Vmid) -> Self {
        Self(env.home.checkpoint_dir(vmid))
    }

    /// Makes the folder in which a state comes into being. Of a container that runs every other one is outdated.
    ///
    /// `group` is that of the container's root, whom CRIU becomes before it has read all of the images: it may pass. Nobody
    /// else comes as far, for the folder around it is the host's root's alone.
    pub(super) fn begin(env: &Env, vmid: Vmid, init: i32, group: u32) -> Result<Self, Error> {
        remove(env, vmid)?;
        let images = Self(unfinished(env, vmid));
        let made = folder::make(&images.0, 0o700)
            .and_then(|()| chown(&images.0, None, Some(group)))
            .and_then(|()| fs::set_permissions(&images.0, Permissions::from_mode(0o710)));
        made.map_err(|e| Error::io("cannot make", &images.0, e))?;
        let outer = outer_null_devices(init)?;
        let lines = |option: &str| outer.iter().map(|file| format!("{option}{file}\n")).collect::<String>();
        // The first descriptor of CRIU is that of the monitor which calls it, the null device.
        for (path, text) in [
            (images.dump_config(), lines("external ")),
            (images.restore_config(), lines("inherit-fd fd[0]:")),
        ] {
            fs::write(&path, text).map_err(|e| Error::io("cannot write", path, e))?;
        }
        Ok(images)
    }

    /// The state is complete.
    pub(super) fn complete(self, env: &Env, vmid: Vmid) -> Result<(), Error> {
        let path = env.home.checkpoint_dir(vmid);
        fs::rename(self.0, &path).map_err(|e| Error::io("cannot write", path, e))
    }

    pub(super) fn folder(&self) -> &Path {
        &self.0
    }

    /// Options of CRIU.
    pub(super) fn dump_config(&self) -> PathBuf {
        self.0.join("dump.conf")
    }

    /// Options of CRIU.
    pub(super) fn restore_config(&self) -> PathBuf {
        self.0.join("restore.conf")
    }
}

/// The null devices that init has from its monitor where it has no console: they are on no mount of the container, so
/// that CRIU has to be told of them (criu(8), `--external`).
fn outer_null_devices(init: i32) -> Result<BTreeSet<String>, Error> {
    let null = rustix::fs::makedev(1, 3);
    let read = |name: &str| {
        let path = format!("/proc/{init}/{name}");
        fs::read_to_string(&path).map_err(|e| Error::io("cannot read", path, e))
    };
    let table = read("mountinfo")?;
    let mounts: BTreeSet<&str> = table.lines().filter_map(|line| line.split(' ').next()).collect();
    let mut outer = BTreeSet::new();
    for fd in 0..3 {
        let Ok(file) = fs::metadata(format!("/proc/{init}/fd/{fd}")) else { continue };
        let info = read(&format!("fdinfo/{fd}"))?;
        let mount = info.lines().find_map(|line| line.strip_prefix("mnt_id:")).unwrap_or_default().trim();
        if let Ok(number) = mount.parse::<u32>()
            && file.rdev() == null
            && !mounts.contains(mount)
        {
            outer.insert(format!("file[{number:x}:{:x}]", file.ino()));
        }
    }
    Ok(outer)
}

/// Why CRIU could not do it, from its own log, which is kept, and from liblxc's. `remedy` finds one in the first.
pub(super) fn explain(
    env: &Env,
    vmid: Vmid,
    message: String,
    criu_log: &Path,
    liblxc_log: &str,
    remedy: impl Fn(&str) -> Option<String>,
) -> Failure {
    let text = fs::read(criu_log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let text = text.unwrap_or_default();
    let mut log_lines = errors(&text);
    if log_lines.is_empty() {
        log_lines = lxc::log::causes(liblxc_log);
    }
    let kept = env.home.criu_log(vmid);
    // It only adds to what is said.
    let log = fs::write(&kept, format!("{text}\n{liblxc_log}")).is_ok().then_some(kept);
    Failure { message, log_lines, remedy: remedy(&text), log, ..Failure::default() }
}

/// More are consequences of the first ones.
const MOST: usize = 10;

/// The lines of a log of CRIU that report errors, without the time and process that may stand before them:
/// `(00.012345)  17: Error (criu/x.c:1): text`.
fn errors(log: &str) -> Vec<String> {
    let line = |line: &str| {
        let text = line.trim_start_matches(|c: char| " ().:".contains(c) || c.is_ascii_digit());
        text.starts_with("Error").then(|| text.trim_end().to_owned())
    };
    log.lines().filter_map(line).take(MOST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_told_from_what_else_criu_logs() {
        let log = "(00.000000) Version: 3.17.1 (gitid 0)\n(00.012345) Warn  (criu/x.c:1): Error in name only\n\
                   (00.012346) Error (criu/vdso.c:2): vdso: Unexpected\n(00.2)    123: Error (criu/y.c:3): worse\n\
                   Error (criu/z.c:4): without a time\n";
        let expected = [
            "Error (criu/vdso.c:2): vdso: Unexpected",
            "Error (criu/y.c:3): worse",
            "Error (criu/z.c:4): without a time",
        ];
        assert_eq!(errors(log), expected);
    }
}
