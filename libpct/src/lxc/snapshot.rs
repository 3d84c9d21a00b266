//! Snapshots that liblxc itself keeps. pct has its own; this is for containers that were not made by it.

use std::ffi::{CStr, c_char};
use std::path::PathBuf;

use lxc_sys::lxc_snapshot;

use super::container::{clear_errno, method};
use super::{Container, Error, Result, cbox};

/// A snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Its name, e.g. `snap0`.
    pub name: String,
    /// The file with the comment.
    pub comment_file: Option<PathBuf>,
    /// When it was made, as liblxc wrote it down.
    pub timestamp: Option<String>,
    /// The lxcpath it is under.
    pub lxcpath: Option<PathBuf>,
}

impl Container {
    /// The snapshots of a defined container.
    pub fn snapshots(&self) -> Result<Vec<Snapshot>> {
        let list = method!(self, snapshot_list)?;
        // Stays as it is when there are none.
        let mut array: *mut lxc_snapshot = std::ptr::null_mut();
        clear_errno();
        // SAFETY: our reference and a pointer that outlives the call.
        let count = unsafe { list(self.raw(), &raw mut array) };
        // SAFETY: malloc'ed for us, or still NULL.
        let array = unsafe { cbox::CBox::take(array) };
        let members = usize::try_from(count)
            .map_err(|_| Error::call("list the snapshots of", self.name(), count.into()))?;
        let Some(array) = array else { return Ok(Vec::new()) };
        let snapshot = |index| {
            // SAFETY: the array has `count` members; each frees its strings by its own function, once.
            unsafe {
                let member = array.as_ptr().add(index);
                let snapshot = Snapshot {
                    name: text((*member).name).unwrap_or_default(),
                    comment_file: text((*member).comment_pathname).map(PathBuf::from),
                    timestamp: text((*member).timestamp),
                    lxcpath: text((*member).lxcpath).map(PathBuf::from),
                };
                if let Some(free) = (*member).free {
                    free(member);
                }
                snapshot
            }
        };
        Ok((0..members).map(snapshot).collect())
    }
}

/// # Safety
/// NULL or a C string.
unsafe fn text(text: *mut c_char) -> Option<String> {
    // SAFETY: passed on.
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned())
}
