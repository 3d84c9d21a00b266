//! Strings.

use std::{
    ffi::{CStr, CString, OsStr, OsString, c_char},
    os::unix::ffi::OsStrExt,
};

use super::{error::Fault, status};

/// Frees a char * that a call gave. NULL is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_string_free(string: *mut c_char) {
    if !string.is_null() {
        // SAFETY: the caller gives back what `give` has let go, once.
        drop(unsafe { CString::from_raw(string) });
    }
}

/// Lets a text go to the caller, who frees it with [`pct_string_free`].
pub(super) fn give(text: &str) -> *mut c_char {
    c_string(text).into_raw()
}

/// A text for C, which ends at the first NUL: one inside is shown as a replacement character, so that
/// nothing behind it is lost.
pub(super) fn c_string(text: &str) -> CString {
    // One copy where there is none, which is nearly always.
    CString::new(text).unwrap_or_else(|_| CString::new(text.replace('\0', "\u{FFFD}")).unwrap_or_default())
}

/// The bytes of a string, without its NUL; nothing when it is NULL.
///
/// # Safety
/// `string` is NULL or points to bytes that end in NUL and do not change during `'a`.
pub(super) unsafe fn bytes<'a>(string: *const c_char) -> Option<&'a [u8]> {
    // SAFETY: not NULL, and else as above.
    (!string.is_null()).then(|| unsafe { CStr::from_ptr(string) }.to_bytes())
}

/// A string that may be absent and must be UTF-8; `what` names it in the error.
///
/// # Safety
/// As [`bytes`].
pub(super) unsafe fn text<'a>(string: *const c_char, what: &str) -> Result<Option<&'a str>, Fault> {
    // SAFETY: as above.
    let Some(bytes) = (unsafe { bytes(string) }) else { return Ok(None) };
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(Some(text)),
        Err(error) => {
            let at = error.valid_up_to();
            Err(Fault::new(status::PCT_E_UTF8, format!("{what} is not UTF-8 at byte {at}")))
        }
    }
}

/// As [`text`], of a string that must be there.
///
/// # Safety
/// As [`bytes`].
pub(super) unsafe fn required<'a>(string: *const c_char, what: &str) -> Result<&'a str, Fault> {
    // SAFETY: as above.
    unsafe { text(string, what) }?.ok_or_else(|| Fault::null(what))
}

/// As [`text`], to keep.
///
/// # Safety
/// As [`bytes`].
pub(super) unsafe fn owned(string: *const c_char, what: &str) -> Result<Option<String>, Fault> {
    // SAFETY: as above.
    Ok(unsafe { text(string, what) }?.map(str::to_owned))
}

/// A string of any bytes that may be absent.
///
/// # Safety
/// As [`bytes`].
pub(super) unsafe fn os<'a>(string: *const c_char) -> Option<&'a OsStr> {
    // SAFETY: as above.
    unsafe { bytes(string) }.map(OsStr::from_bytes)
}

/// The strings of an array that ends in NULL; none when the array itself is NULL.
///
/// # Safety
/// `array` is NULL or points to pointers that end in NULL, each as for [`bytes`].
pub(super) unsafe fn array<'a>(array: *const *const c_char) -> Vec<&'a [u8]> {
    let mut found = Vec::new();
    if array.is_null() {
        return found;
    }
    // SAFETY: the array goes at least to its NULL, where this ends.
    while let Some(item) = unsafe { bytes(*array.add(found.len())) } {
        found.push(item);
    }
    found
}

/// As [`array`], of strings that must be UTF-8; `what` names one of them in errors.
///
/// # Safety
/// As [`array`].
pub(super) unsafe fn texts(list: *const *const c_char, what: &str) -> Result<Vec<String>, Fault> {
    let text = |bytes: &[u8]| {
        String::from_utf8(bytes.to_owned()).map_err(|_| {
            let shown = String::from_utf8_lossy(bytes);
            Fault::new(status::PCT_E_UTF8, format!("{what} '{shown}' is not UTF-8"))
        })
    };
    // SAFETY: as above.
    unsafe { array(list) }.into_iter().map(text).collect()
}

/// As [`texts`], each split as `key=value`.
///
/// # Safety
/// As [`array`].
pub(super) unsafe fn settings(
    list: *const *const c_char,
    what: &str,
) -> Result<Vec<(String, String)>, Fault> {
    let split = |text: String| {
        let (key, value) = text.split_once('=').ok_or_else(|| {
            Fault::new(status::PCT_E_PARAMETER, format!("{what} '{text}' is not of the form key=value"))
        })?;
        Ok((key.to_owned(), value.to_owned()))
    };
    // SAFETY: as above.
    unsafe { texts(list, what) }?.into_iter().map(split).collect()
}

/// As [`array`], as words of a command line.
///
/// # Safety
/// As [`array`].
pub(super) unsafe fn words(list: *const *const c_char) -> Vec<OsString> {
    // SAFETY: as above.
    unsafe { array(list) }.into_iter().map(|word| OsStr::from_bytes(word).to_owned()).collect()
}
