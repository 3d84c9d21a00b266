//! Storages of type `nfs`: a directory that is mounted from a server (spec: runtime, part 11.1).

use std::{
    net::{IpAddr, Ipv6Addr, SocketAddr, TcpStream, ToSocketAddrs},
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    StorageError,
    cfg::Section,
    dir::{DirStorage, Source},
    folders::Folders,
    tools,
};

const PORT: u16 = 2049;
const PATIENCE: Duration = Duration::from_secs(10);

struct Nfs {
    server: String,
    export: String,
    options: Option<String>,
}

/// Where storages are mounted that do not say it.
pub(super) fn default_path(section: &Section) -> PathBuf {
    section.get("path").map_or_else(|| Path::new("/mnt/pve").join(&section.id), PathBuf::from)
}

pub(super) fn from_section(section: &Section) -> Result<DirStorage, String> {
    let word = |key: &str| section.get(key).map(str::to_owned);
    let source = Nfs {
        server: section.need("server")?.to_owned(),
        export: section.need("export")?.to_owned(),
        options: word("options"),
    };
    let folders = Folders::at(section, default_path(section))?;
    Ok(DirStorage::new(section, folders)?.mounted_by(Box::new(source)))
}

impl Nfs {
    /// An option of the mount.
    fn option(&self, key: &str) -> Option<&str> {
        let options = self.options.as_deref().unwrap_or_default();
        options.split(',').find_map(|option| option.strip_prefix(key)?.strip_prefix('='))
    }

    fn is_version_4(&self) -> bool {
        let version = self.option("vers").or_else(|| self.option("nfsvers"));
        version.is_some_and(|version| version.starts_with('4'))
    }

    fn address(&self, port: u16) -> Option<SocketAddr> {
        (self.server.trim_matches(['[', ']']), port).to_socket_addrs().ok()?.next()
    }
}

impl Source for Nfs {
    fn find(&self) -> Result<(), StorageError> {
        if !self.is_version_4() {
            let ask = tools::program("showmount", "nfs-common");
            return tools::ask(ask.args(["--no-headers", "--exports", &self.server])).map(drop);
        }
        let port = self.option("port").and_then(|port| port.parse().ok()).unwrap_or(PORT);
        let Some(address) = self.address(port) else {
            let reason = "its name has no address".to_owned();
            return Err(StorageError::Unusable { storage: self.server.clone(), reason });
        };
        let protocol = if address.is_ipv6() { "tcp6" } else { "tcp" };
        let ask = tools::program("rpcinfo", "rpcbind");
        let asked = tools::ask(ask.args(["-T", protocol, &address.ip().to_string(), "nfs", "4"]));
        // Such a server needs no port mapper.
        match asked {
            Err(e) => TcpStream::connect_timeout(&address, PATIENCE).map(drop).map_err(|_| e),
            Ok(_) => Ok(()),
        }
    }

    fn mount(&self, path: &Path) -> Result<(), StorageError> {
        let plain = self.server.trim_matches(['[', ']']);
        let server = match plain.parse::<Ipv6Addr>() {
            Ok(address) => format!("[{}]", IpAddr::from(address)),
            Err(_) => plain.to_owned(),
        };
        let mount = tools::program("mount", "nfs-common").args(["-t", "nfs"]);
        let mount = mount.arg(format!("{server}:{}", self.export)).arg(path);
        tools::change(match &self.options {
            Some(options) => mount.args(["-o", options]),
            None => mount,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::backend::testing::made;
    use crate::{
        config::{Size, Vmid},
        storage::{Format, backend::Backend, cfg, tools::script},
    };

    fn storage(path: &Path, server: &str, more: &str) -> DirStorage {
        let text = format!("nfs: n1\n\tpath {}\n\tserver {server}\n\texport /x y\n{more}", path.display());
        from_section(&cfg::section(&text)).unwrap()
    }

    #[test]
    fn an_export_is_mounted_when_the_server_answers() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("mnt");
        let nfs = storage(&path, "10.0.0.1", "");
        assert!(matches!(nfs.check(), Err(StorageError::Unusable { .. })), "it is not mounted");
        nfs.activate().unwrap();
        let show = "showmount --no-headers --exports 10.0.0.1";
        assert_eq!(script::take(), [show, &format!("mount -t nfs '10.0.0.1:/x y' {}", path.display())]);
        script::fail("showmount", "clnt_create: RPC: Unable to receive");
        let refused = nfs.activate().unwrap_err();
        assert_eq!(refused.to_string(), "storage 'n1' is not online");
        assert_eq!(script::take(), [show]);
    }

    #[test]
    fn version_4_is_asked_in_its_own_way() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("mnt");
        for (server, ask, source) in
            [("127.0.0.1", "-T tcp 127.0.0.1", "127.0.0.1"), ("::1", "-T tcp6 ::1", "[::1]")]
        {
            let nfs = storage(&path, server, "\toptions vers=4.2,port=1\n");
            nfs.activate().unwrap();
            let mount = format!("mount -t nfs '{source}:/x y' {} -o vers=4.2,port=1", path.display());
            assert_eq!(script::take(), [format!("rpcinfo {ask} nfs 4"), mount]);
            script::fail("rpcinfo", "RPC: Program not registered");
            // Nobody listens at that port.
            assert!(matches!(nfs.activate(), Err(StorageError::Offline { .. })));
            script::take();
        }
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        script::fail("rpcinfo", "RPC: Program not registered");
        storage(&path, "127.0.0.1", &format!("\toptions nfsvers=4,port={port}\n")).activate().unwrap();
        assert_eq!(script::take().len(), 2);
    }

    #[test]
    fn what_is_mounted_is_left_so() {
        let nfs = storage(Path::new("/proc"), "10.0.0.1", "");
        nfs.activate().unwrap();
        nfs.check().unwrap();
        assert_eq!(script::take(), ["showmount --no-headers --exports 10.0.0.1"]);
        let refused = made(&nfs, Vmid::new(9001).unwrap(), Format::Subvol, Size::from_bytes(0));
        assert!(matches!(refused, Err(StorageError::Unsupported { .. })));
        let section = cfg::section("nfs: n1\n\tserver a\n\texport /x\n");
        assert_eq!(default_path(&section), Path::new("/mnt/pve/n1"));
        assert!(from_section(&cfg::section("nfs: n1\n\tserver a\n")).is_err());
    }
}
