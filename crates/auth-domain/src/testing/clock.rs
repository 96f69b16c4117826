//! A clock that only a test moves.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use crate::model::Timestamp;
use crate::ports::Clock;

/// A clock that always returns the time it was set to.
#[derive(Debug)]
pub struct FixedClock(AtomicI64);

impl FixedClock {
    /// Creates a clock that returns `now`.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self(AtomicI64::new(now.unix_micros()))
    }

    /// Sets the clock, forward or back.
    pub fn set(&self, now: Timestamp) {
        self.0.store(now.unix_micros(), Ordering::SeqCst);
    }

    /// Advances the clock by `duration` and returns the new time.
    pub fn advance(&self, duration: Duration) -> Timestamp {
        let advanced = self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |now| {
            Some(Timestamp::from_unix_micros(now).plus(duration).unix_micros())
        });
        // The closure never returns `None`, so both variants hold the time before.
        let (Ok(before) | Err(before)) = advanced;
        Timestamp::from_unix_micros(before).plus(duration)
    }
}

/// Starts at 2025-08-13T10:15:30.5Z. The half second shows where code truncates times.
impl Default for FixedClock {
    fn default() -> Self {
        Self::at(Timestamp::from_unix_micros(1_755_080_130_500_000))
    }
}

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_micros(self.0.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clock_changes_only_when_set() {
        let clock = FixedClock::default();
        let before = clock.now();
        assert_eq!(clock.now(), before);
        assert_eq!(clock.advance(Duration::from_secs(5)), before.plus(Duration::from_secs(5)));
        assert_eq!(clock.now(), before.plus(Duration::from_secs(5)));
        clock.set(Timestamp::UNIX_EPOCH);
        assert_eq!(clock.now(), Timestamp::UNIX_EPOCH);
    }
}
