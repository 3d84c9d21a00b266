//! What the translation makes for this machine's liblxc loads in it, or is refused by us with a reason.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use pct::{
    config::{Config, Section, Vmid},
    facts::{CgroupLayout, HomeKind, HostFacts, Version},
    lxc::{self, Container},
    translate::{LxcConfig, TranslateError, translate},
};

const CONFIG_DIR: &str = "/usr/share/lxc/config";

fn cases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance/config")
}

fn vmid() -> Vmid {
    Vmid::new(100).unwrap()
}

/// The bridges and devices of the conformance cases, with the liblxc and the includes of this machine.
fn host(layout: CgroupLayout, apparmor: bool) -> HostFacts {
    let mut facts: HostFacts = serde_json::from_slice(&fs::read(cases().join("host.json")).unwrap()).unwrap();
    let loaded = lxc::version::loaded().unwrap();
    facts.home = HomeKind::Standalone;
    facts.liblxc = Version(loaded.major, loaded.minor);
    facts.cgroup = layout;
    let controllers = ["cpu", "cpuset", "devices", "memory", "pids"].map(str::to_owned).to_vec();
    facts.controllers_v1 = Vec::new();
    if layout != CgroupLayout::V2 {
        (facts.controllers, facts.controllers_v1) = (Vec::new(), controllers);
    }
    facts.apparmor = Some(apparmor);
    let files = fs::read_dir(CONFIG_DIR).unwrap();
    facts.lxc_includes = files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    facts.common_seccomp = Some(fs::read_to_string(format!("{CONFIG_DIR}/common.seccomp")).unwrap());
    facts.helper = Some("/usr/libexec/pct/pct-helper".into());
    facts.syscalld_socket = Some("/run/pve-lxc-syscalld/socket".into());
    facts
}

/// Every host that this machine could be.
fn hosts() -> Vec<HostFacts> {
    let layouts = [CgroupLayout::V2, CgroupLayout::Hybrid, CgroupLayout::V1];
    layouts.into_iter().flat_map(|layout| [true, false].map(|apparmor| host(layout, apparmor))).collect()
}

fn section(bytes: &[u8]) -> Section {
    Config::parse(bytes, vmid()).config.main().clone()
}

/// As a start would do it.
fn translated(section: &Section, facts: &HostFacts) -> Result<LxcConfig, TranslateError> {
    let mut facts = facts.clone();
    let found =
        section.raw_values("lxc.include").filter(|path| path.ends_with('/') || Path::new(path).exists());
    facts.raw_includes = Some(found.map(str::to_owned).collect());
    translate(vmid(), section, &facts)
}

/// Whether liblxc loads a file of this text.
fn loads(text: &[u8]) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config");
    fs::write(&file, text).unwrap();
    Container::open("100", folder.path()).unwrap().load_config(Some(&file)).is_ok()
}

/// The name of a refusal that the documentation lists.
fn reason(error: &TranslateError) -> &'static str {
    match error {
        TranslateError::OldRawKey { .. } => "an old key that we cannot express",
        TranslateError::UnknownKey { .. } => "a key that liblxc lacks",
        TranslateError::Unreadable { .. } => "a value that liblxc does not load",
        TranslateError::NoSuchInclude(_) => "a missing include",
        TranslateError::NoSuchBridge(_) => "a missing bridge",
        TranslateError::NoSuchDevice(_) | TranslateError::NotADevice(_) => "a missing device",
        TranslateError::MtuTooBig { .. } => "an MTU beyond the bridge's",
        TranslateError::Slaac(_) => "SLAAC of a host-managed interface",
        TranslateError::MissingKey(_) | TranslateError::MissingRootfs | TranslateError::MissingPath(_) => {
            "a missing key"
        }
        TranslateError::Property(_) => "a property string that does not parse",
        other => panic!("an unexpected refusal: {other}"),
    }
}

#[test]
fn every_translation_for_this_liblxc_loads_in_it_or_is_refused_with_a_reason() {
    let hosts = hosts();
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let (mut broken, mut only_ours) = (Vec::new(), BTreeMap::<&str, usize>::new());
    for kind in ["valid", "invalid"] {
        for entry in fs::read_dir(cases().join(kind)).unwrap() {
            let path = entry.unwrap().path();
            let section = section(&fs::read(path.join("input.conf")).unwrap());
            for facts in &hosts {
                let outcome = match translated(&section, facts) {
                    Ok(config) if config.removed => "a template",
                    Ok(config) if loads(&config.to_bytes()) => "loads",
                    Ok(config) => {
                        broken.push(format!("{} on {:?}:\n{config}", path.display(), facts.cgroup));
                        "does not load"
                    }
                    Err(error) => {
                        let mut pve = facts.clone();
                        pve.home = HomeKind::Pve;
                        let why = reason(&error);
                        if translated(&section, &pve).is_ok() {
                            *only_ours.entry(why).or_default() += 1;
                        }
                        why
                    }
                };
                *counts.entry((kind, outcome)).or_default() += 1;
            }
        }
    }
    println!("{counts:#?}\nonly refused in the standalone home: {only_ours:#?}");
    assert!(broken.is_empty(), "{} do not load:\n{}", broken.len(), broken.join("\n"));
    let count = |kind, outcome| counts.get(&(kind, outcome)).copied().unwrap_or_default();
    assert!(count("valid", "loads") > 200 && count("invalid", "loads") > 200, "{counts:#?}");
    // What the original translates is refused for what liblxc would refuse, and for nothing else.
    let expected =
        ["a missing include", "a value that liblxc does not load", "an old key that we cannot express"];
    let others: Vec<_> = only_ours.keys().filter(|why| !expected.contains(why)).collect();
    assert!(others.is_empty(), "{others:?}");
}

const BASE: &str = "arch: amd64\nostype: debian\nrootfs: local:100/x.raw,size=4G\nunprivileged: 1\n";

/// Lines with values as people write them, right and wrong.
const SAMPLES: &str = "\
lxc.apparmor.allow_incomplete: 0|1|2|x|
lxc.apparmor.allow_nesting: 1|yes
lxc.apparmor.profile: unconfined|generated|
lxc.apparmor.raw: deny mount,
lxc.arch: x86_64|amd64|armhf|riscv64|i686|linux64|loongarch64|x32|sparc|AMD64|
lxc.autodev: 0|1|2|on|
lxc.cap.drop: sys_time|sys_time  mknod|SYS_TIME|none|bpf|7|nothing|
lxc.cap.keep: net_admin|none|kill chown|no
lxc.cgroup.devices.allow: a|
lxc.cgroup.dir: x|/x|../x|a/b|
lxc.cgroup.dir.container.inner: ns|a/b|..
lxc.cgroup.relative: 0|1|2|x
lxc.cgroup2.: y
lxc.cgroup2.memory.high: 500M|
lxc.console.logfile: /dev/null|
lxc.console.path: none|/dev/console
lxc.environment: A=1|A=|PCT_NO_SUCH_VARIABLE|
lxc.group: onboot|a b
lxc.hook.pre-start: /bin/true|
lxc.hook.version: 0|1|2|x
lxc.init.cmd: /sbin/init --x=y|
lxc.init.cwd: /data
lxc.init.gid: 0|-1|x|0x10
lxc.init.groups: 1|1,2|x|,|
lxc.init.uid: 0|4294967295|4294967296|010|08
lxc.include: /usr/share/lxc/config/nesting.conf|/usr/share/lxc/config/common.conf.d|/nonexistent/x|/nonexistent/|
lxc.log.level: DEBUG|debug|1|8|9|loud|
lxc.mount.auto: cgroup:rw proc:rw|sys|cgroup2:ro:force|cgroup2:rw|cgroup-full:mixed:force|dev|shmounts:/x|
lxc.mount.entry: /srv/a srv/a none bind,create=dir 0 0|
lxc.mount.fstab: /etc/fstab|
lxc.net.: z
lxc.net.7: z
lxc.net.7.type: phys|veth|macvlan|empty|ethernet
lxc.net.7.flags: up
lxc.net.7.ipv4.address: 10.0.0.1/24|10.0.0.1|10.0.0.1/33|10.0.0.1/24 10.0.0.255|x
lxc.net.7.ipv4.gateway: 10.0.0.1|auto|dev|10.0.0.1/24
lxc.net.7.ipv6.address: fd00::1/64|fd00::1|10.0.0.1|fd00::x
lxc.net.7.ipv6.gateway: fd00::1|auto|x
lxc.net.7.l2proxy: 0|1|2
lxc.net.7.nothing: 1
lxc.net.7.veth.mode: router
lxc.net.7.vlan.id: 1
lxc.net.x.type: veth
lxc.net.2147483646.type: veth
lxc.net.2147483647.type: veth
lxc.prlimit.nofile: 1024|1024:4096|1024 : 4096|unlimited|-1|abc|1,2|1:x|
lxc.pty.max: 100|x
lxc.rootfs.mount: /mnt
lxc.seccomp.notify.cookie: x
lxc.seccomp.notify.proxy: unix:/run/x|/run/x|unix:x|unix:|
lxc.seccomp.profile: /etc/x|
lxc.selinux.context: a:b:c:d
lxc.signal.halt: SIGPWR|sigpwr|15|PWR|SIGRTMIN+3|SIGRTMIN+31|SIGRTMIN|SIGFOO|
lxc.start.auto: 0|1|2
lxc.start.delay: 5|-5|x
lxc.start.order: 5|-5|x
lxc.sysctl.kernel.shmmax: 123|
lxc.tty.max: 4|0x4|abc|-1|
lxc.uts.name: other|'quoted'|
lxc.utsname: old
lxc.tty: 2|x
lxc.pts: 100
lxc.devttydir: lxc
lxc.devtty.dir: lxc
lxc.kmsg: 0
lxc.limit.nofile: 1024
lxc.aa_profile: unconfined
lxc.console: none
lxc.haltsignal: SIGPWR|PWR
lxc.loglevel: 1
lxc.mount: /etc/fstab
lxc.environment.hooks: H=1|H
lxc.environment.runtime: A=1|1A=x
";

/// Wrong values of these end liblxc's reading with the error that some earlier call has left behind, or none.
const BY_CHANCE: [&str; 4] = ["lxc.hook.version", "lxc.init.gid", "lxc.init.uid", "lxc.seccomp.notify.proxy"];

#[test]
fn our_verdict_on_a_raw_line_is_that_of_liblxc() {
    let facts = host(CgroupLayout::Hybrid, true);
    let base = translated(&section(BASE.as_bytes()), &facts).unwrap();
    let (mut taken, mut refused) = (0, 0);
    for (key, values) in SAMPLES.lines().map(|line| line.split_once(": ").unwrap()) {
        for value in values.split('|') {
            match translated(&section(format!("{BASE}{key}: {value}\n").as_bytes()), &facts) {
                Ok(config) => {
                    assert!(
                        loads(&config.to_bytes()),
                        "we take '{key}: {value}', liblxc does not:\n{config}"
                    );
                    taken += 1;
                }
                Err(_) if BY_CHANCE.contains(&key) => refused += 1,
                Err(error) => {
                    let plain = format!("{base}{key} = {value}\n");
                    assert!(!loads(plain.as_bytes()), "liblxc takes '{key}: {value}', we do not: {error}");
                    refused += 1;
                }
            }
        }
    }
    assert!(taken > 80 && refused > 60, "{taken} taken, {refused} refused");
}

#[test]
fn values_that_liblxc_does_not_load_are_refused_by_the_name_of_their_key() {
    let facts = host(CgroupLayout::V2, false);
    for (line, says) in [
        ("tty: abc", "tty (lxc.tty.max): 'abc' is no number"),
        ("arch: sparc", "arch (lxc.arch): 'sparc' is no architecture that liblxc "),
        ("lxc.signal.halt: PWR", "lxc.signal.halt: 'PWR' is no signal"),
        ("lxc.haltsignal: PWR", "lxc.haltsignal: 'PWR' is no signal"),
        (
            "lxc.network.ipv4: x",
            "lxc.network.ipv4: liblxc does not know it any more, write 'lxc.net.INDEX.ipv4.address' instead",
        ),
        ("lxc.id_map: u 0 1 2", "lxc.id_map: liblxc does not know it any more, write 'lxc.idmap' instead"),
        ("lxc.include: /nonexistent/x", "lxc.include: '/nonexistent/x' does not exist"),
        (
            "lxc.net.0.veth.mode: router",
            "lxc.net.0.veth.mode: 'router' needs 'lxc.net.0.type = veth' before it",
        ),
    ] {
        let error =
            translated(&section(format!("{BASE}{line}\n").as_bytes()), &facts).unwrap_err().to_string();
        assert!(error.starts_with(says), "{line}: {error}");
        // What the original does with it is not for us to judge.
        let mut pve = facts.clone();
        pve.home = HomeKind::Pve;
        translate(vmid(), &section(format!("{BASE}{line}\n").as_bytes()), &pve).unwrap();
    }
    let long = format!("{BASE}hostname: {}\n", "x.".repeat(40) + "y");
    let error = translated(&section(long.as_bytes()), &facts).unwrap_err().to_string();
    assert!(
        error.starts_with("hostname (lxc.uts.name): ") && error.ends_with("is longer than 64 bytes"),
        "{error}"
    );
}
