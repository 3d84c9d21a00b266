//! A call of the shared library against the same call in Rust, where no container is needed: what C pays.
//!
//!     make bench-abi
//!
//! A thousand configs in turn, in one process; both get the same bytes and the same text that describes a host. Fails
//! when C pays more than a tenth. `PCT_BENCH_ROUNDS` sets the number of rounds, 50 if it is not set.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
// It calls as a program of C does.
#![allow(unsafe_code)]

#[path = "../../libpct/benches/config/files.rs"]
mod files;

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::hint::black_box;
use std::mem::transmute;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr;
use std::time::Instant;

use pct::config::Vmid;
use pct::facts::HostFacts;
use pct::{LxcConfigOptions, Pct, Silent, json};
use pct_tests::bench::{self, Row};
use pct_tests::bins;

const CONFIGS: u32 = 1000;
const HOST: &str = include_str!("../conformance/config/host.json");
/// The most that a call may cost of what it costs in Rust.
const LIMIT: f64 = 1.1;

type Parse = unsafe extern "C" fn(*const c_char, usize, u32, *mut *mut c_char, *mut *mut c_void) -> c_int;
type ToLxc = unsafe extern "C" fn(
    *const c_void,
    u32,
    *const c_char,
    usize,
    *const c_char,
    *const c_void,
    *mut *mut c_char,
    *mut *mut c_char,
    *mut *mut c_void,
) -> c_int;
type New = unsafe extern "C" fn(*const c_void, *mut *mut c_void, *mut *mut c_void) -> c_int;
type Free = unsafe extern "C" fn(*mut c_char);

/// The functions of the installed library, and a context.
struct Library {
    parse: Parse,
    to_lxc: ToLxc,
    free: Free,
    ctx: *mut c_void,
}

impl Library {
    fn open(root: &Path) -> Self {
        let path = CString::new(bins::shared_library().as_os_str().as_bytes()).unwrap();
        // SAFETY: the functions have the types of include/pct.h; the context is never freed.
        unsafe {
            let library = libc::dlopen(path.as_ptr(), libc::RTLD_NOW);
            assert!(!library.is_null(), "{path:?} cannot be loaded");
            let function = |name: &CStr| {
                let found = libc::dlsym(library, name.as_ptr());
                assert!(!found.is_null(), "{name:?} is missing");
                found
            };
            let new: New = transmute(function(c"pct_ctx_new"));
            let root = CString::new(root.as_os_str().as_bytes()).unwrap();
            let options: [*const c_void; 2] =
                [ptr::without_provenance(size_of::<[usize; 2]>()), root.as_ptr().cast()];
            let mut ctx = ptr::null_mut();
            assert_eq!(new(options.as_ptr().cast(), &raw mut ctx, ptr::null_mut()), 0);
            Self {
                parse: transmute::<*mut c_void, Parse>(function(c"pct_config_parse")),
                to_lxc: transmute::<*mut c_void, ToLxc>(function(c"pct_config_to_lxc")),
                free: transmute::<*mut c_void, Free>(function(c"pct_string_free")),
                ctx,
            }
        }
    }

    fn parse<T>(&self, file: &[u8], vmid: Vmid, look: impl FnOnce(&CStr) -> T) -> T {
        let (mut out, mut err) = (ptr::null_mut(), ptr::null_mut());
        // SAFETY: as many bytes as it says, and places for what it gives.
        let status =
            unsafe { (self.parse)(file.as_ptr().cast(), file.len(), vmid.get(), &raw mut out, &raw mut err) };
        self.look(status, out, look)
    }

    fn translate<T>(&self, file: &[u8], vmid: Vmid, host: &CStr, look: impl FnOnce(&CStr) -> T) -> T {
        let (mut out, mut err) = (ptr::null_mut(), ptr::null_mut());
        // SAFETY: as for parse; no callbacks.
        let status = unsafe {
            (self.to_lxc)(
                self.ctx,
                vmid.get(),
                file.as_ptr().cast(),
                file.len(),
                host.as_ptr(),
                ptr::null(),
                &raw mut out,
                ptr::null_mut(),
                &raw mut err,
            )
        };
        self.look(status, out, look)
    }

    /// Looks at a text that a call gave, and frees it.
    fn look<T>(&self, status: c_int, out: *mut c_char, look: impl FnOnce(&CStr) -> T) -> T {
        assert_eq!(status, 0);
        // SAFETY: the call has succeeded, so it gave a string.
        unsafe {
            let seen = look(CStr::from_ptr(out));
            (self.free)(out);
            seen
        }
    }
}

fn main() {
    let Some(rounds) = bench::rounds() else { return };
    let root = tempfile::tempdir().unwrap();
    let (library, pct) = (Library::open(root.path()), Pct::builder().root(root.path()).open().unwrap());
    let host = CString::new(HOST).unwrap();
    let files: Vec<(Vmid, String)> =
        (0..CONFIGS).map(|n| (Vmid::new(files::vmid(n)).unwrap(), files::file(n))).collect();

    let parse = |file: &[u8], vmid: Vmid| json::file(file, vmid).to_string();
    let translate = |file: &[u8], vmid: Vmid| {
        let host: HostFacts = serde_json::from_str(HOST).unwrap();
        let options = LxcConfigOptions::default().config(file.to_owned()).host(host);
        pct.container(vmid).lxc_config(&options, &mut Silent).unwrap().to_bytes()
    };
    for (vmid, file) in &files {
        let file = file.as_bytes();
        assert_eq!(library.parse(file, *vmid, CStr::to_owned).as_bytes(), parse(file, *vmid).as_bytes());
        let translated = library.translate(file, *vmid, &host, CStr::to_owned);
        assert_eq!(translated.as_bytes(), translate(file, *vmid));
    }

    let each = |work: &dyn Fn(&[u8], Vmid)| {
        let start = Instant::now();
        files.iter().for_each(|(vmid, file)| work(black_box(file.as_bytes()), *vmid));
        start.elapsed()
    };
    let mut parsing = Row::new("parse 1,000 configs", "pct_config_parse", "json::file");
    let mut translating = Row::new("translate them", "pct_config_to_lxc", "lxc_config");
    for round in 0..=rounds {
        let through_c = || each(&|file, vmid| library.parse(file, vmid, |text| _ = black_box(text)));
        let in_rust = || each(&|file, vmid| drop(black_box(parse(file, vmid))));
        parsing.take(round, bench::in_turn(round, through_c, in_rust));
        let through_c =
            || each(&|file, vmid| library.translate(file, vmid, &host, |text| _ = black_box(text)));
        let in_rust = || each(&|file, vmid| drop(black_box(translate(file, vmid))));
        translating.take(round, bench::in_turn(round, through_c, in_rust));
    }
    let table = [parsing, translating];
    bench::print(rounds, "in Rust", &table);
    for row in &table {
        assert!(row.ratio() <= LIMIT, "C pays more than {LIMIT} times the price of Rust");
    }
}
