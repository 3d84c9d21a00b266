//! `/etc/systemd/network/NAME.network` (spec: guest set-up, part 8.2; systemd.network(5)).

use crate::{
    guest::{
        Setup,
        error::Result,
        network::Interface,
        settings::{Ip4, Ip6},
    },
    rootfs::Attributes,
};

const FOLDER: &str = "/etc/systemd/network";

/// Writes a file for each interface, also for one without any address.
pub(crate) fn write(setup: &mut Setup<'_>) -> Result<()> {
    for name in &setup.network.gone {
        setup.root.unlink(&path(name))?;
    }
    for interface in &setup.network.interfaces {
        setup.root.make_path(FOLDER, 0o755)?;
        setup.root.replace(&path(&interface.name), rendered(interface).as_bytes(), Attributes::CONFIG)?;
    }
    Ok(())
}

fn path(name: &str) -> String {
    format!("{FOLDER}/{name}.network")
}

fn rendered(interface: &Interface) -> String {
    let name = &interface.name;
    let mut out = format!(
        "[Match]\nName = {name}\n\n[Network]\nDescription = Interface {name} autoconfigured by PVE\n"
    );
    if let Some(Ip4::Static(ip)) = &interface.ip4 {
        out.push_str(&format!("Address = {ip}\n"));
    }
    if let Some(gateway) = &interface.gateway4 {
        out.push_str(&format!("Gateway = {}\n", gateway.address));
    }
    if let Some(Ip6::Static(ip)) = &interface.ip6 {
        out.push_str(&format!("Address = {ip}\n"));
    }
    if let Some(gateway) = &interface.gateway6 {
        out.push_str(&format!("Gateway = {}\n", gateway.address));
    }
    let dhcp = match (&interface.ip4, &interface.ip6) {
        (Some(Ip4::Dhcp), Some(Ip6::Dhcp)) => "yes",
        (Some(Ip4::Dhcp), _) => "ipv4",
        (_, Some(Ip6::Dhcp)) => "ipv6",
        _ => "no",
    };
    let automatic = matches!(interface.ip6, Some(Ip6::Auto | Ip6::Dhcp));
    let accept = automatic && interface.gateway6.is_none();
    out.push_str(&format!("DHCP = {dhcp}\nIPv6AcceptRA = {accept}\n"));
    for (gateway, prefix) in [(&interface.gateway4, 32), (&interface.gateway6, 128)] {
        if let Some(gateway) = gateway.as_ref().filter(|gateway| gateway.off_link) {
            out.push_str(&format!("\n[Route]\nDestination = {}/{prefix}\nScope = link\n", gateway.address));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use crate::guest::network::tests::network;

    use super::*;

    fn one(nic: &str) -> String {
        rendered(&network(&[nic]).interfaces[0])
    }

    #[test]
    fn the_worked_example() {
        let expected = "\
[Match]
Name = eth0

[Network]
Description = Interface eth0 autoconfigured by PVE
Address = 10.20.0.5/32
Gateway = 10.20.9.1
Address = 2001:db8:7::5/64
Gateway = 2001:db8:7::1
DHCP = no
IPv6AcceptRA = false

[Route]
Destination = 10.20.9.1/32
Scope = link
";
        let nic = "eth0 ip=10.20.0.5/32 gw=10.20.9.1 ip6=2001:db8:7::5/64 gw6=2001:db8:7::1";
        assert_eq!(one(nic), expected);
    }

    #[test]
    fn dhcp_and_router_advertisements() {
        let ends = |nic: &str, end: &str| assert!(one(nic).ends_with(end), "{nic}: {}", one(nic));
        ends("e", "by PVE\nDHCP = no\nIPv6AcceptRA = false\n");
        ends("e ip=dhcp ip6=auto", "DHCP = ipv4\nIPv6AcceptRA = true\n");
        ends("e ip=dhcp ip6=dhcp", "DHCP = yes\nIPv6AcceptRA = true\n");
        ends("e ip6=dhcp gw6=fe80::1", "Gateway = fe80::1\nDHCP = ipv6\nIPv6AcceptRA = false\n");
        ends("e ip=manual ip6=manual", "DHCP = no\nIPv6AcceptRA = false\n");
    }
}
