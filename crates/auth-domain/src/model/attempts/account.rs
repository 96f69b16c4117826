//! What one account has seen of wrong passwords.

use std::time::Duration;

use super::{AccountPolicy, AttemptPolicy, Capacity, CounterKey, Throttled, take, take_expired};
use crate::model::{Limit, Timestamp};

/// Failures in a row, and guesses of which it is not known yet whether they fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailureStreak {
    /// How many have failed in a row.
    pub failures: u32,
    /// When the last one did.
    pub last_failure_at: Timestamp,
    /// When those that are under way were admitted.
    pub pending: Vec<Timestamp>,
}

impl Default for FailureStreak {
    fn default() -> Self {
        Self { failures: 0, last_failure_at: Timestamp::UNIX_EPOCH, pending: Vec::new() }
    }
}

impl FailureStreak {
    /// Counts guesses of which nobody said what came of them.
    fn expire(&mut self, policy: &AttemptPolicy, now: Timestamp) {
        for at in take_expired(&mut self.pending, policy.reservation, now) {
            self.fail(at);
        }
    }

    fn fail(&mut self, at: Timestamp) {
        self.failures = self.failures.saturating_add(1);
        self.last_failure_at = self.last_failure_at.max(at);
    }

    /// Ends what was reserved `at` that time. What has expired was counted before.
    fn settle(&mut self, at: Timestamp, has_failed: bool, now: Timestamp) {
        if take(&mut self.pending, at) && has_failed {
            self.fail(now);
        }
    }

    /// Whether there is room beside `most`, of which some have failed and some are under way.
    fn is_below(&self, most: u32) -> bool {
        self.failures as usize + self.pending.len() < most as usize
    }

    fn expires_at(&self, policy: &AttemptPolicy) -> Timestamp {
        let last_failure_at = (self.failures > 0).then_some(self.last_failure_at);
        // One that nobody settles becomes a failure.
        let settled_at = self.pending.iter().max().map(|at| at.plus(policy.reservation));
        let last = last_failure_at.max(settled_at);
        last.map_or(Timestamp::UNIX_EPOCH, |at| at.plus(policy.account.failure_retention))
    }
}

/// A place from which the owner of the account has logged in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownCaller {
    /// Which.
    pub caller: CounterKey,
    /// When they last did.
    pub last_login_at: Timestamp,
    /// What failed from there; it stands among those of the account as well.
    pub streak: FailureStreak,
}

/// What one account has seen of wrong passwords. The rules are those of [`AccountPolicy`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountRecord {
    /// All that failed, wherever it came from.
    pub streak: FailureStreak,
    /// The places that the account knows.
    pub known_callers: Vec<KnownCaller>,
}

impl AccountRecord {
    /// From when on this says no more than the record of an account that nobody has ever tried.
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
        if now.since(self.streak.last_failure_at) >= policy.account.failure_retention {
            self.forget_failures();
        }
    }

    /// All at once: were those of a known place forgotten before the others, it could add more and more of them.
    fn forget_failures(&mut self) {
        self.streak.failures = 0;
        self.known_callers.iter_mut().for_each(|known| known.streak.failures = 0);
    }

    /// Whether the account knows `place`, and has not seen too much of it.
    pub(super) fn trusts(&self, caller: Option<CounterKey>, policy: &AccountPolicy) -> bool {
        self.known_caller(caller).is_some_and(|known| known.streak.is_below(policy.max_known_caller_failures))
    }

    /// Whether there is room for a guess from `place`.
    pub(super) fn capacity(
        &self,
        caller: Option<CounterKey>,
        policy: &AccountPolicy,
        now: Timestamp,
    ) -> Capacity {
        if self.trusts(caller, policy) {
            return Capacity::Available;
        }
        let known = self.known_caller(caller);
        match self.unknown_caller_capacity(policy, now) {
            // It depends on those that are under way from the known place.
            Capacity::Exhausted(_)
                if known.is_some_and(|known| known.streak.failures < policy.max_known_caller_failures) =>
            {
                Capacity::Pending
            }
            room => room,
        }
    }

    fn unknown_caller_capacity(&self, policy: &AccountPolicy, now: Timestamp) -> Capacity {
        let FailureStreak { failures, last_failure_at, pending } = &self.streak;
        let closed_for = if *failures < policy.max_unknown_failures() {
            policy.wait_after(*failures)
        } else {
            policy.failure_retention
        };
        // By another node's clock the failure may have yet to come; it makes nobody wait for longer.
        let left = last_failure_at.plus(closed_for).since(now).min(closed_for);
        if !left.is_zero() {
            Capacity::Exhausted(left)
        } else if self.streak.is_below(policy.free_failures) || pending.is_empty() {
            Capacity::Available
        } else {
            Capacity::Pending
        }
    }

    /// Keeps a place for a guess.
    pub(super) fn reserve(&mut self, caller: Option<CounterKey>, now: Timestamp) {
        self.streak.pending.push(now);
        if let Some(known) = self.known_caller_mut(caller) {
            known.streak.pending.push(now);
        }
    }

    /// Ends what was reserved `at` that time.
    pub(super) fn settle(
        &mut self,
        caller: Option<CounterKey>,
        at: Timestamp,
        has_failed: bool,
        now: Timestamp,
    ) {
        self.streak.settle(at, has_failed, now);
        if let Some(known) = self.known_caller_mut(caller) {
            known.streak.settle(at, has_failed, now);
        }
    }

    /// Forgets every failure, and remembers the place.
    pub(super) fn succeed(&mut self, caller: Option<CounterKey>, policy: &AccountPolicy, now: Timestamp) {
        self.forget_failures();
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
        self.known_callers.truncate(policy.max_known_callers as usize);
    }

    fn known_caller(&self, caller: Option<CounterKey>) -> Option<&KnownCaller> {
        self.known_callers.iter().find(|known| Some(known.caller) == caller)
    }

    fn known_caller_mut(&mut self, caller: Option<CounterKey>) -> Option<&mut KnownCaller> {
        self.known_callers.iter_mut().find(|known| Some(known.caller) == caller)
    }
}

/// What to say when an account waits for this long.
pub(super) fn throttled(policy: &AccountPolicy, retry_after: Duration) -> Throttled {
    Throttled { limit: Limit::Account, quota: policy.free_failures, window: None, retry_after }
}
