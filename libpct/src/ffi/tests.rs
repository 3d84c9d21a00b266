//! What C cannot test: panics, and the rules for structs of other releases.

use std::{
    collections::BTreeSet,
    ffi::CStr,
    mem::size_of,
    path::Path,
    ptr,
    sync::atomic::{AtomicBool, Ordering},
};

use serde_json::json;

use super::{
    container::pct_start_options,
    ctx::{Log, pct_ctx, pct_ctx_free, pct_ctx_new, pct_ctx_options},
    error::{
        Fault, pct_error, pct_error_errno, pct_error_free, pct_error_kind, pct_error_message,
        pct_error_status, pct_error_vmid,
    },
    guard, options,
    query::pct_list_json,
    status::{self, *},
    string::{c_string, pct_string_free},
};
use crate::{ConfigState, Error, ErrorKind, Listing, Pct, Status, Usage, Vmid, config::Config, json};

fn context(root: &Path) -> pct_ctx {
    pct_ctx {
        pct: Pct::builder().root(root).open().unwrap(),
        poisoned: AtomicBool::new(false),
        log: Log::NONE,
    }
}

/// Status, message and container of an error object, which is freed.
fn taken(err: *mut pct_error) -> (pct_status, String, u32) {
    // SAFETY: a call has just given it.
    unsafe {
        let message = CStr::from_ptr(pct_error_message(err)).to_str().unwrap().to_owned();
        let found = (pct_error_status(err), message, pct_error_vmid(err));
        pct_error_free(err);
        found
    }
}

#[test]
fn a_panic_becomes_an_error_and_poisons_the_context() {
    let root = tempfile::tempdir().unwrap();
    let ctx = context(root.path());
    let mut err = ptr::null_mut();
    // SAFETY: local variables.
    let status =
        unsafe { guard::on_container(&raw const ctx, 9001, &raw mut err, |_| panic!("number {}", 7)) };
    assert_eq!(status, PCT_E_PANIC);
    let (status, message, _) = taken(err);
    assert_eq!((status, message.as_str()), (PCT_E_PANIC, "a bug of the library: number 7"));
    assert!(ctx.poisoned.load(Ordering::Acquire));

    let mut out = ptr::null_mut();
    // SAFETY: as above.
    assert_eq!(unsafe { pct_list_json(&raw const ctx, &raw mut out, &raw mut err) }, PCT_E_PANIC);
    assert!(out.is_null());
    assert!(taken(err).1.starts_with("an earlier call on this context met a bug"));
    // SAFETY: a context from the heap, as `pct_ctx_new` makes it.
    unsafe { pct_ctx_free(Box::into_raw(Box::new(ctx))) };
}

#[test]
fn a_panic_without_a_context_becomes_an_error_too() {
    // SAFETY: NULL is allowed.
    let status = unsafe { guard::call(ptr::null_mut(), || std::panic::panic_any(7_u8)) };
    assert_eq!(status, PCT_E_PANIC);
}

#[test]
fn an_error_object_has_the_whole_chain_and_the_number_of_the_kernel() {
    let refused = std::io::Error::from_raw_os_error(libc::EACCES);
    let error = Error::Create {
        vmid: Vmid::new(9001).unwrap(),
        source: Box::new(Error::io("cannot read", "/etc/x", refused)),
    };
    let fault = Fault::from(error).of(9001);
    let mut err = ptr::null_mut();
    // SAFETY: a local variable, and the object that was put there.
    unsafe {
        assert_eq!(super::error::report(&raw mut err, Err(fault)), PCT_E_SYSTEM);
        assert_eq!(pct_error_errno(err), libc::EACCES);
        assert_eq!(CStr::from_ptr(pct_error_kind(err)), c"system");
        let (status, message, vmid) = taken(err);
        assert_eq!((status, vmid), (PCT_E_SYSTEM, 9001));
        assert_eq!(
            message,
            "unable to create CT 9001 - cannot read '/etc/x': Permission denied (os error 13)"
        );
        // Success clears the pointer.
        assert_eq!(super::error::report(&raw mut err, Ok(())), PCT_OK);
    }
    assert!(err.is_null());
}

#[test]
fn every_number_is_given_once_and_has_a_name_and_a_text() {
    let kinds = [
        (ErrorKind::Parameter, 201),
        (ErrorKind::NotFound, 202),
        (ErrorKind::AlreadyExists, 203),
        (ErrorKind::Locked, 301),
        (ErrorKind::NotRunning, 302),
        (ErrorKind::Running, 303),
        (ErrorKind::Refused, 304),
        (ErrorKind::Start, 401),
        (ErrorKind::Stop, 402),
        (ErrorKind::Timeout, 403),
        (ErrorKind::Cancelled, 404),
        (ErrorKind::TooMuch, 405),
        (ErrorKind::Helper, 501),
        (ErrorKind::Unsupported, 502),
        (ErrorKind::System, 503),
    ];
    for (kind, number) in kinds {
        assert_eq!(status::of(kind), number, "{kind:?}: programs have been compiled with its number");
    }
    let all = [0, 101, 102, 103, 104, 105, 106].into_iter().chain(kinds.map(|(_, number)| number));
    let names: Vec<_> = all.map(status::name).collect();
    assert!(!names.contains(&c"unknown"), "{names:?}");
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{names:?}");
    assert_eq!(status::name(9999), c"unknown");
}

/// As a later release might have it.
#[repr(C)]
#[derive(Clone, Copy)]
struct Longer {
    known: pct_start_options,
    unknown: usize,
}

#[test]
fn structs_of_other_releases_are_read_by_their_size() {
    let read = |given: &Longer| {
        // SAFETY: a struct that is at least as long as it says.
        unsafe { options::read((&raw const *given).cast::<pct_start_options>()) }
            .map(|options| (options.debug, options.skiplock))
            .map_err(|fault| fault.status)
    };
    let longer = |struct_size, unknown| Longer {
        known: pct_start_options { struct_size, debug: 1, skiplock: 2 },
        unknown,
    };
    assert_eq!(read(&longer(size_of::<pct_start_options>(), 7)), Ok((1, 2)));
    assert_eq!(read(&longer(size_of::<Longer>(), 0)), Ok((1, 2)));
    assert_eq!(read(&longer(size_of::<Longer>(), 1 << 40)), Err(PCT_E_TOO_BIG));
    // One that knows of no member yet.
    assert_eq!(read(&longer(size_of::<usize>(), 7)), Ok((0, 0)));
    for impossible in [0, 1, size_of::<usize>() + 1, 4104, usize::MAX & !7] {
        assert_eq!(read(&longer(impossible, 0)), Err(PCT_E_STRUCT), "{impossible}");
    }
    // SAFETY: NULL is allowed.
    let defaults = unsafe { options::read(ptr::null::<pct_start_options>()) }.unwrap();
    assert_eq!((defaults.debug, defaults.skiplock), (0, 0));
}

#[test]
fn a_context_of_a_bad_root_is_not_opened() {
    let options = pct_ctx_options {
        struct_size: size_of::<pct_ctx_options>(),
        root: c"relative".as_ptr(),
        helper: ptr::null(),
        log: None,
        log_user: ptr::null_mut(),
    };
    let (mut ctx, mut err) = (ptr::null_mut(), ptr::null_mut());
    // SAFETY: local variables.
    let status = unsafe { pct_ctx_new(&raw const options, &raw mut ctx, &raw mut err) };
    assert_eq!(status, taken(err).0);
    assert!(status != PCT_OK && ctx.is_null());
}

#[test]
fn a_text_with_a_nul_keeps_what_is_behind_it() {
    assert_eq!(c_string("a\0b").to_str().unwrap(), "a\u{FFFD}b");
    // SAFETY: NULL is allowed.
    unsafe { pct_string_free(ptr::null_mut()) };
}

fn stopped(vmid: u32) -> Status {
    Status {
        vmid: Vmid::new(vmid).unwrap(),
        name: "web1".into(),
        running: false,
        lock: None,
        tags: None,
        template: false,
        cpus: 2.0,
        max_memory: 536_870_912,
        max_swap: 536_870_912,
        max_disk: 8_589_934_592,
    }
}

#[test]
fn the_state_has_the_fields_of_the_rest_interface() {
    assert_eq!(
        json::status(&stopped(101), None),
        json!({
            "cpus": 2, "disk": 0, "diskread": 0, "diskwrite": 0, "maxdisk": 8_589_934_592_u64,
            "maxmem": 536_870_912, "maxswap": 536_870_912, "mem": 0, "name": "web1", "netin": 0, "netout": 0,
            "status": "stopped", "swap": 0, "type": "lxc", "uptime": 0, "vmid": 101,
        })
    );
    let running = Status {
        running: true,
        lock: Some("backup".into()),
        tags: Some("a;b".into()),
        template: true,
        cpus: 1.5,
        ..stopped(101)
    };
    let usage = Usage { pid: 4711, uptime: 10, memory: 1, disk: 3, max_disk: 4, ..Usage::default() };
    let fields = json::status(&running, Some(&usage));
    for (name, value) in [
        ("status", json!("running")),
        ("cpus", json!(1.5)),
        ("pid", json!(4711)),
        ("maxdisk", json!(4)),
        ("lock", json!("backup")),
        ("tags", json!("a;b")),
        ("template", json!(1)),
    ] {
        assert_eq!(fields[name], value, "{name}");
    }
}

#[test]
fn a_container_that_cannot_be_read_is_listed_in_its_place() {
    let listing = Listing {
        containers: vec![stopped(101), stopped(103)],
        errors: vec![(Vmid::new(102).unwrap(), Error::NoRootfs)],
    };
    let json = json::listing(&listing, |_| None, |_| None);
    assert_eq!(json[0]["vmid"], 101);
    assert_eq!(json[1], json!({ "vmid": 102, "type": "lxc", "error": "missing 'rootfs' configuration" }));
    assert_eq!(json[2]["vmid"], 103);
}

#[test]
fn the_fields_of_a_config_are_typed() {
    let file = b"#per%25cent: x\n#%C3%BC\n# 5% %zz\ncores: 2\ncpulimit: 1.5\nhostname: 007\nmemory: lots\n\
                 unprivileged: yes\ntags: caf\xE9\nsnaptime: 17\n\
                 lxc.cap.drop: sys_time\nlxc.cap.drop: sys_module\n";
    let section = Config::parse(file, Vmid::new(101).unwrap()).config.main().clone();
    assert_eq!(
        json::config(&ConfigState { section, digest: "da39".into() }),
        json!({
            "cores": 2, "cpulimit": 1.5, "description": "per%cent: x\nü\n 5% %zz\n", "digest": "da39",
            "hostname": "007", "memory": "lots", "snaptime": 17, "tags": "caf\u{FFFD}", "unprivileged": 1,
            "lxc": [["lxc.cap.drop", "sys_time"], ["lxc.cap.drop", "sys_module"]],
        })
    );
}
