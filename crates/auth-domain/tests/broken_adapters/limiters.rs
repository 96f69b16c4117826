//! Faulty attempt limiters.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use auth_domain::conformance::ATTEMPT_LIMITER_CASES;
use auth_domain::model::{
    Counter, CounterKey, Guess, GuessOutcome, Limit, Reservation, Throttled, Timestamp,
};
use auth_domain::ports::{AdmitOutcome, AttemptLimiter, PortError};
use auth_domain::testing::MemoryAttempts;
use tokio::task::yield_now;

use crate::{assert_detected, failure};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    None,
    ForgetsFailures,
    IgnoresAddresses,
    TruncatesAccountKeys,
    AdmitsWithoutLock,
    OverloadsInsteadOfWaiting,
    AdmitsInsteadOfOverload,
    CountsRefusedGuesses,
    CountsAbandonedGuesses,
    KeepsReservationsTooLong,
    KeepsFailuresAfterSuccess,
    ForgetsKnownCallers,
    RefusesFromACache,
    HidesTrust,
    SettlesTrustWithTheRest,
    LetsGuessesWaitInLine,
    IgnoresWeights,
    NeverForgets,
    ForgetsAllAccounts,
    HasNoLimit,
    ReadsBeforeItCounts,
    NeverRefills,
    TruncatesCounterKeys,
    NeverReportsExhausted,
    PurgesEverything,
    PurgesWithoutLimit,
    LosesConcurrentSettlements,
    SettlesAtTheTimeOfTheGuess,
}

/// A limiter with one fault.
struct FaultyLimiter {
    fault: Fault,
    inner: Mutex<Arc<MemoryAttempts>>,
    first: Mutex<Option<Timestamp>>,
    reservations: AtomicU64,
    settling: AtomicU64,
    throttled: Mutex<Vec<(CounterKey, Throttled)>>,
    line: tokio::sync::Mutex<()>,
}

fn faulty(fault: Fault) -> Arc<dyn AttemptLimiter> {
    let (inner, first, reservations) = (Mutex::default(), Mutex::default(), AtomicU64::new(0));
    let (throttled, line, settling) = (Mutex::default(), tokio::sync::Mutex::default(), AtomicU64::new(0));
    Arc::new(FaultyLimiter { fault, inner, first, reservations, settling, throttled, line })
}

fn half(key: CounterKey) -> CounterKey {
    let mut bytes = *key.as_bytes();
    bytes[8..].fill(0);
    CounterKey::from_bytes(bytes)
}

impl FaultyLimiter {
    fn inner(&self) -> Arc<MemoryAttempts> {
        self.inner.lock().expect("no panic under the lock").clone()
    }

    fn reset(&self) {
        *self.inner.lock().expect("no panic under the lock") = Arc::default();
    }

    fn altered(&self, guess: &Guess) -> Guess {
        let guess = guess.clone();
        match self.fault {
            Fault::IgnoresAddresses => Guess { counter: None, ..guess },
            Fault::TruncatesAccountKeys => Guess { account: half(guess.account), ..guess },
            Fault::ForgetsKnownCallers => Guess { caller: None, ..guess },
            Fault::IgnoresWeights => Guess { weight: NonZeroU32::MIN, ..guess },
            Fault::KeepsReservationsTooLong => {
                let mut guess = guess;
                guess.policy.reservation = std::time::Duration::from_secs(3_600);
                guess
            }
            _ => guess,
        }
    }

    /// Refuses what was refused before, without asking the domain.
    async fn admit_unless_cached(
        &self,
        inner: &MemoryAttempts,
        guess: &Guess,
    ) -> Result<AdmitOutcome, PortError> {
        let Some(counter) = guess.counter else { return inner.admit(guess).await };
        let cached = self.throttled.lock().expect("no panic under the lock").clone();
        if let Some((_, throttled)) = cached.iter().find(|(key, _)| *key == counter.key) {
            return Ok(AdmitOutcome::Throttled(*throttled));
        }
        let admission = inner.admit(guess).await?;
        if let AdmitOutcome::Throttled(throttled) = admission
            && throttled.limit == Limit::LogIns
        {
            self.throttled.lock().expect("no panic under the lock").push((counter.key, throttled));
        }
        Ok(admission)
    }

    fn counted(&self, counter: &Counter) -> Counter {
        if self.fault == Fault::TruncatesCounterKeys {
            Counter { key: half(counter.key), ..*counter }
        } else {
            *counter
        }
    }

    /// The time of the call, or always the first one for a limiter that never refills.
    fn time(&self, now: Timestamp) -> Timestamp {
        let mut first = self.first.lock().expect("no panic under the lock");
        if self.fault == Fault::NeverRefills { *first.get_or_insert(now) } else { now }
    }
}

#[async_trait]
impl AttemptLimiter for FaultyLimiter {
    async fn admit(&self, guess: &Guess) -> Result<AdmitOutcome, PortError> {
        let (inner, guess) = (self.inner(), self.altered(guess));
        match self.fault {
            Fault::AdmitsWithoutLock => {
                // The check and the reservation are two steps, so concurrent guesses pass the check together.
                let admission = inner.admit(&guess).await?;
                let AdmitOutcome::Admitted(reservation) = admission else { return Ok(admission) };
                inner.settle(&guess, reservation, GuessOutcome::Abandoned, guess.now).await?;
                yield_now().await;
                Ok(admission)
            }
            Fault::OverloadsInsteadOfWaiting => match inner.admit(&guess).await {
                Ok(AdmitOutcome::Admitted(reservation))
                    if self.reservations.fetch_add(1, Ordering::SeqCst) < 8 =>
                {
                    Ok(AdmitOutcome::Admitted(reservation))
                }
                _ => Err(PortError::Overloaded),
            },
            Fault::AdmitsInsteadOfOverload => match inner.admit(&guess).await {
                Err(PortError::Overloaded) => Ok(AdmitOutcome::Admitted(Reservation::new(guess.now))),
                admission => admission,
            },
            Fault::RefusesFromACache => self.admit_unless_cached(&inner, &guess).await,
            Fault::HidesTrust => match inner.admit(&guess).await? {
                AdmitOutcome::Admitted(reservation) => {
                    Ok(AdmitOutcome::Admitted(Reservation::new(reservation.at)))
                }
                throttled @ AdmitOutcome::Throttled(_) => Ok(throttled),
            },
            Fault::LetsGuessesWaitInLine => {
                let _line = self.line.lock().await;
                inner.admit(&guess).await
            }
            Fault::CountsRefusedGuesses => {
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
        reservation: Reservation,
        outcome: GuessOutcome,
        now: Timestamp,
    ) -> Result<(), PortError> {
        let (inner, guess) = (self.inner(), self.altered(guess));
        let now = if self.fault == Fault::SettlesAtTheTimeOfTheGuess { guess.now } else { now };
        let outcome = match (self.fault, outcome) {
            (Fault::CountsAbandonedGuesses, GuessOutcome::Abandoned) => GuessOutcome::Failed,
            (Fault::ForgetsFailures, GuessOutcome::Failed)
            | (Fault::KeepsFailuresAfterSuccess, GuessOutcome::Succeeded) => GuessOutcome::Abandoned,
            (Fault::ForgetsAllAccounts, GuessOutcome::Succeeded) => {
                self.reset();
                return Ok(());
            }
            (Fault::AdmitsWithoutLock, GuessOutcome::Failed) => {
                let admission = inner.admit(&guess).await?;
                let AdmitOutcome::Admitted(reservation) = admission else { return Ok(()) };
                return inner.settle(&guess, reservation, outcome, now).await;
            }
            (Fault::SettlesTrustWithTheRest, GuessOutcome::Failed) if reservation.on_trust => {
                // As a failure of any caller: the account waits for everyone.
                inner.settle(&guess, reservation, outcome, now).await?;
                let elsewhere = Guess { caller: None, counter: None, ..guess };
                let AdmitOutcome::Admitted(reservation) = inner.admit(&elsewhere).await? else {
                    return Ok(());
                };
                return inner.settle(&elsewhere, reservation, outcome, now).await;
            }
            (Fault::LosesConcurrentSettlements, _) => {
                // Each of two concurrent settlements reads the failures before the other one writes its own.
                let others = self.settling.fetch_add(1, Ordering::SeqCst);
                yield_now().await;
                let settled =
                    if others == 0 { inner.settle(&guess, reservation, outcome, now).await } else { Ok(()) };
                self.settling.fetch_sub(1, Ordering::SeqCst);
                return settled;
            }
            (_, outcome) => outcome,
        };
        inner.settle(&guess, reservation, outcome, now).await
    }

    async fn count(&self, counter: &Counter, now: Timestamp) -> Result<Option<Throttled>, PortError> {
        let (inner, counter, now) = (self.inner(), self.counted(counter), self.time(now));
        match self.fault {
            Fault::HasNoLimit => Ok(None),
            Fault::ReadsBeforeItCounts => {
                let throttled = inner.exhausted(&counter, now);
                yield_now().await;
                inner.count(&counter, now).await?;
                Ok(throttled)
            }
            _ => inner.count(&counter, now).await,
        }
    }

    fn exhausted(&self, counter: &Counter, now: Timestamp) -> Option<Throttled> {
        let throttled = self.inner().exhausted(&self.counted(counter), self.time(now));
        throttled.filter(|_| self.fault != Fault::NeverReportsExhausted)
    }

    async fn forget(&self, account: CounterKey) -> Result<(), PortError> {
        match self.fault {
            Fault::NeverForgets => return Ok(()),
            Fault::ForgetsAllAccounts => self.reset(),
            _ => {}
        }
        self.inner().forget(account).await
    }

    async fn purge(&self, now: Timestamp, limit: u32) -> Result<u64, PortError> {
        match self.fault {
            Fault::PurgesEverything => {
                self.reset();
                Ok(0)
            }
            Fault::PurgesWithoutLimit => self.inner().purge(now, u32::MAX).await,
            _ => self.inner().purge(now, limit).await,
        }
    }
}

#[test]
fn correct_limiter_passes_every_case() {
    for case in ATTEMPT_LIMITER_CASES {
        assert_eq!(failure(case, &*faulty(Fault::None)), None, "{case}");
    }
}

#[test]
fn faulty_limiter_fails_a_case() {
    let detected = [
        (Fault::ForgetsFailures, "failures_throttle_an_account"),
        (Fault::IgnoresAddresses, "failures_throttle_an_address"),
        (Fault::TruncatesAccountKeys, "accounts_and_addresses_are_counted_separately"),
        (Fault::AdmitsWithoutLock, "concurrent_guesses_admit_no_more_than_sequential_ones"),
        (Fault::AdmitsWithoutLock, "concurrent_guesses_from_one_address_admit_no_more"),
        (Fault::OverloadsInsteadOfWaiting, "concurrent_correct_passwords_are_all_admitted"),
        (Fault::AdmitsInsteadOfOverload, "guess_that_waits_too_long_is_an_overload"),
        (Fault::CountsRefusedGuesses, "refused_guess_reserves_nothing_in_any_counter"),
        (Fault::CountsAbandonedGuesses, "abandoned_guess_does_not_count"),
        (Fault::KeepsReservationsTooLong, "unsettled_guess_becomes_a_failure"),
        (Fault::KeepsFailuresAfterSuccess, "success_resets_only_the_failures_of_its_account"),
        (Fault::ForgetsAllAccounts, "success_resets_only_the_failures_of_its_account"),
        (Fault::ForgetsKnownCallers, "known_caller_is_admitted_while_the_account_is_throttled"),
        (Fault::RefusesFromACache, "known_caller_is_admitted_while_its_address_is_throttled"),
        (Fault::HidesTrust, "known_caller_is_admitted_while_its_address_is_throttled"),
        (Fault::SettlesTrustWithTheRest, "failure_on_trust_counts_only_for_the_known_caller"),
        (Fault::LetsGuessesWaitInLine, "known_caller_does_not_wait_behind_others"),
        (Fault::IgnoresWeights, "costly_guess_counts_by_its_weight"),
        (Fault::NeverForgets, "forget_resets_only_the_given_account"),
        (Fault::ForgetsAllAccounts, "forget_resets_only_the_given_account"),
        (Fault::HasNoLimit, "attempts_pass_up_to_the_limit"),
        (Fault::ReadsBeforeItCounts, "concurrent_attempts_pass_up_to_the_limit"),
        (Fault::NeverRefills, "attempts_pass_again_after_time"),
        (Fault::TruncatesCounterKeys, "counters_are_independent"),
        (Fault::NeverReportsExhausted, "exhausted_counter_is_reported_until_it_refills"),
        (Fault::SettlesAtTheTimeOfTheGuess, "outcomes_are_those_of_the_domain"),
        (Fault::LosesConcurrentSettlements, "concurrent_failures_are_all_counted"),
        (Fault::PurgesEverything, "attempt_during_a_purge_is_counted"),
        (Fault::PurgesEverything, "only_expired_records_are_purged"),
        (Fault::PurgesWithoutLimit, "purge_respects_the_limit"),
    ];
    assert_detected(ATTEMPT_LIMITER_CASES, detected.map(|(fault, case)| (faulty(fault), case)));
}
