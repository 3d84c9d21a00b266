//! Whole runs on roots that are made by hand, friendly and hostile. The reference's results are compared in
//! the conformance tests.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::{MetadataExt, symlink},
    path::{Path, PathBuf},
    sync::mpsc,
    thread,
    time::Duration,
};

use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::*;

const SECRET: &str = "a secret of the host";

struct Scene {
    dir: tempfile::TempDir,
    settings: Settings,
}

impl Scene {
    fn new(files: &[(&str, &str)]) -> Self {
        // Thousands of small trees: memory, if there is a place.
        let dir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        fs::create_dir_all(dir.path().join("canary/sub")).unwrap();
        for name in ["canary/file", "canary/hosts", "canary/interfaces", "canary/sub/authorized_keys"] {
            fs::write(dir.path().join(name), SECRET).unwrap();
        }
        let nic = Nic {
            index: 0,
            name: "eth0".to_owned(),
            ip4: Some("192.0.2.10/24".parse().unwrap()),
            ip6: Some(Ip6::Auto),
            gw: Some("198.51.100.1".parse().unwrap()),
            gw6: None,
        };
        let settings = Settings {
            hostname: Some("web7".to_owned()),
            nets: vec![nic],
            nameserver: Some("192.0.2.53".to_owned()),
            timezone: Some("Europe/Vienna".to_owned()),
            ..Settings::default()
        };
        let scene = Self { dir, settings };
        fill(&scene.at("/"), files);
        fs::create_dir_all(scene.at("/root")).unwrap();
        scene
    }

    fn at(&self, path: &str) -> PathBuf {
        self.dir.path().join("root").join(path.trim_start_matches('/'))
    }

    fn text(&self, path: &str) -> String {
        fs::read_to_string(self.at(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    fn root(&self) -> Rootfs {
        let owner = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
        Rootfs::open(&self.at("/"), owner).unwrap()
    }

    fn run(&self, event: Event<'_>) -> Result<Vec<Message>, Error> {
        self.run_on(&self.root(), event)
    }

    fn run_on(&self, root: &Rootfs, event: Event<'_>) -> Result<Vec<Message>, Error> {
        let guest = detect(root, &self.settings)?;
        let mut messages = guest.messages.clone();
        let host = Host { now: 1_728_000_000, ..Host::default() };
        run(root, &guest, &self.settings, &host, event, &mut |message| messages.push(message))?;
        Ok(messages)
    }

    fn create(&self) -> Result<Vec<Message>, Error> {
        self.create_with("pw")
    }

    fn create_with(&self, password: &str) -> Result<Vec<Message>, Error> {
        let key = |key_type: &str, comment: &str| {
            Ok(KeyPair {
                private: format!("private {key_type}\n").into_bytes(),
                public: format!("public {key_type} {comment}\n").into_bytes(),
                fingerprint: format!("SHA256:x {comment}"),
            })
        };
        let new =
            Create { password: Some(password), ssh_public_keys: Some("ssh-rsa A"), host_keys: Some(&key) };
        self.run(Event::Create(new))
    }

    /// Names, contents and times below a folder.
    fn stamps(&self, folder: &str) -> BTreeMap<PathBuf, (Vec<u8>, i64, i64)> {
        let mut found = BTreeMap::new();
        walk(&self.dir.path().join(folder), &mut |path| {
            let data = fs::symlink_metadata(path).unwrap();
            let content =
                if data.is_file() && data.len() < 1 << 20 { fs::read(path).unwrap() } else { Vec::new() };
            found.insert(path.to_owned(), (content, data.mtime(), data.mtime_nsec()));
        });
        found
    }
}

fn fill(root: &Path, files: &[(&str, &str)]) {
    for (path, content) in files {
        let path = root.join(path.trim_start_matches('/'));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        match content.strip_prefix("-> ") {
            Some(target) => symlink(target, path).unwrap(),
            None => fs::write(path, content).unwrap(),
        }
    }
}

fn walk(path: &Path, visit: &mut dyn FnMut(&Path)) {
    visit(path);
    if fs::symlink_metadata(path).unwrap().is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            walk(&entry.unwrap().path(), visit);
        }
    }
}

const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\n";
const DEBIAN: &[(&str, &str)] = &[
    ("/etc/os-release", "ID=debian\nVERSION_ID=\"12\"\n"),
    ("/etc/debian_version", "12.5\n"),
    ("/etc/hosts", "127.0.0.1 localhost\n"),
    ("/etc/hostname", "old\n"),
    ("/etc/passwd", PASSWD),
    ("/etc/shadow", "root:*:1:0:99999:7:::\n"),
    ("/etc/crontab", "17 * * * * root x\n"),
    ("/etc/cron.d/job", "17 * * * * root x\n"),
    ("/etc/inittab", "1:2345:respawn:/sbin/getty 38400 tty1\n"),
    ("/etc/machine-id", "0123\n"),
    ("/var/lib/dbus/machine-id", "0123\n"),
    ("/etc/localtime", "-> /usr/share/zoneinfo/UTC"),
    ("/etc/timezone", "UTC\n"),
    ("/etc/resolv.conf", "-> /run/systemd/resolve/stub-resolv.conf"),
    ("/etc/network/interfaces", "auto lo\n"),
    ("/etc/ssh/ssh_host_rsa_key", "template\n"),
    ("/etc/ssh/ssh_host_dsa_key", "template\n"),
    ("/etc/ssh/sshd_config", "x\n"),
    ("/etc/ssl/private/ssl-cert-snakeoil.key", "template\n"),
    ("/etc/systemd/system/getty.target.wants/getty@tty1.service", "x"),
    ("/etc/systemd/system/getty.target", "-> /dev/null"),
    ("/etc/systemd/system-preset/90.preset", "x"),
    ("/root/.ssh/authorized_keys", "mine\n"),
    ("/sbin/init", "-> /usr/lib/systemd/systemd"),
    ("/usr/lib/systemd/systemd", "x"),
    ("/usr/lib/systemd/system/container-getty@.service", "TTYPath=/dev/pts/%I\n"),
    ("/usr/share/zoneinfo/Europe/Vienna", "tz"),
    ("/usr/share/zoneinfo/UTC", "tz"),
    ("/bin/sh", "x"),
];
const ALPINE: &[(&str, &str)] = &[
    ("/etc/alpine-release", "3.22.1\n"),
    ("/etc/hosts", "127.0.0.1 localhost\n127.0.1.1\tLXC_NAME\n"),
    ("/etc/passwd", PASSWD),
    ("/etc/inittab", "::sysinit:/sbin/openrc sysinit\ntty1::respawn:/sbin/getty 38400 tty1\n"),
    ("/etc/securetty", "console\n"),
    ("/etc/runlevels/boot/x", ""),
    ("/etc/runlevels/shutdown/x", ""),
    ("/bin/busybox", "x"),
    ("/bin/sh", "-> /bin/busybox"),
    ("/sbin/init", "-> /bin/busybox"),
];

const UBUNTU: &[(&str, &str)] = &[
    ("/etc/os-release", "ID=ubuntu\n"),
    ("/etc/lsb-release", "DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=22.04\n"),
    ("/etc/netplan/10-lxc.yaml", "x"),
    ("/etc/systemd/network/eth0.network", "x"),
    ("/etc/systemd/system/multi-user.target.wants/x", ""),
];
const CENTOS_6: &[(&str, &str)] = &[
    ("/etc/redhat-release", "CentOS release 6.10 (Final)\n"),
    ("/etc/init/tty.conf", "exec /sbin/mingetty $TTY\n"),
    ("/etc/rc.d/rc.sysinit", "/sbin/start_udev\n"),
    ("/etc/locale.conf", "-> nowhere"),
    ("/etc/sysconfig/network", "NETWORKING=no\nHOSTNAME=x\n"),
    ("/etc/sysconfig/network-scripts/ifcfg-eth0", "UUID=x\n"),
    ("/etc/sysconfig/network-scripts/route-eth0", "x\n"),
];
const ROCKY_10: &[(&str, &str)] = &[
    ("/etc/os-release", "ID=rocky\n"),
    ("/etc/redhat-release", "Rocky Linux release 10.0\n"),
    ("/etc/NetworkManager/system-connections/eth0.nmconnection", "uuid=x\n"),
    ("/etc/systemd/system/sys-kernel-debug.mount", "x"),
    ("/usr/lib/systemd/system/getty@.service", "ConditionPathExists=/dev/tty0\n"),
];
const LEAP: &[(&str, &str)] = &[
    ("/etc/os-release", "ID=\"opensuse-leap\"\nVERSION_ID=\"15.6\"\n"),
    ("/etc/sysconfig/network/ifcfg-eth0", "x"),
    ("/etc/sysconfig/network/ifroute-eth0", "x\n"),
    ("/usr/lib/systemd/systemd-networkd", "x"),
];
const GENTOO: &[(&str, &str)] = &[
    ("/etc/gentoo-release", "Gentoo Base System release 2.15\n"),
    ("/etc/conf.d/net", "x\n"),
    ("/etc/conf.d/hostname", "x\n"),
    ("/etc/init.d/net.eth0", "-> net.lo"),
    ("/etc/init.d/net.lo", "x"),
];
const ALL: [&[(&str, &str)]; 7] = [DEBIAN, ALPINE, UBUNTU, CENTOS_6, ROCKY_10, LEAP, GENTOO];

#[test]
fn a_debian_guest_from_template_to_second_start() {
    let scene = Scene::new(DEBIAN);
    let outside = scene.stamps("canary");
    let messages = scene.create().unwrap();
    assert_eq!(messages.iter().filter(|m| m.to_string().starts_with("done: SHA256:x root@web7")).count(), 3);
    assert_eq!(scene.text("/etc/hostname"), "web7\n");
    assert!(scene.text("/etc/hosts").contains("\n192.0.2.10 web7\n"));
    assert!(scene.text("/etc/resolv.conf").contains("\nnameserver 192.0.2.53\n"));
    assert!(scene.text("/etc/network/interfaces").contains("\taddress 192.0.2.10/24\n"));
    assert!(scene.text("/etc/shadow").starts_with("root:$6$"));
    assert!(scene.text("/etc/shadow").contains(":20000:0:99999:7:::\n"));
    assert_eq!(scene.text("/etc/passwd"), PASSWD);
    assert!(scene.text("/root/.ssh/authorized_keys").starts_with("mine\n# --- BEGIN PVE ---\nssh-rsa A\n"));
    assert_eq!(scene.text("/etc/ssh/ssh_host_rsa_key"), "private rsa\n");
    assert_eq!(scene.text("/etc/ssh/ssh_host_ed25519_key.pub"), "public ed25519 root@web7\n");
    assert_eq!(scene.text("/etc/timezone"), "Europe/Vienna\n");
    for gone in [
        "/etc/ssh/ssh_host_dsa_key",
        "/etc/ssl/private/ssl-cert-snakeoil.key",
        "/etc/machine-id",
        "/etc/systemd/system/getty.target",
        "/etc/systemd/system/getty.target.wants/getty@tty1.service",
    ] {
        assert!(!scene.at(gone).exists(), "{gone}");
    }
    assert!(scene.at("/etc/ssh/sshd_config").exists());

    scene.run(Event::Start).unwrap();
    let once = scene.stamps("root");
    assert!(once.contains_key(&scene.at("/fastboot")));
    scene.run(Event::Start).unwrap();
    scene.run(Event::Net).unwrap();
    assert_eq!(scene.stamps("root"), once, "a second start changes no byte and no time");
    assert_eq!(scene.stamps("canary"), outside);
}

#[test]
fn an_interface_that_is_gone_leaves_no_trace_in_any_family() {
    for files in ALL {
        let mut scene = Scene::new(files);
        scene.run(Event::Net).unwrap();
        let contents = |scene: &Scene| -> Vec<_> {
            scene.stamps("root").into_iter().map(|(path, (content, ..))| (path, content)).collect()
        };
        let before = contents(&scene);
        let second = Nic { index: 1, name: "eth1".to_owned(), ..scene.settings.nets[0].clone() };
        scene.settings.nets.push(second);
        scene.run(Event::Net).unwrap();
        assert_ne!(contents(&scene), before);
        scene.settings.nets.pop();
        scene.settings.gone.push("eth1".to_owned());
        scene.run(Event::Net).unwrap();
        assert_eq!(contents(&scene), before);
    }
}

#[test]
fn an_alpine_guest_without_os_release() {
    let scene = Scene::new(ALPINE);
    let root = scene.root();
    let guest = detect(&root, &scene.settings).unwrap();
    assert_eq!((guest.ostype, guest.version), ("alpine", Version { major: 3, minor: 22 }));
    scene.create().unwrap();
    assert_eq!(
        scene.root().readlink("/etc/runlevels/boot/networking").unwrap().unwrap(),
        "/etc/init.d/networking"
    );
    assert_eq!(scene.text("/etc/securetty"), "console\ntty1\ntty2\ntty3\ntty4\n");
    assert!(!scene.text("/etc/hosts").contains("LXC_NAME"));
    let inittab = scene.text("/etc/inittab");
    assert!(
        inittab.ends_with("tty1::respawn:/sbin/getty 38400 tty1\ntty2::respawn:/sbin/getty 38400 tty2\n")
    );
    let interfaces = scene.text("/etc/network/interfaces");
    assert!(interfaces.contains("iface eth0 inet6 manual\n"), "busybox can not do auto: {interfaces}");
    assert_eq!(supports_cgroup_v2(&root, &guest), CgroupV2::Supported);
}

#[test]
fn a_busybox_root_is_left_alone() {
    let scene = Scene::new(&[("/bin/busybox", "x"), ("/bin/sh", "-> busybox"), ("/etc/passwd", PASSWD)]);
    let before = scene.stamps("root");
    let messages = scene.create().unwrap();
    assert!(messages[0].to_string().contains("falling back to 'unmanaged'"), "{messages:?}");
    for event in [Event::Restore, Event::Clone, Event::Start, Event::Net] {
        scene.run(event).unwrap();
    }
    assert_eq!(scene.stamps("root"), before);
}

#[test]
fn an_unknown_distribution_with_a_name_is_an_error() {
    let scene = Scene::new(&[("/etc/os-release", "ID=plan9\n")]);
    assert!(matches!(detect(&scene.root(), &scene.settings), Err(Error::UnknownDistribution)));
    let settings = Settings { ostype: Some("unmanaged".to_owned()), ..scene.settings.clone() };
    assert_eq!(detect(&scene.root(), &settings).unwrap().ostype, "unmanaged");
}

#[test]
fn an_unexpected_distribution_is_used_with_a_warning() {
    let mut scene = Scene::new(ALPINE);
    scene.settings.ostype = Some("debian".to_owned());
    let guest = detect(&scene.root(), &scene.settings).unwrap();
    assert_eq!(guest.ostype, "alpine");
    assert_eq!(guest.messages[0].to_string(), "WARNING: got unexpected ostype (alpine != debian)");
}

#[test]
fn debian_releases() {
    let detected = |release: &str| {
        let scene = Scene::new(&[("/etc/os-release", "ID=debian\n"), ("/etc/debian_version", release)]);
        detect(&scene.root(), &scene.settings).map(|guest| (guest.version.to_string(), guest.messages.len()))
    };
    let architecture_failed = 3;
    assert_eq!(detected("9.13\n").unwrap(), ("9.13".to_owned(), architecture_failed));
    assert_eq!(detected("trixie/sid").unwrap(), ("13.0".to_owned(), architecture_failed));
    assert_eq!(
        detected("15.1").unwrap(),
        ("15.1".to_owned(), architecture_failed + 1),
        "a warning, no error"
    );
    assert!(matches!(detected("3.1"), Err(Error::TooOld { .. })));
    assert!(matches!(detected("unicorn/sid"), Err(Error::BadVersion { .. })));
    let scene = Scene::new(&[("/etc/os-release", "ID=debian\n")]);
    assert!(matches!(detect(&scene.root(), &scene.settings), Err(Error::NoVersion)));
}

#[test]
fn a_clone_gets_a_new_id_but_no_first_boot() {
    let scene = Scene::new(DEBIAN);
    fs::set_permissions(
        scene.at("/usr/lib/systemd/systemd"),
        std::os::unix::fs::PermissionsExt::from_mode(0o755),
    )
    .unwrap();
    let before = scene.stamps("root");
    scene.run(Event::Clone).unwrap();
    assert_eq!(scene.text("/etc/machine-id"), "\n");
    assert!(!scene.at("/var/lib/dbus/machine-id").exists());
    let changed = scene.stamps("root").into_iter().filter(|(path, stamp)| before.get(path) != Some(stamp));
    let changed: Vec<_> = changed.map(|(path, _)| path).filter(|path| path.is_file()).collect();
    assert_eq!(changed, [scene.at("/etc/machine-id")], "and nothing else");
}

#[test]
fn template_keys_go_even_if_no_new_ones_can_be_made() {
    let scene = Scene::new(DEBIAN);
    let messages = scene.run(Event::Create(Create::default())).unwrap();
    assert!(!scene.at("/etc/ssh/ssh_host_rsa_key").exists());
    assert!(messages.iter().any(|message| message.to_string().contains("host keys")), "{messages:?}");
    assert!(scene.text("/etc/shadow").starts_with("root:*:20000:"), "no password: locked");

    let scene = Scene::new(DEBIAN);
    let key = |_: &str, _: &str| Err("no entropy".into());
    let error = scene.run(Event::Create(Create { host_keys: Some(&key), ..Create::default() })).unwrap_err();
    assert_eq!(error.to_string(), "error in setup task rewrite_ssh_host_keys");
    assert!(!scene.at("/etc/ssh/ssh_host_rsa_key").exists());
}

#[test]
fn settings_can_not_smuggle_lines() {
    let mut scene = Scene::new(DEBIAN);
    scene.settings.hostname = Some("a\n6.6.6.6 evil".to_owned());
    assert!(matches!(scene.run(Event::Start), Err(Error::BadSetting { .. })));
    scene.settings.hostname = None;
    scene.settings.nets[0].name = "../../x".to_owned();
    assert!(matches!(scene.run(Event::Start), Err(Error::BadSetting { .. })));
}

/// What an attacker puts in the place of a file or folder.
const ATTACKS: [&str; 11] = [
    "absolute link to a file",
    "absolute link to a folder",
    "climbing link to a file",
    "climbing link to a folder",
    "dangling link",
    "link to itself",
    "pipe",
    "device",
    "folder",
    "sparse giant",
    "binary",
];

fn attack(scene: &Scene, path: &str, attack: &str) -> bool {
    let target = scene.at(path);
    let canary = scene.dir.path().join("canary");
    match fs::symlink_metadata(&target) {
        Ok(data) if data.is_dir() => fs::remove_dir_all(&target).unwrap(),
        Ok(_) => fs::remove_file(&target).unwrap(),
        Err(_) => fs::create_dir_all(target.parent().unwrap()).unwrap(),
    }
    let climb = "../".repeat(path.matches('/').count() + 2);
    match attack {
        "absolute link to a file" => symlink(canary.join("file"), target).unwrap(),
        "absolute link to a folder" => symlink(&canary, target).unwrap(),
        // From root/etc/x, `../../canary` is the canary.
        "climbing link to a file" => {
            symlink(format!("{}canary/file", &climb[6..]), target).unwrap();
        }
        "climbing link to a folder" => symlink(format!("{}canary", &climb[6..]), target).unwrap(),
        "dangling link" => symlink(canary.join("new"), target).unwrap(),
        "link to itself" => symlink(target.file_name().unwrap(), &target).unwrap(),
        "pipe" => mknodat(CWD, target, FileType::Fifo, Mode::from_raw_mode(0o666), 0).unwrap(),
        "device" => {
            let number = rustix::fs::makedev(1, 3);
            return mknodat(CWD, target, FileType::CharacterDevice, Mode::from_raw_mode(0o666), number)
                .is_ok();
        }
        "folder" => fs::create_dir(target).unwrap(),
        "sparse giant" => fs::File::create(target).unwrap().set_len(4 << 30).unwrap(),
        "binary" => fs::write(target, [0xff, 0, b'\n', 0x80, b'\r']).unwrap(),
        other => panic!("{other}"),
    }
    true
}

/// Runs all events; it may fail, but it must come to an end, write nothing outside, and copy nothing in.
fn endure(scene: Scene, what: &str) -> (usize, usize) {
    let outside = scene.stamps("canary");
    let (done, ended) = mpsc::channel();
    let scene = std::sync::Arc::new(scene);
    let worker = std::sync::Arc::clone(&scene);
    let running = thread::spawn(move || {
        let results = [
            worker.create_with("$6$hashing$takes.time").is_ok(),
            worker.run(Event::Restore).is_ok(),
            worker.run(Event::Clone).is_ok(),
            worker.run(Event::Start).is_ok(),
            worker.run(Event::Net).is_ok(),
        ];
        let _ = done.send(results);
    });
    let results =
        ended.recv_timeout(Duration::from_secs(30)).unwrap_or_else(|error| panic!("{what}: {error}"));
    running.join().unwrap();
    assert_eq!(scene.stamps("canary"), outside, "{what}: something outside was changed");
    for (path, (content, ..)) in scene.stamps("root") {
        assert!(
            !super::text::contains(&content, SECRET.as_bytes()),
            "{what}: {} holds a secret",
            path.display()
        );
    }
    let good = results.iter().filter(|result| **result).count();
    (good, results.len() - good)
}

#[test]
fn no_file_of_a_hostile_guest_leads_out() {
    let mut paths: Vec<&str> = ALL.concat().iter().map(|(path, _)| *path).collect();
    paths.extend([
        "/fastboot",
        "/usr/lib/os-release",
        "/etc/lsb-release",
        "/etc/systemd/system-preset/00-pve.preset",
        "/etc/systemd/system/proxmox-regenerate-snakeoil.service",
        "/etc/systemd/system/getty.target.wants/container-getty@1.service",
        "/etc/.pve-ignore.hosts",
        "/etc/.hosts.pct-new",
        "/etc/ssh/ssh_host_ed25519_key.pub",
        "/root",
        "/root/.ssh",
        "/etc",
        "/etc/network",
        "/etc/ssh",
        "/etc/cron.d",
        "/etc/systemd",
        "/etc/systemd/system",
        "/etc/systemd/system-preset",
        "/etc/systemd/system/getty.target.wants",
        "/etc/ssl/private",
        "/etc/runlevels/boot",
        "/var",
        "/var/lib/dbus",
        "/usr",
        "/usr/lib/systemd",
        "/usr/lib/systemd/system",
        "/sbin",
        "/bin",
        "/etc/conf.d",
        "/etc/init",
        "/etc/init.d",
        "/etc/NetworkManager",
        "/etc/NetworkManager/system-connections",
        "/etc/sysconfig",
        "/etc/sysconfig/network-scripts",
        "/etc/systemd/network",
        "/etc/netplan",
    ]);
    paths.sort_unstable();
    paths.dedup();
    let (mut good, mut bad) = (0, 0);
    for path in paths {
        for kind in ATTACKS {
            // In the roots that have the path; what only we make is attacked in the first two.
            let below = format!("{path}/");
            let has = |files: &[(&str, &str)]| files.iter().any(|(p, _)| *p == path || p.starts_with(&below));
            let mut targets: Vec<_> = ALL.into_iter().filter(|files| has(files)).collect();
            if targets.is_empty() {
                targets = ALL[..2].to_vec();
            }
            for files in targets {
                let scene = Scene::new(files);
                if attack(&scene, path, kind) {
                    let counts = endure(scene, &format!("{kind} at {path}"));
                    (good, bad) = (good + counts.0, bad + counts.1);
                }
            }
        }
    }
    eprintln!("{good} steps done, {bad} refused");
    assert!(good > bad, "most attacks do not even disturb");
}

#[test]
fn a_home_outside_is_no_home() {
    for home in ["/../../canary", "/../canary/sub", "//../canary", "/nowhere", "relative", "/etc/hosts", "/"]
    {
        let passwd = format!("root:x:0:0:root:{home}:/bin/sh\n");
        let mut files = DEBIAN.to_vec();
        files.push(("/canary/sub/inside", ""));
        files.retain(|(path, _)| *path != "/etc/passwd");
        files.push(("/etc/passwd", &passwd));
        endure(Scene::new(&files), home);
    }
}

/// `/etc` becomes a link out of the root and back while the guest is set up, again and again.
#[test]
fn a_folder_that_is_swapped_during_the_run_leads_nowhere_else() {
    use std::sync::atomic::{AtomicBool, Ordering};

    let scene = Scene::new(DEBIAN);
    symlink("../canary", scene.at("/swap")).unwrap();
    let outside = scene.stamps("canary");
    let stop = AtomicBool::new(false);
    let (etc, swap) = (scene.at("/etc"), scene.at("/swap"));
    let mut good = 0;
    thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                rustix::fs::renameat_with(CWD, &etc, CWD, &swap, rustix::fs::RenameFlags::EXCHANGE).unwrap();
                thread::sleep(Duration::from_micros(200));
            }
        });
        for _ in 0..300 {
            good += usize::from(scene.run(Event::Start).is_ok());
        }
        stop.store(true, Ordering::Relaxed);
    });
    eprintln!("{good} of 300 runs came through");
    assert_eq!(scene.stamps("canary"), outside);
}

/// A root that is a mount of its own, attached nowhere, and then read-only: what is right needs no writing.
#[test]
fn a_read_only_root_that_is_set_up_can_start() {
    use rustix::mount::{
        FsMountFlags, FsOpenFlags, FsPickFlags, MountAttrFlags, fsconfig_create, fsconfig_reconfigure,
        fsconfig_set_flag, fsmount, fsopen, fspick,
    };
    use std::os::fd::AsRawFd;

    if !rustix::process::geteuid().is_root() && std::env::var("PCT_E2E").as_deref() != Ok("require") {
        eprintln!("skipped: needs root");
        return;
    }
    let context = fsopen("tmpfs", FsOpenFlags::FSOPEN_CLOEXEC).unwrap();
    fsconfig_create(&context).unwrap();
    let mount = fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::empty()).unwrap();
    fill(Path::new(&format!("/proc/self/fd/{}", mount.as_raw_fd())), DEBIAN);
    let root = Rootfs::new(mount.try_clone().unwrap(), (0, 0));
    let mut scene = Scene::new(&[]);
    scene.run_on(&root, Event::Create(Create::default())).unwrap();
    scene.run_on(&root, Event::Start).unwrap();

    let context = fspick(&mount, "", FsPickFlags::FSPICK_EMPTY_PATH | FsPickFlags::FSPICK_CLOEXEC).unwrap();
    fsconfig_set_flag(&context, "ro").unwrap();
    fsconfig_reconfigure(&context).unwrap();
    scene.run_on(&root, Event::Start).unwrap();
    scene.run_on(&root, Event::Net).unwrap();
    scene.settings.hostname = Some("other".to_owned());
    let error = scene.run_on(&root, Event::Start).unwrap_err();
    assert_eq!(error.to_string(), "error in setup task set_hostname");
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(cause, "unable to write '/etc/hosts' in the container's root file system");
}
