//! Arguments for C: strings, arrays of them, structs that may have grown.

use std::ffi::{CString, OsStr, c_char};
use std::os::unix::ffi::OsStrExt;

use super::{Error, Result};

/// NULL for `None`.
pub(super) fn pointer(text: &Option<CString>) -> *const c_char {
    text.as_ref().map_or(std::ptr::null(), |text| text.as_ptr())
}

/// C strings and the array of pointers to them, which ends in NULL.
pub(super) struct CStrings {
    _strings: Vec<CString>,
    pointers: Vec<*mut c_char>,
}

impl CStrings {
    pub(super) fn new(strings: Vec<CString>) -> Self {
        // The text of a CString does not move with it.
        let pointers = strings.iter().map(|string| string.as_ptr().cast_mut());
        let pointers = pointers.chain([std::ptr::null_mut()]).collect();
        Self { _strings: strings, pointers }
    }

    pub(super) fn as_mut_ptr(&mut self) -> *mut *mut c_char {
        self.pointers.as_mut_ptr()
    }

    pub(super) fn as_ptr(&self) -> *const *mut c_char {
        self.pointers.as_ptr()
    }
}

/// A struct at the start of more zeroed bytes than any liblxc reads: it is told no size, and a newer one may know more
/// members.
#[repr(C)]
pub(super) struct Oversized<T> {
    pub(super) value: T,
    tail: [u64; 32],
}

impl<T> Oversized<T> {
    pub(super) fn new(value: T) -> Self {
        Self { value, tail: [0; 32] }
    }

    /// A pointer to all of it, not only to its first member.
    pub(super) fn as_mut_ptr(&mut self) -> *mut T {
        (&raw mut *self).cast()
    }
}

/// A text that goes to a program.
pub(super) fn os_text(what: &'static str, text: &OsStr) -> Result<CString> {
    let refused = |_| Error::Text { what, text: text.to_string_lossy().into_owned() };
    CString::new(text.as_bytes()).map_err(refused)
}
