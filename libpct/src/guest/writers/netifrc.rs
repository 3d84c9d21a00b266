//! `/etc/conf.d/net` (spec: guest set-up, part 8.7).

use crate::{
    guest::{
        Setup,
        error::Result,
        network::Interface,
        settings::{Ip4, Ip6},
    },
    rootfs::{Place, SectionOptions},
};

const PATH: &str = "/etc/conf.d/net";

/// Writes the interfaces and links their services.
pub(crate) fn write(setup: &mut Setup<'_>) -> Result<()> {
    let root = setup.root;
    for name in &setup.network.gone {
        let service = format!("/etc/init.d/net.{name}");
        if root.readlink(&service)?.as_deref() == Some("net.lo") {
            root.unlink(&service)?;
        }
    }
    let mut section = "modules=\"$modules ifconfig\"\n".to_owned();
    for interface in &setup.network.interfaces {
        let text = rendered(interface);
        if !text.is_empty() {
            section.push_str(&text);
            root.symlink("net.lo", &format!("/etc/init.d/net.{}", interface.name))?;
        }
    }
    let options = SectionOptions { place: Place::Replace, ..SectionOptions::default() };
    root.make_path("/etc/conf.d", 0o755)?;
    root.edit_section(PATH, &section, options)?;
    Ok(())
}

fn rendered(interface: &Interface) -> String {
    let name = &interface.name;
    let mut config = Vec::new();
    match &interface.ip4 {
        Some(Ip4::Dhcp) => config.push("dhcp"),
        Some(Ip4::Static(ip)) => config.push(ip.as_str()),
        None | Some(Ip4::Manual) => {}
    }
    match &interface.ip6 {
        Some(Ip6::Auto) => config.push("auto"),
        Some(Ip6::Static(ip)) => config.push(ip.as_str()),
        None | Some(Ip6::Manual | Ip6::Dhcp) => {}
    }
    let mut routes = Vec::new();
    if let Some(gateway) = &interface.gateway4 {
        if gateway.off_link {
            routes.push(format!("-host {} dev {name}", gateway.address));
        }
        routes.push(format!("default gw {}", gateway.address));
    }
    if let Some(gateway) = &interface.gateway6 {
        // On link the route to the gateway is not needed, but the original always writes it.
        if matches!(interface.ip6, Some(Ip6::Static(_) | Ip6::Auto)) {
            routes.push(format!("-6 -host {} dev {name}", gateway.address));
        }
        routes.push(format!("-6 default gw {}", gateway.address));
    }
    let variable = |kind: &str, lines: &str| {
        if lines.is_empty() { String::new() } else { format!("{kind}_{name}=\"{lines}\"\n") }
    };
    variable("config", &config.join("\n")) + &variable("routes", &routes.join("\n"))
}

#[cfg(test)]
mod tests {
    use crate::guest::network::tests::network;

    use super::*;

    #[test]
    fn the_worked_example() {
        let nic = "eth0 ip=10.20.0.5/24 gw=10.20.0.1 ip6=2001:db8:7::5/64 gw6=2001:db8:7::1";
        let expected = "\
config_eth0=\"10.20.0.5/24
2001:db8:7::5/64\"
routes_eth0=\"default gw 10.20.0.1
-6 -host 2001:db8:7::1 dev eth0
-6 default gw 2001:db8:7::1\"
";
        assert_eq!(rendered(&network(&[nic]).interfaces[0]), expected);
    }

    #[test]
    fn an_interface_without_addresses_is_not_mentioned() {
        assert_eq!(rendered(&network(&["e ip=manual ip6=dhcp"]).interfaces[0]), "");
        let off_link = "config_e=\"10.0.0.1/32\"\nroutes_e=\"-host 10.0.9.1 dev e\ndefault gw 10.0.9.1\"\n";
        assert_eq!(rendered(&network(&["e ip=10.0.0.1/32 gw=10.0.9.1"]).interfaces[0]), off_link);
    }
}
