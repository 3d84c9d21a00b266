use std::{fmt, str::FromStr};

/// A disk size in bytes, written with the largest of the units `K M G T` that
/// divides it (spec: config, part 1.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Size(u64);

/// A text that is no disk size.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("value does not look like a valid disk size: {0}")]
pub struct InvalidSize(pub String);

impl Size {
    /// From bytes.
    #[must_use]
    pub const fn from_bytes(bytes: u64) -> Self {
        Self(bytes)
    }

    /// In bytes.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        self.0
    }
}

impl FromStr for Size {
    type Err = InvalidSize;

    fn from_str(text: &str) -> Result<Self, InvalidSize> {
        let invalid = || InvalidSize(text.to_owned());
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let (number, unit) = text.split_at(end);
        let shift = match unit.strip_suffix("iB").filter(|unit| !unit.is_empty()).unwrap_or(unit) {
            "" => 0,
            "K" => 10,
            "M" => 20,
            "G" => 30,
            "T" => 40,
            _ => return Err(invalid()),
        };
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !number.split_once('.').map_or(digits(number), |(whole, part)| digits(whole) && digits(part)) {
            return Err(invalid());
        }
        if let Ok(whole) = number.parse::<u64>()
            && let Some(bytes) = whole.checked_mul(1 << shift)
        {
            return Ok(Self(bytes));
        }
        let value: f64 = number.parse().map_err(|_| invalid())?;
        // Truncates to whole bytes; beyond the range it saturates.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let bytes = (value * f64::from(1u32 << (shift / 2)) * f64::from(1u32 << (shift / 2))) as u64;
        Ok(Self(bytes))
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (shift, unit) in [(40, 'T'), (30, 'G'), (20, 'M'), (10, 'K')] {
            if self.0.is_multiple_of(1 << shift) {
                return write!(f, "{}{unit}", self.0 >> shift);
            }
        }
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_printed_in_the_largest_unit() {
        for (text, printed) in [
            ("8G", "8G"),
            ("8GiB", "8G"),
            ("8192M", "8G"),
            ("8589934592", "8G"),
            ("1.5G", "1536M"),
            ("2048G", "2T"),
            ("1000", "1000"),
            ("0.5K", "512"),
            ("0", "0T"),
            ("7.25T", "7424G"),
        ] {
            assert_eq!(text.parse::<Size>().unwrap().to_string(), printed, "{text}");
        }
        for bad in
            ["", "G", "8g", "8KB", "8B", "8iB", "+8", " 8", "8 G", "1.G", ".5G", "1.2.3", "4X", "8GiBx"]
        {
            assert!(bad.parse::<Size>().is_err(), "{bad:?}");
        }
    }
}
