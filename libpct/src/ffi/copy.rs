//! Files of a running container.
//!
//! Paths in the container are UTF-8 and are looked up inside, links as well; a
//! relative one begins at its root. A file that is there is overwritten. What
//! was copied until a failure stays. PCT_E_NOT_RUNNING when the container is
//! stopped.
//!
//! The file of the host is given by its path or, where that is NULL, by host_fd
//! of the options.

use std::{
    ffi::{c_char, c_int},
    os::fd::{AsFd, OwnedFd},
    path::Path,
};

use super::{
    ctx::pct_ctx,
    error::{Fault, pct_error},
    exec::lent,
    guard, options,
    progress::pct_progress,
    status::{PCT_E_PARAMETER, pct_status},
    string,
};
use crate::{CopyOptions, HostFile};

/// How pct_container_push and pct_container_pull copy.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct pct_copy_options {
    /// sizeof (pct_copy_options)
    pub struct_size: usize,
    /// The owner of a file that is made, a name or number of the side where
    /// that happens. NULL is root.
    pub user: *const c_char,
    /// Its group, in the same way.
    pub group: *const c_char,
    /// Its permission bits, at most 07777, when set_mode is on.
    pub mode: u32,
    /// Without it they are those that the umask gives.
    pub set_mode: c_int,
    /// Copy a folder with all that is in it.
    pub recursive: c_int,
    /// An open file or a stream, which is read to its end, or written to from
    /// where it stands. 0 and -1 are none.
    pub host_fd: c_int,
}

options::options! {
    pct_copy_options { struct_size, user, group, mode, set_mode, recursive, host_fd }
}

/// Copies a file of the host into the container.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_container_push(
    ctx: *const pct_ctx,
    vmid: u32,
    file: *const c_char,
    destination: *const c_char,
    options: *const pct_copy_options,
    progress: *const pct_progress,
    err: *mut *mut pct_error,
) -> pct_status {
    // SAFETY: pointers are NULL or valid, as the header asks of the caller.
    unsafe {
        guard::operate(ctx, vmid, progress, err, |container, progress| {
            let given = options::read(options)?;
            let from = Host::read(file, given.host_fd, "file")?;
            let destination = string::required(destination, "destination")?;
            Ok(container.push(from.file(), destination, &copy(&given)?, progress)?)
        })
    }
}

/// Copies a file of the container to the host. host_fd keeps its owner and
/// mode: with it none can be given.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pct_container_pull(
    ctx: *const pct_ctx,
    vmid: u32,
    path: *const c_char,
    destination: *const c_char,
    options: *const pct_copy_options,
    progress: *const pct_progress,
    err: *mut *mut pct_error,
) -> pct_status {
    // SAFETY: pointers are NULL or valid, as the header asks of the caller.
    unsafe {
        guard::operate(ctx, vmid, progress, err, |container, progress| {
            let given = options::read(options)?;
            let path = string::required(path, "path")?;
            let to = Host::read(destination, given.host_fd, "destination")?;
            Ok(container.pull(path, to.file(), &copy(&given)?, progress)?)
        })
    }
}

/// The host's side.
enum Host<'a> {
    Path(&'a Path),
    Open(OwnedFd),
}

impl<'a> Host<'a> {
    /// # Safety
    /// As [`string::os`].
    unsafe fn read(path: *const c_char, fd: c_int, what: &str) -> Result<Self, Fault> {
        // SAFETY: as above.
        match (unsafe { string::os(path) }, fd) {
            (Some(_), fd) if fd != 0 && fd != -1 => {
                let text = format!("{what} and host_fd cannot be used together");
                Err(Fault::new(PCT_E_PARAMETER, text))
            }
            (Some(path), _) => Ok(Self::Path(path.as_ref())),
            (None, 0 | -1) => Err(Fault::null(what)),
            (None, fd) => Ok(Self::Open(lent(fd, "host_fd")?)),
        }
    }

    fn file(&self) -> HostFile<'_> {
        match self {
            Self::Path(path) => HostFile::Path(path),
            Self::Open(fd) => HostFile::Open(fd.as_fd()),
        }
    }
}

/// # Safety
/// The strings of `given` as for [`string::text`].
unsafe fn copy(given: &pct_copy_options) -> Result<CopyOptions, Fault> {
    if given.mode > 0o7777 {
        return Err(Fault::new(PCT_E_PARAMETER, format!("mode is {:o}, more than 7777", given.mode)));
    }
    // SAFETY: as above.
    let (user, group) = unsafe { (string::owned(given.user, "user")?, string::owned(given.group, "group")?) };
    Ok(CopyOptions {
        user,
        group,
        mode: (given.set_mode != 0).then_some(given.mode),
        recursive: given.recursive != 0,
    })
}
