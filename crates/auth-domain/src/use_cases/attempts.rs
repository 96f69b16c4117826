//! The limits on attempts, as the use cases apply them.

use std::num::NonZeroU32;

use thiserror::Error;

use crate::UseCases;
use crate::model::{
    AuditAction, Counter, CounterKey, DenialReason, Guess, GuessOutcome, Limit, Reservation, Throttled,
    UserId,
};
use crate::ports::{AdmitOutcome, PortError};

use super::audit_entry::AuditEntry;

/// An attempt was not admitted.
#[derive(Debug, Error)]
pub(super) enum AttemptError {
    /// Too many attempts came before.
    #[error("too many attempts")]
    Throttled(Throttled),
    /// A port failed.
    #[error(transparent)]
    Port(#[from] PortError),
}

/// The right to verify one password. It must be [settled](UseCases::settle) with the outcome.
pub(super) struct AttemptPermit {
    guess: Guess,
    reservation: Reservation,
}

impl AttemptPermit {
    /// Whether the attempt was admitted only because the account knows the caller. A wrong password must then be answered
    /// as one of an unknown caller.
    pub(super) fn is_on_trust(&self) -> bool {
        self.reservation.on_trust
    }
}

impl UseCases {
    /// Admits an attempt to verify a password of `account`. A failure takes `weight` tokens of the address.
    pub(super) async fn admit(
        &self,
        account: CounterKey,
        weight: NonZeroU32,
    ) -> Result<AttemptPermit, AttemptError> {
        // All logins of a program share one counter. Reserving an attempt there would serialise them on one lock.
        // Failures are therefore counted afterwards (see `settle`), and only an exhausted counter denies the attempt
        // here. The limit of a key applies to known callers too: it stops a stolen key.
        self.check_exhausted_counter(self.counter_of_key(Limit::LogIns))?;
        self.reserve(Guess {
            account,
            caller: self.known_key(),
            counter: self.counter_of_address(Limit::LogIns),
            weight,
            now: self.core.ports.clock.now(),
            policy: self.core.policy.attempts.clone(),
        })
        .await
    }

    /// Admits the attempt of `permit` once more, as one of a caller that the account does not know.
    pub(super) async fn admit_as_unknown(
        &self,
        permit: AttemptPermit,
    ) -> Result<AttemptPermit, AttemptError> {
        self.reserve(Guess { caller: None, ..permit.guess }).await
    }

    async fn reserve(&self, guess: Guess) -> Result<AttemptPermit, AttemptError> {
        match self.core.ports.attempts.admit(&guess).await? {
            AdmitOutcome::Admitted(reservation) => Ok(AttemptPermit { guess, reservation }),
            AdmitOutcome::Throttled(throttled) => Err(self.throttled(throttled)),
        }
    }

    /// Records the outcome of an admitted attempt.
    pub(super) async fn settle(
        &self,
        permit: &AttemptPermit,
        outcome: GuessOutcome,
    ) -> Result<(), PortError> {
        let now = self.core.ports.clock.now();
        self.core.ports.attempts.settle(&permit.guess, permit.reservation, outcome, now).await?;
        if let (GuessOutcome::Failed, Some(counter)) = (outcome, self.counter_of_key(Limit::LogIns)) {
            self.core.ports.attempts.count(&counter, now).await?;
        }
        Ok(())
    }

    /// Counts an attempt of the caller in advance, or denies it when the limit is exhausted.
    pub(super) async fn count(&self, limit: Limit) -> Result<(), AttemptError> {
        match self.count_failure(limit).await? {
            Some(throttled) => Err(self.throttled(throttled)),
            None => Ok(()),
        }
    }

    /// Counts a failed attempt of the caller, by its address and by its key. Returns [`Throttled`] when one of the limits
    /// was exhausted already.
    pub(super) async fn count_failure(&self, limit: Limit) -> Result<Option<Throttled>, PortError> {
        let now = self.core.ports.clock.now();
        for counter in self.counters(limit) {
            let throttled = self.core.ports.attempts.count(&counter, now).await?;
            if throttled.is_some() {
                return Ok(throttled);
            }
        }
        Ok(None)
    }

    /// Denies an attempt when one of the limits is known to be exhausted, without a query.
    pub(super) fn check_exhausted(&self, limit: Limit) -> Result<(), AttemptError> {
        self.counters(limit).try_for_each(|counter| self.check_exhausted_counter(Some(counter)))
    }

    fn check_exhausted_counter(&self, counter: Option<Counter>) -> Result<(), AttemptError> {
        let now = self.core.ports.clock.now();
        let exhausted = counter.and_then(|counter| self.core.ports.attempts.exhausted(&counter, now));
        exhausted.map_or(Ok(()), |throttled| Err(self.throttled(throttled)))
    }

    /// Deletes the attempt record of an account.
    pub(super) async fn forget_attempts(&self, user: UserId) {
        // An error is ignored: the password or the status has been changed already, and the wait of the account ends on
        // its own.
        let _ = self.core.ports.attempts.forget(CounterKey::of_user(user)).await;
    }

    fn throttled(&self, throttled: Throttled) -> AttemptError {
        let denied = AuditEntry::denied(AuditAction::AttemptLimited, DenialReason::TooManyAttempts);
        self.audit(denied.detail(throttled.limit));
        AttemptError::Throttled(throttled)
    }

    /// The key by which the caller is counted, and by which it shares the queue of the hasher. `None` for the system.
    pub(super) fn caller_key(&self) -> Option<CounterKey> {
        self.actor.caller().map(CounterKey::of_caller)
    }

    /// The key by which an account may know the caller. `None` for callers that share one counter: the login of one must
    /// not make all of them known.
    fn known_key(&self) -> Option<CounterKey> {
        self.actor.caller().filter(|caller| caller.is_identified()).map(CounterKey::of_caller)
    }

    fn counters(&self, limit: Limit) -> impl Iterator<Item = Counter> {
        // The address comes first: what it refuses must not use up the limit of the key, which all end users share.
        [self.counter_of_address(limit), self.counter_of_key(limit)].into_iter().flatten()
    }

    fn counter_of_key(&self, limit: Limit) -> Option<Counter> {
        Counter::of_api_key(self.actor.caller()?, limit, &self.core.policy.attempts)
    }

    fn counter_of_address(&self, limit: Limit) -> Option<Counter> {
        Counter::of_address(self.actor.caller()?, limit, &self.core.policy.attempts)
    }
}
