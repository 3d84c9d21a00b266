//! The C functions that take strings, sizes and option structs, called as by a program that does all of it wrong:
//! no call panics, each gives what the header says, and what it gives can be read and freed.
//!
//! The first four bytes choose the call, its faults and the size of its option struct. Behind them are strings,
//! apart by 0xff; one that is missing, or 0xfe alone, is NULL.

#![no_main]

use std::{
    ffi::{CStr, CString, c_char, c_int, c_void},
    fs,
    path::Path,
    ptr::{self, without_provenance, without_provenance_mut},
    sync::LazyLock,
};

use libfuzzer_sys::fuzz_target;
// Brings the functions, which C knows by their names.
use pct as _;

/// As include/pct.h has them.
mod c {
    use std::ffi::{c_char, c_int, c_void};

    #[repr(C)]
    pub struct Ctx([u8; 0]);
    #[repr(C)]
    pub struct Error([u8; 0]);
    /// An option struct of any release.
    pub type Options = *const c_void;
    pub type Text = *mut *mut c_char;
    pub type Err = *mut *mut Error;

    pub const OK: c_int = 0;
    pub const E_PANIC: c_int = 106;

    unsafe extern "C" {
        pub fn pct_has_feature(name: *const c_char) -> bool;
        pub fn pct_string_free(string: *mut c_char);
        pub fn pct_error_free(err: *mut Error);
        pub fn pct_error_status(err: *const Error) -> c_int;
        pub fn pct_error_kind(err: *const Error) -> *const c_char;
        pub fn pct_error_message(err: *const Error) -> *const c_char;
        pub fn pct_status_name(status: c_int) -> *const c_char;
        pub fn pct_ctx_new(options: Options, out: *mut *mut Ctx, err: Err) -> c_int;
        pub fn pct_ctx_free(ctx: *mut Ctx);
        pub fn pct_config_parse(config: *const c_char, size: usize, vmid: u32, out: Text, err: Err) -> c_int;
        pub fn pct_config_to_lxc(
            ctx: *const Ctx,
            vmid: u32,
            config: *const c_char,
            size: usize,
            host: *const c_char,
            progress: Options,
            out: Text,
            seccomp: Text,
            err: Err,
        ) -> c_int;
        pub fn pct_container_set(
            ctx: *const Ctx,
            vmid: u32,
            options: Options,
            progress: Options,
            err: Err,
        ) -> c_int;
        pub fn pct_container_config_text(
            ctx: *const Ctx,
            vmid: u32,
            options: Options,
            out: Text,
            err: Err,
        ) -> c_int;
        pub fn pct_container_config_json(
            ctx: *const Ctx,
            vmid: u32,
            options: Options,
            out: Text,
            err: Err,
        ) -> c_int;
        pub fn pct_container_wait(
            ctx: *const Ctx,
            vmid: u32,
            condition: *const c_char,
            options: Options,
            progress: Options,
            err: Err,
        ) -> c_int;
    }
}

// Bits of the second byte.
const NO_CTX: u8 = 1;
const NO_OUT: u8 = 2;
const NO_ERR: u8 = 4;
const NO_OPTIONS: u8 = 8;
/// The struct has a value behind what this release knows of it.
const TAIL: u8 = 16;
/// A reserved member is set.
const RESERVED: u8 = 32;
/// No container has this number.
const NO_VMID: u8 = 64;
/// The config is larger than any.
const HUGE: u8 = 128;

/// The largest option struct that is read.
const LARGEST: usize = 4096;
const WORDS: usize = LARGEST / size_of::<usize>();

/// An option struct, whose members are pointers, or two numbers in the place of one.
type Members = [*const c_void; WORDS];

/// What `pct_container_wait` would wait for.
const CONDITIONS: [&str; 5] = ["running", "stopped", "ipv4", "ipv6", "systemd"];

struct Input<'a> {
    faults: u8,
    size: usize,
    strings: &'a [u8],
}

fuzz_target!(|bytes: &[u8]| {
    let Some((&[call, faults, low, high], strings)) = bytes.split_first_chunk() else { return };
    let input = Input { faults, size: u16::from_le_bytes([low, high]).into(), strings };
    match call % 8 {
        0 => has_feature(&input),
        1 => ctx_new(&input),
        2 => config_parse(&input),
        3 => config_to_lxc(&input),
        4 => set(&input),
        5 => drop(config_of(&input, c::pct_container_config_text)),
        6 => drop(config_of(&input, c::pct_container_config_json).map(|text| is_json(&text))),
        _ => wait(&input),
    }
});

fn has_feature(input: &Input<'_>) {
    let name = input.string(0);
    // SAFETY: NULL or a string.
    let there = unsafe { c::pct_has_feature(pointer(&name)) };
    assert!(!there || name.is_some_and(|name| !name.is_empty()));
}

fn ctx_new(input: &Input<'_>) {
    let (root, helper) = (input.string(0), input.string(1));
    let log = logs as *const c_void;
    let options = input.options(&[pointer(&root).cast(), pointer(&helper).cast(), log, ptr::null()]);
    let mut out = without_provenance_mut(1);
    // SAFETY: places for what it gives, and a struct as large as it says.
    let new = |err| unsafe { c::pct_ctx_new(struct_of(&options), input.place(NO_OUT, &mut out), err) };
    let status = input.status(new);
    if !input.has(NO_OUT) {
        assert_eq!(out.is_null(), status != c::OK);
        // SAFETY: it was given just now.
        unsafe { c::pct_ctx_free(out) };
    }
}

fn config_parse(input: &Input<'_>) {
    let (config, size) = input.config(input.strings);
    // SAFETY: as many bytes as it says, or more than are read, and places for what it gives.
    let parse = |out, err| unsafe { c::pct_config_parse(config, size, input.vmid(), out, err) };
    if let Some(text) = input.text(parse) {
        is_json(&text);
    }
}

fn config_to_lxc(input: &Input<'_>) {
    // Always a described host: the real one is not asked.
    let host = input.string(0).unwrap_or_else(|| DESCRIBED.to_owned());
    let behind = input.strings.iter().position(|byte| *byte == SEPARATOR).map_or(0, |at| at + 1);
    let (config, size) = input.config(&input.strings[behind..]);
    let callback = hears as *const c_void;
    let progress = input.options(&[ptr::null(), callback, callback]);
    let mut profile: *mut c_char = without_provenance_mut(1);
    let translate = |out, err| {
        // SAFETY: as for config_parse; the callbacks are functions of C.
        unsafe {
            c::pct_config_to_lxc(
                input.ctx(),
                input.vmid(),
                config,
                size,
                host.as_ptr(),
                struct_of(&progress),
                out,
                &raw mut profile,
                err,
            )
        }
    };
    let lxc = input.text(translate);
    let profile = taken(profile);
    assert!(lxc.is_some() || profile.is_none());
}

fn set(input: &Input<'_>) {
    let digest = input.string(0);
    let given: Vec<CString> = (1..).map_while(|at| input.string(at)).collect();
    // Their first byte says to which list they belong.
    let list = |kind: u8| -> Vec<*const c_char> {
        let of_kind = given.iter().filter(|text| text.as_bytes().first() == Some(&kind));
        // SAFETY: behind its first byte is at least its NUL.
        of_kind.map(|text| unsafe { text.as_ptr().add(1) }).chain([ptr::null()]).collect()
    };
    let lists = [b'=', b'-', b'~'].map(list);
    let [set, unset, revert] = lists.each_ref().map(|list| list.as_ptr().cast());
    let options = input.options(&[set, unset, revert, pointer(&digest).cast()]);
    // SAFETY: as for ctx_new; the lists end in NULL.
    let set = |err| unsafe {
        c::pct_container_set(input.ctx(), input.vmid(), struct_of(&options), ptr::null(), err)
    };
    let status = input.status(set);
    assert_ne!(status, c::OK, "there is no helper, so nothing can be set");
}

fn config_of(
    input: &Input<'_>,
    call: unsafe extern "C" fn(*const c::Ctx, u32, c::Options, c::Text, c::Err) -> c_int,
) -> Option<String> {
    let snapshot = input.string(0);
    let options = input.options(&[pointer(&snapshot).cast(), input.numbers(0)]);
    // SAFETY: as for ctx_new.
    input.text(|out, err| unsafe { call(input.ctx(), input.vmid(), struct_of(&options), out, err) })
}

fn wait(input: &Input<'_>) {
    let condition = input.string(0);
    // With a struct that is too short it would wait for ever.
    if condition.as_ref().is_some_and(|word| CONDITIONS.iter().any(|it| it.as_bytes() == word.as_bytes())) {
        return;
    }
    let options = input.options(&[input.numbers(1)]);
    let (condition, options) = (pointer(&condition), struct_of(&options));
    // SAFETY: as for ctx_new.
    let wait = |err| unsafe {
        c::pct_container_wait(input.ctx(), input.vmid(), condition, options, ptr::null(), err)
    };
    let status = input.status(wait);
    assert_ne!(status, c::OK);
}

const SEPARATOR: u8 = 0xff;

impl Input<'_> {
    fn has(&self, fault: u8) -> bool {
        self.faults & fault != 0
    }

    /// A string up to its first NUL.
    fn string(&self, at: usize) -> Option<CString> {
        let bytes = self.strings.split(|byte| *byte == SEPARATOR).nth(at).filter(|bytes| *bytes != [0xfe])?;
        Some(CString::new(bytes.split(|byte| *byte == 0).next()?).expect("no NUL"))
    }

    fn ctx(&self) -> *const c::Ctx {
        if self.has(NO_CTX) { ptr::null() } else { CTX.0 }
    }

    fn vmid(&self) -> u32 {
        if self.has(NO_VMID) { self.size as u32 % 100 } else { VMID }
    }

    /// The bytes of a config file and their number.
    fn config(&self, bytes: &[u8]) -> (*const c_char, usize) {
        let start = if bytes == [0xfe] { ptr::null() } else { bytes.as_ptr().cast() };
        (start, if self.has(HUGE) { usize::MAX - self.size } else { bytes.len() })
    }

    /// An option struct with these members behind its size, which are all that this release knows.
    fn options(&self, members: &[*const c_void]) -> Option<Box<Members>> {
        if self.has(NO_OPTIONS) {
            return None;
        }
        let mut made: Box<Members> = Box::new([ptr::null(); WORDS]);
        let known = 1 + members.len();
        let size = if self.size == 0 { known * size_of::<usize>() } else { self.size };
        made[0] = without_provenance(size);
        made[1..known].copy_from_slice(members);
        if self.has(TAIL) {
            made[known] = without_provenance(1);
        }
        Some(made)
    }

    /// Two members that are numbers; the second one is reserved.
    fn numbers(&self, first: usize) -> *const c_void {
        without_provenance(first | usize::from(self.has(RESERVED)) << 32)
    }

    /// Where a call puts what it gives; what is there, it has to overwrite.
    fn place<T>(&self, fault: u8, target: &mut *mut T) -> *mut *mut T {
        if self.has(fault) { ptr::null_mut() } else { target }
    }

    /// Makes a call that gives a text.
    fn text(&self, call: impl FnOnce(c::Text, c::Err) -> c_int) -> Option<String> {
        let mut out = without_provenance_mut(1);
        let status = self.status(|err| call(self.place(NO_OUT, &mut out), err));
        let text = if self.has(NO_OUT) { None } else { taken(out) };
        assert_eq!(text.is_some(), status == c::OK);
        text
    }

    /// Makes a call; what holds after each is checked.
    fn status(&self, call: impl FnOnce(c::Err) -> c_int) -> c_int {
        let mut err = without_provenance_mut(1);
        let status = call(self.place(NO_ERR, &mut err));
        assert_ne!(status, c::E_PANIC);
        if self.has(NO_ERR) {
            return status;
        }
        assert_eq!(err.is_null(), status == c::OK);
        // SAFETY: NULL, or an error object that was given just now.
        unsafe {
            assert_eq!(c::pct_error_status(err), status);
            assert_eq!(CStr::from_ptr(c::pct_error_kind(err)), CStr::from_ptr(c::pct_status_name(status)));
            let message = CStr::from_ptr(c::pct_error_message(err)).to_str().expect("UTF-8");
            assert_eq!(message.is_empty(), status == c::OK);
            c::pct_error_free(err);
        }
        status
    }
}

fn pointer(text: &Option<CString>) -> *const c_char {
    text.as_ref().map_or(ptr::null(), |text| text.as_ptr())
}

fn struct_of(options: &Option<Box<Members>>) -> c::Options {
    options.as_ref().map_or(ptr::null(), |members| members.as_ptr().cast())
}

/// A text that a call gave, which is freed.
fn taken(text: *mut c_char) -> Option<String> {
    if text.is_null() {
        return None;
    }
    // SAFETY: it was given just now.
    unsafe {
        let copy = CStr::from_ptr(text).to_str().expect("UTF-8").to_owned();
        c::pct_string_free(text);
        Some(copy)
    }
}

fn is_json(text: &str) {
    let value: serde_json::Value = serde_json::from_str(text).expect("JSON");
    assert!(value.is_object());
}

extern "C" fn hears(user: *mut c_void, text: *const c_char) -> c_int {
    assert!(user.is_null());
    // SAFETY: a string, as the header says.
    assert!(unsafe { CStr::from_ptr(text) }.to_str().is_ok());
    0
}

extern "C" fn logs(user: *mut c_void, priority: c_int, text: *const c_char) {
    assert!(user.is_null() && [4, 6].contains(&priority));
    // SAFETY: a string, as the header says.
    assert!(unsafe { CStr::from_ptr(text) }.to_str().is_ok());
}

const VMID: u32 = 9001;
const CONFIG: &str = "#na%C3%AFve\narch: amd64\nhostname: old\nrootfs: local:9001/vm-9001-disk-0.raw,size=1G\n\
    lxc.cap.drop: sys_time\n\n[pve:pending]\nhostname: new\n\n[one]\narch: amd64\nsnaptime: 1700000000\n";
const DESCRIBED: &CStr = c"{\"home\":\"standalone\",\"liblxc\":\"6.0.0\",\"cgroup\":\"v2\"}";

struct Context(*mut c::Ctx);
// SAFETY: several threads may use a context at the same time, as the header says.
unsafe impl Send for Context {}
// SAFETY: as above.
unsafe impl Sync for Context {}

/// On a root of our own with one container, which is never started: there is no helper.
static CTX: LazyLock<Context> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/fuzz/c_interface.root");
    let configs = root.join("etc/pct/lxc");
    fs::create_dir_all(&configs).expect("a root");
    fs::write(configs.join(format!("{VMID}.conf")), CONFIG).expect("a config");
    let root = root.canonicalize().expect("a root").into_os_string().into_encoded_bytes();
    let (root, helper) = (CString::new(root).expect("no NUL"), c"/nonexistent/pct-helper");
    let options: [*const c_void; 5] = [
        without_provenance(size_of::<[usize; 5]>()),
        root.as_ptr().cast(),
        helper.as_ptr().cast(),
        logs as *const c_void,
        ptr::null(),
    ];
    let mut ctx = ptr::null_mut();
    // SAFETY: a whole struct, and a place for the context.
    let status = unsafe { c::pct_ctx_new(options.as_ptr().cast(), &raw mut ctx, ptr::null_mut()) };
    assert_eq!(status, c::OK);
    Context(ctx)
});
