//! The port to the counters of attempts.

use async_trait::async_trait;

use super::PortError;
use crate::model::{Counter, CounterKey, Guess, GuessOutcome, Reservation, Throttled, Timestamp};

/// Whether a password may be tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdmitOutcome {
    /// It may. A place is kept for it until it is [settled](AttemptLimiter::settle).
    Admitted(Reservation),
    /// There were too many failures.
    Throttled(Throttled),
}

/// Counts attempts. All nodes of a deployment count together.
///
/// - MUST judge a guess by [`GuessRecords::admit`](crate::model::GuessRecords::admit) on records read under a lock, and
///   keep what that leaves of them before any other judgement over one of these counters, whatever becomes of the
///   guess later.
/// - MUST keep a place in all counters of a guess or in none.
/// - MUST judge a guess again, at the time it is then, while it depends on those under way
///   ([`GuessVerdict::Wait`](crate::model::GuessVerdict::Wait)), but not for longer than about two seconds: then answer
///   [`PortError::Overloaded`].
/// - MUST settle a guess by [`GuessRecords::settle`](crate::model::GuessRecords::settle) under the same lock.
/// - MUST keep the counters of different keys apart.
/// - MUST count by [`Bucket::charge`](crate::model::Bucket::charge) under a lock: of any number of attempts at once, as
///   many pass as there is room for.
/// - MUST tell of a counter that it found exhausted that it is, until there is room again.
/// - MUST forget one account when asked to, and no other.
/// - MUST purge only records that have expired, and in the end all of them.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait AttemptLimiter: Send + Sync {
    /// Whether a password may be tried. A place is kept for it if so.
    ///
    /// # Errors
    /// [`PortError::Overloaded`] when it still depends on guesses under way after a while.
    async fn admit(&self, guess: &Guess) -> Result<AdmitOutcome, PortError>;

    /// Notes what came of a guess that was admitted.
    async fn settle(
        &self,
        guess: &Guess,
        reservation: Reservation,
        outcome: GuessOutcome,
        now: Timestamp,
    ) -> Result<(), PortError>;

    /// Counts an attempt; what to say if there is no room for it, and it was not counted.
    async fn count(&self, counter: &Counter, now: Timestamp) -> Result<Option<Throttled>, PortError>;

    /// What to say to an attempt if this counter is known to be exhausted, from what is at hand and without asking
    /// anybody: another node may know better.
    fn exhausted(&self, counter: &Counter, now: Timestamp) -> Option<Throttled>;

    /// Forgets all that an account has seen: its failures and the places that it knows.
    async fn forget(&self, account: CounterKey) -> Result<(), PortError>;

    /// Deletes at most `limit` records that have expired; how many. 0 when nothing is left.
    async fn purge(&self, now: Timestamp, limit: u32) -> Result<u64, PortError>;
}
