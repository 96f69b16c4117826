//! Counters of attempts that break their promises.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use auth_domain::conformance::ATTEMPT_LIMITER_CASES;
use auth_domain::model::{Counter, CounterKey, Guess, GuessOutcome, Reservation, Throttled, Timestamp};
use auth_domain::policy::AttemptPolicy;
use auth_domain::ports::{AdmitOutcome, AttemptLimiter, PortError};
use auth_domain::testing::MemoryAttempts;
use tokio::task::yield_now;

use crate::assert_noticed;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    None,
    ForgetsFailures,
    LimitsNoPlace,
    KnowsAccountsByHalf,
    LetsGuessesMeet,
    RefusesInsteadOfWaiting,
    WaitsForNobody,
    KeepsThePlaceOfTheRefused,
    CountsTheAbandoned,
    LosesTheUnsettled,
    RemembersAfterSuccess,
    KnowsNoPlaces,
    ForgetsNothing,
    ForgetsEverybody,
    HasNoLimit,
    CountsBeforeItReads,
    NeverFillsUp,
    KnowsCountersByHalf,
    KnowsNothingAtHand,
    PurgesEverything,
    PurgesWithoutLimit,
}

/// Counts as it should, but for one thing.
struct Broken {
    fault: Fault,
    inner: Mutex<Arc<MemoryAttempts>>,
    first: Mutex<Option<Timestamp>>,
    reservations: AtomicU64,
}

fn broken(fault: Fault) -> Arc<dyn AttemptLimiter> {
    let (inner, first, reservations) = (Mutex::default(), Mutex::default(), AtomicU64::new(0));
    Arc::new(Broken { fault, inner, first, reservations })
}

fn half(key: CounterKey) -> CounterKey {
    let mut bytes = *key.as_bytes();
    bytes[8..].fill(0);
    CounterKey::from_bytes(bytes)
}

impl Broken {
    fn inner(&self) -> Arc<MemoryAttempts> {
        self.inner.lock().expect("no panic under the lock").clone()
    }

    fn begin_anew(&self) {
        *self.inner.lock().expect("no panic under the lock") = Arc::default();
    }

    fn seen(&self, guess: &Guess) -> Guess {
        let guess = guess.clone();
        match self.fault {
            Fault::LimitsNoPlace => Guess { counter: None, ..guess },
            Fault::KnowsAccountsByHalf => Guess { account: half(guess.account), ..guess },
            Fault::KnowsNoPlaces => Guess { caller: None, ..guess },
            Fault::LosesTheUnsettled => {
                let policy =
                    AttemptPolicy { reservation: std::time::Duration::from_secs(3_600), ..guess.policy };
                Guess { policy, ..guess }
            }
            _ => guess,
        }
    }

    fn counted(&self, counter: &Counter) -> Counter {
        if self.fault == Fault::KnowsCountersByHalf {
            Counter { key: half(counter.key), ..*counter }
        } else {
            *counter
        }
    }

    /// The time as somebody reads it whose clock stands still.
    fn time(&self, now: Timestamp) -> Timestamp {
        let mut first = self.first.lock().expect("no panic under the lock");
        if self.fault == Fault::NeverFillsUp { *first.get_or_insert(now) } else { now }
    }
}

#[async_trait]
impl AttemptLimiter for Broken {
    async fn admit(&self, guess: &Guess) -> Result<AdmitOutcome, PortError> {
        let (inner, guess) = (self.inner(), self.seen(guess));
        match self.fault {
            Fault::LetsGuessesMeet => {
                // Whether there is room is read first, and a place taken later.
                let kept = inner.admit(&guess).await?;
                let AdmitOutcome::Admitted(reservation) = kept else { return Ok(kept) };
                inner.settle(&guess, reservation, GuessOutcome::Abandoned, guess.now).await?;
                yield_now().await;
                Ok(kept)
            }
            Fault::RefusesInsteadOfWaiting => match inner.admit(&guess).await {
                Ok(AdmitOutcome::Admitted(reservation))
                    if self.reservations.fetch_add(1, Ordering::SeqCst) < 8 =>
                {
                    Ok(AdmitOutcome::Admitted(reservation))
                }
                _ => Err(PortError::Overloaded),
            },
            Fault::WaitsForNobody => match inner.admit(&guess).await {
                Err(PortError::Overloaded) => Ok(AdmitOutcome::Admitted(Reservation { at: guess.now })),
                admission => admission,
            },
            Fault::KeepsThePlaceOfTheRefused => {
                let admission = inner.admit(&guess).await?;
                if let (AdmitOutcome::Throttled(_), Some(counter)) = (admission, guess.counter) {
                    inner.count(&counter, guess.now).await?;
                }
                Ok(admission)
            }
            _ => inner.admit(&guess).await,
        }
    }

    async fn settle(
        &self,
        guess: &Guess,
        kept: Reservation,
        outcome: GuessOutcome,
        now: Timestamp,
    ) -> Result<(), PortError> {
        let (inner, guess) = (self.inner(), self.seen(guess));
        let outcome = match (self.fault, outcome) {
            (Fault::CountsTheAbandoned, GuessOutcome::Abandoned) => GuessOutcome::Failed,
            (Fault::ForgetsFailures, GuessOutcome::Failed)
            | (Fault::RemembersAfterSuccess, GuessOutcome::Succeeded) => GuessOutcome::Abandoned,
            (Fault::ForgetsEverybody, GuessOutcome::Succeeded) => {
                self.begin_anew();
                return Ok(());
            }
            (Fault::LetsGuessesMeet, GuessOutcome::Failed) => {
                let admission = inner.admit(&guess).await?;
                let AdmitOutcome::Admitted(kept) = admission else { return Ok(()) };
                return inner.settle(&guess, kept, outcome, now).await;
            }
            (_, outcome) => outcome,
        };
        inner.settle(&guess, kept, outcome, now).await
    }

    async fn count(&self, counter: &Counter, now: Timestamp) -> Result<Option<Throttled>, PortError> {
        let (inner, counter, now) = (self.inner(), self.counted(counter), self.time(now));
        match self.fault {
            Fault::HasNoLimit => Ok(None),
            Fault::CountsBeforeItReads => {
                let told = inner.exhausted(&counter, now);
                yield_now().await;
                inner.count(&counter, now).await?;
                Ok(told)
            }
            _ => inner.count(&counter, now).await,
        }
    }

    fn exhausted(&self, counter: &Counter, now: Timestamp) -> Option<Throttled> {
        let told = self.inner().exhausted(&self.counted(counter), self.time(now));
        told.filter(|_| self.fault != Fault::KnowsNothingAtHand)
    }

    async fn forget(&self, account: CounterKey) -> Result<(), PortError> {
        match self.fault {
            Fault::ForgetsNothing => return Ok(()),
            Fault::ForgetsEverybody => self.begin_anew(),
            _ => {}
        }
        self.inner().forget(account).await
    }

    async fn purge(&self, now: Timestamp, limit: u32) -> Result<u64, PortError> {
        match self.fault {
            Fault::PurgesEverything => {
                self.begin_anew();
                Ok(0)
            }
            Fault::PurgesWithoutLimit => self.inner().purge(now, u32::MAX).await,
            _ => self.inner().purge(now, limit).await,
        }
    }
}

#[tokio::test]
async fn a_limiter_that_keeps_its_promises_passes() {
    for case in ATTEMPT_LIMITER_CASES {
        case.run(&*broken(Fault::None)).await;
    }
}

#[tokio::test]
async fn a_limiter_that_breaks_a_promise_is_noticed() {
    let noticed = [
        (Fault::ForgetsFailures, "failures_are_kept_and_make_an_account_wait"),
        (Fault::LimitsNoPlace, "failures_are_kept_and_make_a_place_wait"),
        (Fault::KnowsAccountsByHalf, "accounts_and_places_are_kept_apart"),
        (Fault::LetsGuessesMeet, "of_200_guesses_at_once_no_more_are_tried_than_one_after_the_other"),
        (Fault::LetsGuessesMeet, "of_200_guesses_from_one_place_no_more_are_tried_than_one_after_the_other"),
        (Fault::RefusesInsteadOfWaiting, "right_passwords_at_once_are_all_admitted"),
        (Fault::WaitsForNobody, "a_guess_that_depends_on_others_for_too_long_is_an_overload"),
        (Fault::KeepsThePlaceOfTheRefused, "a_refused_guess_keeps_no_place_in_the_other_counter"),
        (Fault::CountsTheAbandoned, "what_could_not_be_tried_counts_for_nothing"),
        (Fault::LosesTheUnsettled, "a_guess_that_nobody_settles_becomes_a_failure"),
        (Fault::RemembersAfterSuccess, "a_right_password_forgets_the_failures_of_its_account_only"),
        (Fault::ForgetsEverybody, "a_right_password_forgets_the_failures_of_its_account_only"),
        (Fault::KnowsNoPlaces, "a_known_place_is_let_in_while_the_account_waits"),
        (Fault::ForgetsNothing, "an_account_is_forgotten_when_asked_to_and_no_other"),
        (Fault::ForgetsEverybody, "an_account_is_forgotten_when_asked_to_and_no_other"),
        (Fault::HasNoLimit, "as_many_pass_as_there_is_room_for"),
        (Fault::CountsBeforeItReads, "of_many_at_once_as_many_pass_as_there_is_room_for"),
        (Fault::NeverFillsUp, "room_comes_back_with_time"),
        (Fault::KnowsCountersByHalf, "counters_are_kept_apart"),
        (Fault::KnowsNothingAtHand, "a_counter_that_was_found_exhausted_is_known_to_be"),
        (Fault::PurgesEverything, "only_records_that_have_expired_are_purged"),
        (Fault::PurgesWithoutLimit, "no_more_are_purged_than_the_limit"),
    ];
    assert_noticed(ATTEMPT_LIMITER_CASES, noticed.map(|(fault, case)| (broken(fault), case))).await;
}
