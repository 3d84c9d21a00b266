//! Sets of processors, as the kernel writes them: `0,2-3,7`.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// No kernel has more processors; without a limit a text of ten bytes could fill the memory.
const HIGHEST: u32 = 65_535;

/// A set of processors.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct CpuSet(pub BTreeSet<u32>);

/// A text that is no set of processors.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no list of processor numbers and ranges")]
pub struct InvalidCpuSet(String);

impl CpuSet {
    /// How many.
    #[must_use]
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// None at all.
    #[must_use]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// In ascending order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.0.iter().copied()
    }
}

impl FromStr for CpuSet {
    type Err = InvalidCpuSet;

    fn from_str(text: &str) -> Result<Self, InvalidCpuSet> {
        let number = |word: &str| word.parse::<u32>().ok().filter(|n| *n <= HIGHEST);
        let range = |part: &str| match part.split_once('-') {
            Some((first, last)) => number(first).zip(number(last)).filter(|(first, last)| first <= last),
            None => number(part).map(|n| (n, n)),
        };
        let mut set = BTreeSet::new();
        for part in text.trim().split(',').filter(|part| !part.is_empty()) {
            let (first, last) = range(part.trim()).ok_or_else(|| InvalidCpuSet(text.to_owned()))?;
            set.extend(first..=last);
        }
        Ok(Self(set))
    }
}

impl fmt::Display for CpuSet {
    /// Sorted; runs of two or more as a range.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut numbers = self.iter().peekable();
        let mut comma = "";
        while let Some(first) = numbers.next() {
            let mut last = first;
            while let Some(next) = numbers.next_if(|n| *n == last + 1) {
                last = next;
            }
            if first == last {
                write!(f, "{comma}{first}")?;
            } else {
                write!(f, "{comma}{first}-{last}")?;
            }
            comma = ",";
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_read_and_written() {
        for (text, written) in
            [("0,2-3,7\n", "0,2-3,7"), ("", ""), ("7,0-1,1,2", "0-2,7"), ("5-5", "5"), ("0,1", "0-1")]
        {
            assert_eq!(text.parse::<CpuSet>().unwrap().to_string(), written, "{text:?}");
        }
        for bad in ["a", "3-1", "-", "1-", "0-4000000000", "1,,x", "0x1"] {
            assert!(bad.parse::<CpuSet>().is_err(), "{bad:?}");
        }
    }
}
