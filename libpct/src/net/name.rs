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
        let parse = || {
            let (vmid, index) = name.strip_prefix("veth")?.split_once('i')?;
            Self::new(vmid.parse().ok()?, index.parse().ok()?).ok()
        };
        parse().filter(|parsed| parsed.to_string() == name).ok_or(InvalidVethName)
    }
}

impl fmt::Display for VethName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "veth{}i{}", self.vmid, self.index)
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
    fn names_of_links() {
        for good in ["vmbr0", "a", "br.100", "123456789012345"] {
            assert_eq!(good.parse::<LinkName>().unwrap().as_str(), good);
        }
        for bad in ["", ".", "..", "1234567890123456", "a b", "a/b", "a:b", "a%d", "a\n", "a\0"] {
            assert!(bad.parse::<LinkName>().is_err(), "{bad:?}");
        }
    }
}
