use super::*;
use crate::config::{ACCEPTED_RAW_KEYS, RENAMED_RAW_KEYS};

const VERSIONS: [Version; 3] = [Version(5, 0), Version(6, 0), LIBLXC_7];

fn why(version: Version, lines: &[(&str, &str)]) -> Option<String> {
    let mut reader = Reader::new(version, true);
    let refused = lines.iter().find_map(|(key, value)| reader.read(key, value).err())?;
    Some(match refused {
        Refusal::Key => "no such key".to_owned(),
        Refusal::Value(why) => why,
    })
}

#[test]
fn the_keys_are_sorted_for_the_search() {
    assert!(KEYS.is_sorted_by_key(|(key, _)| *key));
}

#[test]
fn every_raw_key_that_a_config_may_have_is_known_or_has_a_rule() {
    let by_rule = ["lxc.devtty.dir", "lxc.environment.hooks", "lxc.environment.runtime", "lxc.kmsg"];
    for key in ACCEPTED_RAW_KEYS.iter().filter(|key| !by_rule.contains(key)) {
        let known = |version| *key == "lxc.arch" || form(key, version).is_some();
        assert!(VERSIONS.into_iter().all(known), "{key}");
    }
    for (old, today) in RENAMED_RAW_KEYS {
        assert!(form(old, Version(5, 0)).is_none(), "{old}");
        match today.strip_prefix("lxc.net.INDEX.") {
            Some(rest) => assert_eq!(
                why(Version(5, 0), &[(&format!("lxc.net.0.{rest}"), "")]).as_deref(),
                Some("takes something from interface 0, which is not there yet")
            ),
            None => assert!(form(today, Version(5, 0)).is_some(), "{today}"),
        }
    }
}

#[test]
fn keys_come_and_go_with_versions() {
    for (key, value, known) in [
        ("lxc.cgroup.memory.limit_in_bytes", "1", [true, true, false]),
        ("lxc.cgroup.dir.monitor", "x", [true; 3]),
        ("lxc.environment.runtime", "A=1", [false, false, true]),
        ("lxc.arch", "loongarch64", [false, true, true]),
        ("lxc.arch", "riscv64", [true; 3]),
        ("lxc.arch", "", [false; 3]),
        ("lxc.cgroup2.", "1", [false; 3]),
        ("lxc.kmsg", "0", [false; 3]),
    ] {
        assert_eq!(VERSIONS.map(|version| why(version, &[(key, value)]).is_none()), known, "{key} = {value}");
    }
}

#[test]
fn values_have_the_forms_that_liblxc_loads() {
    for (key, good, bad) in [
        ("lxc.tty.max", "0 4 0x10 010 4294967295", "abc -1 08 4294967296 1k 0x"),
        ("lxc.start.order", "-1 +2 0", "-+1 x 2147483648"),
        ("lxc.autodev", "0 1", "2 on"),
        (
            "lxc.signal.halt",
            "SIGPWR sigusr1 15 SIGRTMIN+3 sigrtmax-30",
            "PWR SIG SIGFOO SIGRTMIN SIGRTMIN+31 -9",
        ),
        ("lxc.log.level", "debug WARN 0 8", "loud 9 +1"),
        ("lxc.environment", "A=1 A=", "PATH"),
        (
            "lxc.mount.auto",
            "proc sys:ro cgroup cgroup2:ro:force cgroup-full:rw:force shmounts:/x",
            "dev proc:ro cgroup2:rw cgroup:force:force shmounts: shmounts",
        ),
        ("lxc.prlimit.nofile", "1024 1024:4096 unlimited:unlimited -1 1:", "abc 1,2 1:x"),
        ("lxc.seccomp.notify.proxy", "unix:/x unix:@x", "/x unix: unix:x unix:/"),
        ("lxc.init.groups", "1,2 ,1", "1,x ,"),
        ("lxc.cgroup.dir", "a/b", "/a a/../b"),
        ("lxc.cgroup.dir.container.inner", "ns", "a/b . .. /a"),
        ("lxc.rootfs.path", "/a", "/a:b"),
        ("lxc.cap.drop", "sys_time 3 40", "SYS_TIME none 41"),
    ] {
        for value in good.split(' ') {
            assert_eq!(why(Version(5, 0), &[(key, value)]), None, "{key} = {value}");
        }
        for value in bad.split(' ') {
            assert!(why(Version(5, 0), &[(key, value)]).is_some(), "{key} = {value}");
        }
    }
    assert!(why(Version(5, 0), &[("lxc.idmap", "u 0 1 2")]).is_none());
    assert!(why(Version(5, 0), &[("lxc.mount.fstab", "")]).is_some());
    assert!(why(Version(5, 0), &[("lxc.uts.name", &"x".repeat(64))]).is_none());
    assert!(why(Version(5, 0), &[("lxc.uts.name", &"x".repeat(65))]).is_some());
}

#[test]
fn capabilities_are_dropped_or_kept_never_both() {
    let (drop, keep) = ("lxc.cap.drop", "lxc.cap.keep");
    let check = |lines: &[(&str, &str)]| why(Version(6, 0), lines).is_none();
    assert!(check(&[(keep, "net_admin"), (keep, "kill none")]));
    assert!(check(&[(drop, "kill"), (drop, ""), (keep, "kill"), (keep, ""), (drop, "kill")]));
    assert!(!check(&[(drop, "kill"), (keep, "kill")]) && !check(&[(keep, "kill"), (drop, "kill")]));
    let mut privileged = Reader::new(Version(6, 0), false);
    assert!(privileged.read(keep, "kill").is_err());
    privileged.go_blind();
    assert!(privileged.read(keep, "kill").is_ok());
    assert!(privileged.read("lxc.net.0.veth.mode", "router").is_ok());
    assert!(privileged.read("lxc.net.0.veth.mode", "x").is_err());
}

#[test]
fn keys_of_an_interface_need_its_type() {
    let check = |lines: &[(&str, &str)]| why(Version(6, 0), lines).is_none();
    assert!(check(&[("lxc.net.7.type", "phys"), ("lxc.net.7.link", "eth0"), ("lxc.net.7.type", "")]));
    assert!(check(&[("lxc.net.0.type", "veth"), ("lxc.net.0.veth.mode", "router"), ("lxc.net.0", "")]));
    assert!(!check(&[("lxc.net.0.veth.mode", "router")]));
    assert!(!check(&[("lxc.net.0.type", "phys"), ("lxc.net.0.veth.mode", "router")]));
    for (key, value) in [
        ("lxc.net.", "z"),
        ("lxc.net.x.type", "veth"),
        ("lxc.net.0.type", "ethernet"),
        ("lxc.net.0.nothing", "1"),
        ("lxc.net.0", "1"),
        ("lxc.net.2147483647.type", "veth"),
        ("lxc.net.0.link", "longer-than-15-bytes"),
        ("lxc.net.0.ipv4.address", "10.0.0.300"),
        ("lxc.net.0.ipv4.gateway", "10.0.0.1/24"),
        ("lxc.net.0.ipv6.address", "10.0.0.1"),
        ("lxc.net.0.l2proxy", "2"),
    ] {
        assert!(!check(&[(key, value)]), "{key} = {value}");
    }
    for (key, value) in [
        ("lxc.net.3.ipv4.address", "10.0.0.1/24 10.0.0.255"),
        ("lxc.net.3.ipv6.address", "fd00::1/64"),
        ("lxc.net.3.ipv4.gateway", "auto"),
        ("lxc.net.3.hwaddr", "00:16:3e:xx:xx:xx"),
    ] {
        assert!(check(&[(key, value)]), "{key} = {value}");
    }
}

#[test]
fn quotes_keep_what_liblxc_would_take_away() {
    for value in ["a", "", "\"a\"", "'a", " a", "a\t", "\"a\" 'b'", "\"", "'\"a\"'", "a \"b\""] {
        assert_eq!(as_read(&quoted(value)), value);
    }
    assert_eq!(quoted("/bin/sh -c \"a\""), "/bin/sh -c \"a\"");
    assert_eq!(quoted("\"/my app\" \"x\""), "\"\"/my app\" \"x\"\"");
}
