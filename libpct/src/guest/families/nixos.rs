//! NixOS: makes nearly all of its files itself.

use crate::guest::{
    family::{Family, Shell, Trace},
    writers::networkd,
};

pub(crate) static FAMILY: Family = Family {
    ostype: "nixos",
    ids: &["nixos"],
    traces: &[Trace::Folder("/nix/store")],
    shell: Shell::InitInterpreter,
    network: &[networkd::write],
    timezone: None,
    ..Family::BASE
};
