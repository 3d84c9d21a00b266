use std::{fmt, net, str::FromStr};

use ipnet::{Ipv4Net, Ipv6Net};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// What the container's config says that matters inside: plain values, so that a root file system can be set
/// up without a config file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// `hostname`: a short name or a domain name.
    pub hostname: Option<String>,
    /// The `netN` with a name, in any order.
    pub nets: Vec<Nic>,
    /// Names of interfaces that the config had addresses for and has none for any more: what was written for them
    /// is taken away.
    #[serde(default)]
    pub gone: Vec<String>,
    /// `nameserver`: addresses separated by blanks, commas or semicolons.
    pub nameserver: Option<String>,
    /// `searchdomain`: domains, separated likewise.
    pub searchdomain: Option<String>,
    /// `timezone`: a name of the tz database, or `host`.
    pub timezone: Option<String>,
    /// `tty`: how many terminals run a login.
    pub tty_count: u32,
    /// `ostype` as configured, if it is.
    pub ostype: Option<String>,
    /// `arch` as configured, if it is.
    pub arch: Option<String>,
    /// Whether the feature `nesting` is on.
    pub nesting: bool,
    /// Whether the container has an id map.
    pub unprivileged: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            hostname: None,
            nets: Vec::new(),
            gone: Vec::new(),
            nameserver: None,
            searchdomain: None,
            timezone: None,
            tty_count: 2,
            ostype: None,
            arch: None,
            nesting: false,
            unprivileged: false,
        }
    }
}

/// One network interface of the container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Nic {
    /// The N of `netN`.
    pub index: u32,
    /// `name`: the interface's name inside.
    pub name: String,
    /// `ip`.
    #[serde(default)]
    pub ip4: Option<Ip4>,
    /// `ip6`.
    #[serde(default)]
    pub ip6: Option<Ip6>,
    /// `gw`.
    #[serde(default)]
    pub gw: Option<Spelled<net::Ipv4Addr>>,
    /// `gw6`.
    #[serde(default)]
    pub gw6: Option<Spelled<net::Ipv6Addr>>,
}

/// How an interface gets its IPv4 address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ip4 {
    /// From a DHCP server.
    Dhcp,
    /// By hand, inside.
    Manual,
    /// This one.
    #[serde(untagged)]
    Static(Spelled<Ipv4Net>),
}

/// How an interface gets its IPv6 address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ip6 {
    /// By router advertisements (SLAAC).
    Auto,
    /// From a DHCPv6 server.
    Dhcp,
    /// By hand, inside.
    Manual,
    /// This one.
    #[serde(untagged)]
    Static(Spelled<Ipv6Net>),
}

impl FromStr for Ip4 {
    type Err = <Ipv4Net as FromStr>::Err;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "dhcp" => Self::Dhcp,
            "manual" => Self::Manual,
            address => Self::Static(address.parse()?),
        })
    }
}

impl FromStr for Ip6 {
    type Err = <Ipv6Net as FromStr>::Err;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "auto" => Self::Auto,
            "dhcp" => Self::Dhcp,
            "manual" => Self::Manual,
            address => Self::Static(address.parse()?),
        })
    }
}

/// A value together with the way its user wrote it. IPv6 addresses have many spellings, and the guest's files
/// show the user's: `2001:DB8::10` stays that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spelled<T> {
    text: String,
    value: T,
}

impl<T> Spelled<T> {
    /// A value that was read from `text`.
    pub(crate) fn new(text: String, value: T) -> Self {
        Self { text, value }
    }

    /// The value.
    #[must_use]
    pub fn value(&self) -> &T {
        &self.value
    }

    /// The spelling.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The spelling up to the prefix length, if there is one.
    #[must_use]
    pub fn address(&self) -> &str {
        self.text.split('/').next().unwrap_or(&self.text)
    }
}

impl<T: FromStr> FromStr for Spelled<T> {
    type Err = T::Err;

    fn from_str(text: &str) -> Result<Self, T::Err> {
        text.parse().map(|value| Self { text: text.to_owned(), value })
    }
}

impl<T: fmt::Display> From<T> for Spelled<T> {
    fn from(value: T) -> Self {
        Self { text: value.to_string(), value }
    }
}

impl<T> fmt::Display for Spelled<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl<T> Serialize for Spelled<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de, T: FromStr<Err: fmt::Display>> Deserialize<'de> for Spelled<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_keeps_its_spelling() {
        let ip: Ip6 = "2001:DB8::10/64".parse().unwrap();
        let Ip6::Static(ip) = &ip else { panic!("static") };
        assert_eq!((ip.as_str(), ip.address()), ("2001:DB8::10/64", "2001:DB8::10"));
        assert_eq!(ip.value().to_string(), "2001:db8::10/64");
    }

    #[test]
    fn settings_travel_as_json() {
        let nic = Nic {
            index: 0,
            name: "eth0".to_owned(),
            ip4: Some(Ip4::Dhcp),
            ip6: Some("2001:DB8::1/64".parse().unwrap()),
            gw: None,
            gw6: Some("fe80::1".parse().unwrap()),
        };
        let settings = Settings { nets: vec![nic], ..Settings::default() };
        let json = serde_json::to_string(&settings).unwrap();
        assert!(json.contains(r#""ip4":"dhcp","ip6":"2001:DB8::1/64""#), "{json}");
        assert_eq!(serde_json::from_str::<Settings>(&json).unwrap(), settings);
    }

    #[test]
    fn nonsense_is_no_address() {
        for bad in ["", "1.2.3.4", "1.2.3.4/33", "1.2.3.4/24\nx", "::1/64", "DHCP"] {
            assert!(bad.parse::<Ip4>().is_err(), "{bad:?}");
        }
    }
}
