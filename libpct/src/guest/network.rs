//! The network of a guest, computed once; the writers render it.

use std::net::{IpAddr, Ipv6Addr};

use ipnet::Ipv6Net;

use super::{
    error::{Error, Result},
    host::Host,
    settings::{Ip4, Ip6, Nic, Settings},
    text::{is_word, split_list},
};

/// Interfaces and name resolution of a guest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Network {
    /// The interfaces, by rising number.
    pub interfaces: Vec<Interface>,
    /// The names of interfaces whose files are to be removed, before those of the others are written.
    pub gone: Vec<String>,
    /// The resolver.
    pub dns: Dns,
}

/// One interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Interface {
    /// The N of `netN`.
    pub index: u32,
    /// The name inside: one path component, no blanks.
    pub name: String,
    pub ip4: Option<Ip4>,
    pub ip6: Option<Ip6>,
    pub gateway4: Option<Gateway>,
    pub gateway6: Option<Gateway>,
}

/// A default gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Gateway {
    /// As the user wrote it.
    pub address: String,
    /// Whether it lies outside the interface's own network, so that it needs a route of its own. Never so
    /// without a static address.
    pub off_link: bool,
}

/// Name servers and search domains.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Dns {
    pub servers: Vec<String>,
    pub search: Vec<String>,
}

impl Network {
    pub(crate) fn new(settings: &Settings, host: &Host) -> Result<Self> {
        let named = settings.nets.iter().filter(|nic| !nic.name.is_empty());
        let mut interfaces = named.map(Interface::new).collect::<Result<Vec<_>>>()?;
        interfaces.sort_by_key(|interface| interface.index);
        // Under a name that cannot be one nothing was written.
        let gone = settings.gone.iter().filter(|name| is_name(name)).cloned().collect();
        Ok(Self { interfaces, gone, dns: Dns::new(settings, host) })
    }

    /// The address under which the guest knows itself: the static one of `net0`, IPv4 first.
    pub(crate) fn own_address(&self) -> Option<&str> {
        let first = self.interfaces.iter().find(|interface| interface.index == 0)?;
        match (&first.ip4, &first.ip6) {
            (Some(Ip4::Static(ip)), _) => Some(ip.address()),
            (_, Some(Ip6::Static(ip))) => Some(ip.address()),
            _ => None,
        }
    }
}

/// The whole of `fe80::/10`: a gateway there is reached without a route.
const LINK_LOCAL: Ipv6Net = Ipv6Net::new_assert(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10);

impl Interface {
    fn new(nic: &Nic) -> Result<Self> {
        let name = &nic.name;
        if !is_name(name) {
            return Err(Error::BadSetting { what: "the name of an interface", value: name.clone() });
        }
        let gateway4 = nic.gw.as_ref().map(|gw| Gateway {
            address: gw.to_string(),
            off_link: matches!(&nic.ip4, Some(Ip4::Static(ip)) if !ip.value().contains(gw.value())),
        });
        let gateway6 = nic.gw6.as_ref().map(|gw| Gateway {
            address: gw.to_string(),
            off_link: matches!(&nic.ip6, Some(Ip6::Static(ip))
                if !ip.value().contains(gw.value()) && !LINK_LOCAL.contains(gw.value())),
        });
        let (ip4, ip6) = (nic.ip4.clone(), nic.ip6.clone());
        Ok(Self { index: nic.index, name: name.clone(), ip4, ip6, gateway4, gateway6 })
    }

    /// Whether anything about addresses is configured at all.
    pub(crate) fn is_configured(&self) -> bool {
        self.ip4.is_some() || self.ip6.is_some() || self.gateway4.is_some() || self.gateway6.is_some()
    }
}

/// Whether the name of an interface can be part of a path and of a line.
fn is_name(name: &str) -> bool {
    is_word(name) && name.len() <= 15 && !name.contains(['/', '"']) && !matches!(name, "." | "..")
}

impl Dns {
    fn new(settings: &Settings, host: &Host) -> Self {
        let servers = match &settings.nameserver {
            Some(list) => split_list(list),
            None => host.nameservers.iter().take(3).filter(|server| is_word(server)).cloned().collect(),
        };
        let search = match &settings.searchdomain {
            Some(list) => split_list(list),
            None => host.search.iter().filter(|domain| is_word(domain)).cloned().collect(),
        };
        Self { servers, search }
    }

    /// The servers of one IP version.
    pub(crate) fn servers_of(&self, version4: bool) -> impl Iterator<Item = &str> {
        let fits = move |server: &&String| server.parse::<IpAddr>().is_ok_and(|ip| ip.is_ipv4() == version4);
        self.servers.iter().filter(fits).map(String::as_str)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// `eth0 ip=dhcp gw=… ip6=… gw6=…`, numbered from 0.
    pub(crate) fn network(nics: &[&str]) -> Network {
        let nets = nics.iter().enumerate().map(|(index, nic)| {
            let mut words = nic.split(' ');
            let name = words.next().unwrap().to_owned();
            let mut nic =
                Nic { index: u32::try_from(index).unwrap(), name, ip4: None, ip6: None, gw: None, gw6: None };
            for word in words {
                let (key, value) = word.split_once('=').unwrap();
                match key {
                    "ip" => nic.ip4 = Some(value.parse().unwrap()),
                    "ip6" => nic.ip6 = Some(value.parse().unwrap()),
                    "gw" => nic.gw = Some(value.parse().unwrap()),
                    "gw6" => nic.gw6 = Some(value.parse().unwrap()),
                    _ => panic!("{word}"),
                }
            }
            nic
        });
        Network::new(&Settings { nets: nets.collect(), ..Settings::default() }, &Host::default()).unwrap()
    }

    #[test]
    fn a_gateway_is_off_link_outside_the_network_and_outside_link_local() {
        let off_link = |nic: &str| {
            let interface = network(&[nic]).interfaces.remove(0);
            interface.gateway4.or(interface.gateway6).unwrap().off_link
        };
        assert!(!off_link("e ip=192.0.2.10/25 gw=192.0.2.1"));
        assert!(off_link("e ip=192.0.2.10/25 gw=192.0.2.129"));
        assert!(off_link("e ip=192.0.2.10/32 gw=192.0.2.1"));
        assert!(!off_link("e ip=dhcp gw=192.0.2.1"));
        assert!(!off_link("e ip6=2001:db8::1/64 gw6=fe80::1"));
        assert!(!off_link("e ip6=2001:db8::1/64 gw6=2001:db8::2"));
        assert!(off_link("e ip6=2001:db8::1/128 gw6=2001:db8::2"));
        assert!(!off_link("e ip6=auto gw6=2001:db8::2"));
    }

    #[test]
    fn names_that_could_be_paths_or_lines_are_refused() {
        for name in ["a/b", "..", ".", "a b", "a\nb", "abcdefghijklmnop", "a\"b"] {
            let nic = Nic { index: 0, name: name.to_owned(), ip4: None, ip6: None, gw: None, gw6: None };
            let settings = Settings { nets: vec![nic], ..Settings::default() };
            assert!(Network::new(&settings, &Host::default()).is_err(), "{name:?}");
        }
    }

    #[test]
    fn servers_and_domains_fall_back_independently() {
        let host = Host {
            nameservers: vec!["192.0.2.53".to_owned()],
            search: Some("host.example".to_owned()),
            ..Host::default()
        };
        let settings =
            Settings { searchdomain: Some("a.example b.example".to_owned()), ..Settings::default() };
        let dns = Dns::new(&settings, &host);
        assert_eq!(
            (dns.servers, dns.search),
            (vec!["192.0.2.53".to_owned()], vec!["a.example".to_owned(), "b.example".to_owned()])
        );
    }
}
