use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// The number of a container: 100 to 999 999 999, written without leading zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Vmid(u32);

/// A text or number that is no VMID.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("value does not look like a valid VM ID")]
pub struct InvalidVmid;

impl Vmid {
    /// The smallest VMID; smaller numbers are reserved.
    pub const MIN: u32 = 100;
    /// The largest VMID.
    pub const MAX: u32 = 999_999_999;

    /// Checks the range.
    pub fn new(id: u32) -> Result<Self, InvalidVmid> {
        if (Self::MIN..=Self::MAX).contains(&id) { Ok(Self(id)) } else { Err(InvalidVmid) }
    }

    /// The plain number.
    #[must_use]
    pub fn get(self) -> u32 {
        self.0
    }
}

impl TryFrom<u32> for Vmid {
    type Error = InvalidVmid;

    fn try_from(id: u32) -> Result<Self, InvalidVmid> {
        Self::new(id)
    }
}

impl From<Vmid> for u32 {
    fn from(vmid: Vmid) -> u32 {
        vmid.0
    }
}

impl FromStr for Vmid {
    type Err = InvalidVmid;

    fn from_str(text: &str) -> Result<Self, InvalidVmid> {
        let canonical = text.starts_with(|c: char| c.is_ascii_digit() && c != '0');
        if !canonical || !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(InvalidVmid);
        }
        text.parse().map_err(|_| InvalidVmid).and_then(Self::new)
    }
}

impl fmt::Display for Vmid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_canonical_numbers_in_range_are_vmids() {
        assert_eq!("100".parse::<Vmid>().unwrap().get(), 100);
        assert_eq!("999999999".parse::<Vmid>().unwrap().to_string(), "999999999");
        for bad in ["", "99", "0100", "+100", "1000000000", "9999999999999", "1e3", "100 ", "abc"] {
            assert_eq!(bad.parse::<Vmid>(), Err(InvalidVmid), "{bad:?}");
        }
    }
}
