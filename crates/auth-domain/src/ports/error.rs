//! The error of all ports.

use thiserror::Error;

/// The technical cause of an error, for the operator's log only. It must not reach a client.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A port could not complete a call. Absence and denial are outcomes, not errors.
///
/// - MUST mean that the call has changed nothing. The one exception is [`Unavailable`](Self::Unavailable) when the answer to a
///   commit was lost: the whole change has happened then, or none of it. Repeating the call is safe: a registration reports
///   the name as taken, and a refresh within the retry window returns the current token.
#[derive(Debug, Error)]
pub enum PortError {
    /// The resource behind the port cannot be reached. The same call may succeed later.
    #[error("unavailable")]
    Unavailable(#[source] BoxError),
    /// The adapter has reached its limit of concurrent work. The same call may succeed shortly.
    #[error("overloaded")]
    Overloaded,
    /// The adapter found invalid data. The same call fails again.
    #[error("corrupt")]
    Corrupt(#[source] BoxError),
}
