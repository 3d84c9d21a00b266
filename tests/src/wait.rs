//! Waiting with a deadline.

use std::{
    sync::OnceLock,
    time::{Duration, Instant},
};

/// How long a thing may take that normally takes milliseconds. Generous,
/// because CI has two cores and many tests at once; a test that waits this
/// long has failed anyway.
pub const LIMIT: Duration = Duration::from_secs(60);

/// How much slower this machine may be: `PCT_PATIENCE`, which makes every limit so many times as long. For machines
/// that are only emulated.
pub fn patience() -> u32 {
    static PATIENCE: OnceLock<u32> = OnceLock::new();
    *PATIENCE.get_or_init(|| std::env::var("PCT_PATIENCE").map_or(1, |text| text.parse().expect("a number")))
}

/// Polls until `done` gives a value; panics with `what` at the deadline.
#[track_caller]
pub fn until<T>(what: &str, limit: Duration, mut done: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    let limit = limit * patience();
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
