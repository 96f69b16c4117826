//! The clock, as far as a test can check it.

use std::time::Duration;

use crate::model::Timestamp;
use crate::ports::Clock;

/// A clock that is stopped at zero, counts in other units or was never set returns a time outside this range.
pub(super) async fn time_is_between_2025_and_2200(clock: &dyn Clock) {
    let now = clock.now();
    let (early, late) =
        (Timestamp::from_unix_seconds(1_735_689_600), Timestamp::from_unix_seconds(7_258_118_400));
    assert!(early < now && now < late, "{now} must be between 2025 and 2200");
}

pub(super) async fn consecutive_readings_are_close(clock: &dyn Clock) {
    let readings: Vec<_> = (0..1_000).map(|_| clock.now()).collect();
    for pair in readings.windows(2) {
        let apart = pair[1].since(pair[0]).max(pair[0].since(pair[1]));
        assert!(apart < Duration::from_secs(60), "{} and {}", pair[0], pair[1]);
    }
}
