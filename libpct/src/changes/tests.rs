use std::collections::BTreeMap;

use super::*;
use crate::{
    config::{Config, Vmid},
    facts::{CgroupLayout, DeviceKind, DeviceNode, HomeKind, HostFacts, Version},
};

fn vmid() -> Vmid {
    Vmid::new(200).unwrap()
}

fn host() -> HostFacts {
    let mut host = HostFacts::new(HomeKind::Pve, Version(6, 0), CgroupLayout::V2);
    host.bridges = BTreeMap::from([("br0".to_owned(), 1500)]);
    for (path, kind) in [("/dev/fuse", DeviceKind::Char), ("/dev/shm", DeviceKind::Other)] {
        host.devices.insert(path.to_owned(), DeviceNode { kind, major: 10, minor: 229 });
    }
    host
}

/// Storage `a1` holds containers, `iso` does not. Volumes are of 3 GiB, those called `gone` are missing, `stuck` ones
/// cannot be freed, those of `other` belong to somebody else.
#[derive(Default)]
struct Told {
    /// What was done, in order.
    done: Vec<String>,
}

impl Volumes for Told {
    fn holds_containers(&mut self, storage: &str) -> Result<bool, String> {
        match storage {
            "a1" => Ok(true),
            "iso" => Ok(false),
            other => Err(format!("storage '{other}' does not exist")),
        }
    }

    fn script(&mut self, script: &VolumeId) -> Result<Script, String> {
        Ok(match script.name.as_str() {
            "snippets/good" => Script::Executable,
            "snippets/plain" => Script::NotExecutable,
            name if name.starts_with("snippets/") => Script::Missing,
            _ => Script::NoSnippet,
        })
    }

    fn allocate(&mut self, point: &MountPoint) -> Result<MountPoint, String> {
        self.done.push(format!("allocate {}", point.volume));
        let volume = "a1:new".parse().unwrap();
        Ok(MountPoint { volume, size: Some(Size::from_bytes(1 << 30)), ..point.clone() })
    }

    fn size(&mut self, volume: &VolumeId) -> Result<Size, String> {
        if volume.name == "gone" { Err("no such volume".to_owned()) } else { Ok(Size::from_bytes(3 << 30)) }
    }

    fn free(&mut self, volume: &VolumeId) -> Result<bool, String> {
        self.done.push(format!("free {volume}"));
        if volume.name == "stuck" { Err("it is busy".to_owned()) } else { Ok(volume.name != "other") }
    }
}

impl Running for Told {
    fn enforce(&mut self, limit: Limit, section: &Section) -> Result<(), String> {
        let value = |key| section.get(key).unwrap_or("-");
        self.done.push(match limit {
            Limit::Cores => format!("cores {}", value("cores")),
            Limit::CpuLimit => format!("cpulimit {}", value("cpulimit")),
            Limit::CpuUnits => format!("cpuunits {}", value("cpuunits")),
            Limit::Memory => format!("memory {} {}", value("memory"), value("swap")),
        });
        if section.get("cpulimit") == Some("8000") { Err("too much".to_owned()) } else { Ok(()) }
    }

    fn network(&mut self, index: u16, old: Option<&NetIf>, new: Option<&NetIf>) -> Result<(), String> {
        let name = |net: Option<&NetIf>| net.map_or("-".to_owned(), |net| net.name.clone());
        self.done.push(format!("net{index} {} to {}", name(old), name(new)));
        Ok(())
    }

    fn mount(&mut self, index: u16, point: &MountPoint, _: &Section) -> Result<(), String> {
        self.done.push(format!("mount mp{index} {}", point.volume));
        Ok(())
    }

    /// What is mounted at `/busy` is in use.
    fn unmount(&mut self, index: u16, point: &MountPoint, _: &Section) -> Result<bool, String> {
        self.done.push(format!("unmount mp{index} {}", point.volume));
        Ok(point.mp.as_deref() != Some("/busy"))
    }

    fn add_device(&mut self, index: u16, device: &Device, _: &Section) -> Result<(), String> {
        self.done.push(format!("add dev{index} {}", device.path));
        Ok(())
    }

    fn remove_device(&mut self, index: u16, device: &Device, _: &Section) -> Result<(), String> {
        self.done.push(format!("remove dev{index} {}", device.path));
        Ok(())
    }
}

/// `key=value` sets, `-key` deletes, `~key` reverts.
fn changes(words: &[&str]) -> Changes {
    let mut changes = Changes::default();
    for word in words {
        match (word.strip_prefix('-'), word.strip_prefix('~')) {
            (Some(key), _) => changes.delete.push(key.to_owned()),
            (_, Some(key)) => changes.revert.push(key.to_owned()),
            _ => {
                let (key, value) = word.split_once('=').unwrap();
                changes.set.push((key.to_owned(), value.to_owned()));
            }
        }
    }
    changes
}

struct Outcome {
    file: String,
    done: Vec<String>,
    warnings: Vec<String>,
    failures: Vec<(String, String)>,
}

fn outcome(input: &str, words: &[&str], is_running: bool) -> Result<Outcome, ChangeError> {
    let mut config = Config::parse(input.as_bytes(), vmid()).config;
    let (changes, host, mut told, mut live) = (changes(words), host(), Told::default(), Told::default());
    changes.check()?;
    let staged = stage(&mut config, &changes, vmid(), &host, &mut told)?;
    let applied = match is_running {
        true => apply_running(&mut config, &staged.keys, vmid(), &host, &mut told, &mut live),
        false => apply_stopped(&mut config, Some(&staged.keys), vmid(), &host, &mut told),
    };
    let file = String::from_utf8(config.to_bytes().unwrap()).unwrap();
    let warnings = staged.warnings.into_iter().chain(applied.warnings).collect();
    let done = live.done.into_iter().chain(told.done).collect();
    Ok(Outcome { file, done, warnings, failures: applied.failures })
}

fn stopped(input: &str, words: &[&str]) -> Outcome {
    outcome(input, words, false).unwrap()
}

fn running(input: &str, words: &[&str]) -> Outcome {
    outcome(input, words, true).unwrap()
}

fn refused(input: &str, words: &[&str]) -> String {
    outcome(input, words, false).map(|outcome| outcome.file).unwrap_err().to_string()
}

const MAIN: &str = "cpulimit: 2\nmemory: 512\nmp0: a1:m0,mp=/x\nnet0: name=a,hwaddr=02:00:00:00:00:01,type=veth\n\
                    net12: name=b,hwaddr=02:00:00:00:00:02,type=veth\nswap: 512\nunused3: a1:u3\n";

#[test]
fn removed_volumes_become_unused_and_unused_ones_are_freed() {
    let Outcome { file, done, warnings, .. } = stopped(MAIN, &["-mp0", "-unused3", "-net12", "-tty"]);
    assert_eq!(
        file,
        "cpulimit: 2\nmemory: 512\nnet0: name=a,hwaddr=02:00:00:00:00:01,type=veth\nswap: 512\nunused0: a1:m0\n"
    );
    assert_eq!(done, ["free a1:u3"]);
    assert_eq!(warnings, ["cannot delete 'tty' - not set in current configuration!"]);
}

#[test]
fn a_replaced_volume_becomes_unused_and_sizes_are_those_of_the_storage() {
    let words = ["mp0=a1:mX,mp=/x,size=1G", "nameserver=1.1.1.1, 8.8.8.8", "tags=B;a,b"];
    let Outcome { file, .. } = stopped("mp0: a1:m0,mp=/x\n", &words);
    assert_eq!(file, "mp0: a1:mX,mp=/x,size=3G\nnameserver: 1.1.1.1 8.8.8.8\ntags: a;b\nunused0: a1:m0\n");
    let Outcome { file, warnings, .. } = stopped("", &["mp1=a1:gone,mp=/y,size=1G"]);
    assert_eq!(file, "mp1: a1:gone,mp=/y\n");
    assert_eq!(warnings, ["the size of volume 'a1:gone' is not known: no such volume"]);
    let Outcome { file, done, .. } = stopped("", &["mp1=a1:8,mp=/y,backup=1"]);
    assert_eq!((file.as_str(), done), ("mp1: a1:new,mp=/y,backup=1,size=1G\n", vec!["allocate a1:8".into()]));
}

#[test]
fn a_running_container_is_told_its_limits_and_the_rest_waits() {
    let words =
        ["memory=1024", "swap=0", "hostname=h2", "cpuunits=50", "nameserver=1.1.1.1", "mp0=a1:mX,mp=/x"];
    let Outcome { file, done, .. } = running("memory: 512\nmp0: a1:m0,mp=/x\nswap: 512\n", &words);
    assert_eq!(done, ["cpuunits 50", "memory 1024 0"]);
    assert_eq!(
        file,
        "cpuunits: 50\nhostname: h2\nmemory: 1024\nmp0: a1:m0,mp=/x\nswap: 0\n\n\
         [pve:pending]\nmp0: a1:mX,mp=/x\nnameserver: 1.1.1.1\n"
    );
    let Outcome { file, done, .. } = running(MAIN, &["-mp0", "-unused3", "-net12", "-swap", "-cpulimit"]);
    let told = ["cpulimit -", "unmount mp0 a1:m0", "net12 b to -", "memory 512 -", "free a1:u3"];
    assert_eq!(done, told);
    assert_eq!(file, "memory: 512\nnet0: name=a,hwaddr=02:00:00:00:00:01,type=veth\nunused0: a1:m0\n");
}

#[test]
fn what_is_plugged_into_a_running_container_is_current_at_once() {
    let before =
        "dev0: /dev/fuse\nmp0: /a,mp=/busy\nmp1: /b,mp=/b\nnet0: name=a,hwaddr=02:00:00:00:00:01,type=veth\n";
    let words = [
        "net0=name=b,hwaddr=02:00:00:00:00:01",
        "mp2=a1:8,mp=/c",
        "dev1=/dev/fuse,mode=0600",
        "mp1=/x,mp=/b",
    ];
    let Outcome { file, done, .. } = running(before, &words);
    assert_eq!(done, ["add dev1 /dev/fuse", "mount mp2 a1:new", "net0 a to b", "allocate a1:8"]);
    assert_eq!(
        file,
        "dev0: /dev/fuse\ndev1: /dev/fuse,mode=0600\nmp0: /a,mp=/busy\nmp1: /b,mp=/b\nmp2: a1:new,mp=/c,size=1G\n\
         net0: name=b,hwaddr=02:00:00:00:00:01,type=veth\n\n[pve:pending]\nmp1: /x,mp=/b\n"
    );
    let Outcome { file, done, warnings, .. } = running(before, &["-dev0", "-mp0", "-mp1", "-net0"]);
    assert_eq!(done, ["remove dev0 /dev/fuse", "unmount mp0 /a", "unmount mp1 /b", "net0 a to -"]);
    assert_eq!(warnings, ["'mp0' is in use, it is removed at the next start"]);
    assert_eq!(file, "mp0: /a,mp=/busy\n\n[pve:pending]\ndelete: mp0\n");
}

#[test]
fn after_a_failure_no_volume_is_freed() {
    let Outcome { done, failures, .. } = running(MAIN, &["cpulimit=8000", "-unused3"]);
    assert_eq!(done, ["cpulimit 8000"]);
    assert_eq!(failures, [("cpulimit".to_owned(), "too much".to_owned())]);
    let Outcome { failures, done, .. } =
        stopped("unused0: a1:stuck\nunused1: a1:other\n", &["-unused0", "-unused1"]);
    assert_eq!(failures, [("unused0".to_owned(), "it is busy".to_owned())]);
    assert_eq!(done, ["free a1:stuck", "free a1:other"]);
}

#[test]
fn a_volume_that_something_else_names_is_kept() {
    for other in [
        "mp1: a1:u,mp=/y\n",
        "unused5: a1:u\n",
        "\n[pve:pending]\nmp7: a1:u,mp=/q\n",
        "\n[s1]\nmp7: a1:u,mp=/q\n",
    ] {
        let Outcome { done, .. } = stopped(&format!("unused0: a1:u\n{other}"), &["-unused0"]);
        assert!(done.is_empty(), "{other}");
    }
    let Outcome { warnings, .. } = stopped("unused0: a1:other\n", &["-unused0"]);
    assert_eq!(warnings, ["ignore deletion of 'a1:other', CT 200 isn't the owner!"]);
}

#[test]
fn a_pending_change_is_dropped_by_its_revert_by_another_one_and_by_what_it_says() {
    let waiting = "tty: 2\n\n[pve:pending]\ncmode: shell\ndelete: mp0,cmode\nnameserver: 1.1.1.1\ntty: 4\n";
    assert_eq!(
        stopped(waiting, &["~tty", "~mp0"]).file,
        "tty: 2\n\n[pve:pending]\ncmode: shell\nnameserver: 1.1.1.1\n"
    );
    assert_eq!(running("cpulimit: 2\n", &["cpulimit=2"]).file, "cpulimit: 2\n");
    assert_eq!(running("", &["console=1"]).file, "\n[pve:pending]\nconsole: 1\n");
    assert_eq!(
        running("tty: 2\n\n[pve:pending]\ntty: 4\n", &["-tty"]).file,
        "tty: 2\n\n[pve:pending]\ndelete: tty\n",
        "the value does not come back after its removal"
    );
    assert_eq!(running("\n[pve:pending]\ntty: 4\n", &["-tty"]).file, "");
    assert_eq!(
        running("tty: 2\n\n[pve:pending]\ndelete: tty\n", &["tty=3"]).file,
        "tty: 2\n\n[pve:pending]\ntty: 3\n"
    );
}

#[test]
fn an_empty_text_is_a_removal() {
    assert_eq!(stopped("tags: a\nfeatures: nesting=1\n", &["tags=", "features="]).file, "");
    assert_eq!(
        running("features: nesting=1\n", &["features="]).file,
        "features: nesting=1\n\n[pve:pending]\ndelete: features\n"
    );
    let Outcome { file, warnings, .. } = stopped("", &["tags="]);
    assert!(file.is_empty() && warnings.is_empty());
}

#[test]
fn at_a_start_what_cannot_be_applied_waits_on() {
    let input = "memory: 512\nunused0: a1:stuck\n\n[pve:pending]\ndelete: unused0\nmemory: 64\nmp1: nonsense\nnet0: name=a\n";
    let mut config = Config::parse(input.as_bytes(), vmid()).config;
    let applied = apply_stopped(&mut config, None, vmid(), &host(), &mut Told::default());
    let keys: Vec<_> = applied.failures.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(keys, ["mp1", "unused0"]);
    let file = String::from_utf8(config.to_bytes().unwrap()).unwrap();
    let (main, pending) = file.split_once("\n[pve:pending]\n").unwrap();
    assert!(
        main.starts_with("memory: 64\nnet0: name=a,hwaddr=BC:24:11:") && main.contains("unused0: a1:stuck"),
        "{main}"
    );
    assert_eq!(pending, "delete: unused0\nmp1: nonsense\n");
}

#[test]
fn the_rules_beyond_the_key_table_refuse() {
    for (input, words, text) in [
        ("", &["-memory"][..], "unable to delete required option 'memory'"),
        ("unprivileged: 1\n", &["-unprivileged"], "unable to delete read-only option: 'unprivileged'"),
        ("", &["unprivileged=0"], "unable to modify read-only option: 'unprivileged'"),
        (
            "protection: 1\nmp0: /a,mp=/a\n",
            &["-mp0"],
            "can't remove CT 200 drive 'mp0' - protection mode enabled",
        ),
        (
            "protection: 1\n",
            &["protection=0", "rootfs=a1:x"],
            "can't update CT 200 drive 'rootfs' - protection mode enabled",
        ),
        ("", &["mp0=iso:x,mp=/x"], "storage 'iso' does not allow content type 'rootdir' (Container)"),
        ("", &["mp0=none:x,mp=/x"], "storage 'none' does not exist"),
        (
            "",
            &["mp0=/a,mp=/x,idmap=u:0:0:10;u:5:50:1"],
            "invalid map entry 'u 5 50 1': container uid 5 is also mapped by entry 'u 0 0 10'",
        ),
        ("", &["net0=name=a,bridge=br0,mtu=9000"], "net0: MTU size '9000' is bigger than bridge MTU '1500'"),
        ("", &["net0=name=a,bridge=br1,mtu=1400"], "bridge 'br1' does not exist"),
        (
            "",
            &["net0=name=a,host-managed=1,ip6=auto"],
            "net0: SLAAC is not supported for host-managed network configuration.",
        ),
        ("", &["dev0=mode=0600"], "Path has to be defined"),
        ("", &["dev0=/dev/none"], "Device /dev/none does not exist"),
        ("", &["dev0=/dev/shm"], "/dev/shm is not a device"),
        ("", &["hookscript=a1:snippets/none"], "script 'a1:snippets/none' does not exist"),
        ("", &["hookscript=a1:snippets/plain"], "script 'a1:snippets/plain' is not executable"),
        ("", &["hookscript=a1:iso/x"], "'a1:iso/x' is not in the snippets directory"),
        ("", &[], "no options specified"),
    ] {
        // What is refused to be removed has to be there.
        let input = if words == ["-memory"] { "memory: 512\n" } else { input };
        assert_eq!(refused(input, words), text);
    }
    assert_eq!(stopped("", &["hookscript=a1:snippets/good"]).file, "hookscript: a1:snippets/good\n");
    assert!(stopped("", &["net0=name=a,ip6=auto,host-managed=1,link_down=1"]).failures.is_empty());
}

#[test]
fn a_key_is_known_and_asked_for_one_thing() {
    for (words, text) in [
        (&["-zzz"][..], "delete: unknown option 'zzz'"),
        (&["~net32"], "revert: unknown option 'net32'"),
        (&["memory=64", "~memory"], "revert: you can't use '-memory' and '-revert memory' at the same time"),
        (&["memory=64", "-memory"], "delete: you can't use '-memory' and -delete memory' at the same time"),
        (&["-tags", "~tags"], "delete: you can't use '-delete tags' and '-revert tags' at the same time"),
        (&["parent=x"], "parent: unknown option"),
        (
            &["memory=1", "cores=x"],
            "memory: value must have a minimum value of 16\ncores: type check ('integer') failed - got 'x'",
        ),
    ] {
        assert_eq!(refused("", words), format!("Parameter verification failed.\n{text}"));
    }
    assert_eq!(stopped("parent: s1\n", &["-parent"]).file, "");
}

#[test]
fn units_are_within_what_the_kernel_takes() {
    let kept = |value, cgroup| accepted("cpuunits", value, &HostFacts { cgroup, ..host() }).unwrap();
    for (value, v2, v1) in
        [("20000", "10000", "20000"), ("0", "0", "2"), ("0100", "0100", "0100"), ("+1", "+1", "2")]
    {
        assert_eq!(kept(value, CgroupLayout::V2), v2);
        assert_eq!(kept(value, CgroupLayout::V1), v1);
        assert_eq!(kept(value, CgroupLayout::Hybrid), v1);
    }
}

#[test]
fn an_interface_without_an_address_gets_one() {
    let Outcome { file, .. } =
        stopped("", &["net0=ip=dhcp,name=eth0", "net1=name=b,hwaddr=02:00:00:00:00:01"]);
    let (first, second) = file.split_once('\n').unwrap();
    assert!(
        first.starts_with("net0: name=eth0,hwaddr=BC:24:11:") && first.ends_with(",ip=dhcp,type=veth"),
        "{first}"
    );
    assert_eq!(second, "net1: name=b,hwaddr=02:00:00:00:00:01,type=veth\n");
}

#[test]
fn a_digest_of_another_state_is_refused() {
    let changes = |digest: &str| Changes { digest: Some(digest.to_owned()), ..Changes::default() };
    assert!(changes("").check_digest("abc").is_ok() && changes("abc").check_digest("abc").is_ok());
    assert!(matches!(changes("abd").check_digest("abc"), Err(ChangeError::Modified)));
}
