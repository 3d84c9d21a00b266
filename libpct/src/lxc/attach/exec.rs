//! What happens in the child, inside the container, between fork and exec.
//!
//! Everything is prepared before; nothing here allocates, locks or asks a library of the container.

use std::ffi::{CStr, CString, c_char, c_int, c_void};

use super::super::Result;
use super::super::args::{CStrings, os_text};
use super::{AttachCommand, nul};

/// The program was found but cannot be executed.
const CANNOT_EXECUTE: c_int = 126;
/// The program was not found.
const NOT_FOUND: c_int = 127;
/// What execvp(3) takes when there is no `PATH`.
const DEFAULT_PATH: &[u8] = b"/bin:/usr/bin";

/// All that the child needs.
pub(super) struct Plan {
    program: CString,
    argv: CStrings,
    failure_prefix: Option<CString>,
}

impl Plan {
    pub(super) fn new(command: &AttachCommand) -> Result<Self> {
        if command.program.is_empty() {
            return Err(nul("program", b""));
        }
        let argv =
            command.argv.iter().map(|argument| os_text("argument", argument)).collect::<Result<_>>()?;
        let prefix =
            command.failure_prefix.as_deref().map(|prefix| os_text("message", prefix)).transpose()?;
        Ok(Self {
            program: os_text("program", &command.program)?,
            argv: CStrings::new(argv),
            failure_prefix: prefix,
        })
    }
}

unsafe extern "C" {
    static environ: *const *const c_char;
}

/// Executes the plan; returns the exit status when that fails.
///
/// # Safety
/// `payload` points to a [`Plan`]. This is the only thread.
pub(super) unsafe extern "C" fn run(payload: *mut c_void) -> c_int {
    // SAFETY: see above.
    let plan = unsafe { &*payload.cast::<Plan>() };
    leave_callers_session();
    let errno = search(plan);
    if let Some(prefix) = &plan.failure_prefix {
        let mut number = [0; 12];
        for part in [prefix.as_bytes(), plan.program.as_bytes(), b": ", reason(errno, &mut number), b"\n"] {
            // SAFETY: a slice; a failure changes nothing.
            unsafe { libc::write(2, part.as_ptr().cast(), part.len()) };
        }
    }
    if matches!(errno, libc::ENOENT | libc::ENOTDIR) { NOT_FOUND } else { CANNOT_EXECUTE }
}

/// A session of its own, so that `/dev/tty` inside never is the caller's terminal (CVE-2016-10124); liblxc
/// made one already if stdin is a terminal. And no signal blocked that the caller has blocked for itself.
fn leave_callers_session() {
    // SAFETY: async-signal-safe calls on a set that is initialised first.
    unsafe {
        libc::setsid();
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut());
    }
}

/// Tries the program where `PATH` says; returns why none could be executed.
fn search(plan: &Plan) -> c_int {
    let program = plan.program.as_bytes();
    if program.contains(&b'/') {
        return execute(&plan.program, plan);
    }
    // SAFETY: the only thread; getenv only reads.
    let path = unsafe {
        let path = libc::getenv(c"PATH".as_ptr());
        if path.is_null() { DEFAULT_PATH } else { CStr::from_ptr(path).to_bytes() }
    };
    let mut found = libc::ENOENT;
    for folder in path.split(|byte| *byte == b':') {
        let mut buffer = [0u8; libc::PATH_MAX as usize];
        // An empty entry is the working directory.
        let slash: &[u8] = if folder.is_empty() { b"" } else { b"/" };
        let Some(candidate) = join(&mut buffer, [folder, slash, program]) else { continue };
        match execute(candidate, plan) {
            libc::ENOENT | libc::ENOTDIR | libc::ENODEV | libc::ESTALE | libc::ETIMEDOUT => {}
            // Something else may still be found further on; if not, this is what there was.
            libc::EACCES => found = libc::EACCES,
            errno => return errno,
        }
    }
    found
}

/// The parts one after the other as a C string in the buffer; `None` if it is too small.
fn join<'a>(buffer: &'a mut [u8], parts: [&[u8]; 3]) -> Option<&'a CStr> {
    let mut length = 0;
    for part in parts {
        buffer.get_mut(length..length + part.len())?.copy_from_slice(part);
        length += part.len();
    }
    *buffer.get_mut(length)? = 0;
    CStr::from_bytes_with_nul(&buffer[..=length]).ok()
}

fn execute(program: &CStr, plan: &Plan) -> c_int {
    // SAFETY: a C string, an array of such with NULL at its end, and the environment of this process.
    unsafe {
        libc::execve(program.as_ptr(), plan.argv.as_ptr().cast(), environ);
        *libc::__errno_location()
    }
}

/// strerror(3) without its locale.
fn reason(errno: c_int, number: &mut [u8; 12]) -> &[u8] {
    match errno {
        libc::ENOENT => b"No such file or directory",
        libc::ENOTDIR => b"Not a directory",
        libc::EACCES => b"Permission denied",
        libc::ENOEXEC => b"Exec format error",
        libc::ELOOP => b"Too many levels of symbolic links",
        libc::E2BIG => b"Argument list too long",
        libc::ENOMEM => b"Cannot allocate memory",
        libc::EISDIR => b"Is a directory",
        libc::ETXTBSY => b"Text file busy",
        _ => {
            let mut rest = errno.unsigned_abs();
            let mut start = number.len();
            while start > 6 {
                start -= 1;
                number[start] = b'0' + (rest % 10) as u8;
                rest /= 10;
                if rest == 0 {
                    break;
                }
            }
            number[start - 6..start].copy_from_slice(b"errno ");
            &number[start - 6..]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_joined_within_the_buffer() {
        let mut buffer = [b'x'; 8];
        assert_eq!(join(&mut buffer, [b"/bin", b"/", b"sh"]), Some(c"/bin/sh"));
        assert_eq!(join(&mut buffer, [b"/bin", b"/", b"ash"]), None);
        assert_eq!(join(&mut buffer, [b"/binbinbin", b"/", b"sh"]), None);
        assert_eq!(join(&mut buffer, [b"", b"", b"sh"]), Some(c"sh"));
    }

    #[test]
    fn every_errno_has_a_reason() {
        assert_eq!(reason(libc::ENOENT, &mut [0; 12]), b"No such file or directory");
        assert_eq!(reason(9, &mut [0; 12]), b"errno 9");
        assert_eq!(reason(133, &mut [0; 12]), b"errno 133");
        assert_eq!(reason(1_234_567, &mut [0; 12]), b"errno 234567");
    }

    #[test]
    fn what_cannot_be_executed_is_126_and_what_is_not_there_127() {
        let status = |program: &str| {
            let mut plan = Plan::new(&AttachCommand::new(program, [""; 0])).unwrap();
            // SAFETY: a plan; it fails and so returns.
            unsafe { run((&raw mut plan).cast()) }
        };
        assert_eq!(status("/no/such/program"), NOT_FOUND);
        assert_eq!(status("no-such-program-anywhere"), NOT_FOUND);
        assert_eq!(status("/etc"), CANNOT_EXECUTE);
        assert_eq!(status("/etc/passwd"), CANNOT_EXECUTE);
    }
}
