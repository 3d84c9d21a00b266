use std::{fmt, str::FromStr};

use super::text::{is_digits, is_space};

/// The value of `startup`: when a container starts with the host (spec: config, part 1.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Startup {
    /// Place in the order; containers without one start last.
    pub order: Option<u32>,
    /// Seconds to wait after its start.
    pub up: Option<u32>,
    /// Seconds to wait for its shutdown.
    pub down: Option<u32>,
}

/// A text that is no start order.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unable to parse startup options")]
pub struct InvalidStartup;

impl FromStr for Startup {
    type Err = InvalidStartup;

    /// A bare number is the order; of items that come again the last counts.
    /// Numbers beyond the range saturate.
    fn from_str(text: &str) -> Result<Self, InvalidStartup> {
        if text.is_empty() {
            return Err(InvalidStartup);
        }
        let mut startup = Self::default();
        for item in text.split(',').filter(|item| !item.chars().all(is_space)) {
            let (key, number) = item.split_once('=').unwrap_or(("order", item));
            if !is_digits(number) {
                return Err(InvalidStartup);
            }
            let field = match key {
                "order" => &mut startup.order,
                "up" => &mut startup.up,
                "down" => &mut startup.down,
                _ => return Err(InvalidStartup),
            };
            *field = Some(number.parse().unwrap_or(u32::MAX));
        }
        Ok(startup)
    }
}

impl fmt::Display for Startup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let items = [("order", self.order), ("up", self.up), ("down", self.down)];
        let items: Vec<_> =
            items.iter().filter_map(|(key, number)| number.map(|n| format!("{key}={n}"))).collect();
        f.write_str(&items.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_equal_items_counts() {
        let startup: Startup = "7,up=5, ,order=3".parse().unwrap();
        assert_eq!(startup.to_string(), "order=3,up=5");
        assert_eq!(",".parse(), Ok(Startup::default()));
        for bad in ["", "foo=1", "order=", "order=x", "order=1;up=2", "down", "up =1"] {
            assert_eq!(bad.parse::<Startup>(), Err(InvalidStartup), "{bad:?}");
        }
    }
}
