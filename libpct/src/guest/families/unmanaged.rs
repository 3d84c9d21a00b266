//! Anything: nothing is ever written.

use crate::guest::family::{Family, Shell};

pub(crate) static FAMILY: Family = Family {
    ostype: "unmanaged",
    ids: &["unmanaged"],
    shell: Shell::Unknown,
    managed: false,
    any_init_on_cgroup_v2: true,
    ..Family::BASE
};
