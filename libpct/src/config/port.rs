//! The host's side of a network interface, as a value that can be handed on as one word.

use std::{fmt, num::NonZeroU64, str::FromStr};

use super::NetIf;

/// How the host's end of a network interface is attached to the host's network.
///
/// `Display` writes it as one word of characters that mean nothing to a shell (liblxc hands the line of a script to one),
/// and `FromStr` reads that word back: `br0,tag=5,trunks=10+20,rate=1048576,firewall,down`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Port {
    /// The host's bridge; a name as the config language allows it.
    pub bridge: String,
    /// The VLAN of untagged packets.
    pub tag: Option<u16>,
    /// The VLANs of tagged packets; none: all, unless there is a `tag`.
    pub trunks: Vec<u16>,
    /// The limit of each direction.
    pub rate: Option<Rate>,
    /// A bridge of its own in between, on which a firewall can look at what passes.
    pub firewall: bool,
    /// Attached to nothing, and the cable is pulled.
    pub link_down: bool,
}

/// Bytes a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rate(NonZeroU64);

/// Why an interface cannot be attached as it is described.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidPort {
    /// There is no bridge, or its name is none.
    #[error("'{0}' is no name of a bridge")]
    Bridge(String),
    /// A number beyond what 802.1Q has.
    #[error("'{0}' is no VLAN: they go from 1 to 4094")]
    Vlan(String),
    /// No amount of bytes.
    #[error("'{0}' is no rate")]
    Rate(String),
    /// Not a part of what such a description is printed as.
    #[error("'{0}' is no part of a port's description")]
    Word(String),
}

impl Port {
    /// Attached to `bridge` without anything else.
    pub(crate) fn plain(bridge: impl Into<String>) -> Self {
        let bridge = bridge.into();
        Self { bridge, tag: None, trunks: Vec::new(), rate: None, firewall: false, link_down: false }
    }

    /// Whether a port of the bridge is all that is asked for.
    pub(crate) fn is_plain(&self) -> bool {
        *self == Self::plain(&*self.bridge)
    }
}

impl Rate {
    /// The limit that `rate=<megabytes>` sets: whole bytes, and at least one. `None` is no limit, which 0 means.
    pub(crate) fn from_megabytes(megabytes: f64) -> Result<Option<Self>, InvalidPort> {
        const MEGABYTE: f64 = 1_048_576.0;
        let bytes = megabytes * MEGABYTE;
        // As a float the largest number is the first one that is too large.
        if !(0.0..u64::MAX as f64).contains(&bytes) {
            return Err(InvalidPort::Rate(megabytes.to_string()));
        }
        let limit = NonZeroU64::new(bytes as u64).unwrap_or(NonZeroU64::MIN);
        Ok((bytes > 0.0).then_some(Self(limit)))
    }

    /// Bytes a second.
    pub(crate) fn bytes(self) -> u64 {
        self.0.get()
    }
}

impl TryFrom<&NetIf> for Port {
    type Error = InvalidPort;

    fn try_from(net: &NetIf) -> Result<Self, InvalidPort> {
        Ok(Self {
            bridge: bridge_name(net.bridge.as_deref().unwrap_or_default())?,
            tag: net.tag.map(u32::from).map(vlan_id).transpose()?,
            trunks: net.trunks.iter().copied().map(vlan_id).collect::<Result<_, _>>()?,
            rate: net.rate.map(Rate::from_megabytes).transpose()?.flatten(),
            firewall: net.firewall,
            link_down: net.link_down,
        })
    }
}

fn bridge_name(name: &str) -> Result<String, InvalidPort> {
    let harmless = |b: u8| b.is_ascii_alphanumeric() || b"_-.".contains(&b);
    if name.is_empty() || !name.bytes().all(harmless) {
        return Err(InvalidPort::Bridge(name.to_owned()));
    }
    Ok(name.to_owned())
}

fn vlan_id(id: u32) -> Result<u16, InvalidPort> {
    let vlan = u16::try_from(id).ok().filter(|vlan| (1..=4094).contains(vlan));
    vlan.ok_or_else(|| InvalidPort::Vlan(id.to_string()))
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.bridge)?;
        if let Some(tag) = self.tag {
            write!(f, ",tag={tag}")?;
        }
        for (at, vlan) in self.trunks.iter().enumerate() {
            let before = if at == 0 { ",trunks=" } else { "+" };
            write!(f, "{before}{vlan}")?;
        }
        if let Some(rate) = self.rate {
            write!(f, ",rate={}", rate.bytes())?;
        }
        let flags = [(self.firewall, ",firewall"), (self.link_down, ",down")];
        flags.iter().filter(|(is_set, _)| *is_set).try_for_each(|(_, word)| f.write_str(word))
    }
}

impl FromStr for Port {
    type Err = InvalidPort;

    fn from_str(text: &str) -> Result<Self, InvalidPort> {
        let mut words = text.split(',');
        let mut port = Self::plain(bridge_name(words.next().unwrap_or_default())?);
        let vlan =
            |text: &str| text.parse().map_err(|_| InvalidPort::Vlan(text.to_owned())).and_then(vlan_id);
        for word in words {
            match word.split_once('=') {
                Some(("tag", tag)) => port.tag = Some(vlan(tag)?),
                Some(("trunks", trunks)) => {
                    port.trunks = trunks.split('+').map(vlan).collect::<Result<_, _>>()?
                }
                Some(("rate", bytes)) => {
                    let rate = bytes.parse().map(Rate).map_err(|_| InvalidPort::Rate(bytes.to_owned()))?;
                    port.rate = Some(rate);
                }
                None if word == "firewall" => port.firewall = true,
                None if word == "down" => port.link_down = true,
                _ => return Err(InvalidPort::Word(word.to_owned())),
            }
        }
        Ok(port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port(net: &str) -> Result<Port, InvalidPort> {
        Port::try_from(&net.parse::<NetIf>().unwrap())
    }

    #[test]
    fn one_word_says_all_and_is_read_back() {
        for (net, word) in [
            ("name=eth0,bridge=br0,ip=dhcp,mtu=1400", "br0"),
            (
                "name=eth0,bridge=br0.1,tag=5,trunks=10;20,rate=1.5,firewall=1,link_down=1",
                "br0.1,tag=5,trunks=10+20,rate=1572864,firewall,down",
            ),
            ("name=eth0,bridge=br0,firewall=0,rate=0", "br0"),
            ("name=eth0,bridge=br0,rate=0.0000001", "br0,rate=1"),
        ] {
            let port = port(net).unwrap();
            assert_eq!(port.to_string(), word);
            assert_eq!(word.parse(), Ok(port.clone()));
            assert_eq!(port.is_plain(), word == "br0");
        }
    }

    #[test]
    fn what_cannot_be_attached_is_refused() {
        for (net, error) in [
            ("name=eth0", "'' is no name of a bridge"),
            ("name=eth0,bridge=br0,trunks=1;4095", "'4095' is no VLAN: they go from 1 to 4094"),
            ("name=eth0,bridge=br0,trunks=70000", "'70000' is no VLAN: they go from 1 to 4094"),
            ("name=eth0,bridge=br0,rate=-1", "'-1' is no rate"),
            ("name=eth0,bridge=br0,rate=1e14", "'100000000000000' is no rate"),
        ] {
            assert_eq!(port(net).unwrap_err().to_string(), error);
        }
        for word in [
            "",
            "a b",
            "$(x)",
            "br0,tag=0",
            "br0,tag=",
            "br0,trunks=",
            "br0,rate=0",
            "br0,firewall=1",
            "br0,",
        ] {
            assert!(word.parse::<Port>().is_err(), "{word}");
        }
    }
}
