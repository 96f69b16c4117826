//! Limits on attempts, as the use cases ask for them.

use thiserror::Error;

use crate::Auth;
use crate::model::{
    AuditAction, Counter, CounterKey, DenialReason, Guess, GuessOutcome, Limit, Reservation, Throttled,
    UserId,
};
use crate::ports::{AdmitOutcome, PortError};

use super::audit_entry::AuditEntry;

/// Why an attempt was not let through.
#[derive(Debug, Error)]
pub(super) enum AttemptError {
    /// There were too many before it.
    #[error("too many attempts")]
    Throttled(Throttled),
    /// A port failed.
    #[error(transparent)]
    Port(#[from] PortError),
}

/// AttemptPermit to try one password.
pub(super) struct AttemptPermit {
    guess: Guess,
    reservation: Reservation,
}

impl Auth {
    /// Asks for permit to try a password of `account`. What came of it has to be [settled](Self::settle).
    pub(super) async fn admit(&self, account: CounterKey) -> Result<AttemptPermit, AttemptError> {
        let counter = self.counter(Limit::LogIns);
        if self.caller.api_key.is_some() {
            self.check_exhausted(Limit::LogIns)?;
        }
        let guess = Guess {
            account,
            caller: CounterKey::of_caller(&self.caller),
            counter: counter.filter(|_| self.caller.api_key.is_none()),
            now: self.ports.clock.now(),
            policy: self.policy.attempts.clone(),
        };
        match self.ports.attempts.admit(&guess).await? {
            AdmitOutcome::Admitted(reservation) => Ok(AttemptPermit { guess, reservation }),
            AdmitOutcome::Throttled(throttled) => Err(self.throttled(throttled)),
        }
    }

    /// Notes what came of it.
    ///
    /// A program's failures are counted when they have happened, and nothing is kept free for them before: all its
    /// users' log-ins would have to queue for that one counter.
    pub(super) async fn settle(&self, permit: AttemptPermit, outcome: GuessOutcome) -> Result<(), PortError> {
        let now = self.ports.clock.now();
        self.ports.attempts.settle(&permit.guess, permit.reservation, outcome, now).await?;
        if outcome == GuessOutcome::Failed && self.caller.api_key.is_some() {
            self.count_failure(Limit::LogIns).await?;
        }
        Ok(())
    }

    /// Counts an attempt of the caller's place before it is made, if there is room for it.
    pub(super) async fn count(&self, limit: Limit) -> Result<(), AttemptError> {
        match self.count_failure(limit).await? {
            Some(throttled) => Err(self.throttled(throttled)),
            None => Ok(()),
        }
    }

    /// Counts an attempt of the caller's place that has failed; what to say if there was no room for it any more.
    pub(super) async fn count_failure(&self, limit: Limit) -> Result<Option<Throttled>, PortError> {
        match self.counter(limit) {
            Some(counter) => self.ports.attempts.count(&counter, self.ports.clock.now()).await,
            None => Ok(None),
        }
    }

    /// Refuses an attempt of which it is known here, without asking anybody, that there is no room for it.
    pub(super) fn check_exhausted(&self, limit: Limit) -> Result<(), AttemptError> {
        let exhausted = self
            .counter(limit)
            .and_then(|counter| self.ports.attempts.exhausted(&counter, self.ports.clock.now()));
        exhausted.map_or(Ok(()), |throttled| Err(self.throttled(throttled)))
    }

    /// Forgets what an account has seen of wrong passwords. That this fails is no reason to fail what it comes with: a
    /// wait passes by itself.
    pub(super) async fn forget_attempts(&self, user: UserId) {
        let _ = self.ports.attempts.forget(CounterKey::of_user(user)).await;
    }

    fn throttled(&self, throttled: Throttled) -> AttemptError {
        let denied = AuditEntry::denied(AuditAction::AttemptLimited, DenialReason::TooManyAttempts);
        self.audit(denied.detail(throttled.limit));
        AttemptError::Throttled(throttled)
    }

    fn counter(&self, limit: Limit) -> Option<Counter> {
        Counter::of(&self.caller, limit, &self.policy.attempts)
    }
}
