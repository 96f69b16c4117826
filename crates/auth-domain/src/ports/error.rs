//! How a port fails.

use thiserror::Error;

/// What an adapter knows of a fault, for the log of whoever runs the service and for nobody else.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A port could not do its work. Absence and refusal are not errors: they are outcomes.
///
/// An adapter that answers with an error MUST have changed nothing, with one exception: [`Unavailable`](Self::Unavailable)
/// may also mean that the answer to a commit was lost; the whole change has happened then, or none of it. Repeating the
/// call is safe: a registration answers that the name is taken, a refresh within the grace gets the same successor.
#[derive(Debug, Error)]
pub enum PortError {
    /// What the adapter works with is away: the same call may succeed later.
    #[error("unavailable")]
    Unavailable(#[source] BoxError),
    /// There is more work than the adapter takes at a time: the same call may succeed in a moment.
    #[error("overloaded")]
    Overloaded,
    /// What the adapter found makes no sense: the same call will fail again.
    #[error("corrupt")]
    Corrupt(#[source] BoxError),
}
