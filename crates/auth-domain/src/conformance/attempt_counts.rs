//! Counted attempts, such as registrations.

use std::num::NonZeroU32;
use std::time::Duration;

use super::concurrency::{both, concurrently};
use super::fixture::{later, now, similar_keys};
use crate::model::{Caller, Counter, CounterKey, Guess, GuessOutcome, Limit, Timestamp};
use crate::policy::{AttemptPolicy, Rate};
use crate::ports::{AdmitOutcome, AttemptLimiter};

const DAY: u64 = 24 * 3_600;

/// A counter that allows ten attempts at once and then one every two seconds.
fn counter(address: u8) -> Counter {
    let caller = Caller::at([192, 0, 2, address]);
    let rate = Rate { burst: 10, quota: 30, window: Duration::from_secs(60) };
    let policy = AttemptPolicy { registrations: rate, ..AttemptPolicy::default() };
    Counter::of(&caller, Limit::Registrations, &policy).expect("a counter")
}

async fn passes(attempts: &dyn AttemptLimiter, counter: &Counter, at: Timestamp) -> bool {
    attempts.count(counter, at).await.expect("no error").is_none()
}

/// Makes `tries` attempts one after the other and returns how many pass.
async fn count_passes(
    attempts: &dyn AttemptLimiter,
    counter: &Counter,
    tries: usize,
    at: Timestamp,
) -> usize {
    let mut passed = 0;
    for _ in 0..tries {
        passed += usize::from(passes(attempts, counter, at).await);
    }
    passed
}

pub(super) async fn attempts_pass_up_to_the_limit(attempts: &dyn AttemptLimiter) {
    assert_eq!(count_passes(attempts, &counter(1), 20, now()).await, 10);
    let throttled = attempts.count(&counter(1), now()).await.expect("no error").expect("refused");
    assert_eq!((throttled.limit, throttled.quota), (Limit::Registrations, 30));
    assert_eq!(
        (throttled.window, throttled.retry_after),
        (Some(Duration::from_secs(60)), Duration::from_secs(2))
    );
}

pub(super) async fn concurrent_attempts_pass_up_to_the_limit(attempts: &dyn AttemptLimiter) {
    for address in 1..=5 {
        let counter = counter(address);
        let passed = concurrently((0..50).map(|_| passes(attempts, &counter, now())));
        assert_eq!(passed.into_iter().filter(|passed| *passed).count(), 10);
    }
}

pub(super) async fn attempts_pass_again_after_time(attempts: &dyn AttemptLimiter) {
    assert_eq!(count_passes(attempts, &counter(1), 20, now()).await, 10);
    assert_eq!(count_passes(attempts, &counter(1), 20, later(1)).await, 0);
    assert_eq!(count_passes(attempts, &counter(1), 20, later(2)).await, 1);
    assert_eq!(count_passes(attempts, &counter(1), 20, later(8)).await, 3);
    assert_eq!(
        count_passes(attempts, &counter(1), 20, later(3_600)).await,
        10,
        "the counter holds at most ten"
    );
}

pub(super) async fn counters_are_independent(attempts: &dyn AttemptLimiter) {
    assert_eq!(count_passes(attempts, &counter(1), 20, now()).await, 10);
    for key in similar_keys(*counter(1).key.as_bytes()) {
        let similar = Counter { key: CounterKey::from_bytes(key), ..counter(1) };
        assert_eq!(attempts.exhausted(&similar, now()), None);
        assert_eq!(count_passes(attempts, &similar, 20, now()).await, 10);
    }
}

pub(super) async fn exhausted_counter_is_reported_until_it_refills(attempts: &dyn AttemptLimiter) {
    assert_eq!(attempts.exhausted(&counter(1), now()), None);
    assert_eq!(count_passes(attempts, &counter(1), 9, now()).await, 9);
    assert_eq!(attempts.exhausted(&counter(1), now()), None, "one more attempt is allowed");
    assert_eq!(count_passes(attempts, &counter(1), 2, now()).await, 1);
    let throttled = attempts.exhausted(&counter(1), later(1)).expect("exhausted");
    assert_eq!((throttled.limit, throttled.quota), (Limit::Registrations, 30));
    assert_eq!(throttled.retry_after, Duration::from_secs(1));
    assert_eq!(attempts.exhausted(&counter(1), later(2)), None, "an attempt is allowed again");
    assert_eq!(attempts.exhausted(&counter(2), now()), None);
}

async fn guess(attempts: &dyn AttemptLimiter, guess: &Guess, outcome: GuessOutcome) -> bool {
    match attempts.admit(guess).await.expect("no error") {
        AdmitOutcome::Admitted(reservation) => {
            attempts.settle(guess, reservation, outcome, guess.now).await.expect("no error");
            true
        }
        AdmitOutcome::Throttled(_) => false,
    }
}

pub(super) async fn only_expired_records_are_purged(attempts: &dyn AttemptLimiter) {
    let policy = AttemptPolicy::default();
    let jane = CounterKey::of_unknown("jane");
    let guess_now =
        Guess { account: jane, caller: None, counter: None, weight: NonZeroU32::MIN, now: now(), policy };
    let caller = Some(CounterKey::from_bytes([7; 32]));
    assert!(guess(attempts, &Guess { caller, ..guess_now.clone() }, GuessOutcome::Succeeded).await);
    for _ in 0..5 {
        assert!(guess(attempts, &guess_now, GuessOutcome::Failed).await);
    }
    assert_eq!(count_passes(attempts, &counter(1), 20, now()).await, 10);
    assert_eq!(attempts.purge(now(), 100).await.expect("no error"), 0);
    assert!(!passes(attempts, &counter(1), later(1)).await, "a record that is still in force stays");
    assert!(!guess(attempts, &guess_now, GuessOutcome::Failed).await);
    purge_all(attempts, later(2 * DAY)).await;
    let day_2 = Guess { now: later(2 * DAY), ..guess_now };
    for _ in 0..5 {
        assert!(guess(attempts, &day_2, GuessOutcome::Failed).await, "the failures are purged");
    }
    let known = guess(attempts, &Guess { caller, ..day_2 }, GuessOutcome::Failed).await;
    assert!(known, "the known caller is kept for longer");
    purge_all(attempts, later(91 * DAY)).await;
    assert_eq!(count_passes(attempts, &counter(1), 20, later(91 * DAY)).await, 10);
}

pub(super) async fn purge_respects_the_limit(attempts: &dyn AttemptLimiter) {
    for address in 1..=7 {
        assert!(passes(attempts, &counter(address), now()).await);
    }
    let mut purged = Vec::new();
    while purged.iter().sum::<u64>() < 7 && purged.len() < 10 {
        purged.push(attempts.purge(later(DAY), 3).await.expect("no error"));
    }
    assert_eq!(purged, [3, 3, 1]);
    assert_eq!(attempts.purge(later(DAY), 3).await.expect("no error"), 0);
}

async fn purge_all(attempts: &dyn AttemptLimiter, at: Timestamp) {
    let mut calls = 0;
    while attempts.purge(at, 2).await.expect("no error") > 0 {
        calls += 1;
        assert!(calls < 100, "the purge must end");
    }
}

pub(super) async fn attempt_during_a_purge_is_counted(attempts: &dyn AttemptLimiter) {
    for round in 0..40 {
        let counter = Counter { key: CounterKey::from_bytes([round; 32]), ..counter(1) };
        assert_eq!(count_passes(attempts, &counter, 20, now()).await, 10);
        let passing = async { count_passes(attempts, &counter, 3, later(DAY)).await };
        let (passed, purged) = both(passing, attempts.purge(later(DAY), 100));
        purged.expect("no error");
        assert_eq!(passed, 3);
        let rest = count_passes(attempts, &counter, 20, later(DAY)).await;
        assert_eq!(rest, 7, "a record that has been charged again is not purged");
    }
}
