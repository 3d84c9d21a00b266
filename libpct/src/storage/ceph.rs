//! How a Ceph cluster is reached: its monitors, its configuration, and a key that stays in its file.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::cfg::Section;
use crate::{config::split_list, exec::Command};

pub(super) struct Cluster {
    /// The configuration, where there is one.
    pub(super) conf: Option<PathBuf>,
    /// Addresses with commas between them.
    pub(super) monitors: Option<String>,
    pub(super) user: String,
    keyring: Option<PathBuf>,
}

impl Cluster {
    /// `etc` is the folder of `storage.cfg`, where the original has its files, too.
    pub(super) fn from_section(section: &Section, etc: &Path) -> Self {
        let there = |path: PathBuf| path.exists().then_some(path);
        let own = |end: &str| there(etc.join("priv/ceph").join(format!("{}.{end}", section.id)));
        let monitors = section.get("monhost").map(|list| split_list(list).collect::<Vec<_>>().join(","));
        Self {
            conf: if monitors.is_some() { own("conf") } else { there(etc.join("ceph.conf")) },
            monitors,
            user: section.get("username").unwrap_or("admin").to_owned(),
            keyring: own("keyring"),
        }
    }

    /// Adds what the programs of Ceph need to know.
    pub(super) fn identify(&self, mut command: Command) -> Command {
        if let Some(conf) = &self.conf {
            command = command.arg("-c").arg(conf);
        }
        if let Some(monitors) = &self.monitors {
            let auth = if self.keyring.is_some() { "cephx" } else { "none" };
            command = command.args(["-m", monitors, "--auth_supported", auth]);
        }
        command = command.args(["-n", &format!("client.{}", self.user)]);
        match &self.keyring {
            Some(keyring) => command.arg("--keyring").arg(keyring),
            None => command,
        }
    }

    /// The id of the cluster, where its configuration says it.
    pub(super) fn fsid(&self) -> Option<String> {
        let text = fs::read_to_string(self.conf.as_ref()?).ok()?;
        text.lines().find_map(|line| {
            let (key, value) = line.split_once('=')?;
            (key.trim() == "fsid").then(|| value.trim().to_owned())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::cfg;

    #[test]
    fn a_key_is_named_by_its_file() {
        let temp = tempfile::tempdir().unwrap();
        let etc = temp.path();
        let line = |more: &str| {
            let cluster = Cluster::from_section(&cfg::section(&format!("rbd: c1\n{more}")), etc);
            (cluster.identify(Command::new("rbd")).line(), cluster.fsid())
        };
        assert_eq!(line(""), ("rbd -n client.admin".to_owned(), None));
        fs::write(etc.join("ceph.conf"), "[global]\n  fsid = abc\n").unwrap();
        fs::create_dir_all(etc.join("priv/ceph")).unwrap();
        fs::write(etc.join("priv/ceph/c1.keyring"), "key = SECRET").unwrap();
        let (conf, keyring) = (etc.join("ceph.conf"), etc.join("priv/ceph/c1.keyring"));
        let (conf, keyring) = (conf.display(), keyring.display());
        assert_eq!(
            line("\tusername u\n"),
            (format!("rbd -c {conf} -n client.u --keyring {keyring}"), Some("abc".to_owned()))
        );
        assert_eq!(
            line("\tmonhost a;b\n"),
            (format!("rbd -m a,b --auth_supported cephx -n client.admin --keyring {keyring}"), None)
        );
        fs::write(etc.join("priv/ceph/c1.conf"), "").unwrap();
        assert!(
            line("\tmonhost a\n")
                .0
                .starts_with(&format!("rbd -c {}", etc.join("priv/ceph/c1.conf").display()))
        );
    }
}
