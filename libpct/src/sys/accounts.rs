//! Users and groups of the host, by whatever `nsswitch.conf` names as their source.

use std::{
    ffi::{CString, c_char, c_int},
    io,
    mem::MaybeUninit,
    ptr,
};

use super::{Error, Result};

/// More than any entry needs, but for groups with thousands of members.
const FIRST_BUFFER: usize = 16 << 10;
const LARGEST_BUFFER: usize = 16 << 20;

/// The number of a user; `None` when there is none of this name.
pub(crate) fn user_id(name: &str) -> Result<Option<u32>> {
    let found: Option<libc::passwd> = look_up("user", name, libc::getpwnam_r)?;
    Ok(found.map(|entry| entry.pw_uid))
}

/// The number of a group; `None` when there is none of this name.
pub(crate) fn group_id(name: &str) -> Result<Option<u32>> {
    let found: Option<libc::group> = look_up("group", name, libc::getgrnam_r)?;
    Ok(found.map(|entry| entry.gr_gid))
}

type Call<T> = unsafe extern "C" fn(*const c_char, *mut T, *mut c_char, usize, *mut *mut T) -> c_int;

/// The entry's pointers dangle when this returns: only its numbers may be used.
fn look_up<T: Copy>(what: &str, name: &str, call: Call<T>) -> Result<Option<T>> {
    let Ok(text) = CString::new(name) else { return Ok(None) };
    let mut buffer = vec![0; FIRST_BUFFER];
    loop {
        let mut entry = MaybeUninit::uninit();
        let mut found = ptr::null_mut();
        // SAFETY: all pointers are valid for the call, and the length is that of the buffer.
        let code = unsafe {
            call(text.as_ptr(), entry.as_mut_ptr(), buffer.as_mut_ptr(), buffer.len(), &raw mut found)
        };
        match code {
            // SAFETY: filled in, for `found` points to it.
            0 => return Ok((!found.is_null()).then(|| unsafe { entry.assume_init() })),
            libc::ERANGE if buffer.len() < LARGEST_BUFFER => buffer = vec![0; buffer.len() * 4],
            libc::EINTR => {}
            // What getpwnam(3) lists as ways of saying that there is none.
            libc::ENOENT | libc::ESRCH | libc::EBADF | libc::EPERM => return Ok(None),
            code => {
                return Err(Error::os(
                    format!("look up {what} '{name}'"),
                    io::Error::from_raw_os_error(code),
                ));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_host_are_found_and_others_are_not() {
        assert_eq!(user_id("root").unwrap(), Some(0));
        assert_eq!(group_id("root").unwrap(), Some(0));
        for none in ["no-such-account", "", "ro\0ot"] {
            assert_eq!((user_id(none).unwrap(), group_id(none).unwrap()), (None, None), "{none:?}");
        }
    }
}
