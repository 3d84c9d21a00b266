//! How an operation tells what it does.

use std::{
    os::fd::BorrowedFd,
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
};

/// Receives what a running operation has to say. All methods are called on the calling thread, before
/// the operation returns.
///
/// ```no_run
/// use pct::{Pct, Progress, StartOptions};
///
/// struct Print;
/// impl Progress for Print {
///     fn message(&mut self, text: &str) {
///         println!("{text}");
///     }
///     fn warning(&mut self, text: &str) {
///         eprintln!("warning: {text}");
///     }
///     fn bytes(&mut self, _done: u64, _total: Option<u64>) {}
/// }
/// Pct::open()?.container("101".parse()?).start(&StartOptions::default(), &mut Print)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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

    /// A descriptor that becomes readable when the caller wants the operation to stop. `create` and
    /// `set` then take back what they have done, what waits does not wait any more; operations that are over in a moment
    /// do not ask.
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

/// Lets time pass; `false`, and at once, when the caller wants the operation to stop.
pub(crate) fn pause(progress: &dyn Progress, time: Duration) -> bool {
    let deadline = Instant::now() + time;
    let mut fds: Vec<_> =
        progress.cancel().into_iter().map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)).collect();
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        match poll(&mut fds, Timespec::try_from(left).ok().as_ref()) {
            Err(Errno::INTR) => {}
            ended => return ended == Ok(0),
        }
    }
}
