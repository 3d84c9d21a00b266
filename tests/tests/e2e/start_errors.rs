//! A start that fails says why and what to do, and leaves the host as it was.

use std::fs;
use std::time::Duration;

use pct_tests::archive::Compression;
use pct_tests::busybox::Busybox;
use pct_tests::{Bridge, Ct, Host, busybox, require_root, wait};

/// Fails to start with every word of `cause` and one of the `remedies`.
#[track_caller]
fn fails(ct: &Ct<'_>, cause: &[&str], remedies: &[&str]) {
    let before = ct.host().state();
    let out = ct.pct("start", &[]).output().fails();
    let said = out.both().to_lowercase();
    for word in cause {
        assert!(said.contains(&word.to_lowercase()), "the cause {word:?} is not named\n{}", out.both());
    }
    let helps = remedies.iter().any(|r| said.contains(&r.to_lowercase()));
    assert!(helps, "nothing of {remedies:?} tells what to do\n{}", out.both());
    assert_eq!(ct.status(), "stopped");
    let kinds = ["mount", "loop", "link", "cgroup", "process"];
    before.only(&kinds).assert_same(&ct.host().state().only(&kinds), "after a failed start");
}

#[test]
fn a_missing_bridge_is_named() {
    require_root!();
    let host = Host::new();
    // An image, so that something is to be taken back.
    let ct = host.busybox(&["--rootfs", "local:1", "--net0", "name=eth0,bridge=pctbrnone,ip=manual"]);
    fails(&ct, &["pctbrnone", "does not exist"], &["ip link add", "create the bridge", "create it", "net0"]);
}

#[test]
fn a_bridge_that_cannot_do_what_is_asked_is_named() {
    require_root!("ip");
    let host = Host::new();
    let bridge = Bridge::new(host.ct().vmid);
    let name = &bridge.name;
    let ct = host.busybox(&["--net0", &format!("name=eth0,bridge={name},ip=manual,tag=5,firewall=1,rate=1")]);
    let cause = format!("no physical interface on bridge '{name}'");
    fails(&ct, &[&format!("veth{}i0", ct.id), &cause], &["vlan_filtering"]);
    ct.edit_conf("tag=5", "trunks=5;6");
    fails(&ct, &["vlan aware feature need to be enabled to use trunks", name], &["vlan_filtering"]);
    ct.edit_conf(&format!("bridge={name}"), "bridge=lo");
    fails(&ct, &["bridge 'lo' is neither a linux nor an OVS bridge!"], &["name an existing one"]);
    // The bridge of another container's interface.
    let other = host.running(&["--net0", &format!("name=eth0,bridge={name},ip=manual,firewall=1")]);
    // Its terminals come after its boot, and would be new processes.
    other.wait_booted();
    let mut before = host.state();
    wait::until_true("the other one is at rest", || {
        std::thread::sleep(Duration::from_millis(300));
        let earlier = std::mem::replace(&mut before, host.state());
        earlier == before
    });
    ct.edit_conf("bridge=lo,", &format!("bridge=fwbr{}i0,", other.id));
    fails(&ct, &["belongs to an interface of a container"], &["name an existing one"]);
    ct.edit_conf(&format!("bridge=fwbr{}i0,", other.id), &format!("bridge={name},"));
    ct.edit_conf("trunks=5;6", "link_down=0");
    ct.start();
}

#[test]
fn a_program_of_another_architecture_is_named() {
    require_root!();
    let host = Host::new();
    let template = host.scratch().join("arm.tar");
    Busybox { machine: Some(0xb7), ..Busybox::default() }.archive().write(&template);
    let ct = host.ct();
    ct.create(&template, &["--rootfs", "local:0"]).ok();
    assert!(ct.pct("config", &[]).ok().out().contains("arch: arm64\n"));
    fails(&ct, &["/sbin/init", "arm64"], &["amd64", "x86_64", "qemu", "template"]);
}

#[test]
fn an_id_map_that_is_not_allowed_is_named() {
    require_root!();
    let host = Host::new();
    let ct = host.busybox(&[]);
    ct.append_conf("lxc.idmap: u 0 70000000 65536\nlxc.idmap: g 0 70000000 65536");
    fails(&ct, &["70000000", "/etc/subuid"], &["root:70000000:65536"]);
}

#[test]
fn a_root_file_system_that_cannot_be_mounted_is_named() {
    require_root!();
    let host = Host::new();
    let ct = host.busybox(&["--rootfs", "local:1"]);
    let image = fs::OpenOptions::new().write(true).open(ct.image()).unwrap();
    std::os::unix::fs::FileExt::write_at(&image, &[0; 64 << 10], 0).unwrap();
    fails(&ct, &[ct.image().to_str().unwrap()], &["fsck", "format"]);
}

#[test]
fn a_missing_init_is_named() {
    require_root!();
    let host = Host::new();
    let template = host.scratch().join("no-init.tar");
    Busybox { without_init: true, ..Busybox::default() }.archive().write(&template);
    let ct = host.ct();
    ct.create(&template, &["--rootfs", "local:0"]).ok();
    fails(&ct, &["/sbin/init"], &["entrypoint", "template", "install"]);
}

#[test]
fn a_missing_volume_is_named() {
    require_root!();
    let host = Host::new();
    let ct = host.busybox(&["--rootfs", "local:1"]);
    let aside = ct.image().with_extension("aside");
    fs::rename(ct.image(), &aside).unwrap();
    let name = format!("vm-{}-disk-0.raw", ct.id);
    fails(&ct, &[&name, "does not exist"], &["restore", "remove"]);
    // And once the cause is gone it starts.
    fs::rename(&aside, ct.image()).unwrap();
    ct.start();
}

#[test]
fn a_missing_device_is_named() {
    require_root!();
    let host = Host::new();
    let ct = host.busybox(&[]);
    ct.append_conf("dev0: /dev/pct-no-such-device");
    fails(&ct, &["Device /dev/pct-no-such-device does not exist"], &["dev0", "'dev' key"]);
}

#[test]
fn a_line_that_liblxc_refuses_is_named() {
    require_root!();
    let host = Host::new();
    let ct = host.busybox(&[]);
    ct.append_conf("lxc.cap.drop: no_such_capability");
    fails(&ct, &["no_such_capability"], &["lxc.cap.drop", "configuration"]);
}

#[test]
fn a_root_file_system_without_a_volume_is_named() {
    require_root!();
    let host = Host::new();
    let ct = host.ct();
    ct.create(&busybox::template(Compression::Zstd), &["--rootfs", "local:0"]).ok();
    let conf = fs::read_to_string(ct.conf()).unwrap();
    let broken: String = conf
        .lines()
        .map(|l| if l.starts_with("rootfs:") { "rootfs: size=1G\n".into() } else { format!("{l}\n") })
        .collect();
    fs::write(ct.conf(), broken).unwrap();
    ct.pct("start", &[]).output().fails().says("rootfs");
    fs::write(ct.conf(), conf).unwrap();
    ct.start();
}
