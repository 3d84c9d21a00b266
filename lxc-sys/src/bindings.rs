// Made by regenerate.sh from liblxc 7.0.0.
use libc::{gid_t, pid_t, uid_t};

pub const LXC_CLONE_KEEPNAME: u32 = 1;
pub const LXC_CLONE_KEEPMACADDR: u32 = 2;
pub const LXC_CLONE_SNAPSHOT: u32 = 4;
pub const LXC_CLONE_KEEPBDEVTYPE: u32 = 8;
pub const LXC_CLONE_MAYBE_SNAPSHOT: u32 = 16;
pub const LXC_CLONE_MAXFLAGS: u32 = 32;
pub const LXC_CLONE_ALLOW_RUNNING: u32 = 64;
pub const LXC_CREATE_QUIET: u32 = 1;
pub const LXC_CREATE_MAXFLAGS: u32 = 2;
pub const LXC_MOUNT_API_V1: u32 = 1;
pub const FEATURE_MEM_TRACK: u32 = 1;
pub const FEATURE_LAZY_PAGES: u32 = 2;
pub const LXC_DEVEL: u32 = 0;
pub const LXC_VERSION_MAJOR: u32 = 7;
pub const LXC_VERSION_MINOR: u32 = 0;
pub const LXC_VERSION_MICRO: u32 = 0;
pub const LXC_VERSION_ABI: &[u8; 6] = b"1.9.0\0";
pub const LXC_VERSION: &[u8; 6] = b"7.0.0\0";
pub const LXC_ATTACH_KEEP_ENV: lxc_attach_env_policy_t = 0;
pub const LXC_ATTACH_CLEAR_ENV: lxc_attach_env_policy_t = 1;
pub type lxc_attach_env_policy_t = ::core::ffi::c_uint;
pub const LXC_ATTACH_MOVE_TO_CGROUP: _bindgen_ty_1 = 1;
pub const LXC_ATTACH_DROP_CAPABILITIES: _bindgen_ty_1 = 2;
pub const LXC_ATTACH_SET_PERSONALITY: _bindgen_ty_1 = 4;
pub const LXC_ATTACH_LSM_EXEC: _bindgen_ty_1 = 8;
pub const LXC_ATTACH_REMOUNT_PROC_SYS: _bindgen_ty_1 = 65536;
pub const LXC_ATTACH_LSM_NOW: _bindgen_ty_1 = 131072;
pub const LXC_ATTACH_NO_NEW_PRIVS: _bindgen_ty_1 = 262144;
pub const LXC_ATTACH_TERMINAL: _bindgen_ty_1 = 524288;
pub const LXC_ATTACH_LSM_LABEL: _bindgen_ty_1 = 1048576;
pub const LXC_ATTACH_SETGROUPS: _bindgen_ty_1 = 2097152;
pub const LXC_ATTACH_DEFAULT: _bindgen_ty_1 = 65535;
pub type _bindgen_ty_1 = ::core::ffi::c_uint;
pub type lxc_attach_exec_t =
    ::core::option::Option<unsafe extern "C" fn(payload: *mut ::core::ffi::c_void) -> ::core::ffi::c_int>;
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct lxc_groups_t {
    pub size: usize,
    pub list: *mut gid_t,
}
#[repr(C)]
pub struct lxc_attach_options_t {
    pub attach_flags: ::core::ffi::c_int,
    pub namespaces: ::core::ffi::c_int,
    pub personality: ::core::ffi::c_long,
    pub initial_cwd: *mut ::core::ffi::c_char,
    pub uid: uid_t,
    pub gid: gid_t,
    pub env_policy: lxc_attach_env_policy_t,
    pub extra_env_vars: *mut *mut ::core::ffi::c_char,
    pub extra_keep_env: *mut *mut ::core::ffi::c_char,
    pub stdin_fd: ::core::ffi::c_int,
    pub stdout_fd: ::core::ffi::c_int,
    pub stderr_fd: ::core::ffi::c_int,
    pub log_fd: ::core::ffi::c_int,
    pub lsm_label: *mut ::core::ffi::c_char,
    pub groups: lxc_groups_t,
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct lxc_attach_command_t {
    pub program: *mut ::core::ffi::c_char,
    pub argv: *mut *mut ::core::ffi::c_char,
}
unsafe extern "C" {
    pub fn lxc_attach_run_command(payload: *mut ::core::ffi::c_void) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    pub fn lxc_attach_run_shell(payload: *mut ::core::ffi::c_void) -> ::core::ffi::c_int;
}
#[repr(C)]
#[derive(Debug)]
pub struct lxc_lock {
    _unused: [u8; 0],
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct lxc_mount {
    pub version: ::core::ffi::c_int,
}
#[repr(C)]
pub struct lxc_container {
    pub name: *mut ::core::ffi::c_char,
    pub configfile: *mut ::core::ffi::c_char,
    pub pidfile: *mut ::core::ffi::c_char,
    pub slock: *mut lxc_lock,
    pub privlock: *mut lxc_lock,
    pub numthreads: ::core::ffi::c_int,
    pub lxc_conf: *mut lxc_conf,
    pub error_string: *mut ::core::ffi::c_char,
    pub error_num: ::core::ffi::c_int,
    pub daemonize: bool,
    pub config_path: *mut ::core::ffi::c_char,
    pub is_defined: ::core::option::Option<unsafe extern "C" fn(c: *mut lxc_container) -> bool>,
    pub state:
        ::core::option::Option<unsafe extern "C" fn(c: *mut lxc_container) -> *const ::core::ffi::c_char>,
    pub is_running: ::core::option::Option<unsafe extern "C" fn(c: *mut lxc_container) -> bool>,
    pub freeze: ::core::option::Option<unsafe extern "C" fn(c: *mut lxc_container) -> bool>,
    pub unfreeze: ::core::option::Option<unsafe extern "C" fn(c: *mut lxc_container) -> bool>,
    pub init_pid: ::core::option::Option<unsafe extern "C" fn(c: *mut lxc_container) -> pid_t>,
    pub load_config: ::core::option::Option<
        unsafe extern "C" fn(c: *mut lxc_container, alt_file: *const ::core::ffi::c_char) -> bool,
    >,
    pub start: ::core::option::Option<
        unsafe extern "C" fn(
            c: *mut lxc_container,
            useinit: ::core::ffi::c_int,
            argv: *const *mut ::core::ffi::c_char,
        ) -> bool,
    >,
    pub startl: ::core::option::Option<
        unsafe extern "C" fn(c: *mut lxc_container, useinit: ::core::ffi::c_int, ...) -> bool,
    >,
    pub stop: ::core::option::Option<unsafe extern "C" fn(c: *mut lxc_container) -> bool>,
    pub want_daemonize:
        ::core::option::Option<unsafe extern "C" fn(c: *mut lxc_container, state: bool) -> bool>,
    pub want_close_all_fds:
        ::core::option::Option<unsafe extern "C" fn(c: *mut lxc_container, state: bool) -> bool>,
    pub config_file_name:
        ::core::option::Option<unsafe extern "C" fn(c: *mut lxc_container) -> *mut ::core::ffi::c_char>,
    pub wait: ::core::option::Option<
        unsafe extern "C" fn(
            c: *mut lxc_container,
            state: *const ::core::ffi::c_char,
            timeout: ::core::ffi::c_int,
        ) -> bool,
    >,
    pub set_config_item: ::core::option::Option<
        unsafe extern "C" fn(
            c: *mut lxc_container,
            key: *const ::core::ffi::c_char,
            value: *const ::core::ffi::c_char,
        ) -> bool,
    >,
    pub destroy: ::core::option::Option<unsafe extern "C" fn(c: *mut lxc_container) -> bool>,
    pub save_config: ::core::option::Option<
        unsafe extern "C" fn(c: *mut lxc_container, alt_file: *const ::core::ffi::c_char) -> bool,
    >,
    pub create: ::core::option::Option<
        unsafe extern "C" fn(
            c: *mut lxc_container,
            t: *const ::core::ffi::c_char,
            bdevtype: *const ::core::ffi::c_char,
            specs: *mut bdev_specs,
            flags: ::core::ffi::c_int,
            argv: *const *mut ::core::ffi::c_char,
        ) -> bool,
    >,
    pub createl: ::core::option::Option<
        unsafe extern "C" fn(
            c: *mut lxc_container,
            t: *const ::core::ffi::c_char,
            bdevtype: *const ::core::ffi::c_char,
            specs: *mut bdev_specs,
            flags: ::core::ffi::c_int,
            ...
        ) -> bool,
    >,
    pub rename: ::core::option::Option<
        unsafe extern "C" fn(c: *mut lxc_container, newname: *const ::core::ffi::c_char) -> bool,
    >,
    pub reboot: ::core::option::Option<unsafe extern "C" fn(c: *mut lxc_container) -> bool>,
    pub shutdown: ::core::option::Option<
        unsafe extern "C" fn(c: *mut lxc_container, timeout: ::core::ffi::c_int) -> bool,
    >,
    pub clear_config: ::core::option::Option<unsafe extern "C" fn(c: *mut lxc_container)>,
    pub clear_config_item: ::core::option::Option<
        unsafe extern "C" fn(c: *mut lxc_container, key: *const ::core::ffi::c_char) -> bool,
    >,
    pub get_config_item: ::core::option::Option<
        unsafe extern "C" fn(
            c: *mut lxc_container,
            key: *const ::core::ffi::c_char,
            retv: *mut ::core::ffi::c_char,
            inlen: ::core::ffi::c_int,
        ) -> ::core::ffi::c_int,
    >,
    pub get_running_config_item: ::core::option::Option<
        unsafe extern "C" fn(
            c: *mut lxc_container,
            key: *const ::core::ffi::c_char,
        ) -> *mut ::core::ffi::c_char,
    >,
    pub get_keys: ::core::option::Option<
        unsafe extern "C" fn(
            c: *mut lxc_container,
            key: *const ::core::ffi::c_char,
            retv: *mut ::core::ffi::c_char,
            inlen: ::core::ffi::c_int,
        ) -> ::core::ffi::c_int,
    >,
    pub get_interfaces:
        ::core::option::Option<unsafe extern "C" fn(c: *mut lxc_container) -> *mut *mut ::core::ffi::c_char>,
    pub get_ips: ::core::option::Option<
        unsafe extern "C" fn(
            c: *mut lxc_container,
            interface: *const ::core::ffi::c_char,
            family: *const ::core::ffi::c_char,
            scope: ::core::ffi::c_int,
        ) -> *mut *mut ::core::ffi::c_char,
    >,
    pub get_cgroup_item: ::core::option::Option<
        unsafe extern "C" fn(
            c: *mut lxc_container,
            subsys: *const ::core::ffi::c_char,
            retv: *mut ::core::ffi::c_char,
            inlen: ::core::ffi::c_int,
        ) -> ::core::ffi::c_int,
    >,
    pub set_cgroup_item: ::core::option::Option<
        unsafe extern "C" fn(
            c: *mut lxc_container,
            subsys: *const ::core::ffi::c_char,
            value: *const ::core::ffi::c_char,
        ) -> bool,
    >,
    pub get_config_path:
        ::core::option::Option<unsafe extern "C" fn(c: *mut lxc_container) -> *const ::core::ffi::c_char>,
    pub set_config_path: ::core::option::Option<
        unsafe extern "C" fn(c: *mut lxc_container, path: *const ::core::ffi::c_char) -> bool,
    >,
    pub clone: ::core::option::Option<
        unsafe extern "C" fn(
            c: *mut lxc_container,
            newname: *const ::core::ffi::c_char,
            lxcpath: *const ::core::ffi::c_char,
            flags: ::core::ffi::c_int,
            bdevtype: *const ::core::ffi::c_char,
            bdevdata: *const ::core::ffi::c_char,
            newsize: u64,
            hookargs: *mut *mut ::core::ffi::c_char,
        ) -> *mut lxc_container,
    >,
    pub console_getfd: ::core::option::Option<
        unsafe extern "C" fn(
            c: *mut lxc_container,
            ttynum: *mut ::core::ffi::c_int,
            ptxfd: *mut ::core::ffi::c_int,
        ) -> ::core::ffi::c_int,
    >,
    pub console: ::core::option::Option<
        unsafe extern "C" fn(
            c: *mut lxc_container,
            ttynum: ::core::ffi::c_int,
            stdinfd: ::core::ffi::c_int,
            stdoutfd: ::core::ffi::c_int,
            stderrfd: ::core::ffi::c_int,
            escape: ::core::ffi::c_int,
        ) -> ::core::ffi::c_int,
    >,
    pub attach: ::core::option::Option<
        unsafe extern "C" fn(
            c: *mut lxc_container,
            exec_function: lxc_attach_exec_t,
            exec_payload: *mut ::core::ffi::c_void,
            options: *mut lxc_attach_options_t,
            attached_process: *mut pid_t,
        ) -> ::core::ffi::c_int,
    >,
    pub attach_run_wait: ::core::option::Option<
        unsafe extern "C" fn(
            c: *mut lxc_container,
            options: *mut lxc_attach_options_t,
            program: *const ::core::ffi::c_char,
            argv: *const *const ::core::ffi::c_char,
        ) -> ::core::ffi::c_int,
    >,
    pub attach_run_waitl: ::core::option::Option<
        unsafe extern "C" fn(
            c: *mut lxc_container,
            options: *mut lxc_attach_options_t,
            program: *const ::core::ffi::c_char,
            arg: *const ::core::ffi::c_char,
            ...
        ) -> ::core::ffi::c_int,
    >,
    pub snapshot: ::core::option::Option<
        unsafe extern "C" fn(
            c: *mut lxc_container,
            commentfile: *const ::core::ffi::c_char,
        ) -> ::core::ffi::c_int,
    >,
    pub snapshot_list: ::core::option::Option<
        unsafe extern "C" fn(c: *mut lxc_container, snapshots: *mut *mut lxc_snapshot) -> ::core::ffi::c_int,
    >,
    pub snapshot_restore: ::core::option::Option<
        unsafe extern "C" fn(
            c: *mut lxc_container,
            snapname: *const ::core::ffi::c_char,
            newname: *const ::core::ffi::c_char,
        ) -> bool,
    >,
    pub snapshot_destroy: ::core::option::Option<
        unsafe extern "C" fn(c: *mut lxc_container, snapname: *const ::core::ffi::c_char) -> bool,
    >,
    pub may_control: ::core::option::Option<unsafe extern "C" fn(c: *mut lxc_container) -> bool>,
    pub add_device_node: ::core::option::Option<
        unsafe extern "C" fn(
            c: *mut lxc_container,
            src_path: *const ::core::ffi::c_char,
            dest_path: *const ::core::ffi::c_char,
        ) -> bool,
    >,
    pub remove_device_node: ::core::option::Option<
        unsafe extern "C" fn(
            c: *mut lxc_container,
            src_path: *const ::core::ffi::c_char,
            dest_path: *const ::core::ffi::c_char,
        ) -> bool,
    >,
    pub attach_interface: ::core::option::Option<
        unsafe extern "C" fn(
            c: *mut lxc_container,
            dev: *const ::core::ffi::c_char,
            dst_dev: *const ::core::ffi::c_char,
        ) -> bool,
    >,
    pub detach_interface: ::core::option::Option<
        unsafe extern "C" fn(
            c: *mut lxc_container,
            dev: *const ::core::ffi::c_char,
            dst_dev: *const ::core::ffi::c_char,
        ) -> bool,
    >,
    pub checkpoint: ::core::option::Option<
        unsafe extern "C" fn(
            c: *mut lxc_container,
            directory: *mut ::core::ffi::c_char,
            stop: bool,
            verbose: bool,
        ) -> bool,
    >,
    pub restore: ::core::option::Option<
        unsafe extern "C" fn(
            c: *mut lxc_container,
            directory: *mut ::core::ffi::c_char,
            verbose: bool,
        ) -> bool,
    >,
    pub destroy_with_snapshots: ::core::option::Option<unsafe extern "C" fn(c: *mut lxc_container) -> bool>,
    pub snapshot_destroy_all: ::core::option::Option<unsafe extern "C" fn(c: *mut lxc_container) -> bool>,
    pub migrate: ::core::option::Option<
        unsafe extern "C" fn(
            c: *mut lxc_container,
            cmd: ::core::ffi::c_uint,
            opts: *mut migrate_opts,
            size: ::core::ffi::c_uint,
        ) -> ::core::ffi::c_int,
    >,
    pub console_log: ::core::option::Option<
        unsafe extern "C" fn(c: *mut lxc_container, log: *mut lxc_console_log) -> ::core::ffi::c_int,
    >,
    pub reboot2: ::core::option::Option<
        unsafe extern "C" fn(c: *mut lxc_container, timeout: ::core::ffi::c_int) -> bool,
    >,
    pub mount: ::core::option::Option<
        unsafe extern "C" fn(
            c: *mut lxc_container,
            source: *const ::core::ffi::c_char,
            target: *const ::core::ffi::c_char,
            filesystemtype: *const ::core::ffi::c_char,
            mountflags: ::core::ffi::c_ulong,
            data: *const ::core::ffi::c_void,
            mnt: *mut lxc_mount,
        ) -> ::core::ffi::c_int,
    >,
    pub umount: ::core::option::Option<
        unsafe extern "C" fn(
            c: *mut lxc_container,
            target: *const ::core::ffi::c_char,
            mountflags: ::core::ffi::c_ulong,
            mnt: *mut lxc_mount,
        ) -> ::core::ffi::c_int,
    >,
    pub seccomp_notify_fd:
        ::core::option::Option<unsafe extern "C" fn(c: *mut lxc_container) -> ::core::ffi::c_int>,
    pub seccomp_notify_fd_active:
        ::core::option::Option<unsafe extern "C" fn(c: *mut lxc_container) -> ::core::ffi::c_int>,
    pub init_pidfd: ::core::option::Option<unsafe extern "C" fn(c: *mut lxc_container) -> ::core::ffi::c_int>,
    pub devpts_fd: ::core::option::Option<unsafe extern "C" fn(c: *mut lxc_container) -> ::core::ffi::c_int>,
    pub rcv_timeout: ::core::ffi::c_int,
    pub set_timeout: ::core::option::Option<
        unsafe extern "C" fn(c: *mut lxc_container, timeout: ::core::ffi::c_int) -> bool,
    >,
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct lxc_snapshot {
    pub name: *mut ::core::ffi::c_char,
    pub comment_pathname: *mut ::core::ffi::c_char,
    pub timestamp: *mut ::core::ffi::c_char,
    pub lxcpath: *mut ::core::ffi::c_char,
    pub free: ::core::option::Option<unsafe extern "C" fn(s: *mut lxc_snapshot)>,
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct bdev_specs {
    pub fstype: *mut ::core::ffi::c_char,
    pub fssize: u64,
    pub zfs: bdev_specs__bindgen_ty_1,
    pub lvm: bdev_specs__bindgen_ty_2,
    pub dir: *mut ::core::ffi::c_char,
    pub rbd: bdev_specs__bindgen_ty_3,
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct bdev_specs__bindgen_ty_1 {
    pub zfsroot: *mut ::core::ffi::c_char,
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct bdev_specs__bindgen_ty_2 {
    pub vg: *mut ::core::ffi::c_char,
    pub lv: *mut ::core::ffi::c_char,
    pub thinpool: *mut ::core::ffi::c_char,
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct bdev_specs__bindgen_ty_3 {
    pub rbdname: *mut ::core::ffi::c_char,
    pub rbdpool: *mut ::core::ffi::c_char,
    pub rbduser: *mut ::core::ffi::c_char,
}
pub const MIGRATE_PRE_DUMP: _bindgen_ty_2 = 0;
pub const MIGRATE_DUMP: _bindgen_ty_2 = 1;
pub const MIGRATE_RESTORE: _bindgen_ty_2 = 2;
pub const MIGRATE_FEATURE_CHECK: _bindgen_ty_2 = 3;
pub type _bindgen_ty_2 = ::core::ffi::c_uint;
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct migrate_opts {
    pub directory: *mut ::core::ffi::c_char,
    pub verbose: bool,
    pub stop: bool,
    pub predump_dir: *mut ::core::ffi::c_char,
    pub pageserver_address: *mut ::core::ffi::c_char,
    pub pageserver_port: *mut ::core::ffi::c_char,
    pub preserves_inodes: bool,
    pub action_script: *mut ::core::ffi::c_char,
    pub disable_skip_in_flight: bool,
    pub ghost_limit: u64,
    pub features_to_check: u64,
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct lxc_console_log {
    pub clear: bool,
    pub read: bool,
    pub read_max: *mut u64,
    pub data: *mut ::core::ffi::c_char,
}
unsafe extern "C" {
    pub fn lxc_container_new(
        name: *const ::core::ffi::c_char,
        configpath: *const ::core::ffi::c_char,
    ) -> *mut lxc_container;
}
unsafe extern "C" {
    pub fn lxc_container_get(c: *mut lxc_container) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    pub fn lxc_container_put(c: *mut lxc_container) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    pub fn lxc_get_wait_states(states: *mut *const ::core::ffi::c_char) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    pub fn lxc_get_global_config_item(key: *const ::core::ffi::c_char) -> *const ::core::ffi::c_char;
}
unsafe extern "C" {
    pub fn lxc_get_version() -> *const ::core::ffi::c_char;
}
unsafe extern "C" {
    pub fn list_defined_containers(
        lxcpath: *const ::core::ffi::c_char,
        names: *mut *mut *mut ::core::ffi::c_char,
        cret: *mut *mut *mut lxc_container,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    pub fn list_active_containers(
        lxcpath: *const ::core::ffi::c_char,
        names: *mut *mut *mut ::core::ffi::c_char,
        cret: *mut *mut *mut lxc_container,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    pub fn list_all_containers(
        lxcpath: *const ::core::ffi::c_char,
        names: *mut *mut *mut ::core::ffi::c_char,
        cret: *mut *mut *mut lxc_container,
    ) -> ::core::ffi::c_int;
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct lxc_log {
    pub name: *const ::core::ffi::c_char,
    pub lxcpath: *const ::core::ffi::c_char,
    pub file: *const ::core::ffi::c_char,
    pub level: *const ::core::ffi::c_char,
    pub prefix: *const ::core::ffi::c_char,
    pub quiet: bool,
}
unsafe extern "C" {
    pub fn lxc_log_init(log: *mut lxc_log) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    pub fn lxc_log_close();
}
unsafe extern "C" {
    pub fn lxc_config_item_is_supported(key: *const ::core::ffi::c_char) -> bool;
}
unsafe extern "C" {
    pub fn lxc_has_api_extension(extension: *const ::core::ffi::c_char) -> bool;
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct lxc_conf {
    pub _address: u8,
}
