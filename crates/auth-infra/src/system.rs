//! The system's clock, timer and randomness. No other module reads time or randomness from the machine.

use std::time::Duration;

use async_trait::async_trait;
use auth_domain::model::Timestamp;
use auth_domain::ports::{Clock, SecureRandom, Timer};
use time::OffsetDateTime;

/// The machine's time in UTC, truncated to microseconds. It steps when the machine's clock is set.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        OffsetDateTime::now_utc().into()
    }
}

/// The timer of the tokio runtime, which must be running with its time driver.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemTimer;

#[async_trait]
impl Timer for SystemTimer {
    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// AWS-LC's random generator, seeded and re-seeded by the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

impl SecureRandom for SystemRandom {
    /// # Panics
    /// If the operating system provides no randomness, because predictable bytes would become secrets that can be guessed.
    fn fill(&self, bytes: &mut [u8]) {
        assert!(aws_lc_rs::rand::fill(bytes).is_ok(), "the system's random source has failed");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::SystemTime;

    use super::*;

    auth_domain::conformance_tests! { clock: || async { Arc::new(SystemClock) } }
    auth_domain::conformance_tests! { secure_random: || async { Arc::new(SystemRandom) } }

    #[tokio::test(start_paused = true)]
    async fn the_timer_waits_as_long_as_asked() {
        let started = tokio::time::Instant::now();
        SystemTimer.sleep(Duration::from_millis(1_500)).await;
        let waited = started.elapsed();
        assert!((1_500..=1_502).contains(&waited.as_millis()), "{waited:?}");
    }

    #[test]
    fn it_returns_the_time_of_the_machine() {
        let before =
            SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_micros();
        let now = SystemClock.now().unix_micros();
        let after = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_micros();
        assert!((before..=after).contains(&u128::try_from(now).expect("after 1970")));
    }
}
