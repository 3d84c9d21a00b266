//! Device nodes, mounts, network interfaces and cgroup items of a running container.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::mount::{MountPropagationFlags, UnmountFlags, mount_bind, mount_change, unmount};

use super::guest::{Guest, LIMIT, open_to_all, texts};

/// A path inside, as the host sees it.
fn inside(guest: &Guest, path: &str) -> PathBuf {
    let init = guest.container().init_pid().unwrap().unwrap();
    PathBuf::from(format!("/proc/{}/root{path}", init.as_raw_nonzero()))
}

#[test]
fn a_device_node_comes_and_goes() {
    let Some(mut guest) = Guest::new("") else { return };
    let node = guest.folder.path().join("node");
    let target = format!("target={}", node.display());
    let device = rustix::fs::makedev(1, 7);
    let (kind, mode) = (rustix::fs::FileType::CharacterDevice, rustix::fs::Mode::from_raw_mode(0o600));
    rustix::fs::mknodat(rustix::fs::CWD, &node, kind, mode, device).unwrap();
    assert!(guest.refused("add-device", &[&target]).contains("not running"));
    guest.start();
    guest.call("add-device", &[&target]);
    let found = fs::metadata(inside(&guest, node.to_str().unwrap())).unwrap();
    assert!(found.file_type().is_char_device());
    assert_eq!(found.rdev(), device);
    guest.call("remove-device", &[&target]);
    assert!(!inside(&guest, node.to_str().unwrap()).exists());
    assert!(guest.refused("add-device", &["target=/etc/passwd"]).contains("liblxc cannot add a device"));
}

/// A folder that the host and a container share.
struct Shared(PathBuf);

impl Shared {
    fn new(path: PathBuf) -> Self {
        fs::create_dir(&path).unwrap();
        mount_bind(&path, &path).unwrap();
        mount_change(&path, MountPropagationFlags::SHARED).unwrap();
        Self(path)
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let _ = unmount(&self.0, UnmountFlags::DETACH);
    }
}

#[test]
fn mounts_come_and_go_in_every_kind_of_container() {
    let unprivileged = "lxc.idmap = u 0 100000 65536\nlxc.idmap = g 0 100000 65536\n\
                        lxc.rootfs.options = idmap=container\n";
    for config in ["", unprivileged] {
        let Some(mut guest) = Guest::new(config) else { return };
        open_to_all(guest.folder.path());
        let shared = Shared::new(guest.folder.path().join("shared"));
        guest.configure(&format!("lxc.mount.auto = shmounts:{}\n", shared.0.display()));
        let source = guest.folder.path().join("source");
        fs::create_dir(&source).unwrap();
        fs::write(source.join("file"), "of the host\n").unwrap();
        guest.start();

        let bind = format!("flags={}", libc::MS_BIND);
        let options = [&format!("source={}", source.display()), "target=/mnt/deep/er", bind.as_str()];
        guest.call("mount", &options);
        let seen = guest.attach(&[], &["cat", "/mnt/deep/er/file"]).0;
        assert!(seen.starts_with("of the host\n"), "{seen}");
        // A file system of its own, with options; what was at the place is gone.
        guest.call("mount", &["type=tmpfs", "data=size=64k", "target=/etc/data"]);
        let table = guest.attach(&[], &["cat", "/proc/mounts"]).0;
        let line = table.lines().find(|line| line.contains(" /etc/data ")).expect("a tmpfs");
        assert!(line.contains("size=64k"), "{line}");

        guest.call("unmount", &["target=/etc/data"]);
        guest.call("unmount", &["target=/mnt/deep/er", &format!("flags={}", libc::MNT_DETACH)]);
        let table = guest.attach(&[], &["cat", "/proc/mounts"]).0;
        assert!(!table.contains("/mnt/deep/er") && !table.contains("/etc/data"), "{table}");
        // liblxc says 1 here.
        let again = guest.refused("unmount", &["target=/etc/data"]);
        assert!(again.contains("liblxc cannot unmount") && again.contains("cause: "), "{again}");
        assert!(guest.refused("mount", &["type=nosuchfs", "target=/mnt"]).contains("liblxc cannot mount"));
        assert!(source.join("file").exists());
    }
}

#[test]
fn without_a_shared_folder_nothing_is_mounted() {
    let Some(mut guest) = Guest::new("") else { return };
    guest.start();
    let refused = guest.refused("mount", &["type=tmpfs", "target=/mnt"]);
    assert!(refused.contains("returned -22") && refused.contains("shared mountpoint"), "{refused}");
}

#[test]
fn interfaces_move_in_and_out_and_are_listed_with_their_addresses() {
    let Some(mut guest) = Guest::new("") else { return };
    let socket = guest.start();
    assert_eq!(guest.call("look", &[]), "interfaces: [\"lo\"]\naddresses: []\n");
    let (ours, theirs) = (format!("pct{}a", guest.name), format!("pct{}b", guest.name));
    let init = socket.init_pid().unwrap().to_string();
    let ip = |namespace: &[&str], words: &[&str]| {
        let words = [namespace, &["ip"], words].concat();
        let output = Command::new(words[0]).args(&words[1..]).output().unwrap();
        assert!(output.status.success(), "{words:?}: {:?}", texts(&output));
    };
    let within = ["nsenter", "-n", "-t", &init];
    ip(&[], &["link", "add", &ours, "type", "veth", "peer", "name", &theirs]);

    guest.call("attach-interface", &[&format!("interface={theirs}"), "name=eth7"]);
    ip(&within, &["address", "add", "10.98.7.2/24", "dev", "eth7"]);
    ip(&within, &["address", "add", "fd00:98::2/64", "dev", "eth7", "nodad"]);
    ip(&within, &["link", "set", "eth7", "up"]);
    ip(&[], &["link", "set", &ours, "up"]);
    let look = |options: &[&str]| guest.call("look", options);
    assert!(look(&[]).contains("\"lo\"") && look(&[]).contains("\"eth7\""), "{}", look(&[]));
    let addresses = |options: &[&str]| look(options).lines().last().unwrap().to_owned();
    assert_eq!(addresses(&["family=inet"]), "addresses: [10.98.7.2]");
    assert_eq!(addresses(&["family=inet6"]), "addresses: [fd00:98::2]");
    assert_eq!(addresses(&["interface=eth7"]), "addresses: [10.98.7.2, fd00:98::2]");
    assert_eq!(addresses(&["interface=lo", "family=inet6"]), "addresses: []");
    // Of its link only: named by the number of the interface.
    let index = fs::read_to_string(inside(&guest, "/sys/class/net/eth7/ifindex")).unwrap();
    super::guest::until(|| {
        addresses(&["family=inet6", &format!("scope={}", index.trim())]).contains("fe80:")
    });

    guest.call("detach-interface", &["interface=eth7", &format!("name={theirs}")]);
    assert!(look(&[]).starts_with("interfaces: [\"lo\"]\n"));
    assert!(Path::new("/sys/class/net").join(&theirs).exists());
    assert!(guest.refused("attach-interface", &["interface=pctnone"]).contains("move an interface into"));
    assert!(guest.refused("detach-interface", &["interface=pctnone"]).contains("move an interface out of"));
    ip(&[], &["link", "delete", &ours]);
    assert!(socket.stop(Some(LIMIT)).is_ok());
}

#[test]
fn cgroup_items_are_read_and_written() {
    let Some(mut guest) = Guest::new("") else { return };
    guest.start();
    let mut container = guest.container();
    let unified = Path::new("/sys/fs/cgroup/cgroup.controllers").exists();
    let item = if unified { "memory.max" } else { "memory.limit_in_bytes" };
    container.set_cgroup_item(item, "33554432").unwrap();
    assert_eq!(container.cgroup_item(item).unwrap(), "33554432");
    // More than one line, as long as it is.
    let stat = container.cgroup_item("memory.stat").unwrap();
    assert!(stat.lines().count() > 10 && !stat.contains('\0'), "{stat}");
    assert!(container.cgroup_item("memory.no_such_item").is_err());
    assert!(container.set_cgroup_item(item, "many").is_err());
    assert!(container.cgroup_item("a\nb").is_err());
}
