//! `/etc/sysconfig/network-scripts` (spec: guest set-up, part 8.4).

use crate::{
    guest::{
        Setup,
        error::{Error, Result},
        network::{Dns, Gateway, Interface},
        settings::{Ip4, Ip6},
        text::{lines, unlines},
        uuid,
    },
    rootfs::{Attributes, Place, SectionOptions},
};

const FOLDER: &str = "/etc/sysconfig/network-scripts";
const GLOBAL: &str = "/etc/sysconfig/network";
/// Route files: our section first, and no empty file.
const ROUTES: SectionOptions =
    SectionOptions { place: Place::Prepend, delete_if_empty: true, new_mode: 0o644 };

/// Writes the interfaces, their routes, and that there is a network at all.
pub(crate) fn write(setup: &mut Setup<'_>) -> Result<()> {
    let root = setup.root;
    root.make_path(FOLDER, 0o755)?;
    for name in &setup.network.gone {
        root.unlink(&format!("{FOLDER}/ifcfg-{name}"))?;
        for file in ["route", "route6"] {
            root.edit_section(&format!("{FOLDER}/{file}-{name}"), "", ROUTES)?;
        }
    }
    for interface in &setup.network.interfaces {
        let name = &interface.name;
        let path = format!("{FOLDER}/ifcfg-{name}");
        if let Some(content) =
            rendered(interface, &setup.network.dns, &uuid::for_connection(setup, &path, "UUID")?)?
        {
            root.replace(&path, content.as_bytes(), Attributes::CONFIG)?;
        }
        for (file, gateway) in [("route", &interface.gateway4), ("route6", &interface.gateway6)] {
            root.edit_section(&format!("{FOLDER}/{file}-{name}"), &routes(gateway.as_ref(), name), ROUTES)?;
        }
    }
    if let Some(mut global) = root.read(GLOBAL)? {
        let interfaces = &setup.network.interfaces;
        if interfaces.iter().any(|interface| interface.ip4.is_some()) {
            global = switched_on(&global, "NETWORKING=");
        }
        if interfaces.iter().any(|interface| interface.ip6.is_some()) {
            global = switched_on(&global, "NETWORKING_IPV6=");
        }
        root.replace(GLOBAL, &global, Attributes::CONFIG)?;
    }
    Ok(())
}

/// The file of an interface, unless there is nothing to say.
fn rendered(interface: &Interface, dns: &Dns, uuid: &str) -> Result<Option<String>> {
    let has_ip6 = !matches!(interface.ip6, None | Some(Ip6::Manual));
    let protocol = match &interface.ip4 {
        Some(Ip4::Dhcp) => "dhcp",
        Some(Ip4::Static(_)) => "none",
        None | Some(Ip4::Manual) if has_ip6 => "none",
        None | Some(Ip4::Manual) => "",
    };
    let mut data = String::new();
    let mut add = |key: &str, value: &str| data.push_str(&format!("{key}={value}\n"));
    if let Some(Ip4::Static(ip)) = &interface.ip4 {
        if ip.value().prefix_len() < 8 {
            return Err(Error::Ipv4Prefix { cidr: ip.to_string() });
        }
        add("IPADDR", ip.address());
        add("NETMASK", &ip.value().netmask().to_string());
        if let Some(gateway) = &interface.gateway4 {
            add("GATEWAY", &gateway.address);
        }
    }
    if has_ip6 {
        add("IPV6INIT", "yes");
    }
    match &interface.ip6 {
        Some(Ip6::Auto) => add("IPV6_AUTOCONF", "yes"),
        Some(Ip6::Dhcp) => add("DHCPV6C", "yes"),
        Some(Ip6::Static(ip)) => {
            add("IPV6ADDR", ip.as_str());
            add("IPV6_AUTOCONF", "no");
            if let Some(Gateway { address, off_link: false }) = &interface.gateway6 {
                add("IPV6_DEFAULTGW", address);
            }
        }
        None | Some(Ip6::Manual) => {}
    }
    for (server, number) in dns.servers.iter().zip(1..) {
        add(&format!("DNS{number}"), server);
    }
    if !dns.search.is_empty() {
        add("DOMAIN", &dns.search.join(" "));
    }
    if data.is_empty() && protocol.is_empty() {
        return Ok(None);
    }
    let name = &interface.name;
    Ok(Some(format!("DEVICE={name}\nONBOOT=yes\nUUID={uuid}\nBOOTPROTO={protocol}\n{data}")))
}

fn routes(gateway: Option<&Gateway>, name: &str) -> String {
    match gateway {
        Some(Gateway { address, off_link: true }) => {
            format!("{address} dev {name}\ndefault via {address} dev {name}\n")
        }
        _ => String::new(),
    }
}

/// Sets the first `key` that has a value to yes.
fn switched_on(data: &[u8], key: &str) -> Vec<u8> {
    let value_at = |line: &[u8]| {
        let at = line.windows(key.len()).position(|window| window == key.as_bytes())? + key.len();
        let length = line[at..].iter().take_while(|b| !b.is_ascii_whitespace()).count();
        (length > 0).then_some((at, at + length))
    };
    let mut found = false;
    let mut out = Vec::new();
    for line in lines(data) {
        match value_at(line).filter(|_| !found) {
            Some((begin, end)) => {
                found = true;
                out.push([&line[..begin], b"yes", &line[end..]].concat());
            }
            None => out.push(line.to_vec()),
        }
    }
    if !found {
        out.push(format!("{key}yes").into_bytes());
    }
    unlines(out)
}

#[cfg(test)]
mod tests {
    use crate::guest::network::tests::network;

    use super::*;

    fn one(nic: &str, dns: &Dns) -> Option<String> {
        rendered(&network(&[nic]).interfaces[0], dns, "U").unwrap()
    }

    #[test]
    fn the_worked_example() {
        let dns = Dns {
            servers: vec!["10.20.0.1".to_owned(), "10.20.0.2".to_owned()],
            search: vec!["a.example".to_owned(), "b.example".to_owned()],
        };
        let expected = "\
DEVICE=eth0
ONBOOT=yes
UUID=U
BOOTPROTO=none
IPADDR=10.20.0.5
NETMASK=255.255.255.0
GATEWAY=10.20.0.1
IPV6INIT=yes
IPV6ADDR=2001:db8:7::5/64
IPV6_AUTOCONF=no
IPV6_DEFAULTGW=2001:db8:7::1
DNS1=10.20.0.1
DNS2=10.20.0.2
DOMAIN=a.example b.example
";
        let nic = "eth0 ip=10.20.0.5/24 gw=10.20.0.1 ip6=2001:db8:7::5/64 gw6=2001:db8:7::1";
        assert_eq!(one(nic, &dns).unwrap(), expected);
    }

    #[test]
    fn nothing_to_say_is_no_file() {
        assert_eq!(one("e", &Dns::default()), None);
        assert_eq!(one("e ip=manual ip6=manual gw=192.0.2.1", &Dns::default()), None);
        assert!(one("e ip=dhcp", &Dns::default()).unwrap().ends_with("BOOTPROTO=dhcp\n"));
        let auto = one("e ip6=auto", &Dns::default()).unwrap();
        assert!(auto.ends_with("BOOTPROTO=none\nIPV6INIT=yes\nIPV6_AUTOCONF=yes\n"), "{auto}");
    }

    #[test]
    fn routes_only_off_link() {
        let gateway = |nic: &str| network(&[nic]).interfaces.remove(0).gateway4;
        let expected = "10.20.9.1 dev eth0\ndefault via 10.20.9.1 dev eth0\n";
        assert_eq!(routes(gateway("e ip=10.20.0.5/32 gw=10.20.9.1").as_ref(), "eth0"), expected);
        assert_eq!(routes(gateway("e ip=10.20.0.5/24 gw=10.20.0.1").as_ref(), "eth0"), "");
    }

    #[test]
    fn the_switch_is_set_or_added() {
        assert_eq!(
            switched_on(b"NETWORKING=no\nNETWORKING_IPV6=no\n", "NETWORKING_IPV6="),
            b"NETWORKING=no\nNETWORKING_IPV6=yes\n"
        );
        assert_eq!(switched_on(b"NETWORKING=\nX=1", "NETWORKING="), b"NETWORKING=\nX=1\nNETWORKING=yes\n");
    }
}
