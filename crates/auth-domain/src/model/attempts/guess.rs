//! The decision whether a password may be verified.

use super::account::throttled;
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
        let account_policy = &guess.policy.account;
        // A trusted caller bypasses the limit of its address, so that other users at the same address cannot lock the
        // owner out. Its own failures are limited by the account.
        let is_trusted = self.account.trusts(guess.caller, account_policy);
        let limiting = guess.counter.filter(|_| !is_trusted);
        let caller_capacity = limiting.map(|counter| self.bucket.capacity(&counter.rate, now));
        let account_capacity = self.account.capacity(guess.caller, account_policy, now);

        let by_caller = match (limiting, caller_capacity) {
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
            return GuessVerdict::Throttle(throttled);
        }
        if account_capacity == Capacity::Pending || caller_capacity == Some(Capacity::Pending) {
            return GuessVerdict::Wait;
        }
        self.account.reserve(guess.caller, now);
        // The attempt of a trusted caller is reserved in the bucket too. Its failure counts for the address, although
        // the address does not limit it.
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
