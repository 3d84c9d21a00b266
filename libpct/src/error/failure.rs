use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::ErrorKind;

/// Why a job failed, for people.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Whether it was the start of a container.
    pub start: bool,
    /// What failed and why.
    pub message: String,
    /// The lines of liblxc's log that name the cause, oldest first.
    pub log_lines: Vec<String>,
    /// What can be done about it, where we know it.
    pub remedy: Option<String>,
    /// Where the whole log is.
    pub log: Option<PathBuf>,
}

impl Failure {
    pub(crate) fn kind(&self) -> ErrorKind {
        if self.start { ErrorKind::Start } else { ErrorKind::System }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)?;
        for line in &self.log_lines {
            write!(f, "\n  {line}")?;
        }
        if let Some(remedy) = &self.remedy {
            write!(f, "\nwhat to do: {remedy}")?;
        }
        if let Some(log) = &self.log {
            write!(f, "\nfull log: {}", log.display())?;
        }
        Ok(())
    }
}
