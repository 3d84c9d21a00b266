//! Arch Linux: systemd and systemd-networkd.

use crate::guest::{
    actions::{getty, lxc_name, preset, securetty},
    family::{Family, Trace},
    writers::networkd,
};

pub(crate) static FAMILY: Family = Family {
    ostype: "archlinux",
    ids: &["arch", "archlinux"],
    traces: &[Trace::File("/etc/arch-release")],
    template_fixup: &[securetty::allow_ttys, lxc_name::remove],
    init: &[preset::with_networkd, getty::enable],
    network: &[networkd::write],
    ..Family::BASE
};
