//! Version and features.

use std::ffi::c_char;

use super::string;

/// Of this header; changes that break programs raise it.
pub const PCT_VERSION_MAJOR: u32 = 0;
/// Of this header; additions raise it.
pub const PCT_VERSION_MINOR: u32 = 1;
/// Of this header; repairs raise it.
pub const PCT_VERSION_PATCH: u32 = 0;

// The header cannot read Cargo.toml, but a release with other numbers in it must not be built.
const _: () = {
    assert!(is(env!("CARGO_PKG_VERSION_MAJOR"), PCT_VERSION_MAJOR), "set PCT_VERSION_MAJOR as in Cargo.toml");
    assert!(is(env!("CARGO_PKG_VERSION_MINOR"), PCT_VERSION_MINOR), "set PCT_VERSION_MINOR as in Cargo.toml");
    assert!(is(env!("CARGO_PKG_VERSION_PATCH"), PCT_VERSION_PATCH), "set PCT_VERSION_PATCH as in Cargo.toml");
};

const fn is(text: &str, number: u32) -> bool {
    matches!(u32::from_str_radix(text, 10), Ok(parsed) if parsed == number)
}

const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "\0");

/// What this library can do, in the words of [`pct_has_feature`].
const FEATURES: [&str; 31] = [
    "lifecycle",
    "json",
    "exec",
    "console",
    "change",
    "volumes",
    "repair",
    "clone",
    "move-volume",
    "all",
    "suspend",
    "wait",
    "interfaces",
    "doctor",
    "pidfd",
    "config",
    "copy",
    "guest",
    "snapshots",
    "free-vmid",
    "cpusets",
    "list-of",
    "stats",
    "schema",
    "storages",
    "volume-stream",
    "cancel",
    "log",
    "output",
    "tty",
    "events",
];

/// The version of the library in use, such as "0.1.0". Never NULL; not to be
/// freed.
#[unsafe(no_mangle)]
pub extern "C" fn pct_version() -> *const c_char {
    VERSION.as_ptr().cast()
}

/// Whether the library in use has a feature:
///
/// - lifecycle: pct_container_create, _destroy, _start, _stop, _shutdown,
///   _reboot, _is_running, _config_text
/// - json: pct_list_json, pct_container_status_json, _config_json
/// - exec: pct_container_exec, _exec_wait, _enter_wait
/// - console: pct_container_console_wait
/// - change: pct_container_set, _pending_json, _rescan, pct_rescan
/// - volumes: pct_container_mount, _unmount, _df_json, _fsck, _fstrim, _resize
/// - repair: pct_container_repair
/// - clone: pct_container_clone, _template
/// - move-volume: pct_container_move_volume, _reassign_volume
/// - all: pct_start_all, pct_stop_all
/// - suspend: pct_container_suspend, _resume
/// - wait: pct_container_wait
/// - interfaces: pct_container_interfaces_json
/// - doctor: pct_container_doctor_json, pct_doctor_json
/// - pidfd: pct_container_init_pidfd
/// - config: pct_config_parse, pct_config_to_lxc
/// - copy: pct_container_push, _pull
/// - guest: pct_set_up_guest
/// - snapshots: pct_container_snapshots_json, _snapshot, _delete_snapshot,
///   _rollback
/// - free-vmid: pct_free_vmid
/// - cpusets: pct_cpusets_json
/// - list-of: pct_list_of_json
/// - stats: pct_container_stats
/// - schema: pct_config_schema_json
/// - storages: pct_storages_json, pct_storage_status_json, _contents_json, _add,
///   _set, _remove, pct_templates_json, pct_volume_allocate, _remove, _path
/// - volume-stream: pct_volume_export, _import
/// - cancel: callbacks of pct_progress may ask to stop
/// - log: pct_ctx_options.log
/// - output: pct_container_exec_output
/// - tty: pct_container_tty
/// - events: pct_events_new
///
/// False for other words and for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_has_feature(name: *const c_char) -> bool {
    // SAFETY: NULL or a string, as the header asks of the caller.
    let name = unsafe { string::bytes(name) };
    name.is_some_and(|name| FEATURES.iter().any(|feature| feature.as_bytes() == name))
}
