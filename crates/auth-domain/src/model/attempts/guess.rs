//! The decision whether a password may be verified.

use super::account::throttled;
use super::{AccountRecord, AttemptPolicy, Bucket, Capacity, Counter, CounterKey, Throttled};
use crate::model::Timestamp;

/// One password attempt as the limits see it, with everything the decision needs.
#[derive(Clone, Debug)]
pub struct Guess {
    /// The account, whether or not the user exists.
    pub account: CounterKey,
    /// The caller, if known. The account may know it from a successful log-in.
    pub caller: Option<CounterKey>,
    /// The counter of the caller's failures. `None` when no such limit applies.
    pub counter: Option<Counter>,
    /// The time of the attempt.
    pub now: Timestamp,
    /// The limits.
    pub policy: AttemptPolicy,
}

/// An attempt that counts until its outcome is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reservation {
    /// The time of admission. Reservations of the same time are interchangeable.
    pub at: Timestamp,
}

/// The outcome of a guess.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GuessOutcome {
    /// The password matched.
    Succeeded,
    /// The password did not match.
    Failed,
    /// The outcome is unknown because a port failed first. It is not counted.
    Abandoned,
}

/// The decision about a guess.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GuessVerdict {
    /// The password may be verified. An attempt is reserved in each counter.
    Admit(Reservation),
    /// The decision depends on pending guesses: ask again shortly. Nothing is reserved.
    Wait,
    /// Too many guesses have failed. Nothing is reserved.
    Throttle(Throttled),
}

/// The records of the counters that a guess concerns, read under a lock. A counter that was never written is the
/// default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GuessRecords {
    /// The failures of the caller. Ignored when the guess has no counter.
    pub bucket: Bucket,
    /// The failures of the account.
    pub account: AccountRecord,
}

impl GuessRecords {
    /// Decides whether the password may be verified at `now`, and if so reserves an attempt, in both counters or in
    /// none.
    ///
    /// At most as many guesses are pending as may still fail. Concurrent guesses therefore never exceed what sequential
    /// guesses could try. A caller that the account trusts is admitted regardless of what other users at the same
    /// address have failed.
    pub fn admit(&mut self, guess: &Guess, now: Timestamp) -> GuessVerdict {
        self.expire(guess, now);
        let is_welcome = self.account.trusts(guess.caller, &guess.policy.account);
        let limiting = guess.counter.filter(|_| !is_welcome);
        let of_caller = limiting.map(|counter| (counter, self.bucket.capacity(&counter.rate, now)));
        let refused_by_place = match of_caller {
            Some((counter, Capacity::Exhausted(retry_after))) => Some(counter.throttled(retry_after)),
            _ => None,
        };
        let of_account = self.account.capacity(guess.caller, &guess.policy.account, now);
        let refused_by_account = match of_account {
            Capacity::Exhausted(retry_after) => Some(throttled(&guess.policy.account, retry_after)),
            _ => None,
        };
        let refused = refused_by_place.into_iter().chain(refused_by_account);
        if let Some(longest) = refused.max_by_key(|throttled| throttled.retry_after) {
            return GuessVerdict::Throttle(longest);
        }
        if of_account == Capacity::Pending || of_caller.is_some_and(|(_, room)| room == Capacity::Pending) {
            return GuessVerdict::Wait;
        }
        self.account.reserve(guess.caller, now);
        if guess.counter.is_some() {
            self.bucket.reserve(now);
        }
        GuessVerdict::Admit(Reservation { at: now })
    }

    /// Records the outcome of an admitted guess.
    pub fn settle(&mut self, guess: &Guess, reservation: Reservation, outcome: GuessOutcome, now: Timestamp) {
        self.expire(guess, now);
        let has_failed = outcome == GuessOutcome::Failed;
        if let Some(counter) = &guess.counter {
            self.bucket.settle(&counter.rate, reservation.at, has_failed, now);
        }
        self.account.settle(guess.caller, reservation.at, has_failed, now);
        if outcome == GuessOutcome::Succeeded {
            self.account.succeed(guess.caller, &guess.policy.account, now);
        }
    }

    fn expire(&mut self, guess: &Guess, now: Timestamp) {
        if let Some(counter) = &guess.counter {
            self.bucket.expire(&counter.rate, guess.policy.reservation, now);
        }
        self.account.expire(&guess.policy, now);
    }
}

#[cfg(test)]
mod tests;
