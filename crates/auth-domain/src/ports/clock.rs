//! The port to the clock.

use crate::model::Timestamp;

/// Returns the current time.
///
/// - MUST return UTC. The clock need not be monotonic: every use tolerates a clock that steps back.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
pub trait Clock: Send + Sync {
    /// Returns the current time.
    fn now(&self) -> Timestamp;
}
