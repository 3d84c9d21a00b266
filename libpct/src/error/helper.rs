use std::{io, path::PathBuf};

use crate::sys;

/// The release of this library; its helper must be of the same.
pub(crate) const RELEASE: &str = env!("CARGO_PKG_VERSION");

/// What can go wrong between the library and its helper.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HelperError {
    /// It is not where it should be.
    #[error("cannot open the helper '{path}': is the package installed completely?")]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
        /// Why it could not be opened.
        #[source]
        source: io::Error,
    },
    /// It could not be copied into memory.
    #[error(transparent)]
    Seal(sys::Error),
    /// The helper could not be executed.
    #[error("cannot run the helper '{path}'")]
    Spawn {
        /// The helper.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// It went away in the middle of its work.
    #[error("the helper '{path}' ended without an answer")]
    Vanished {
        /// The helper.
        path: PathBuf,
    },
    /// It did not speak our language.
    #[error("the helper '{path}' gave an answer that is not understood: {answer}")]
    Garbled {
        /// The helper.
        path: PathBuf,
        /// The start of what it said.
        answer: String,
    },
    /// Both must be of one release.
    #[error("the helper '{path}' is of release {found}, the library of {RELEASE}")]
    Version {
        /// The helper.
        path: PathBuf,
        /// Its release.
        found: String,
    },
}
