//! Status numbers.
//!
//! 1xx: the call itself is wrong; 2xx: what it names or gives; 3xx: the state
//! of the container; 4xx: the operation failed; 5xx: the host. A number once
//! given is never used again. A program should take an unknown number of a
//! newer library as it takes the group.

use std::ffi::{CStr, c_char};

use crate::ErrorKind;

/// How a call ended: PCT_OK, or one of PCT_E_*.
pub type pct_status = i32;

/// Done.
pub const PCT_OK: i32 = 0;
/// A pointer is NULL that must not be.
pub const PCT_E_NULL: i32 = 101;
/// A string is not UTF-8.
pub const PCT_E_UTF8: i32 = 102;
/// An option struct has values that this library does not know.
pub const PCT_E_TOO_BIG: i32 = 103;
/// struct_size is no size of an option struct, or a reserved member is not zero.
pub const PCT_E_STRUCT: i32 = 104;
/// A number is no open file descriptor.
pub const PCT_E_FD: i32 = 105;
/// A bug of the library; the context cannot be used any more.
pub const PCT_E_PANIC: i32 = 106;
/// A value that was given does not fit.
pub const PCT_E_PARAMETER: i32 = 201;
/// There is no such container, volume, storage or snapshot.
pub const PCT_E_NOT_FOUND: i32 = 202;
/// What is to be made is there already.
pub const PCT_E_EXISTS: i32 = 203;
/// Another operation has the container.
pub const PCT_E_LOCKED: i32 = 301;
/// The operation needs a running container.
pub const PCT_E_NOT_RUNNING: i32 = 302;
/// The operation needs a stopped container.
pub const PCT_E_RUNNING: i32 = 303;
/// The configuration forbids it.
pub const PCT_E_REFUSED: i32 = 304;
/// The container did not start.
pub const PCT_E_START: i32 = 401;
/// The container did not stop.
pub const PCT_E_STOP: i32 = 402;
/// What was waited for has not come about in time.
pub const PCT_E_TIMEOUT: i32 = 403;
/// A callback has asked to stop.
pub const PCT_E_CANCELLED: i32 = 404;
/// A command has said more than its caller wants to hold.
pub const PCT_E_TOO_MUCH: i32 = 405;
/// The program pct-helper is missing or does not fit.
pub const PCT_E_HELPER: i32 = 501;
/// This release, storage or host cannot do it.
pub const PCT_E_UNSUPPORTED: i32 = 502;
/// The system refused; pct_error_errno may tell more.
pub const PCT_E_SYSTEM: i32 = 503;

/// All numbers: the name of the kind, and a text for people.
const TABLE: [(pct_status, &CStr, &CStr); 22] = [
    (PCT_OK, c"ok", c"done"),
    (PCT_E_NULL, c"null", c"a pointer is NULL that must not be"),
    (PCT_E_UTF8, c"utf8", c"a string is not UTF-8"),
    (PCT_E_TOO_BIG, c"too-big", c"an option struct has values that this library does not know"),
    (PCT_E_STRUCT, c"struct", c"an option struct is not filled in correctly"),
    (PCT_E_FD, c"fd", c"a number is no open file descriptor"),
    (PCT_E_PANIC, c"panic", c"a bug of the library"),
    (PCT_E_PARAMETER, c"parameter", c"a value that was given does not fit"),
    (PCT_E_NOT_FOUND, c"not-found", c"there is no such container, volume, storage or snapshot"),
    (PCT_E_EXISTS, c"exists", c"what is to be made is there already"),
    (PCT_E_LOCKED, c"locked", c"another operation has the container"),
    (PCT_E_NOT_RUNNING, c"not-running", c"the operation needs a running container"),
    (PCT_E_RUNNING, c"running", c"the operation needs a stopped container"),
    (PCT_E_REFUSED, c"refused", c"the configuration forbids it"),
    (PCT_E_START, c"start", c"the container did not start"),
    (PCT_E_STOP, c"stop", c"the container did not stop"),
    (PCT_E_TIMEOUT, c"timeout", c"what was waited for has not come about in time"),
    (PCT_E_CANCELLED, c"cancelled", c"a callback has asked to stop"),
    (PCT_E_TOO_MUCH, c"too-much", c"a command has said more than its caller wants to hold"),
    (PCT_E_HELPER, c"helper", c"the program pct-helper is missing or does not fit"),
    (PCT_E_UNSUPPORTED, c"unsupported", c"this release, storage or host cannot do it"),
    (PCT_E_SYSTEM, c"system", c"the system refused"),
];

/// The number of a kind of failure.
pub(super) fn of(kind: ErrorKind) -> pct_status {
    match kind {
        ErrorKind::Parameter => PCT_E_PARAMETER,
        ErrorKind::NotFound => PCT_E_NOT_FOUND,
        ErrorKind::AlreadyExists => PCT_E_EXISTS,
        ErrorKind::Locked => PCT_E_LOCKED,
        ErrorKind::NotRunning => PCT_E_NOT_RUNNING,
        ErrorKind::Running => PCT_E_RUNNING,
        ErrorKind::Refused => PCT_E_REFUSED,
        ErrorKind::Start => PCT_E_START,
        ErrorKind::Stop => PCT_E_STOP,
        ErrorKind::Timeout => PCT_E_TIMEOUT,
        ErrorKind::Cancelled => PCT_E_CANCELLED,
        ErrorKind::TooMuch => PCT_E_TOO_MUCH,
        ErrorKind::Helper => PCT_E_HELPER,
        ErrorKind::Unsupported => PCT_E_UNSUPPORTED,
        ErrorKind::System => PCT_E_SYSTEM,
    }
}

/// The name of the kind of a number.
pub(super) fn name(status: pct_status) -> &'static CStr {
    entry(status).map_or(c"unknown", |(_, name, _)| name)
}

fn entry(status: pct_status) -> Option<&'static (pct_status, &'static CStr, &'static CStr)> {
    static ENTRIES: &[(pct_status, &CStr, &CStr)] = &TABLE;
    ENTRIES.iter().find(|(number, _, _)| *number == status)
}

/// What a number means, for people. Never NULL; not to be freed.
#[unsafe(no_mangle)]
pub extern "C" fn pct_status_str(status: pct_status) -> *const c_char {
    entry(status).map_or(c"unknown status", |(_, _, text)| text).as_ptr()
}

/// The short name of a number, for programs: "not-found" for PCT_E_NOT_FOUND,
/// "unknown" for what is none. Never NULL; not to be freed.
#[unsafe(no_mangle)]
pub extern "C" fn pct_status_name(status: pct_status) -> *const c_char {
    name(status).as_ptr()
}
