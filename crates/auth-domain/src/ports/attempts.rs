//! The port to the counters of attempts.

use async_trait::async_trait;

use super::PortError;
use crate::model::{Counter, CounterKey, Guess, GuessOutcome, Reservation, Throttled, Timestamp};

/// Whether a password may be verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdmitOutcome {
    /// The password may be verified. The attempt is reserved until it is [settled](AttemptLimiter::settle).
    Admitted(Reservation),
    /// Too many attempts have failed.
    Throttled(Throttled),
}

/// Counts and limits attempts. All nodes of a deployment share the counters.
///
/// - MUST decide on a guess with [`GuessRecords::admit`](crate::model::GuessRecords::admit) on records read under a
///   lock. It MUST store the resulting records before another decision about one of these counters, whatever the
///   outcome of the guess. Nothing else decides: no cache, and no guess that waits for others.
/// - MUST reserve an attempt in all counters of a guess or in none, and return and settle the reservation of the domain.
/// - MUST decide again, with the time of that moment, while a guess depends on pending ones
///   ([`GuessVerdict::Wait`](crate::model::GuessVerdict::Wait)). After about two seconds it MUST return
///   [`PortError::Overloaded`].
/// - MUST settle a guess with [`GuessRecords::settle`](crate::model::GuessRecords::settle) under the same lock.
/// - MUST keep the counters of different keys separate.
/// - MUST count with [`Bucket::charge`](crate::model::Bucket::charge) under a lock: of concurrent attempts, exactly as
///   many pass as the bucket has tokens.
/// - MUST report a counter that it found exhausted as exhausted until a token is available again.
/// - MUST delete the record of the given account on request, and no other.
/// - MUST purge only expired records, and eventually all of them.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait AttemptLimiter: Send + Sync {
    /// Decides whether a password may be verified, and if so reserves the attempt.
    ///
    /// # Errors
    /// [`PortError::Overloaded`] when the decision still depends on pending guesses after about two seconds.
    async fn admit(&self, guess: &Guess) -> Result<AdmitOutcome, PortError>;

    /// Records the outcome of an admitted guess.
    async fn settle(
        &self,
        guess: &Guess,
        reservation: Reservation,
        outcome: GuessOutcome,
        now: Timestamp,
    ) -> Result<(), PortError>;

    /// Counts an attempt. Returns [`Throttled`] when the counter is exhausted; the attempt is not counted then.
    async fn count(&self, counter: &Counter, now: Timestamp) -> Result<Option<Throttled>, PortError>;

    /// Returns [`Throttled`] when the counter is known to be exhausted, from local memory and without a query. Another
    /// node may have newer information.
    fn exhausted(&self, counter: &Counter, now: Timestamp) -> Option<Throttled>;

    /// Deletes the record of an account: its failures and its known callers.
    async fn forget(&self, account: CounterKey) -> Result<(), PortError>;

    /// Deletes at most `limit` expired records and returns their number. 0 means that none is left.
    async fn purge(&self, now: Timestamp, limit: u32) -> Result<u64, PortError>;
}
