//! The token bucket that limits one caller.

use std::iter::repeat_n;
use std::num::NonZeroU32;
use std::time::Duration;

use super::{Capacity, Counter, Rate, Throttled, take, take_expired};
use crate::model::Timestamp;

/// A token bucket, refilled at a constant rate. Each counted attempt takes one token.
///
/// The bucket stores only the time at which it will be full, from which the missing tokens follow. It therefore refills
/// without any write (the generic cell rate algorithm, ITU-T I.371).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// The time at which the bucket will be full.
    pub full_at: Timestamp,
    /// The admission times of the pending guesses, once for each token that a guess reserves.
    pub pending: Vec<Timestamp>,
}

/// A full bucket.
impl Default for Bucket {
    fn default() -> Self {
        Self { full_at: Timestamp::UNIX_EPOCH, pending: Vec::new() }
    }
}

impl Bucket {
    /// Takes a token.
    ///
    /// # Errors
    /// [`Throttled`] when the bucket is empty.
    pub fn charge(&mut self, counter: &Counter, now: Timestamp) -> Result<(), Throttled> {
        match self.capacity(&counter.rate, now) {
            Capacity::Exhausted(retry_after) => Err(counter.throttled(retry_after)),
            Capacity::Available | Capacity::Pending => {
                self.take(&counter.rate, now);
                Ok(())
            }
        }
    }

    /// Returns when the record expires, that is, when it equals a full bucket.
    #[must_use]
    pub fn expires_at(&self, rate: &Rate, reservation: Duration) -> Timestamp {
        let Some(last) = self.pending.iter().max() else { return self.full_at };
        // A pending guess that is never settled takes its token when the reservation expires.
        let reserved = u32::try_from(self.pending.len()).unwrap_or(u32::MAX);
        self.full_at.max(last.plus(reservation)).plus(rate.interval().saturating_mul(reserved))
    }

    /// Takes the tokens of expired reservations.
    pub(super) fn expire(&mut self, rate: &Rate, reservation: Duration, now: Timestamp) {
        for at in take_expired(&mut self.pending, reservation, now) {
            self.take(rate, at);
        }
    }

    /// Returns whether a token is available in addition to the reserved ones.
    pub(super) fn capacity(&self, rate: &Rate, now: Timestamp) -> Capacity {
        let (interval, burst) = (rate.interval(), rate.burst.max(1));
        let missing = self.missing(rate, now).as_micros().div_ceil(interval.as_micros());
        if missing >= burst.into() {
            return Capacity::Exhausted(
                self.missing(rate, now).saturating_sub(interval.saturating_mul(burst - 1)),
            );
        }
        let taken = missing + self.pending.len() as u128;
        if taken < burst.into() { Capacity::Available } else { Capacity::Pending }
    }

    /// Reserves `weight` tokens, as far as a full bucket has them.
    pub(super) fn reserve(&mut self, rate: &Rate, weight: NonZeroU32, now: Timestamp) {
        self.pending.extend(repeat_n(now, tokens(rate, weight)));
    }

    /// Removes the reservation of `weight` tokens made at `at`, and takes them if the guess failed. A reservation that
    /// has expired was counted already.
    pub(super) fn settle(
        &mut self,
        rate: &Rate,
        weight: NonZeroU32,
        at: Timestamp,
        has_failed: bool,
        now: Timestamp,
    ) {
        for _ in 0..tokens(rate, weight) {
            if take(&mut self.pending, at) && has_failed {
                self.take(rate, now);
            }
        }
    }

    fn take(&mut self, rate: &Rate, now: Timestamp) {
        // A costly guess may take more tokens than there are. The bucket is empty then, and owes nothing.
        let missing = self.missing(rate, now).saturating_add(rate.interval());
        self.full_at = now.plus(missing.min(time_to_fill(rate)));
    }

    /// Returns the time until the bucket is full. It is capped at the time for an empty bucket: an earlier policy or
    /// another node's clock may have stored a later time.
    fn missing(&self, rate: &Rate, now: Timestamp) -> Duration {
        self.full_at.since(now).min(time_to_fill(rate))
    }
}

/// The time after which an empty bucket is full.
fn time_to_fill(rate: &Rate) -> Duration {
    rate.interval().saturating_mul(rate.burst.max(1))
}

/// The tokens that a guess of this weight takes: at most those of a full bucket.
fn tokens(rate: &Rate, weight: NonZeroU32) -> usize {
    weight.get().min(rate.burst.max(1)) as usize
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::{CounterKey, Limit};

    const NOW: Timestamp = Timestamp::from_const(1_755_080_130_123_457);

    /// A burst of 30, then one every two seconds.
    fn counter() -> Counter {
        let rate = Rate { burst: 30, quota: 30, window: Duration::from_secs(60) };
        Counter { key: CounterKey::from_bytes([1; 32]), limit: Limit::Registrations, rate }
    }

    fn after(millis: u64) -> Timestamp {
        NOW.plus(Duration::from_millis(millis))
    }

    /// Returns how many of `attempts` simultaneous attempts pass.
    fn passing(bucket: &mut Bucket, attempts: u32, now: Timestamp) -> usize {
        (0..attempts).filter(|_| bucket.charge(&counter(), now).is_ok()).count()
    }

    #[test]
    fn a_burst_passes_and_then_one_per_interval() {
        let mut bucket = Bucket::default();
        assert_eq!(passing(&mut bucket, 40, NOW), 30);
        let throttled = bucket.charge(&counter(), NOW).expect_err("empty");
        assert_eq!(throttled.retry_after, Duration::from_secs(2));
        assert_eq!((throttled.quota, throttled.window), (30, Some(Duration::from_secs(60))));
        assert_eq!(passing(&mut bucket, 1, after(1_999)), 0);
        assert_eq!(passing(&mut bucket, 5, after(2_000)), 1);
        assert_eq!(passing(&mut bucket, 50, after(2_000 + 60_000)), 30, "and full again after a window");
    }

    #[test]
    fn a_reserved_token_is_not_available_to_others() {
        let mut bucket = Bucket::default();
        passing(&mut bucket, 20, NOW);
        for _ in 0..9 {
            bucket.reserve(&counter().rate, NonZeroU32::MIN, NOW);
        }
        assert_eq!(bucket.capacity(&counter().rate, NOW), Capacity::Available, "for the thirtieth");
        bucket.reserve(&counter().rate, NonZeroU32::MIN, NOW);
        assert_eq!(bucket.capacity(&counter().rate, NOW), Capacity::Pending);
    }

    #[test]
    fn a_throttled_attempt_takes_no_token() {
        let mut bucket = Bucket::default();
        passing(&mut bucket, 30, NOW);
        let before = bucket.clone();
        passing(&mut bucket, 1_000, NOW);
        assert_eq!(bucket, before);
    }

    #[test]
    fn an_earlier_wider_rate_is_capped() {
        let mut bucket = Bucket { full_at: Timestamp::MAX, pending: Vec::new() };
        let throttled = bucket.charge(&counter(), NOW).expect_err("empty");
        assert_eq!(throttled.retry_after, Duration::from_secs(2));
        assert_eq!(passing(&mut bucket, 1, NOW.plus(throttled.retry_after)), 0, "a clock that is far ahead");
    }

    #[test]
    fn a_full_bucket_without_pending_guesses_is_expired() {
        let mut bucket = Bucket::default();
        passing(&mut bucket, 1, NOW);
        let (rate, reservation) = (counter().rate, Duration::from_secs(10));
        assert_eq!(bucket.expires_at(&rate, reservation), after(2_000));
        bucket.reserve(&counter().rate, NonZeroU32::MIN, NOW);
        assert_eq!(
            bucket.expires_at(&rate, reservation),
            after(12_000),
            "a reservation that expires takes a token"
        );
    }

    proptest! {
        /// However attempts are distributed, no window contains more than a burst and the refill.
        #[test]
        fn attempts_never_exceed_burst_and_rate(pauses in prop::collection::vec(0_u64..5_000, 1..200)) {
            let mut bucket = Bucket::default();
            let (mut at, mut passed) = (0, 0_u64);
            for pause in pauses {
                at += pause;
                passed += u64::from(bucket.charge(&counter(), after(at)).is_ok());
                prop_assert!(passed <= 30 + at / 2_000);
            }
        }

        /// An attempt passes exactly when the reported time is over, and not one microsecond earlier.
        #[test]
        fn the_retry_time_is_exact(pauses in prop::collection::vec(0_u64..1_000, 30..100)) {
            let mut bucket = Bucket::default();
            let mut now = NOW;
            for pause in pauses {
                now = now.plus(Duration::from_millis(pause));
                if let Err(throttled) = bucket.charge(&counter(), now) {
                    let then = now.plus(throttled.retry_after);
                    prop_assert!(bucket.clone().charge(&counter(), then.minus(Duration::from_micros(1))).is_err());
                    prop_assert!(bucket.clone().charge(&counter(), then).is_ok());
                }
            }
        }
    }
}
