//! A clock that stands still.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use crate::model::Timestamp;
use crate::ports::Clock;

/// A clock that tells the time it was set to, until it is set again.
#[derive(Debug)]
pub struct FixedClock(AtomicI64);

impl FixedClock {
    /// A clock that stands at `now`.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self(AtomicI64::new(now.unix_micros()))
    }

    /// Sets the clock, forward or back.
    pub fn set(&self, now: Timestamp) {
        self.0.store(now.unix_micros(), Ordering::SeqCst);
    }

    /// Sets the clock forward by `duration`; the time it tells then.
    pub fn advance(&self, duration: Duration) -> Timestamp {
        let later = |now| Timestamp::from_unix_micros(now).plus(duration);
        let before = match self
            .0
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |now| Some(later(now).unix_micros()))
        {
            Ok(before) | Err(before) => before,
        };
        later(before)
    }
}

/// A clock that stands at 2025-08-13T10:15:30.5Z: not a whole second, so that a test sees where times are cut.
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
