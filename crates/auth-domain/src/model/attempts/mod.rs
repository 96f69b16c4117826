//! Attempts and the counters that limit them: whom they are counted for, and the judgement over the next one. Nothing
//! here waits or stores; adapters read the records under a lock, have them judge, and keep what is left of them.

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

/// Whether there is room for another attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Capacity {
    /// There is.
    Available,
    /// There will be, if those under way succeed.
    Pending,
    /// There is none for this long.
    Exhausted(Duration),
}

/// Takes those out that were reserved `reservation` ago or earlier; when each of them ran out.
fn take_expired(pending: &mut Vec<Timestamp>, reservation: Duration, now: Timestamp) -> Vec<Timestamp> {
    let expired = pending.extract_if(.., |at| at.plus(reservation) <= now);
    expired.map(|at| at.plus(reservation)).collect()
}

/// Takes out the one that was reserved at that time, or one of several; whether there was one.
fn take(pending: &mut Vec<Timestamp>, at: Timestamp) -> bool {
    let found = pending.iter().position(|other| *other == at);
    found.map(|index| pending.swap_remove(index)).is_some()
}
