//! `/etc/sysconfig/network` as wicked reads it (spec: guest set-up, part 8.6; ifcfg(5)).

use crate::{
    guest::{
        Setup,
        error::Result,
        network::Interface,
        settings::{Ip4, Ip6},
    },
    rootfs::{Attributes, Place, SectionOptions},
};

const FOLDER: &str = "/etc/sysconfig/network";
const ROUTES: SectionOptions =
    SectionOptions { place: Place::Prepend, delete_if_empty: true, new_mode: 0o644 };

/// Writes the interfaces and their routes.
pub(crate) fn write(setup: &mut Setup<'_>) -> Result<()> {
    let root = setup.root;
    root.make_path(FOLDER, 0o755)?;
    for name in &setup.network.gone {
        root.unlink(&format!("{FOLDER}/ifcfg-{name}"))?;
        root.edit_section(&format!("{FOLDER}/ifroute-{name}"), "", ROUTES)?;
    }
    for interface in &setup.network.interfaces {
        let name = &interface.name;
        if let Some(content) = rendered(interface) {
            root.replace(&format!("{FOLDER}/ifcfg-{name}"), content.as_bytes(), Attributes::CONFIG)?;
        }
        root.edit_section(&format!("{FOLDER}/ifroute-{name}"), &routes(interface), ROUTES)?;
    }
    Ok(())
}

/// The file of an interface; none if router advertisements are all it has, for that can not be said here.
fn rendered(interface: &Interface) -> Option<String> {
    let dhcp = match (&interface.ip4, &interface.ip6) {
        (Some(Ip4::Dhcp), Some(Ip6::Dhcp)) => Some("dhcp"),
        (Some(Ip4::Dhcp), _) => Some("dhcp4"),
        (_, Some(Ip6::Dhcp)) => Some("dhcp6"),
        _ => None,
    };
    let mut addresses = Vec::new();
    if let Some(Ip4::Static(ip)) = &interface.ip4 {
        addresses.push(ip.as_str());
    }
    if let Some(Ip6::Static(ip)) = &interface.ip6 {
        addresses.push(ip.as_str());
    }
    let configured = !matches!(interface.ip4, None | Some(Ip4::Manual))
        || !matches!(interface.ip6, None | Some(Ip6::Manual));
    if configured && dhcp.is_none() && addresses.is_empty() {
        return None;
    }
    let start = if configured { "onboot" } else { "manual" };
    let mut out = format!("STARTMODE={start}\nBOOTPROTO={}\n", dhcp.unwrap_or("static"));
    match addresses[..] {
        [address] => out.push_str(&format!("IPADDR={address}\n")),
        _ => {
            for (address, number) in addresses.iter().zip(1..) {
                out.push_str(&format!("IPADDR_{number}={address}\n"));
            }
        }
    }
    Some(out)
}

fn routes(interface: &Interface) -> String {
    let name = &interface.name;
    let mut out = String::new();
    if let Some(gateway) = &interface.gateway4 {
        let address = &gateway.address;
        if gateway.off_link {
            out.push_str(&format!("{address} 0.0.0.0 255.255.255.255 {name}\n"));
        }
        out.push_str(&format!("default {address} 0.0.0.0 {name}\n"));
    }
    if let Some(gateway) = &interface.gateway6 {
        let address = &gateway.address;
        if gateway.off_link {
            out.push_str(&format!("{address}/128 - - {name}\n"));
        }
        out.push_str(&format!("default {address} - {name}\n"));
    }
    out
}

#[cfg(test)]
mod tests {
    use crate::guest::network::tests::network;

    use super::*;

    fn one(nic: &str) -> Option<String> {
        rendered(&network(&[nic]).interfaces[0])
    }

    #[test]
    fn the_worked_example() {
        let nic = "eth0 ip=10.20.0.5/24 ip6=2001:db8:7::5/64";
        let expected =
            "STARTMODE=onboot\nBOOTPROTO=static\nIPADDR_1=10.20.0.5/24\nIPADDR_2=2001:db8:7::5/64\n";
        assert_eq!(one(nic).unwrap(), expected);
        let nic = "eth0 ip=10.20.0.5/32 gw=10.20.9.1 ip6=2001:db8:7::5/64 gw6=2001:db8:9::1";
        let expected = "10.20.9.1 0.0.0.0 255.255.255.255 eth0\ndefault 10.20.9.1 0.0.0.0 eth0\n\
                        2001:db8:9::1/128 - - eth0\ndefault 2001:db8:9::1 - eth0\n";
        assert_eq!(routes(&network(&[nic]).interfaces[0]), expected);
    }

    #[test]
    fn start_modes_and_protocols() {
        assert_eq!(one("e ip=dhcp ip6=dhcp").unwrap(), "STARTMODE=onboot\nBOOTPROTO=dhcp\n");
        assert_eq!(one("e ip6=dhcp").unwrap(), "STARTMODE=onboot\nBOOTPROTO=dhcp6\n");
        assert_eq!(one("e ip=dhcp ip6=auto").unwrap(), "STARTMODE=onboot\nBOOTPROTO=dhcp4\n");
        assert_eq!(one("e ip6=auto"), None);
        assert!(one("e ip=manual").unwrap().starts_with("STARTMODE=manual\n"));
        assert!(one("e ip6=2001:db8::1/64").unwrap().ends_with("\nIPADDR=2001:db8::1/64\n"));
    }
}
