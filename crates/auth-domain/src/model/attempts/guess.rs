//! A guess at a password, and the judgement over it.

use super::account::throttled;
use super::{AccountRecord, AttemptPolicy, Bucket, Capacity, Counter, CounterKey, Throttled};
use crate::model::Timestamp;

/// Somebody who is about to try a password, with all that the judgement needs.
#[derive(Clone, Debug)]
pub struct Guess {
    /// The account, whether there is one or not.
    pub account: CounterKey,
    /// Where the guess comes from, if that is known: the account may know the place.
    pub caller: Option<CounterKey>,
    /// What the place has failed; `None` where that does not limit it.
    pub counter: Option<Counter>,
    /// When.
    pub now: Timestamp,
    /// The limits.
    pub policy: AttemptPolicy,
}

/// A place that is kept for a guess until it is known what came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reservation {
    /// When it was taken. Two that were taken at the same time are as good as each other.
    pub at: Timestamp,
}

/// What came of a guess.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GuessOutcome {
    /// It was the password.
    Succeeded,
    /// It was not.
    Failed,
    /// Nobody knows: a port failed before it was tried. It counts for nothing.
    Abandoned,
}

/// The judgement over a guess.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GuessVerdict {
    /// The password may be tried; a place is kept in each counter.
    Admit(Reservation),
    /// It depends on guesses that are under way: ask again in a moment. Nothing is kept.
    Wait,
    /// There were too many failures. Nothing is kept.
    Throttle(Throttled),
}

/// The records of the counters that a guess concerns, read under a lock. What was never written is the default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GuessRecords {
    /// What the place has failed; not looked at when the guess has no counter.
    pub bucket: Bucket,
    /// What the account has seen.
    pub account: AccountRecord,
}

impl GuessRecords {
    /// Decides whether the password may be tried `now`, and keeps a place if so: in both counters or in none. As many
    /// guesses are under way at a time as may still fail, so that however many come at once, no more are tried than
    /// would have been one after the other. Whom the account trusts is tried whatever others at the same place have
    /// failed.
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

    /// Notes what came of a guess that was admitted, `now`.
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
