//! Roots that were made to hurt: whatever stands where guest set-up reads or writes, it comes to an end, changes nothing
//! outside of the root, and takes nothing from there.
//!
//! The guests are cases of `conformance/setup.tar.zst`, one of each family and its generations. Which paths are written
//! is seen in a run without an attack, so a new writer is attacked without a word here.

#![cfg(test)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    path::{Path, PathBuf},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use pct::{
    guest::{self, Create, Event, Host, Ip6, KeyPair, Nic, Settings},
    rootfs::Rootfs,
};
use pct_tests::{Host as Machine, Run, bins, require_root};
use rustix::fs::{CWD, FileType, Mode, RenameFlags, makedev, mknodat, renameat_with};

const SECRET: &[u8] = b"a secret of the host";

/// Cases that were made for `create`, with what there is to be found in a root of their kind.
const GUESTS: [(&str, &str); 15] = [
    ("debian6", "000"),
    ("debian12", "812"),
    ("ubuntu1404", "042"),
    ("ubuntu2204", "056"),
    ("centos6", "238"),
    ("centos7", "539"),
    ("alma10", "847"),
    ("fedora26", "294"),
    ("fedora42", "105"),
    ("leap156", "875"),
    ("arch", "889"),
    ("alpine322", "903"),
    ("gentoo", "910"),
    ("nixos", "644"),
    ("openeuler", "924"),
];

#[derive(Clone)]
enum Node {
    Folder,
    File(Vec<u8>, u32),
    Link(String),
}

/// A root file system in memory.
type Tree = BTreeMap<String, Node>;

fn guests() -> &'static [(&'static str, Tree)] {
    static GUESTS_READ: OnceLock<Vec<(&str, Tree)>> = OnceLock::new();
    GUESTS_READ.get_or_init(|| {
        let packed = Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance/setup.tar.zst");
        let mut archive = tar::Archive::new(zstd::Decoder::new(fs::File::open(packed).unwrap()).unwrap());
        let mut guests: Vec<_> = GUESTS.iter().map(|(name, _)| (*name, Tree::new())).collect();
        for entry in archive.entries().unwrap() {
            let mut entry = entry.unwrap();
            let path = entry.path().unwrap().to_str().unwrap().trim_start_matches("./").to_owned();
            let Some((case, path)) = path.split_once("/before/") else { continue };
            let Some(at) = GUESTS.iter().position(|(_, number)| *number == case) else { continue };
            let header = entry.header();
            let mode = header.mode().unwrap();
            let node = match header.entry_type() {
                tar::EntryType::Directory => Node::Folder,
                tar::EntryType::Symlink => {
                    Node::Link(entry.link_name().unwrap().unwrap().to_str().unwrap().to_owned())
                }
                _ => {
                    let mut content = Vec::new();
                    std::io::Read::read_to_end(&mut entry, &mut content).unwrap();
                    Node::File(content, mode)
                }
            };
            guests[at].1.insert(path.trim_end_matches('/').to_owned(), node);
        }
        assert!(guests.iter().all(|(_, tree)| tree.len() > 20), "the cases are there");
        guests
    })
}

/// A root, and beside it what must never be touched.
struct Scene {
    dir: tempfile::TempDir,
    settings: Settings,
}

impl Scene {
    fn new(tree: &Tree) -> Self {
        // Thousands of small trees: memory, if there is a place.
        let dir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        fs::create_dir_all(dir.path().join("canary/sub")).unwrap();
        for name in ["file", "hosts", "interfaces", "shadow", "sub/authorized_keys"] {
            fs::write(dir.path().join("canary").join(name), SECRET).unwrap();
        }
        let scene = Self { dir, settings: settings() };
        fs::create_dir(scene.at("")).unwrap();
        for (path, node) in tree {
            let path = scene.at(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            match node {
                Node::Folder => fs::create_dir_all(path).unwrap(),
                Node::Link(target) => symlink(target, path).unwrap(),
                Node::File(content, mode) => {
                    fs::write(&path, content).unwrap();
                    fs::set_permissions(path, fs::Permissions::from_mode(*mode)).unwrap();
                }
            }
        }
        scene
    }

    fn at(&self, path: &str) -> PathBuf {
        self.dir.path().join("root").join(path)
    }

    fn canary(&self) -> PathBuf {
        self.dir.path().join("canary")
    }

    fn root(&self) -> Rootfs {
        let owner = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
        Rootfs::open(&self.at(""), owner).unwrap()
    }

    fn run(&self, event: Event<'_>) -> Result<(), guest::Error> {
        let root = self.root();
        let guest = guest::detect(&root, &self.settings)?;
        let host = Host { now: 1_728_000_000, ..Host::default() };
        guest::run(&root, &guest, &self.settings, &host, event, &mut |_| {})
    }

    /// All that can happen to a guest; how much of it went well.
    fn run_all(&self) -> usize {
        let key = |key_type: &str, comment: &str| {
            Ok(KeyPair {
                private: format!("private {key_type}\n").into_bytes(),
                public: format!("public {key_type} {comment}\n").into_bytes(),
                fingerprint: format!("SHA256:x {comment}"),
            })
        };
        // To hash a password takes time.
        let password = Some("$6$hashing$takes.time");
        let new = Create { password, ssh_public_keys: Some("ssh-rsa A"), host_keys: Some(&key) };
        let events = [Event::Create(new), Event::Restore, Event::Clone, Event::Start, Event::Net];
        events.into_iter().map(|event| usize::from(self.run(event).is_ok())).sum()
    }

    /// Everything outside.
    fn outside(&self) -> Vec<Entry> {
        let mut entries = entries(&self.canary());
        let mut above: Vec<_> = fs::read_dir(self.dir.path()).unwrap().map(|e| e.unwrap().path()).collect();
        above.sort();
        entries.extend(above.into_iter().map(|path| Entry { path, ..Entry::default() }));
        entries
    }
}

fn settings() -> Settings {
    let nic = Nic {
        index: 0,
        name: "eth0".to_owned(),
        ip4: Some("192.0.2.10/24".parse().unwrap()),
        ip6: Some(Ip6::Auto),
        gw: Some("198.51.100.1".parse().unwrap()),
        gw6: None,
    };
    Settings {
        hostname: Some("web7.example.net".to_owned()),
        nets: vec![nic],
        nameserver: Some("192.0.2.53".to_owned()),
        timezone: Some("Europe/Vienna".to_owned()),
        ..Settings::default()
    }
}

#[derive(Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    path: PathBuf,
    content: Vec<u8>,
    changed: (i64, i64),
    mode: u32,
    owner: (u32, u32),
}

fn entries(root: &Path) -> Vec<Entry> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
            let data = fs::symlink_metadata(&path).unwrap();
            if data.is_dir() {
                folders.push(path.clone());
            }
            let small = data.is_file() && data.len() < 1 << 20;
            found.push(Entry {
                content: if small { fs::read(&path).unwrap() } else { Vec::new() },
                // Also by a change of the mode or of a name.
                changed: (data.ctime(), data.ctime_nsec()),
                mode: data.mode(),
                owner: (data.uid(), data.gid()),
                path,
            });
        }
    }
    found.sort();
    found
}

/// What an attacker puts in the place of a file or folder.
#[derive(Clone, Copy, Debug)]
enum Attack {
    AbsoluteLinkToFile,
    AbsoluteLinkToFolder,
    ClimbingLinkToFile,
    ClimbingLinkToFolder,
    DanglingLink,
    LinkToItself,
    LinkIntoTheKernel,
    Pipe,
    Socket,
    Device,
    Folder,
    SparseGiant,
    Binary,
    NoPermissions,
}

use Attack::*;

/// Where nothing is written a link out could still let a secret in.
const OF_READERS: [Attack; 5] = [ClimbingLinkToFile, LinkIntoTheKernel, Pipe, SparseGiant, Binary];
const ALL: [Attack; 14] = [
    AbsoluteLinkToFile,
    AbsoluteLinkToFolder,
    ClimbingLinkToFile,
    ClimbingLinkToFolder,
    DanglingLink,
    LinkToItself,
    LinkIntoTheKernel,
    Pipe,
    Socket,
    Device,
    Folder,
    SparseGiant,
    Binary,
    NoPermissions,
];

impl Attack {
    /// Puts it there; `false` where this user cannot.
    fn place(self, scene: &Scene, path: &str) -> bool {
        let target = scene.at(path);
        if let Self::NoPermissions = self {
            // Never of what a link leads to: here that is a file of this machine.
            let is_own = fs::symlink_metadata(&target).is_ok_and(|data| !data.is_symlink());
            return is_own && fs::set_permissions(target, fs::Permissions::from_mode(0o000)).is_ok();
        }
        match fs::symlink_metadata(&target) {
            Ok(data) if data.is_dir() => fs::remove_dir_all(&target).unwrap(),
            Ok(_) => fs::remove_file(&target).unwrap(),
            Err(_) => fs::create_dir_all(target.parent().unwrap()).unwrap(),
        }
        // From root/etc/x, `../../canary` is the canary.
        let climb = "../".repeat(path.matches('/').count() + 1);
        let canary = scene.canary();
        let node = |kind, device| mknodat(CWD, &target, kind, Mode::from_raw_mode(0o666), device).is_ok();
        match self {
            Self::AbsoluteLinkToFile => symlink(canary.join("file"), target).unwrap(),
            Self::AbsoluteLinkToFolder => symlink(canary, target).unwrap(),
            Self::ClimbingLinkToFile => symlink(format!("{climb}canary/file"), target).unwrap(),
            Self::ClimbingLinkToFolder => symlink(format!("{climb}canary"), target).unwrap(),
            Self::DanglingLink => symlink(format!("{climb}canary/new"), target).unwrap(),
            Self::LinkToItself => symlink(target.file_name().unwrap(), &target).unwrap(),
            Self::LinkIntoTheKernel => symlink("/proc/self/root/etc/passwd", target).unwrap(),
            Self::Pipe => return node(FileType::Fifo, 0),
            Self::Socket => return node(FileType::Socket, 0),
            Self::Device => return node(FileType::CharacterDevice, makedev(1, 3)),
            Self::Folder => fs::create_dir(target).unwrap(),
            Self::SparseGiant => fs::File::create(target).unwrap().set_len(4 << 30).unwrap(),
            Self::Binary => fs::write(target, [0xff, 0, b'\n', 0x80, b'\r']).unwrap(),
            Self::NoPermissions => {}
        }
        true
    }
}

/// Runs all events; they may fail, but must come to an end, write nothing outside, and copy nothing in.
fn endure(scene: Scene, what: &str) -> usize {
    let outside = scene.outside();
    let (done, ended) = mpsc::channel();
    let scene = Arc::new(scene);
    let worker = Arc::clone(&scene);
    let running = thread::spawn(move || {
        let _ = done.send(worker.run_all());
    });
    let good = ended.recv_timeout(Duration::from_secs(60)).unwrap_or_else(|error| panic!("{what}: {error}"));
    running.join().unwrap();
    assert_eq!(scene.outside(), outside, "{what}: something outside was changed");
    for entry in entries(&scene.at("")) {
        assert!(!contains(&entry.content, SECRET), "{what}: {} holds a secret", entry.path.display());
    }
    good
}

fn contains(data: &[u8], needle: &[u8]) -> bool {
    data.windows(needle.len()).any(|window| window == needle)
}

/// The paths of a guest, and those of them that are written or that hold such.
fn paths(tree: &Tree) -> (BTreeSet<String>, BTreeSet<String>) {
    let scene = Scene::new(tree);
    let root = scene.at("");
    let by_path = |scene: &Scene| -> BTreeMap<String, Entry> {
        let name = |path: &Path| path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
        entries(&scene.at("")).into_iter().map(|entry| (name(&entry.path), entry)).collect()
    };
    let before = by_path(&scene);
    assert_eq!(scene.run_all(), 5, "without an attack all goes well");
    let after = by_path(&scene);
    let all: BTreeSet<String> = before.keys().chain(after.keys()).cloned().collect();
    let is_written = |path: &&String| before.get(*path) != after.get(*path);
    let mut written = BTreeSet::new();
    for path in all.iter().filter(is_written) {
        written.extend(path.match_indices('/').map(|(at, _)| path[..at].to_owned()));
        written.insert(path.clone());
    }
    (all, written)
}

#[test]
fn no_file_of_a_hostile_guest_leads_out() {
    let next = std::sync::atomic::AtomicUsize::new(0);
    let counts = std::sync::Mutex::new((0, 0));
    let attack_next = || {
        while let Some((name, tree)) = guests().get(next.fetch_add(1, Ordering::Relaxed)) {
            let (mut paths, mut written) = paths(tree);
            // What is made for a moment, or looked for in vain.
            for more in ["etc/.hosts.pct-new", "etc/.pve-ignore.hosts", "usr/lib/os-release", "etc/cron.d/x"]
            {
                paths.insert(more.to_owned());
                written.insert(more.to_owned());
            }
            let (mut good, mut all) = (0, 0);
            for path in &paths {
                let attacks = if written.contains(path) { &ALL[..] } else { &OF_READERS };
                for attack in attacks {
                    let scene = Scene::new(tree);
                    if attack.place(&scene, path) {
                        good += endure(scene, &format!("{name}: {attack:?} at {path}"));
                        all += 5;
                    }
                }
            }
            let mut counts = counts.lock().unwrap();
            *counts = (counts.0 + good, counts.1 + all);
        }
    };
    thread::scope(|scope| {
        scope.spawn(attack_next);
        attack_next();
    });
    let (good, all) = *counts.lock().unwrap();
    eprintln!("{good} of {all} events were handled, the others refused");
    assert!(good * 2 > all, "most attacks do not even disturb");
}

#[test]
fn a_home_outside_is_no_home() {
    for home in ["/../../canary", "/../canary/sub", "//../canary", "/nowhere", "relative", "/etc/hosts", "/"]
    {
        let mut tree = guests()[1].1.clone();
        let passwd = format!("root:x:0:0:root:{home}:/bin/sh\n");
        tree.insert("etc/passwd".to_owned(), Node::File(passwd.into_bytes(), 0o644));
        tree.insert("canary/sub".to_owned(), Node::Folder);
        endure(Scene::new(&tree), home);
    }
}

/// A file or folder becomes a link out of the root and back while the guest is set up, again and again.
#[test]
fn what_is_swapped_during_the_run_leads_nowhere_else() {
    let tree = &guests()[1].1;
    for (path, target) in [
        ("etc", "canary"),
        ("etc/network", "canary"),
        ("etc/hosts", "canary/hosts"),
        ("etc/network/interfaces", "canary/interfaces"),
        ("etc/shadow", "canary/shadow"),
        ("etc/systemd/system", "canary/sub"),
        ("root", "canary/sub"),
    ] {
        let scene = Scene::new(tree);
        assert_eq!(scene.run_all(), 5);
        let climb = "../".repeat(path.matches('/').count() + 1);
        symlink(format!("{climb}{target}"), scene.at("swap")).unwrap();
        let outside = scene.outside();
        let stop = AtomicBool::new(false);
        let (place, swap) = (scene.at(path), scene.at("swap"));
        thread::scope(|scope| {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    // What was swapped may have been replaced or removed meanwhile.
                    let _ = renameat_with(CWD, &place, CWD, &swap, RenameFlags::EXCHANGE);
                    thread::sleep(Duration::from_micros(100));
                }
            });
            for _ in 0..40 {
                scene.run_all();
            }
            stop.store(true, Ordering::Relaxed);
        });
        assert_eq!(scene.outside(), outside, "{path}");
    }
}

/// As in a container that runs: links into it lead to the kernel, and through that to anywhere.
#[test]
fn a_mounted_proc_is_no_way_out() {
    use rustix::mount::{UnmountFlags, mount_bind, unmount};
    require_root!();
    // Others may be comparing what is mounted.
    let _machine = Machine::new();
    // Of the environment that a link could reach.
    const SECRET: &[u8] = b"CARGO_MANIFEST_DIR";
    assert!(contains(&fs::read("/proc/self/environ").unwrap(), SECRET), "run this by cargo");
    let (_, written) = paths(&guests()[1].1);
    for target in ["/proc/self/environ", "/proc/self/root/{canary}", "/proc/self/cwd", "/proc/sys/kernel"] {
        for path in &written {
            let scene = Scene::new(&guests()[1].1);
            let target = target.replace("/{canary}", scene.canary().to_str().unwrap());
            match fs::symlink_metadata(scene.at(path)) {
                Ok(data) if data.is_dir() => fs::remove_dir_all(scene.at(path)).unwrap(),
                Ok(_) => fs::remove_file(scene.at(path)).unwrap(),
                Err(_) => fs::create_dir_all(scene.at(path).parent().unwrap()).unwrap(),
            }
            symlink(target, scene.at(path)).unwrap();
            let outside = scene.outside();
            mount_bind("/proc", scene.at("proc")).unwrap();
            scene.run_all();
            unmount(scene.at("proc"), UnmountFlags::DETACH).unwrap();
            assert_eq!(scene.outside(), outside, "{path}");
            for entry in entries(&scene.at("")) {
                assert!(!contains(&entry.content, SECRET), "{path}: {}", entry.path.display());
            }
        }
    }
}

/// The guest of a container that runs can mount a file system that never answers.
#[test]
fn a_mount_of_a_running_guest_does_not_keep_us_waiting() {
    use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};
    require_root!();
    // Others may be comparing what is mounted.
    let _machine = Machine::new();
    let mut scene = Scene::new(&guests()[1].1);
    assert_eq!(scene.run_all(), 5);
    scene.settings.nets[0].ip4 = Some("192.0.2.11/24".parse().unwrap());
    for (path, kind) in [("etc", "40000"), ("etc/network", "40000"), ("etc/network/interfaces", "100000")] {
        let fuse = fs::File::options().read(true).write(true).open("/dev/fuse").unwrap();
        let descriptor = std::os::fd::AsRawFd::as_raw_fd(&fuse);
        let options = format!("fd={descriptor},rootmode={kind},user_id=0,group_id=0\0");
        let options = std::ffi::CStr::from_bytes_with_nul(options.as_bytes()).unwrap();
        mount("silent", scene.at(path), "fuse", MountFlags::empty(), options).unwrap();
        let (done, ended) = mpsc::channel();
        let (root, settings) = (scene.root().without_mounts(), scene.settings.clone());
        let running = thread::spawn(move || {
            let result = guest::detect(&root, &settings).and_then(|guest| {
                guest::run(&root, &guest, &settings, &Host::default(), Event::Net, &mut |_| {})
            });
            let _ = done.send(result.unwrap_err());
        });
        let error = ended.recv_timeout(Duration::from_secs(30));
        // Whoever waits for it gets an error now.
        drop(fuse);
        unmount(scene.at(path), UnmountFlags::DETACH).unwrap();
        running.join().unwrap();
        let error = error.unwrap_or_else(|error| panic!("{path}: {error}"));
        let chain = format!("{error:?}");
        assert!(chain.contains("CrossesDevices"), "{path}: {chain}");
    }
    assert!(!fs::read_to_string(scene.at("etc/network/interfaces")).unwrap().contains("192.0.2.11"));
}

/// What is right needs no writing, and what is not is an error that says so.
#[test]
fn a_read_only_root_that_is_set_up_can_start() {
    use rustix::mount::{MountFlags, UnmountFlags, mount_bind, mount_remount, unmount};
    require_root!();
    // Others may be comparing what is mounted.
    let _machine = Machine::new();
    for (name, tree) in guests() {
        let mut scene = Scene::new(tree);
        scene.run_all();
        let root = scene.at("");
        mount_bind(&root, &root).unwrap();
        mount_remount(&root, MountFlags::BIND | MountFlags::RDONLY, "").unwrap();
        let start = scene.run(Event::Start);
        let net = scene.run(Event::Net);
        scene.settings.hostname = Some("other".to_owned());
        let other = scene.run(Event::Start);
        unmount(&root, UnmountFlags::DETACH).unwrap();
        assert!(start.is_ok() && net.is_ok(), "{name}: {start:?} {net:?}");
        let error = other.unwrap_err();
        assert_eq!(error.to_string(), "error in setup task set_hostname", "{name}");
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert!(cause.starts_with("unable to write '/etc/host"), "{name}: {cause}");
    }
}

/// By the program, with little memory: a giant is not read, and the error names the file.
#[test]
fn a_giant_costs_no_memory() {
    require_root!();
    let scene = Scene::new(&guests()[1].1);
    assert!(SparseGiant.place(&scene, "etc/hosts"));
    let config = scene.dir.path().join("config");
    fs::write(&config, "arch: amd64\nhostname: web7\nostype: debian\n").unwrap();
    let out = Run::new("/usr/bin/prlimit")
        .args(["--as=402653184", bins::pct().to_str().unwrap(), "guest-setup"])
        .args([scene.at(""), "--config".into(), config])
        .args(["--vmid", "9000", "--event", "start"])
        .limit(Duration::from_secs(20))
        .output();
    out.fails().says("error in setup task set_hostname: file '/etc/hosts' too long - aborting");
}
