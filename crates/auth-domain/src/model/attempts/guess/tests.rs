use std::time::Duration;

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::model::{Caller, FailureStreak, Limit, UserId};

const NOW: Timestamp = Timestamp::from_const(1_755_080_130_123_457);

fn after(seconds: u64) -> Timestamp {
    NOW.plus(Duration::from_secs(seconds))
}

/// A guess at one account, from the address `192.0.2.{address}`.
fn guess(address: u8) -> Guess {
    let caller = Caller::at([192, 0, 2, address]);
    let policy = AttemptPolicy::default();
    Guess {
        account: CounterKey::of_user(UserId(Uuid::from_u128(1))),
        caller: Some(CounterKey::of_caller(&caller)),
        counter: Counter::of(&caller, Limit::LogIns, &policy),
        weight: NonZeroU32::MIN,
        now: NOW,
        policy,
    }
}

/// A guess from an unknown caller without a limit of its own.
fn from_unknown_caller() -> Guess {
    Guess { counter: None, ..guess(200) }
}

fn admit(records: &mut GuessRecords, guess: &Guess, now: Timestamp) -> Reservation {
    match records.admit(guess, now) {
        GuessVerdict::Admit(reservation) => reservation,
        other => panic!("{other:?}"),
    }
}

fn expect_throttled(records: &mut GuessRecords, guess: &Guess, now: Timestamp) -> Throttled {
    match records.admit(guess, now) {
        GuessVerdict::Throttle(throttled) => throttled,
        other => panic!("{other:?}"),
    }
}

/// Admits a guess and settles it with `outcome`.
fn settle(records: &mut GuessRecords, guess: &Guess, outcome: GuessOutcome, now: Timestamp) {
    let reservation = admit(records, guess, now);
    records.settle(guess, reservation, outcome, now);
}

/// Fails repeatedly, waiting as required up to `max_wait` each time, and returns the number of failures.
fn fail_all(records: &mut GuessRecords, guess: &Guess, now: &mut Timestamp, max_wait: Duration) -> u32 {
    let mut failures = 0;
    loop {
        match records.admit(guess, *now) {
            GuessVerdict::Admit(reservation) => {
                records.settle(guess, reservation, GuessOutcome::Failed, *now);
                failures += 1;
                assert!(failures < 1_000, "guessing never stops");
            }
            GuessVerdict::Throttle(throttled) if throttled.retry_after <= max_wait => {
                *now = now.plus(throttled.retry_after);
            }
            _ => return failures,
        }
    }
}

#[test]
fn after_five_failures_each_wait_is_longer() {
    let (mut records, mut now) = (GuessRecords::default(), NOW);
    for _ in 0..5 {
        settle(&mut records, &from_unknown_caller(), GuessOutcome::Failed, now);
    }
    for wait in [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900] {
        let throttled = expect_throttled(&mut records, &from_unknown_caller(), now);
        assert_eq!((throttled.limit, throttled.retry_after), (Limit::Account, Duration::from_secs(wait)));
        now = now.plus(throttled.retry_after);
        settle(&mut records, &from_unknown_caller(), GuessOutcome::Failed, now);
    }
}

#[test]
fn at_most_the_free_failures_are_pending() {
    let mut records = GuessRecords::default();
    for _ in 0..5 {
        admit(&mut records, &from_unknown_caller(), NOW);
    }
    assert_eq!(records.admit(&from_unknown_caller(), NOW), GuessVerdict::Wait);
    records.settle(&from_unknown_caller(), Reservation::new(NOW), GuessOutcome::Failed, NOW);
    assert_eq!(
        records.admit(&from_unknown_caller(), NOW),
        GuessVerdict::Wait,
        "four may still fail, four are pending"
    );
    records.settle(&from_unknown_caller(), Reservation::new(NOW), GuessOutcome::Abandoned, NOW);
    admit(&mut records, &from_unknown_caller(), NOW);
}

#[test]
fn after_a_wait_one_guess_runs_at_a_time() {
    let mut records = GuessRecords::default();
    for _ in 0..5 {
        settle(&mut records, &from_unknown_caller(), GuessOutcome::Failed, NOW);
    }
    let reservation = admit(&mut records, &from_unknown_caller(), after(1));
    assert_eq!(records.admit(&from_unknown_caller(), after(1)), GuessVerdict::Wait);
    records.settle(&from_unknown_caller(), reservation, GuessOutcome::Failed, after(1));
    assert_eq!(
        expect_throttled(&mut records, &from_unknown_caller(), after(1)).retry_after,
        Duration::from_secs(2)
    );
}

#[test]
fn a_correct_password_resets_all_failures() {
    let mut records = GuessRecords::default();
    for _ in 0..1_000 {
        settle(&mut records, &guess(1), GuessOutcome::Succeeded, NOW);
    }
    for _ in 0..20 {
        for _ in 0..4 {
            settle(&mut records, &from_unknown_caller(), GuessOutcome::Failed, NOW);
        }
        settle(&mut records, &guess(1), GuessOutcome::Succeeded, NOW);
    }
}

#[test]
fn an_abandoned_guess_is_not_counted() {
    let mut records = GuessRecords::default();
    for _ in 0..100 {
        settle(&mut records, &guess(1), GuessOutcome::Abandoned, NOW);
    }
    assert_eq!(records, GuessRecords::default());
}

#[test]
fn an_unsettled_guess_fails_after_ten_seconds() {
    let mut records = GuessRecords::default();
    for _ in 0..5 {
        admit(&mut records, &guess(1), NOW);
    }
    assert_eq!(records.admit(&guess(2), after(9)), GuessVerdict::Wait);
    assert_eq!(expect_throttled(&mut records, &guess(2), after(10)).retry_after, Duration::from_secs(1));
    records.settle(&guess(1), Reservation::new(NOW), GuessOutcome::Failed, after(10));
    assert_eq!(records.account.streak.failures, 5, "it is not counted twice");
    assert_eq!(records.bucket.pending, vec![]);
    let mut of_another_account = GuessRecords { bucket: records.bucket, ..GuessRecords::default() };
    let left = fail_all(
        &mut of_another_account,
        &Guess { caller: None, ..guess(1) },
        &mut after(10),
        Duration::ZERO,
    );
    assert_eq!(left, 5, "the account's own limit comes first");
    assert_eq!(of_another_account.bucket.full_at, after(10 + 20), "the caller has failed ten times");
}

#[test]
fn a_caller_is_limited_across_accounts() {
    let mut bucket = Bucket::default();
    for _ in 0..30 {
        let mut records = GuessRecords { bucket, ..GuessRecords::default() };
        settle(&mut records, &guess(1), GuessOutcome::Failed, NOW);
        bucket = records.bucket;
    }
    let mut records = GuessRecords { bucket, ..GuessRecords::default() };
    let throttled = expect_throttled(&mut records, &guess(1), NOW);
    assert_eq!((throttled.limit, throttled.retry_after), (Limit::LogIns, Duration::from_secs(2)));
    assert_eq!(records.account, AccountRecord::default(), "a denied guess takes nothing from the account");
    settle(&mut GuessRecords::default(), &guess(2), GuessOutcome::Failed, NOW);
}

#[test]
fn a_guess_denied_by_the_account_takes_no_token() {
    let mut records = GuessRecords::default();
    for _ in 0..5 {
        settle(&mut records, &from_unknown_caller(), GuessOutcome::Failed, NOW);
    }
    expect_throttled(&mut records, &guess(1), NOW);
    assert_eq!(records.bucket, Bucket::default());
}

#[test]
fn a_known_caller_bypasses_the_wait_of_the_account() {
    let mut records = GuessRecords::default();
    settle(&mut records, &guess(1), GuessOutcome::Succeeded, NOW);
    let mut now = after(60);
    assert_eq!(fail_all(&mut records, &from_unknown_caller(), &mut now, Duration::from_secs(900)), 50);
    assert!(expect_throttled(&mut records, &guess(2), now).retry_after > Duration::from_secs(900));
    settle(&mut records, &guess(1), GuessOutcome::Failed, now);
    settle(&mut records, &guess(1), GuessOutcome::Succeeded, now);
    settle(&mut records, &guess(2), GuessOutcome::Failed, now);
}

#[test]
fn a_known_caller_waits_for_its_own_pending_guesses_only() {
    let mut records = GuessRecords::default();
    settle(&mut records, &guess(1), GuessOutcome::Succeeded, NOW);
    let mut now = NOW;
    fail_all(&mut records, &from_unknown_caller(), &mut now, Duration::from_secs(60));
    let pending: Vec<_> = (0..5).map(|_| admit(&mut records, &guess(1), now)).collect();
    assert_eq!(records.admit(&guess(1), now), GuessVerdict::Wait, "one of the five may succeed");
    assert!(expect_throttled(&mut records, &guess(2), now).retry_after > Duration::from_secs(60));
    for reservation in pending {
        records.settle(&guess(1), reservation, GuessOutcome::Failed, now);
    }
    assert!(expect_throttled(&mut records, &guess(1), now).retry_after > Duration::from_secs(60), "none did");
}

#[test]
fn a_known_caller_bypasses_the_limit_of_its_address() {
    let mut records = GuessRecords::default();
    settle(&mut records, &guess(1), GuessOutcome::Succeeded, NOW);
    for _ in 0..30 {
        let mut of_others = GuessRecords { bucket: records.bucket, ..GuessRecords::default() };
        settle(&mut of_others, &guess(1), GuessOutcome::Failed, NOW);
        records.bucket = of_others.bucket;
    }
    for _ in 0..5 {
        settle(&mut records, &guess(1), GuessOutcome::Failed, NOW);
    }
    assert_eq!(
        expect_throttled(&mut records, &guess(1), NOW).limit,
        Limit::LogIns,
        "then it is limited like any other caller"
    );
    records.account.streak = FailureStreak::default();
    records.account.known_callers[0].streak = FailureStreak::default();
    settle(&mut records, &guess(1), GuessOutcome::Succeeded, NOW);
}

#[test]
fn a_failure_on_trust_changes_nothing_that_others_see() {
    let mut records = GuessRecords::default();
    settle(&mut records, &guess(1), GuessOutcome::Succeeded, NOW);
    records.bucket.full_at = after(60);
    let before = records.clone();
    for _ in 0..5 {
        let reservation = admit(&mut records, &guess(1), NOW);
        assert!(reservation.on_trust);
        records.settle(&guess(1), reservation, GuessOutcome::Failed, NOW);
    }
    assert_eq!(records.bucket, before.bucket);
    assert_eq!(records.account.streak, before.account.streak);
    assert_eq!(records.account.known_callers[0].streak.failures, 5);
    assert_eq!(expect_throttled(&mut records, &guess(1), NOW).limit, Limit::LogIns);
    settle(&mut records, &guess(2), GuessOutcome::Succeeded, after(2));
    settle(&mut records, &guess(1), GuessOutcome::Succeeded, after(60));
}

#[test]
fn pending_guesses_on_trust_delay_a_refusal_only_briefly() {
    let mut records = GuessRecords::default();
    settle(&mut records, &guess(1), GuessOutcome::Succeeded, NOW);
    records.bucket.full_at = after(3_600);
    for _ in 0..5 {
        admit(&mut records, &guess(1), NOW);
    }
    let [early, late] = [100, 150].map(|millis| NOW.plus(Duration::from_millis(millis)));
    assert_eq!(records.admit(&guess(1), early), GuessVerdict::Wait);
    assert_eq!(expect_throttled(&mut records, &guess(1), late).limit, Limit::LogIns);
    assert_eq!(records.admit(&Guess { caller: None, ..guess(1) }, late), records.admit(&guess(1), late));
}

#[test]
fn guesses_on_trust_expire_as_failures_of_the_caller() {
    let mut records = GuessRecords::default();
    settle(&mut records, &guess(1), GuessOutcome::Succeeded, NOW);
    records.bucket.full_at = after(3_600);
    for _ in 0..5 {
        admit(&mut records, &guess(1), NOW);
    }
    expect_throttled(&mut records, &guess(1), after(10));
    assert_eq!(records.account.streak.failures, 0);
    assert_eq!(records.account.known_callers[0].streak.failures, 5);
}

#[test]
fn a_costly_guess_takes_as_many_tokens_as_it_weighs() {
    let costly = Guess { weight: NonZeroU32::new(12).expect("not zero"), ..guess(1) };
    let mut records = GuessRecords::default();
    for outcome in [GuessOutcome::Succeeded, GuessOutcome::Abandoned] {
        settle(&mut records, &costly, outcome, NOW);
        assert_eq!(records.bucket, Bucket::default());
    }
    let mut bucket = records.bucket;
    for failed in 1..=3 {
        let mut records = GuessRecords { bucket, ..GuessRecords::default() };
        settle(&mut records, &costly, GuessOutcome::Failed, NOW);
        assert_eq!(records.bucket.full_at, after((failed * 12).min(30) * 2), "after {failed}");
        bucket = records.bucket;
    }
    let mut records = GuessRecords { bucket, ..GuessRecords::default() };
    assert_eq!(expect_throttled(&mut records, &guess(1), NOW).limit, Limit::LogIns);
    settle(&mut records, &costly, GuessOutcome::Failed, after(2));
}

#[test]
fn pending_costly_guesses_reserve_their_weight() {
    let costly = Guess { weight: NonZeroU32::new(u32::MAX).expect("not zero"), ..guess(1) };
    let mut records = GuessRecords::default();
    let reservation = admit(&mut records, &costly, NOW);
    assert_eq!(records.bucket.pending.len(), 30, "no more than a full bucket has");
    let mut other = GuessRecords { bucket: records.bucket.clone(), ..GuessRecords::default() };
    assert_eq!(other.admit(&guess(1), NOW), GuessVerdict::Wait);
    records.settle(&costly, reservation, GuessOutcome::Failed, NOW);
    assert_eq!(records.bucket, Bucket { full_at: after(60), pending: Vec::new() });
    assert_eq!(records.account.streak.failures, 1, "the account counts guesses");
}

#[test]
fn a_known_caller_has_a_limit_of_its_own() {
    let mut records = GuessRecords::default();
    settle(&mut records, &guess(1), GuessOutcome::Succeeded, NOW);
    for _ in 0..5 {
        admit(&mut records, &guess(1), NOW);
    }
    assert_eq!(records.admit(&guess(1), NOW), GuessVerdict::Wait);
    for _ in 0..5 {
        records.settle(&guess(1), Reservation::new(NOW), GuessOutcome::Failed, NOW);
    }
    assert_eq!(expect_throttled(&mut records, &guess(1), NOW).retry_after, Duration::from_secs(1));
}

#[test]
fn at_most_100_guesses_fail_in_a_row() {
    let mut records = GuessRecords::default();
    for address in 1..=12 {
        settle(&mut records, &guess(address), GuessOutcome::Succeeded, after(address.into()));
    }
    assert_eq!(records.account.known_callers.len(), 10, "the most recent ones are known");
    let mut now = after(60);
    let hour = Duration::from_secs(3_600);
    let unknown_failures = fail_all(&mut records, &from_unknown_caller(), &mut now, hour);
    let from_known = (1..=12).map(|address| fail_all(&mut records, &guess(address), &mut now, hour));
    assert_eq!(from_known.collect::<Vec<_>>(), [0, 0, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5]);
    assert_eq!(unknown_failures, 50);
}

#[test]
fn a_day_without_failures_resets_them() {
    let mut records = GuessRecords::default();
    settle(&mut records, &guess(1), GuessOutcome::Succeeded, NOW);
    let mut now = NOW;
    fail_all(&mut records, &guess(1), &mut now, Duration::from_secs(3_600));
    let throttled = expect_throttled(&mut records, &guess(1), now);
    assert_eq!(throttled.retry_after, Duration::from_secs(24 * 3_600));
    now = now.plus(throttled.retry_after);
    assert_eq!(fail_all(&mut records, &guess(1), &mut now, Duration::ZERO), 5);
}

#[test]
fn a_caller_is_known_for_90_days() {
    let mut records = GuessRecords::default();
    settle(&mut records, &guess(1), GuessOutcome::Succeeded, NOW);
    let until = records.account.expires_at(&guess(1).policy);
    assert_eq!(until, after(90 * 24 * 3_600));
    settle(&mut records, &guess(2), GuessOutcome::Abandoned, until);
    assert_eq!(records.account, AccountRecord::default());
}

#[test]
fn after_success_the_account_equals_an_untried_one() {
    let without_caller = Guess { caller: None, counter: None, ..guess(1) };
    let mut records = GuessRecords::default();
    settle(&mut records, &without_caller, GuessOutcome::Failed, NOW);
    assert_eq!(records.account.expires_at(&without_caller.policy), after(24 * 3_600));
    settle(&mut records, &without_caller, GuessOutcome::Succeeded, after(60));
    assert_eq!(records.account.expires_at(&without_caller.policy), Timestamp::UNIX_EPOCH);
}

#[test]
fn a_clock_that_steps_back_does_not_extend_a_wait() {
    let mut records = GuessRecords::default();
    for _ in 0..5 {
        settle(&mut records, &from_unknown_caller(), GuessOutcome::Failed, after(3_600));
    }
    assert_eq!(
        expect_throttled(&mut records, &from_unknown_caller(), NOW).retry_after,
        Duration::from_secs(1)
    );
}

/// An event in the history of an account.
#[derive(Clone, Debug)]
enum Event {
    Guess { address: u8 },
    Settle { index: usize, outcome: GuessOutcome },
    Pass { seconds: u64 },
}

fn event() -> impl Strategy<Value = Event> {
    let outcome = prop_oneof![
        8 => Just(GuessOutcome::Failed),
        1 => Just(GuessOutcome::Abandoned),
    ];
    prop_oneof![
        4 => (0_u8..20).prop_map(|address| Event::Guess { address }),
        4 => (any::<usize>(), outcome).prop_map(|(index, outcome)| Event::Settle { index, outcome }),
        2 => (0_u64..2_000).prop_map(|seconds| Event::Pass { seconds }),
    ]
}

/// The counters of several addresses, and one account.
#[derive(Default)]
struct Counters {
    buckets: [Bucket; 3],
    account: AccountRecord,
}

impl Counters {
    /// Makes a wrong guess as the use cases do. Returns why it was refused without a word about the password.
    fn guess_wrong(&mut self, guess: &Guess, address: usize, now: Timestamp) -> Option<Throttled> {
        let bucket = self.buckets[address].clone();
        let mut records = GuessRecords { bucket, account: self.account.clone() };
        let verdict = records.admit(guess, now);
        if let GuessVerdict::Admit(reservation) = verdict {
            records.settle(guess, reservation, GuessOutcome::Failed, now);
        }
        let GuessRecords { bucket, account } = records;
        self.buckets[address] = bucket;
        self.account = account;
        match verdict {
            GuessVerdict::Admit(Reservation { on_trust: true, .. }) => {
                self.guess_wrong(&Guess { caller: None, ..guess.clone() }, address, now)
            }
            GuessVerdict::Admit(_) => None,
            GuessVerdict::Throttle(throttled) => Some(throttled),
            GuessVerdict::Wait => panic!("no guess is pending"),
        }
    }
}

proptest! {
    /// Whatever wrong guesses are made within a day, the answers do not tell whether an account knows a caller.
    #[test]
    fn wrong_guesses_do_not_tell_known_callers(
        guesses in prop::collection::vec((0_u8..3, any::<bool>(), 0_u64..900), 1..90),
    ) {
        let (mut knowing, mut unknowing) = (Counters::default(), Counters::default());
        let mut records = GuessRecords::default();
        settle(&mut records, &guess(0), GuessOutcome::Succeeded, NOW);
        settle(&mut records, &guess(1), GuessOutcome::Succeeded, NOW);
        knowing.account = records.account;
        let mut now = NOW;
        for (address, at_account, pause) in guesses {
            // Half of the guesses follow at once, so that addresses and the account get exhausted.
            now = now.plus(Duration::from_secs(pause.saturating_sub(450)));
            let (guess, address) = (guess(address), usize::from(address));
            if at_account {
                prop_assert_eq!(
                    knowing.guess_wrong(&guess, address, now),
                    unknowing.guess_wrong(&guess, address, now)
                );
            } else {
                for counters in [&mut knowing, &mut unknowing] {
                    counters.buckets[address].full_at = now.plus(Duration::from_secs(60));
                }
            }
        }
    }

    /// Guesses from known and unknown callers overlap, are abandoned or get lost in any order. At most 100 are admitted
    /// without a success, an abandoned guess or a day without failures.
    #[test]
    fn at_most_100_wrong_guesses_are_admitted(events in prop::collection::vec(event(), 1..600)) {
        let mut records = GuessRecords::default();
        for address in 0..10 {
            settle(&mut records, &Guess { counter: None, ..guess(address) }, GuessOutcome::Succeeded, NOW);
        }
        let (mut now, mut admitted, mut pending) = (NOW, 0_u32, Vec::new());
        for event in events {
            match event {
                Event::Guess { address } => {
                    let guess = Guess { counter: None, ..guess(address) };
                    if let GuessVerdict::Admit(reservation) = records.admit(&guess, now) {
                        admitted += 1;
                        pending.push((guess, reservation));
                    }
                }
                Event::Settle { index, outcome } if !pending.is_empty() => {
                    let (guess, reservation) = pending.swap_remove(index % pending.len());
                    let is_late = reservation.at.plus(guess.policy.reservation) <= now;
                    records.settle(&guess, reservation, outcome, now);
                    admitted -= u32::from(outcome == GuessOutcome::Abandoned && !is_late);
                }
                Event::Settle { .. } => {}
                Event::Pass { seconds } => now = now.plus(Duration::from_secs(seconds)),
            }
            prop_assert!(admitted <= 100, "{admitted} were admitted");
        }
    }

    /// An expired record equals the default record, so losing it changes no verdict.
    #[test]
    fn losing_an_expired_record_changes_no_decision(
        events in prop::collection::vec(event(), 1..60), address in 0_u8..20, succeeds in any::<bool>(),
    ) {
        let (mut records, mut now) = (GuessRecords::default(), NOW);
        let policy = AttemptPolicy::default();
        if succeeds {
            settle(&mut records, &guess(address), GuessOutcome::Succeeded, NOW);
        }
        for event in events {
            match event {
                Event::Guess { address } => drop(records.admit(&guess(address), now)),
                Event::Settle { index, .. } => {
                    let at = records.account.streak.pending.get(index % 5).copied().unwrap_or(NOW);
                    records.settle(&guess(address), Reservation::new(at), GuessOutcome::Failed, now);
                }
                Event::Pass { seconds } => now = now.plus(Duration::from_secs(seconds)),
            }
        }
        let bucket_expires_at = records.bucket.expires_at(&policy.log_ins, policy.reservation);
        let then = now.max(records.account.expires_at(&policy)).max(bucket_expires_at);
        let (mut kept, mut lost) = (records, GuessRecords::default());
        prop_assert_eq!(kept.admit(&guess(address), then), lost.admit(&guess(address), then));
        let caller = guess(address).caller;
        prop_assert_eq!(
            kept.account.capacity(&policy.account, then),
            lost.account.capacity(&policy.account, then)
        );
        prop_assert_eq!(kept.account.trust(caller, &policy, then), lost.account.trust(caller, &policy, then));
    }
}
