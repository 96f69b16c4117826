//! Guesses at passwords.

use std::time::Duration;

use futures_util::future::join_all;

use super::fixture::{later, now};
use crate::model::{
    Caller, Counter, CounterKey, Guess, GuessOutcome, Limit, Reservation, Throttled, Timestamp,
};
use crate::policy::AttemptPolicy;
use crate::ports::{AdmitOutcome, AttemptLimiter, PortError};

/// A guess at `account` at that time, from an address of 192.0.2.0/24.
fn guess(account: &str, address: u8, now: Timestamp) -> Guess {
    let caller = Caller { address: Some([192, 0, 2, address].into()), ..Caller::default() };
    let policy = AttemptPolicy::default();
    Guess {
        account: CounterKey::of_unknown(account),
        caller: CounterKey::of_caller(&caller),
        counter: Counter::of(&caller, Limit::LogIns, &policy),
        now,
        policy,
    }
}

/// The same, where nothing is forgiven while guesses wait for each other, however slow the machine is.
fn unhurried(guess: Guess) -> Guess {
    let mut policy = guess.policy;
    policy.account.first_wait = policy.account.max_wait;
    policy.log_ins.window *= 100;
    let counter = guess.counter.map(|counter| Counter { rate: policy.log_ins, ..counter });
    Guess { counter, policy, ..guess }
}

async fn ask(attempts: &dyn AttemptLimiter, guess: &Guess) -> AdmitOutcome {
    attempts.admit(guess).await.expect("no error")
}

async fn admit(attempts: &dyn AttemptLimiter, guess: &Guess) -> Reservation {
    match ask(attempts, guess).await {
        AdmitOutcome::Admitted(reservation) => reservation,
        AdmitOutcome::Throttled(throttled) => panic!("refused: {throttled:?}"),
    }
}

async fn refused(attempts: &dyn AttemptLimiter, guess: &Guess) -> Throttled {
    match ask(attempts, guess).await {
        AdmitOutcome::Admitted(_) => panic!("admitted"),
        AdmitOutcome::Throttled(throttled) => throttled,
    }
}

async fn settle(attempts: &dyn AttemptLimiter, guess: &Guess, kept: Reservation, outcome: GuessOutcome) {
    attempts.settle(guess, kept, outcome, guess.now).await.expect("no error");
}

/// FailureStreak one password, which is admitted and comes out so.
async fn try_one(attempts: &dyn AttemptLimiter, guess: &Guess, outcome: GuessOutcome) {
    let kept = admit(attempts, guess).await;
    settle(attempts, guess, kept, outcome).await;
}

async fn fail(attempts: &dyn AttemptLimiter, guess: &Guess, times: usize) {
    for _ in 0..times {
        try_one(attempts, guess, GuessOutcome::Failed).await;
    }
}

/// FailureStreak as many wrong passwords as are admitted of so many at once; how many those were.
async fn fail_at_once(attempts: &dyn AttemptLimiter, guesses: &[Guess]) -> usize {
    let tries = guesses.iter().map(|guess| async move {
        match attempts.admit(guess).await {
            Ok(AdmitOutcome::Admitted(kept)) => {
                settle(attempts, guess, kept, GuessOutcome::Failed).await;
                true
            }
            Ok(AdmitOutcome::Throttled(_)) | Err(PortError::Overloaded) => false,
            Err(fault) => panic!("{fault:?}"),
        }
    });
    join_all(tries).await.into_iter().filter(|tried| *tried).count()
}

pub(super) async fn failures_throttle_an_account(attempts: &dyn AttemptLimiter) {
    fail(attempts, &guess("jane", 1, now()), 5).await;
    let mut at = now();
    for wait in [1, 2, 4, 8] {
        let throttled = refused(attempts, &guess("jane", 2, at)).await;
        assert_eq!((throttled.limit, throttled.retry_after), (Limit::Account, Duration::from_secs(wait)));
        at = at.plus(throttled.retry_after);
        fail(attempts, &guess("jane", 3, at), 1).await;
    }
}

pub(super) async fn failures_throttle_an_address(attempts: &dyn AttemptLimiter) {
    for number in 0..30 {
        fail(attempts, &guess(&format!("user {number}"), 1, now()), 1).await;
    }
    let throttled = refused(attempts, &guess("another", 1, now())).await;
    assert_eq!((throttled.limit, throttled.retry_after), (Limit::LogIns, Duration::from_secs(2)));
    fail(attempts, &guess("another", 1, later(2)), 1).await;
    refused(attempts, &guess("one more", 1, later(2))).await;
}

pub(super) async fn accounts_and_addresses_are_counted_separately(attempts: &dyn AttemptLimiter) {
    fail(attempts, &guess("jane", 1, now()), 5).await;
    refused(attempts, &guess("jane", 1, now())).await;
    let mut resembling = guess("jane", 1, now());
    for index in [0, 15, 31] {
        let mut key = *resembling.account.as_bytes();
        key[index] ^= 0x10;
        resembling.account = CounterKey::from_bytes(key);
        fail(attempts, &resembling, 5).await;
        refused(attempts, &resembling).await;
    }
    for number in 0..10 {
        fail(attempts, &guess(&format!("user {number}"), 1, now()), 1).await;
    }
    refused(attempts, &guess("john", 1, now())).await;
    fail(attempts, &guess("john", 2, now()), 5).await;
}

pub(super) async fn concurrent_guesses_admit_no_more_than_sequential_ones(attempts: &dyn AttemptLimiter) {
    for round in 0..3 {
        let account = format!("user {round}");
        let guesses: Vec<_> = (0..200).map(|address| unhurried(guess(&account, address, now()))).collect();
        assert_eq!(fail_at_once(attempts, &guesses).await, 5, "of one account");
    }
}

pub(super) async fn concurrent_guesses_from_one_address_admit_no_more(attempts: &dyn AttemptLimiter) {
    let guesses: Vec<_> =
        (0..200).map(|number| unhurried(guess(&format!("user {number}"), 1, now()))).collect();
    assert_eq!(fail_at_once(attempts, &guesses).await, 30);
}

pub(super) async fn concurrent_correct_passwords_are_all_admitted(attempts: &dyn AttemptLimiter) {
    fail(attempts, &guess("jane", 2, now()), 4).await;
    for from in [1, 3] {
        let tries = (0..20).map(|_| async move {
            try_one(attempts, &guess("jane", from, now()), GuessOutcome::Succeeded).await;
        });
        join_all(tries).await;
    }
    let tries = (0..60).map(|number| async move {
        try_one(attempts, &guess(&format!("user {number}"), 4, now()), GuessOutcome::Succeeded).await;
    });
    join_all(tries).await;
}

pub(super) async fn guess_that_waits_too_long_is_an_overload(attempts: &dyn AttemptLimiter) {
    let jane = guess("jane", 1, now());
    let mut kept = Vec::new();
    for _ in 0..5 {
        kept.push(admit(attempts, &jane).await);
    }
    let asked = attempts.admit(&jane).await;
    assert!(matches!(asked, Err(PortError::Overloaded)), "{asked:?}");
    settle(attempts, &jane, kept[0], GuessOutcome::Succeeded).await;
    admit(attempts, &jane).await;
}

pub(super) async fn refused_guess_reserves_nothing_in_any_counter(attempts: &dyn AttemptLimiter) {
    fail(attempts, &guess("jane", 1, now()), 5).await;
    for _ in 0..100 {
        refused(attempts, &guess("jane", 2, now())).await;
    }
    for number in 0..30 {
        fail(attempts, &guess(&format!("user {number}"), 2, now()), 1).await;
    }
    for _ in 0..100 {
        refused(attempts, &guess("john", 2, now())).await;
    }
    fail(attempts, &guess("john", 3, now()), 5).await;
}

pub(super) async fn abandoned_guess_does_not_count(attempts: &dyn AttemptLimiter) {
    let jane = guess("jane", 1, now());
    for _ in 0..40 {
        try_one(attempts, &jane, GuessOutcome::Abandoned).await;
    }
    fail(attempts, &jane, 5).await;
}

pub(super) async fn unsettled_guess_becomes_a_failure(attempts: &dyn AttemptLimiter) {
    let mut kept = Vec::new();
    for _ in 0..5 {
        kept.push(admit(attempts, &guess("jane", 1, now())).await);
    }
    let throttled = refused(attempts, &guess("jane", 2, later(10))).await;
    assert_eq!(throttled.limit, Limit::Account);
    // One that is settled late is not counted once more.
    settle(attempts, &guess("jane", 1, later(10)), kept[0], GuessOutcome::Failed).await;
    fail(attempts, &guess("jane", 2, later(11)), 1).await;
    let throttled = refused(attempts, &guess("jane", 2, later(11))).await;
    assert_eq!(throttled.retry_after, Duration::from_secs(2));
}

pub(super) async fn success_resets_only_the_failures_of_its_account(attempts: &dyn AttemptLimiter) {
    fail(attempts, &guess("john", 1, now()), 5).await;
    for _ in 0..3 {
        fail(attempts, &guess("jane", 2, now()), 4).await;
        try_one(attempts, &guess("jane", 2, now()), GuessOutcome::Succeeded).await;
    }
    refused(attempts, &guess("john", 3, now())).await;
    for number in 0..18 {
        fail(attempts, &guess(&format!("user {number}"), 2, now()), 1).await;
    }
    let throttled = refused(attempts, &guess("another", 2, now())).await;
    assert_eq!(throttled.limit, Limit::LogIns, "and none of those of its place");
}

pub(super) async fn known_caller_is_admitted_while_the_account_is_throttled(attempts: &dyn AttemptLimiter) {
    for caller in 1..=3 {
        try_one(attempts, &guess("jane", caller, now()), GuessOutcome::Succeeded).await;
    }
    fail(attempts, &guess("jane", 9, later(1)), 5).await;
    refused(attempts, &guess("jane", 9, later(1))).await;
    fail(attempts, &guess("jane", 1, later(1)), 5).await;
    refused(attempts, &guess("jane", 1, later(1))).await;
    fail(attempts, &guess("jane", 2, later(1)), 4).await;
    try_one(attempts, &guess("jane", 3, later(1)), GuessOutcome::Succeeded).await;
    fail(attempts, &guess("jane", 9, later(1)), 5).await;
}

pub(super) async fn forget_resets_only_the_given_account(attempts: &dyn AttemptLimiter) {
    for account in ["jane", "john"] {
        try_one(attempts, &guess(account, 1, now()), GuessOutcome::Succeeded).await;
        fail(attempts, &guess(account, 2, now()), 5).await;
    }
    attempts.forget(CounterKey::of_unknown("jane")).await.expect("no error");
    attempts.forget(CounterKey::of_unknown("nobody")).await.expect("no error");
    refused(attempts, &guess("john", 3, now())).await;
    fail(attempts, &guess("jane", 3, now()), 5).await;
    refused(attempts, &guess("jane", 1, now())).await;
    try_one(attempts, &guess("john", 1, now()), GuessOutcome::Succeeded).await;
}
