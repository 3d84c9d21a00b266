//! NICs of a running container (spec: runtime, part 6.6; config, part 8.5).
//!
//! No process of ours goes inside. What is to be done there is asked of the kernel by a socket that a helper has made in
//! the container's network namespace. The guest's end of a NIC is found by its number, for names are the guest's.

use std::os::fd::{AsFd, OwnedFd};

use super::super::{
    Env,
    addresses::{self, Addresses},
    dhcp::Client,
    guest_setup,
    helper::network_sockets,
    inside::Init,
};
use crate::{
    config::{IpVersion, MacAddr, NetIf, Port, Section, Vmid},
    error::Error,
    net::{Link, LinkName, Netlink, VethName},
    progress::Progress,
};

/// The NICs of a running container, with what it takes to have them as they were.
pub(super) struct Network<'a> {
    env: &'a Env,
    vmid: Vmid,
    inside: Option<Inside>,
    done: Vec<Step>,
    /// Removed when all else has succeeded: a NIC that is made again has lost what the guest had given it.
    doomed: Vec<(VethName, NetIf)>,
    /// The names under which the guest's files knew what has changed; `None` while they can stay as they are.
    known: Option<Vec<String>>,
    warnings: Vec<Error>,
}

/// One change that was begun.
enum Step {
    Made(VethName, NetIf),
    Removed(VethName, NetIf),
    Altered { veth: VethName, from: NetIf, to: NetIf },
}

/// The container's network namespace.
struct Inside {
    init: Init,
    namespace: OwnedFd,
    netlink: Netlink,
}

impl Inside {
    fn of(env: &Env, vmid: Vmid) -> Result<Self, Error> {
        let init = Init::of(env, vmid)?.ok_or(Error::NotRunning { what: "CT", vmid })?;
        let namespace = init.network_namespace()?.ok_or(Error::SharedNetwork)?;
        let [netlink, _] = network_sockets(env, init.as_fd())?;
        Ok(Self { init, namespace, netlink: Netlink::adopt(netlink) })
    }

    /// The guest's end of a link of ours.
    fn end_of(&mut self, ours: &Link) -> Result<Link, Error> {
        let found = self.netlink.links("")?.into_iter().find(|link| are_ends(ours, link));
        found.ok_or_else(|| Error::NoGuestEnd { link: ours.name.clone() })
    }
}

fn are_ends(ours: &Link, theirs: &Link) -> bool {
    theirs.kind == "veth" && ours.parent == Some(theirs.index) && theirs.parent == Some(ours.index)
}

impl<'a> Network<'a> {
    pub(super) fn new(env: &'a Env, vmid: Vmid) -> Self {
        Self {
            env,
            vmid,
            inside: None,
            done: Vec::new(),
            doomed: Vec::new(),
            known: None,
            warnings: Vec::new(),
        }
    }

    /// Makes the NIC `net<index>` what `new` says.
    pub(super) fn change(
        &mut self,
        index: u16,
        old: Option<&NetIf>,
        new: Option<&NetIf>,
    ) -> Result<(), Error> {
        let invalid = || Error::invalid(&format!("net{index}"), "number, with a VM ID as long as this one,");
        let veth = u8::try_from(index).ok().and_then(|index| VethName::new(self.vmid, index).ok());
        let veth = veth.ok_or_else(invalid)?;
        match (old, new) {
            (None, None) => {}
            (None, Some(new)) => self.make(veth, new)?,
            (Some(old), None) => self.doomed.push((veth, old.clone())),
            (Some(old), Some(new)) => self.replace(veth, old, new)?,
        }
        if old.map(in_files) != new.map(in_files) {
            self.known.get_or_insert_default().extend(old.map(|old| old.name.clone()));
        }
        Ok(())
    }

    /// The change has failed: has every NIC be what it was, and returns what could not be.
    pub(super) fn restore(mut self) -> Vec<String> {
        // What is to be removed has not been.
        self.doomed.clear();
        self.warnings.clear();
        let mut problems = Vec::new();
        for step in std::mem::take(&mut self.done).into_iter().rev() {
            let undone = match step {
                Step::Made(veth, net) => self.delete(veth, &net),
                Step::Removed(veth, net) => self.make(veth, &net),
                Step::Altered { veth, from, to } => self.alter(veth, &to, &from),
            };
            problems.extend(undone.err());
        }
        problems.append(&mut self.warnings);
        problems.iter().map(Error::full_message).collect()
    }

    /// The change has succeeded, and `section` is in force: removes what is to go, and has the guest's files say what
    /// there is. That this fails is told; the next start makes good for it.
    pub(super) fn finish(mut self, section: &Section, progress: &mut dyn Progress) {
        for (veth, net) in std::mem::take(&mut self.doomed) {
            self.warnings.extend(self.delete(veth, &net).err());
        }
        if let Some(known) = self.known.take() {
            self.warnings.extend(self.write_files(section, known, progress).err());
        }
        self.warnings.iter().for_each(|warning| progress.warning(&warning.full_message()));
    }

    fn write_files(
        &self,
        section: &Section,
        mut gone: Vec<String>,
        progress: &mut dyn Progress,
    ) -> Result<(), Error> {
        let Some(init) = Init::of(self.env, self.vmid)? else { return Ok(()) };
        let nets = section.nets()?;
        gone.retain(|name| !nets.iter().any(|(_, net)| net.name == *name && is_configured(net)));
        let root = init.root_of(&section.id_map()?)?.without_mounts();
        guest_setup::at_hotplug(&root, section, gone, progress)
    }

    /// Makes a NIC what `new` says that is what `old` says.
    fn replace(&mut self, veth: VethName, old: &NetIf, new: &NetIf) -> Result<(), Error> {
        let mut host = Netlink::open()?;
        // The guest can have removed its end, and ours with it.
        let Some(link) = host.link(&veth.to_string())? else { return self.make(veth, new) };
        let mac = |net: &NetIf| net.hwaddr.as_ref().map(MacAddr::bytes);
        if old.name == new.name && mac(old) == mac(new) {
            return self.alter(veth, old, new);
        }
        host.bridge(&port(new)?.bridge)?;
        self.claim(&new.name, Some(&link))?;
        self.remove(veth, old)?;
        self.make(veth, new)
    }

    fn make(&mut self, veth: VethName, net: &NetIf) -> Result<(), Error> {
        let port = port(net)?;
        let name = self.claim(&net.name, None)?;
        let mut host = Netlink::open()?;
        let bridge = host.bridge(&port.bridge)?;
        let mac = net.hwaddr.as_ref().map(MacAddr::bytes);
        host.create_veth(veth, &veth.peer(), Some(bridge.mtu), mac)?;
        self.done.push(Step::Made(veth, net.clone()));
        let peer = host.existing_link(veth.peer().as_str())?;
        if let Some(mtu) = own_mtu(net) {
            host.set_mtu(&peer, mtu)?;
        }
        host.plug(veth, &port)?;
        let inside = self.inside()?;
        host.move_to_namespace(&peer, inside.namespace.as_fd(), &name)?;
        let end = inside.netlink.existing_link(name.as_str())?;
        inside.netlink.set_up(&end, true)?;
        self.set_addresses(&end, None, net)
    }

    fn remove(&mut self, veth: VethName, net: &NetIf) -> Result<(), Error> {
        self.done.push(Step::Removed(veth, net.clone()));
        self.delete(veth, net)
    }

    fn delete(&self, veth: VethName, net: &NetIf) -> Result<(), Error> {
        for ip in net.leased() {
            self.client(net, ip).end()?;
        }
        Netlink::open()?.delete_veth(veth)?;
        Ok(())
    }

    /// Changes a NIC whose link stays, and with it what the guest has given it.
    fn alter(&mut self, veth: VethName, from: &NetIf, to: &NetIf) -> Result<(), Error> {
        let (old, new) = (port(from)?, port(to)?);
        let mut host = Netlink::open()?;
        let link = host.existing_link(&veth.to_string())?;
        let bridge = host.bridge(&new.bridge)?;
        self.done.push(Step::Altered { veth, from: from.clone(), to: to.clone() });
        if (Port { rate: new.rate, ..old.clone() }) != new {
            host.plug(veth, &new)?;
        } else if old != new && !new.link_down {
            host.set_rate(veth, new.rate)?;
        }
        let same_mtu = from.mtu == to.mtu && from.bridge == to.bridge;
        if same_mtu && Addresses::of(from) == Addresses::of(to) && leases(from) == leases(to) {
            return Ok(());
        }
        let inside = self.inside()?;
        let end = inside.end_of(&link)?;
        if !same_mtu {
            inside.netlink.set_mtu(&end, own_mtu(to).unwrap_or(bridge.mtu))?;
        }
        self.set_addresses(&end, Some(from), to)
    }

    /// What the kernel refuses of fixed addresses is a warning: the guest may have its reasons, such as a link that it
    /// has brought down, and gets the address at its next start.
    fn set_addresses(&mut self, end: &Link, from: Option<&NetIf>, to: &NetIf) -> Result<(), Error> {
        let (had, has) = (from.map(leases).unwrap_or_default(), leases(to));
        for (ip, ..) in had.iter().filter(|lease| !has.contains(lease)) {
            let client = self.client(to, *ip);
            client.release(self.env, self.inside()?.init.as_fd())?;
        }
        let old = from.map(Addresses::of).unwrap_or_default();
        for (old, new) in old.into_iter().zip(Addresses::of(to)) {
            let refused = addresses::change(&mut self.inside()?.netlink, end, old, new);
            self.warnings.extend(refused);
        }
        for (ip, ..) in has.iter().filter(|lease| !had.contains(lease)) {
            let client = self.client(to, *ip);
            client.start(self.env, self.inside()?.init.as_fd())?;
        }
        Ok(())
    }

    fn client(&self, net: &NetIf, ip: IpVersion) -> Client {
        Client::new(self.env, self.vmid, &net.name, ip)
    }

    /// Sees to it that no link inside has a name but, maybe, the guest's end of `ours`. What is to be removed goes now
    /// if it has the name.
    fn claim(&mut self, name: &str, ours: Option<&Link>) -> Result<LinkName, Error> {
        let name: LinkName = name.parse()?;
        if let Some(at) = self.doomed.iter().position(|(_, net)| net.name == name.as_str()) {
            let (veth, net) = self.doomed.remove(at);
            self.remove(veth, &net)?;
        }
        match self.inside()?.netlink.link(name.as_str())? {
            Some(taken) if ours.is_none_or(|ours| !are_ends(ours, &taken)) => {
                Err(Error::NameTaken { name: taken.name })
            }
            _ => Ok(name),
        }
    }

    fn inside(&mut self) -> Result<&mut Inside, Error> {
        let inside = match self.inside.take() {
            Some(inside) => inside,
            None => Inside::of(self.env, self.vmid)?,
        };
        Ok(self.inside.insert(inside))
    }
}

fn port(net: &NetIf) -> Result<Port, Error> {
    Ok(Port::try_from(net)?)
}

/// The MTU of the guest's end, where it is not the bridge's.
fn own_mtu(net: &NetIf) -> Option<u32> {
    net.mtu.filter(|mtu| *mtu > 0)
}

/// What the host asks a server for, and in which network: of another one the lease is another.
fn leases(net: &NetIf) -> Vec<(IpVersion, Option<&str>, Option<u16>)> {
    net.leased().map(|ip| (ip, net.bridge.as_deref(), net.tag)).collect()
}

/// What of a NIC stands in the guest's files.
fn in_files(net: &NetIf) -> impl PartialEq + use<'_> {
    (&net.name, &net.ip, &net.ip6, &net.gw, &net.gw6)
}

/// Whether there is anything of a NIC for the guest to do.
fn is_configured(net: &NetIf) -> bool {
    net.ip.is_some() || net.ip6.is_some() || net.gw.is_some() || net.gw6.is_some()
}
