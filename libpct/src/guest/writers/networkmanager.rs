//! Keyfiles of NetworkManager (spec: guest set-up, part 8.5; nm-settings-keyfile(5)).

use crate::{
    guest::{
        Setup,
        error::Result,
        network::{Dns, Interface},
        settings::{Ip4, Ip6},
        uuid,
    },
    rootfs::Attributes,
};

const FOLDER: &str = "/etc/NetworkManager/system-connections";

/// Writes a connection for each interface. NetworkManager ignores files that others may read.
pub(crate) fn write(setup: &mut Setup<'_>) -> Result<()> {
    setup.root.make_path(FOLDER, 0o755)?;
    for name in &setup.network.gone {
        setup.root.unlink(&path(name))?;
    }
    for interface in &setup.network.interfaces {
        let path = path(&interface.name);
        let uuid = uuid::for_connection(setup, &path, "uuid")?;
        let content = rendered(interface, &setup.network.dns, &uuid);
        setup.root.replace(&path, content.as_bytes(), Attributes::exact(0o600))?;
    }
    Ok(())
}

fn path(name: &str) -> String {
    format!("{FOLDER}/{name}.nmconnection")
}

fn rendered(interface: &Interface, dns: &Dns, uuid: &str) -> String {
    let name = &interface.name;
    let mut out =
        format!("[connection]\nid={name}\nuuid={uuid}\ntype=ethernet\ninterface-name={name}\n[ipv4]\n");
    match &interface.ip4 {
        None | Some(Ip4::Manual) => out.push_str("method=disabled\n"),
        Some(Ip4::Dhcp) => out.push_str("method=auto\n"),
        Some(Ip4::Static(ip)) => {
            out.push_str(&format!("method=manual\naddresses={ip}\n"));
            if let Some(gateway) = &interface.gateway4 {
                out.push_str(&format!("gateway={}\n", gateway.address));
                if gateway.off_link {
                    out.push_str(&format!("routes={}\n", gateway.address));
                }
            }
        }
    }
    if !matches!(interface.ip4, None | Some(Ip4::Manual)) {
        add_dns(&mut out, dns, true);
    }
    out.push_str("[ipv6]\n");
    match &interface.ip6 {
        None | Some(Ip6::Manual) => out.push_str("method=disabled\n"),
        Some(Ip6::Auto | Ip6::Dhcp) => out.push_str("method=auto\n"),
        Some(Ip6::Static(ip)) => {
            out.push_str(&format!("method=manual\naddress={ip}\n"));
            if let Some(gateway) = &interface.gateway6 {
                let key = if gateway.off_link { "routes" } else { "gateway" };
                out.push_str(&format!("{key}={}\n", gateway.address));
            }
        }
    }
    if !matches!(interface.ip6, None | Some(Ip6::Manual)) {
        add_dns(&mut out, dns, false);
    }
    out
}

fn add_dns(out: &mut String, dns: &Dns, version4: bool) {
    let servers: Vec<&str> = dns.servers_of(version4).collect();
    if servers.is_empty() {
        return;
    }
    out.push_str(&format!("dns={}\n", servers.join(";")));
    if !dns.search.is_empty() {
        out.push_str(&format!("dns-search={}\n", dns.search.join(";")));
    }
}

#[cfg(test)]
mod tests {
    use crate::guest::network::tests::network;

    use super::*;

    #[test]
    fn the_worked_example() {
        let dns = Dns {
            servers: ["10.20.0.1", "2001:db8::53", "10.20.0.2"].map(str::to_owned).to_vec(),
            search: ["a.example", "b.example"].map(str::to_owned).to_vec(),
        };
        let nic = "eth0 ip=10.20.0.5/24 gw=10.20.0.1 ip6=2001:db8:7::5/64 gw6=2001:db8:7::1";
        let expected = "\
[connection]
id=eth0
uuid=U
type=ethernet
interface-name=eth0
[ipv4]
method=manual
addresses=10.20.0.5/24
gateway=10.20.0.1
dns=10.20.0.1;10.20.0.2
dns-search=a.example;b.example
[ipv6]
method=manual
address=2001:db8:7::5/64
gateway=2001:db8:7::1
dns=2001:db8::53
dns-search=a.example;b.example
";
        assert_eq!(rendered(&network(&[nic]).interfaces[0], &dns, "U"), expected);
    }

    #[test]
    fn gateways_off_link_are_routes() {
        let nic = "e ip=10.0.0.5/32 gw=10.0.9.1 ip6=2001:db8::5/128 gw6=2001:db8::1";
        let text = rendered(&network(&[nic]).interfaces[0], &Dns::default(), "U");
        assert!(text.contains("gateway=10.0.9.1\nroutes=10.0.9.1\n[ipv6]"), "{text}");
        assert!(text.ends_with("address=2001:db8::5/128\nroutes=2001:db8::1\n"), "{text}");
    }

    #[test]
    fn what_is_not_configured_is_disabled() {
        let text = |nic| rendered(&network(&[nic]).interfaces[0], &Dns::default(), "U");
        assert!(text("e ip=manual").ends_with("[ipv4]\nmethod=disabled\n[ipv6]\nmethod=disabled\n"));
        assert!(text("e ip=dhcp ip6=auto").ends_with("[ipv4]\nmethod=auto\n[ipv6]\nmethod=auto\n"));
    }
}
