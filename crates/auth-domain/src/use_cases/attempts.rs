//! The limits on attempts, as the use cases apply them.

use thiserror::Error;

use crate::Auth;
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

/// The right to verify one password. It must be [settled](Auth::settle) with the outcome.
pub(super) struct AttemptPermit {
    guess: Guess,
    reservation: Reservation,
}

impl Auth {
    /// Admits an attempt to verify a password of `account`.
    pub(super) async fn admit(&self, account: CounterKey) -> Result<AttemptPermit, AttemptError> {
        let counter = self.counter(Limit::LogIns);
        // All logins of a program share one counter. Reserving an attempt there would serialise them on one lock.
        // Failures are therefore counted afterwards (see `settle`), and only an exhausted counter denies the attempt
        // here.
        if self.caller.api_key.is_some() {
            self.check_exhausted(Limit::LogIns)?;
        }
        let guess = Guess {
            account,
            caller: self.caller_key(),
            counter: counter.filter(|_| self.caller.api_key.is_none()),
            now: self.ports.clock.now(),
            policy: self.policy.attempts.clone(),
        };
        match self.ports.attempts.admit(&guess).await? {
            AdmitOutcome::Admitted(reservation) => Ok(AttemptPermit { guess, reservation }),
            AdmitOutcome::Throttled(throttled) => Err(self.throttled(throttled)),
        }
    }

    /// Records the outcome of an admitted attempt.
    pub(super) async fn settle(&self, permit: AttemptPermit, outcome: GuessOutcome) -> Result<(), PortError> {
        let now = self.ports.clock.now();
        self.ports.attempts.settle(&permit.guess, permit.reservation, outcome, now).await?;
        if outcome == GuessOutcome::Failed && self.caller.api_key.is_some() {
            self.count_failure(Limit::LogIns).await?;
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

    /// Counts a failed attempt of the caller. Returns [`Throttled`] when the limit was exhausted already.
    pub(super) async fn count_failure(&self, limit: Limit) -> Result<Option<Throttled>, PortError> {
        match self.counter(limit) {
            Some(counter) => self.ports.attempts.count(&counter, self.ports.clock.now()).await,
            None => Ok(None),
        }
    }

    /// Denies an attempt when the limit is known to be exhausted, without a query.
    pub(super) fn check_exhausted(&self, limit: Limit) -> Result<(), AttemptError> {
        let exhausted = self
            .counter(limit)
            .and_then(|counter| self.ports.attempts.exhausted(&counter, self.ports.clock.now()));
        exhausted.map_or(Ok(()), |throttled| Err(self.throttled(throttled)))
    }

    /// Deletes the attempt record of an account.
    pub(super) async fn forget_attempts(&self, user: UserId) {
        // An error is ignored: the password or the status has been changed already, and the wait of the account ends on
        // its own.
        let _ = self.ports.attempts.forget(CounterKey::of_user(user)).await;
    }

    fn throttled(&self, throttled: Throttled) -> AttemptError {
        let denied = AuditEntry::denied(AuditAction::AttemptLimited, DenialReason::TooManyAttempts);
        self.audit(denied.detail(throttled.limit));
        AttemptError::Throttled(throttled)
    }

    /// The key by which the caller is counted, and by which it shares the queue of the hasher.
    pub(super) fn caller_key(&self) -> Option<CounterKey> {
        CounterKey::of_caller(&self.caller)
    }

    fn counter(&self, limit: Limit) -> Option<Counter> {
        Counter::of(&self.caller, limit, &self.policy.attempts)
    }
}
