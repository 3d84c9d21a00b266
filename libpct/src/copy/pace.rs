//! How fast bytes may flow, and who is told.

use std::{
    io::{self, Read},
    num::NonZeroU64,
    thread,
    time::{Duration, Instant},
};

use super::{Watch, content::Stopped};

/// How often the caller is told, and so how soon it can stop.
const TELL: Duration = Duration::from_millis(50);
/// What may flow at once after a silence, in time at the full rate.
const BURST: Duration = Duration::from_millis(100);
const MOST: usize = 8 << 20;
const LEAST: usize = 4 << 10;

/// A token bucket, which is kept as the moment when it would be full again. Times count from any beginning.
#[derive(Debug)]
struct Bucket {
    /// Bytes a second.
    rate: NonZeroU64,
    full: Duration,
}

impl Bucket {
    fn new(rate: NonZeroU64) -> Self {
        Self { rate, full: Duration::ZERO }
    }

    fn of(bandwidth: NonZeroU64) -> Self {
        Self::new(bandwidth.saturating_mul(const { NonZeroU64::new(1024).unwrap() }))
    }

    /// How many bytes may flow without a look at the time.
    fn piece(&self) -> usize {
        usize::try_from(self.rate.get() / 16).unwrap_or(MOST).clamp(LEAST, MOST)
    }

    /// Takes tokens for `bytes`, and says how long to wait until they were there.
    fn take(&mut self, bytes: u64, now: Duration) -> Duration {
        let nanos = u128::from(bytes) * 1_000_000_000 / u128::from(self.rate.get());
        let cost = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        self.full = self.full.max(now).saturating_add(cost);
        self.full.saturating_sub(now).saturating_sub(BURST)
    }
}

pub(super) struct Pace<'a> {
    watch: Watch<'a>,
    bucket: Option<Bucket>,
    start: Instant,
    told: Instant,
    done: u64,
    total: Option<u64>,
}

impl<'a> Pace<'a> {
    /// `bandwidth` in KiB a second.
    pub(super) fn new(
        bandwidth: Option<NonZeroU64>,
        total: impl Into<Option<u64>>,
        watch: Watch<'a>,
    ) -> Self {
        let bucket = bandwidth.map(Bucket::of);
        let now = Instant::now();
        Self { watch, bucket, start: now, told: now, done: 0, total: total.into() }
    }

    /// How many bytes to copy before looking again.
    pub(super) fn piece(&self) -> usize {
        self.bucket.as_ref().map_or(MOST, Bucket::piece)
    }

    /// Bytes have flowed: waits if they were too many.
    pub(super) fn moved(&mut self, bytes: u64) -> Result<(), Stopped> {
        self.done += bytes;
        let Some(bucket) = &mut self.bucket else { return self.look() };
        let until = self.start.elapsed();
        let until = until + bucket.take(bytes, until);
        loop {
            self.look()?;
            let left = until.saturating_sub(self.start.elapsed());
            if left.is_zero() {
                return Ok(());
            }
            thread::sleep(left.min(TELL));
        }
    }

    /// Bytes are there without having flowed.
    pub(super) fn shared(&mut self, bytes: u64) -> Result<(), Stopped> {
        self.done += bytes;
        self.look()
    }

    /// Tells the caller, when it is time to.
    pub(super) fn look(&mut self) -> Result<(), Stopped> {
        if self.told.elapsed() < TELL {
            return Ok(());
        }
        self.told = Instant::now();
        if (self.watch)(self.done, self.total).is_break() { Err(Stopped::Cancelled) } else { Ok(()) }
    }

    /// Tells the caller that all is done, and returns how much that was: it is too late to stop.
    pub(super) fn end(self) -> u64 {
        let _ = (self.watch)(self.done, self.total);
        self.done
    }
}

/// A reader that waits while it has given more than its limit allows.
pub(crate) struct Limited<R> {
    inner: R,
    bucket: Option<Bucket>,
    start: Instant,
}

impl<R> Limited<R> {
    /// `bandwidth` in KiB a second.
    pub(crate) fn new(inner: R, bandwidth: Option<NonZeroU64>) -> Self {
        Self { inner, bucket: bandwidth.map(Bucket::of), start: Instant::now() }
    }
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(bucket) = &mut self.bucket else { return self.inner.read(buffer) };
        let piece = bucket.piece().min(buffer.len());
        let read = self.inner.read(&mut buffer[..piece])?;
        thread::sleep(bucket.take(read as u64, self.start.elapsed()));
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use super::*;

    const fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    #[test]
    fn a_bucket_lets_through_what_its_rate_says() {
        let mut bucket = Bucket::new(NonZeroU64::new(1000).unwrap());
        // A tenth of a second's worth may come at once.
        assert_eq!(bucket.take(100, ms(0)), ms(0));
        assert_eq!(bucket.take(100, ms(0)), ms(100));
        assert_eq!(bucket.take(0, ms(100)), ms(0));
        // Waiting long does not save up more.
        assert_eq!(bucket.take(100, ms(60_000)), ms(0));
        assert_eq!(bucket.take(1000, ms(60_000)), ms(1000));
        // Whoever heeds it has, after any time, taken the rate and the burst.
        let (mut now, mut taken) = (ms(0), 0);
        let mut bucket = Bucket::new(NonZeroU64::new(4096).unwrap());
        while now < ms(10_000) {
            now += bucket.take(256, now);
            taken += 256;
        }
        assert!((40_960..=40_960 + 410 + 256).contains(&taken), "{taken}");
    }

    #[test]
    fn a_rate_of_any_size_works() {
        let mut bucket = Bucket::new(NonZeroU64::MAX);
        assert_eq!(bucket.take(u64::MAX, ms(0)), ms(900));
        let mut bucket = Bucket::new(NonZeroU64::MIN);
        assert!(bucket.take(u64::MAX, ms(0)) > ms(1 << 40));
        assert!(bucket.take(u64::MAX, ms(0)) > ms(1 << 40));
        let mut watch = |_, _| ControlFlow::Continue(());
        assert_eq!(Pace::new(NonZeroU64::new(1), None, &mut watch).piece(), LEAST);
        assert_eq!(Pace::new(Some(NonZeroU64::MAX), None, &mut watch).piece(), MOST);
    }

    #[test]
    fn a_reader_gives_all_and_takes_its_time() {
        for (bandwidth, at_least) in [(None, ms(0)), (NonZeroU64::new(200), ms(400))] {
            let (start, mut all) = (Instant::now(), Vec::new());
            Limited::new(io::repeat(7).take(100 << 10), bandwidth).read_to_end(&mut all).unwrap();
            assert_eq!(all, [7; 100 << 10]);
            assert!(start.elapsed() >= at_least, "{bandwidth:?}: {:?}", start.elapsed());
        }
    }

    #[test]
    fn a_caller_that_does_not_want_to_wait_is_not_kept() {
        let mut calls = 0;
        let mut watch = |done, total| {
            calls += 1;
            assert_eq!((done, total), (1 << 40, Some(1 << 41)));
            if calls == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        // At this rate it would take a thousand years.
        let mut pace = Pace::new(NonZeroU64::new(1), 1 << 41, &mut watch);
        assert!(matches!(pace.moved(1 << 40), Err(Stopped::Cancelled)));
        assert_eq!(calls, 3);
    }
}
