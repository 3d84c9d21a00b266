//! A server of addresses and names for containers.

use crate::{Bridge, Host, Run, Running, bins};

/// dnsmasq on a bridge, for both versions of IP: the addresses of its network from 50 to 59 and 0x50 to 0x5f, for an hour.
pub struct Dnsmasq {
    running: Running,
}

impl Dnsmasq {
    /// Starts it, with more options.
    pub fn on(host: &Host, bridge: &Bridge, options: &[&str]) -> Self {
        let range4 = format!("--dhcp-range={},{},255.255.255.0,1h", bridge.addr4(50), bridge.addr4(59));
        let range6 = format!("--dhcp-range={},{},64,1h", bridge.addr6(0x50), bridge.addr6(0x5f));
        let leases = host.scratch().join(format!("leases.{}", bridge.name));
        let running = Run::new(bins::tool("dnsmasq").expect("dnsmasq: apt-get install dnsmasq-base"))
            .args(["--keep-in-foreground", "--conf-file=/dev/null", "--bind-interfaces"])
            // It need not look whether an address is free: that takes seconds.
            .args(["--user=root", "--pid-file=", "--except-interface=lo", "--no-ping", &range4, &range6])
            .args([format!("--interface={}", bridge.name), format!("--dhcp-leasefile={}", leases.display())])
            .args(options)
            .start();
        Self { running }
    }
}

impl Drop for Dnsmasq {
    fn drop(&mut self) {
        let _ = self.running.child.kill();
        let _ = self.running.child.wait();
    }
}
