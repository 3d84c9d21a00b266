//! The structs and constants as the system's C compiler sees them, against the bindings.
//!
//! Members that are newer than the system header are left out of the C program, and then the size of the
//! struct there must be exactly what is left of ours: nothing is skipped silently.

// `c_long` is `i64` on some targets only; the helpers below are tests, too.
#![allow(clippy::unnecessary_cast, clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::mem::{offset_of, size_of};
use std::path::PathBuf;
use std::process::Command;

use lxc_sys::version::{HEADER, Version};
use lxc_sys::{consts, *};

type Member = (&'static str, usize, Version);
type Struct = (&'static str, usize, Vec<Member>);

const ALWAYS: Version = Version::new(1, 0, 0);
const V6: Version = Version::new(6, 0, 0);
const RBDUSER: Version = Version::new(6, 0, 6);

macro_rules! layout {
    ($ty:ident as $c:literal; $($member:ident $(. $sub:ident)?),+ $(,)?) => {
        ($c, size_of::<$ty>(), vec![
            $((concat!(stringify!($member) $(, ".", stringify!($sub))?), offset_of!($ty, $member $(. $sub)?), ALWAYS)),+
        ])
    };
}

fn structs() -> Vec<Struct> {
    #[allow(unused_mut)]
    let mut container = layout!(lxc_container as "struct lxc_container";
        name, configfile, pidfile, slock, privlock, numthreads, lxc_conf, error_string, error_num, daemonize,
        config_path, is_defined, state, is_running, freeze, unfreeze, init_pid, load_config, start, startl, stop,
        want_daemonize, want_close_all_fds, config_file_name, wait, set_config_item, destroy, save_config, create,
        createl, rename, reboot, shutdown, clear_config, clear_config_item, get_config_item,
        get_running_config_item, get_keys, get_interfaces, get_ips, get_cgroup_item, set_cgroup_item,
        get_config_path, set_config_path, clone, console_getfd, console, attach, attach_run_wait,
        attach_run_waitl, snapshot, snapshot_list, snapshot_restore, snapshot_destroy, may_control,
        add_device_node, remove_device_node, attach_interface, detach_interface, checkpoint, restore,
        destroy_with_snapshots, snapshot_destroy_all, migrate, console_log, reboot2, mount, umount,
        seccomp_notify_fd, seccomp_notify_fd_active, init_pidfd, devpts_fd);
    #[cfg(lxc_set_timeout)]
    container.2.extend([
        ("rcv_timeout", offset_of!(lxc_container, rcv_timeout), V6),
        ("set_timeout", offset_of!(lxc_container, set_timeout), V6),
    ]);
    #[allow(unused_mut)]
    let mut specs = layout!(bdev_specs as "struct bdev_specs";
        fstype, fssize, zfs, lvm, lvm.vg, lvm.lv, lvm.thinpool, dir, rbd, rbd.rbdname, rbd.rbdpool);
    #[cfg(lxc_rbduser)]
    specs.2.push(("rbd.rbduser", offset_of!(bdev_specs, rbd.rbduser), RBDUSER));
    vec![
        container,
        specs,
        layout!(lxc_attach_options_t as "lxc_attach_options_t";
            attach_flags, namespaces, personality, initial_cwd, uid, gid, env_policy, extra_env_vars,
            extra_keep_env, stdin_fd, stdout_fd, stderr_fd, log_fd, lsm_label, groups),
        layout!(lxc_attach_command_t as "lxc_attach_command_t"; program, argv),
        layout!(lxc_groups_t as "lxc_groups_t"; size, list),
        layout!(lxc_snapshot as "struct lxc_snapshot"; name, comment_pathname, timestamp, lxcpath, free),
        layout!(migrate_opts as "struct migrate_opts";
            directory, verbose, stop, predump_dir, pageserver_address, pageserver_port, preserves_inodes,
            action_script, disable_skip_in_flight, ghost_limit, features_to_check),
        layout!(lxc_console_log as "struct lxc_console_log"; clear, read, read_max, data),
        layout!(lxc_log as "struct lxc_log"; name, lxcpath, file, level, prefix, quiet),
        layout!(lxc_mount as "struct lxc_mount"; version),
    ]
}

fn constants() -> Vec<(&'static str, i64)> {
    macro_rules! list { ($($name:ident),+ $(,)?) => { vec![$((stringify!($name), i64::from($name))),+] } }
    let mut list = list!(
        LXC_CLONE_KEEPNAME,
        LXC_CLONE_KEEPMACADDR,
        LXC_CLONE_SNAPSHOT,
        LXC_CLONE_KEEPBDEVTYPE,
        LXC_CLONE_MAYBE_SNAPSHOT,
        LXC_CLONE_MAXFLAGS,
        LXC_CLONE_ALLOW_RUNNING,
        LXC_CREATE_QUIET,
        LXC_CREATE_MAXFLAGS,
        LXC_MOUNT_API_V1,
        LXC_ATTACH_MOVE_TO_CGROUP,
        LXC_ATTACH_DROP_CAPABILITIES,
        LXC_ATTACH_SET_PERSONALITY,
        LXC_ATTACH_LSM_EXEC,
        LXC_ATTACH_REMOUNT_PROC_SYS,
        LXC_ATTACH_LSM_NOW,
        LXC_ATTACH_NO_NEW_PRIVS,
        LXC_ATTACH_TERMINAL,
        LXC_ATTACH_LSM_LABEL,
        LXC_ATTACH_SETGROUPS,
        LXC_ATTACH_DEFAULT,
        LXC_ATTACH_KEEP_ENV,
        LXC_ATTACH_CLEAR_ENV,
        MIGRATE_PRE_DUMP,
        MIGRATE_DUMP,
        MIGRATE_RESTORE,
        MIGRATE_FEATURE_CHECK,
        FEATURE_MEM_TRACK,
        FEATURE_LAZY_PAGES,
    );
    list.push(("LXC_ATTACH_LSM", i64::from(consts::LXC_ATTACH_LSM)));
    list.push(("LXC_ATTACH_DETECT_PERSONALITY", consts::LXC_ATTACH_DETECT_PERSONALITY as i64));
    let defaults = consts::ATTACH_OPTIONS_DEFAULT;
    list.extend([
        ("attach_defaults.attach_flags", i64::from(defaults.attach_flags)),
        ("attach_defaults.namespaces", i64::from(defaults.namespaces)),
        ("attach_defaults.uid", i64::from(defaults.uid)),
        ("attach_defaults.gid", i64::from(defaults.gid)),
        ("attach_defaults.env_policy", i64::from(defaults.env_policy)),
        ("attach_defaults.stdin_fd", i64::from(defaults.stdin_fd)),
        ("attach_defaults.stdout_fd", i64::from(defaults.stdout_fd)),
        ("attach_defaults.stderr_fd", i64::from(defaults.stderr_fd)),
        ("attach_defaults.log_fd", i64::from(defaults.log_fd)),
    ]);
    list
}

/// Compiles and runs a C program whose `main` has these statements; gives its `name value` lines.
fn ask_c(statements: &str) -> BTreeMap<String, i64> {
    let source = format!(
        "#include <errno.h>\n#include <stddef.h>\n#include <stdio.h>\n#include <lxc/lxccontainer.h>\n\
         #include <lxc/attach_options.h>\n#include <lxc/version.h>\n\
         #define P(n, v) printf(\"%s %lld\\n\", n, (long long)(v))\n\
         int main(void) {{\nlxc_attach_options_t attach_defaults = LXC_ATTACH_OPTIONS_DEFAULT;\n\
         (void)attach_defaults;\n{statements}return 0;\n}}\n"
    );
    static SERIAL: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let serial = SERIAL.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let file = folder.join(format!("layout-{}-{serial}.c", std::process::id()));
    let program = file.with_extension("bin");
    std::fs::write(&file, source).unwrap();
    let mut compiler = Command::new(std::env::var_os("CC").unwrap_or_else(|| "cc".into()));
    if let Some(folder) = std::env::var_os("PCT_LXC_INCLUDE_DIR") {
        compiler.arg("-I").arg(folder);
    } else if let Ok(flags) = Command::new("pkg-config").args(["--cflags", "lxc"]).output() {
        compiler.args(String::from_utf8_lossy(&flags.stdout).split_whitespace());
    }
    let compiled = compiler.arg("-o").arg(&program).arg(&file).output().expect("a C compiler");
    assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
    let output = Command::new(&program).output().unwrap();
    std::fs::remove_file(&file).unwrap();
    std::fs::remove_file(&program).unwrap();
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| line.rsplit_once(' ').unwrap())
        .map(|(name, value)| (name.to_owned(), value.parse().unwrap()))
        .collect()
}

fn system_header() -> Version {
    let values = ask_c(
        "P(\"major\", LXC_VERSION_MAJOR);\nP(\"minor\", LXC_VERSION_MINOR);\nP(\"micro\", LXC_VERSION_MICRO);\n",
    );
    let number = |name: &str| u32::try_from(values[name]).unwrap();
    Version::new(number("major"), number("minor"), number("micro"))
}

#[test]
fn every_public_struct_is_laid_out_as_in_the_system_header() {
    let system = system_header();
    let mut statements = String::new();
    for (name, _, members) in structs() {
        writeln!(statements, "P(\"{name}\", sizeof({name}));").unwrap();
        for (member, _, _) in members.iter().filter(|(_, _, since)| *since <= system) {
            writeln!(statements, "P(\"{name}.{member}\", offsetof({name}, {member}));").unwrap();
        }
    }
    let c = ask_c(&statements);
    for (name, size, members) in structs() {
        for (member, offset, _) in members.iter().filter(|(_, _, since)| *since <= system) {
            assert_eq!(c[&format!("{name}.{member}")], *offset as i64, "{name}.{member}");
        }
        // Without the newer members ours must end where the system's struct does.
        let expected = members
            .iter()
            .filter(|(_, _, since)| *since > system)
            .map(|(_, offset, _)| *offset)
            .min()
            .unwrap_or(size);
        assert_eq!(c[name], expected as i64, "size of {name} in {system}, bound {HEADER}");
    }
}

#[test]
fn constants_are_those_of_the_system_header() {
    let mut statements = String::new();
    for (name, _) in constants() {
        writeln!(statements, "P(\"{name}\", {name});").unwrap();
    }
    let c = ask_c(&statements);
    for (name, value) in constants() {
        assert_eq!(c[name], value, "{name}");
    }
}

#[cfg(not(feature = "bindgen"))]
#[test]
fn no_member_of_the_committed_bindings_is_left_out() {
    let text = include_str!("../src/bindings.rs");
    for (name, _, members) in structs() {
        let name = name.trim_start_matches("struct ");
        let body = text.split(&format!("pub struct {name} {{")).nth(1).unwrap().split("\n}").next().unwrap();
        let bound: Vec<_> = body
            .lines()
            .filter_map(|line| line.strip_prefix("    pub ").and_then(|line| line.split(':').next()))
            .collect();
        let tested: Vec<_> =
            members.iter().map(|(member, _, _)| *member).filter(|m| !m.contains('.')).collect();
        assert_eq!(tested, bound, "{name}");
    }
}

#[cfg(feature = "bindgen")]
#[test]
fn the_bound_header_is_the_system_header() {
    assert_eq!(HEADER, system_header());
    assert_eq!(cfg!(lxc_set_timeout), HEADER >= V6);
    let _ = RBDUSER;
}
