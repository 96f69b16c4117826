//! The port to the time.

use crate::model::Timestamp;

/// Tells the time.
///
/// - MUST tell UTC. It need not be monotonic: every use copes with a clock that steps back.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
pub trait Clock: Send + Sync {
    /// The time now.
    fn now(&self) -> Timestamp;
}
