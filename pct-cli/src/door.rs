//! The library, as this program sees it: nothing else in this package names it.

pub(crate) use pct::{
    Attach, Builder, ConfigView, CreateOptions, DestroyOptions, Error, ErrorKind, Listing, LxcConfigOptions,
    Pct, Progress, RebootOptions, ShutdownOptions, StartOptions, Status, StopOptions,
    config::{InvalidVmid, Vmid, text::to_bytes as config_bytes},
    facts::HostFacts,
    json, read_config_file,
};
