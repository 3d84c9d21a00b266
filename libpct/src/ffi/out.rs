//! Where a call puts what it gives.

use super::error::Fault;

/// A pointer of the caller that receives a value.
pub(super) struct Out<T>(*mut T);

impl<T> Out<T> {
    /// Puts there what a failed call leaves behind.
    ///
    /// # Safety
    /// `target` is NULL or may be written to as long as this lives.
    pub(super) unsafe fn new(target: *mut T, initial: T) -> Self {
        let out = Self(target);
        out.set(initial);
        out
    }

    /// An error when the caller has given NULL; `what` names the parameter.
    pub(super) fn require(&self, what: &str) -> Result<(), Fault> {
        if self.0.is_null() { Err(Fault::null(what)) } else { Ok(()) }
    }

    /// Whether the caller wants the value.
    pub(super) fn is_wanted(&self) -> bool {
        !self.0.is_null()
    }

    /// Puts the value there; without a place, nothing.
    pub(super) fn set(&self, value: T) {
        if !self.0.is_null() {
            // SAFETY: not NULL, and else as the maker of this has said.
            unsafe { self.0.write(value) };
        }
    }
}
