//! Exit statuses (spec: cli, part 1.6).

use std::process::ExitCode;

/// A status of this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Exit(u8);

impl Exit {
    pub(crate) const SUCCESS: Self = Self(0);
    /// `lint` has found errors.
    pub(crate) const FINDINGS: Self = Self(1);
    /// What was waited for has not come about in time.
    pub(crate) const TIMEOUT: Self = Self(1);
    /// The original's status for a missing configuration file, its `ENOENT`.
    pub(crate) const NO_CONFIG: Self = Self(2);
    /// What a shell reports for a program that a closed pipe has ended.
    pub(crate) const CLOSED_PIPE: Self = Self(128 + 13);
    /// Every other failure.
    pub(crate) const FAILURE: Self = Self(255);
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.0)
    }
}
