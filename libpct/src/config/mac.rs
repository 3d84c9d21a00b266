use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// A unicast MAC address; the letter case it was written in is kept.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MacAddr(SmolStr);

/// A text that is no unicast MAC address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("value does not look like a valid unicast MAC address")]
pub struct InvalidMac;

impl MacAddr {
    /// Writes the address in upper case. `None` for a multicast address.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 6]) -> Option<Self> {
        let text = bytes.map(|b| format!("{b:02X}")).join(":");
        (bytes[0] & 1 == 0).then_some(Self(text.into()))
    }

    /// The six bytes.
    #[must_use]
    pub fn bytes(&self) -> [u8; 6] {
        let mut bytes = [0; 6];
        for (byte, group) in bytes.iter_mut().zip(self.0.split(':')) {
            *byte = u8::from_str_radix(group, 16).unwrap_or(0);
        }
        bytes
    }

    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for MacAddr {
    type Err = InvalidMac;

    fn from_str(text: &str) -> Result<Self, InvalidMac> {
        let sound =
            |(at, byte): (usize, u8)| if at % 3 == 2 { byte == b':' } else { byte.is_ascii_hexdigit() };
        if text.len() != 17 || !text.bytes().enumerate().all(sound) {
            return Err(InvalidMac);
        }
        // The lowest bit of the first byte marks a group of receivers.
        let is_unicast = matches!(
            text.as_bytes()[1].to_ascii_lowercase(),
            b'0' | b'2' | b'4' | b'6' | b'8' | b'a' | b'c' | b'e'
        );
        if is_unicast { Ok(Self(text.into())) } else { Err(InvalidMac) }
    }
}

impl TryFrom<String> for MacAddr {
    type Error = InvalidMac;

    fn try_from(text: String) -> Result<Self, InvalidMac> {
        text.parse()
    }
}

impl From<MacAddr> for String {
    fn from(mac: MacAddr) -> Self {
        mac.0.into()
    }
}

impl fmt::Display for MacAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_unicast_addresses_parse() {
        let mac: MacAddr = "bC:24:11:0a:0B:0C".parse().unwrap();
        assert_eq!(mac.to_string(), "bC:24:11:0a:0B:0C");
        assert_eq!(MacAddr::from_bytes(mac.bytes()).unwrap().as_str(), "BC:24:11:0A:0B:0C");
        for bad in
            ["", "01:00:00:00:00:00", "BC:24:11:0A:0B", "BC:24:11:0A:0B:0C:0D", "BC-24-11-0A-0B-0C", "zz"]
        {
            assert_eq!(bad.parse::<MacAddr>(), Err(InvalidMac), "{bad:?}");
        }
    }
}
