//! What can be asked of liblxc without a running container: each fault that other bindings have is a test
//! (spec: liblxc-api, part 1.7).

use std::path::{Path, PathBuf};

use super::*;

/// A temporary lxcpath; liblxc's lock folder for it goes with it.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let locks = Path::new("/run/lxc/lock").join(self.path().strip_prefix("/").unwrap());
        let _ = std::fs::remove_dir_all(locks);
    }
}

/// An lxcpath with one container, whose config has these lines.
fn defined(name: &str, config: &str) -> (Folder, Container) {
    let folder = Folder::new();
    std::fs::create_dir(folder.path().join(name)).unwrap();
    std::fs::write(folder.path().join(name).join("config"), config).unwrap();
    let container = Container::open(name, folder.path()).unwrap();
    (folder, container)
}

#[test]
fn the_handle_keeps_the_strings_it_was_opened_with() {
    // The lxcpath of other bindings dangles after `new`.
    let folder = Folder::new();
    let container = {
        let path = PathBuf::from(format!("{}/", folder.path().display()));
        Container::open(&String::from("9001"), &path).unwrap()
    };
    assert_eq!(container.name(), "9001");
    assert_eq!(container.lxcpath(), folder.path());
    assert!(!container.is_defined().unwrap());
    assert_eq!(container.config_file_name().unwrap(), folder.path().join("9001/config"));
}

#[test]
fn names_and_paths_that_liblxc_would_take_are_refused() {
    let folder = Folder::new();
    let path = folder.path();
    for name in ["", "a/b", "..", ".x", "a b", "a\nb", &"9".repeat(256)] {
        assert!(matches!(Container::open(name, path), Err(Error::Name { .. })), "{name:?}");
        assert!(matches!(CommandSocket::connect(path, name), Err(Error::Name { .. })), "{name:?}");
    }
    for path in ["relative", "", "/a\nb"] {
        assert!(matches!(Container::open("9000", Path::new(path)), Err(Error::Path { .. })), "{path:?}");
    }
}

#[test]
fn an_unfinished_creation_is_not_touched() {
    let (folder, container) = defined("9002", "lxc.uts.name = a\n");
    drop(container);
    let kept = folder.path().join("9002/rootfs/kept");
    std::fs::create_dir_all(&kept).unwrap();
    std::fs::write(folder.path().join("9002/partial"), "").unwrap();
    assert!(matches!(Container::open("9002", folder.path()), Err(Error::Partial { .. })));
    assert!(kept.exists());
}

#[test]
fn a_config_that_does_not_parse_is_an_error() {
    let folder = Folder::new();
    std::fs::create_dir(folder.path().join("9003")).unwrap();
    std::fs::write(folder.path().join("9003/config"), "lxc.no.such = 1\n").unwrap();
    assert!(matches!(Container::open("9003", folder.path()), Err(Error::Call { operation: "open", .. })));
}

#[test]
fn config_items_are_read_whole() {
    let long = "x".repeat(3000);
    let config = format!(
        "lxc.uts.name = guest\nlxc.mount.entry = /a b none\nlxc.mount.entry = /{long} c none\n\
         lxc.idmap = u 0 100000 65536\nlxc.idmap = g 0 100000 65536\n"
    );
    let (_folder, mut container) = defined("9004", &config);
    assert!(container.is_defined().unwrap());
    assert_eq!(container.config_item("lxc.uts.name").unwrap().as_deref(), Some("guest"));
    let entries = container.config_item("lxc.mount.entry").unwrap().unwrap();
    assert_eq!(entries, format!("/a b none\n/{long} c none"));
    let map = container.config_item("lxc.idmap").unwrap().unwrap();
    assert_eq!(map.lines().collect::<Vec<_>>(), ["u 0 100000 65536", "g 0 100000 65536"]);
    // An unset key is no error, an unknown one is.
    assert_eq!(container.config_item("lxc.cap.drop").unwrap(), None);
    assert!(matches!(container.config_item("lxc.no.such"), Err(Error::UnknownKey { .. })));
    // Boundary lengths: no room for the NUL writes nothing in some versions.
    for length in [1, 7, 8, 15, 16, 63, 64] {
        let name = "h".repeat(length);
        container.set_config_item("lxc.uts.name", &name).unwrap();
        assert_eq!(container.config_item("lxc.uts.name").unwrap(), Some(name));
    }
}

#[test]
fn config_items_are_set_added_and_cleared() {
    let (folder, mut container) = defined("9005", "");
    container.set_config_item("lxc.cgroup2.memory.max", "1M").unwrap();
    container.set_config_item("lxc.cgroup2.memory.max", "2M").unwrap();
    assert_eq!(container.config_item("lxc.cgroup2.memory.max").unwrap().unwrap().lines().count(), 2);
    container.clear_config_item("lxc.cgroup2.memory.max").unwrap();
    assert_eq!(container.config_item("lxc.cgroup2.memory.max").unwrap(), None);
    assert!(matches!(container.set_config_item("lxc.no.such", "1"), Err(Error::UnknownKey { .. })));
    assert!(matches!(container.set_config_item("lxc.tty.max", "many"), Err(Error::Value { .. })));
    let smuggled = container.set_config_item("lxc.uts.name", "a\nlxc.hook.start = /x");
    assert!(matches!(smuggled, Err(Error::Text { .. })));

    container.set_config_item("lxc.uts.name", "saved").unwrap();
    let file = folder.path().join("copy");
    container.save_config(Some(&file)).unwrap();
    assert!(std::fs::read_to_string(&file).unwrap().contains("lxc.uts.name = saved\n"));
    container.clear_config().unwrap();
    container.load_config(Some(&file)).unwrap();
    assert_eq!(container.config_item("lxc.uts.name").unwrap().as_deref(), Some("saved"));
    assert!(container.load_config(Some(&folder.path().join("none"))).is_err());
}

#[test]
fn keys_are_not_empty() {
    let (_folder, container) = defined("9006", "lxc.net.0.type = veth\n");
    let keys = container.config_keys(None).unwrap();
    assert!(keys.len() > 50 && keys.iter().any(|key| key == "lxc.rootfs.path"), "{keys:?}");
    let nic = container.config_keys(Some("lxc.net.0")).unwrap();
    assert!(nic.iter().any(|key| key == "type"), "{nic:?}");
    assert!(matches!(container.config_keys(Some("lxc.net.7")), Err(Error::UnknownKey { .. })));
}

#[test]
fn a_stopped_container_answers_as_one() {
    let (folder, mut container) = defined("9007", "lxc.uts.name = a\n");
    assert_eq!(container.state().unwrap(), State::Stopped);
    assert!(!container.is_running().unwrap());
    assert_eq!(container.init_pid().unwrap(), None);
    assert!(matches!(container.init_pidfd(), Err(Error::NotRunning { .. })));
    assert!(matches!(container.devpts_fd(), Err(Error::NotRunning { .. })));
    assert!(matches!(container.running_config_item("lxc.uts.name"), Err(Error::NotRunning { .. })));
    assert!(container.cgroup_item("memory.max").is_err());
    assert!(container.freeze().is_err());
    assert!(container.lease_tty(None).is_err());
    container.stop().unwrap();
    assert!(container.wait(&[State::Stopped, State::Running], Some(std::time::Duration::ZERO)).unwrap());
    assert!(!container.wait(&[State::Running], Some(std::time::Duration::ZERO)).unwrap());
    assert!(CommandSocket::connect(folder.path(), "9007").unwrap().is_none());
    assert!(!command::is_running(folder.path(), "9007").unwrap());
}

#[test]
fn calls_that_fork_are_refused_in_a_threaded_process() {
    let (_folder, mut container) = defined("9008", "lxc.uts.name = a\n");
    assert!(matches!(container.start_foreground(&StartOptions::default()), Err(Error::Threads { .. })));
    assert!(matches!(container.interfaces(), Err(Error::Threads { .. })));
    assert!(matches!(container.addresses(None, None, 0), Err(Error::Threads { .. })));
    let command = AttachCommand::new("true", [""; 0]);
    assert!(matches!(container.attach(&command, &AttachOptions::default()), Err(Error::Threads { .. })));
}

#[test]
fn the_snapshot_list_is_owned_and_may_be_empty() {
    let (folder, container) = defined("9009", "lxc.uts.name = a\n");
    assert_eq!(container.snapshots().unwrap(), []);
    let snapshot = folder.path().join("9009/snaps/snap0");
    std::fs::create_dir_all(&snapshot).unwrap();
    std::fs::write(snapshot.join("config"), "lxc.uts.name = a\n").unwrap();
    std::fs::write(snapshot.join("ts"), "2026:01:02 03:04:05").unwrap();
    let found = container.snapshots().unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].name, "snap0");
    assert_eq!(found[0].timestamp.as_deref(), Some("2026:01:02 03:04:05"));
    let undefined = Container::open("9099", folder.path()).unwrap();
    assert!(undefined.snapshots().is_err());
}

#[test]
fn lists_are_owned_and_counted() {
    let (folder, container) = defined("9010", "lxc.uts.name = a\n");
    std::fs::create_dir(folder.path().join("9011")).unwrap();
    std::fs::write(folder.path().join("9011/config"), "").unwrap();
    drop(container);
    assert_eq!(list::defined_names(folder.path()).unwrap(), ["9010", "9011"]);
    assert_eq!(list::all_names(folder.path()).unwrap(), ["9010", "9011"]);
    assert_eq!(list::active_names(folder.path()).unwrap(), [""; 0]);
    let handles = list::defined(folder.path()).unwrap();
    assert_eq!(handles.iter().map(Container::name).collect::<Vec<_>>(), ["9010", "9011"]);
    assert_eq!(handles[0].config_item("lxc.uts.name").unwrap().as_deref(), Some("a"));
    assert!(list::defined_names(Path::new("/no/such/lxcpath")).is_err());
}

#[test]
fn a_time_limit_is_gated_by_version() {
    let (_folder, mut container) = defined("9012", "");
    let done = container.set_timeout(Some(std::time::Duration::from_millis(1500)));
    if version::loaded().unwrap() >= Version::new(6, 0, 0) {
        done.unwrap();
    } else {
        assert!(matches!(done, Err(Error::Unsupported { needed: "6.0.0", .. })));
    }
}
