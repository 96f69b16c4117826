//! Limits on attempts: the counters, and the decision about the next attempt.
//!
//! The functions are pure. An adapter reads the records under a lock, lets them decide, and stores the result before it
//! releases the lock.

mod account;
mod bucket;
mod counter;
mod guess;
mod policy;

pub use account::{AccountRecord, FailureStreak, KnownCaller};
pub use bucket::Bucket;
pub use counter::{Counter, CounterKey, Limit, Throttled};
pub use guess::{Guess, GuessOutcome, GuessRecords, GuessVerdict, Reservation};
pub use policy::{AccountPolicy, AttemptPolicy, Rate};

use std::time::Duration;

use super::Timestamp;

/// Whether a counter has capacity for another attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Capacity {
    /// An attempt is available.
    Available,
    /// An attempt becomes available if a pending guess succeeds.
    Pending,
    /// No attempt is available for this duration.
    Exhausted(Duration),
}

/// Removes the reservations that are at least `reservation` old, and returns when each of them expired.
fn take_expired(pending: &mut Vec<Timestamp>, reservation: Duration, now: Timestamp) -> Vec<Timestamp> {
    let expired = pending.extract_if(.., |at| at.plus(reservation) <= now);
    expired.map(|at| at.plus(reservation)).collect()
}

/// Removes one reservation made at `at`, and returns whether there was one.
fn take(pending: &mut Vec<Timestamp>, at: Timestamp) -> bool {
    let found = pending.iter().position(|other| *other == at);
    found.map(|index| pending.swap_remove(index)).is_some()
}
