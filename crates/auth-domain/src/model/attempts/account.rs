//! The record of failed passwords for one account.

use std::time::Duration;

use super::{AccountPolicy, AttemptPolicy, Capacity, CounterKey, Reservation, Throttled, take, take_expired};
use crate::model::{Limit, Timestamp};

/// A series of consecutive failures, and the guesses whose outcome is pending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailureStreak {
    /// The number of consecutive failures.
    pub failures: u32,
    /// The time of the last failure.
    pub last_failure_at: Timestamp,
    /// The admission times of the pending guesses.
    pub pending: Vec<Timestamp>,
}

impl Default for FailureStreak {
    fn default() -> Self {
        Self { failures: 0, last_failure_at: Timestamp::UNIX_EPOCH, pending: Vec::new() }
    }
}

impl FailureStreak {
    /// Counts expired reservations as failures.
    fn expire(&mut self, policy: &AttemptPolicy, now: Timestamp) {
        for at in take_expired(&mut self.pending, policy.reservation, now) {
            self.fail(at);
        }
    }

    fn fail(&mut self, at: Timestamp) {
        self.failures = self.failures.saturating_add(1);
        self.last_failure_at = self.last_failure_at.max(at);
    }

    /// Removes the reservation made at `at`, and counts a failure if the guess failed. A reservation that has expired
    /// was counted already.
    fn settle(&mut self, at: Timestamp, has_failed: bool, now: Timestamp) {
        if take(&mut self.pending, at) && has_failed {
            self.fail(now);
        }
    }

    /// Returns whether failures and pending guesses together are fewer than `max`.
    fn is_below(&self, max: u32) -> bool {
        self.failures as usize + self.pending.len() < max as usize
    }

    fn expires_at(&self, policy: &AttemptPolicy) -> Timestamp {
        let last_failure_at = (self.failures > 0).then_some(self.last_failure_at);
        // A pending guess that is never settled becomes a failure when its reservation expires.
        let settled_at = self.pending.iter().max().map(|at| at.plus(policy.reservation));
        let last = last_failure_at.max(settled_at);
        last.map_or(Timestamp::UNIX_EPOCH, |at| at.plus(policy.account.failure_retention))
    }
}

/// Whether a known caller may make a guess that the other rules refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    /// The guess may be verified.
    Available,
    /// The guess may be verified if a pending one of the caller succeeds.
    Pending,
}

/// A caller from which the owner of the account has logged in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownCaller {
    /// The key of the caller.
    pub caller: CounterKey,
    /// The time of the last successful login.
    pub last_login_at: Timestamp,
    /// The failures from this caller, on trust and otherwise.
    pub streak: FailureStreak,
}

/// The failures of one account and its known callers. [`AccountPolicy`] defines the rules.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountRecord {
    /// The failures from all callers, except for those on trust.
    pub streak: FailureStreak,
    /// The callers from which the owner has logged in, most recent login first.
    pub known_callers: Vec<KnownCaller>,
}

impl AccountRecord {
    /// Returns when the record expires, that is, when it equals the default record.
    #[must_use]
    pub fn expires_at(&self, policy: &AttemptPolicy) -> Timestamp {
        let known = self
            .known_callers
            .iter()
            .map(|known| known.last_login_at.plus(policy.account.known_caller_retention))
            .max();
        self.streak.expires_at(policy).max(known.unwrap_or(Timestamp::UNIX_EPOCH))
    }

    pub(super) fn expire(&mut self, policy: &AttemptPolicy, now: Timestamp) {
        self.known_callers
            .retain(|known| now.since(known.last_login_at) < policy.account.known_caller_retention);
        self.streak.expire(policy, now);
        self.known_callers.iter_mut().for_each(|known| known.streak.expire(policy, now));
        if now.since(self.last_failure_at()) >= policy.account.failure_retention {
            self.reset_failures();
        }
    }

    /// Returns the time of the last failure, on trust or otherwise.
    fn last_failure_at(&self) -> Timestamp {
        let of_known = self.known_callers.iter().map(|known| known.streak.last_failure_at);
        of_known.fold(self.streak.last_failure_at, Ord::max)
    }

    /// Resets all streaks together. If the streak of a known caller were reset before that of the account, that caller
    /// could add failures to the account without end.
    fn reset_failures(&mut self) {
        self.streak.failures = 0;
        self.known_callers.iter_mut().for_each(|known| known.streak.failures = 0);
    }

    /// Returns whether a guess from `caller` may be verified although the other rules refuse it. `None` for a caller that
    /// is unknown, or has used up its own limit of failures.
    pub(super) fn trust(
        &self,
        caller: Option<CounterKey>,
        policy: &AttemptPolicy,
        now: Timestamp,
    ) -> Option<Trust> {
        let FailureStreak { failures, pending, .. } = &self.known_caller(caller)?.streak;
        let left =
            policy.account.max_known_caller_failures.checked_sub(*failures).filter(|left| *left > 0)?;
        if pending.len() < left as usize {
            return Some(Trust::Available);
        }
        // The caller is full only because of its pending guesses. If one of them succeeds, the caller is trusted again.
        // The wait for it ends well before the time of a refusal, because an unknown caller does not wait.
        let newest = pending.iter().max()?;
        (newest.plus(policy.refusal_time / 2) > now).then_some(Trust::Pending)
    }

    /// Returns whether the account has capacity for a guess from an unknown caller.
    pub(super) fn capacity(&self, policy: &AccountPolicy, now: Timestamp) -> Capacity {
        let FailureStreak { failures, last_failure_at, pending } = &self.streak;
        // Another node's clock may be ahead, so the failure may lie in the future. The wait is capped so that a clock
        // difference does not extend it.
        let remaining = |from: Timestamp, wait: Duration| from.plus(wait).since(now).min(wait);
        let remaining = if *failures < policy.max_unknown_failures() {
            remaining(*last_failure_at, policy.wait_after(*failures))
        } else {
            // The failures are reset together, after a day without one of either kind. What a failure on trust adds to the
            // wait is not visible before that of the others is over.
            let [of_others, of_any] = [*last_failure_at, self.last_failure_at()]
                .map(|from| remaining(from, policy.failure_retention));
            if of_others.is_zero() { of_any } else { of_others }
        };
        if !remaining.is_zero() {
            Capacity::Exhausted(remaining)
        } else if self.streak.is_below(policy.free_failures) || pending.is_empty() {
            // Without a wait, pending guesses may run in parallel only as far as all of them could fail for free. Beyond
            // that, one guess at a time: each failure starts a wait that the next guess must respect.
            Capacity::Available
        } else {
            Capacity::Pending
        }
    }

    /// Reserves an attempt for a guess, in the streak of the known caller, and unless it is made on trust in that of the
    /// account.
    pub(super) fn reserve(&mut self, caller: Option<CounterKey>, reservation: Reservation) {
        if !reservation.on_trust {
            self.streak.pending.push(reservation.at);
        }
        if let Some(known) = self.known_caller_mut(caller) {
            known.streak.pending.push(reservation.at);
        }
    }

    /// Removes a reservation, and counts a failure if the guess failed.
    pub(super) fn settle(
        &mut self,
        caller: Option<CounterKey>,
        reservation: Reservation,
        has_failed: bool,
        now: Timestamp,
    ) {
        if !reservation.on_trust {
            self.streak.settle(reservation.at, has_failed, now);
        }
        if let Some(known) = self.known_caller_mut(caller) {
            known.streak.settle(reservation.at, has_failed, now);
        }
    }

    /// Resets all failures and remembers the caller.
    pub(super) fn succeed(&mut self, caller: Option<CounterKey>, policy: &AccountPolicy, now: Timestamp) {
        self.reset_failures();
        let Some(caller) = caller else { return };
        match self.known_caller_mut(Some(caller)) {
            Some(known) => known.last_login_at = known.last_login_at.max(now),
            None => self.known_callers.push(KnownCaller {
                caller,
                last_login_at: now,
                streak: FailureStreak::default(),
            }),
        }
        self.known_callers.sort_by_key(|known| std::cmp::Reverse(known.last_login_at));
        // Each known caller may add failures of its own, so their number is limited. The oldest ones are dropped.
        self.known_callers.truncate(policy.max_known_callers as usize);
    }

    fn known_caller(&self, caller: Option<CounterKey>) -> Option<&KnownCaller> {
        self.known_callers.iter().find(|known| Some(known.caller) == caller)
    }

    fn known_caller_mut(&mut self, caller: Option<CounterKey>) -> Option<&mut KnownCaller> {
        self.known_callers.iter_mut().find(|known| Some(known.caller) == caller)
    }
}

/// Builds the answer for an account that waits for `retry_after`.
pub(super) fn throttled(policy: &AccountPolicy, retry_after: Duration) -> Throttled {
    Throttled { limit: Limit::Account, quota: policy.free_failures, window: None, retry_after }
}
