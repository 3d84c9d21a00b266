//! The states of a container.

use std::fmt;

/// What a container does, in liblxc's words (spec: liblxc-api, part 1.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// There is no monitor.
    Stopped,
    /// The monitor prepares the container; it answers no command yet.
    Starting,
    /// Init runs.
    Running,
    /// Init has ended, the monitor cleans up.
    Stopping,
    /// The start has failed, the monitor cleans up.
    Aborting,
    /// On the way to frozen.
    Freezing,
    /// All processes inside are frozen.
    Frozen,
    /// Just unfrozen; only ever announced, a container does not stay in it.
    Thawed,
}

impl State {
    /// All states, at the index of their number on the command socket.
    pub const ALL: [Self; 8] = [
        Self::Stopped,
        Self::Starting,
        Self::Running,
        Self::Stopping,
        Self::Aborting,
        Self::Freezing,
        Self::Frozen,
        Self::Thawed,
    ];

    /// The name in upper case, as liblxc prints it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stopped => "STOPPED",
            Self::Starting => "STARTING",
            Self::Running => "RUNNING",
            Self::Stopping => "STOPPING",
            Self::Aborting => "ABORTING",
            Self::Freezing => "FREEZING",
            Self::Frozen => "FROZEN",
            Self::Thawed => "THAWED",
        }
    }

    /// The state with this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }

    /// The state with this number on the command socket.
    #[must_use]
    pub fn from_number(number: i64) -> Option<Self> {
        usize::try_from(number).ok().and_then(|index| Self::ALL.get(index)).copied()
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_are_those_of_liblxc() {
        for (number, state) in State::ALL.into_iter().enumerate() {
            assert_eq!(State::parse(state.as_str()), Some(state));
            assert_eq!(State::from_number(number as i64), Some(state));
            assert_eq!(state as usize, number);
        }
        assert_eq!(State::from_number(8), None);
        assert_eq!(State::from_number(-1), None);
        assert_eq!(State::parse("running"), None);
    }
}
