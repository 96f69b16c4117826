//! The port to the clock.

use std::time::{Duration, Instant, SystemTime};

/// Tells the time. Tests use their own.
pub trait Clock: Send + Sync {
    /// Returns the time of day, with which tokens and the feed are compared. It may step.
    fn now(&self) -> SystemTime;

    /// Returns the time since a fixed moment. It never steps back, and every duration is measured with it.
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

/// Unix time in seconds. A time before 1970 counts as 1970.
pub(crate) fn unix_seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
