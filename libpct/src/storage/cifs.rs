//! Storages of type `cifs`: a directory that is mounted from a server. The password stays in its file (spec: runtime,
//! part 11.1).

use std::path::{Path, PathBuf};

use super::{
    StorageError,
    cfg::Section,
    dir::{DirStorage, Source},
    folders::Folders,
    nfs::default_path,
    tools,
};

struct Cifs {
    share: String,
    folder: String,
    login: Login,
    version: String,
    options: Option<String>,
}

/// As whom the server is spoken to.
enum Login {
    Guest,
    /// By a ticket of Kerberos.
    Ticket,
    User {
        name: String,
        domain: Option<String>,
        password: PathBuf,
    },
}

/// `etc` is the folder of `storage.cfg`.
pub(super) fn from_section(section: &Section, etc: &Path) -> Result<DirStorage, String> {
    let word = |key: &str| section.get(key).map(str::to_owned);
    let share = section.need("share")?;
    if share.contains('/') {
        return Err(format!("'{share}' is no name of a share"));
    }
    let options = word("options");
    let by_ticket =
        options.as_deref().unwrap_or_default().split(',').any(|option| option.starts_with("sec=krb5"));
    let login = match word("username") {
        _ if by_ticket => Login::Ticket,
        Some(name) => {
            let password = password_file(etc, &section.id);
            Login::User { name, domain: word("domain"), password }
        }
        None => Login::Guest,
    };
    let source = Cifs {
        share: format!("//{}/{share}", section.need("server")?),
        folder: word("subdir").unwrap_or_default(),
        login,
        version: word("smbversion").unwrap_or_else(|| "default".to_owned()),
        options,
    };
    let folders = Folders::at(section, default_path(section))?;
    Ok(DirStorage::new(section, folders)?.mounted_by(Box::new(source)))
}

/// Where the password is, in the form of a credentials file (mount.cifs(8)).
pub(super) fn password_file(etc: &Path, id: &str) -> PathBuf {
    etc.join("priv/storage").join(format!("{id}.pw"))
}

impl Source for Cifs {
    fn find(&self) -> Result<(), StorageError> {
        let ask = tools::program("smbclient", "smbclient").args([&*self.share, "-d", "0"]);
        let ask = match &self.login {
            // Whose ticket it is, only the kernel's helper knows.
            Login::Ticket => return Ok(()),
            Login::Guest => ask.args(["-U", "Guest", "-N"]),
            Login::User { name, domain, password } => {
                let ask = ask.args(["-U", name, "-A"]).arg(password);
                match domain {
                    Some(domain) => ask.args(["-W", domain]),
                    None => ask,
                }
            }
        };
        tools::ask(ask.args(["-c", "echo 1 0"])).map(drop)
    }

    fn mount(&self, path: &Path) -> Result<(), StorageError> {
        let mount = tools::program("mount", "cifs-utils").args(["-t", "cifs"]);
        let mount = mount.arg(format!("{}{}", self.share, self.folder)).arg(path).args(["-o", "soft"]);
        let mount = match &self.login {
            Login::Ticket => mount,
            Login::Guest => mount.args(["-o", "guest,username=guest"]),
            Login::User { name, domain, password } => {
                let credentials = format!("credentials={}", password.display());
                let mount = mount.args(["-o", &format!("username={name}"), "-o", &credentials]);
                match domain {
                    Some(domain) => mount.args(["-o", &format!("domain={domain}")]),
                    None => mount,
                }
            }
        };
        let mount = mount.args(["-o", &format!("vers={}", self.version)]);
        tools::change(match &self.options {
            Some(options) => mount.args(["-o", options]),
            None => mount,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::{backend::Backend, cfg, tools::script};

    #[test]
    fn a_share_is_mounted_with_a_password_that_is_only_named() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("mnt");
        let etc = temp.path();
        std::fs::create_dir_all(etc.join("priv/storage")).unwrap();
        std::fs::write(password_file(etc, "c1"), "password=SECRET\n").unwrap();
        let (shown, password) = (path.display(), password_file(etc, "c1"));
        let password = password.display();
        for (more, find, mount) in [
            (
                "",
                Some("smbclient //srv/data -d 0 -U Guest -N -c 'echo 1 0'".to_owned()),
                format!("mount -t cifs //srv/data {shown} -o soft -o guest,username=guest -o vers=default"),
            ),
            (
                "\tusername u\n\tdomain d\n\tsmbversion 3.0\n\tsubdir /in/side\n\toptions ro\n",
                Some(format!("smbclient //srv/data -d 0 -U u -A {password} -W d -c 'echo 1 0'")),
                format!(
                    "mount -t cifs //srv/data/in/side {shown} -o soft -o username=u -o credentials={password} \
                     -o domain=d -o vers=3.0 -o ro"
                ),
            ),
            (
                "\tusername u\n\toptions sec=krb5i\n",
                None,
                format!("mount -t cifs //srv/data {shown} -o soft -o vers=default -o sec=krb5i"),
            ),
        ] {
            let text = format!("cifs: c1\n\tpath {shown}\n\tserver srv\n\tshare data\n{more}");
            from_section(&cfg::section(&text), etc).unwrap().activate().unwrap();
            let lines = script::take();
            assert!(lines.iter().all(|line| !line.contains("SECRET")));
            assert_eq!(lines, find.into_iter().chain([mount]).collect::<Vec<_>>());
        }
        script::fail("smbclient", "NT_STATUS_HOST_UNREACHABLE");
        let text = format!("cifs: c1\n\tpath {shown}\n\tserver srv\n\tshare data\n");
        let refused = from_section(&cfg::section(&text), etc).unwrap().activate();
        assert!(matches!(refused, Err(StorageError::Offline { .. })));
        script::take();
        assert!(from_section(&cfg::section("cifs: c1\n\tserver s\n\tshare a/b\n"), etc).is_err());
    }
}
