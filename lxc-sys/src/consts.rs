//! Macros of the liblxc headers that bindgen cannot see, or sees with the wrong type.

use core::ffi::{c_int, c_long};

use crate::{
    LXC_ATTACH_LSM_EXEC, LXC_ATTACH_LSM_LABEL, LXC_ATTACH_LSM_NOW, lxc_attach_options_t, lxc_groups_t,
};

/// `personality`: take it from the container's init.
pub const LXC_ATTACH_DETECT_PERSONALITY: c_long = !0;

/// All flags that concern a Linux security module.
pub const LXC_ATTACH_LSM: u32 = LXC_ATTACH_LSM_EXEC | LXC_ATTACH_LSM_NOW | LXC_ATTACH_LSM_LABEL;

/// `namespaces`: all that the container has.
pub const ATTACH_ALL_NAMESPACES: c_int = -1;

/// What the macro `LXC_ATTACH_OPTIONS_DEFAULT` sets.
pub const ATTACH_OPTIONS_DEFAULT: lxc_attach_options_t = lxc_attach_options_t {
    attach_flags: crate::LXC_ATTACH_DEFAULT as c_int,
    namespaces: ATTACH_ALL_NAMESPACES,
    personality: LXC_ATTACH_DETECT_PERSONALITY,
    initial_cwd: core::ptr::null_mut(),
    uid: libc::uid_t::MAX,
    gid: libc::gid_t::MAX,
    env_policy: crate::LXC_ATTACH_KEEP_ENV,
    extra_env_vars: core::ptr::null_mut(),
    extra_keep_env: core::ptr::null_mut(),
    stdin_fd: 0,
    stdout_fd: 1,
    stderr_fd: 2,
    log_fd: -libc::EBADF,
    lsm_label: core::ptr::null_mut(),
    groups: lxc_groups_t { size: 0, list: core::ptr::null_mut() },
};
