//! Alpine Linux: OpenRC, busybox init, ifupdown.

use crate::guest::{
    Setup,
    actions::{inittab, lxc_name, securetty},
    error::Result,
    family::{Family, Trace, Version},
    settings::Ip6,
    text::first_line,
    writers::ifupdown::{self, Style},
};

const RELEASE: &str = "/etc/alpine-release";

pub(crate) static FAMILY: Family = Family {
    ostype: "alpine",
    ids: &["alpine"],
    traces: &[Trace::File(RELEASE)],
    version: |probe, _| {
        // Nothing but the spelling of addresses depends on it.
        let release = probe.root.read(RELEASE)?.unwrap_or_default();
        Ok(Version::leading(&first_line(&release)).unwrap_or_default())
    },
    tty_dir: "",
    template_fixup: &[enable_services, securetty::allow_ttys, lxc_name::remove],
    init: &[inittab::busybox],
    network: &[network],
    any_init_on_cgroup_v2: true,
    ..Family::BASE
};

/// Services that a template for virtual machines may not have, and a container needs.
fn enable_services(setup: &mut Setup<'_>) -> Result<()> {
    let boot = ["networking", "bootmisc", "hostname"].map(|name| ("boot", name));
    let shutdown = ["killprocs", "savecache"].map(|name| ("shutdown", name));
    for (runlevel, name) in boot.into_iter().chain(shutdown) {
        setup.root.symlink(&format!("/etc/init.d/{name}"), &format!("/etc/runlevels/{runlevel}/{name}"))?;
    }
    Ok(())
}

/// busybox can neither DHCPv6 nor `auto`.
fn network(setup: &mut Setup<'_>) -> Result<()> {
    let mut interfaces = setup.network.interfaces.clone();
    for interface in &mut interfaces {
        if matches!(interface.ip6, Some(Ip6::Auto | Ip6::Dhcp)) {
            interface.ip6 = Some(Ip6::Manual);
        }
    }
    let style = if setup.guest.version >= Version::new(3, 13) { Style::Cidr } else { Style::Netmask };
    ifupdown::write(setup, &interfaces, style)
}
