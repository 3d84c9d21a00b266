//! Waiting with a deadline.

use std::time::{Duration, Instant};

/// How long a thing may take that normally takes milliseconds. Generous,
/// because CI has two cores and many tests at once; a test that waits this
/// long has failed anyway.
pub const LIMIT: Duration = Duration::from_secs(60);

/// Polls until `done` gives a value; panics with `what` at the deadline.
#[track_caller]
pub fn until<T>(what: &str, limit: Duration, mut done: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(value) = done() {
            return value;
        }
        assert!(start.elapsed() < limit, "waited {} s in vain until {what}", limit.as_secs());
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Polls until `done` is true; panics with `what` at [`LIMIT`].
#[track_caller]
pub fn until_true(what: &str, mut done: impl FnMut() -> bool) {
    until(what, LIMIT, || done().then_some(()));
}
