//! Password guesses: throttling by account and by address.

use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::concurrency::{concurrently, let_others_begin};
use super::fixture::{later, now, similar_keys};
use crate::model::{
    Caller, Counter, CounterKey, Guess, GuessOutcome, Limit, Reservation, Throttled, Timestamp,
};
use crate::policy::AttemptPolicy;
use crate::ports::{AdmitOutcome, AttemptLimiter, PortError};
use crate::testing::MemoryAttempts;

/// A guess for `account` at `now`, from the address 192.0.2.`address`.
fn guess(account: &str, address: u8, now: Timestamp) -> Guess {
    let caller = Caller::at([192, 0, 2, address]);
    let policy = AttemptPolicy::default();
    Guess {
        account: CounterKey::of_unknown(account),
        caller: Some(CounterKey::of_caller(&caller)),
        counter: Counter::of(&caller, Limit::LogIns, &policy),
        weight: NonZeroU32::MIN,
        now,
        policy,
    }
}

/// The same guess under a policy that forgives nothing while guesses wait for each other. Without it, a slow machine
/// would admit more guesses than the case expects.
fn without_recovery(guess: Guess) -> Guess {
    let mut policy = guess.policy;
    policy.account.first_wait = policy.account.max_wait;
    policy.log_ins.window *= 100;
    let counter = guess.counter.map(|counter| Counter { rate: policy.log_ins, ..counter });
    Guess { counter, policy, ..guess }
}

async fn try_admit(attempts: &dyn AttemptLimiter, guess: &Guess) -> AdmitOutcome {
    attempts.admit(guess).await.expect("no error")
}

async fn admit(attempts: &dyn AttemptLimiter, guess: &Guess) -> Reservation {
    match try_admit(attempts, guess).await {
        AdmitOutcome::Admitted(reservation) => reservation,
        AdmitOutcome::Throttled(throttled) => panic!("refused: {throttled:?}"),
    }
}

async fn expect_refused(attempts: &dyn AttemptLimiter, guess: &Guess) -> Throttled {
    match try_admit(attempts, guess).await {
        AdmitOutcome::Admitted(_) => panic!("admitted"),
        AdmitOutcome::Throttled(throttled) => throttled,
    }
}

async fn settle(
    attempts: &dyn AttemptLimiter,
    guess: &Guess,
    reservation: Reservation,
    outcome: GuessOutcome,
) {
    attempts.settle(guess, reservation, outcome, guess.now).await.expect("no error");
}

/// Admits a guess and settles it with `outcome`.
async fn admit_and_settle(attempts: &dyn AttemptLimiter, guess: &Guess, outcome: GuessOutcome) {
    let reservation = admit(attempts, guess).await;
    settle(attempts, guess, reservation, outcome).await;
}

/// Admits `times` guesses one after the other and settles each as failed.
async fn fail(attempts: &dyn AttemptLimiter, guess: &Guess, times: usize) {
    for _ in 0..times {
        admit_and_settle(attempts, guess, GuessOutcome::Failed).await;
    }
}

/// Makes all guesses concurrently with wrong passwords and returns how many were admitted.
fn fail_at_once(attempts: &dyn AttemptLimiter, guesses: &[Guess]) -> usize {
    let calls = guesses.iter().map(|guess| async move {
        match attempts.admit(guess).await {
            Ok(AdmitOutcome::Admitted(reservation)) => {
                settle(attempts, guess, reservation, GuessOutcome::Failed).await;
                true
            }
            Ok(AdmitOutcome::Throttled(_)) | Err(PortError::Overloaded) => false,
            Err(error) => panic!("{error:?}"),
        }
    });
    concurrently(calls).into_iter().filter(|admitted| *admitted).count()
}

pub(super) async fn failures_throttle_an_account(attempts: &dyn AttemptLimiter) {
    fail(attempts, &guess("jane", 1, now()), 5).await;
    let mut at = now();
    for wait in [1, 2, 4, 8] {
        let throttled = expect_refused(attempts, &guess("jane", 2, at)).await;
        assert_eq!((throttled.limit, throttled.retry_after), (Limit::Account, Duration::from_secs(wait)));
        at = at.plus(throttled.retry_after);
        fail(attempts, &guess("jane", 3, at), 1).await;
    }
}

pub(super) async fn failures_throttle_an_address(attempts: &dyn AttemptLimiter) {
    for number in 0..30 {
        fail(attempts, &guess(&format!("user {number}"), 1, now()), 1).await;
    }
    let throttled = expect_refused(attempts, &guess("another", 1, now())).await;
    assert_eq!((throttled.limit, throttled.retry_after), (Limit::LogIns, Duration::from_secs(2)));
    fail(attempts, &guess("another", 1, later(2)), 1).await;
    expect_refused(attempts, &guess("one more", 1, later(2))).await;
}

pub(super) async fn accounts_and_addresses_are_counted_separately(attempts: &dyn AttemptLimiter) {
    fail(attempts, &guess("jane", 1, now()), 5).await;
    expect_refused(attempts, &guess("jane", 1, now())).await;
    let jane = guess("jane", 1, now());
    for key in similar_keys(*jane.account.as_bytes()) {
        let similar = Guess { account: CounterKey::from_bytes(key), ..jane.clone() };
        fail(attempts, &similar, 5).await;
        expect_refused(attempts, &similar).await;
    }
    for number in 0..10 {
        fail(attempts, &guess(&format!("user {number}"), 1, now()), 1).await;
    }
    expect_refused(attempts, &guess("john", 1, now())).await;
    fail(attempts, &guess("john", 2, now()), 5).await;
}

pub(super) async fn concurrent_guesses_admit_no_more_than_sequential_ones(attempts: &dyn AttemptLimiter) {
    for round in 0..4 {
        let account = format!("user {round}");
        let guesses: Vec<_> =
            (0..200).map(|address| without_recovery(guess(&account, address, now()))).collect();
        assert_eq!(fail_at_once(attempts, &guesses), 5, "guesses for one account");
    }
}

pub(super) async fn concurrent_guesses_from_one_address_admit_no_more(attempts: &dyn AttemptLimiter) {
    for address in 1..=4 {
        let one_of = |number| guess(&format!("user {address} {number}"), address, now());
        let guesses: Vec<_> = (0..200).map(|number| without_recovery(one_of(number))).collect();
        assert_eq!(fail_at_once(attempts, &guesses), 30);
    }
}

pub(super) async fn concurrent_correct_passwords_are_all_admitted(attempts: &dyn AttemptLimiter) {
    fail(attempts, &guess("jane", 2, now()), 4).await;
    for from in [1, 3] {
        let tries = (0..20).map(|_| async move {
            admit_and_settle(attempts, &guess("jane", from, now()), GuessOutcome::Succeeded).await;
        });
        concurrently(tries);
    }
    let tries = (0..60).map(|number| async move {
        admit_and_settle(attempts, &guess(&format!("user {number}"), 4, now()), GuessOutcome::Succeeded)
            .await;
    });
    concurrently(tries);
}

pub(super) async fn guess_that_waits_too_long_is_an_overload(attempts: &dyn AttemptLimiter) {
    let jane = guess("jane", 1, now());
    let mut reservations = Vec::new();
    for _ in 0..5 {
        reservations.push(admit(attempts, &jane).await);
    }
    let outcome = attempts.admit(&jane).await;
    assert!(matches!(outcome, Err(PortError::Overloaded)), "{outcome:?}");
    settle(attempts, &jane, reservations[0], GuessOutcome::Succeeded).await;
    admit(attempts, &jane).await;
}

pub(super) async fn refused_guess_reserves_nothing_in_any_counter(attempts: &dyn AttemptLimiter) {
    fail(attempts, &guess("jane", 1, now()), 5).await;
    for _ in 0..100 {
        expect_refused(attempts, &guess("jane", 2, now())).await;
    }
    for number in 0..30 {
        fail(attempts, &guess(&format!("user {number}"), 2, now()), 1).await;
    }
    for _ in 0..100 {
        expect_refused(attempts, &guess("john", 2, now())).await;
    }
    fail(attempts, &guess("john", 3, now()), 5).await;
}

pub(super) async fn abandoned_guess_does_not_count(attempts: &dyn AttemptLimiter) {
    let jane = guess("jane", 1, now());
    for _ in 0..40 {
        admit_and_settle(attempts, &jane, GuessOutcome::Abandoned).await;
    }
    fail(attempts, &jane, 5).await;
}

pub(super) async fn unsettled_guess_becomes_a_failure(attempts: &dyn AttemptLimiter) {
    let mut reservations = Vec::new();
    for _ in 0..5 {
        reservations.push(admit(attempts, &guess("jane", 1, now())).await);
    }
    let throttled = expect_refused(attempts, &guess("jane", 2, later(10))).await;
    assert_eq!(throttled.limit, Limit::Account);
    // A guess that is settled late counts only once.
    settle(attempts, &guess("jane", 1, later(10)), reservations[0], GuessOutcome::Failed).await;
    fail(attempts, &guess("jane", 2, later(11)), 1).await;
    let throttled = expect_refused(attempts, &guess("jane", 2, later(11))).await;
    assert_eq!(throttled.retry_after, Duration::from_secs(2));
}

pub(super) async fn success_resets_only_the_failures_of_its_account(attempts: &dyn AttemptLimiter) {
    fail(attempts, &guess("john", 1, now()), 5).await;
    for _ in 0..3 {
        fail(attempts, &guess("jane", 2, now()), 4).await;
        admit_and_settle(attempts, &guess("jane", 2, now()), GuessOutcome::Succeeded).await;
    }
    expect_refused(attempts, &guess("john", 3, now())).await;
    for number in 0..18 {
        fail(attempts, &guess(&format!("user {number}"), 2, now()), 1).await;
    }
    let throttled = expect_refused(attempts, &guess("another", 2, now())).await;
    assert_eq!(throttled.limit, Limit::LogIns, "the failures of its address stay");
}

pub(super) async fn known_caller_is_admitted_while_the_account_is_throttled(attempts: &dyn AttemptLimiter) {
    for caller in 1..=3 {
        admit_and_settle(attempts, &guess("jane", caller, now()), GuessOutcome::Succeeded).await;
    }
    fail(attempts, &guess("jane", 9, later(1)), 5).await;
    expect_refused(attempts, &guess("jane", 9, later(1))).await;
    fail(attempts, &guess("jane", 1, later(1)), 5).await;
    expect_refused(attempts, &guess("jane", 1, later(1))).await;
    fail(attempts, &guess("jane", 2, later(1)), 4).await;
    admit_and_settle(attempts, &guess("jane", 3, later(1)), GuessOutcome::Succeeded).await;
    fail(attempts, &guess("jane", 9, later(1)), 5).await;
}

pub(super) async fn known_caller_is_admitted_while_its_address_is_throttled(attempts: &dyn AttemptLimiter) {
    admit_and_settle(attempts, &guess("jane", 1, now()), GuessOutcome::Succeeded).await;
    for number in 0..30 {
        fail(attempts, &guess(&format!("user {number}"), 1, now()), 1).await;
    }
    // Whatever remembers that the address is throttled knows it now.
    let throttled = expect_refused(attempts, &guess("john", 1, now())).await;
    assert_eq!(throttled.limit, Limit::LogIns);
    for _ in 0..7 {
        let reservation = admit(attempts, &guess("jane", 1, now())).await;
        assert!(reservation.on_trust, "a failure must be answered like that of an unknown caller");
        settle(attempts, &guess("jane", 1, now()), reservation, GuessOutcome::Succeeded).await;
    }
    assert_eq!(expect_refused(attempts, &guess("john", 1, now())).await, throttled);
}

pub(super) async fn failure_on_trust_counts_only_for_the_known_caller(attempts: &dyn AttemptLimiter) {
    for caller in 1..=2 {
        admit_and_settle(attempts, &guess("jane", caller, now()), GuessOutcome::Succeeded).await;
    }
    for number in 0..30 {
        fail(attempts, &guess(&format!("user {number}"), 1, now()), 1).await;
    }
    let throttled = expect_refused(attempts, &guess("john", 1, now())).await;
    fail(attempts, &guess("jane", 1, now()), 5).await;
    assert_eq!(expect_refused(attempts, &guess("jane", 1, now())).await, throttled);
    assert_eq!(expect_refused(attempts, &guess("john", 1, now())).await, throttled);
    fail(attempts, &guess("jane", 3, now()), 5).await;
    assert_eq!(expect_refused(attempts, &guess("jane", 3, now())).await.limit, Limit::Account);
    admit_and_settle(attempts, &guess("jane", 2, now()), GuessOutcome::Succeeded).await;
}

pub(super) async fn known_caller_does_not_wait_behind_others(attempts: &dyn AttemptLimiter) {
    admit_and_settle(attempts, &guess("jane", 1, now()), GuessOutcome::Succeeded).await;
    for _ in 0..5 {
        admit(attempts, &guess("jane", 9, now())).await;
    }
    let finished = Mutex::new(Vec::new());
    let guess_from = |address| {
        let finished = &finished;
        async move {
            if address == 1 {
                let_others_begin();
            }
            let outcome = attempts.admit(&guess("jane", address, now())).await;
            finished.lock().unwrap_or_else(PoisonError::into_inner).push((address, outcome));
        }
    };
    concurrently([2, 3, 4, 1].map(guess_from));
    let finished = finished.into_inner().unwrap_or_else(PoisonError::into_inner);
    let (address, outcome) = &finished[0];
    assert!(matches!((address, outcome), (1, Ok(AdmitOutcome::Admitted(_)))), "{finished:?}");
}

pub(super) async fn costly_guess_counts_by_its_weight(attempts: &dyn AttemptLimiter) {
    let costly = |number: u8, address| {
        let weight = NonZeroU32::new(10).unwrap_or(NonZeroU32::MIN);
        Guess { weight, ..guess(&format!("user {number}"), address, now()) }
    };
    for _ in 0..10 {
        admit_and_settle(attempts, &costly(0, 1), GuessOutcome::Succeeded).await;
    }
    for number in 1..=3 {
        fail(attempts, &costly(number, 1), 1).await;
    }
    let throttled = expect_refused(attempts, &guess("john", 1, now())).await;
    assert_eq!((throttled.limit, throttled.retry_after), (Limit::LogIns, Duration::from_secs(2)));
    let reservation = admit(attempts, &costly(4, 2)).await;
    settle(attempts, &costly(4, 2), reservation, GuessOutcome::Failed).await;
    for number in 5..25 {
        fail(attempts, &guess(&format!("user {number}"), 2, now()), 1).await;
    }
    expect_refused(attempts, &guess("john", 2, now())).await;
}

pub(super) async fn forget_resets_only_the_given_account(attempts: &dyn AttemptLimiter) {
    for account in ["jane", "john"] {
        admit_and_settle(attempts, &guess(account, 1, now()), GuessOutcome::Succeeded).await;
        fail(attempts, &guess(account, 2, now()), 5).await;
    }
    attempts.forget(CounterKey::of_unknown("jane")).await.expect("no error");
    attempts.forget(CounterKey::of_unknown("unused")).await.expect("no error");
    expect_refused(attempts, &guess("john", 3, now())).await;
    fail(attempts, &guess("jane", 3, now()), 5).await;
    expect_refused(attempts, &guess("jane", 1, now())).await;
    admit_and_settle(attempts, &guess("john", 1, now()), GuessOutcome::Succeeded).await;
}

pub(super) async fn concurrent_failures_are_all_counted(attempts: &dyn AttemptLimiter) {
    for round in 0..10 {
        let jane = without_recovery(guess(&format!("jane {round}"), 1, later(round * 10_000)));
        let mut reservations = Vec::new();
        for _ in 0..5 {
            reservations.push(admit(attempts, &jane).await);
        }
        concurrently(
            reservations
                .iter()
                .map(|reservation| settle(attempts, &jane, *reservation, GuessOutcome::Failed)),
        );
        let throttled = expect_refused(attempts, &jane).await;
        assert_eq!(throttled.limit, Limit::Account, "five failures throttle the account");
    }
    for address in 2..8 {
        let one_of = |number| without_recovery(guess(&format!("user {address} {number}"), address, now()));
        let guesses: Vec<_> = (0..30).map(one_of).collect();
        let mut admitted = Vec::new();
        for guess in &guesses {
            admitted.push((guess, admit(attempts, guess).await));
        }
        concurrently(
            admitted
                .iter()
                .map(|(guess, reservation)| settle(attempts, guess, *reservation, GuessOutcome::Failed)),
        );
        let throttled = expect_refused(attempts, &one_of(30)).await;
        assert_eq!(throttled.limit, Limit::LogIns, "thirty failures throttle the address");
    }
}

/// A guess, its outcome and how many seconds its verification takes. Most guesses fail, so that accounts and addresses are
/// throttled.
fn any_guess(number: u64) -> (Guess, GuessOutcome, u64) {
    let account = if number.is_multiple_of(3) { "jane" } else { "john" };
    let address = u8::try_from(number * 5 % 4).expect("less than four");
    let outcome = match number % 29 {
        7 => GuessOutcome::Succeeded,
        17 => GuessOutcome::Abandoned,
        _ => GuessOutcome::Failed,
    };
    (guess(account, address, later(number / 2)), outcome, number / 2 % 4)
}

pub(super) async fn outcomes_are_those_of_the_domain(attempts: &dyn AttemptLimiter) {
    let reference = MemoryAttempts::new();
    for number in 0..300 {
        let (guess, outcome, seconds) = any_guess(number);
        let settled_at = guess.now.plus(Duration::from_secs(seconds));
        let expected = try_admit(&reference, &guess).await;
        match (try_admit(attempts, &guess).await, expected) {
            (AdmitOutcome::Admitted(own), AdmitOutcome::Admitted(expected)) => {
                assert_eq!(own.on_trust, expected.on_trust, "guess {number}");
                attempts.settle(&guess, own, outcome, settled_at).await.expect("no error");
                reference.settle(&guess, expected, outcome, settled_at).await.expect("no error");
            }
            (own, expected) => assert_eq!(own, expected, "guess {number}"),
        }
        if number % 100 == 99 {
            attempts.forget(guess.account).await.expect("no error");
            reference.forget(guess.account).await.expect("no error");
        }
    }
}
