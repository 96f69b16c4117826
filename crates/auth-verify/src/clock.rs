//! The port to the clock.

use std::time::{Duration, Instant, SystemTime};

/// Tells the time. Tests use their own.
pub trait Clock: Send + Sync {
    /// Returns the time of day, with which tokens and the feed are compared. It may step.
    fn now(&self) -> SystemTime;

    /// Returns the time since a fixed moment. It never steps back. It may stop while the machine sleeps, so ages are the
    /// larger of the differences of both times.
    fn elapsed(&self) -> Duration;
}

/// The clocks of the system.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    start: Instant,
}

impl Default for SystemClock {
    fn default() -> Self {
        Self { start: Instant::now() }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }
}

/// A moment on both clocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    now: SystemTime,
    elapsed: Duration,
}

impl Moment {
    pub(crate) fn now(clock: &dyn Clock) -> Self {
        Self { now: clock.now(), elapsed: clock.elapsed() }
    }

    /// The time since an earlier moment. The monotonic clock may stop while the machine sleeps, and the time of day may step back.
    pub(crate) fn since(self, earlier: Self) -> Duration {
        let by_day = self.now.duration_since(earlier.now).unwrap_or_default();
        by_day.max(self.elapsed.saturating_sub(earlier.elapsed))
    }
}

/// Unix time in seconds. A time before 1970 counts as 1970.
pub(crate) fn unix_seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
