use std::{
    fmt,
    net::{Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

use ipnet::{Ipv4Net, Ipv6Net};

/// How a network interface gets its IPv4 address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ip4Config {
    /// From a DHCP server.
    Dhcp,
    /// The guest's own business.
    Manual,
    /// A fixed address; its host bits are kept. The prefix is 8 to 32.
    Static(Ipv4Net),
}

/// How a network interface gets its IPv6 address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ip6Config {
    /// Stateless autoconfiguration.
    Auto,
    /// From a DHCP server.
    Dhcp,
    /// The guest's own business.
    Manual,
    /// A fixed address; its host bits are kept. The prefix is 8 to 128.
    Static(Ipv6Net),
}

/// A text that is no IPv4 configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("value does not look like a valid ipv4 network configuration")]
pub struct InvalidIp4Config;

/// A text that is no IPv6 configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("value does not look like a valid ipv6 network configuration")]
pub struct InvalidIp6Config;

fn prefix(text: &str) -> Option<u8> {
    let digits = super::text::is_digits(text);
    text.parse().ok().filter(|&prefix: &u8| digits && prefix >= 8)
}

impl FromStr for Ip4Config {
    type Err = InvalidIp4Config;

    fn from_str(text: &str) -> Result<Self, InvalidIp4Config> {
        match text {
            "dhcp" => Ok(Self::Dhcp),
            "manual" => Ok(Self::Manual),
            _ => text
                .split_once('/')
                .and_then(|(addr, len)| Ipv4Net::new(addr.parse::<Ipv4Addr>().ok()?, prefix(len)?).ok())
                .map(Self::Static)
                .ok_or(InvalidIp4Config),
        }
    }
}

impl FromStr for Ip6Config {
    type Err = InvalidIp6Config;

    fn from_str(text: &str) -> Result<Self, InvalidIp6Config> {
        match text {
            "auto" => Ok(Self::Auto),
            "dhcp" => Ok(Self::Dhcp),
            "manual" => Ok(Self::Manual),
            _ => text
                .split_once('/')
                .and_then(|(addr, len)| Ipv6Net::new(addr.parse::<Ipv6Addr>().ok()?, prefix(len)?).ok())
                .map(Self::Static)
                .ok_or(InvalidIp6Config),
        }
    }
}

impl fmt::Display for Ip4Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dhcp => f.write_str("dhcp"),
            Self::Manual => f.write_str("manual"),
            Self::Static(net) => net.fmt(f),
        }
    }
}

impl fmt::Display for Ip6Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Dhcp => f.write_str("dhcp"),
            Self::Manual => f.write_str("manual"),
            Self::Static(net) => net.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_bits_stay_and_prefixes_are_limited() {
        assert_eq!("10.1.2.3/24".parse::<Ip4Config>().unwrap().to_string(), "10.1.2.3/24");
        assert_eq!("fd00::5/64".parse::<Ip6Config>().unwrap().to_string(), "fd00::5/64");
        for bad in
            ["", "auto", "1.2.3.4", "1.2.3.4/0", "1.2.3.4/7", "1.2.3.4/33", "01.2.3.4/24", "1.2.3.256/24"]
        {
            assert!(bad.parse::<Ip4Config>().is_err(), "{bad:?}");
        }
        for bad in ["", "::1", "::1/129", "2001::1/7", "fe80::1%eth0/64", "::1/+9"] {
            assert!(bad.parse::<Ip6Config>().is_err(), "{bad:?}");
        }
    }
}
