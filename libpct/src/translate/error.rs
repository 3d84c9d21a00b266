use crate::{
    config::{InvalidPort, PropertyError},
    facts::Version,
};

/// Why a config can't be translated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TranslateError {
    /// A key without which there is no container.
    #[error("missing '{0}' - internal error")]
    MissingKey(&'static str),
    /// There is no root file system.
    #[error("missing 'rootfs' configuration")]
    MissingRootfs,
    /// A property string that does not parse.
    #[error(transparent)]
    Property(#[from] PropertyError),
    /// A device without path.
    #[error("Path is not defined for passthrough device {0}")]
    MissingPath(String),
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
        mtu: String,
        /// The bridge's.
        bridge_mtu: u32,
    },
    /// The host's end can't be attached as it is described.
    #[error("{key}: {source}")]
    Port {
        /// The interface, for instance `net0`.
        key: String,
        /// Why.
        source: InvalidPort,
    },
    /// The host can't do autoconfiguration for the guest.
    #[error("{0}: SLAAC is not supported for host-managed network configuration")]
    Slaac(String),
    /// The kernel is older than the feature.
    #[error("'mknod' feature requested, but kernel too old (found {0}, required >= 5.3)")]
    KernelTooOld(Version),
    /// Nobody is there to make the device nodes.
    #[error(
        "'mknod' feature requested, but no daemon answers its requests; install pve-lxc-syscalld or drop the feature"
    )]
    NoSyscalld,
    /// A file that belongs to liblxc is not there.
    #[error("{0} does not exist; install the configuration files of liblxc (on Debian the package lxc)")]
    MissingInclude(String),
    /// liblxc would run the hook through a shell that takes the path apart.
    #[error("the path '{0}' can't be used as a hook, it has characters that mean something to a shell")]
    UnsafeHookPath(String),
    /// This release is made for newer ones.
    #[error("liblxc {0} is too old: {oldest} or newer is needed", oldest = super::liblxc::OLDEST)]
    LiblxcTooOld(Version),
    /// A raw key that liblxc has given up, and that cannot be expressed by others for the user.
    #[error("{key}: liblxc does not know it any more, write '{today}' instead")]
    OldRawKey {
        /// The key.
        key: String,
        /// What it is called today; `INDEX` in it stands for the number of an interface.
        today: String,
    },
    /// A key that is not one of the installed liblxc.
    #[error("{key}: liblxc {version} has no such key")]
    UnknownKey {
        /// The key.
        key: String,
        /// The liblxc.
        version: Version,
    },
    /// A value that liblxc would not load.
    #[error("{key}: '{value}' {why}")]
    Unreadable {
        /// The key of the config, if it has another name with liblxc's in brackets.
        key: String,
        /// At most 100 characters of its value.
        value: String,
        /// What is wrong with it.
        why: String,
    },
    /// A raw `lxc.include` that leads nowhere.
    #[error("lxc.include: '{0}' does not exist")]
    NoSuchInclude(String),
    /// A raw key that could be read as something else than a key.
    #[error("'{0}' is no key of liblxc")]
    NoKey(String),
    /// A text that would become a line of its own.
    #[error("'{key}' has a value with a line break or NUL, which liblxc's file format can't carry")]
    LineBreak {
        /// The liblxc key.
        key: String,
    },
}
