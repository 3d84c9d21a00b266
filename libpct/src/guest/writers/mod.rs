//! The network in the guest's file formats, one format a file (spec: guest set-up, part 8).

pub(crate) mod ifupdown;
pub(crate) mod networkd;
