//! The decision whether a password may be verified.

use std::num::NonZeroU32;

use super::account::{Trust, throttled};
use super::{AccountRecord, AttemptPolicy, Bucket, Capacity, Counter, CounterKey, Throttled};
use crate::model::Timestamp;

/// One password attempt as the limits see it, with everything the decision needs.
#[derive(Clone, Debug)]
pub struct Guess {
    /// The account, whether or not the user exists.
    pub account: CounterKey,
    /// The caller, if known. The account may know it from a successful login.
    pub caller: Option<CounterKey>,
    /// The counter of the caller's failures. `None` when no such limit applies.
    pub counter: Option<Counter>,
    /// The tokens that a failure takes from this counter: the cost of the verification in ordinary hashes, rounded up. One
    /// token is enough to be admitted, so that the limit does not reveal the cost beforehand.
    pub weight: NonZeroU32,
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
    /// Whether the guess was admitted only because the account knows the caller. If it fails, the answer MUST be that of an
    /// unknown caller.
    pub on_trust: bool,
}

impl Reservation {
    /// Creates a reservation that counts in every counter.
    #[must_use]
    pub const fn new(at: Timestamp) -> Self {
        Self { at, on_trust: false }
    }
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
    /// Decides whether the password may be verified at `now`, and if so reserves an attempt, in all counters or in none.
    ///
    /// At most as many guesses are pending as may still fail. Concurrent guesses therefore never exceed what sequential
    /// guesses could try. A caller that the account knows is admitted on trust where another one is not. Other callers
    /// cannot lock the owner out, neither at the same address nor elsewhere.
    pub fn admit(&mut self, guess: &Guess, now: Timestamp) -> GuessVerdict {
        self.expire(guess, now);
        let verdict = self.judge_unknown_caller(guess, now);
        let reservation = match (verdict, self.account.trust(guess.caller, &guess.policy, now)) {
            (GuessVerdict::Admit(reservation), _) => reservation,
            (_, Some(Trust::Available)) => Reservation { at: now, on_trust: true },
            (_, Some(Trust::Pending)) => return GuessVerdict::Wait,
            (refused, None) => return refused,
        };
        self.account.reserve(guess.caller, reservation);
        if let Some(counter) = guess.counter.filter(|_| !reservation.on_trust) {
            self.bucket.reserve(&counter.rate, guess.weight, now);
        }
        GuessVerdict::Admit(reservation)
    }

    /// Returns the verdict on a caller that the account does not know. Reserves nothing.
    fn judge_unknown_caller(&self, guess: &Guess, now: Timestamp) -> GuessVerdict {
        let account_policy = &guess.policy.account;
        let caller_capacity = guess.counter.map(|counter| self.bucket.capacity(&counter.rate, now));
        let account_capacity = self.account.capacity(account_policy, now);

        let by_caller = match (guess.counter, caller_capacity) {
            (Some(counter), Some(Capacity::Exhausted(wait))) => Some(counter.throttled(wait)),
            _ => None,
        };
        let by_account = match account_capacity {
            Capacity::Exhausted(wait) => Some(throttled(account_policy, wait)),
            _ => None,
        };
        // The longer wait is reported, so that a client that waits for it is not denied again by the other limit.
        let longest = by_caller.into_iter().chain(by_account).max_by_key(|throttled| throttled.retry_after);
        if let Some(throttled) = longest {
            GuessVerdict::Throttle(throttled)
        } else if account_capacity == Capacity::Pending || caller_capacity == Some(Capacity::Pending) {
            GuessVerdict::Wait
        } else {
            GuessVerdict::Admit(Reservation::new(now))
        }
    }

    /// Records the outcome of an admitted guess.
    pub fn settle(&mut self, guess: &Guess, reservation: Reservation, outcome: GuessOutcome, now: Timestamp) {
        self.expire(guess, now);
        let has_failed = outcome == GuessOutcome::Failed;
        if let Some(counter) = guess.counter.filter(|_| !reservation.on_trust) {
            self.bucket.settle(&counter.rate, guess.weight, reservation.at, has_failed, now);
        }
        self.account.settle(guess.caller, reservation, has_failed, now);
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
