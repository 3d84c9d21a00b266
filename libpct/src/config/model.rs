use std::collections::BTreeMap;

use sha1::{Digest, Sha1};

use super::{
    Vmid, parse,
    parse::Diagnostic,
    section::Section,
    write::{self, WriteError},
};

/// The config of one container: what the file says, nothing more and nothing less.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    pub(super) main: Section,
    pub(super) pending: Option<Section>,
    pub(super) snapshots: BTreeMap<String, Section>,
}

/// A config as it was read, with what was wrong with the file.
#[derive(Clone, Debug)]
pub struct Parsed {
    /// All that could be read.
    pub config: Config,
    /// What was wrong, in the order of the file.
    pub diagnostics: Vec<Diagnostic>,
}

impl Config {
    /// Reads a file the way every load does: what can't be understood is
    /// reported, and kept where the language allows (spec: config, part 2).
    #[must_use]
    pub fn parse(bytes: &[u8], vmid: Vmid) -> Parsed {
        parse::parse(bytes, vmid)
    }

    /// Reads a text that comes from elsewhere; the first error is fatal, warnings are not.
    ///
    /// # Errors
    /// The first error.
    pub fn parse_strict(bytes: &[u8], vmid: Vmid) -> Result<Self, Diagnostic> {
        let Parsed { config, diagnostics } = parse::parse(bytes, vmid);
        diagnostics.into_iter().find(Diagnostic::is_error).map_or(Ok(config), Err)
    }

    /// The file in canonical form (spec: config, part 2.3).
    ///
    /// # Errors
    /// A value that would not come back as it is.
    pub fn to_bytes(&self) -> Result<Vec<u8>, WriteError> {
        write::to_bytes(self)
    }

    /// The current state.
    #[must_use]
    pub fn main(&self) -> &Section {
        &self.main
    }

    /// The current state, to change.
    pub fn main_mut(&mut self) -> &mut Section {
        &mut self.main
    }

    /// The pending changes: new values, and `delete` with the keys to remove.
    #[must_use]
    pub fn pending(&self) -> Option<&Section> {
        self.pending.as_ref()
    }

    /// The pending changes, to change; made when there are none. An empty
    /// section is not written.
    pub fn pending_mut(&mut self) -> &mut Section {
        self.pending.get_or_insert_default()
    }

    /// Drops all pending changes.
    pub fn clear_pending(&mut self) {
        self.pending = None;
    }

    /// The snapshots by name.
    #[must_use]
    pub fn snapshots(&self) -> &BTreeMap<String, Section> {
        &self.snapshots
    }

    /// The snapshots, to change.
    pub fn snapshots_mut(&mut self) -> &mut BTreeMap<String, Section> {
        &mut self.snapshots
    }
}

/// The digest that tells whether a config file changed: SHA-1 of its bytes in
/// lower-case hexadecimal. It detects accidents, it is no protection.
#[must_use]
pub fn digest(bytes: &[u8]) -> String {
    Sha1::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
