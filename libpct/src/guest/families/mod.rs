//! The distributions. The order is the one in which their traces are looked for (spec: guest set-up, part 5.3).

use super::family::Family;

/// Declares the modules and puts their `FAMILY` into the table: a new distribution is one line here.
macro_rules! families {
    ($($name:ident),* $(,)?) => {
        $(pub(crate) mod $name;)*

        /// All families.
        pub(crate) static ALL: &[&Family] = &[$(&$name::FAMILY),*];
    };
}

families! {
    ubuntu,
    debian,
    devuan,
    opensuse,
    fedora,
    centos,
    archlinux,
    alpine,
    gentoo,
    nixos,
    openeuler,
    unmanaged,
}
