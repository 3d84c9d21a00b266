//! How an operation tells what it does.

use std::os::fd::BorrowedFd;

/// Receives what a running operation has to say. All methods are called on the calling thread, before
/// the operation returns.
pub trait Progress {
    /// A line of the task's output.
    fn message(&mut self, text: &str);

    /// Something that did not stop the operation but should be known.
    fn warning(&mut self, text: &str);

    /// How far a long step is, in bytes; `total` is absent when the end is not known.
    fn bytes(&mut self, done: u64, total: Option<u64>);

    /// The lock of the container is taken by somebody else: `false` when the waiting begins, `true` when
    /// it has come to a good end.
    fn waiting_for_lock(&mut self, acquired: bool) {
        let _ = acquired;
    }

    /// A descriptor that becomes readable when the caller wants the operation to stop. `create` then takes
    /// back what it has done; operations that are over in a moment do not ask.
    fn cancel(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}

/// Ignores everything: for callers who only want the result.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn message(&mut self, _text: &str) {}
    fn warning(&mut self, _text: &str) {}
    fn bytes(&mut self, _done: u64, _total: Option<u64>) {}
}
