//! The system's clock and randomness. No other module reads either from the machine.

use auth_domain::model::Timestamp;
use auth_domain::ports::{Clock, SecureRandom};
use time::OffsetDateTime;

/// The machine's time in UTC, truncated to microseconds. It steps when the machine's clock is set.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        OffsetDateTime::now_utc().into()
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

    #[test]
    fn it_returns_the_time_of_the_machine() {
        let before =
            SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_micros();
        let now = SystemClock.now().unix_micros();
        let after = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_micros();
        assert!((before..=after).contains(&u128::try_from(now).expect("after 1970")));
    }
}
