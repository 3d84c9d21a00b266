use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, Ipv6Addr},
};

use serde::{Deserialize, Serialize};

use super::{
    ip::{Ip4Config, Ip6Config},
    keys::{self, SubKey},
    mac::MacAddr,
    props::{Printed, Properties},
    schema::CheckError,
    spelling::{Collector, Spelling, Typed, is_on, list, property_string, read, read_number, spelled},
};

/// The value of `netN` (spec: config, part 3.2).
///
/// `Display` prints it canonically, with `type=veth` at the end; a missing MAC
/// is not invented.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NetIf {
    /// Name of the interface inside.
    pub name: String,
    /// Bridge of the host.
    pub bridge: Option<String>,
    /// MAC address; a random one is to be chosen when `None`.
    pub hwaddr: Option<MacAddr>,
    /// IPv4 address.
    pub ip: Option<Ip4Config>,
    /// IPv6 address.
    pub ip6: Option<Ip6Config>,
    /// Gateway for IPv4.
    pub gw: Option<Ipv4Addr>,
    /// Gateway for IPv6.
    pub gw6: Option<Ipv6Addr>,
    /// Bytes, 64 to 65535; the bridge's MTU when `None`.
    pub mtu: Option<u32>,
    /// VLAN, 1 to 4094.
    pub tag: Option<u16>,
    /// VLANs that may pass.
    pub trunks: Vec<u32>,
    /// Limit in megabytes a second.
    pub rate: Option<f64>,
    /// Apply the firewall's rules.
    pub firewall: bool,
    /// Leave it disconnected.
    pub link_down: bool,
    /// The host configures the addresses.
    pub host_managed: bool,
    /// How it was written.
    pub spelling: Spelling,
}

/// A version of IP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum IpVersion {
    /// Version 4.
    V4,
    /// Version 6.
    V6,
}

impl std::fmt::Display for IpVersion {
    /// Its number.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::V4 => "4",
            Self::V6 => "6",
        })
    }
}

impl NetIf {
    /// The versions of IP for which the host asks a DHCP server: none while nothing is connected.
    pub(crate) fn leased(&self) -> impl Iterator<Item = IpVersion> + use<> {
        let asks = self.host_managed && !self.link_down;
        let v4 = (asks && self.ip == Some(Ip4Config::Dhcp)).then_some(IpVersion::V4);
        let v6 = (asks && self.ip6 == Some(Ip6Config::Dhcp)).then_some(IpVersion::V6);
        v4.into_iter().chain(v6)
    }

    /// The texts of its sub-keys, as they were written.
    pub(crate) fn texts(&self) -> BTreeMap<&'static str, String> {
        spelled(self)
    }
}

property_string!(NetIf, keys::NET);

impl Typed for NetIf {
    fn keys(&self) -> &'static [SubKey] {
        keys::NET
    }

    fn from_properties(values: &Properties<'_>) -> Result<Self, CheckError> {
        let mut net = Self::default();
        for (key, text) in values.iter() {
            match key {
                "name" => net.name = text.to_owned(),
                "bridge" => net.bridge = Some(text.to_owned()),
                "firewall" => net.firewall = is_on(text),
                "gw" => net.gw = read(key, text)?,
                "gw6" => net.gw6 = read(key, text)?,
                "host-managed" => net.host_managed = is_on(text),
                "hwaddr" => net.hwaddr = read(key, text)?,
                "ip" => net.ip = read(key, text)?,
                "ip6" => net.ip6 = read(key, text)?,
                "link_down" => net.link_down = is_on(text),
                "mtu" => net.mtu = read(key, text)?,
                "rate" => net.rate = read_number(key, text)?,
                "tag" => net.tag = read(key, text)?,
                "trunks" => net.trunks = list(text),
                // The kind of an interface is always the same.
                _ => {}
            }
        }
        Ok(net)
    }

    fn properties(&self) -> Printed {
        let mut out = Collector::default();
        out.some("name", Some(&self.name));
        out.some("bridge", self.bridge.as_ref());
        out.flag("firewall", self.firewall);
        out.some("gw", self.gw.as_ref());
        out.some("gw6", self.gw6.as_ref());
        out.flag("host-managed", self.host_managed);
        out.some("hwaddr", self.hwaddr.as_ref());
        out.some("ip", self.ip.as_ref());
        out.some("ip6", self.ip6.as_ref());
        out.flag("link_down", self.link_down);
        out.some("mtu", self.mtu.as_ref());
        out.some("rate", self.rate.as_ref());
        out.some("tag", self.tag.as_ref());
        out.list("trunks", &self.trunks);
        out.some("type", Some(&"veth"));
        out.0
    }

    fn spelling_mut(&mut self) -> &mut Spelling {
        &mut self.spelling
    }

    fn spelling(&self) -> &Spelling {
        &self.spelling
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spelling_stays_until_the_value_changes() {
        let text = "type=veth,gw6=FD00::1,name=eth0,rate=1.50,mtu=01400,firewall=0,bridge=b0,link_down=On";
        let mut net: NetIf = text.parse().unwrap();
        assert_eq!(
            net.to_string(),
            "name=eth0,bridge=b0,firewall=0,gw6=FD00::1,link_down=1,mtu=01400,rate=1.50,type=veth"
        );
        net.firewall = true;
        net.link_down = false;
        net.rate = Some(2.5);
        net.hwaddr = "BC:24:11:00:00:01".parse().ok();
        assert_eq!(
            net.to_string(),
            "name=eth0,bridge=b0,firewall=1,gw6=FD00::1,hwaddr=BC:24:11:00:00:01,mtu=01400,rate=2.5,type=veth"
        );
    }

    #[test]
    fn a_rate_is_a_number_that_can_be_written() {
        let net: NetIf = "name=eth0,rate=1e9".parse().unwrap();
        assert_eq!(net.rate, Some(1e9));
        let error = "name=eth0,rate=1e999".parse::<NetIf>().unwrap_err();
        assert_eq!(error.details()[0].reason, "'1e999' is out of range");
    }

    #[test]
    fn a_program_can_make_one_from_nothing() {
        let net = NetIf { name: "eth0".into(), ip: Some(Ip4Config::Dhcp), ..NetIf::default() };
        assert_eq!(net.to_string(), "name=eth0,ip=dhcp,type=veth");
        assert_eq!(net.to_string().parse(), Ok(net));
    }
}
