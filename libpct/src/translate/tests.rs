//! The worked examples (spec: config, part 9), and the standalone home.

use super::*;
use crate::{
    config::Config,
    facts::{CgroupLayout, DeviceKind, DeviceNode, QuotaDevice, Version},
};

fn facts() -> HostFacts {
    let mut facts = HostFacts::new(HomeKind::Pve, Version(6, 0), CgroupLayout::V2);
    facts.kernel = Version(6, 14);
    facts.controllers = ["cpuset", "cpu", "io", "memory"].map(str::to_owned).to_vec();
    facts.cpus = "0-7".into();
    facts.bridges = [("vmbr0".to_owned(), 1500), ("vmbr9".to_owned(), 9000)].into();
    facts.lxc_includes = [
        "common.conf",
        "userns.conf",
        "alpine.common.conf",
        "alpine.userns.conf",
        "debian.common.conf",
        "debian.userns.conf",
    ]
    .map(str::to_owned)
    .to_vec();
    facts.common_seccomp = Some("2\n".into());
    facts
}

pub(super) fn standalone() -> HostFacts {
    let mut facts = facts();
    facts.home = HomeKind::Standalone;
    facts.cgroup = CgroupLayout::Hybrid;
    facts.controllers.clear();
    facts.controllers_v1 = ["cpuset", "cpu", "memory", "devices"].map(str::to_owned).to_vec();
    facts.helper = Some("/usr/libexec/pct/pct-helper".into());
    facts
}

pub(super) const BASE: &str = "arch: amd64\nostype: alpine\nrootfs: tank:subvol-301-disk-0,size=4G\n";

pub(super) fn run(text: &str, facts: &HostFacts) -> Result<LxcConfig, TranslateError> {
    let vmid = Vmid::new(301).unwrap();
    translate(vmid, Config::parse(text.as_bytes(), vmid).config.main(), facts)
}

fn lines_of(more: &str, facts: &HostFacts) -> String {
    run(&format!("{BASE}{more}"), facts).unwrap().to_string()
}

fn error_of(more: &str, facts: &HostFacts) -> String {
    run(&format!("{BASE}{more}"), facts).unwrap_err().to_string()
}

#[test]
fn example_2_a_minimal_privileged_container() {
    let config = run(&format!("{BASE}hostname: old\n"), &facts()).unwrap();
    let expected = "\
lxc.cgroup.relative = 0
lxc.cgroup.dir.monitor = lxc.monitor/301
lxc.cgroup.dir.container = lxc/301
lxc.cgroup.dir.container.inner = ns
lxc.arch = amd64
lxc.include = /usr/share/lxc/config/alpine.common.conf
lxc.apparmor.profile = generated
lxc.apparmor.raw = allow mqueue,
lxc.apparmor.raw = deny mount -> /proc/,
lxc.apparmor.raw = deny mount -> /sys/,
lxc.monitor.unshare = 1
lxc.tty.max = 2
lxc.environment = TERM=linux
lxc.uts.name = old
lxc.cgroup2.memory.max = 536870912
lxc.cgroup2.memory.high = 532676608
lxc.cgroup2.memory.swap.max = 0
lxc.rootfs.path = /var/lib/lxc/301/rootfs
";
    assert_eq!(config.to_string(), expected);
    assert_eq!(config.seccomp, None);
}

#[test]
fn example_3_features_of_an_unprivileged_container() {
    let more = "unprivileged: 1\nfeatures: nesting=1,keyctl=1,mount=nfs;cifs,fuse=1\n";
    let config = run(&format!("{BASE}{more}"), &facts()).unwrap();
    let raw: Vec<_> = config.values("lxc.apparmor.raw").collect();
    assert_eq!(
        raw,
        ["allow mqueue,", "allow userns,", "mount fstype=nfs,", "mount fstype=cifs,", "mount fstype=fuse,"]
    );
    assert_eq!(config.values("lxc.mount.auto").collect::<Vec<_>>(), ["sys:mixed"]);
    assert_eq!(
        config.seccomp.as_deref(),
        Some("2\nioctl errno 1 [1,0x9400,SCMP_CMP_MASKED_EQ,0xff00]\nsocket errno 97 [0,38,SCMP_CMP_EQ]\n")
    );
}

#[test]
fn an_older_parser_of_apparmor_gets_only_rules_that_it_knows() {
    let mut host = HostFacts { apparmor: Some(true), ..standalone() };
    let raw = |host: &HostFacts| -> Vec<String> {
        let config = run(&format!("{BASE}features: nesting=1,mount=nfs\n"), host).unwrap();
        config.values("lxc.apparmor.raw").map(str::to_owned).collect()
    };
    assert_eq!(raw(&host), ["allow mqueue,", "allow userns,", "mount fstype=nfs,"]);
    host.apparmor_abi = Some(Version(3, 0));
    assert_eq!(raw(&host), ["mount fstype=nfs,"]);
    host.home = HomeKind::Pve;
    assert_eq!(raw(&host).len(), 3);
}

#[test]
fn an_unprivileged_container_may_use_all_devices_before_some_are_denied() {
    let devices = |more: &str, host: &HostFacts| {
        let config = run(&format!("{BASE}console: 0\n{more}"), host).unwrap();
        let lines: Vec<_> =
            config.to_string().lines().filter(|l| l.contains(".devices.")).map(str::to_owned).collect();
        lines.join(" ").replace("lxc.", "").replace(".devices", "")
    };
    let mut host = HostFacts { cgroup: CgroupLayout::V2, controllers_v1: Vec::new(), ..standalone() };
    assert_eq!(devices("unprivileged: 1\n", &host), "cgroup2.allow = a cgroup2.deny = c 5:1 rwm");
    assert_eq!(devices("", &host), "cgroup2.deny = c 5:1 rwm");
    host.home = HomeKind::Pve;
    assert_eq!(devices("unprivileged: 1\n", &host), "cgroup2.deny = c 5:1 rwm");
    assert_eq!(devices("unprivileged: 1\n", &standalone()), "cgroup.deny = c 5:1 rwm");
}

#[test]
fn example_4_mknod_is_answered_by_a_daemon() {
    let more = "unprivileged: 1\nfeatures: mknod=1,force_rw_sys=1\n";
    let config = run(&format!("{BASE}{more}"), &facts()).unwrap();
    assert!(config.to_string().contains(
        "lxc.seccomp.notify.proxy = unix:/run/pve-lxc-syscalld/socket\nlxc.seccomp.notify.cookie = 301\n"
    ));
    let profile = config.seccomp.unwrap();
    for rule in [
        "keyctl errno 38\nmknod notify [1,8192,SCMP_CMP_MASKED_EQ,61440]\n",
        "mknod notify [1,24576,SCMP_CMP_MASKED_EQ,61440]\nmknodat notify [2,8192,SCMP_CMP_MASKED_EQ,61440]\n",
    ] {
        assert!(profile.contains(rule), "{profile}");
    }
    let mut old = facts();
    old.kernel = Version(5, 2);
    assert_eq!(
        error_of(more, &old),
        "'mknod' feature requested, but kernel too old (found 5.2, required >= 5.3)"
    );
}

#[test]
fn example_5_raw_lines_override() {
    let more = "unprivileged: 1\nfeatures: fuse=1,nesting=1,keyctl=1\nlxc.apparmor.profile: unconfined\n\
                lxc.seccomp.profile = /etc/my.seccomp\nlxc.cap.drop =\nlxc.utsname: zzz\n";
    let config = run(&format!("{BASE}{more}"), &facts()).unwrap();
    assert!(config.to_string().ends_with(
        "lxc.apparmor.profile = unconfined\nlxc.seccomp.profile = /etc/my.seccomp\nlxc.cap.drop = \nlxc.utsname = zzz\n"
    ));
    assert_eq!(
        config.warnings,
        [
            "explicitly configured lxc.seccomp.profile overrides the following settings: keyctl",
            "explicitly configured lxc.apparmor.profile overrides the following settings: features:fuse, features:nesting",
        ]
    );
    assert_eq!(config.seccomp, None);
}

#[test]
fn example_6_an_own_id_map_is_enough_to_be_unprivileged() {
    let config = lines_of("lxc.idmap: u 0 200000 1000\nlxc.idmap: g 0 200000 65536\n", &facts());
    assert!(config.contains("alpine.userns.conf") && config.contains("sys:mixed"));
    assert!(config.ends_with("lxc.idmap = u 0 200000 1000\nlxc.idmap = g 0 200000 65536\n"));
    assert_eq!(config.matches("lxc.idmap").count(), 2);
}

#[test]
fn example_7_resources() {
    let config = lines_of(
        "cpulimit: 1.5\ncpuunits: 20000\ncores: 3\nmemory: 32768\nswap: 0\ntty: 0\nconsole: off\n",
        &facts(),
    );
    for line in [
        "lxc.console.path = none\nlxc.cgroup2.devices.deny = c 5:1 rwm\nlxc.tty.max = 0\n",
        "memory.max = 34359738368\nlxc.cgroup2.memory.high = 34225520640\nlxc.cgroup2.memory.swap.max = 0\n",
        "lxc.cgroup2.cpu.max = 150000 100000\nlxc.cgroup2.cpu.weight = 10000\n",
    ] {
        assert!(config.contains(line), "{line}\n{config}");
    }
    assert!(config.lines().last().unwrap().starts_with("lxc.cgroup2.cpuset.cpus = "));
}

#[test]
fn example_8_host_managed_interfaces_and_environment() {
    let config = lines_of(
        "entrypoint: /usr/bin/redis-server --port 6379\n\
         net0: name=eth0,bridge=vmbr9,host-managed=1,hwaddr=bc:24:11:00:00:01,ip=10.1.2.3/24,gw=10.1.2.1,ip6=FD00::5/64,tag=7\n\
         net10: name=eth10,bridge=vmbr0,host-managed=1,hwaddr=BC:24:11:00:00:02,ip=dhcp,ip6=manual,mtu=1400\n\
         net2: name=eth2,bridge=vmbr0,host-managed=1,link_down=1,hwaddr=BC:24:11:00:00:03,ip=10.9.9.9/24\n\
         lxc.environment.runtime = A=1\nlxc.init.cwd: /data\n",
        &facts(),
    );
    let expected = "\
lxc.init.cmd = /usr/bin/redis-server --port 6379
lxc.net.0.type = veth
lxc.net.0.veth.pair = veth301i0
lxc.net.0.hwaddr = bc:24:11:00:00:01
lxc.net.0.name = eth0
lxc.net.0.mtu = 9000
lxc.net.0.script.up = /usr/share/lxc/lxcnetaddbr
lxc.net.0.ipv4.address = 10.1.2.3/24
lxc.net.0.ipv4.gateway = 10.1.2.1
lxc.net.0.ipv6.address = FD00::5/64
lxc.net.0.flags = up
lxc.net.10.type = veth
lxc.net.10.veth.pair = veth301i10
lxc.net.10.hwaddr = BC:24:11:00:00:02
lxc.net.10.name = eth10
lxc.net.10.mtu = 1400
lxc.net.10.script.up = /usr/share/lxc/lxcnetaddbr
lxc.net.10.flags = up
lxc.net.2.type = veth
lxc.net.2.veth.pair = veth301i2
lxc.net.2.hwaddr = BC:24:11:00:00:03
lxc.net.2.name = eth2
lxc.net.2.mtu = 1500
lxc.net.2.script.up = /usr/share/lxc/lxcnetaddbr
lxc.environment.runtime = A=1
lxc.init.cwd = /data
";
    assert!(config.ends_with(expected), "{config}");
    assert!(config.contains("lxc.mount.entry = shm dev/shm tmpfs rw,nosuid,nodev,create=dir 0 0\n"));
}

#[test]
fn example_9_devices() {
    let mut host = facts();
    let node = |kind, major, minor| DeviceNode { kind, major, minor };
    host.devices = [
        ("/dev/ttyUSB0".to_owned(), node(DeviceKind::Char, 188, 0)),
        ("/dev/sdq".to_owned(), node(DeviceKind::Block, 65, 0)),
        ("/dev/file".to_owned(), node(DeviceKind::Other, 0, 0)),
    ]
    .into();
    let config = lines_of("dev10: /dev/ttyUSB0,gid=20\ndev1: path=/dev/sdq,deny-write=1,mode=0640\n", &host);
    let expected = "\
lxc.cgroup2.devices.allow = b 65:0 r
lxc.cgroup2.devices.deny = b 65:0 w
lxc.cgroup2.devices.allow = c 188:0 rw
";
    assert!(config.contains(expected), "{config}");
    assert_eq!(error_of("dev0: /dev/nope\n", &host), "Device /dev/nope does not exist");
    assert_eq!(error_of("dev0: /dev/file\n", &host), "/dev/file is not a device");
    assert_eq!(error_of("dev0: mode=0660\n", &host), "Path is not defined for passthrough device dev0");
    host.home = HomeKind::Standalone;
    host.controllers_v1 = vec!["devices".into()];
    assert!(lines_of("dev0: /dev/ttyUSB0\n", &host).contains("lxc.cgroup.devices.allow = c 188:0 rw\n"));
}

#[test]
fn in_the_standalone_home_liblxc_mounts_the_nodes() {
    let mut host = standalone();
    let node = |minor| DeviceNode { kind: DeviceKind::Char, major: 188, minor };
    host.devices = [("/dev/ttyUSB0".to_owned(), node(0)), ("/dev/odd name\\1".to_owned(), node(1))].into();
    let text = format!("{BASE}dev10: /dev/ttyUSB0,gid=20\ndev1: /dev/odd name\\1,deny-write=1\n");
    let config = run(&text, &host).unwrap();
    let entries: Vec<_> = config.values("lxc.mount.entry").collect();
    assert_eq!(
        entries,
        [
            "/var/lib/pct/lxc/301/devices/dev1 dev/odd\\040name\\1341 none bind,create=file 0 0",
            "/var/lib/pct/lxc/301/devices/dev10 dev/ttyUSB0 none bind,create=file 0 0",
        ]
    );
    // There the guest's own folder is mounted on.
    let config = run(&format!("{text}lxc.autodev: 0\n"), &host).unwrap();
    assert_eq!(config.values("lxc.mount.entry").count(), 0);
    assert!(config.warnings.contains(&"'/dev/ttyUSB0' is not made: lxc.autodev is 0".to_owned()), "{config}");

    host.quota_devices = ["dm-3", "mapper/vg-lv"]
        .map(|name| QuotaDevice { name: name.to_owned(), major: 254, minor: 3 })
        .into();
    let config = run(BASE, &host).unwrap();
    assert_eq!(
        config.values("lxc.mount.entry").collect::<Vec<_>>(),
        [
            "/var/lib/pct/lxc/301/devices/quota0 dev/dm-3 none bind,create=file 0 0",
            "/var/lib/pct/lxc/301/devices/quota1 dev/mapper/vg-lv none bind,create=file 0 0",
        ]
    );
    assert!(config.values("lxc.cgroup.devices.allow").any(|rule| rule == "b 254:3 rwm"), "{config}");
    let names: Vec<_> = nodes(&Section::default(), &host).into_iter().map(|node| node.name).collect();
    assert_eq!(names, ["quota0", "quota1"]);
}

#[test]
fn example_10_fewer_cpus_than_cores() {
    let mut host = facts();
    host.cpus = "0,2,3,7".into();
    assert!(lines_of("cores: 16\n", &host).ends_with("lxc.cgroup2.cpuset.cpus = 0,2-3,7\n"));
    let raw = lines_of("cores: 2\nlxc.cgroup2.cpuset.cpus: 4-5\n", &host);
    assert_eq!(raw.matches("cpuset.cpus").count(), 1);
}

/// As the spec has it: a container of examples 7 to 13, from the line after the AppArmor ones on.
fn legacy(more: &str, facts: &HostFacts) -> String {
    let text = format!("arch: arm64\nostype: unmanaged\nunprivileged: 1\nrootfs: tank:x,size=4G\n{more}");
    let config = run(&text, facts).unwrap().to_string();
    let start = config.find("lxc.mount.auto = sys:mixed\n").unwrap();
    config[start..].to_owned()
}

const LEGACY: &str = "memory: 512\ncpulimit: 2\ncpuunits: 1\ncores: 2\nconsole: 0\n";

#[test]
fn example_12_a_legacy_host() {
    let mut host = standalone();
    host.home = HomeKind::Pve;
    host.cpus = "4,7".into();
    let expected = "\
lxc.mount.auto = sys:mixed
lxc.monitor.unshare = 1
lxc.idmap = u 0 100000 65536
lxc.idmap = g 0 100000 65536
lxc.console.path = none
lxc.cgroup2.devices.deny = c 5:1 rwm
lxc.tty.max = 2
lxc.environment = TERM=linux
lxc.uts.name = CT301
lxc.rootfs.path = /var/lib/lxc/301/rootfs
lxc.cgroup.cpuset.cpus = 4,7
";
    assert_eq!(legacy(LEGACY, &host), expected);
    host.cgroup = CgroupLayout::V1;
    assert_eq!(legacy(LEGACY, &host), expected.replace("lxc.cgroup2.devices.deny = c 5:1 rwm\n", ""));
}

#[test]
fn example_12_in_the_standalone_home_is_as_it_was_before_6_1_6() {
    let mut host = standalone();
    host.cpus = "4,7".into();
    let expected = "\
lxc.mount.auto = sys:mixed
lxc.monitor.unshare = 1
lxc.idmap = u 0 100000 65536
lxc.idmap = g 0 100000 65536
lxc.console.path = none
lxc.cgroup.devices.deny = c 5:1 rwm
lxc.tty.max = 2
lxc.environment = TERM=linux
lxc.uts.name = CT301
lxc.cgroup.memory.limit_in_bytes = 536870912
lxc.cgroup.memory.memsw.limit_in_bytes = 536870912
lxc.cgroup.cpu.cfs_period_us = 100000
lxc.cgroup.cpu.cfs_quota_us = 200000
lxc.cgroup.cpu.shares = 2
lxc.rootfs.path = /var/lib/pct/lxc/301/rootfs
lxc.cgroup.cpuset.cpus = 4,7
lxc.hook.post-stop = /usr/libexec/pct/pct-helper hook
";
    for layout in [CgroupLayout::Hybrid, CgroupLayout::V1] {
        host.cgroup = layout;
        assert_eq!(legacy(LEGACY, &host), expected);
    }
    host.liblxc = Version(7, 0);
    let config = run(&format!("{BASE}{LEGACY}"), &host).unwrap();
    assert!(!config.to_string().contains("memory") && !config.to_string().contains("cpu"), "{config}");
    assert_eq!(config.warnings.len(), 3, "{:?}", config.warnings);
    let quiet = run(BASE, &host).unwrap();
    assert_eq!(quiet.warnings.len(), 1, "only memory has a limit: {:?}", quiet.warnings);
}

#[test]
fn limits_of_version_1_have_their_defaults_and_bounds() {
    let mut host = standalone();
    let lines = lines_of("swap: 256\ncpulimit: 0.29\n", &host);
    for line in [
        "lxc.cgroup.memory.limit_in_bytes = 536870912\n",
        "lxc.cgroup.memory.memsw.limit_in_bytes = 805306368\n",
        "lxc.cgroup.cpu.cfs_quota_us = 28999\n",
        "lxc.cgroup.cpu.shares = 1024\n",
    ] {
        assert!(lines.contains(line), "{line}\n{lines}");
    }
    assert!(!lines.contains(".high") && !lines_of("cpulimit: 0\n", &host).contains("cfs"));
    assert!(lines_of("cpuunits: 500000\n", &host).contains("lxc.cgroup.cpu.shares = 500000\n"));
    assert!(lines_of("memory: 131072\n", &host).contains("limit_in_bytes = 137438953472\n"));
    let own = lines_of("cores: 2\nlxc.cgroup.cpuset.cpus: 5\n", &host);
    assert_eq!(own.matches("cpuset.cpus").count(), 1, "{own}");
    host.swap_limit = false;
    assert!(!lines_of("swap: 256\n", &host).contains("memsw"));
}

#[test]
fn controllers_of_both_versions_are_told_apart_one_by_one() {
    let mut host = standalone();
    host.controllers = vec!["memory".into()];
    host.controllers_v1 = vec!["cpu".into(), "cpuset".into()];
    let config = run(
        &format!("{BASE}cores: 1\ncpulimit: 1\nconsole: 0\nlxc.cgroup.memory.x: 1\nlxc.cgroup2.cpu.x: 1\nlxc.cgroup2.memory.x: 1\n"),
        &host,
    )
    .unwrap();
    let lines = config.to_string();
    for line in [
        "lxc.cgroup2.memory.max = ",
        "lxc.cgroup.cpu.shares = ",
        "lxc.cgroup.cpuset.cpus = ",
        "lxc.cgroup2.devices.deny = ",
    ] {
        assert!(lines.contains(line), "{line}\n{lines}");
    }
    assert!(!lines.contains("lxc.cgroup.memory.limit"), "{lines}");
    assert_eq!(
        config.warnings,
        [
            "'lxc.cgroup.memory.x' has no effect: the controller 'memory' is one of cgroup v2 on this host, write 'lxc.cgroup2.memory.…'",
            "'lxc.cgroup2.cpu.x' has no effect: the controller 'cpu' is one of cgroup v1 on this host, write 'lxc.cgroup.cpu.…'",
        ]
    );
}

#[test]
fn raw_lines_come_after_what_they_override_and_before_the_cpus() {
    for host in [facts(), standalone()] {
        let config = lines_of(
            "memory: 64\ntty: 1\ncores: 1\nlxc.tty.max: 5\nlxc.cgroup2.memory.max: 1\nlxc.tty.max: 6\n",
            &host,
        );
        let at = |line: &str| config.find(line).unwrap_or_else(|| panic!("{line}\n{config}"));
        let order = [
            "lxc.tty.max = 1\n",
            "lxc.rootfs.path",
            "lxc.tty.max = 5\nlxc.cgroup2.memory.max = 1\nlxc.tty.max = 6\n",
            "cpuset.cpus = ",
        ];
        assert!(order.windows(2).all(|pair| at(pair[0]) < at(pair[1])), "{config}");
    }
}

#[test]
fn example_13_edges() {
    let config = lines_of("cpulimit: 0.29\ncpuunits: 0\n", &facts());
    assert!(config.contains("lxc.cgroup2.cpu.max = 28999 100000\n"));
    // Deliberately not the original's: see docs on cpuunits 0 and cpulimit 0.0.
    assert!(config.contains("lxc.cgroup2.cpu.weight = 1\n"));
    assert!(!lines_of("cpulimit: 0.0\n", &facts()).contains("cpu.max"));
    assert_eq!(
        error_of("net0: name=eth0,bridge=vmbr0,mtu=9000\n", &facts()),
        "net0: MTU size '9000' is bigger than bridge MTU '1500'"
    );
    assert_eq!(
        error_of("net0: name=eth0,bridge=vmbr0,host-managed=1,ip6=auto\n", &facts()),
        "net0: SLAAC is not supported for host-managed network configuration"
    );
    assert_eq!(error_of("net0: name=eth0\n", &facts()), "bridge '' does not exist");
}

#[test]
fn a_template_has_no_file() {
    let config = run("template: 1\n", &facts()).unwrap();
    assert!(config.removed && config.lines.is_empty());
}

#[test]
fn needed_keys_are_asked_for() {
    for (text, error) in [
        ("ostype: debian\n", "missing 'arch' - internal error"),
        ("arch: amd64\n", "missing 'ostype' - internal error"),
        ("arch: amd64\nostype: debian\n", "missing 'rootfs' configuration"),
    ] {
        assert_eq!(run(text, &facts()).unwrap_err().to_string(), error);
    }
}

#[test]
fn the_standalone_home_plugs_and_hooks_by_itself() {
    let config = lines_of(
        "net0: name=eth0,bridge=vmbr0\nnet1: name=eth1,bridge=vmbr0,link_down=1\n\
         lxc.environment.runtime: A=1\nlxc.hook.post-stop =\n",
        &standalone(),
    );
    assert!(config.contains("lxc.net.0.link = vmbr0\n") && !config.contains("lxc.net.1.link"));
    assert!(!config.contains("net.0.script.up") && !config.contains("apparmor"));
    assert!(config.contains("lxc.environment = A=1\n") && !config.contains("environment.runtime"));
    assert!(config.contains("lxc.rootfs.path = /var/lib/pct/lxc/301/rootfs\n"));
    assert!(
        config.ends_with("lxc.hook.post-stop = \nlxc.environment = A=1\nlxc.hook.post-stop = /usr/libexec/pct/pct-helper hook\n")
    );
}

#[test]
fn what_liblxc_cannot_plug_is_for_the_helper() {
    let script = |more: &str, host: &HostFacts| {
        let config = run(&format!("{BASE}net0: name=eth0,bridge=vmbr0{more}\n"), host).unwrap();
        assert!(config.warnings.is_empty(), "{:?}", config.warnings);
        let links = config.values("lxc.net.0.link").count();
        let script: Vec<_> = config.values("lxc.net.0.script.up").map(str::to_owned).collect();
        assert!(links + script.len() <= 1);
        script.into_iter().next()
    };
    for (more, port) in [
        (",tag=5", "vmbr0,tag=5"),
        (",trunks=5;6", "vmbr0,trunks=5+6"),
        (",rate=0.5", "vmbr0,rate=524288"),
        (",firewall=1", "vmbr0,firewall"),
        (",link_down=1", "vmbr0,down"),
        (",mtu=1400", "vmbr0"),
        (",tag=7,trunks=8,rate=1,firewall=1,mtu=1400", "vmbr0,tag=7,trunks=8,rate=1048576,firewall"),
    ] {
        let expected = format!("/usr/libexec/pct/pct-helper plug {port}");
        assert_eq!(script(more, &standalone()), Some(expected));
        // On a Proxmox VE host the script is that of the host.
        assert_eq!(script(more, &facts()).unwrap(), "/usr/share/lxc/lxcnetaddbr");
    }
    for more in ["", ",firewall=0,rate=0,link_down=0", ",mtu=1500"] {
        assert_eq!(script(more, &standalone()), None);
    }
    // A bridge that tells VLANs apart lets none pass unless told.
    let mut aware = standalone();
    aware.vlan_aware.insert("vmbr0".to_owned());
    assert_eq!(script("", &aware).unwrap(), "/usr/libexec/pct/pct-helper plug vmbr0");
    let bad = format!("{BASE}net0: name=eth0,bridge=vmbr0,trunks=1;5000\n");
    let error = run(&bad, &standalone()).unwrap_err().to_string();
    assert_eq!(error, "net0: '5000' is no VLAN: they go from 1 to 4094");
}

#[test]
fn the_host_leases_addresses_by_a_hook() {
    let hooks = |net: &str, host: &HostFacts| -> Vec<String> {
        let config = run(&format!("{BASE}net0: name=eth0,bridge=vmbr0,{net}\n"), host).unwrap();
        config.values("lxc.hook.start-host").map(str::to_owned).collect()
    };
    let v4 = "/usr/libexec/pct/pct-helper dhcp-hook 4 eth0";
    let v6 = "/usr/libexec/pct/pct-helper dhcp-hook 6 eth0";
    assert_eq!(hooks("ip=dhcp,ip6=dhcp,host-managed=1", &standalone()), [v4, v6]);
    assert_eq!(hooks("ip=192.0.2.2/24,ip6=dhcp,host-managed=1", &standalone()), [v6]);
    for nothing in ["ip=dhcp", "ip=manual,host-managed=1", "ip=dhcp,host-managed=1,link_down=1"] {
        assert!(hooks(nothing, &standalone()).is_empty());
    }
    assert!(hooks("ip=dhcp,host-managed=1", &facts()).is_empty());
}

#[test]
fn the_standalone_home_refuses_what_would_be_unsafe() {
    for path in ["/opt/my pct/helper", "/opt/$(x)", "helper", "/a;b", "/a\nb"] {
        let mut host = standalone();
        host.helper = Some(path.into());
        assert!(matches!(run(BASE, &host).unwrap_err(), TranslateError::UnsafeHookPath(_)));
    }
    let mut bare = standalone();
    bare.lxc_includes.clear();
    assert!(matches!(run(BASE, &bare).unwrap_err(), TranslateError::MissingInclude(_)));
    let mknod = format!("{BASE}unprivileged: 1\nfeatures: mknod=1\n");
    assert!(matches!(run(&mknod, &standalone()).unwrap_err(), TranslateError::NoSyscalld));
}
