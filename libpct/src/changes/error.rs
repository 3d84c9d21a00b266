use crate::config::{IdMapOverlap, InvalidMountIdMap, PropertyError, Vmid};

/// Why a config cannot be changed. Nothing was done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChangeError {
    /// Values that were given do not fit.
    #[error("Parameter verification failed.{}", list(.0))]
    Parameters(
        /// Name of the parameter, and what is wrong with it.
        Vec<(String, String)>,
    ),
    /// No change was asked for.
    #[error("no options specified")]
    Nothing,
    /// The digest that was given is of another state of the file.
    #[error("detected modified configuration - file changed by other user? Try again.")]
    Modified,
    /// There is no container without this key.
    #[error("unable to delete required option '{0}'")]
    Required(String),
    /// A key that is decided when the container is made.
    #[error("unable to {verb} read-only option: '{key}'")]
    ReadOnly {
        /// `delete` or `modify`.
        verb: &'static str,
        /// The key.
        key: String,
    },
    /// The container's `protection` is on.
    #[error("can't {verb} CT {vmid} drive '{key}' - protection mode enabled")]
    Protected {
        /// `remove` or `update`.
        verb: &'static str,
        /// The container.
        vmid: Vmid,
        /// The key.
        key: String,
    },
    /// A property string that does not parse.
    #[error(transparent)]
    Property(#[from] PropertyError),
    /// A device without path, which the key table lets pass.
    #[error("{}", crate::config::NO_PATH)]
    NoPath,
    /// A device that the host does not have.
    #[error("Device {0} does not exist")]
    NoSuchDevice(String),
    /// A path that leads to something else than a device.
    #[error("{0} is not a device")]
    NotADevice(String),
    /// A bridge that the host does not have; an interface without bridge has the empty name here.
    #[error("bridge '{0}' does not exist")]
    NoSuchBridge(String),
    /// Packets that would not fit through the bridge.
    #[error("{key}: MTU size '{mtu}' is bigger than bridge MTU '{bridge_mtu}'")]
    MtuTooBig {
        /// The interface, for instance `net0`.
        key: String,
        /// Its MTU.
        mtu: u32,
        /// The bridge's.
        bridge_mtu: u32,
    },
    /// The host can't do autoconfiguration for the guest.
    #[error("{0}: SLAAC is not supported for host-managed network configuration.")]
    Slaac(String),
    /// No hardware address can be made, because the host's prefix for them is none.
    #[error("{0}: no hardware address can be drawn")]
    NoAddress(String),
    /// All of `unused0` to `unused255` are taken.
    #[error("Too many unused volumes - please delete them first.")]
    TooManyUnused,
    /// The storage is for other things.
    #[error("storage '{0}' does not allow content type 'rootdir' (Container)")]
    NoContainers(String),
    /// A storage refused.
    #[error("{0}")]
    Storage(String),
    /// The id map of a mount point is none.
    #[error(transparent)]
    IdMap(#[from] InvalidMountIdMap),
    /// The id map of a mount point has an id twice.
    #[error(transparent)]
    IdMapOverlap(#[from] IdMapOverlap),
    /// A hook script of another content type.
    #[error("'{0}' is not in the snippets directory")]
    NoSnippet(String),
    /// A hook script that is not there.
    #[error("script '{0}' does not exist")]
    NoScript(String),
    /// A hook script that cannot be run.
    #[error("script '{0}' is not executable")]
    ScriptNotExecutable(String),
}

impl ChangeError {
    pub(super) fn parameter(name: &str, text: String) -> Self {
        Self::Parameters(vec![(name.to_owned(), text)])
    }
}

fn list(parameters: &[(String, String)]) -> String {
    parameters.iter().map(|(name, text)| format!("\n{name}: {text}")).collect()
}
