//! Whole runs on roots that are made by hand. The reference's results are compared in the conformance tests, hostile roots
//! are in `tests/tests/hostile_rootfs.rs`.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::{MetadataExt, symlink},
    path::{Path, PathBuf},
};

use super::*;

struct Scene {
    dir: tempfile::TempDir,
    settings: Settings,
}

impl Scene {
    fn new(files: &[(&str, &str)]) -> Self {
        // Thousands of small trees: memory, if there is a place.
        let dir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
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
        self.run_on(Host::default(), event)
    }

    fn run_on(&self, host: Host, event: Event<'_>) -> Result<Vec<Message>, Error> {
        let root = self.root();
        let guest = detect(&root, &self.settings)?;
        let mut messages = guest.messages.clone();
        let host = Host { now: 1_728_000_000, ..host };
        run(&root, &guest, &self.settings, &host, event, &mut |message| messages.push(message))?;
        Ok(messages)
    }

    fn create(&self) -> Result<Vec<Message>, Error> {
        let key = |key_type: &str, comment: &str| {
            Ok(KeyPair {
                private: format!("private {key_type}\n").into_bytes(),
                public: format!("public {key_type} {comment}\n").into_bytes(),
                fingerprint: format!("SHA256:x {comment}"),
            })
        };
        let new = Create { password: Some("pw"), ssh_public_keys: Some("ssh-rsa A"), host_keys: Some(&key) };
        self.run(Event::Create(new))
    }

    /// Names, contents and times.
    fn stamps(&self) -> BTreeMap<PathBuf, (Vec<u8>, i64, i64)> {
        let mut found = BTreeMap::new();
        walk(&self.at("/"), &mut |path| {
            let data = fs::symlink_metadata(path).unwrap();
            let content = if data.is_file() { fs::read(path).unwrap() } else { Vec::new() };
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
    let once = scene.stamps();
    assert!(once.contains_key(&scene.at("/fastboot")));
    scene.run(Event::Start).unwrap();
    scene.run(Event::Net).unwrap();
    assert_eq!(scene.stamps(), once, "a second start changes no byte and no time");
}

#[test]
fn an_interface_that_is_gone_leaves_no_trace_in_any_family() {
    for files in ALL {
        let mut scene = Scene::new(files);
        scene.run(Event::Net).unwrap();
        let contents = |scene: &Scene| -> Vec<_> {
            scene.stamps().into_iter().map(|(path, (content, ..))| (path, content)).collect()
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
    let before = scene.stamps();
    let messages = scene.create().unwrap();
    assert!(messages[0].to_string().contains("falling back to 'unmanaged'"), "{messages:?}");
    for event in [Event::Restore, Event::Clone, Event::Start, Event::Net] {
        scene.run(event).unwrap();
    }
    assert_eq!(scene.stamps(), before);
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
    let before = scene.stamps();
    scene.run(Event::Clone).unwrap();
    assert_eq!(scene.text("/etc/machine-id"), "\n");
    assert!(!scene.at("/var/lib/dbus/machine-id").exists());
    let changed = scene.stamps().into_iter().filter(|(path, stamp)| before.get(path) != Some(stamp));
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

#[test]
fn a_restored_guest_is_only_adapted() {
    for (files, written) in [(DEBIAN, &[][..]), (ALPINE, &["/etc/hosts", "/etc/securetty"])] {
        let scene = Scene::new(files);
        let before = scene.stamps();
        assert!(scene.run(Event::Restore).is_ok());
        let after = scene.stamps().into_iter();
        let changed = after.filter(|(path, stamp)| before.get(path) != Some(stamp)).map(|(path, _)| path);
        let changed: Vec<_> = changed.filter(|path| path.is_file()).collect();
        assert_eq!(changed, written.iter().map(|path| scene.at(path)).collect::<Vec<_>>());
    }
}

#[test]
fn the_time_zone_of_a_host_that_has_no_name_is_not_set() {
    let mut scene = Scene::new(DEBIAN);
    scene.settings.timezone = Some("host".to_owned());
    // A copy where others have a link: with that name the guest's own file would link to itself.
    for localtime in [None, Some("/etc/localtime"), Some("relative")] {
        let host = Host { localtime: localtime.map(str::to_owned), ..Host::default() };
        let messages = scene.run_on(host, Event::Start).unwrap();
        assert!(messages.iter().any(|message| message.to_string().contains("time zone is unknown")));
        assert_eq!(scene.root().readlink("/etc/localtime").unwrap().unwrap(), "/usr/share/zoneinfo/UTC");
    }
    let localtime = Some("/usr/share/zoneinfo/Europe/Vienna".to_owned());
    let host = Host { localtime, timezone: Some("Europe/Vienna".to_owned()), ..Host::default() };
    scene.run_on(host, Event::Start).unwrap();
    assert_eq!(scene.root().resolve("/etc/localtime").unwrap(), "/usr/share/zoneinfo/Europe/Vienna");
    assert_eq!(scene.text("/etc/timezone"), "Europe/Vienna\n");
}

#[test]
fn a_debian_without_ifupdown_leaves_the_network_to_networkd() {
    const NETWORKD: &str = "/usr/lib/systemd/systemd-networkd";
    const PRESET: &str = "/etc/systemd/system-preset/00-pve.preset";
    let with = |more: &[&str]| {
        let scene = Scene::new(
            &DEBIAN.iter().copied().chain(more.iter().map(|&path| (path, "x"))).collect::<Vec<_>>(),
        );
        fs::set_permissions(
            scene.at("/usr/lib/systemd/systemd"),
            std::os::unix::fs::PermissionsExt::from_mode(0o755),
        )
        .unwrap();
        scene.run(Event::Start).unwrap();
        assert!(scene.at("/etc/network/interfaces").exists());
        (
            scene.at("/etc/systemd/network/eth0.network").exists(),
            scene.text(PRESET).contains("\nenable systemd-networkd"),
        )
    };
    assert_eq!(with(&[NETWORKD]), (true, true));
    assert_eq!(with(&[NETWORKD, "/usr/sbin/ifup"]), (false, false));
    assert_eq!(with(&[NETWORKD, "/sbin/ifup"]), (false, false));
    assert_eq!(with(&[]), (false, false));
}
