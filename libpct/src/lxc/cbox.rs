//! Memory that liblxc has allocated and we must free.

use std::ffi::{CStr, c_char};
use std::ptr::NonNull;

/// A block from C's `malloc`, freed by C's `free`.
pub(super) struct CBox<T>(NonNull<T>);

impl<T> CBox<T> {
    /// Takes the block over; `None` for NULL.
    ///
    /// # Safety
    /// `block` is NULL or comes from `malloc`, and nobody else frees it.
    pub(super) unsafe fn take(block: *mut T) -> Option<Self> {
        NonNull::new(block).map(Self)
    }

    pub(super) fn as_ptr(&self) -> *mut T {
        self.0.as_ptr()
    }
}

impl<T> Drop for CBox<T> {
    fn drop(&mut self) {
        // SAFETY: the block came from malloc and is ours (see `take`).
        unsafe { libc::free(self.0.as_ptr().cast()) }
    }
}

/// Copies a C string and frees it; `None` for NULL.
///
/// # Safety
/// As [`CBox::take`]; the block is a string that ends in NUL.
pub(super) unsafe fn string(text: *mut c_char) -> Option<Vec<u8>> {
    // SAFETY: passed on.
    let text = unsafe { CBox::take(text) }?;
    // SAFETY: a C string, alive until `text` is dropped.
    Some(unsafe { CStr::from_ptr(text.as_ptr()) }.to_bytes().to_vec())
}

/// Copies `count` C strings and frees them and their array.
///
/// # Safety
/// As [`CBox::take`], for the array and for each of its first `count` members.
pub(super) unsafe fn strings(array: *mut *mut c_char, count: usize) -> Vec<Vec<u8>> {
    // SAFETY: passed on.
    let Some(array) = (unsafe { CBox::take(array) }) else { return Vec::new() };
    (0..count)
        .filter_map(|index| {
            // SAFETY: the array has `count` members, each ours.
            unsafe { string(array.as_ptr().add(index).read()) }
        })
        .collect()
}

/// How many members come before the NULL at the array's end.
///
/// # Safety
/// `array` is NULL or ends in a NULL member.
pub(super) unsafe fn length(array: *mut *mut c_char) -> usize {
    if array.is_null() {
        return 0;
    }
    let mut count = 0;
    // SAFETY: every member up to the NULL can be read.
    while !unsafe { array.add(count).read() }.is_null() {
        count += 1;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_are_copied_and_freed() {
        // SAFETY: malloc'ed blocks of the right size, written before they are read.
        unsafe {
            let array: *mut *mut c_char = libc::malloc(3 * size_of::<*mut c_char>()).cast();
            array.write(libc::strdup(c"eth0".as_ptr()));
            array.add(1).write(libc::strdup(c"".as_ptr()));
            array.add(2).write(std::ptr::null_mut());
            let count = length(array);
            assert_eq!(count, 2);
            assert_eq!(strings(array, count), [b"eth0".to_vec(), Vec::new()]);
            assert_eq!(length(std::ptr::null_mut()), 0);
            assert!(strings(std::ptr::null_mut(), 0).is_empty());
            assert_eq!(string(std::ptr::null_mut()), None);
        }
    }
}
