use crate::rootfs;

/// Why a guest could not be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file of the guest.
    #[error(transparent)]
    Rootfs(#[from] rootfs::Error),
    /// One of the steps failed.
    #[error("error in setup task {task}")]
    Task {
        /// The name of the step.
        task: &'static str,
        /// What went wrong in it.
        #[source]
        source: Box<Error>,
    },
    /// There is an os-release file, but nothing says which distribution this is.
    #[error("unable to detect OS distribution; set ostype to 'unmanaged' to use the container as it is")]
    UnknownDistribution,
    /// The file that tells the version is missing.
    #[error("unable to read version info")]
    NoVersion,
    /// The version is no version.
    #[error("{what} '{version}'")]
    BadVersion {
        /// What it was to be.
        what: &'static str,
        /// The text found.
        version: String,
    },
    /// The version is outside what can be set up.
    #[error("unsupported {distribution} '{version}'")]
    Unsupported {
        /// The distribution and what its versions are called.
        distribution: &'static str,
        /// The version found.
        version: String,
    },
    /// The version is older than what can be set up.
    #[error("Container {distribution} version '{version}' is too old")]
    TooOld {
        /// The distribution.
        distribution: &'static str,
        /// The version found.
        version: String,
    },
    /// A shell is needed to detect the architecture.
    #[error("could not find a shell")]
    NoShell,
    /// The file that tells the architecture is no program.
    #[error("'{path}' does not resolve to an ELF!")]
    NotElf {
        /// The path inside.
        path: String,
    },
    /// A program for a machine that no container runs on.
    #[error("'{path}' has unknown ELF machine '{machine}'!")]
    UnknownMachine {
        /// The path inside.
        path: String,
        /// The ELF machine number.
        machine: u16,
    },
    /// A program that is neither 32 nor 64 bits wide.
    #[error("'{path}' has invalid class '{class}'!")]
    InvalidClass {
        /// The path inside.
        path: String,
        /// The ELF class.
        class: u8,
    },
    /// A setting that would not survive being written into a file of the guest.
    #[error("'{value}' can not be used as {what}")]
    BadSetting {
        /// What the value was for.
        what: &'static str,
        /// The value.
        value: String,
    },
    /// An IPv4 prefix length that has no use as a netmask.
    #[error("unable to parse ipv4 address/mask '{cidr}'; use a prefix length from 8 to 32")]
    Ipv4Prefix {
        /// The address as given.
        cidr: String,
    },
    /// Public keys were given for a user without a home.
    #[error("home directory '{home}' of {user} does not exist!")]
    NoHome {
        /// The folder inside.
        home: String,
        /// The user.
        user: &'static str,
    },
    /// No key could be made.
    #[error("unable to create the SSH host key of type {key_type}")]
    HostKey {
        /// `rsa`, `ecdsa` or `ed25519`.
        key_type: &'static str,
        /// What the generator says.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The kernel gave no random numbers.
    #[error("unable to get random numbers")]
    Random(#[source] std::io::Error),
    /// The password could not be hashed.
    #[error("unable to hash the password")]
    Hash,
}

pub(crate) type Result<T> = std::result::Result<T, Error>;
