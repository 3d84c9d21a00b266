//! Between the config and the room that sets guests up.

use std::{
    fs,
    time::{SystemTime, UNIX_EPOCH},
};

use crate::{
    config::{Ip4Config, Ip6Config, NetIf, Section},
    error::Error,
    facts::{CgroupLayout, HostFacts},
    guest::{self, CgroupV2, Detected, Host, Ip4, Ip6, Message, Nic, Settings, Spelled, supports_cgroup_v2},
    progress::Progress,
    rootfs::Rootfs,
};

/// What the config says about the inside.
pub(crate) fn settings(section: &Section) -> Result<Settings, Error> {
    let owned = |text: Option<&str>| text.map(str::to_owned);
    let nets = section.nets()?.into_iter().map(|(index, net)| nic(index.into(), &net));
    Ok(Settings {
        hostname: owned(section.hostname()),
        nets: nets.collect(),
        gone: Vec::new(),
        nameserver: owned(section.nameserver()),
        searchdomain: owned(section.searchdomain()),
        timezone: owned(section.timezone()),
        tty_count: section.tty_count(),
        ostype: owned(section.ostype()),
        arch: owned(section.arch()),
        nesting: section.features()?.nesting,
        unprivileged: !section.id_map()?.is_empty(),
    })
}

/// The guest's files show the spelling of the config.
fn nic(index: u32, net: &NetIf) -> Nic {
    let mut texts = net.texts();
    let mut text = |key| texts.remove(key).unwrap_or_default();
    Nic {
        index,
        name: net.name.clone(),
        ip4: net.ip.map(|ip| match ip {
            Ip4Config::Dhcp => Ip4::Dhcp,
            Ip4Config::Manual => Ip4::Manual,
            Ip4Config::Static(address) => Ip4::Static(Spelled::new(text("ip"), address)),
        }),
        ip6: net.ip6.map(|ip| match ip {
            Ip6Config::Auto => Ip6::Auto,
            Ip6Config::Dhcp => Ip6::Dhcp,
            Ip6Config::Manual => Ip6::Manual,
            Ip6Config::Static(address) => Ip6::Static(Spelled::new(text("ip6"), address)),
        }),
        gw: net.gw.map(|gateway| Spelled::new(text("gw"), gateway)),
        gw6: net.gw6.map(|gateway| Spelled::new(text("gw6"), gateway)),
    }
}

/// What guests take from this host.
pub(crate) fn host() -> Host {
    let localtime = fs::canonicalize("/etc/localtime").ok().map(|path| super::shown(&path));
    let zone = localtime.as_deref().and_then(|path| path.strip_prefix("/usr/share/zoneinfo/"));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let mut host = Host { timezone: zone.map(str::to_owned), localtime, now, ..Host::default() };
    host.set_resolver(&fs::read_to_string("/etc/resolv.conf").unwrap_or_default());
    host
}

/// What guests take from a host that is described.
pub(super) fn described(facts: &HostFacts) -> Host {
    let now = facts.now.and_then(|now| u64::try_from(now).ok());
    Host {
        nameservers: facts.resolv.nameservers.clone(),
        search: facts.resolv.search.split_ascii_whitespace().next().map(str::to_owned),
        timezone: facts.timezone.clone(),
        localtime: facts.localtime.clone(),
        now: now.unwrap_or_else(|| host().now),
        uuid: facts.uuid.clone(),
    }
}

/// Passes a guest's messages on.
pub(crate) fn report(progress: &mut dyn Progress) -> impl FnMut(Message) {
    move |message| match message {
        Message::Info(text) => progress.message(&text),
        Message::Warning(text) => progress.warning(&text),
    }
}

/// Finds out what is in a root, and tells about it.
pub(super) fn detect(
    root: &Rootfs,
    settings: &Settings,
    progress: &mut dyn Progress,
) -> Result<Detected, Error> {
    let detected = guest::detect(root, settings)?;
    detected.messages.iter().cloned().for_each(report(progress));
    Ok(detected)
}

/// Everything that is due at a start, inside the mounted root.
pub(crate) fn at_start(
    root: &Rootfs,
    section: &Section,
    cgroup: CgroupLayout,
    progress: &mut dyn Progress,
) -> Result<(), Error> {
    let settings = settings(section)?;
    let detected = detect(root, &settings, progress)?;
    let mut report = report(progress);
    guest::run(root, &detected, &settings, &host(), guest::Event::Start, &mut report)?;
    if let Some(warning) = cgroup_v2_warning(root, &detected, cgroup) {
        report(Message::Warning(warning));
    }
    Ok(())
}

/// A guest whose init is too old for a host without cgroup v1 (spec: guest set-up, part 10).
pub(crate) fn cgroup_v2_warning(root: &Rootfs, guest: &Detected, cgroup: CgroupLayout) -> Option<String> {
    let too_old = cgroup == CgroupLayout::V2 && supports_cgroup_v2(root, guest) == CgroupV2::Unsupported;
    too_old.then(|| {
        "old systemd (< v232) detected, container won't run in a pure cgroupv2 environment! Upgrade the guest, or boot \
         the host with systemd.unified_cgroup_hierarchy=0"
            .to_owned()
    })
}

/// Has the network files say what the section says, while the guest runs. Those of interfaces that are `gone` go.
pub(crate) fn at_hotplug(
    root: &Rootfs,
    section: &Section,
    gone: Vec<String>,
    progress: &mut dyn Progress,
) -> Result<(), Error> {
    let settings = Settings { gone, ..settings(section)? };
    // What there is to say about the distribution is said at its start.
    let detected = guest::detect(root, &settings)?;
    Ok(guest::run(root, &detected, &settings, &host(), guest::Event::Net, &mut report(progress))?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Vmid};

    fn nics(config: &str) -> Vec<Nic> {
        let parsed = Config::parse(config.as_bytes(), Vmid::new(100).unwrap());
        settings(parsed.config.main()).unwrap().nets
    }

    #[test]
    fn addresses_reach_the_guest_as_they_are_spelled() {
        let nics = nics(
            "net0: name=eth0,ip=192.0.2.5/024,gw=192.0.2.1,ip6=2001:DB8:0::1/064,gw6=FE80:0::1\n\
             net1: name=eth1,ip=dhcp,ip6=auto\n\
             net3: name=eth3,ip=manual,ip6=manual\n\
             net4: name=eth4,ip6=dhcp\n",
        );
        let (Some(Ip4::Static(ip4)), Some(Ip6::Static(ip6))) = (&nics[0].ip4, &nics[0].ip6) else {
            panic!("{nics:?}")
        };
        assert_eq!((ip4.as_str(), ip6.as_str()), ("192.0.2.5/024", "2001:DB8:0::1/064"));
        assert_eq!((ip4.address(), ip6.address()), ("192.0.2.5", "2001:DB8:0::1"));
        assert_eq!(ip6.value().prefix_len(), 64);
        let gateways = (nics[0].gw.as_ref(), nics[0].gw6.as_ref());
        assert_eq!((gateways.0.unwrap().as_str(), gateways.1.unwrap().as_str()), ("192.0.2.1", "FE80:0::1"));
        assert_eq!((&nics[1].ip4, &nics[1].ip6), (&Some(Ip4::Dhcp), &Some(Ip6::Auto)));
        assert_eq!((&nics[2].ip4, &nics[2].ip6), (&Some(Ip4::Manual), &Some(Ip6::Manual)));
        assert_eq!((nics[3].index, &nics[3].ip4, &nics[3].ip6), (4, &None, &Some(Ip6::Dhcp)));
    }

    #[test]
    fn a_described_host_gives_its_first_search_domain() {
        let json = r#"{"home":"pve","liblxc":"6.0","cgroup":"v2","resolv":{"search":"a.example b"},"now":5}"#;
        let host = described(&serde_json::from_str(json).unwrap());
        assert_eq!((host.search.as_deref(), host.now), (Some("a.example"), 5));
    }
}
