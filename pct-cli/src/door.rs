//! The library, as this program sees it: nothing else in this package names it.

pub(crate) use pct::{
    Attach, Builder, ConfigView, Content, CreateOptions, DestroyOptions, Error, ErrorKind, Listing, Pct,
    Progress, RebootOptions, ShutdownOptions, StartOptions, Status, StopOptions, Usage,
    config::{
        InvalidVmid, Vmid, json_schema, key_schema, pct_config_lines, pct_listsnapshot_lines,
        pct_pending_lines, text::to_bytes,
    },
    json,
};
