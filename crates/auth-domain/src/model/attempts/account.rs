//! What one account has seen of wrong passwords.

use std::time::Duration;

use super::{CounterKey, Room, Throttled, take, take_expired};
use crate::model::{Limit, Timestamp};
use crate::policy::{AccountPolicy, AttemptPolicy};

/// Failures in a row, and guesses of which it is not known yet whether they fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailureStreak {
    /// How many have failed in a row.
    pub failures: u32,
    /// When the last one did.
    pub last_failure_at: Timestamp,
    /// When those that are under way were admitted.
    pub under_way: Vec<Timestamp>,
}

impl Default for FailureStreak {
    fn default() -> Self {
        Self { failures: 0, last_failure_at: Timestamp::UNIX_EPOCH, under_way: Vec::new() }
    }
}

impl FailureStreak {
    /// Counts guesses of which nobody said what came of them.
    fn expire(&mut self, policy: &AttemptPolicy, now: Timestamp) {
        for at in take_expired(&mut self.under_way, policy.reservation, now) {
            self.fail(at);
        }
    }

    fn fail(&mut self, at: Timestamp) {
        self.failures = self.failures.saturating_add(1);
        self.last_failure_at = self.last_failure_at.max(at);
    }

    /// Ends what was reserved `at` that time. What has expired was counted before.
    fn settle(&mut self, at: Timestamp, has_failed: bool, now: Timestamp) {
        if take(&mut self.under_way, at) && has_failed {
            self.fail(now);
        }
    }

    /// Whether there is room beside `most`, of which some have failed and some are under way.
    fn room_below(&self, most: u32) -> bool {
        self.failures as usize + self.under_way.len() < most as usize
    }

    fn expires_at(&self, policy: &AttemptPolicy) -> Timestamp {
        let last_failure_at = (self.failures > 0).then_some(self.last_failure_at);
        // One that nobody settles becomes a failure.
        let settled_at = self.under_way.iter().max().map(|at| at.plus(policy.reservation));
        let last = last_failure_at.max(settled_at);
        last.map_or(Timestamp::UNIX_EPOCH, |at| at.plus(policy.account.forget_after))
    }
}

/// A place from which the owner of the account has logged in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownCaller {
    /// Which.
    pub caller: CounterKey,
    /// When they last did.
    pub seen_at: Timestamp,
    /// What failed from there; it stands among those of the account as well.
    pub tries: FailureStreak,
}

/// What one account has seen of wrong passwords. The rules are those of [`AccountPolicy`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountRecord {
    /// All that failed, wherever it came from.
    pub tries: FailureStreak,
    /// The places that the account knows.
    pub known: Vec<KnownCaller>,
}

impl AccountRecord {
    /// From when on this says no more than the record of an account that nobody has ever tried.
    #[must_use]
    pub fn expires_at(&self, policy: &AttemptPolicy) -> Timestamp {
        let known = self.known.iter().map(|known| known.seen_at.plus(policy.account.know_for)).max();
        self.tries.expires_at(policy).max(known.unwrap_or(Timestamp::UNIX_EPOCH))
    }

    pub(super) fn expire(&mut self, policy: &AttemptPolicy, now: Timestamp) {
        self.known.retain(|known| now.since(known.seen_at) < policy.account.know_for);
        self.tries.expire(policy, now);
        self.known.iter_mut().for_each(|known| known.tries.expire(policy, now));
        if now.since(self.tries.last_failure_at) >= policy.account.forget_after {
            self.forget_failures();
        }
    }

    /// All at once: were those of a known place forgotten before the others, it could add more and more of them.
    fn forget_failures(&mut self) {
        self.tries.failures = 0;
        self.known.iter_mut().for_each(|known| known.tries.failures = 0);
    }

    /// Whether the account knows `place`, and has not seen too much of it.
    pub(super) fn trusts(&self, caller: Option<CounterKey>, policy: &AccountPolicy) -> bool {
        self.known(caller).is_some_and(|known| known.tries.room_below(policy.known_failures))
    }

    /// Whether there is room for a guess from `place`.
    pub(super) fn room(&self, caller: Option<CounterKey>, policy: &AccountPolicy, now: Timestamp) -> Room {
        if self.trusts(caller, policy) {
            return Room::Free;
        }
        let known = self.known(caller);
        match self.room_from_anywhere(policy, now) {
            // It depends on those that are under way from the known place.
            Room::None(_) if known.is_some_and(|known| known.tries.failures < policy.known_failures) => {
                Room::UnderWay
            }
            room => room,
        }
    }

    fn room_from_anywhere(&self, policy: &AccountPolicy, now: Timestamp) -> Room {
        let FailureStreak { failures, last_failure_at, under_way } = &self.tries;
        let closed_for = if *failures < policy.most_from_anywhere() {
            policy.wait_after(*failures)
        } else {
            policy.forget_after
        };
        // By another node's clock the failure may have yet to come; it makes nobody wait for longer.
        let left = last_failure_at.plus(closed_for).since(now).min(closed_for);
        if !left.is_zero() {
            Room::None(left)
        } else if self.tries.room_below(policy.free) || under_way.is_empty() {
            Room::Free
        } else {
            Room::UnderWay
        }
    }

    /// Keeps a place for a guess.
    pub(super) fn reserve(&mut self, caller: Option<CounterKey>, now: Timestamp) {
        self.tries.under_way.push(now);
        if let Some(known) = self.find(caller) {
            known.tries.under_way.push(now);
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
        self.tries.settle(at, has_failed, now);
        if let Some(known) = self.find(caller) {
            known.tries.settle(at, has_failed, now);
        }
    }

    /// Forgets every failure, and remembers the place.
    pub(super) fn succeed(&mut self, caller: Option<CounterKey>, policy: &AccountPolicy, now: Timestamp) {
        self.forget_failures();
        let Some(caller) = caller else { return };
        match self.find(Some(caller)) {
            Some(known) => known.seen_at = known.seen_at.max(now),
            None => self.known.push(KnownCaller { caller, seen_at: now, tries: FailureStreak::default() }),
        }
        self.known.sort_by_key(|known| std::cmp::Reverse(known.seen_at));
        self.known.truncate(policy.known_places as usize);
    }

    fn known(&self, caller: Option<CounterKey>) -> Option<&KnownCaller> {
        self.known.iter().find(|known| Some(known.caller) == caller)
    }

    fn find(&mut self, caller: Option<CounterKey>) -> Option<&mut KnownCaller> {
        self.known.iter_mut().find(|known| Some(known.caller) == caller)
    }
}

/// What to say when an account waits for this long.
pub(super) fn throttled(policy: &AccountPolicy, retry_after: Duration) -> Throttled {
    Throttled { limit: Limit::Account, quota: policy.free, window: None, retry_after }
}
