//! Names of links.

use std::fmt;
use std::str::FromStr;

use super::Error;
use crate::config::Vmid;

/// The kernel's limit for names, without the terminating NUL.
const LONGEST: usize = 15;

/// A name that a link can have: 1 to 15 bytes, without blanks, `/` and `:`, not `.` or `..`. Nor has it a `%`, by
/// which the kernel would choose a number.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct LinkName(String);

impl LinkName {
    /// The text.
    #[must_use]
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for LinkName {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        let bad = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '/' | ':' | '%');
        if name.is_empty() || name.len() > LONGEST || name.contains(bad) || matches!(name, "." | "..") {
            return Err(Error::InvalidName { name: name.to_owned() });
        }
        Ok(Self(name.to_owned()))
    }
}

impl fmt::Display for LinkName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The host side of a container's NIC: `veth<vmid>i<index>`.
///
/// It can only be made of a VMID and a number, so no text from a config or template can name somebody else's
/// link where such a name is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct VethName {
    vmid: Vmid,
    index: u8,
}

/// A text that names no NIC of a container, or a VMID too long for a NIC of two digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the VM ID is too long for a network interface name: 'veth<vmid>i<n>' has at most 15 characters")]
pub(crate) struct InvalidVethName;

impl VethName {
    /// The host side of `net<index>`. Fails if the name is longer than the kernel allows, which takes a VMID of
    /// nine digits and an index of two.
    pub(crate) fn new(vmid: Vmid, index: u8) -> Result<Self, InvalidVethName> {
        let name = Self { vmid, index };
        if name.to_string().len() > LONGEST { Err(InvalidVethName) } else { Ok(name) }
    }

    /// Which container.
    #[must_use]
    pub(crate) fn vmid(self) -> Vmid {
        self.vmid
    }

    /// Which NIC of it.
    #[must_use]
    pub(crate) fn index(self) -> u8 {
        self.index
    }

    /// A link that belongs to this NIC.
    pub(super) fn link(self, part: Part) -> OwnLink {
        OwnLink { nic: self, part }
    }

    /// The name of the guest's end for as long as it is on the host: this name and a `p`. Where that would be too long
    /// it begins with `vetp` instead.
    #[must_use]
    pub(crate) fn peer(self) -> LinkName {
        let name = format!("{self}p");
        LinkName(if name.len() > LONGEST { format!("vetp{}i{}", self.vmid, self.index) } else { name })
    }
}

impl FromStr for VethName {
    type Err = InvalidVethName;

    /// Takes exactly what [`fmt::Display`] writes.
    fn from_str(name: &str) -> Result<Self, InvalidVethName> {
        match OwnLink::of_name(name) {
            Some(OwnLink { nic, part: Part::Host }) => Ok(nic),
            _ => Err(InvalidVethName),
        }
    }
}

impl fmt::Display for VethName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.link(Part::Host).fmt(f)
    }
}

/// What a link is for that belongs to a container's NIC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// The host side of the pair whose other side the guest has.
    Host,
    /// The bridge on which a firewall looks at what passes.
    FirewallBridge,
    /// The side at the firewall's bridge of the pair that leads from there to the bridge of the config.
    FirewallIn,
    /// Its other side, a port of the bridge of the config.
    FirewallOut,
    /// What the guest sends goes through here where it is limited by a queue.
    Shaper,
}

impl Part {
    const ALL: [Self; 5] =
        [Self::Host, Self::FirewallBridge, Self::FirewallIn, Self::FirewallOut, Self::Shaper];

    /// The beginning of its names and what stands between the two numbers.
    fn spelling(self) -> (&'static str, char) {
        match self {
            Self::Host => ("veth", 'i'),
            Self::FirewallBridge => ("fwbr", 'i'),
            Self::FirewallIn => ("fwln", 'i'),
            Self::FirewallOut => ("fwpr", 'p'),
            Self::Shaper => ("ifb", 'i'),
        }
    }

    /// What the kernel says of which kind it is.
    pub(super) fn kind(self) -> &'static str {
        match self {
            Self::Host | Self::FirewallIn | Self::FirewallOut => "veth",
            Self::FirewallBridge => "bridge",
            Self::Shaper => "ifb",
        }
    }
}

/// A link of ours on the host: whose it is, and what for. Its name is made of that and of nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OwnLink {
    pub(super) nic: VethName,
    pub(super) part: Part,
}

impl OwnLink {
    /// Its name, which is no longer than that of the NIC.
    pub(super) fn name(self) -> LinkName {
        LinkName(self.to_string())
    }

    /// Whose link this could be, as its name says; `None` for one that is no container's.
    pub(super) fn of_name(name: &str) -> Option<Self> {
        let part = Part::ALL.into_iter().find(|part| name.starts_with(part.spelling().0))?;
        let (begin, separator) = part.spelling();
        let (vmid, index) = name.strip_prefix(begin)?.split_once(separator)?;
        let nic = VethName::new(vmid.parse().ok()?, index.parse().ok()?).ok()?;
        let link = Self { nic, part };
        (link.to_string() == name).then_some(link)
    }
}

impl fmt::Display for OwnLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (begin, separator) = self.part.spelling();
        write!(f, "{begin}{}{separator}{}", self.nic.vmid, self.nic.index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_nics_are_exact() {
        let vmid = |n| Vmid::new(n).unwrap();
        assert_eq!(VethName::new(vmid(100), 0).unwrap().to_string(), "veth100i0");
        assert_eq!("veth999999999i9".parse(), VethName::new(vmid(999_999_999), 9));
        assert_eq!(VethName::new(vmid(999_999_999), 10), Err(InvalidVethName));
        assert_eq!(VethName::new(vmid(99_999_999), 31).unwrap().to_string(), "veth99999999i31");
        assert_eq!(VethName::new(vmid(100), 31).unwrap().peer().as_str(), "veth100i31p");
        let longest = VethName::new(vmid(99_999_999), 31).unwrap().peer();
        assert_eq!(longest.as_str(), "vetp99999999i31");
        assert!(longest.as_str().parse::<VethName>().is_err());
        for bad in [
            "veth100i",
            "veth100i0p",
            "veth100i00",
            "veth100i+1",
            "veth0100i0",
            "veth99i0",
            "eth0",
            "veth100i256",
        ] {
            assert_eq!(bad.parse::<VethName>(), Err(InvalidVethName), "{bad}");
        }
    }

    #[test]
    fn links_of_ours_are_known_by_their_names() {
        for nic in [VethName { vmid: Vmid::new(100).unwrap(), index: 31 }, "veth999999999i9".parse().unwrap()]
        {
            for part in Part::ALL {
                let link = nic.link(part);
                assert_eq!(OwnLink::of_name(&link.to_string()), Some(link));
                assert_eq!(link.to_string().parse::<LinkName>().unwrap(), link.name());
            }
        }
        let nic: VethName = "veth100i1".parse().unwrap();
        assert_eq!(
            Part::ALL.map(|part| nic.link(part).to_string()),
            ["veth100i1", "fwbr100i1", "fwln100i1", "fwpr100p1", "ifb100i1"]
        );
        for name in
            ["vmbr0", "lo", "fwbr100p1", "fwpr100i1", "fwln100o1", "ifb0", "ifb100i01", "fwbr100i1v5", "é"]
        {
            assert_eq!(OwnLink::of_name(name), None, "{name}");
        }
    }

    #[test]
    fn names_of_links() {
        for good in ["vmbr0", "a", "br.100", "123456789012345"] {
            assert_eq!(good.parse::<LinkName>().unwrap().as_str(), good);
        }
        for bad in ["", ".", "..", "1234567890123456", "a b", "a/b", "a:b", "a%d", "a\n", "a\0"] {
            assert!(bad.parse::<LinkName>().is_err(), "{bad:?}");
        }
    }
}
