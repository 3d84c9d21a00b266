//! The templates and this machine under liblxc's own tools, without a line of
//! the product: when these fail, look there before you look at `pct`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

use std::path::{Path, PathBuf};
use std::time::Duration;

use pct_tests::archive::Compression;
use pct_tests::{Bridge, Host, Run, busybox, debian, require_root, wait};

struct Plain<'h> {
    host: &'h Host,
    name: String,
}

impl<'h> Plain<'h> {
    fn new(host: &'h Host, template: &Path, lines: &str) -> Self {
        let ct = Self { host, name: host.ct().id };
        let dir = ct.path().join(&ct.name);
        std::fs::create_dir_all(dir.join("rootfs")).unwrap();
        let rootfs = dir.join("rootfs");
        Run::new("/bin/tar")
            .args(["-xpf"])
            .args([template])
            .args(["-C"])
            .args([&rootfs])
            .limit(wait::LIMIT)
            .ok();
        let text = format!(
            "lxc.include = /usr/share/lxc/config/common.conf\nlxc.rootfs.path = dir:{}\nlxc.uts.name = control\n{lines}",
            rootfs.display()
        );
        std::fs::write(dir.join("config"), text).unwrap();
        ct
    }

    fn path(&self) -> PathBuf {
        self.host.scratch().join("lxc")
    }

    fn rootfs(&self) -> PathBuf {
        self.path().join(&self.name).join("rootfs")
    }

    fn lxc(&self, tool: &str, args: &[&str]) -> Run {
        let tool = Path::new("/usr/bin").join(tool);
        Run::new(tool).args(["-P"]).args([self.path()]).args(["-n", &self.name]).args(args)
    }

    fn is_running(&self) -> bool {
        self.lxc("lxc-info", &["-s", "-H"]).output().out().trim() == "RUNNING"
    }
}

#[test]
fn busybox_boots_brings_its_network_up_and_halts_on_request() {
    require_root!("lxc-start", "ip");
    let host = Host::new();
    let bridge = Bridge::new(host.ct().vmid);
    let net = format!("lxc.net.0.type = veth\nlxc.net.0.link = {}\nlxc.net.0.name = eth0\n", bridge.name);
    let ct = Plain::new(&host, &busybox::template(Compression::Zstd), &net);
    let interfaces = format!(
        "auto lo\niface lo inet loopback\niface lo inet6 loopback\n\nauto eth0\niface eth0 inet static\n\taddress {}/24\n\n\
         iface eth0 inet6 static\n\taddress {}/64\n\n",
        bridge.addr4(2),
        bridge.addr6(2)
    );
    std::fs::write(ct.rootfs().join("etc/network/interfaces"), interfaces).unwrap();
    ct.lxc("lxc-start", &[]).ok();
    let booted = |ct: &Plain| ct.lxc("lxc-attach", &["--", "test", "-e", "/run/booted"]).output().status == 0;
    wait::until_true("busybox has booted", || booted(&ct));
    let addrs = ct.lxc("lxc-attach", &["--", "ip", "addr"]).ok().out();
    assert!(addrs.contains(&format!("{}/24", bridge.addr4(2))), "{addrs}");
    assert!(addrs.contains(&format!("{}/64", bridge.addr6(2))), "{addrs}");
    bridge.ping(&bridge.addr4(2));
    bridge.ping(&bridge.addr6(2));
    // --nokill: only the halt signal.
    ct.lxc("lxc-stop", &["--nokill", "-t", "20"]).ok();
    assert!(!ct.is_running());
}

#[test]
fn debian_boots_systemd_and_shuts_down_on_request() {
    require_root!("lxc-start", "mmdebstrap");
    let host = Host::new();
    let ct = Plain::new(&host, &debian::template(), "");
    ct.lxc("lxc-start", &[]).ok();
    wait::until("systemd is up", Duration::from_secs(60), || {
        let out = ct.lxc("lxc-attach", &["--", "systemctl", "is-system-running"]).output().out();
        matches!(out.trim(), "running" | "degraded").then_some(())
    });
    let took = ct.lxc("lxc-stop", &["--nokill", "-t", "50"]).ok().took;
    assert!(!ct.is_running());
    assert!(took < Duration::from_secs(45), "a shutdown took {took:?}");
}
