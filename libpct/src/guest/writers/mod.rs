//! The network in the guest's file formats, one format a file (spec: guest set-up, part 8).

pub(crate) mod ifupdown;
pub(crate) mod netifrc;
pub(crate) mod network_scripts;
pub(crate) mod networkd;
pub(crate) mod networkmanager;
pub(crate) mod suse;
