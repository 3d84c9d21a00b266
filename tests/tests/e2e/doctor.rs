//! `pct doctor`: each of its findings on a container and a host that really have it, and the start beside it.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use pct_tests::archive::Member;
use pct_tests::busybox::Busybox;
use pct_tests::{Bridge, Ct, Host, Output, Run, bins, require_root, wait};
use serde_json::Value;

/// What `doctor` finds.
struct Findings(Vec<Value>);

impl Findings {
    /// The exit status must be that of errors where there are some, and each finding complete.
    fn of(out: &Output) -> Self {
        let found: Vec<Value> =
            serde_json::from_slice(&out.stdout).unwrap_or_else(|e| panic!("{e}\n{}", out.both()));
        let errors = found.iter().any(|finding| finding["severity"] == "error");
        assert_eq!(out.status, i32::from(errors), "{}", out.both());
        for finding in &found {
            assert!(finding["message"].as_str().is_some_and(|text| !text.is_empty()), "{finding}");
        }
        Self(found)
    }

    /// `severity code key`, without what every container on a host without AppArmor has.
    fn list(&self) -> Vec<String> {
        let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        let line = |f: &Value| format!("{} {} {}", text(&f["severity"]), text(&f["code"]), text(&f["key"]));
        self.0.iter().filter(|finding| finding["code"] != "no-apparmor").map(line).collect()
    }

    /// The message of the finding with this code.
    #[track_caller]
    fn message(&self, code: &str) -> &str {
        let found = self.0.iter().find(|finding| finding["code"] == code);
        found.unwrap_or_else(|| panic!("no {code} in {:?}", self.0))["message"].as_str().unwrap()
    }
}

fn doctor(ct: &Ct<'_>) -> Findings {
    Findings::of(&ct.pct("doctor", &["--output-format", "json"]).output())
}

fn doctor_on(ct: &Ct<'_>, change: &str) -> Findings {
    Findings::of(&ct.pct_on(change, "doctor", &["--output-format", "json"]).output())
}

/// A start that fails with the words of the cause.
#[track_caller]
fn start_fails(ct: &Ct<'_>, words: &[&str]) {
    let out = ct.pct("start", &[]).output().fails();
    for word in words {
        assert!(out.err().contains(word), "the start does not say {word:?}\n{}", out.both());
    }
    assert_eq!(ct.status(), "stopped");
}

/// Lines of a config with which a start fails, what `doctor` finds, and what the start says. `ID` is the container's.
const LINES: &[(&str, &str, &[&str])] = &[
    ("lock: backup", "error locked lock", &["CT is locked (backup)"]),
    ("template: 1", "error template template", &["you can't start a CT if it's a template"]),
    ("mp0: local:ID/vm-ID-disk-9.raw,mp=/x,quota=1", "error quota -", &["Quotas are not supported"]),
    ("net0: name=eth0,bridge=pctbrnone", "error bridge-missing net0", &["bridge 'pctbrnone' does not exist"]),
    (
        "net0: name=eth0,bridge=lo",
        "error bridge-missing net0",
        &["bridge 'lo' is neither a linux nor an OVS bridge!"],
    ),
    (
        "net0: name=eth0,bridge=pctbrID,tag=5",
        "error vlan net0",
        &["no physical interface on bridge 'pctbrID'"],
    ),
    (
        "net0: name=eth0,bridge=pctbrID,trunks=5",
        "error vlan net0",
        &["vlan aware feature need to be enabled"],
    ),
    ("net0: name=eth0", "error bridge-missing net0", &["bridge '' does not exist"]),
    ("dev0: /dev/pct-none", "error device dev0", &["Device /dev/pct-none does not exist"]),
    ("dev0: /dev/shm", "error device dev0", &["/dev/shm is not a device"]),
    ("tty: abc", "error config tty", &["'abc' is no number"]),
    ("net0: nam=eth0", "error config net0.nam", &["unable to parse value of 'net0'"]),
    ("features: mknod=1", "error feature features", &["'mknod' feature requested"]),
    ("lxc.cap.drop: nothing", "error raw-line lxc.cap.drop", &["'nothing' is no list of capabilities"]),
    ("lxc.network.type: veth", "error raw-line lxc.network.type", &["liblxc does not know it any more"]),
    ("lxc.include: /no/such/file", "error raw-line lxc.include", &["'/no/such/file' does not exist"]),
    ("lxc.idmap: u 0 70000000 9\nlxc.idmap: g 0 100000 9", "error subid -", &["70000000", "/etc/subuid"]),
    ("lxc.idmap: u 0 100000 9\nlxc.idmap: g 0 70000000 9", "error subid -", &["70000000", "/etc/subgid"]),
    (
        "lxc.idmap: u 0 100000 9\nlxc.idmap: u 5 100100 9\nlxc.idmap: g 0 100000 9",
        "error id-map lxc.idmap",
        &["map"],
    ),
    ("lxc.idmap: u 0 x", "error id-map lxc.idmap", &["lxc.idmap: 'u 0 x' is no id map"]),
    ("mp0: nowhere:ID/vm-ID-disk-1.raw,mp=/x", "error storage-missing mp0", &["'nowhere' does not exist"]),
    ("mp0: off:ID/vm-ID-disk-1.raw,mp=/x", "error storage-disabled mp0", &["'off' is disabled"]),
    ("mp0: other:ID/vm-ID-disk-1.raw,mp=/x", "error storage-disabled mp0", &["'other' is not available"]),
    ("mp0: iso:ID/vm-ID-disk-1.raw,mp=/x", "error storage-content mp0", &["'iso' does not support"]),
    ("mp0: strange:ID/vm-ID-disk-1.raw,mp=/x", "error storage-unusable mp0", &["'strange' cannot be used"]),
    ("mp0: gone:ID/vm-ID-disk-1.raw,mp=/x", "error storage-unusable mp0", &["is not mounted"]),
    (
        "mp0: local:ID/vm-ID-disk-9.raw,mp=/x",
        "error volume-missing mp0",
        &["vm-ID-disk-9.raw' does not exist"],
    ),
    ("mp0: local:8,mp=/x", "error volume-name mp0", &["unable to parse volume name '8'"]),
    ("mp0: /dev/pct-none,mp=/x", "error volume-missing mp0", &["/dev/pct-none"]),
    ("mp0: /no/such/dir,mp=/x", "error bind-source mp0", &["directory '/no/such/dir' does not exist"]),
    ("mp0: /proc/self/cwd,mp=/x", "error bind-source mp0", &["symlink encountered at: /proc/self"]),
    ("mp0: local:ID/vm-ID-disk-7.raw,mp=/x", "error file-system mp0", &["no file system found"]),
    ("mp0: local:ID/subvol-ID-disk-1.subvol,mp=/link/x", "error mount-target mp0", &["symlink", "/link"]),
    ("mp0: local:ID/subvol-ID-disk-1.subvol,mp=/", "error mount-hidden mp0", &["Failed to mount \"/dev\""]),
    ("entrypoint: /no/such/init", "error init entrypoint", &["/no/such/init"]),
    ("entrypoint: /etc/passwd", "error init entrypoint", &["/etc/passwd"]),
    ("hostname: a$b", "error guest -", &["'a$b' can not be used as a host name"]),
    (
        "hookscript: local:snippets/none",
        "error hookscript hookscript",
        &["hookscript error for ID on pre-start"],
    ),
    (
        "hookscript: local:snippets/plain",
        "error hookscript hookscript",
        &["hookscript error for ID on pre-start"],
    ),
    (
        "hookscript: local:vztmpl/none",
        "error hookscript hookscript",
        &["content type needs to be 'snippets'"],
    ),
];

const STORAGES: &str = "\
dir: off
\tpath /nonexistent
\tcontent rootdir
\tdisable
dir: other
\tpath /nonexistent
\tcontent rootdir
\tnodes other-node
dir: iso
\tpath /nonexistent
\tcontent iso
dir: gone
\tpath /nonexistent
\tcontent rootdir
\tis_mountpoint 1
strange: strange
\tcontent rootdir
";

#[test]
fn what_it_calls_an_error_is_one_for_the_start() {
    require_root!();
    let host = Host::new();
    let ct = host.busybox(&[]);
    let _bridge = Bridge::new(ct.vmid);
    fs::write(host.root().join("etc/pct/storage.cfg"), STORAGES).unwrap();
    let snippets = host.storage().join("snippets");
    fs::create_dir_all(&snippets).unwrap();
    fs::write(snippets.join("plain"), "#!/bin/sh\n").unwrap();
    let images = ct.subvol().parent().unwrap().to_owned();
    fs::create_dir(images.join(format!("subvol-{}-disk-1.subvol", ct.id))).unwrap();
    fs::write(images.join(format!("vm-{}-disk-7.raw", ct.id)), vec![0; 1 << 20]).unwrap();
    symlink("/tmp", ct.subvol().join("link")).unwrap();
    let sound = fs::read_to_string(ct.conf()).unwrap();

    for (lines, finding, said) in LINES {
        let lines = lines.replace("ID", &ct.id);
        let key = lines.split(':').next().unwrap();
        let rest: String = sound
            .lines()
            .filter(|line| line.split(':').next() != Some(key))
            .map(|line| format!("{line}\n"))
            .collect();
        fs::write(ct.conf(), format!("{rest}{lines}\n")).unwrap();
        // The monitor of a start that has failed clears up behind it.
        let is_quiet = || host.state().only(&["process"]).found.is_empty();
        wait::until_true("the last start has ended", is_quiet);
        let before = host.state();
        let found = doctor(&ct);
        before.assert_same(&host.state(), "after a look");
        assert!(found.list().contains(&(*finding).to_owned()), "{lines}: {:?}", found.0);
        let words: Vec<_> = said.iter().map(|word| word.replace("ID", &ct.id)).collect();
        start_fails(&ct, &words.iter().map(String::as_str).collect::<Vec<_>>());
    }
    fs::write(ct.conf(), sound).unwrap();
    assert_eq!(doctor(&ct).list(), [""; 0]);
    ct.start().quiet();
}

#[test]
fn all_that_is_wrong_is_told_at_once_the_gravest_first() {
    require_root!();
    let host = Host::new();
    let ct = host.busybox(&[]);
    let bridge = Bridge::with_mtu(ct.vmid, 1400);
    let name = &bridge.name;
    ct.append_conf(&format!(
        "net0: name=eth0,bridge={name},mtu=1500\nnet1: name=eth1,bridge=none1\nnet2: name=eth1,bridge=none2\n\
         dev0: /dev/none\ndev1: /dev/shm\nlxc.init.cmd: /x\nlxc.haltsignal: x\nonbot: 1\nlxc.kmsg: 1"
    ));
    assert_eq!(
        doctor(&ct).list(),
        [
            "error interface-name net2",
            "error device dev0",
            "error device dev1",
            "error mtu net0",
            "error bridge-missing net1",
            "error bridge-missing net2",
            "error raw-line lxc.haltsignal",
            "warning config lxc.haltsignal",
            "warning config onbot",
            "warning translation -",
        ]
    );
    let out = ct.pct("doctor", &[]).output().status(1).out();
    let text = format!(
        "{}: error: net0: MTU size '1500' is bigger than bridge MTU '1400' [mtu]\n    help: make the 'mtu' smaller, or \
         that of the bridge larger (ip link set NAME mtu MTU)\n",
        ct.id
    );
    assert!(out.contains(&text), "{out}");

    // The name that is taken is all that is left.
    ct.edit_conf("none1", name);
    ct.edit_conf("none2", name);
    for gone in
        [",mtu=1500", "dev0: /dev/none\n", "dev1: /dev/shm\n", "lxc.init.cmd: /x\n", "lxc.haltsignal: x\n"]
    {
        ct.edit_conf(gone, "");
    }
    assert_eq!(doctor(&ct).list()[..1], ["error interface-name net2"]);
    start_fails(&ct, &["eth1"]);
}

#[test]
fn several_containers_or_all_are_looked_at() {
    require_root!();
    let host = Host::new();
    let (sick, sound) = (host.busybox(&[]), host.busybox(&["--unprivileged", "0"]));
    sick.append_conf("lock: disk");
    for vmids in [vec![], vec![sick.id.as_str(), sound.id.as_str()]] {
        let args: Vec<_> = ["doctor"].into_iter().chain(vmids).chain(["--output-format", "json"]).collect();
        let found = Findings::of(&host.pct(&args).output());
        assert_eq!(found.list(), ["error locked lock"]);
        assert_eq!(found.0.iter().find(|f| f["code"] == "locked").unwrap()["vmid"], sick.vmid);
        // An unprivileged container is confined by its user namespace still.
        let apparmor = |ct: &Ct<'_>| {
            found
                .0
                .iter()
                .find(|f| f["code"] == "no-apparmor" && f["vmid"] == ct.vmid)
                .map(|f| f["severity"].clone())
        };
        if !Path::new("/sys/module/apparmor").exists() {
            assert_eq!(apparmor(&sick).unwrap(), "info");
            assert_eq!(apparmor(&sound).unwrap(), "warning");
        }
    }
    let none = host.ct();
    none.pct("doctor", &[]).output().status(2).says("does not exist");
    let out = host.pct(&["doctor", &sound.id, &none.id]).output().status(255);
    assert!(
        out.err().starts_with(&format!("CT {}: ", none.id)) && out.out().starts_with(&sound.id),
        "{}",
        out.both()
    );
    host.pct(&["doctor", "99"]).output().status(255).says("400 Parameter verification failed.");
}

#[test]
fn an_image_is_looked_into_without_a_trace() {
    require_root!();
    let host = Host::new();
    let template = host.scratch().join("no-init.tar");
    Busybox { without_init: true, ..Busybox::default() }.archive().write(&template);
    let ct = host.ct();
    ct.create(&template, &["--rootfs", "local:1"]).ok();
    let before = (host.state(), fs::metadata(ct.image()).unwrap().modified().unwrap());
    let found = doctor(&ct);
    before.0.assert_same(&host.state(), "after a look");
    assert_eq!(fs::metadata(ct.image()).unwrap().modified().unwrap(), before.1, "nothing is written to it");
    assert_eq!(found.list(), ["error init -"]);
    assert_eq!(found.message("init"), "there is no '/sbin/init' in the container");
    start_fails(&ct, &["/sbin/init"]);

    // Nobody is waited for, and what others have mounted is left alone.
    let lock = host.run_dir().join(format!("lock/pve-config-{}.lock", ct.id));
    let lock = fs::File::options().append(true).open(lock).unwrap();
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).unwrap();
    assert_eq!(doctor(&ct).list(), ["info root-not-seen rootfs"]);
    drop(lock);
    let mount = format!("mount -o loop {} /mnt", ct.image().display());
    let busy = doctor_on(&ct, &mount);
    assert_eq!(busy.list(), ["info root-not-seen rootfs"]);

    let image = fs::File::options().write(true).open(ct.image()).unwrap();
    // The magic number stays, the rest of the superblock does not.
    std::os::unix::fs::FileExt::write_all_at(&image, &[0xff; 48], 1024).unwrap();
    assert_eq!(doctor(&ct).list(), ["error file-system rootfs"]);
    start_fails(&ct, &["cannot mount ext4"]);
}

#[test]
fn a_running_container_is_seen_from_inside() {
    require_root!();
    let host = Host::new();
    let ct = host.running(&["--rootfs", "local:1"]);
    ct.wait_booted();
    let before = host.state();
    assert_eq!(doctor(&ct).list(), ["info running -"]);
    before.assert_same(&host.state(), "after a look");
    ct.sh("rm /sbin/init");
    assert_eq!(doctor(&ct).list(), ["error init -", "info running -"]);
    ct.stop();
    start_fails(&ct, &["/sbin/init"]);
}

#[test]
fn a_program_of_another_architecture_is_found() {
    require_root!();
    let host = Host::new();
    let template = host.scratch().join("arm.tar");
    Busybox { machine: Some(0xb7), ..Busybox::default() }.archive().write(&template);
    let ct = host.ct();
    ct.create(&template, &["--rootfs", "local:0"]).ok();
    assert_eq!(doctor(&ct).list(), ["error architecture arch"]);
    start_fails(&ct, &["arm64"]);
    ct.edit_conf("arch: arm64", "arch: amd64");
    assert_eq!(doctor(&ct).list(), ["error architecture arch", "warning architecture arch"]);
}

#[test]
fn an_unknown_distribution_is_an_error_and_another_one_a_warning() {
    require_root!();
    let host = Host::new();
    let ct = host.busybox(&[]);
    ct.edit_conf("ostype: alpine", "ostype: debian");
    let found = doctor(&ct);
    assert_eq!(found.list(), ["warning guest ostype"]);
    let out = ct.start().out();
    assert!(out.contains(found.message("guest")), "{out}");
    ct.stop();
    for file in ["etc/alpine-release", "etc/inittab"] {
        fs::remove_file(ct.subvol().join(file)).unwrap();
    }
    fs::write(ct.subvol().join("etc/os-release"), "ID=plan9\n").unwrap();
    assert_eq!(doctor(&ct).list(), ["error guest ostype"]);
    start_fails(&ct, &["unable to detect OS distribution"]);
}

/// As much of systemd as its version takes: an ELF program that wants its private library.
fn systemd(version: u32) -> Vec<u8> {
    let names = format!("\0libsystemd-shared-{version}.so\0");
    let size = 224 + names.len() as u64;
    let words = |words: &[u64]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>();
    let mut elf = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x3e\0\x01\0\0\0".to_vec();
    elf.extend(words(&[0, 64, 0]));
    elf.extend([0, 0, 0, 0, 64, 0, 56, 0, 2, 0, 0, 0, 0, 0, 0, 0]);
    elf.extend(words(&[1, 0, 0, 0, size, size, 1]));
    elf.extend(words(&[2, 176, 176, 176, 48, 48, 8]));
    elf.extend(words(&[1, 1, 5, 224, 0, 0]));
    elf.extend(names.into_bytes());
    elf
}

#[test]
fn a_systemd_that_will_not_be_happy_is_found() {
    require_root!();
    let host = Host::new();
    let guest = |version| {
        let template = host.scratch().join(format!("systemd-{version}.tar"));
        let mut busybox = Busybox { without_init: true, ..Busybox::default() };
        busybox.extra.push(Member::dir("./lib"));
        busybox.extra.push(Member::dir("./lib/systemd"));
        busybox.extra.push(Member::file("./lib/systemd/systemd", systemd(version)).mode(0o755));
        busybox.extra.push(Member::symlink("./sbin/init", "/lib/systemd/systemd"));
        busybox.archive().write(&template);
        let ct = host.ct();
        ct.create(&template, &["--rootfs", "local:0"]).ok();
        // Alpine gets along with any init.
        fs::write(ct.subvol().join("etc/os-release"), "ID=debian\n").unwrap();
        fs::write(ct.subvol().join("etc/debian_version"), "9.1\n").unwrap();
        ct.edit_conf("ostype: alpine", "ostype: debian");
        ct
    };
    let new = guest(252);
    let found = doctor(&new);
    assert_eq!(found.list(), ["warning nesting features"]);
    new.append_conf("features: nesting=1");
    assert_eq!(doctor(&new).list(), [""; 0]);
    new.edit_conf("features: nesting=1\n", "");
    // It is no program that could run; how soon that is seen varies.
    let out = new.pct("start", &[]).output();
    assert!(out.out().contains(found.message("nesting")), "{}", out.both());

    let old = guest(231);
    assert_eq!(doctor(&old).list(), [""; 0], "a host with cgroup v1 takes any");
    let unified = "mount -t cgroup2 none /sys/fs/cgroup";
    let found = doctor_on(&old, unified);
    let out = old.pct_on(unified, "start", &[]).output();
    assert!(out.out().contains(found.message("old-systemd")), "{}", out.both());
}

#[test]
fn what_the_host_lacks_is_found() {
    require_root!();
    let host = Host::new();
    let ct = host.busybox(&["--features", "fuse=1", "--cores", "1", "--cpulimit", "1", "--swap", "0"]);
    let at = |change: &str| doctor_on(&ct, change);
    let fails_alike = |change: &str, finding: &str, said: &str| {
        assert_eq!(at(change).list(), [finding], "{change}");
        ct.pct_on(change, "start", &[]).output().fails().says(said);
    };
    fails_alike(
        "mount -t tmpfs t /dev; mknod -m 666 /dev/null c 1 3",
        "error device features",
        "Failed to mount \"/dev/fuse\"",
    );
    fails_alike(
        "mount -t tmpfs t /usr/share/lxc/config",
        "error liblxc -",
        "/usr/share/lxc/config/common.conf does not exist",
    );
    let limits = at("mount -t tmpfs t /sys/fs/cgroup").list();
    assert_eq!(
        limits,
        ["warning controller memory", "warning controller cpulimit", "warning controller cores"]
    );

    // A program without its helper.
    let alone = host.scratch().join("pct");
    // Written by another process: a file that is open for writing in a copy of this one cannot be executed.
    Run::new("/bin/cp").args([bins::pct().as_path(), alone.as_path()]).ok();
    let run = |verb: &[&str]| {
        Run::new(&alone).args([verb[0], &ct.id]).args(&verb[1..]).env("PCT_ROOT", host.root())
    };
    let found = Findings::of(&run(&["doctor", "--output-format", "json"]).output());
    assert_eq!(found.list(), ["error helper -"]);
    run(&["start"]).output().fails().says("cannot open the helper");
}

#[test]
fn what_waits_for_the_start_is_told_and_counted_in() {
    require_root!();
    let host = Host::new();
    let ct = host.running(&["--hostname", "old"]);
    ct.pct("set", &["--nameserver", "192.0.2.1", "--entrypoint", "/no/such/init", "--delete", "tty"])
        .output();
    ct.append_conf("mp1: local:8,mp=/new\nmp2: nowhere:8,mp=/nowhere\ndelete: hostname");
    let found = doctor(&ct);
    assert_eq!(
        found.list(),
        [
            "error init entrypoint",
            "warning pending-fails mp2",
            "info running -",
            "info pending entrypoint",
            "info pending hostname",
            "info pending mp1",
            "info pending mp2",
            "info pending nameserver",
        ]
    );
    assert!(!ct.image().with_file_name(format!("vm-{}-disk-1.raw", ct.id)).exists());
    ct.stop();
    let out = ct.pct("start", &[]).output().fails().says("/no/such/init");
    assert!(out.out().contains(found.message("pending-fails")), "{}", out.both());
}

#[test]
fn volumes_in_the_way_of_each_other_are_found() {
    require_root!();
    let host = Host::new();
    let ct = host.busybox(&["--mp0", "local:0,mp=/data/inner", "--mp1", "local:0,mp=/data"]);
    let other = host.busybox(&[]);
    let id = &ct.id;
    let volume = |n: u32| host.storage().join(format!("images/{id}/subvol-{id}-disk-{n}.subvol"));
    fs::write(volume(1).join("file"), "x").unwrap();
    let found = doctor(&ct);
    assert_eq!(found.list(), ["warning mount-hidden mp1"]);
    assert!(found.message("mount-hidden").contains("'/data/inner'"));
    ct.start();
    ct.exec(&["test", "-e", "/data/inner/file"]).output().status(1);
    ct.stop();

    // A link in a volume is in the way of what is mounted below it, as one in the root file system is.
    ct.edit_conf("mp=/data,", "mp=/data/inner/deeper/below,");
    assert_eq!(doctor(&ct).list(), [""; 0]);
    symlink("/etc", volume(1).join("deeper")).unwrap();
    assert_eq!(doctor(&ct).list(), ["error mount-target mp1"]);
    start_fails(&ct, &["symlink encountered at", "deeper"]);

    other.append_conf(&format!("mp0: local:{id}/subvol-{id}-disk-1.subvol,mp=/theirs"));
    ct.append_conf(&format!("mp2: local:{id}/subvol-{id}-disk-1.subvol,mp=/again"));
    let list = doctor(&ct).list();
    assert_eq!(list.iter().filter(|line| *line == "warning volume-shared mp2").count(), 2, "{list:?}");
    assert_eq!(doctor(&other).list()[..2], ["warning volume-shared mp0", "warning volume-shared mp0"]);
}

#[test]
fn a_bridge_that_is_down_and_an_id_map_without_effect_are_told() {
    require_root!();
    let host = Host::new();
    let ct = host.busybox(&["--unprivileged", "0"]);
    let bridge = Bridge::new(ct.vmid);
    ct.append_conf(&format!(
        "net0: name=eth0,bridge={},ip={}/24\nmp0: {},mp=/x,idmap=passthrough",
        bridge.name,
        bridge.addr4(2),
        host.scratch().display()
    ));
    Run::new("/sbin/ip").args(["link", "set", &bridge.name, "down"]).ok();
    let found = doctor(&ct);
    assert_eq!(found.list(), ["warning bridge-down net0", "warning id-map mp0"]);
    let out = ct.start().out();
    assert!(out.contains(found.message("id-map")), "{out}");
    ct.wait_booted();
    Run::new("/bin/busybox").args(["ping", "-c1", "-W1", &bridge.addr4(2)]).output().fails();
    Run::new("/sbin/ip").args(["link", "set", &bridge.name, "up"]).ok();
    bridge.ping(&bridge.addr4(2));
}

#[test]
fn the_leftovers_of_a_dead_monitor_are_told_and_left() {
    require_root!();
    let host = Host::new();
    let ct = host.running(&[]);
    pct_tests::run::signal_pid(ct.monitor_pid(), rustix::process::Signal::KILL);
    pct_tests::wait::until_true("the container is gone", || ct.status() == "stopped");
    let before = host.state().only(&["cgroup", "link", "file"]);
    assert_eq!(doctor(&ct).list(), ["info leftovers -"]);
    before.assert_same(&host.state().only(&["cgroup", "link", "file"]), "after a look");
    ct.start();
    assert_eq!(doctor(&ct).list(), ["info running -"]);
}

#[test]
fn a_hook_script_that_can_be_run_is_no_finding() {
    require_root!();
    let host = Host::new();
    let ct = host.busybox(&[]);
    let snippets = host.storage().join("snippets");
    fs::create_dir_all(&snippets).unwrap();
    let script = snippets.join("hook");
    fs::write(&script, "#!/bin/sh\n").unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    ct.append_conf("hookscript: local:snippets/hook");
    assert_eq!(doctor(&ct).list(), [""; 0]);
}
