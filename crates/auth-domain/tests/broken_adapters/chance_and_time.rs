//! Clocks and sources of chance that break their promises.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use auth_domain::conformance::{CLOCK_CASES, SECURE_RANDOM_CASES};
use auth_domain::model::Timestamp;
use auth_domain::ports::{Clock, SecureRandom};
use auth_domain::testing::{FixedClock, SeededRandom};

use crate::assert_noticed;

/// Tells another day at each reading.
struct Jumping(AtomicU64);

impl Clock for Jumping {
    fn now(&self) -> Timestamp {
        let days = Duration::from_secs(self.0.fetch_add(1, Ordering::SeqCst) * 24 * 3_600);
        FixedClock::default().now().plus(days)
    }
}

#[tokio::test]
async fn a_clock_that_breaks_a_promise_is_noticed() {
    let stopped: Arc<dyn Clock> = Arc::new(FixedClock::at(Timestamp::UNIX_EPOCH));
    let jumping: Arc<dyn Clock> = Arc::new(Jumping(AtomicU64::new(0)));
    let noticed = [(stopped, "the_time_is_of_this_age"), (jumping, "two_readings_are_close_to_each_other")];
    assert_noticed(CLOCK_CASES, noticed).await;
}

/// Good chance, spoilt.
struct Spoilt(SeededRandom, fn(&mut [u8]));

impl SecureRandom for Spoilt {
    fn fill(&self, bytes: &mut [u8]) {
        self.0.fill(bytes);
        (self.1)(bytes);
    }
}

#[tokio::test]
async fn chance_that_breaks_a_promise_is_noticed() {
    let spoilt = |spoil| -> Arc<dyn SecureRandom> { Arc::new(Spoilt(SeededRandom::default(), spoil)) };
    let noticed = [
        (spoilt(|bytes| bytes.fill(7)), "no_two_fills_are_alike"),
        (spoilt(|bytes| bytes.iter_mut().skip(32).for_each(|byte| *byte = 0)), "every_byte_is_filled"),
        (
            spoilt(|bytes| bytes.iter_mut().for_each(|byte| *byte &= 0x7f)),
            "every_value_is_as_likely_as_the_others",
        ),
    ];
    assert_noticed(SECURE_RANDOM_CASES, noticed).await;
}
