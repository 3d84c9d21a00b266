//! A bridge for one test. Made with the `ip` program, which the product itself
//! never runs: a test must not lean on the code it tests.

use crate::run::Run;
use crate::wait;

/// A bridge `pctbr<vmid>` with an IPv4 and an IPv6 network of its own.
pub struct Bridge {
    /// Its name.
    pub name: String,
    net: u32,
}

impl Bridge {
    /// Makes the bridge of container `vmid`, up, with the host's addresses.
    pub fn new(vmid: u32) -> Self {
        Self::with_mtu(vmid, 1500)
    }

    /// As [`Bridge::new`], with another MTU.
    pub fn with_mtu(vmid: u32, mtu: u32) -> Self {
        let bridge = Self { name: format!("pctbr{vmid}"), net: vmid % 1000 };
        let ip = |args: &str| Run::new("/sbin/ip").args(args.split(' ')).output();
        // What an earlier, killed run may have left.
        drop(ip(&format!("link delete dev {}", bridge.name)));
        ip(&format!("link add {} type bridge", bridge.name)).ok();
        // Set in a step of its own: one that was given at creation a bridge changes with its ports.
        ip(&format!("link set {} mtu {mtu}", bridge.name)).ok();
        ip(&format!("addr add {}/24 dev {}", bridge.host4(), bridge.name)).ok();
        ip(&format!("addr add {}/64 dev {} nodad", bridge.host6(), bridge.name)).ok();
        ip(&format!("link set {} up", bridge.name)).ok();
        bridge
    }

    /// The host's IPv4 address.
    pub fn host4(&self) -> String {
        self.addr4(1)
    }

    /// The host's IPv6 address.
    pub fn host6(&self) -> String {
        self.addr6(1)
    }

    /// An IPv4 address of this network, /24.
    pub fn addr4(&self, n: u8) -> String {
        format!("10.{}.{}.{n}", 200 + self.net / 256, self.net % 256)
    }

    /// An IPv6 address of this network, /64.
    pub fn addr6(&self, n: u8) -> String {
        format!("fd9c:7e57:{:x}::{n:x}", self.net)
    }

    /// Panics unless `address` of this network answers the host.
    #[track_caller]
    pub fn ping(&self, address: &str) {
        let answers = || {
            let ping = if address.contains(':') { "ping6" } else { "ping" };
            Run::new("/bin/busybox").args([ping, "-c1", "-W1", address]).output().status == 0
        };
        // Duplicate address detection keeps a new IPv6 address silent for a second.
        wait::until_true(&format!("{address} answers"), answers);
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        drop(Run::new("/sbin/ip").args(["link", "delete", "dev", &self.name]).output());
    }
}
