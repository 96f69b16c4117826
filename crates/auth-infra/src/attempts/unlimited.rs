//! No limits.

use async_trait::async_trait;
use auth_domain::model::{Counter, CounterKey, Guess, GuessOutcome, Reservation, Throttled, Timestamp};
use auth_domain::ports::{AdmitOutcome, AttemptLimiter, PortError};

/// Counts nothing and lets everything through: for load tests, and where something in front of the service counts.
///
/// It keeps none of the promises of its port, on purpose.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoLimits;

#[async_trait]
impl AttemptLimiter for NoLimits {
    async fn admit(&self, guess: &Guess) -> Result<AdmitOutcome, PortError> {
        Ok(AdmitOutcome::Admitted(Reservation::new(guess.now)))
    }

    async fn settle(
        &self,
        _: &Guess,
        _: Reservation,
        _: GuessOutcome,
        _: Timestamp,
    ) -> Result<(), PortError> {
        Ok(())
    }

    async fn count(&self, _: &Counter, _: Timestamp) -> Result<Option<Throttled>, PortError> {
        Ok(None)
    }

    fn exhausted(&self, _: &Counter, _: Timestamp) -> Option<Throttled> {
        None
    }

    async fn forget(&self, _: CounterKey) -> Result<(), PortError> {
        Ok(())
    }

    async fn purge(&self, _: Timestamp, _: u32) -> Result<u64, PortError> {
        Ok(0)
    }
}
