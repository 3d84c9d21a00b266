//! SSH host keys for guests, by the host's `ssh-keygen`.

use std::{
    error,
    fs::{self, DirBuilder},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicU32, Ordering},
};

use crate::{
    config::Vmid,
    exec::Command,
    guest::{HostKeys, KeyPair},
};

/// Works in a folder of its own that only root can look into.
pub(super) struct SshKeygen {
    folder: PathBuf,
}

impl SshKeygen {
    /// The folder is made below this one when the first key is.
    pub(super) fn new(run_dir: &Path, vmid: Vmid) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        Self { folder: run_dir.join(format!("{vmid}.keys.{}.{count}", process::id())) }
    }
}

impl HostKeys for SshKeygen {
    fn make(&self, key_type: &str, comment: &str) -> Result<KeyPair, Box<dyn error::Error + Send + Sync>> {
        DirBuilder::new().mode(0o700).recursive(true).create(&self.folder)?;
        let file = self.folder.join(key_type);
        let public = self.folder.join(format!("{key_type}.pub"));
        let ssh_keygen = || Command::new("ssh-keygen").package("openssh-client");
        ssh_keygen().args(["-q", "-t", key_type, "-N", "", "-C", comment, "-f"]).arg(&file).run()?;
        let shown = ssh_keygen().args(["-l", "-E", "sha256", "-f"]).arg(&public).run()?;
        let shown = shown.stdout_lines().into_iter().next().unwrap_or_default();
        Ok(KeyPair {
            private: fs::read(&file)?,
            public: fs::read(&public)?,
            fingerprint: fingerprint(&shown).to_owned(),
        })
    }
}

impl Drop for SshKeygen {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// `SHA256:… root@host` of `3072 SHA256:… root@host (RSA)`.
fn fingerprint(shown: &str) -> &str {
    let rest = shown.split_once(' ').map_or(shown, |(_bits, rest)| rest);
    rest.rsplit_once(" (").map_or(rest, |(fingerprint, _type)| fingerprint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_stands_without_size_and_type() {
        assert_eq!(fingerprint("256 SHA256:abc root@web7 (ED25519)"), "SHA256:abc root@web7");
    }
}
