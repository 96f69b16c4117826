//! Faulty clocks and sources of randomness.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use auth_domain::conformance::{CLOCK_CASES, SECURE_RANDOM_CASES};
use auth_domain::model::Timestamp;
use auth_domain::ports::{Clock, SecureRandom};
use auth_domain::testing::{FixedClock, SeededRandom};

use crate::assert_detected;

/// Returns a different day at each call.
struct JumpingClock(AtomicU64);

impl Clock for JumpingClock {
    fn now(&self) -> Timestamp {
        let days = Duration::from_secs(self.0.fetch_add(1, Ordering::SeqCst) * 24 * 3_600);
        FixedClock::default().now().plus(days)
    }
}

#[test]
fn faulty_clock_fails_a_case() {
    let stopped: Arc<dyn Clock> = Arc::new(FixedClock::at(Timestamp::UNIX_EPOCH));
    let jumping: Arc<dyn Clock> = Arc::new(JumpingClock(AtomicU64::new(0)));
    let detected = [(stopped, "time_is_between_2025_and_2200"), (jumping, "consecutive_readings_are_close")];
    assert_detected(CLOCK_CASES, detected);
}

/// A correct source whose bytes a function then changes.
struct FaultyRandom(SeededRandom, fn(&mut [u8]));

fn faulty(change: fn(&mut [u8])) -> Arc<dyn SecureRandom> {
    Arc::new(FaultyRandom(SeededRandom::default(), change))
}

impl SecureRandom for FaultyRandom {
    fn fill(&self, bytes: &mut [u8]) {
        self.0.fill(bytes);
        (self.1)(bytes);
    }
}

#[test]
fn faulty_random_fails_a_case() {
    let detected = [
        (faulty(|bytes| bytes.fill(7)), "no_two_fills_are_equal"),
        (faulty(|bytes| bytes.iter_mut().skip(32).for_each(|byte| *byte = 0)), "every_byte_is_filled"),
        (
            faulty(|bytes| bytes.iter_mut().for_each(|byte| *byte &= 0x7f)),
            "every_byte_value_is_equally_likely",
        ),
    ];
    assert_detected(SECURE_RANDOM_CASES, detected);
}
