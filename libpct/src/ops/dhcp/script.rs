//! The helper as dhclient's script: what a lease says is done by netlink, in the namespace that dhclient is in
//! (dhclient-script(8)). The values come from the network: each is parsed, and no other is looked at.

use std::{
    env,
    io::{self, Write},
    net::{IpAddr, Ipv4Addr},
    process::ExitCode,
    str::FromStr,
    thread,
    time::{Duration, Instant},
};

use ipnet::IpNet;

use super::super::addresses::{self, Addresses};
use crate::{
    error::Error,
    net::{Link, Netlink},
};

/// The variable by which the helper knows that dhclient has called it.
const MARK: &str = "PCT_DHCLIENT";

/// How long a new link may take to find out that nobody else has its link-local address, without which DHCPv6 cannot
/// begin.
const DETECTION_TIMEOUT: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(20);

/// What dhclient is told to set.
pub(super) fn mark() -> String {
    format!("{MARK}=1")
}

/// Whether dhclient has called.
pub(crate) fn is_called() -> bool {
    env::var_os(MARK).is_some()
}

/// A failure is not the lease's: dhclient would give it back to the server as one that another machine uses.
pub(crate) fn serve() -> ExitCode {
    let reason = env::var("reason").unwrap_or_default();
    // An old lease that no server has confirmed.
    if reason == "TIMEOUT" {
        return ExitCode::FAILURE;
    }
    let errors = run(&reason).unwrap_or_else(|error| vec![error]);
    for error in errors {
        let _ = writeln!(io::stderr(), "{}", error.full_message());
    }
    ExitCode::SUCCESS
}

fn run(reason: &str) -> Result<Vec<Error>, Error> {
    let variable = |name: &str| env::var(name).ok();
    let mut netlink = Netlink::open()?;
    let link = netlink.existing_link(&variable("interface").unwrap_or_default())?;
    let (old, new) = (lease("old", &variable), lease("new", &variable));
    match reason {
        "PREINIT" => netlink.set_up(&link, true)?,
        "PREINIT6" => {
            netlink.set_up(&link, true)?;
            wait_for_link_local(&mut netlink, &link)?;
        }
        "BOUND" | "RENEW" | "REBIND" | "REBOOT" | "BOUND6" | "RENEW6" | "REBIND6" => {
            // What has not changed is made sure of.
            let old = if old == new { Addresses::default() } else { old };
            return Ok(addresses::change(&mut netlink, &link, old, new));
        }
        "EXPIRE" | "FAIL" | "RELEASE" | "STOP" | "EXPIRE6" | "RELEASE6" | "STOP6" => {
            return Ok(addresses::change(&mut netlink, &link, old, Addresses::default()));
        }
        _ => {}
    }
    Ok(Vec::new())
}

/// What a lease gives: the variables of the old and of the new one differ in how they begin.
fn lease(which: &str, variable: &dyn Fn(&str) -> Option<String>) -> Addresses {
    let found = |name: &str| variable(&format!("{which}_{name}"));
    if let Some(address) = parsed::<IpAddr>(found("ip6_address")).filter(IpAddr::is_ipv6) {
        let prefix = parsed(found("ip6_prefixlen")).unwrap_or(128);
        // Routers tell of themselves.
        return IpNet::new(address, prefix)
            .map_or_else(|_| Addresses::default(), |net| Addresses::fixed(net, None));
    }
    let Some(address) = parsed::<Ipv4Addr>(found("ip_address")) else { return Addresses::default() };
    let mask = parsed::<Ipv4Addr>(found("subnet_mask")).unwrap_or(Ipv4Addr::BROADCAST);
    let Ok(net) = IpNet::with_netmask(address.into(), mask.into()) else { return Addresses::default() };
    let routers = found("routers").unwrap_or_default();
    let gateway = routers.split_ascii_whitespace().next().and_then(|router| router.parse::<Ipv4Addr>().ok());
    Addresses::fixed(net, gateway.map(Into::into))
}

fn parsed<T: FromStr>(text: Option<String>) -> Option<T> {
    text?.parse().ok()
}

fn wait_for_link_local(netlink: &mut Netlink, link: &Link) -> Result<(), Error> {
    let deadline = Instant::now() + DETECTION_TIMEOUT;
    while Instant::now() < deadline {
        let is_ready = netlink.addresses()?.iter().any(|address| {
            let of_link = address.link == link.index && address.scope == libc::RT_SCOPE_LINK;
            of_link && address.address.is_ipv6() && address.flags & libc::IFA_F_TENTATIVE == 0
        });
        if is_ready {
            break;
        }
        thread::sleep(PAUSE);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(which: &str, variables: &[(&str, &str)]) -> Addresses {
        lease(which, &|name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn a_lease_is_an_address_and_a_gateway() {
        let variables = [
            ("old_ip_address", "192.0.2.4"),
            ("new_ip_address", "192.0.2.5"),
            ("new_subnet_mask", "255.255.255.128"),
            ("new_routers", "192.0.2.1 192.0.2.2"),
            ("new_domain_name_servers", "192.0.2.53"),
        ];
        let gateway = "192.0.2.1".parse().ok();
        assert_eq!(of("new", &variables), Addresses::fixed("192.0.2.5/25".parse().unwrap(), gateway));
        assert_eq!(of("old", &variables), Addresses::fixed("192.0.2.4/32".parse().unwrap(), None));
        let variables = [("new_ip6_address", "2001:db8::5"), ("new_ip6_prefixlen", "64")];
        assert_eq!(of("new", &variables), Addresses::fixed("2001:db8::5/64".parse().unwrap(), None));
        assert_eq!(of("old", &variables), Addresses::default());
    }

    #[test]
    fn what_a_server_makes_up_is_no_lease() {
        for variables in [
            &[("new_ip_address", "192.0.2.5; reboot")][..],
            &[("new_ip_address", "192.0.2.5"), ("new_subnet_mask", "255.0.255.0")],
            &[("new_ip6_address", "2001:db8::5"), ("new_ip6_prefixlen", "129")],
            &[("new_ip6_address", "192.0.2.5"), ("new_ip6_prefixlen", "24")],
        ] {
            assert_eq!(of("new", variables), Addresses::default(), "{variables:?}");
        }
        let variables = [("new_ip_address", "192.0.2.5"), ("new_routers", "$(x) 192.0.2.1")];
        assert_eq!(of("new", &variables), Addresses::fixed("192.0.2.5/32".parse().unwrap(), None));
    }
}
