//! SSH host keys (spec: guest set-up, part 7.9).

use crate::{
    guest::{
        Setup,
        error::{Error, Result},
    },
    rootfs::Attributes,
};

const FOLDER: &str = "/etc/ssh";
const TYPES: [(&str, &str); 3] =
    [("rsa", "ssh_host_rsa_key"), ("ecdsa", "ssh_host_ecdsa_key"), ("ed25519", "ssh_host_ed25519_key")];

/// A new SSH key.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyPair {
    /// The content of the private key's file.
    pub private: Vec<u8>,
    /// The content of the public key's file.
    pub public: Vec<u8>,
    /// The line that shows the fingerprint, as `SHA256:… root@host`.
    pub fingerprint: String,
}

/// Makes SSH keys. The library's own maker runs `ssh-keygen`, which belongs to another room.
pub trait HostKeys {
    /// Makes one key of a type (`rsa`, `ecdsa`, `ed25519`) with a comment.
    fn make(
        &self,
        key_type: &str,
        comment: &str,
    ) -> std::result::Result<KeyPair, Box<dyn std::error::Error + Send + Sync>>;
}

impl<F> HostKeys for F
where
    F: Fn(&str, &str) -> std::result::Result<KeyPair, Box<dyn std::error::Error + Send + Sync>>,
{
    fn make(
        &self,
        key_type: &str,
        comment: &str,
    ) -> std::result::Result<KeyPair, Box<dyn std::error::Error + Send + Sync>> {
        self(key_type, comment)
    }
}

/// Gives the guest keys of its own. Those that came with the template are known to everybody who has it: none
/// is kept, whatever its type.
pub(crate) fn renew(setup: &mut Setup<'_>, maker: Option<&dyn HostKeys>) -> Result<()> {
    let root = setup.root;
    if !root.is_dir(FOLDER)? {
        return Ok(());
    }
    let Some(maker) = maker else {
        if remove_old(setup, &[])? {
            setup.warn(
                "the SSH host keys of the template were removed and none could be created; \
                 run 'ssh-keygen -A' in the container to allow SSH logins",
            );
        }
        return Ok(());
    };
    let mut made = Vec::new();
    for (key_type, name) in TYPES {
        setup.info(format!("Creating SSH host key '{name}' - this may take some time ..."));
        let comment = format!("root@{}", setup.short_hostname());
        match maker.make(key_type, &comment) {
            Ok(pair) => {
                setup.info(format!("done: {}", pair.fingerprint));
                made.push((name, pair));
            }
            Err(source) => {
                remove_old(setup, &[])?;
                return Err(Error::HostKey { key_type, source });
            }
        }
    }
    for (name, pair) in made {
        root.replace(&format!("{FOLDER}/{name}"), &pair.private, Attributes::exact(0o600))?;
        root.replace(&format!("{FOLDER}/{name}.pub"), &pair.public, Attributes::exact(0o644))?;
    }
    remove_old(setup, &TYPES.map(|(_, name)| name))?;
    Ok(())
}

/// Removes host keys but the named ones, their public halves and certificates. Whether there were any.
fn remove_old(setup: &Setup<'_>, kept: &[&str]) -> Result<bool> {
    let mut removed = false;
    for name in setup.root.list(FOLDER)? {
        let key = name.strip_suffix(".pub").unwrap_or(&name);
        let is_key = key.strip_prefix("ssh_host_").is_some_and(|rest| rest.ends_with("_key"));
        let is_certificate = key.starts_with("ssh_host_") && key.ends_with("_key-cert");
        if (is_key && !kept.contains(&key)) || is_certificate {
            removed |= setup.root.unlink(&format!("{FOLDER}/{name}"))?;
        }
    }
    Ok(removed)
}
